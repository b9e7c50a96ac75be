"""Recognition of the sources that a question names: by title, file, author or venue.

Pure functions, no model. A name that is also an ordinary word counts only where the question is
about a document: "react" names ReAct in "the react paper", and nothing in "how cells react".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from corpus.types import Source
from service.catalogue.descriptions import WORK, WORK_JA, described_sources
from service.catalogue.matching import FoldedText, folded_letters
from service.catalogue.names import FILE_SUFFIX, NameKind, known_title
from service.catalogue.snapshot import Catalogue
from service.query import language_of

_ORDER: tuple[NameKind, ...] = (
    "title",
    "short title",
    "file name",
    "coined name",
    "part of title",
    "author",
    "venue",
    "only",
)
_ABOUT_A_WORK = re.compile(
    rf"\b(?:{WORK}|(?:co-?)?authors?|wr(?:o|i)tes?|written|writ(?:er|ing)|publish\w*|cit(?:e[sd]?|ing)"
    r"|citations?|referenc\w+|licen[cs]\w+|venue|titles?|pages?|summar\w+|abstract|compar\w+"
    r"|differ\w*|versus|vs|tl;?dr|overview)\b"
    rf"|{WORK_JA}|著者|筆者|作者|書い|書か|発表|公開|出版|掲載|引用|要約|要旨|概要|まとめ|比較|比べ"
    r"|違い|ページ|ライセンス|題名|タイトル",
    re.IGNORECASE,
)
_THIS_WORK = re.compile(
    rf"\b(?:this|the)\s+(?:(?:whole|entire|full|same|attached|uploaded|research|conference|journal"
    rf"|blog|pdf|html|text)\s+)?{WORK}\b(?!\s+(?:by|of|on|about|from|called)\s+\w)"
    r"|\bwhat(?:['’]s| is) (?:this|it) (?:all )?about\b|\b(?:who wrote|summari[sz]e) (?:this|it)\b"
    rf"|(?:この|その|本|当該){WORK_JA}|本稿|^{WORK_JA}(?=[のをはが])|これは何|これを(?:書いた|要約)",
    re.IGNORECASE,
)
_STOP = frozenset(
    "a an the of for to in on and or with by from at as is are be via using toward towards how what"
    " why can do does we it its into over under".split()
)
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
# A version number after a name, which makes it the name of another work: Whisper 2 is not Whisper.
_VERSION = re.compile(
    rf"\s+v?\d{{1,2}}(?:\.\d+)?(?=\s*(?:{WORK}\b|{WORK_JA}|[のはを?.!。？]|$))", re.IGNORECASE
)
_OF_ANOTHER_WORK = re.compile(r"\breview\b|\breading\b|書評|感想|を読んで", re.IGNORECASE)
_LONG_ENOUGH_JA = 6  # letters of a Japanese title that name it
_LONGEST_QUESTION = 500  # characters of a question in which names are looked for
_LONGEST_TITLE = 300  # letters of a title that are compared


@dataclass(frozen=True, slots=True)
class NamedSource:
    """A source that a question names.

    Attributes:
        source: The source; of several texts of a work, the one in the question's language.
        by: What named it.
        words: The words of the question that did, in one width.
        start: Where they begin in the question.
    """

    source: Source
    by: NameKind
    words: str
    start: int


@dataclass(frozen=True, slots=True)
class _Mention:
    source: Source
    by: NameKind
    start: int
    end: int


def named_sources(question: str, catalogue: Catalogue) -> tuple[NamedSource, ...]:
    """Find the sources that a question names, best first.

    Two works that are named alike, such as by the same title, are both returned. Texts of one
    work count once.

    Args:
        question: The question, in English or Japanese.
        catalogue: The sources that it may mean.

    Returns:
        Those named by a title or file first, then by part of a title, by an author, by venue and
        year; among these in the question's order. Empty if it names none.
    """
    text = FoldedText.of(question[:_LONGEST_QUESTION])
    about_a_work = bool(_ABOUT_A_WORK.search(text.shown))
    found = list(_by_name(text, catalogue, about_a_work))
    if about_a_work:
        found += _by_part_of_title(text, catalogue)
        described = described_sources(text.shown, catalogue)
        found += [_Mention(source, "part of title", *span) for source, *span in described]
    found = _longest(found)
    if not found:
        found = [*_by_author(text, catalogue)] or [*_by_venue(text, catalogue.sources)]
    if not found and (this := _THIS_WORK.search(text.shown)):
        one_work = {source.work_key for source in catalogue.sources}
        if len(one_work) == 1:
            found = [_Mention(s, "only", *this.span()) for s in catalogue.sources]
    return _one_text_per_work(found, catalogue.sources, text, language_of(question))


def is_of_another_work(named: NamedSource, question: str) -> bool:
    """Return whether a question may mean the book that the source it names is a review of."""
    title = known_title(named.source)
    review = named.by == "part of title" and _OF_ANOTHER_WORK.search(title)
    return bool(review) and not re.search(rf"\b{WORK}\b|{WORK_JA}", question, re.IGNORECASE)


def _by_name(text: FoldedText, catalogue: Catalogue, about_a_work: bool) -> Iterator[_Mention]:
    for source, letters, kind in catalogue.names:
        for start, end in text.find(letters):
            another = _VERSION.match(text.shown, end)
            if not another and (about_a_work or _is_distinctive(text, start, end)):
                yield _Mention(source, kind, start, end)


def _is_distinctive(text: FoldedText, start: int, end: int) -> bool:
    """Return whether words of a question can only be a name, and not ordinary words.

    One word must have a capital inside or a digit; Japanese must be long, or in brackets.
    """
    shown, quoted = text.shown[start:end], text.shown[max(0, start - 1) : start] in '「『“"'
    if (start and quoted) or FILE_SUFFIX.search(shown):
        return True
    if not shown.isascii():
        return len(folded_letters(shown)) >= _LONG_ENOUGH_JA
    words = re.findall(r"[A-Za-z0-9]+", shown)
    if len(words) == 1:
        return any(c.isupper() or c.isdigit() for c in shown[1:])
    return len(words) >= 4 or any(c.isupper() or c.isdigit() for c in shown)


def _by_part_of_title(text: FoldedText, catalogue: Catalogue) -> Iterator[_Mention]:
    """Yield the sources of whose titles the question has a part that no other title has."""
    titles = [(source, letters) for source, letters, kind in catalogue.names if kind == "title"]
    hints = _hints(text)
    best: dict[str, tuple[Source, tuple[int, int]]] = {}
    for source, letters in titles:
        if not any(hint in letters for hint in hints):
            continue
        if span := _shared_part(text, known_title(source)):
            best[source.id] = source, span
    works: dict[str, set[str]] = {}
    for _, span in best.values():
        part = folded_letters(text.shown[slice(*span)])
        if part not in works:
            works[part] = {source.work_key for source, letters in titles if part in letters}
    for source, span in best.values():
        if works[folded_letters(text.shown[slice(*span)])] <= {source.work_key}:
            yield _Mention(source, "part of title", *span)


def _hints(text: FoldedText) -> set[str]:
    """Return strings of letters of which a title has one if the question has a part of it."""
    words = [folded_letters(word) for word in re.findall(r"[^\W_]+", text.shown)]
    pairs = {one + other for one, other in pairwise(words)}
    ends = range(_LONG_ENOUGH_JA, len(text.letters) + 1)
    runs = {text.letters[end - _LONG_ENOUGH_JA : end] for end in ends}
    japanese = {run for run in runs if any(c >= "\u3041" for c in run)}
    return pairs | japanese


def _shared_part(text: FoldedText, title: str) -> tuple[int, int] | None:
    """Find the longest run of a title's words in a question that is enough to name it."""
    if not any(c >= "\u3041" for c in title):
        return _shared_words(text, title)
    letters = folded_letters(title)[:_LONGEST_TITLE]
    at, best, length = 0, 0, 0
    while at + _LONG_ENOUGH_JA <= len(letters):
        start = text.letters.find(letters[at : at + _LONG_ENOUGH_JA])
        shared = _common_length(text.letters[start:], letters[at:]) if start >= 0 else 0
        if shared > length:
            best, length = start, shared
        at += max(1, shared - _LONG_ENOUGH_JA + 1)
    if length and (2 * length >= len(letters) or length >= 2 * _LONG_ENOUGH_JA):
        return text.places[best], text.places[best + length - 1] + 1
    return None


