"""Bytes to a document. Pure: no network, no disk.

    document = extract(data, source, content_type)

What the bytes are is found in :mod:`corpus.readers.format_detection`, and each format has a reader of its own;
all of them hand over blocks, which :mod:`corpus.text.blocks` joins to the document's one text.
"""

from __future__ import annotations

from dataclasses import replace

from corpus.errors import EmptyDocument
from corpus.readers.docx import read_docx
from corpus.readers.epub import read_epub
from corpus.readers.format_detection import detect_format
from corpus.readers.html import read_html
from corpus.readers.jats import read_jats
from corpus.readers.markdown import read_markdown
from corpus.readers.meta_refresh import forwards_to
from corpus.readers.pdf.reader import read_pdf
from corpus.readers.plain_text import read_text
from corpus.readers.pptx import read_pptx
from corpus.text.blocks import ParsedDocument, detect_language, join_blocks
from corpus.types import Document, Source, text_hash


def extract(data: bytes, source: Source, content_type: str = "", password: str = "") -> Document:
    """Read a file's bytes into a document.

    The document's source is the one given, with ``version`` set, and with what it leaves blank
    (title, authors, published, language) taken from the file. ``content_type`` is the HTTP
    header, ``password`` opens an encrypted PDF. The text is in NFC, its line breaks are
    ``\\n``, and it has no control characters but those and tabs.

    Raises UnsupportedContent (no format we read, or not what its name says), EmptyDocument (no
    text at all), UnreadableText (encrypted, a scan, no characters), or CorpusError where the
    file is damaged or larger than a document would be.
    """
    name = source.url or source.title or "the file"
    if not data:
        raise EmptyDocument(f"{name} is empty (0 bytes): check the file")
    draft = _read(data, source.url, name, content_type, password)
    text, sections, pages = join_blocks(draft.blocks)
    pages = tuple(replace(page, ocr=page.number in draft.by_ocr) for page in pages)
    if not text.strip():
        raise EmptyDocument(f"{name} has no text in it: check the file, or save it as a PDF")
    detected = detect_language(text)
    filled = replace(
        source,
        title=source.title or draft.title,
        authors=source.authors or draft.authors,
        published=source.published or draft.published,
        # A Japanese page is often still declared to be in the English of its template.
        language=source.language or (detected if detected == "ja" else draft.language or detected),
        version=text_hash(text),
    )
    links = tuple(dict.fromkeys(draft.links))
    return Document(filled, text, sections, pages, links, tuple(draft.gaps))


def _read(data: bytes, url: str, name: str, content_type: str, password: str) -> ParsedDocument:
    found, text = detect_format(data, name, content_type)
    match found:
        case "pdf":
            return read_pdf(data, name, password)
        case "docx":
            return read_docx(data, name)
        case "pptx":
            return read_pptx(data, name)
        case "epub":
            return read_epub(data, name)
        case "jats":
            return read_jats(text, name)
        case "html":
            if target := forwards_to(text, url):
                raise EmptyDocument(
                    f"{name} has no text but leads to {target}: ingest that address"
                )
            return read_html(text, url)
        case "markdown":
            return read_markdown(text, url)
        case "text":
            return read_text(text)
