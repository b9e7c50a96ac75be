"""PDF to a draft, with pdfium: what it says about each line; :mod:`corpus.layout` joins them."""

from __future__ import annotations

import ctypes
import math
import re
import threading
import unicodedata
from collections.abc import Iterator

import pypdfium2
import pypdfium2.raw as pdfium

from corpus.blocks import Draft, clean, iso_date, one_line, people
from corpus.errors import CorpusError, EmptyDocument, UnreadableText
from corpus.layout import lay_out
from corpus.printed import EM_SPACE, Line, PrintedPage
from corpus.types import Link
from corpus.unwrap import SOFT_HYPHEN

MAX_PAGES = 5_000

# pdfium keeps global state and is not thread-safe: one document at a time in a process.
_LOCK = threading.Lock()

_DRAWN = (pdfium.FPDF_PAGEOBJ_IMAGE, pdfium.FPDF_PAGEOBJ_PATH, pdfium.FPDF_PAGEOBJ_SHADING)
# Where Word's Symbol and Wingdings fonts keep their bullets.
_BULLETS = dict.fromkeys(map(ord, "\uf0b7\uf0a7\uf0d8\uf0fc\uf076\uf06e"), "•")
# TeX's older fonts have accents as characters of their own; which one each is when combined.
_ACCENTS = dict(
    zip(
        "`´ˆ˜¯˘˙¨˚˝ˇ¸˛",
        "\u0300\u0301\u0302\u0303\u0304\u0306\u0307\u0308\u030a\u030b\u030c\u0327\u0328",
        strict=True,
    )
)
_DOTLESS = {"ı": "i", "ȷ": "j"}
_BOLD = re.compile(r"bold|black|heavy|medi(?!um-ital)|CMBX|gothic-?mb", re.IGNORECASE)
_ARXIV_STAMP = re.compile(r"arXiv:\S+ \[[\w.-]+\] +(\d{1,2}) (\w{3}) (\d{4})")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_NO_TITLE = re.compile(
    r"untitled|microsoft (word|powerpoint)|\.(docx?|pdf|tex|txt|dvi|indd|pptx?|qxd)$|^\W*$"
    r"|^\w+_\w+$|^(paper|document|template|slide)\s*\d*$",
    re.IGNORECASE,
)


def read_pdf(data: bytes, name: str, password: str = "") -> Draft:
    """Read a PDF; ``name`` is what errors call it.

    Raises UnreadableText where it is encrypted, a scan, or its text is not text, EmptyDocument
    where it has no pages, and CorpusError where it is damaged or has more than 5,000 pages.
    """
    with _LOCK:
        try:
            pdf = pypdfium2.PdfDocument(data, password=password or None)
        except pypdfium2.PdfiumError as error:
            raise _refusal(error, name, password) from error
        try:
            return _draft(pdf, name)
        except pypdfium2.PdfiumError as error:
            raise CorpusError(f"{name} is a damaged PDF ({error}): save it again") from error
        finally:
            pdf.close()


def _refusal(error: pypdfium2.PdfiumError, name: str, password: str) -> CorpusError:
    if error.err_code == pdfium.FPDF_ERR_PASSWORD:
        if password:
            return UnreadableText(
                f"{name} is encrypted: the password given is not its own, try another --password"
            )
        return UnreadableText(f"{name} is encrypted: give its password with --password")
    if error.err_code == pdfium.FPDF_ERR_SECURITY:
        return UnreadableText(f"{name} is encrypted in a way that cannot be read: print it anew")
    return CorpusError(f"{name} is a damaged PDF: save it again or find another copy")


def _draft(pdf: pypdfium2.PdfDocument, name: str) -> Draft:
    count = len(pdf)
    if not count:
        raise EmptyDocument(f"{name} is a PDF without pages")
    if count > MAX_PAGES:
        raise CorpusError(f"{name} has {count} pages, more than {MAX_PAGES}: split it")
    pages: list[PrintedPage] = []
    links: list[Link] = []
    pictures = False
    for index in range(count):
        page = pdf[index]
        text = page.get_textpage()
        try:
            pages.append(PrintedPage(index + 1, list(_lines(text))))
            links += _links(pdf, page, text)
            if not pages[-1].lines and not pictures:
                pictures = any(page.get_objects(filter=_DRAWN))
        finally:
            text.close()
            page.close()
    if not any(page.lines for page in pages):
        raise _no_text(name, pictures)
    published = _strip_stamp(pages[0])
    _check_legible(pages, name)
    layout = lay_out(pages)
    info = pdf.get_metadata_dict()
    return Draft(
        layout.blocks,
        links=links,
        title=_sane(info["Title"]) or layout.title,
        authors=people(info["Author"]) or layout.authors,
        published=published,
    )


