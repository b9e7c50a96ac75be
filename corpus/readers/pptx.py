"""The reader for PowerPoint files (PPTX): each slide's title, shapes and notes, by python-pptx.

Each slide is a page. Shapes are read from top to bottom, speaker notes after them. Pictures and
charts are not read; a slide that has nothing else is reported as a gap.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date
from typing import Any

from lxml import etree
from pptx.enum.shapes import PP_PLACEHOLDER
from pptx.exc import PythonPptxError
from pptx.package import Package
from pptx.slide import Slide
from pptx.table import Table
from pptx.text.text import TextFrame

from corpus.document_errors import FileTooLarge
from corpus.links import bare_urls
from corpus.readers.archive import last_saved, open_archive
from corpus.readers.safe_xml import element_text, parse
from corpus.text.blocks import LINE, PARAGRAPH, Block, ParsedDocument, one_line, parse_authors
from corpus.types import Gap, Link

MAX_SLIDES = 5_000

_FURNITURE = {
    PP_PLACEHOLDER.DATE,
    PP_PLACEHOLDER.FOOTER,
    PP_PLACEHOLDER.HEADER,
    PP_PLACEHOLDER.SLIDE_NUMBER,
}
_BULLETED = {PP_PLACEHOLDER.BODY, PP_PLACEHOLDER.OBJECT, PP_PLACEHOLDER.VERTICAL_BODY}
_NO_TITLE = {"", "PowerPoint Presentation", "PowerPoint プレゼンテーション"}
_TEMPLATE_MADE = date(2013, 1, 27)  # of python-pptx, with its developer as the author
_TITLE_LENGTH = 80
_DRAWING = "http://schemas.openxmlformats.org/drawingml/2006/main"
_PICTURE = "{http://schemas.openxmlformats.org/presentationml/2006/main}pic"
_DIAGRAM = "http://schemas.openxmlformats.org/drawingml/2006/diagram"
_RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def read_pptx(data: bytes, name: str) -> ParsedDocument:
    """Read a PowerPoint file into headings, paragraphs, table rows, links, gaps and metadata.

    Args:
        data: The bytes of the file.
        name: What error messages call it.

    Raises:
        CorpusError: It is damaged, unpacks to more than a document would, or has more than
            5,000 slides.
    """
    with open_archive(data, name, "PowerPoint file", (PythonPptxError,)):
        # Not pptx.Presentation, which refuses slide shows (.ppsx) and templates.
        show = Package.open(io.BytesIO(data)).main_document_part.presentation
        slides = list(show.slides)
        if len(slides) > MAX_SLIDES:
            raise FileTooLarge(f"{name} has {len(slides)} slides, more than {MAX_SLIDES}: split it")
        blocks: list[Block] = []
        links: list[Link] = []
        gaps: list[Gap] = []
        for number, slide in enumerate(slides, 1):
            found = list(_slide(slide, show.slide_height or 1))
            blocks += (replace(block, page=number) for block in found)
            if not found and next(slide.element.iter(_PICTURE), None) is not None:
                gaps.append(Gap(number, "slide of pictures"))
            links += _links(slide)
            links += (link for block in found for link in bare_urls(block.text))
        properties = show.core_properties
        title = one_line(properties.title or "")
        saved = last_saved(properties, _TEMPLATE_MADE)
        from_template = not saved and (properties.created or properties.modified)
        heading = next((block.text for block in blocks if block.level), "")
        return ParsedDocument(
            blocks,
            links=links,
            title=heading if title in _NO_TITLE else title,
            authors=() if from_template else parse_authors(properties.author or ""),
            published=saved,
            language=(properties.language or "")[:2].lower(),
            gaps=gaps,
        )


def _slide(slide: Slide, height: int) -> Iterator[Block]:
    """Yield the blocks of a slide: its title, its shapes, its notes."""
    title = slide.shapes.title
    heading = one_line(title.text_frame.text) if title is not None else ""
    shapes = [
        shape for shape in slide.shapes if title is None or shape.element is not title.element
    ]
    blocks = [block for shape in _in_order(shapes, height) for block in _shape(shape, slide)]
    if not heading and len(blocks) > 1 and len(blocks[0].text) <= _TITLE_LENGTH:
        heading = one_line(blocks.pop(0).text)  # the title is in a text box
    if heading:
        yield Block(heading, 1)
    yield from blocks
    if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
        yield from _paragraphs(slide.notes_slide.notes_text_frame, False)


def _in_order(shapes: Iterable[Any], height: int) -> Iterator[Any]:
    """Order shapes by rows from the top, then from the left; groups are replaced by members."""
    rows: list[list[Any]] = []
    for shape in sorted(shapes, key=lambda each: each.top or 0):
        if rows and (shape.top or 0) - (rows[-1][0].top or 0) <= height / 25:
            rows[-1].append(shape)
        else:
            rows.append([shape])
    for row in rows:
        for shape in sorted(row, key=lambda each: each.left or 0):
            if hasattr(shape, "shapes"):
                # Each group has its own unit of length.
                inner = shape._element.grpSpPr.find(f".//{{{_DRAWING}}}chExt")
                yield from _in_order(shape.shapes, int(inner.get("cy")) if inner is not None else 0)
            else:
                yield shape


def _shape(shape: Any, slide: Slide) -> Iterator[Block]:
    kind = shape.placeholder_format.type if shape.is_placeholder else None
    if kind in _FURNITURE:
        return
    if shape.has_text_frame:
        yield from _paragraphs(shape.text_frame, kind in _BULLETED)
    elif getattr(shape, "has_table", False):
        yield from _rows(shape.table)
    else:
        yield from _diagram(shape, slide)


def _paragraphs(frame: TextFrame, bulleted: bool) -> Iterator[Block]:
    """Yield the paragraphs of a text frame; ``bulleted`` if its layout adds bullets."""
    in_list = False
    for paragraph in frame.paragraphs:
        text = paragraph.text.replace("\v", "\n").strip()
        if not text:
            continue
        marks = {etree.QName(mark).localname for mark in paragraph._p.xpath("./a:pPr/*")}
        own = not marks.isdisjoint({"buChar", "buAutoNum", "buBlip"})
        listed = own or (bulleted and "buNone" not in marks)
        marker = "  " * paragraph.level + "- " if listed else ""
        yield Block(marker + text, 0, 0, LINE if listed and in_list else PARAGRAPH)
        in_list = listed


def _rows(table: Table) -> Iterator[Block]:
    glue = PARAGRAPH
    for row in table.rows:
        cells = [one_line(cell.text) for cell in row.cells if not cell.is_spanned]
        if any(cells):
            yield Block(" | ".join(cells), 0, 0, glue)
            glue = LINE


def _diagram(shape: Any, slide: Slide) -> Iterator[Block]:
    """Yield the text of a SmartArt diagram, which is stored in a separate part."""
    for ids in shape._element.iter(f"{{{_DIAGRAM}}}relIds"):
        part = slide.part.related_part(ids.get(f"{{{_RELATION}}}dm"))
        glue = PARAGRAPH
        for paragraph in parse(part.blob.decode()).iter("p"):
            text = one_line("".join(map(element_text, paragraph.iter("t"))))
            if text:
                yield Block(f"- {text}", 0, 0, glue)
                glue = LINE


def _links(slide: Slide) -> Iterator[Link]:
    """Yield the links of text and of shapes on a slide and in its notes."""
    parts = [slide, slide.notes_slide] if slide.has_notes_slide else [slide]
    for part in parts:
        for anchor in part._element.iter(f"{{{_DRAWING}}}hlinkClick"):
            relation = part.part.rels.get(anchor.get(f"{{{_RELATION}}}id") or "")
            if relation is None or not relation.is_external:
                continue
            parent = anchor.getparent().getparent()  # the run, or the shape's properties
            anchor_text = "".join(each.text or "" for each in parent.iter(f"{{{_DRAWING}}}t"))
            if relation.target_ref.startswith(("http://", "https://")):
                yield Link(relation.target_ref, one_line(anchor_text))
