"""Detection of file formats by content first, then by declared type, then by name.

Declared types and names are often wrong. A file whose name promises another format than its
content has is refused, and the error names both, since this is nearly always worth knowing: a
login page saved as paper.pdf, a picture with the wrong ending.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Literal
from urllib.parse import unquote, urlsplit

from corpus.errors import UnsupportedContent
from corpus.readers.archive import member_names
from corpus.readers.encoding import decode

FileFormat = Literal["pdf", "docx", "pptx", "epub", "html", "jats", "markdown", "text"]

_READABLE = (
    "a PDF, an HTML page, Markdown, a Word or PowerPoint file (.docx, .pptx), an EPUB book,"
    " a JATS article (.xml) or plain text"
)

_LOOKS: dict[FileFormat, str] = {
    "pdf": "a PDF",
    "docx": "a Word file",
    "pptx": "a PowerPoint file",
    "epub": "an EPUB book",
    "html": "an HTML page",
    "jats": "a JATS article",
    "markdown": "Markdown",
    "text": "plain text",
}
_OTHERS = (
    (b"\x89PNG\r\n", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"II*\0", "a TIFF picture"),
    (b"MM\0*", "a TIFF picture"),
    (b"RIFF", "a RIFF picture, sound or video"),
    (b"ID3", "an MP3 recording"),
    (b"OggS", "an Ogg recording"),
    (b"\x7fELF", "a program (ELF)"),
    (b"MZ\x90\0", "a program (Windows)"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"\xd0\xcf\x11\xe0", "an old or encrypted Office file"),
    (b"{\\rtf", "an RTF document"),
    (b"%!PS", "a PostScript file"),
    (b"SQLite format 3\0", "an SQLite database"),
)
_BY_PART: dict[str, FileFormat] = {
    "word/document.xml": "docx",
    "ppt/presentation.xml": "pptx",
    "META-INF/container.xml": "epub",
}
_ZIPPED = (
    ("xl/", "an Excel file"),
    ("content.xml", "an OpenDocument file"),
)
_BY_SUFFIX: dict[str, FileFormat] = {
    ".pdf": "pdf",
    ".docx": "docx",
    ".pptx": "pptx",
    ".epub": "epub",
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
    ".md": "markdown",
    ".markdown": "markdown",
}
_BY_TYPE: dict[str, FileFormat] = {
    "text/html": "html",
    "application/xhtml+xml": "html",
    "text/markdown": "markdown",
}
_BINARY_SUFFIXES = frozenset(
    {".pdf", ".docx", ".pptx", ".epub", ".doc", ".odt", ".rtf", ".ppt", ".xls", ".xlsx"}
    | {".png", ".jpg", ".jpeg", ".gif", ".webp", ".zip", ".gz", ".exe", ".mp3", ".mp4"}
)
_ZIP = b"PK\x03\x04"
_TEXTS: frozenset[FileFormat] = frozenset({"html", "jats", "markdown", "text"})
_KNOWN_SUFFIXES = _BINARY_SUFFIXES | _BY_SUFFIX.keys()
_PDF_START = re.compile(rb"[^<]{0,1018}?%PDF-", re.DOTALL)  # readers allow junk before it
_COMMENTS = r"\s*(?:<\?xml[^>]*>\s*)?(?:<!--(?:(?!-->).)*-->\s*)*"
_HTML_START = re.compile(_COMMENTS + r"(?:<!doctype\s+html|<html[\s>])", re.I | re.S)
_TAG = re.compile(r"</?(?:head|body|title|meta|div|p|h[1-6]|table|article|main|span)[\s>/]", re.I)
_PROLOG = re.compile(
    r"(?>[\s\ufeff]+|<\?(?:(?!\?>).)*\?>|<!--(?:(?!-->).)*-->|<!DOCTYPE[^<>\[]*(?:\[[^\]]*\]\s*)?>)*+"
    r"<(?:[\w.-]+:)?([A-Za-z_][\w.-]*)",
    re.DOTALL,
)
_JATS_ROOTS = frozenset({"article", "pmc-articleset", "OAI-PMH"})
_JATS_FRONT = re.compile(r"<(?:[\w.-]+:)?(?:article-meta|front-stub)\b")
_FRONT_MATTER = re.compile(
    r"\ufeff?(?:---[ \t]*\r?\n(?:#.*\r?\n)*[\w-]+[ \t]*:|\+\+\+[ \t]*\r?\n[\w-]+[ \t]*=)"
)


def detect_format(data: bytes, name: str, content_type: str = "") -> tuple[FileFormat, str]:
    """Detect the format of a file, and decode it if the format is a text format.

    Args:
        data: The bytes of the file.
        name: Its URL or file name.
        content_type: The HTTP header ``Content-Type``, if there was one.

    Returns:
        The format, and the decoded text ("" for formats that are not text).

    Raises:
        UnsupportedContent: The format is not one that can be read, or not the one that the
            name promises.
    """
    suffix = suffix_of(name)
    found, text = _by_magic(data), ""
    looks = _LOOKS[found] if found else _other(data)
    if not looks:
        decoded = decode(data, content_type)
        if decoded is None:
            looks = "binary data of no known kind"
        else:
            found, text = _text_format(decoded, suffix, content_type), decoded
            root = _xml_root(decoded) if found == "text" else ""
            if root and decoded.lstrip("\ufeff \n").startswith("<?xml"):
                found, looks = None, f"XML of another kind (<{root}>)"  # not a text to cite
            else:
                looks = _LOOKS[found]
    expected = _BY_SUFFIX.get(suffix) if suffix in _BINARY_SUFFIXES else found
    if found is None or found != expected:
        named = f"{name} is named {suffix} but" if suffix in _KNOWN_SUFFIXES else name
        fix = f"give {_READABLE}" if found is None else "check the file, or rename it"
        raise UnsupportedContent(f"{named} looks like {looks}: {fix}")
    return found, text


def possible_formats(data: bytes) -> frozenset[FileFormat]:
    """List the formats that a file may be in, without decoding or unpacking it.

    This is quick and safe on hostile bytes. The format that ``detect_format`` finds is always
    among them; of the text formats, which only decoding could tell apart, all four are listed.
    """
    if _PDF_START.match(data[:1024]):
        return frozenset({"pdf"})
    if data.startswith(_ZIP):  # the names of its members are not compressed
        return frozenset(found for part, found in _BY_PART.items() if part.encode() in data)
    return _TEXTS


def suffix_of(name: str) -> str:
    """Return the suffix of a URL's path or a file name, in lower case, such as ``.pdf``."""
    try:
        path = unquote(urlsplit(name).path) if "://" in name else name
    except ValueError:  # an unclosed bracket in the host
        path = name
    return PurePosixPath(path).suffix.lower()


