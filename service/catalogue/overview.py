"""Summaries and comparisons without a model: the abstract of each work, or its first sentences.

Pure functions over a store. Sentences are verbatim, so they are checked like any quote; a remark
says what they are.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from corpus.store.store import Store
from corpus.types import Passage, Source
from service.catalogue.names import displayed_title, known_title, subject
from service.messages import joined, reader_message
from service.text.prompt_injection import for_readers
from service.types import Draft, Evidence

MAX_SENTENCES = 5  # of one work
LEAD_SENTENCES = 3  # first ones of a work that has no abstract, and of each in a comparison
MAX_WORKS = 4  # in a comparison
_PASSAGES = 40  # first passages of a document in which the sentences are looked for

Origin = Literal["abstract", "lead", "sections"]

_NUMBER = r"^(?:(?:\d+|[IVX]+)(?:\.\d+)*\.?\s*|第\d+章\s*|[\[(（【]?\s*)?"
_ABSTRACT = re.compile(
    rf"{_NUMBER}(?:abstract|summary|executive summary|tl;?dr|概要|要旨|要約|抄録|梗概|あらまし"
    r"|アブストラクト)\s*[\])）】.:：—-]*$",
    re.IGNORECASE,
)
_INTRODUCTION = re.compile(
    rf"{_NUMBER}(?:introduction|background|はじめに|まえがき|序論|緒言|序章|導入|背景)\s*[.:：]*$",
    re.IGNORECASE,
)
_OPENING_JA = re.compile(rf"{_NUMBER}(?:はじめに|まえがき|序論)\s*[.:：]*$")
# A section about the document itself, which does not say what the document is about.
_PUBLICATION = re.compile(
    rf"{_NUMBER}(?:publication|publishing|citation|citing|authors?|bibliograph|licen[cs]e"
    r"|書誌|出版|発表|公開|著者|引用)",
    re.IGNORECASE,
)
_BACK_MATTER = re.compile(
    rf"{_NUMBER}(?:references|bibliography|acknowledge?ments?|appendix(?: \w+)?|appendices"
    r"|(?:table of )?contents|see also|further reading|comments?|related posts|about the author"
    r"|(?:参考|引用)?文献|謝辞|付録\w?|目次|関連記事|コメント|著者について)\s*[.:：]*$",
    re.IGNORECASE,
)
# "In this post I compare two protocols" sums a text up better than its first sentences.
_ANNOUNCES = re.compile(
    r"\b(?:in )?this (?:blog )?(?:post|article|report|guide|document|tutorial|note|essay|review)\b"
    r"|(?:本|この)(?:記事|稿|報告書?|資料|文書)(?:では|は)|今回は",
    re.IGNORECASE,
)
_OPENING = 15  # first sentences in which a text may announce what it is about
_ENDS = re.compile(r"[.!?。！？．｡][」』）)”’\"'\]]*(?:\[\d{1,3}\])*$")
_CAPTION = re.compile(
    r"(?:fig(?:ure)?s?\.?|tables?|listing|algorithm|図|表|写真)\s*[\d０-９]+\s*[.:：|。]?",
    re.IGNORECASE,
)
_MATTER = re.compile(
    r"@|https?://|\barxiv:|\bdoi:|©|copyright|all rights reserved|permission to make"
    r"|\bpublished (?:as|at|in) a|\b(?:corresponding|equal) (?:author|contribution)|\bdemo:"
    r"|無断転載|著作権",
    re.IGNORECASE,
)
_KEYWORDS = re.compile(
    r"^(?:key ?words|index terms|categories|general terms|キーワード)", re.IGNORECASE
)
_MIN_LATIN, _MIN_JAPANESE = 25, 12  # characters of a sentence


@dataclass(frozen=True, slots=True)
class Overview:
    """Sentences of some works, verbatim, that stand in for a summary or a comparison.

    Attributes:
        drafts: The sentences, work by work, each citing the label of its passage.
        evidence: The passages that they stand in, labelled from 1.
        reason: What the sentences are, in the question's language.
    """

    drafts: tuple[Draft, ...]
    evidence: tuple[Evidence, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class _Lead:
    """Sentences of one work with the passages that hold them, and where they are from."""

    sentences: tuple[tuple[Passage, str], ...]
    origin: Origin


def overview(store: Store, sources: Sequence[Source], language: str) -> Overview:
    """Show the abstract of a work, or else what it and its next sections begin with.

    Several works are shown side by side.

    Args:
        store: The store that has their documents.
        sources: The works, at most ``MAX_WORKS`` of which are shown.
        language: ``en`` or ``ja``, the language of the remark.

    Returns:
        Up to five sentences of an abstract, or of a Japanese introduction; else the first three of
        the work and the first of its next two sections. Of each of several works, three sentences.
        Without any, there are no drafts and the reason says so.
    """
    works = list(sources[:MAX_WORKS])
    limit = MAX_SENTENCES if len(works) == 1 else LEAD_SENTENCES
    leads = {source.id: _lead(store, source, limit) for source in works}
    evidence: list[Evidence] = []
    drafts: list[Draft] = []
    for source in works:
        labels: dict[str, int] = {}
        for passage, text in leads[source.id].sentences:
            if passage.id not in labels:
                labels[passage.id] = len(evidence) + 1
                evidence.append(Evidence(len(evidence) + 1, passage, source, 0.0))
            drafts.append(Draft(text, (labels[passage.id],)))
    reason = _reason(works, leads, language)
    return Overview(tuple(drafts), tuple(evidence), reason)


def lead_text(store: Store, source: Source) -> str:
    """Return the title of a work and the sentences that show what it is about, as one text."""
    said = " ".join(text for _, text in _lead(store, source, LEAD_SENTENCES).sentences)
    return ". ".join(filter(None, (known_title(source), said)))


def _reason(works: Sequence[Source], leads: dict[str, _Lead], language: str) -> str:
    shown = [source for source in works if leads[source.id].sentences]
    empty = [source for source in works if not leads[source.id].sentences]
    parts = []
    if len(shown) == 1:
        name = f"overview_{leads[shown[0].id].origin}"
        parts.append(reader_message(name, language, subject(shown[0], works, language)))
    elif shown:
        names = [subject(source, works, language) for source in shown]
        parts.append(reader_message("overview_side_by_side", language, _and(names, language)))
    for source in empty:
        name = displayed_title(source, language)
        parts.append(reader_message("overview_nothing", language, name))
    return joined(parts, language)


def _and(names: Sequence[str], language: str) -> str:
    if language == "ja":
        return "と".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _lead(store: Store, source: Source, limit: int) -> _Lead:
    """Find the sentences that show what a work is about."""
    rows = store.rows([source.id])[:_PASSAGES]
    found = store.passages(rows)
    passages = sorted((found[row][0] for row in rows if row in found), key=lambda p: p.start)
    for headed in (_ABSTRACT, _OPENING_JA):
        under = [p for p in passages if headed.search(_last_heading(p))]
        if abstract := _sentences(under, source, limit):
            origin: Origin = "abstract" if headed is _ABSTRACT else "lead"
            return _Lead(abstract, origin)
    start = next((p.start for p in passages if _INTRODUCTION.search(_last_heading(p))), 0)
    before = [p for p in passages if p.start < start]
    contents = [p for p in passages if not _PUBLICATION.search(_last_heading(p))]
    for part in (before, contents, passages):
        opening = [p for p in part if p.heading == part[0].heading]
        lead = _announced(_sentences(opening, source, _OPENING))
        if len(lead) < LEAD_SENTENCES:
            lead = _sentences(part, source, LEAD_SENTENCES)
        if lead:
            openings = _openings(contents, source, lead, limit - LEAD_SENTENCES)
            return _Lead((*lead, *openings), "sections" if openings else "lead")
    return _Lead((), "lead")


def _openings(
    contents: Sequence[Passage],
    source: Source,
    lead: Sequence[tuple[Passage, str]],
    most: int,
) -> list[tuple[Passage, str]]:
    """Take the first sentences of as many sections that the lead has none of."""
    chosen = list(lead)
    heads = {passage.heading for passage, _ in lead}
    for passage in contents if most > 0 else ():
        if passage.heading in heads or any(map(_BACK_MATTER.search, _headings(passage))):
            continue
        said = {text for _, text in chosen}
        found = [
            each for each in _sentences([passage], source, LEAD_SENTENCES) if each[1] not in said
        ]
        if found:
            heads.add(passage.heading)
            chosen.append(found[0])
        if len(chosen) == len(lead) + most:
            break
    return chosen[len(lead) :]


def _announced(opening: tuple[tuple[Passage, str], ...]) -> tuple[tuple[Passage, str], ...]:
    """Choose the first sentences; a later one that announces the topic replaces their last."""
    lead = opening[:LEAD_SENTENCES]
    if any(_ANNOUNCES.search(text) for _, text in lead):
        return lead
    announcing = [each for each in opening[LEAD_SENTENCES:] if _ANNOUNCES.search(each[1])]
    return (*lead[:-1], announcing[0]) if announcing else lead


def _headings(passage: Passage) -> list[str]:
    return [heading.strip() for heading in passage.heading.split(" › ")]


def _last_heading(passage: Passage) -> str:
    return _headings(passage)[-1]


def _sentences(
    passages: Sequence[Passage], source: Source, limit: int
) -> tuple[tuple[Passage, str], ...]:
    """Take the first sentences of prose of some passages."""
    chosen: list[tuple[Passage, str]] = []
    skipped = {known_title(source), *(_last_heading(p) for p in passages)}
    for passage in passages:
        for start, end in for_readers(passage.text):
            text = passage.text[start:end]
            if text not in skipped and _is_prose(text):
                chosen.append((passage, text))
                skipped.add(text)
            if len(chosen) == limit:
                return tuple(chosen)
    return tuple(chosen)


def _is_prose(text: str) -> bool:
    """Return whether a sentence is one: no heading, byline, caption, address or row of a table."""
    japanese = any("\u3041" <= c <= "\u30ff" for c in text)
    if len(text) < (_MIN_JAPANESE if japanese else _MIN_LATIN) or not _ENDS.search(text):
        return False
    if text[-1] in "?？":  # it asks, and says nothing
        return False
    if "|" in text or "\t" in text or text.count("\n") > 2:
        return False
    if _CAPTION.match(text) or _MATTER.search(text) or _KEYWORDS.match(text):
        return False
    if japanese:
        return True
    words = re.findall(r"[^\W\d_]+", text)
    lower = sum(word.islower() for word in words)
    return len(words) >= 5 and 3 * lower >= len(words)