def _common_length(one: str, other: str) -> int:
    pairs = enumerate(zip(one, other, strict=False))
    return next((n for n, (a, b) in pairs if a != b), min(len(one), len(other)))


def _shared_words(text: FoldedText, title: str) -> tuple[int, int] | None:
    asked = [(m[0].casefold(), m.start(), m.end()) for m in re.finditer(r"[^\W_]+", text.shown)]
    words = [word.casefold() for word in re.findall(r"[^\W_]+", title[:_LONGEST_TITLE])]
    title_pairs = {pair: n for n, pair in reversed(list(enumerate(pairwise(words))))}
    best: tuple[int, int, int] | None = None  # content words, first and last word asked
    for i, pair in enumerate(pairwise([word for word, _, _ in asked])):
        at = title_pairs.get(pair)
        if at is None:
            continue
        length = 0
        while (
            i + length < len(asked)
            and at + length < len(words)
            and asked[i + length][0] == words[at + length]
        ):
            length += 1
        content = sum(word not in _STOP for word, _, _ in asked[i : i + length])
        if best is None or content > best[0]:
            best = content, i, i + length - 1
    if best and best[0] >= 2:
        return asked[best[1]][1], asked[best[2]][2]
    return None


def _by_author(text: FoldedText, catalogue: Catalogue) -> Iterator[_Mention]:
    """Yield the sources that "Yao's paper", "Yao et al. (2023)" or 「本田さんの記事」 names."""
    years, question = set(_YEAR.findall(text.shown)), text.shown.casefold()
    found: dict[str, tuple[int, _Mention]] = {}
    for source, place, forms in catalogue.people:
        for form, folded in forms:
            if folded not in question or source.id in found:
                continue
            if span := _author_span(text.shown, form):
                found[source.id] = place, _Mention(source, "author", *span)
    dated = [each for each in found.values() if each[1].source.published[:4] in years]
    by_place = sorted(dated or found.values(), key=lambda each: each[0] > 0)
    yield from (mention for _, mention in by_place)