def _by_magic(data: bytes) -> FileFormat | None:
    if _PDF_START.match(data[:1024]):
        return "pdf"
    if data.startswith(_ZIP):
        names = member_names(data)
        return next((found for part, found in _BY_PART.items() if part in names), None)
    return None


def _other(data: bytes) -> str:
    """Describe a binary file of an unsupported format; "" if it is not recognized."""
    if data.startswith(_ZIP):
        names = member_names(data)
        if not names:
            return "a damaged ZIP archive or Office file"
        starts = (what for start, what in _ZIPPED if any(n.startswith(start) for n in names))
        return next(starts, "a ZIP archive")
    if data[4:8] == b"ftyp":
        return "a video or picture (MP4)"
    return next((what for magic, what in _OTHERS if data.startswith(magic)), "")


def _text_format(text: str, suffix: str, content_type: str) -> FileFormat:
    if _HTML_START.match(text):
        return "html"
    if _xml_root(text) in _JATS_ROOTS and _JATS_FRONT.search(text):
        return "jats"
    declared = _BY_TYPE.get(content_type.partition(";")[0].strip().lower())
    named = _BY_SUFFIX.get(suffix)
    if named == "markdown" or declared == "markdown":
        return "markdown"
    if "html" in (declared, named) and (_TAG.search(text) or text.lstrip()[:1] == "<"):
        return "html"
    if len(_TAG.findall(text[:4096])) > 5 and text.lstrip().startswith("<"):
        return "html"
    return "markdown" if _FRONT_MATTER.match(text) else "text"


def _xml_root(text: str) -> str:
    """Return the name of the root element of XML text, or "" if there is none."""
    match = _PROLOG.match(text)
    return match[1] if match else ""
