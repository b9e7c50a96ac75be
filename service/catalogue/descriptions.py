"""Recognition of a document by a description, such as "the post about the washing machine".

Pure functions, no model. A description names a document if all its content words stand in the
title, the file name or another name of one work, and of no other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from corpus.types import Source
from index.lexical.tokenizer import is_japanese
from service.catalogue.matching import folded_letters
from service.catalogue.snapshot import Catalogue, NameWords
from service.text.alignment import content_words

WORK = (
    r"(?:papers?|articles?|works?|stud(?:y|ies)|documents?|sources?|texts?|files?|pdfs?|reports?"
    r"|books?|(?:blog )?posts?|blogs?|essays?|thes[ie]s|preprints?|slides|guides?|manuals?|readmes?"
    r"|(?:model )?cards?|reviews?|notes?|tutorials?|memos?|letters?|handbooks?|write-?ups?)"
)
WORK_JA = (
    r"(?:論文|記事|資料|文書|文献|文章|ドキュメント|ファイル|レポート|報告書|本|ブログ|投稿|説明書"
    r"|マニュアル|手引き?|ガイド|書評|レビュー|メモ|カード)"
)
_LONGEST = 6  # words of a description
# Words before a description that do not belong to it.
_BEFORE = frozenset(
    (
        "a an the this that these those your my our his her their its of in on for by from to with"
        " and or vs versus about is are was were do does did has have how what which who when where"
        " why between than me us i you please summarise summarize summarising summarizing summary"
        " summed sum up compare comparing contrast explain describe wrote write writes cite cites"
        " cited title titles author authors date licence license pages abstract give list tell"
        " latest newest recent new old other another first second last short long whole entire same"
    ).split()
)
_WORD = re.compile(r"[^\s,;:!?。、\"“”「」()]*[^\W_]")
_NOUN = re.compile(rf"\b{WORK}\b", re.IGNORECASE)
_ONE = re.compile(r"\bones?\b", re.IGNORECASE)
# "the post about the washing machine": up to the end, without verbs such as "was published"
_ABOUT = re.compile(
    rf"\b{WORK}\s+(?:is\s+)?(?:about|on|regarding|concerning|called|titled|entitled)\s+"
    r"(?P<about>[^,;:!?。]+?)(?:\s+(?:was|were|is|been|written|published|posted|released|from|about"
    r"|says?|cites?|have|has|long))*[\s.?!]*$",
    re.IGNORECASE,
)
_JAPANESE = re.compile(
    rf"(?P<of>[^、。，\s「」『』はをがで]{{2,30}}?)(?P<link>の|について(?:の|書いた)?|に関する|を扱った)"
    rf"(?P<noun>{WORK_JA})"
)
# In a comparison or a summary, one word with a capital inside or a digit may name a document.
_OVERVIEW = re.compile(
    r"\b(?:compar\w+|differ\w*|differences?|versus|vs|contrast|summar\w+|sum up|overview|tl;?dr)\b"
    r"|比較|比べ|違い|要約|まとめ",
    re.IGNORECASE,
)
_UNUSUAL = re.compile(r"(?<![\w-])(?=\w*[A-Z0-9])\w+[A-Z0-9]\w*(?![\w-])", re.ASCII)


def described_sources(text: str, catalogue: Catalogue) -> Iterator[tuple[Source, int, int]]:
    """Yield the sources that a question describes, each with the span of its description.

    Args:
        text: A question about documents, in one width.
        catalogue: The sources that it may mean.
    """
    for start, end, noun_end in (*_english(text), *_japanese(text)):
        for last in dict.fromkeys((noun_end, end)):  # "the museum guide" may be called a guide
            if found := _one_work(text[start:last], catalogue.name_words):
                yield from ((source, start, last) for source in found)
                break
    if _OVERVIEW.search(text):
        for match in _UNUSUAL.finditer(text):
            for source in _one_work(match[0], catalogue.name_words):
                yield source, *match.span()


def _english(text: str) -> Iterator[tuple[int, int, int]]:
    """Yield the start and end of each English description, and the end of the noun behind it."""
    words = [match.span() for match in _WORD.finditer(text)]
    nouns = list(_NOUN.finditer(text))
    for noun in (*nouns, *(_ONE.finditer(text) if nouns else ())):
        before = [span for span in words if span[1] <= noun.start()][-_LONGEST:]
        kept: list[tuple[int, int]] = []
        for start, end in reversed(before):
            gap = text[end : kept[-1][0] if kept else noun.start()]
            if gap.strip() or text[start:end].casefold() in _BEFORE:
                break
            kept.append((start, end))
        if kept:
            one = _ONE.fullmatch(noun[0])
            yield kept[-1][0], kept[0][1], kept[0][1] if one else noun.end()
    if match := _ABOUT.search(text):
        yield *match.span("about"), match.end("about")


def _japanese(text: str) -> Iterator[tuple[int, int, int]]:
    """Yield the same of each Japanese description."""
    for match in _JAPANESE.finditer(text):
        yield *match.span("of"), match.end("noun")


def _one_work(wanted: str, names: Sequence[tuple[Source, NameWords]]) -> list[Source]:
    """Return the texts of the only work whose names have every content word; else nothing."""
    words, letters = {word.text for word in content_words(wanted)}, folded_letters(wanted)
    whole = is_japanese(wanted) and len(letters) > 1
    if not whole and not any(len(word) > 1 for word in words):
        return []
    found = [
        source
        for source, known in names
        if (whole and letters in known.letters) or (words and all(map(known.has, words)))
    ]
    return found if len({source.work_key for source in found}) == 1 else []
