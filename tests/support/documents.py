"""Makers of simple documents, and a check of what is true of every document that is read."""

from __future__ import annotations

import hashlib
import io
import itertools
import re
import unicodedata
from collections.abc import Sequence

import docx
import pptx
from PIL import Image

from corpus.readers.extract import extract
from corpus.types import Document, Source, text_hash


def read(data: bytes | str, url: str = "https://ex.com/dir/page", **options: str) -> Document:
    """Read a file by ``extract`` and check the document."""
    raw = data.encode() if isinstance(data, str) else data
    document = extract(raw, Source("s", url), **options)
    check(document)
    return document


def check(document: Document) -> None:
    """Check what is true of every document: normal form, sections and pages in order."""
    text = document.text
    assert text.strip() and text == unicodedata.normalize("NFC", text)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]|[^\S\n]\n|\n{3}", text)
    assert document.source.version == text_hash(text)
    previous = 0
    for section in document.sections:
        assert previous <= section.start < section.end <= len(text)
        assert section.heading and section.level >= 1
        start = text[section.start : section.end].replace("\n", " ")
        assert start.split()[:1] == section.heading.split()[:1]
        previous = section.end
    assert all(a.end == b.start for a, b in itertools.pairwise(document.sections))
    last = 0
    for page in document.pages:
        assert last <= page.start < page.end <= len(text)
        last = page.end
    numbers = [page.number for page in document.pages]
    assert numbers == sorted(set(numbers))


def headings(document: Document) -> list[tuple[int, str]]:
    """List the headings of a document with their levels."""
    return [(section.level, section.heading) for section in document.sections]


def saved(document: docx.document.Document | pptx.presentation.Presentation) -> bytes:
    """Return the bytes of a Word or PowerPoint file."""
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


def slides_of_text_and_picture() -> bytes:
    """Return a PowerPoint file of two slides, the second of which is only a picture."""
    show = pptx.Presentation()
    first = show.slides.add_slide(show.slide_layouts[0])
    first.shapes.title.text = "Bridges of Kanda"
    first.placeholders[1].text = "The stone bridge of Kanda is 61 metres long."
    Image.new("L", (1, 1)).save(picture := io.BytesIO(), "PNG")
    show.slides.add_slide(show.slide_layouts[6]).shapes.add_picture(picture, 0, 0)
    return saved(show)


# --- a PDF writer of the simplest kind: lines of Helvetica at given places --------------------

Placed = tuple[float, float, float, str]  # x, y, size in points, text


def pdf(
    pages: Sequence[Sequence[Placed]], info: str = "", draw: str = "", password: str = ""
) -> bytes:
    """Make a PDF.

    Args:
        pages: The lines of each page.
        info: Entries of its metadata dictionary, such as ``/Title (T)``.
        draw: Operators that are put before the text of each page.
        password: Opens it; empty: it is not encrypted. ``info`` must then be empty.
    """
    lock = _Lock(password) if password else None
    objects = ["<< /Type /Catalog /Pages 2 0 R >>", ""]
    objects.append("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>")
    kids = []
    for lines in pages:
        shown = "".join(
            f"BT /F {size} Tf {x} {y} Td ({text}) Tj ET\n" for x, y, size, text in lines
        )
        stream = draw + shown
        if lock:
            stream = lock.encrypted(stream, len(objects) + 1)
        objects.append(f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream")
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents {len(objects)} 0 R"
            " /Resources << /Font << /F 3 0 R >> >> >>"
        )
        kids.append(f"{len(objects)} 0 R")
    objects[1] = f"<< /Type /Pages /Count {len(kids)} /Kids [{' '.join(kids)}] >>"
    objects.append(f"<< {info} >>")
    body, offsets = "%PDF-1.4\n", []
    for number, each in enumerate(objects, 1):
        offsets.append(len(body))
        body += f"{number} 0 obj\n{each}\nendobj\n"
    table = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    entries = lock.entries if lock else ""
    trailer = f"<< /Size {len(objects) + 1} /Root 1 0 R /Info {len(objects)} 0 R {entries}>>"
    end = f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}trailer\n{trailer}\n"
    return (body + end + f"startxref\n{len(body)}\n%%EOF").encode("latin-1")


class _Lock:
    """The standard encryption of PDF 1.1 (RC4, 40 bits), which every reader knows."""

    _PAD = bytes.fromhex("28bf4e5e4e758a4164004e56fffa01082e2e00b6d0683e802f0ca9fe6453697a")
    _PERMISSIONS = -4

    def __init__(self, password: str) -> None:
        padded = (password.encode("latin-1") + self._PAD)[:32]
        owner = _rc4(hashlib.md5(padded).digest()[:5], padded)
        allowed = self._PERMISSIONS.to_bytes(4, "little", signed=True)
        self._key = hashlib.md5(padded + owner + allowed + b"id").digest()[:5]
        user = _rc4(self._key, self._PAD)
        self.entries = (
            f"/ID [<{b'id'.hex()}> <{b'id'.hex()}>] /Encrypt << /Filter /Standard /V 1 /R 2"
            f" /O <{owner.hex()}> /U <{user.hex()}> /P {self._PERMISSIONS} >> "
        )

    def encrypted(self, stream: str, number: int) -> str:
        """Encrypt the stream of the object with this number."""
        key = hashlib.md5(self._key + number.to_bytes(3, "little") + bytes(2)).digest()[:10]
        return _rc4(key, stream.encode("latin-1")).decode("latin-1")


def _rc4(key: bytes, data: bytes) -> bytes:
    state, j = list(range(256)), 0
    for i in range(256):
        j = (j + state[i] + key[i % len(key)]) % 256
        state[i], state[j] = state[j], state[i]
    out, i, j = bytearray(), 0, 0
    for byte in data:
        i = (i + 1) % 256
        j = (j + state[i]) % 256
        state[i], state[j] = state[j], state[i]
        out.append(byte ^ state[(state[i] + state[j]) % 256])
    return bytes(out)


def column(lines: Sequence[str], x: float = 60, top: float = 700, size: float = 10) -> list[Placed]:
    """Place lines of text below each other, 12 points apart."""
    return [(x, top - 12 * i, size, line) for i, line in enumerate(lines)]


FULL = "These are words enough to fill one whole line of this little column of text"
