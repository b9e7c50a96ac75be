"""Assembly of a document's one text from the headings and paragraphs that a file reader found.

Every reader (PDF, HTML, Word, EPUB, and so on) yields blocks in reading order; here they are
cleaned and joined, and the spans of sections and pages are recorded while the text grows, so that
offsets cannot be wrong.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date

from corpus.types import Gap, Link, PageSpan, Section

PARAGRAPH, LINE = "\n\n", "\n"

CJK = r"[\u3000-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uffef]"
"""Scripts written without spaces between words: kana, kanji and their punctuation."""

_NEWLINES = re.compile(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]")
# Control characters, lone surrogates and noncharacters; and invisible characters that would keep a
# quote from being found: soft hyphen, zero-width space, word joiner, byte-order mark. Joiners and
# direction marks (U+200C to U+200F) stay: Persian, Indic scripts and emoji are spelt with them.
_UNWANTED = re.compile(
    r"[\x00-\x08\x0e-\x1f\x7f-\x9f\xad\u200b\u2060\ufeff\ufdd0-\ufdef\ufffe\uffff\ud800-\udfff]"
)
# No-break and thin spaces look like ordinary ones, and nobody quotes them as such; the wide space
# of Japanese print (U+3000) is visibly different and stays.
_SPACES = re.compile(r"[\xa0\u1680\u2000-\u200a\u202f\u205f]")
_TRAILING = re.compile(r"(?<![^\S\n])[^\S\n]+(?=\n|$)")
_BLANK = re.compile(r"\n{3,}")
_WRAP = re.compile(rf"(?<={CJK})[ \t]*\n\s*(?={CJK})")
# What programs write for an author who is not known, in brackets or not.
_NOT_A_NAME = re.compile(
    r"\W*(?:admin(?:istrator)?|(?:default |windows |(?:microsoft )?office |pc |test )?user|owner"
    r"|unknown|anonym(?:ous|e)|un(?:specified|named|defined)|not (?:specified|available|known)|n/a"
    r"|none|null|guest|root|authors?|(?:your|author) name|dell|hp|lenovo|python-docx"
    r"|不明|匿名|未設定|未指定|なし|著者|作成者|管理者|ユーザー?|所有者)\W*",
    re.IGNORECASE,
)
_DATE = re.compile(r"\s*([0-9]{4})(?:[-/年]([0-9]{1,2})(?:[-/月]([0-9]{1,2}))?)?(?![0-9])")
_NAMED_DATE = re.compile(
    r"\s*(?:([0-9]{1,2}) )?([A-Za-z]{3})[a-z]*\.?,? (?:([0-9]{1,2})(?:st|nd|rd|th)?,? )?"
    r"([0-9]{4})\b"
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_SPACE = re.compile(r"[ \t\n\r\f\v]+")


@dataclass(frozen=True, slots=True)
class Block:
    """A heading (``level`` 1 and up) or a paragraph (``level`` 0) of a file.

    ``page`` is the printed page that it is on, 0 where there are none. ``glue`` is the string
    that joins it to the previous block: a blank line, a line break (lists, tables), or a space
    or nothing where a paragraph continues on the next page.
    """

    text: str
    level: int = 0
    page: int = 0
    glue: str = PARAGRAPH


@dataclass(slots=True)
class ParsedDocument:
    """The result of a file reader: blocks, links, and the metadata that the file contains.

    ``gaps`` are pages without readable text; ``by_ocr`` are the numbers of pages whose text was
    recognised in an image.
    """

    blocks: list[Block]
    links: list[Link] = field(default_factory=list)
    title: str = ""
    authors: tuple[str, ...] = ()
    published: str = ""
    venue: str = ""
    language: str = ""
    licence: str = ""
    gaps: list[Gap] = field(default_factory=list)
    by_ocr: set[int] = field(default_factory=set)


def normalize_text(text: str) -> str:
    r"""Normalise a text's Unicode form, spaces and line breaks.

    The result is in NFC, with ``\n`` for every line break and at most one blank line, plain
    spaces, none at the end of a line, and without control characters. Not NFKC: a quote must be
    found in the source as it is printed.
    """
    text = _SPACES.sub(" ", _UNWANTED.sub("", _NEWLINES.sub("\n", text)))
    return _BLANK.sub("\n\n", _TRAILING.sub("", unicodedata.normalize("NFC", text)))


def one_line(text: str) -> str:
    """Normalise a text to one line: line breaks become spaces, or nothing in kana and kanji."""
    return collapse_whitespace(normalize_text(text)).strip(" ")


def collapse_whitespace(text: str) -> str:
    """Replace each run of white space by one space, or by nothing at line breaks in Japanese."""
    return _SPACE.sub(" ", _WRAP.sub("", text) if "\n" in text else text)


def join_blocks(blocks: Iterable[Block]) -> tuple[str, tuple[Section, ...], tuple[PageSpan, ...]]:
    """Join blocks to the text of a document, with the spans of its sections and pages.

    Blocks without text are left out. A section reaches to the next heading of any level.

    Returns:
        (text, sections, pages)
    """
    parts: list[str] = []
    headings: list[tuple[str, int, int]] = []
    pages: list[PageSpan] = []
    end = 0
    for block in blocks:
        text = normalize_text(block.text).strip("\n")
        if not text.strip():
            continue
        glue = block.glue if parts else ""
        start = end + len(glue)
        end = start + len(text)
        parts += (glue, text)
        if block.level:
            headings.append((one_line(text), block.level, start))
        if block.page and pages and pages[-1].number == block.page:
            pages[-1] = replace(pages[-1], end=end)
        elif block.page:
            pages.append(PageSpan(block.page, start, end))
    ends = [start for _, _, start in headings[1:]] + [end]
    sections = tuple(
        Section(heading, level, start, stop)
        for (heading, level, start), stop in zip(headings, ends, strict=False)
    )
    return "".join(parts), sections, tuple(pages)


def parse_authors(text: str) -> tuple[str, ...]:
    """Split an author field into names, dropping placeholders such as "admin" or "(anonymous)"."""
    names = map(one_line, re.split(r"[;；,、，]|\band\b", text))
    return tuple(name for name in names if len(name) > 1 and not _NOT_A_NAME.fullmatch(name))


def detect_language(text: str) -> str:
    """Guess the language of a text from its scripts: Japanese, or else any in Latin letters.

    Returns:
        ``ja`` if at least an eighth of the letters are kana and kanji, and a twentieth of those
        kana (kanji alone may be Chinese); ``en`` if most letters are Latin; "" otherwise.
    """
    kana = len(re.findall(r"[\u3041-\u30ff]", text))
    kanji = len(re.findall(r"[\u3400-\u9fff\uf900-\ufaff]", text))
    latin = len(re.findall(r"[A-Za-z\u00c0-\u024f]", text))
    letters = sum(map(str.isalpha, text))
    if kana * 20 >= kana + kanji > 0 and (kana + kanji) * 8 >= letters:
        return "ja"
    return "en" if latin * 2 > letters else ""


def iso_date(text: str) -> str:
    """Convert the date at the start of a string to ISO form.

    Understood are 2022-11-30, 2022/11/30, 2022年11月30日, November 30, 2022 and 30 Nov 2022, and
    these without day or month.

    Returns:
        An ISO date, year-month or year; "" if there is none.
    """
    if (named := _NAMED_DATE.match(text)) and named[2].lower() in _MONTHS:
        month, day = _MONTHS.index(named[2].lower()) + 1, named[1] or named[3]
        text = f"{named[4]}-{month}" + (f"-{day}" if day else "")
    match = _DATE.match(text)
    if not match:
        return ""
    given = [int(part) for part in match.groups() if part]
    try:
        return date(*given, *[1] * (3 - len(given))).isoformat()[: (4, 7, 10)[len(given) - 1]]
    except ValueError:
        return ""
