"""Assembly of the characters that PDFium finds on a page into lines, with their positions."""

from __future__ import annotations

import ctypes
import math
import re
import unicodedata
from collections.abc import Iterator

import pypdfium2
import pypdfium2.raw as pdfium

from corpus.readers.pdf.line import EM_SPACE, Glyph, PrintedLine, inked
from corpus.text.blocks import normalize_text
from corpus.text.dehyphenation import SOFT_HYPHEN

# Bullets in Word's Symbol and Wingdings fonts.
_BULLETS = dict.fromkeys(map(ord, "\uf0b7\uf0a7\uf0d8\uf0fc\uf076\uf06e"), "•")
# Older TeX fonts draw accents as separate characters; here with their combining characters.
_ACCENTS = dict(
    zip(
        "`´ˆ˜¯˘˙¨˚˝ˇ¸˛",
        "\u0300\u0301\u0302\u0303\u0304\u0306\u0307\u0308\u030a\u030b\u030c\u0327\u0328",
        strict=True,
    )
)
_SAMPLE = 15  # characters of a line by which its size is measured
_REACH = 200  # characters: printed lines are shorter, hostile ones may be longer
_DOTLESS = {"ı": "i", "ȷ": "j"}
_BOLD = re.compile(r"bold|black|heavy|medi(?!um-ital)|CMBX|gothic-?mb", re.IGNORECASE)


def printed_lines(text: pypdfium2.PdfTextPage, located: bool = False) -> Iterator[PrintedLine]:
    """Yield the lines of a PDF page in the order in which the file draws them.

    A hyphen at the end of a line that may be due to the line break becomes a soft hyphen.

    Args:
        text: The characters of the page.
        located: Whether the lines get their ``glyphs``, which takes time.
    """
    start = 0
    chars: list[str] = []
    for index in range(text.count_chars()):
        code = pdfium.FPDFText_GetUnicode(text, index)
        if code in (0x0D, 0x0A):
            if chars:
                yield from _line(text, start, chars, located)
            chars = []
            continue
        if not chars:
            start = index
        if pdfium.FPDFText_HasUnicodeMapError(text, index) == 1:
            chars.append("\ufffd")  # PDFium only knows the number of the glyph
        elif pdfium.FPDFText_IsHyphen(text, index) == 1:
            # PDFium reports such a hyphen in place of the line break.
            yield from _line(text, start, [*chars, SOFT_HYPHEN], located)
            chars = []
        else:
            chars.append(" " if chr(code) == EM_SPACE else chr(code))
    if chars:
        yield from _line(text, start, chars, located)


