"""Chunking: cutting a document into passages of whole sentences, each within one section."""

from __future__ import annotations

import re

from corpus.text.sentences import sentence_spans
from corpus.types import Document, Passage, Section, Source, page_at, passage_id, text_hash

TARGET_WIDTH = 800  # in units of text_width: about 170 tokens of multilingual-e5, in any language
MAX_WIDTH = 1200  # no passage is wider; a longer sentence is cut
MAX_HEADING_WIDTH = 300  # characters of a heading that are repeated with each passage below it
_CJK_WIDTH = 2.2  # a kana or kanji carries about as much meaning as this many Latin letters
# A list of references is recognised by its heading and by its entries: each has a year, a link or
# a page number.
_WORKS_CITED = re.compile(
    r"(?:[\dA-ZIVX.]+\s+)?(?:references?(?: cited)?|bibliography|works cited|literature(?: cited)?"
    r"|literaturverzeichnis|参考文献|引用文献|文献|参考資料)\W*",
    re.IGNORECASE,
)
_ENTRY = re.compile(r"^\[\d+\]|\b(?:19|20)\d\d[a-z]?\b|https?://|\bdoi\b|\bpp?\.\s*\d|arXiv")


def split_into_passages(document: Document) -> list[Passage]:
    """Cut a document into its passages, in order.

    A passage never crosses a heading. Within a section, sentences are added until the next one
    would exceed the target width; breaks between paragraphs are preferred. Lists of references
    are left out: they name works and state nothing themselves.

    Returns:
        Passages for which ``document.text[p.start:p.end] == p.text`` holds.
    """
    version = text_hash(document.text)
    headings = _heading_chains(document.sections)
    passages = []
    for body_start, body_end, heading in _bodies(document, headings):
        for start, end in _pack(document.text, body_start, body_end):
            page = page_at(document.pages, start)
            passages.append(
                Passage(
                    id=passage_id(document.source.id, version, start, end),
                    source_id=document.source.id,
                    start=start,
                    end=end,
                    text=document.text[start:end],
                    heading=heading,
                    page=page.number if page else None,
                )
            )
    return passages


def with_headings(text: str, passage: Passage, source: Source) -> str:
    """Put a source's title and a passage's headings in front of a text from that passage.

    This form is embedded, searched and checked, because a sentence seldom repeats the topic that
    its heading names.

    Args:
        text: the passage's text or a part of it.
        passage: the passage.
        source: its source.

    Returns:
        The title and headings as one line, then the text; the text alone if there are none.
    """
    heads = [source.title] if source.title and source.title not in passage.heading else []
    heads += [passage.heading] if passage.heading else []
    return "\n".join([" › ".join(heads), text]) if heads else text


def _heading_chains(sections: tuple[Section, ...]) -> list[str]:
    chains: list[str] = []
    open_sections: list[Section] = []
    for section in sections:
        open_sections = [s for s in open_sections if s.level < section.level] + [section]
        chains.append(" › ".join(s.heading[:MAX_HEADING_WIDTH] for s in open_sections))
    return chains


def _bodies(document: Document, headings: list[str]) -> list[tuple[int, int, str]]:
    """Find the spans of text below each heading, without the heading lines themselves."""
    text, sections = document.text, document.sections
    first = sections[0].start if sections else len(text)
    bodies = [(0, first, "")]
    for section, heading in zip(sections, headings, strict=True):
        line_end = section.start + len(section.heading)
        repeated = text.startswith(section.heading, section.start)
        bodies.append((line_end if repeated else section.start, section.end, heading))
    kept = [(a, b, heading) for a, b, heading in bodies if not _is_works_cited(heading, text[a:b])]
    # A document that is hardly anything but such a list is cut as it is.
    return kept if sum(b - a for a, b, _ in kept) > len(text) / 10 else bodies


def _is_works_cited(heading: str, body: str) -> bool:
    """Return whether a section is a list of references, or a part of one."""
    if not any(map(_WORKS_CITED.fullmatch, heading.split(" › "))):
        return False
    entries = body.split("\n\n") if "\n\n" in body.strip() else body.split("\n")
    entries = [entry for each in entries if (entry := each.strip())]
    return 2 * sum(bool(_ENTRY.search(entry)) for entry in entries) >= len(entries)


def _pack(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Group sentences to spans of at most MAX_WIDTH that cover all of text[start:end]."""
    spans: list[tuple[int, int]] = []
    filled = 0.0
    for a, b in _pieces(text, start, end):
        piece = text_width(text[a:b])
        if spans:
            whole = filled + text_width(text[spans[-1][1] : b])
            if "\n\n" in text[spans[-1][1] : a]:
                room = 0.75 * TARGET_WIDTH  # a new paragraph is a good place to break
            else:  # a short sentence may exceed the target, rather than begin a passage
                room = TARGET_WIDTH if piece > TARGET_WIDTH / 8 else 1.25 * TARGET_WIDTH
            if whole <= room:
                spans[-1] = (spans[-1][0], b)
                filled = whole
                continue
        spans.append((a, b))
        filled = piece
    return spans


def _pieces(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Find the sentences of text[start:end]; one that is too long is cut between words."""
    pieces = []
    for a, b in sentence_spans(text[start:end]):
        a, b = a + start, b + start
        # No character is narrower than 1, so these are enough to know.
        while text_width(text[a : min(b, a + MAX_WIDTH + 1)]) > MAX_WIDTH:
            cut = _cut(text, a, b)
            pieces.append((a, a + len(text[a:cut].rstrip())))
            a = cut
            while a < b and text[a].isspace():
                a += 1
        if a < b:
            pieces.append((a, b))
    return pieces


def _cut(text: str, start: int, end: int) -> int:
    """Choose where to cut a long sentence so that its first part fits: after a comma or space."""
    fit, filled = start, 0.0
    while fit < end and filled <= TARGET_WIDTH:
        filled += _char_width(text[fit])
        fit += 1
    for mark in ("、", ", ", "; ", " "):
        at = text.rfind(mark, start + (fit - start) // 2, fit)
        if at >= 0:
            return at + len(mark.rstrip()) or at + 1
    return fit


def _char_width(char: str) -> float:
    return _CJK_WIDTH if char >= "\u2e80" else 1.0


def text_width(text: str) -> float:
    """Measure a text in Latin letters: a kana or kanji counts as 2.2, any other character as 1."""
    return sum(map(_char_width, text))
