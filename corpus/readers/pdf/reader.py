"""The reader for PDF files, by PDFium: text, links, metadata, and OCR of scanned pages.

PDFium gives the characters and their positions; ``layout`` makes headings and paragraphs of
them. Errors for files that cannot be read say why, and what to do.
"""

from __future__ import annotations

import ctypes
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pypdfium2
import pypdfium2.raw as pdfium

from corpus.document_errors import (
    INSTALL_OCR,
    NO_CHARACTERS,
    DamagedFile,
    FileTooLarge,
    GapProblem,
)
from corpus.errors import CorpusError, EmptyDocument, UnreadableText
from corpus.readers.pdf import ocr
from corpus.readers.pdf.fallback_font import install_fallback_font
from corpus.readers.pdf.glyphs import printed_lines
from corpus.readers.pdf.layout import Layout, build_layout
from corpus.readers.pdf.legibility import readable_lines, text_length
from corpus.readers.pdf.line import PrintedLine, PrintedPage
from corpus.readers.pdf.opening import opened_pdf
from corpus.text.blocks import ParsedDocument, iso_date, normalize_text, one_line, parse_authors
from corpus.text.byline import read_date_line
from corpus.text.near_duplicates import normalized_letters
from corpus.types import Gap, Link

MAX_PAGES = 5_000

_DRAWN = (pdfium.FPDF_PAGEOBJ_IMAGE, pdfium.FPDF_PAGEOBJ_PATH, pdfium.FPDF_PAGEOBJ_SHADING)
_ARXIV_STAMP = re.compile(r"arXiv:\S+ \[[\w.-]+\] +(\d{1,2}) (\w{3}) (\d{4})")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_NO_TITLE = re.compile(
    r"untitled|microsoft (word|powerpoint)|\.(docx?|pdf|tex|txt|dvi|indd|pptx?|qxd)$|^\W*$"
    r"|^\w+_\w+$|^(paper|document|template|slide)\s*\d*$",
    re.IGNORECASE,
)


def read_pdf(data: bytes, name: str, password: str = "") -> ParsedDocument:
    """Read a PDF into headings and paragraphs in reading order, links, gaps and metadata.

    Args:
        data: The bytes of the file.
        name: What error messages call it.
        password: Opens an encrypted file.

    Raises:
        PasswordNeeded: It is encrypted, and the password does not open it.
        UnreadableText: It is a scan without OCR, or its fonts do not say which characters they
            draw.
        EmptyDocument: It has no pages, or no text on them.
        CorpusError: It is damaged, or has more than 5,000 pages.
    """
    with opened_pdf(data, name, password, install_fallback_font) as pdf:
        return _parsed(pdf, name)[0]


def read_pdf_lines(
    data: bytes, name: str, password: str = ""
) -> tuple[ParsedDocument, tuple[tuple[int, PrintedLine], ...]]:
    """Read a PDF as ``read_pdf`` does, and say where the characters of its text are printed.

    Returns:
        What ``read_pdf`` returns; and the lines that the text is made of, in its order, each with
        the number of its page and its ``glyphs``.
    """
    with opened_pdf(data, name, password, install_fallback_font) as pdf:
        return _parsed(pdf, name, located=True)


@dataclass(slots=True)
class _Printed:
    """The pages and links of a PDF; ``gaps`` has the problem of each page that was not read."""

    pages: list[PrintedPage] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    gaps: dict[int, GapProblem] = field(default_factory=dict)
    by_ocr: set[int] = field(default_factory=set)


def _parsed(
    pdf: pypdfium2.PdfDocument, name: str, located: bool = False
) -> tuple[ParsedDocument, tuple[tuple[int, PrintedLine], ...]]:
    count = len(pdf)
    if not count:
        raise EmptyDocument(f"{name} is a PDF without pages")
    if count > MAX_PAGES:
        raise FileTooLarge(f"{name} has {count} pages, more than {MAX_PAGES}: split it")
    printed = _printed(pdf, located)
    # Pages that were not read at all could say anything; one on which OCR finds nothing is empty.
    unseen: dict[int, GapProblem] = {
        n: why for n, why in printed.gaps.items() if why in ("damaged page", "scan")
    }
    if not any(page.lines for page in printed.pages) or len(unseen) * 3 > count:
        raise _no_text(name, unseen or printed.gaps)
    published = _strip_stamp(printed.pages[0])
    _check_legible(printed, name)
    layout = build_layout(printed.pages)
    info = pdf.get_metadata_dict()
    parsed = ParsedDocument(
        layout.blocks,
        links=printed.links,
        title=_sane(info["Title"]) or one_line(layout.title),
        authors=choose_authors(info["Author"], layout),
        venue=layout.venue,
        published=published or read_date_line(layout.blocks) or layout.year,
        gaps=[Gap(page, problem) for page, problem in sorted(printed.gaps.items())],
        by_ocr=printed.by_ocr,
    )
    return parsed, layout.lines


