"""Fields of a work that its own text states: in a BibTeX entry, or where it speaks of its licence.

That is a section on it, or a sentence that says under which licence work or code is available.
They are read if the catalogue has nothing for a field, as for most READMEs. Pure functions, no
model. An entry counts only if it is for the work itself: the only one in the text, and one that has
the work's title or stands where the text says how to cite it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from corpus.text.near_duplicates import normalized_letters
from corpus.text.sentences import sentences
from corpus.types import Document
from service.catalogue.names import displayed, known_title

LICENCE = "licence"
STATED = ("authors", "published", "venue", "title", LICENCE)
LONGEST_LICENCE = 300  # characters of what a text says about its licence
SEPARATOR = ", "  # between the authors in the value of that field

_SENTENCES = 2  # of a licence section
_CITES = re.compile(
    r"(?m)^(?:.*\b(?:cite|citing|citation)\b.*|\W*bib ?tex(?: entry)?\W*|.*引用.*)$", re.IGNORECASE
)
_BEFORE = 200  # characters before an entry in which the text says that it is to be cited
_ENTRY = re.compile(r"@[A-Za-z]{4,20}\s*\{\s*[^\s,{}]{1,80}\s*,")
_LONGEST_ENTRY = 4000  # characters
_PART = re.compile(r"\b([A-Za-z]{4,20})\s*=\s*(?=[{\"\d])")
_ACCENTS = dict(zip("\"'`^~cvu=.", "\u0308\u0301\u0300\u0302\u0303\u0327\u030c\u0306\u0304\u0307",
                    strict=True))  # fmt: skip
_ACCENT = re.compile(r"\{?\\([\"'`^~=.]|[cvu](?=[\s{]))\s*\{?(\\[ij]\b|[A-Za-z])\}?\}?")
_LETTERS = {
    "o": "ø", "O": "Ø", "ss": "ß", "ae": "æ", "AE": "Æ", "aa": "å", "AA": "Å", "l": "ł", "L": "Ł",
    "i": "ı", "&": "&",
}  # fmt: skip
_LETTER = re.compile(r"\\(ss|ae|AE|aa|AA|[oOlLi](?![A-Za-z])|&)\s*")
_LICENCE_HEADING = re.compile(
    r"(?:[\d.]+\s*)?(?:the\s+)?licen[cs](?:e|es|ing)(?:\s+(?:information|and copyright|terms))?"
    r"|(?:copyright and|terms and)\s+licen[cs]e|ライセンス|利用許諾|使用許諾",
    re.IGNORECASE,
)
_LICENCE_LINE = re.compile(
    r"(?m)^[-*•\s]*(?:licen[cs]e|ライセンス)\s*[:：]\s*(?P<value>\S[^\n]{0,120})$", re.IGNORECASE
)
# "Code and data are available at … under the MIT licence."
_LICENSED = re.compile(
    r"\b(?:available|released|distributed|published|provided|shared|licen[cs]ed)\b[^.!?\n]*"
    r"(?:\.\S[^.!?\n]*)*?\bunder\b[^.!?\n]{0,60}?"
    r"(?:\blicen[cs]e|\bCC[ -]BY|\bMIT\b|\bApache\b|\bGPL)"
    r"|(?:ライセンス|CC[ -]BY)[^。\n]{0,20}(?:で|の[も下])[^。\n]{0,20}(?:公開|配布|提供|利用)",
    re.IGNORECASE,
)
_OTHERS = re.compile(r"\bwe use\b|\bused\b|\[\d+\]|\(\d{4}\)|を(?:用い|使用し)", re.IGNORECASE)


def stated_value(document: Document, field: str) -> str:
    """Return what a text says of a field of its own work; empty if it says nothing.

    Args:
        document: The text.
        field: One of ``STATED``. A licence is given in the words of the text, the other fields as
            in the catalogue.
    """
    value = _licence(document) if field == LICENCE else _own_entry(document).get(field, "")
    return value if displayed(value) else ""


def _licence(document: Document) -> str:
    for section in document.sections:
        if _LICENCE_HEADING.fullmatch(section.heading.strip(" :：#")):
            body = document.text[section.start : section.end].strip().partition("\n")[2]
            first = sentences(body)[:_SENTENCES]
            said = " ".join(first)
            return said if len(said) <= LONGEST_LICENCE else " ".join(first[:1])
    if line := _LICENCE_LINE.search(document.text):
        return line["value"].strip()
    if not _LICENSED.search(document.text):
        return ""
    shown = [each for each in sentences(document.text) if _LICENSED.search(each)]
    own = [" ".join(each.split()) for each in shown if not _OTHERS.search(each)]
    # A text with many such sentences speaks of licences, and not of its own.
    return " ".join(own) if len(own) <= _SENTENCES and len(" ".join(own)) <= LONGEST_LICENCE else ""


def _own_entry(document: Document) -> dict[str, str]:
    """Return the fields of the BibTeX entry for the work itself, by the catalogue's names."""
    found = list(_entries(document.text))
    titles = {normalized_letters(parts.get("title", "")) for _, parts in found}
    if len(titles) != 1:
        return {}
    (title,) = titles
    own = normalized_letters(known_title(document.source))
    for start, parts in found:
        named = bool(own) and bool(title) and (own in title or title in own)
        if named or _CITES.search(document.text[max(0, start - _BEFORE) : start]):
            venue = parts.get("booktitle") or parts.get("journal") or ""
            authors = re.split(r"\s+and\s+", parts.get("author", ""))
            return {
                "authors": SEPARATOR.join(map(_in_order, authors)),
                "title": parts.get("title", ""),
                "published": _year(parts.get("year", "")),
                "venue": "" if venue.lower().startswith("arxiv") else venue,
            }
    return {}


def _entries(text: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the start and the parts of each BibTeX entry of a text."""
    for match in _ENTRY.finditer(text):
        body = text[match.end() : match.end() + _LONGEST_ENTRY]
        parts: dict[str, str] = {}
        at, end = 0, len(_braced("{" + body)) - 1
        while part := _PART.search(body, at, end):
            value = _braced(body[part.end() : end])
            parts.setdefault(part[1].lower(), _plain(value))
            at = part.end() + len(value)
        if parts:
            yield match.start(), parts


def _braced(text: str) -> str:
    """Return the BibTeX value at the start of a text: in braces, quotation marks, or a number."""
    if text[:1] == '"':
        return text[: text.find('"', 1) + 1]
    if text[:1] != "{":
        number = re.match(r"\d*", text)
        return number[0] if number else ""
    depth = 0
    for n, char in enumerate(text):
        depth += (char == "{") - (char == "}")
        if not depth:
            return text[: n + 1]
    return text


def _plain(value: str) -> str:
    r"""Return a value of BibTeX as it is printed: ``{Bj\"orn}`` is Björn."""

    def accented(match: re.Match[str]) -> str:
        return unicodedata.normalize("NFC", match[2].lstrip("\\") + _ACCENTS[match[1]])

    value = _LETTER.sub(lambda match: _LETTERS[match[1]], _ACCENT.sub(accented, value))
    return " ".join(re.sub(r"[{}]|^\"|\"$", "", value).split())


def _in_order(author: str) -> str:
    """Return a name of BibTeX with the surname last: ``Björn, Anna`` is Anna Björn."""
    last, comma, first = author.partition(",")
    return f"{first.strip()} {last.strip()}" if comma else author.strip()


def _year(value: str) -> str:
    found = re.search(r"(?<!\d)(?:19|20)\d\d(?!\d)", value)
    return found[0] if found else ""