def _no_text(name: str, pictures: bool) -> CorpusError:
    if pictures:
        return UnreadableText(f"{name} is a scan, pictures without text: run OCR on it first")
    return EmptyDocument(f"{name} has pages but no text on them")


def _lines(text: pypdfium2.PdfTextPage) -> Iterator[Line]:
    """The lines of a page in pdfium's order, which is that of the content stream.

    A line that ends in a hyphen which only the printed width asked for ends in a soft hyphen.
    """
    start = 0
    chars: list[str] = []
    for index in range(text.count_chars()):
        code = pdfium.FPDFText_GetUnicode(text, index)
        if code in (0x0D, 0x0A):
            if chars:
                yield from _line(text, start, chars)
            chars = []
            continue
        if not chars:
            start = index
        if pdfium.FPDFText_HasUnicodeMapError(text, index) == 1:
            chars.append("\ufffd")  # a glyph number, not a character
        elif pdfium.FPDFText_IsHyphen(text, index) == 1:
            # No line break follows such a hyphen: it is the line break.
            yield from _line(text, start, [*chars, SOFT_HYPHEN])
            chars = []
        else:
            chars.append(chr(code))
    if chars:
        yield from _line(text, start, chars)


def _line(text: pypdfium2.PdfTextPage, start: int, chars: list[str]) -> Iterator[Line]:
    """One line with its place and type; nothing where there are only spaces."""
    inked = [i for i, char in enumerate(chars) if not char.isspace() and char != SOFT_HYPHEN]
    if not inked:
        return
    first, middle, last = (start + inked[i] for i in (0, len(inked) // 2, -1))
    boxes = [_box(text, index) for index in (first, middle, last)]
    x0, x1, y = boxes[0][0], boxes[2][2], boxes[1][1]
    size = sorted(box[3] - box[1] for box in boxes)[1]  # one may be an initial or an exponent
    upright = abs(pdfium.FPDFText_GetCharAngle(text, middle)) < 0.1
    drop, run = boxes[0][3] - boxes[2][1], abs(boxes[2][0] - boxes[0][0])
    vertical = upright and len(inked) > 2 and run < size / 2 and drop > 2 * size
    capitals = "".join(chars).isupper() and 2 * sum(map(str.isalpha, chars)) > len(inked)
    if vertical:
        # Turned by a quarter: "down the page" then is leftwards, and the rules stay the same.
        x0, x1, y = -boxes[0][3], -boxes[2][1], boxes[0][0]
        chars = ["" if char == " " else char for char in chars]  # they are set apart, no words
    elif upright:
        _mend_spaces(text, start, chars)
        _mend_accents(text, start, chars)
        if capitals:
            _lower_small_capitals(text, start, chars)
    bold = _is_bold(text, first)
    yield Line(_string(chars), x0, x1, y, size, bold, capitals, upright, vertical)


def _string(chars: list[str]) -> str:
    # pdfium gives characters outside the basic plane as two surrogates on some systems.
    string = "".join(chars).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    string = string.translate(_BULLETS)
    end = SOFT_HYPHEN if string.endswith(SOFT_HYPHEN) else ""
    apart = [clean(part).strip() for part in string.rstrip(SOFT_HYPHEN).split(EM_SPACE)]
    return EM_SPACE.join(filter(None, apart)) + end


def _mend_spaces(text: pypdfium2.PdfTextPage, start: int, chars: list[str]) -> None:
    """Mark wide spaces, and take out those that pdfium sees between letters set apart."""
    gaps: dict[int, tuple[float, float]] = {}
    for i in range(1, len(chars) - 1):
        if chars[i] == " " and not chars[i - 1].isspace() and not chars[i + 1].isspace():
            left, right = _box(text, start + i - 1), _box(text, start + i + 1)
            size = max(left[3] - left[1], right[3] - right[1])
            gaps[i] = right[0] - left[2], size
    least = min((gap for gap, _ in gaps.values()), default=0.0)
    for i, (gap, size) in gaps.items():
        # In a narrow column all spaces of a line may be wide, but then all alike.
        if gap > size and gap > min(1.8 * least, 1.6 * size):
            chars[i] = EM_SPACE
        elif gap < 0.2 * size and chars[i - 1].isupper() and chars[i + 1].isupper():
            chars[i] = "" if pdfium.FPDFText_IsGenerated(text, start + i) == 1 else " "


def _mend_accents(text: pypdfium2.PdfTextPage, start: int, chars: list[str]) -> None:
    """Put accents that TeX drew as characters of their own on the letters they stand over."""
    for i, char in enumerate(chars):
        if char not in _ACCENTS:
            continue
        left, _, right, _ = _box(text, start + i)
        for k, letter in enumerate(chars):
            base = _DOTLESS.get(letter, letter)
            composed = unicodedata.normalize("NFC", base + _ACCENTS[char])
            if not letter.isalpha() or len(composed) > 1:
                continue
            box = _box(text, start + k)
            if box[0] < (left + right) / 2 < box[2]:
                chars[k], chars[i] = composed, ""
                _close_up(text, start, chars, i)
                break


def _close_up(text: pypdfium2.PdfTextPage, start: int, chars: list[str], at: int) -> None:
    """Space where a character was taken out only what stands apart without it."""
    before = next((i for i in range(at - 1, -1, -1) if chars[i].strip()), None)
    after = next((i for i in range(at + 1, len(chars)) if chars[i].strip()), None)
    if before is None or after is None:
        return
    left, right = _box(text, start + before), _box(text, start + after)
    apart = right[0] - left[2] > 0.15 * (right[3] - right[1])
    chars[before + 1 : after] = [""] * (after - before - 1)
    if apart:
        chars[at] = " "


def _lower_small_capitals(text: pypdfium2.PdfTextPage, start: int, chars: list[str]) -> None:
    """Spell small capitals as what they are, lower-case letters, in a line of capitals alone."""
    sizes = {
        i: pdfium.FPDFText_GetFontSize(text, start + i)
        for i, char in enumerate(chars)
        if char.isalpha()
    }
    large = max(sizes.values())
    for i, size in sizes.items():
        if 0.6 * large < size < 0.9 * large:
            chars[i] = chars[i].lower()


def _box(text: pypdfium2.PdfTextPage, index: int) -> tuple[float, float, float, float]:
    """Left, baseline, right and top of the space that the font gives a character, in points."""
    rect = pdfium.FS_RECTF()
    pdfium.FPDFText_GetLooseCharBox(text, index, rect)
    box = rect.left, rect.bottom, rect.right, rect.top
    return box if all(map(math.isfinite, box)) else (0.0, 0.0, 0.0, 0.0)  # in damaged files


def _is_bold(text: pypdfium2.PdfTextPage, index: int) -> bool:
    if pdfium.FPDFText_GetFontWeight(text, index) >= 600:
        return True
    name = ctypes.create_string_buffer(128)
    pdfium.FPDFText_GetFontInfo(text, index, name, 128, ctypes.c_int())
    return bool(_BOLD.search(name.value.decode("utf-8", "replace")))


def _links(
    pdf: pypdfium2.PdfDocument, page: pypdfium2.PdfPage, text: pypdfium2.PdfTextPage
) -> Iterator[Link]:
    """The web addresses that areas of a page lead to, each with the text printed there."""
    position, link = ctypes.c_int(0), pdfium.FPDF_LINK()
    while pdfium.FPDFLink_Enumerate(page, position, link):
        action = pdfium.FPDFLink_GetAction(link)
        length = pdfium.FPDFAction_GetURIPath(pdf, action, None, 0) if action else 0
        if length < 2:
            continue
        buffer = ctypes.create_string_buffer(length)
        pdfium.FPDFAction_GetURIPath(pdf, action, buffer, length)
        url = clean(buffer.value.decode("utf-8", "replace")).strip()
        rect = pdfium.FS_RECTF()
        pdfium.FPDFLink_GetAnnotRect(link, rect)
        words = text.get_text_bounded(rect.left, rect.bottom, rect.right, rect.top)
        if url.startswith(("http://", "https://")):
            yield Link(url, one_line(words))


def _strip_stamp(page: PrintedPage) -> str:
    """Take arXiv's stamp off the margin of the first page; the date on it, in ISO, or ""."""
    for line in page.lines:
        match = None if line.upright else _ARXIV_STAMP.match(line.text)
        if match and match[2] in _MONTHS:
            page.lines.remove(line)
            return iso_date(f"{match[3]}-{_MONTHS.index(match[2]) + 1}-{match[1]}")
    return ""


def _check_legible(pages: list[PrintedPage], name: str) -> None:
    """Drop lines without readable characters; raise UnreadableText if they are the rule."""
    illegible = total = worst = 0
    where = 0
    for page in pages:
        bad = {line: _illegible(line.text) for line in page.lines}
        here = sum(bad.values())
        total += sum(len(line.text) for line in page.lines)
        illegible += here
        if here > worst:
            worst, where = here, page.number
        page.lines[:] = [line for line in page.lines if bad[line] * 5 < len(line.text)]
    if illegible * 3 > total:
        raise UnreadableText(
            f"{name} has text that is no text (page {where}: its fonts do not say which "
            "characters they draw): run OCR on it"
        )


def _illegible(text: str) -> int:
    """How many characters are replacements, controls or private, so that none can read them."""
    return sum(
        char == "\ufffd" or "\ue000" <= char <= "\uf8ff" or (char < " " and char != "\t")
        for char in text
    )


def _sane(title: str) -> str:
    title = one_line(title)
    return "" if _NO_TITLE.search(title) or len(title) < 4 else title