def _line(
    text: pypdfium2.PdfTextPage, start: int, chars: list[str], located: bool
) -> Iterator[PrintedLine]:
    """Make a line with its position and type size; nothing if it has only spaces."""
    inked = [i for i, char in enumerate(chars) if not char.isspace() and char != SOFT_HYPHEN]
    if not inked:
        return
    first, middle, last = (start + inked[i] for i in (0, len(inked) // 2, -1))
    boxes = [_box(text, index) for index in (first, last)]
    x0, x1 = boxes[0][0], boxes[1][2]
    # Some characters may be exponents, indices, initials, or in another font.
    sample = sorted(_type(text, start + i) for i in inked[:: len(inked) // _SAMPLE + 1])
    size, y = sample[2 * len(sample) // 3]
    upright = abs(pdfium.FPDFText_GetCharAngle(text, middle)) < 0.1
    drop, run = boxes[0][3] - boxes[1][1], abs(boxes[1][0] - boxes[0][0])
    vertical = upright and len(inked) > 2 and run < size / 2 and drop > 2 * size
    capitals = "".join(chars).isupper() and 2 * sum(map(str.isalpha, chars)) > len(inked)
    if vertical:
        # Coordinates turned by 90 degrees, so that the rules for horizontal lines apply.
        x0, x1, y = -boxes[0][3], -boxes[1][1], boxes[0][0]
        chars = [
            "" if char == " " else char for char in chars
        ]  # spacing between characters, not between words
    elif upright:
        _fix_spaces(text, start, chars)
        _combine_accents(text, start, chars)
        if capitals:
            _lower_small_capitals(text, start, chars)
    bold = _is_bold(text, first)
    gaps = tuple(
        (_box(text, start + i - 1)[2], _box(text, start + i + 1)[0])
        for i, char in enumerate(chars)
        if char == EM_SPACE
    )
    string, glyphs = _string(chars), tuple(_glyphs(text, start, chars)) if located else ()
    yield PrintedLine(string, x0, x1, y, size, bold, capitals, upright, vertical, gaps, glyphs)


def _string(chars: list[str]) -> str:
    string = _without_surrogates("".join(chars)).translate(_BULLETS)
    end = SOFT_HYPHEN if string.endswith(SOFT_HYPHEN) else ""
    apart = [normalize_text(part).strip() for part in string.rstrip(SOFT_HYPHEN).split(EM_SPACE)]
    return EM_SPACE.join(filter(None, apart)) + end


def _without_surrogates(text: str) -> str:
    """Join surrogates, as which PDFium gives characters beyond U+FFFF on some systems."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _glyphs(text: pypdfium2.PdfTextPage, start: int, chars: list[str]) -> Iterator[Glyph]:
    """Yield a glyph for each character of ``inked`` of the line that ``chars`` make."""
    for i, char in enumerate(chars):
        if "\udc00" <= char < "\ue000" and i and "\ud800" <= chars[i - 1] < "\udc00":
            continue  # the second half of the character before it
        if "\ud800" <= char < "\udc00":
            char = _without_surrogates("".join(chars[i : i + 2]))[:1]
        for _ in inked(normalize_text(char)):
            yield Glyph(start, *_ink_box(text, start + i))


def _fix_spaces(text: pypdfium2.PdfTextPage, start: int, chars: list[str]) -> None:
    """Mark wide gaps by em spaces, and remove false spaces between letter-spaced capitals."""
    gaps: dict[int, tuple[float, float]] = {}
    for i in range(1, len(chars) - 1):
        if chars[i] == " " and not chars[i - 1].isspace() and not chars[i + 1].isspace():
            left, right = _box(text, start + i - 1), _box(text, start + i + 1)
            size = max(left[3] - left[1], right[3] - right[1])
            gaps[i] = right[0] - left[2], size
    least = min((gap for gap, _ in gaps.values()), default=0.0)
    for i, (gap, size) in gaps.items():
        # In a narrow column all spaces of a line may be wide, but then all are equally wide.
        if gap > size and gap > min(1.8 * least, 1.6 * size):
            chars[i] = EM_SPACE
        elif gap < 0.2 * size and chars[i - 1].isupper() and chars[i + 1].isupper():
            chars[i] = "" if pdfium.FPDFText_IsGenerated(text, start + i) == 1 else " "


def _combine_accents(text: pypdfium2.PdfTextPage, start: int, chars: list[str]) -> None:
    """Combine accents that TeX drew as separate characters with the letters below them."""
    for i, char in enumerate(chars):
        if char not in _ACCENTS:
            continue
        left, _, right, _ = _box(text, start + i)
        for k in range(max(0, i - _REACH), min(len(chars), i + _REACH)):
            letter = chars[k]
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
    """Remove the spaces around a removed character, unless its neighbours are apart."""
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
    """Turn small capitals, in a line of nothing but capitals, into lower-case letters."""
    sizes = {
        i: pdfium.FPDFText_GetFontSize(text, start + i)
        for i, char in enumerate(chars)
        if char.isalpha()
    }
    large = max(sizes.values())
    for i, size in sizes.items():
        if 0.6 * large < size < 0.9 * large:
            chars[i] = chars[i].lower()


def _type(text: pypdfium2.PdfTextPage, index: int) -> tuple[float, float]:
    """Return the type size of a character and the y of its baseline, in points."""
    matrix = pdfium.FS_MATRIX(0, 0, 0, 1)
    pdfium.FPDFText_GetMatrix(text, index, matrix)
    size = pdfium.FPDFText_GetFontSize(text, index) * math.hypot(matrix.c, matrix.d)
    x, y = ctypes.c_double(), ctypes.c_double()
    pdfium.FPDFText_GetCharOrigin(text, index, x, y)
    return (size, y.value) if math.isfinite(size) and math.isfinite(y.value) else (0.0, 0.0)


def _box(text: pypdfium2.PdfTextPage, index: int) -> tuple[float, float, float, float]:
    """Return left, bottom, right and top of a character's box in its font, in points."""
    rect = pdfium.FS_RECTF()
    pdfium.FPDFText_GetLooseCharBox(text, index, rect)
    box = rect.left, rect.bottom, rect.right, rect.top
    return box if all(map(math.isfinite, box)) else (0.0, 0.0, 0.0, 0.0)  # in damaged files


def _ink_box(text: pypdfium2.PdfTextPage, index: int) -> tuple[float, float, float, float]:
    """Return left, bottom, right and top of what a character draws, in points."""
    edges = [ctypes.c_double() for _ in range(4)]
    pdfium.FPDFText_GetCharBox(text, index, *edges)
    left, right, bottom, top = (edge.value for edge in edges)
    drawn = all(map(math.isfinite, (left, bottom, right, top))) and left < right and bottom < top
    return (left, bottom, right, top) if drawn else _box(text, index)


def _is_bold(text: pypdfium2.PdfTextPage, index: int) -> bool:
    if pdfium.FPDFText_GetFontWeight(text, index) >= 600:
        return True
    name = ctypes.create_string_buffer(128)
    pdfium.FPDFText_GetFontInfo(text, index, name, 128, ctypes.c_int())
    return bool(_BOLD.search(name.value.decode("utf-8", "replace")))
