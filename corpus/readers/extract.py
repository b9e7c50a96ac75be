"""Conversion of the bytes of a file in any supported format to a document.

    document = extract(data, source, content_type)

``format_detection`` finds the format, and the reader of that format returns blocks (headings
and paragraphs), which ``corpus.text.blocks`` joins to the one text of the document. Nothing
here uses the network or the disk, but for OCR of scanned pages, which starts a program.
"""

from __future__ import annotations

from dataclasses import replace

from corpus.errors import EmptyDocument
from corpus.readers.epub import read_epub
from corpus.readers.format_detection import detect_format
from corpus.readers.html import read_html
from corpus.readers.jats import read_jats
from corpus.readers.markdown import read_markdown
from corpus.readers.meta_refresh import forwards_to
from corpus.readers.plain_text import read_text
from corpus.text.blocks import ParsedDocument, detect_language, join_blocks
from corpus.types import Document, Source, text_hash


def extract(data: bytes, source: Source, content_type: str = "", password: str = "") -> Document:
    """Read the bytes of a file in any supported format into a document.

    Args:
        data: The bytes of the file.
        source: Where it is from. What it leaves blank (title, authors, venue and so on) is
            taken from the file.
        content_type: The HTTP header ``Content-Type``, if there was one.
        password: Opens an encrypted PDF.

    Returns:
        The document; its source is the one given, completed, with ``version`` set. Its text is
        in NFC, its line breaks are single line feeds, and the only other control
        characters are tabs.

    Raises:
        UnsupportedContent: The format is not supported, or is not the one its name promises.
        EmptyDocument: There is no text at all.
        UnreadableText: It is encrypted, a scan, or its fonts do not say which characters it has.
        CorpusError: It is damaged, or larger than a document would be.
    """
    name = source.url or source.title or "the file"
    if not data:
        raise EmptyDocument(f"{name} is empty (0 bytes): check the file")
    parsed = _read(data, source.url, name, content_type, password)
    text, sections, pages = join_blocks(parsed.blocks)
    pages = tuple(replace(page, ocr=page.number in parsed.by_ocr) for page in pages)
    if not text.strip():
        raise EmptyDocument(f"{name} has no text in it: check the file, or save it as a PDF")
    detected = detect_language(text)
    filled = replace(
        source,
        title=source.title or parsed.title,
        authors=source.authors or parsed.authors,
        published=source.published or parsed.published,
        venue=source.venue or parsed.venue,
        licence=source.licence or parsed.licence,
        # Japanese pages often still declare English, the language of their template.
        language=source.language or (detected if detected == "ja" else parsed.language or detected),
        version=text_hash(text),
    )
    links = tuple(dict.fromkeys(parsed.links))
    return Document(filled, text, sections, pages, links, tuple(parsed.gaps))


def _read(data: bytes, url: str, name: str, content_type: str, password: str) -> ParsedDocument:
    found, text = detect_format(data, name, content_type)
    # What a heavy library reads is imported with the first such file: most processes see none.
    match found:
        case "pdf":
            from corpus.readers.pdf.reader import read_pdf

            return read_pdf(data, name, password)
        case "docx":
            from corpus.readers.docx import read_docx

            return read_docx(data, name)
        case "pptx":
            from corpus.readers.pptx import read_pptx

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
