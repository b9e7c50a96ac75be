"""The reader for Word files (DOCX): paragraphs and tables in document order, by python-docx."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from datetime import date

import docx
from docx.document import Document as Docx
from docx.enum.style import WD_STYLE_TYPE
from docx.opc.exceptions import OpcError
from docx.table import Table
from docx.text.hyperlink import Hyperlink
from docx.text.paragraph import Paragraph

from corpus.readers.archive import last_saved, open_archive
from corpus.text.blocks import LINE, PARAGRAPH, Block, ParsedDocument, one_line, parse_authors
from corpus.types import Link

_HEADING = re.compile(r"(?:heading|見出し) ?(\d)", re.IGNORECASE)
_TEMPLATE_MADE = date(2013, 12, 23)  # of python-docx, and of many programs that use it
_SPACES = re.compile(r" {2,}")


def read_docx(data: bytes, name: str) -> ParsedDocument:
    """Read a Word file into headings, paragraphs, table rows, links and metadata.

    Args:
        data: The bytes of the file.
        name: What error messages call it.

    Raises:
        CorpusError: It is damaged, or unpacks to more than a document would.
    """
    with open_archive(data, name, "Word file", (OpcError,)):
        document = docx.Document(io.BytesIO(data))
        links = [link for paragraph in document.paragraphs for link in _links(paragraph)]
        blocks = list(_blocks(document))
        properties = document.core_properties
        title = "" if properties.title == "Word Document" else one_line(properties.title or "")
        heading = next((block.text for block in blocks if block.level), "")
        return ParsedDocument(
            blocks,
            links=links,
            title=title or one_line(heading),
            authors=parse_authors(properties.author or ""),
            published=last_saved(properties, _TEMPLATE_MADE),
            language=(properties.language or "")[:2].lower(),
        )


def _blocks(document: Docx) -> Iterator[Block]:
    # Collected once, because Paragraph.style searches all styles of the file on every access.
    styles = {
        each.style_id: each.name or ""
        for each in document.styles
        if each.type == WD_STYLE_TYPE.PARAGRAPH
    }
    in_list = False
    for item in document.iter_inner_content():
        if isinstance(item, Table):
            yield from _rows(item)
            in_list = False
            continue
        style = styles.get(item._p.style or "", "")
        match = _HEADING.match(style)
        listed = style.lower().startswith("list") or item._p.xpath("boolean(./w:pPr/w:numPr)")
        listed = bool(listed) and not match
        level = int(match[1]) if match else int(style == "Title")
        glue = LINE if listed and in_list else PARAGRAPH
        text = _SPACES.sub(" ", item.text).strip()
        if text:
            yield Block(("- " if listed else "") + text, level, 0, glue)
            in_list = listed


def _rows(table: Table) -> Iterator[Block]:
    glue = PARAGRAPH
    for row in table.rows:
        # python-docx returns a merged cell once for each column that it spans.
        cells = {id(cell._tc): one_line(cell.text) for cell in row.cells}
        if any(cells.values()):
            yield Block(" | ".join(cells.values()), 0, 0, glue)
            glue = LINE


def _links(paragraph: Paragraph) -> Iterator[Link]:
    for part in paragraph.iter_inner_content():
        if isinstance(part, Hyperlink) and part.url.startswith(("http://", "https://")):
            yield Link(part.url, one_line(part.text))