def _printed(pdf: pypdfium2.PdfDocument, located: bool) -> _Printed:
    """Read each page: its text, or by OCR if it has no readable text."""
    printed = _Printed()
    ocr_engine = ocr.OcrEngine()
    for index in range(len(pdf)):
        number = index + 1
        try:
            page = pdf[index]
            text = page.get_textpage()
        except pypdfium2.PdfiumError:
            printed.gaps[number] = "damaged page"
            continue
        try:
            lines = list(printed_lines(text, located))
            printed.links += _links(pdf, page, text)
            if _is_scan(page, lines):
                recognized, problem = ocr_engine.read(page)
                if recognized:
                    printed.by_ocr.add(number)
                elif problem and not lines:
                    printed.gaps[number] = problem
                lines = recognized or lines
            printed.pages.append(PrintedPage(number, lines))
        finally:
            text.close()
            page.close()
    return printed


def _is_scan(page: pypdfium2.PdfPage, lines: list[PrintedLine]) -> bool:
    """Whether a page shows something, but has no readable text."""
    if not lines:
        drawn = {item.type for item in page.get_objects(filter=_DRAWN)}
        # Paths and shadings may be a background. A picture counts even if it cannot be drawn.
        return pdfium.FPDF_PAGEOBJ_IMAGE in drawn or bool(drawn and ocr.has_visible_content(page))
    # An unreadable figure is no reason for OCR of the text around it.
    return _is_lost(readable_lines(lines), lines)


def _is_lost(kept: Sequence[PrintedLine], lines: Sequence[PrintedLine]) -> bool:
    """Whether less than a quarter of a page's text is readable."""
    return 4 * text_length(kept) < text_length(lines)


def _no_text(name: str, gaps: dict[int, GapProblem]) -> CorpusError:
    if not gaps:
        return EmptyDocument(f"{name} has pages but no text on them")
    number, problem = next(iter(gaps.items()))
    if problem == "damaged page":
        return DamagedFile(
            f"{name} is a damaged PDF (page {number} cannot be opened): save it again"
        )
    if problem == "scan":
        return UnreadableText(
            f"{name} is a scan, pictures without text (page {number}): {INSTALL_OCR}"
        )
    return UnreadableText(f"{name} is a scan in which OCR finds no text: scan it again, larger")


def _links(
    pdf: pypdfium2.PdfDocument, page: pypdfium2.PdfPage, text: pypdfium2.PdfTextPage
) -> Iterator[Link]:
    """Yield the links of a page, each with the text that is printed at its place."""
    position, link = ctypes.c_int(0), pdfium.FPDF_LINK()
    while pdfium.FPDFLink_Enumerate(page, position, link):
        action = pdfium.FPDFLink_GetAction(link)
        length = pdfium.FPDFAction_GetURIPath(pdf, action, None, 0) if action else 0
        if length < 2:
            continue
        buffer = ctypes.create_string_buffer(length)
        pdfium.FPDFAction_GetURIPath(pdf, action, buffer, length)
        url = normalize_text(buffer.value.decode("utf-8", "replace")).strip()
        rect = pdfium.FS_RECTF()
        pdfium.FPDFLink_GetAnnotRect(link, rect)
        anchor_text = text.get_text_bounded(rect.left, rect.bottom, rect.right, rect.top)
        if url.startswith(("http://", "https://")):
            yield Link(url, one_line(anchor_text))


def _strip_stamp(page: PrintedPage) -> str:
    """Remove arXiv's stamp from the margin of the first page; its date in ISO, or ""."""
    for line in page.lines:
        match = None if line.upright else _ARXIV_STAMP.match(line.text)
        if match and match[2] in _MONTHS:
            page.lines.remove(line)
            return iso_date(f"{match[3]}-{_MONTHS.index(match[2]) + 1}-{match[1]}")
    return ""


def _check_legible(printed: _Printed, name: str) -> None:
    """Drop unreadable lines; raise UnreadableText if they are over a third of the text."""
    lost: Counter[int] = Counter()
    total = 0
    for page in printed.pages:
        kept = readable_lines(page.lines)
        lost[page.number] = text_length(page.lines) - text_length(kept)
        total += text_length(page.lines)
        if _is_lost(kept, page.lines):
            printed.gaps[page.number] = "fonts"
        page.lines[:] = kept
    if lost.total() * 3 > total:
        raise UnreadableText(
            f"{name} has text that cannot be read (page {lost.most_common(1)[0][0]}:"
            f" {NO_CHARACTERS}): {INSTALL_OCR}"
        )


def choose_authors(stated: str, layout: Layout) -> tuple[str, ...]:
    """Choose between the authors of a file's properties and those printed on its first page.

    Programs write a default or the name of whoever is logged in into the properties. So these count
    only if the first page prints them, or prints no names; and a single word, only if printed.
    """
    names = parse_authors(stated)
    page = normalized_letters(" ".join(b.text for b in layout.blocks if b.page <= 1))
    printed = [name for name in names if normalized_letters(name.split()[-1]) in page]
    if printed and len(names) >= len(layout.authors):
        return names
    if layout.authors:
        return layout.authors
    return tuple(name for name in names if name in printed or len(name.split()) > 1)


def _sane(title: str) -> str:
    title = one_line(title)
    return "" if _NO_TITLE.search(title) or len(title) < 4 else title