def _author_span(question: str, name: str) -> tuple[int, int] | None:
    """Find a person's name where it stands for what that person wrote."""
    word, edge = re.escape(name), "" if name[0] >= "\u3041" else r"(?<![^\W_])"
    patterns = (
        rf"{edge}({word})['’]s?\s(?:\S+\s){{0,4}}?{WORK}\b",
        rf"{edge}({word})(?:\s+et\s+al\b|\s+and\s+(?:colleagues|co-?authors)"
        rf"|\s*\(?{_YEAR.pattern})",
        rf"\b{WORK}\b(?:\s+\w+){{0,3}}\s+(?:by|of|from)\s+(?:\w+\s+){{0,2}}({word})(?![^\W_])",
        rf"{edge}({word})\s+{WORK}\b",
        rf"{edge}({word})\s*(?:ら|さん|氏|先生|たち)?(?:の|が(?:書い|発表し)た?)[^。]{{0,12}}?{WORK_JA}",
    )
    flags = re.IGNORECASE if " " in name else re.NOFLAG  # a surname alone may be a word
    matches = (re.search(pattern, question, flags) for pattern in patterns)
    return next((match.span(1) for match in matches if match), None)


def _by_venue(text: FoldedText, sources: Sequence[Source]) -> Iterator[_Mention]:
    """Yield the sources that "the CVPR 2022 paper" names; venue and year must both be right."""
    if not re.search(rf"\b{WORK}\b|{WORK_JA}", text.shown, re.IGNORECASE):
        return
    years = {match[0]: match.span() for match in _YEAR.finditer(text.shown)}
    for source in sources:
        venue = _YEAR.sub("", source.venue).strip(" ,.-'’()")
        of_venue = _YEAR.findall(source.venue) or [source.published[:4]]
        year = next((year for year in of_venue if year in years), "")
        span = next(text.find(folded_letters(venue)), None) if len(venue) >= 2 else None
        if span and year:
            yield _Mention(
                source, "venue", min(span[0], years[year][0]), max(span[1], years[year][1])
            )


def _longest(found: Sequence[_Mention]) -> list[_Mention]:
    """Leave out what lies inside a longer mention: NeRF in Block-NeRF."""

    def within(inner: _Mention, outer: _Mention) -> bool:
        longer = outer.end - outer.start > inner.end - inner.start
        return longer and outer.start < inner.end and inner.start < outer.end

    return [m for m in found if not any(within(m, other) for other in found)]


def _one_text_per_work(
    found: Sequence[_Mention], sources: Sequence[Source], text: FoldedText, language: str
) -> tuple[NamedSource, ...]:
    """Choose one text of each work, in the question's language where there is one."""
    works: dict[str, list[_Mention]] = {}
    for mention in sorted(found, key=lambda m: _ORDER.index(m.by)):
        works.setdefault(mention.source.work_key, []).append(mention)
    chosen: list[NamedSource] = []
    for mentions in works.values():
        first = mentions[0]
        texts = [s for s in sources if s.work_key == first.source.work_key]
        words = text.shown[first.start : first.end]
        if FILE_SUFFIX.search(words):  # which names one text, and no other of the work
            texts = [first.source]
        pick = min(texts, key=lambda s: (s.language != language, s.kind == "digest"))
        chosen.append(NamedSource(pick, first.by, words, first.start))
    ranked = {n.source.id: i for i, n in enumerate(chosen)}
    return tuple(sorted(chosen, key=lambda n: (_rank(n.by), n.start, ranked[n.source.id])))


def _rank(by: NameKind) -> int:
    """Order kinds of names; a title, its short form and a file name count alike."""
    return max(0, _ORDER.index(by) - _ORDER.index("coined name"))
