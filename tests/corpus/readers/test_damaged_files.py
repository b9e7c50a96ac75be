"""Damaged and hostile files: reading one takes bounded time and memory and never harms the parent.

Hypothesis damages real files for some seconds (in `make soak`, for minutes); known kinds of hostile
files are built here, and there is a test for each.
"""

from __future__ import annotations

import os
import struct
import time
import zlib
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from corpus.errors import CorpusError
from corpus.readers.sandbox import ReaderPool
from corpus.types import Source
from tests.support.damaged_files import article, peak, read, rezipped, word_file
from tests.support.paths import SHARED
from tests.support.soak import SOAK

pytestmark = pytest.mark.process

SECONDS = 600 if SOAK else 4  # of fuzzing, at most
LIMIT = 5.0  # seconds for one file
MEMORY = 1_000_000_000


@pytest.fixture(scope="module")
def workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReaderPool]:
    """A pool with a fake Tesseract that finds no text, so that pages are drawn for OCR."""
    program = tmp_path_factory.mktemp("bin") / "tesseract"
    program.write_text('#!/bin/sh\n[ "$1" = --list-langs ] && echo eng || exec cat >/dev/null\n')
    program.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
        with ReaderPool(LIMIT, MEMORY) as made:
            yield made


def pdf(*objects: bytes) -> bytes:
    """Make a PDF of objects, the first of which is its catalogue."""
    out, starts = bytearray(b"%PDF-1.7\n"), []
    for number, body in enumerate(objects, 1):
        starts.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % start for start in starts)
    size = len(objects) + 1
    return bytes(
        out
        + b"xref\n0 %d\n0000000000 65535 f \n%b" % (size, table)
        + b"trailer <</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (size, len(out))
    )


CATALOGUE = b"<</Type/Catalog/Pages 2 0 R>>"
PAGE = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]%b>>"
FONT = b"/Resources<</Font<</F<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>"


def one_page(content: bytes, filters: bytes = b"") -> bytes:
    stream = b"<</Length %d%b>>stream\n%b\nendstream" % (len(content), filters, content)
    pages = b"<</Type/Pages/Count 1/Kids[3 0 R]>>"
    return pdf(CATALOGUE, pages, PAGE % (FONT + b"/Contents 4 0 R"), stream)


def text_page() -> bytes:
    lines = [b"0 -14 Td (Line %d of a page on maps and reading rooms.) Tj" % i for i in range(40)]
    return one_page(b"BT /F 11 Tf 60 740 Td " + b"\n".join(lines) + b" ET")


HTML = (
    "<!doctype html><html lang=ja><head><title>地図</title><meta charset=utf-8></head><body><article>"
    "<h1>読書室</h1><p>神田の読書室には<b>四万</b>枚の地図がある。<a href='/maps'>地図</a></p>"
    "<table><tr><th>a<td>b</table><ul><li>one<li>two</ul><pre>x = 1</pre></article></body></html>"
).encode()
MARKDOWN = (
    b"---\ntitle: Rooms\ndate: 2024-01-02\n---\n# Rooms\n\n> *The* [room](https://example.org) holds\n"
    b"- 40,000 maps\n  1. and `atlases`\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```py\nx = 1\n```\n<b>x</b>\n"
)

# Damage

TOKENS = [
    b"\0", b"\xff", b"<", b">", b"&#0;", b"]]>", b"<!--", b"</", b"(", b"\\", b"endobj", b"endstream",
    b"4294967295", b"-1", b"1e999", b"/Kids[1 0 R]", b"/Length 99999999", b"1 0 R", b"<w:p>", b"<div>" * 99,
    b"---\n", b"```", b"[" * 50, b"\xe3\x81", b" " * 3000,
]  # fmt: skip
damage = st.tuples(
    st.sampled_from(["flip", "insert", "cut", "repeat", "end"]),
    st.floats(0, 1),
    st.integers(1, 200),
    st.sampled_from(TOKENS),
)


def damaged(data: bytes, kind: str, where: float, length: int, token: bytes) -> bytes:
    at = int(where * len(data))
    match kind:
        case "flip":
            return (
                data[:at]
                + bytes(byte ^ (1 << length % 8) for byte in data[at : at + 1])
                + data[at + 1 :]
            )
        case "insert":
            return data[:at] + token + data[at:]
        case "cut":
            return data[:at] + data[at + length :]
        case "repeat":
            return data[:at] + data[at : at + length] * 20 + data[at:]
        case _:
            return data[:at]


def seeds() -> list[tuple[str, bytes]]:
    folder = SHARED / "pdfs"
    real = [path for path in sorted(folder.glob("*.*")) if 0 < path.stat().st_size < 150_000]
    return [
        ("a.pdf", text_page()),
        ("b.docx", word_file()),
        ("c.html", HTML),
        ("d.md", MARKDOWN),
        *((path.name, path.read_bytes()) for path in real),
    ]


SEEDS = seeds()


@pytest.mark.timeout(900 if SOAK else 300)
def test_damaged_file_is_read_or_refused_within_limits(workers: ReaderPool) -> None:
    until = time.monotonic() + SECONDS
    reads = refused = 0

    @settings(
        max_examples=300,
        deadline=None,
        database=None,
        derandomize=not SOAK,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.sampled_from(SEEDS), st.lists(damage, min_size=1, max_size=6), st.booleans())
    def fuzz(seed: tuple[str, bytes], steps: list, inside: bool) -> None:
        nonlocal reads, refused
        if time.monotonic() > until:
            return
        name, data = seed
        for step in steps:
            if inside and name.endswith(".docx"):
                data = rezipped(data, lambda part, step=step: damaged(part, *step))
            else:
                data = damaged(data, *step)
        started = time.monotonic()
        refused += bool(read(workers, data, name))
        reads += 1
        assert time.monotonic() - started < LIMIT + 5

    fuzz()
    while SOAK and time.monotonic() < until:
        fuzz()
    assert reads > 30 and 0 < refused < reads
    for worker in workers._idle:
        assert peak(worker.process.pid) < MEMORY


# Known kinds of hostile files


def pages(count: int) -> bytes:
    kids = b" ".join(b"%d 0 R" % (number + 3) for number in range(count))
    return pdf(
        CATALOGUE, b"<</Type/Pages/Count %d/Kids[%b]>>" % (count, kids), *[PAGE % b""] * count
    )


def entities(root: bytes = b"w:document") -> bytes:
    names = "abcdefghij"
    lines = [f"<!ENTITY {b} '{f'&{a};' * 10}'>" for a, b in pairwise(names)]
    return b"<!DOCTYPE %b [<!ENTITY a 'aaaaaaaaaa'>%b]>" % (root, "".join(lines).encode())


def bomb(filler: bytes = b" ", megabytes: int = 1200, start: bytes = b"") -> bytes:
    """Make a bomb: one byte repeated, deflated twice, with wrong checksums, which readers ignore."""
    part = zlib.compressobj(9)
    head = part.compress(start) + part.flush(zlib.Z_FULL_FLUSH)
    block = part.compress(filler * 10_000_000) + part.flush(zlib.Z_FULL_FLUSH)
    return zlib.compress(head + block * (megabytes // 10) + b"\x03\x00", 9)


def tree(depth: int) -> bytes:
    """Make a PDF whose page tree is a chain of nodes with one child each."""
    kids = (b"<</Type/Pages/Count 1/Kids[%d 0 R]>>" % number for number in range(3, depth + 3))
    return pdf(CATALOGUE, *kids, PAGE % b"")


def packed_objects() -> bytes:
    """Make a PDF whose catalogue is in an object stream that unpacks to 3 GB."""
    held = [CATALOGUE, b"<</Type/Pages/Count 1/Kids[3 0 R]>>", PAGE % b""]
    at = [sum(map(len, held[:i])) for i in range(3)]
    index = b"1 %d 2 %d 3 %d " % tuple(at)
    data = bomb(megabytes=3000, start=index + b"".join(held))
    out = b"%%PDF-1.7\n4 0 obj\n<</Type/ObjStm/N 3/First %d%b" % (len(index), TWICE)
    out += b"/Length %d>>stream\n%b\nendstream\nendobj\n" % (len(data), data)
    places = [(0, 0, 0), (2, 4, 0), (2, 4, 1), (2, 4, 2), (1, 9, 0), (1, len(out), 0)]
    rows = b"".join(bytes([kind]) + struct.pack(">HB", place, n) for kind, place, n in places)
    table = b"5 0 obj\n<</Type/XRef/Size 6/W[1 2 1]/Root 1 0 R/Length %d>>stream\n%b\nendstream"
    return out + table % (len(rows), rows) + b"\nendobj\nstartxref\n%d\n%%%%EOF" % len(out)


def picture(side: int, bits: int) -> bytes:
    """Make a PDF page with a grey square picture of ``side`` pixels."""
    data, draw = bomb(b"\x55", side * side * bits // 8_000_000), b"600 0 0 700 0 0 cm /I Do"
    about = b"/Width %d/Height %d/BitsPerComponent %d/ColorSpace/DeviceGray" % (side, side, bits)
    return pdf(
        CATALOGUE,
        b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
        PAGE % b"/Resources<</XObject<</I 5 0 R>>>>/Contents 4 0 R",
        b"<</Length %d>>stream\n%b\nendstream" % (len(draw), draw),
        b"<</Subtype/Image%b%b/Length %d>>stream\n%b\nendstream" % (about, TWICE, len(data), data),
    )


TWICE = b"/Filter[/FlateDecode/FlateDecode]"


HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "pages.pdf": (lambda: pages(10_000), "has 10000 pages, more than 5000: split it"),
    "blank.pdf": (lambda: pages(3000), "no text on them"),
    "ring.pdf": (
        lambda: pdf(
            CATALOGUE,
            b"<</Type/Pages/Count 2/Kids[3 0 R 2 0 R]/Parent 3 0 R>>",
            b"<</Type/Pages/Count 2/Kids[2 0 R 3 0 R]/Parent 2 0 R>>",
        ),
        "damaged PDF",
    ),
    "counts.pdf": (
        lambda: pdf(CATALOGUE, b"<</Type/Pages/Count 2000000000/Kids[3 0 R]>>", PAGE % b""),
        "no text on them",
    ),
    "nested.pdf": (
        lambda: pdf(
            CATALOGUE,
            b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
            PAGE % (b"/Contents" + b"[" * 100_000 + b"]" * 100_000),
        ),
        "no text on them",
    ),
    "tree.pdf": (lambda: tree(100_000), "damaged PDF"),
    "bomb.pdf": (lambda: one_page(bomb(), TWICE), "crashed its reader"),
    "objects.pdf": (packed_objects, "crashed its reader"),
    "huge.pdf": (
        lambda: one_page(b"9 9 5000000 5000000 re f").replace(b"612 792", b"1e7 1e7"),
        "OCR finds no text",
    ),
    "picture.pdf": (lambda: picture(100_000, 8), "OCR finds no text"),
    "fax.pdf": (lambda: picture(50_000, 1), "OCR finds no text"),
    "bomb.docx": (lambda: word_file(b"<w:p/>" * 10_000_000), "unpack to 61 MB"),
    "entities.docx": (lambda: word_file(b"<w:p><w:r><w:t>&j;</w:t></w:r></w:p>", entities()), "damaged"),
    "nested.docx": (lambda: word_file(b"<w:p>" * 99_999 + b"</w:p>" * 99_999), "damaged Word file"),
    "line.docx": (
        lambda: word_file(
            b"<w:p><w:r><w:t>%b</w:t></w:r></w:p>" % b"".join(b"map %d " % i for i in range(10**6))
        ),
        "has a paragraph of more than 10 MB: split it",
    ),
    "entities.xml": (lambda: article(b"<p>One. &j; Two.</p>", entities(b"article")), ""),
    "attribute.xml": (
        lambda: article(b"<sec id='&j;'><p>One.</p></sec>", entities(b"article")),
        "",
    ),
    "line.xml": (
        lambda: article(b"<p>" + b"word " * 2_100_000),
        "has a paragraph of more than 10 MB: split it",
    ),
    "nested.xml": (lambda: article(b"<sec>" * 100_000), "damaged JATS article"),
    "rows.txt": (lambda: b"1,abc,7,2020-01-01,9.99\n" * 900_000, "more than 20 million: split it"),
    "line.html": (
        lambda: b"<!doctype html><p>" + b"word " * 10_000_000,
        "has 50.0 million characters",
    ),
    "nested.html": (lambda: b"<!doctype html>" + b"<div>" * 50_000, "no text in it"),
    "heading.html": (
        lambda: b"<!doctype html><h1>" + b"head " * 40_000 + b"</h1>" + b"<p>Some text.</p>" * 999,
        "",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_file_is_refused_within_limits(workers: ReaderPool, name: str) -> None:
    make, reason = HOSTILE[name]
    data = make()
    started = time.monotonic()
    said = read(workers, data, name)
    over = "takes more than" in said  # of time or memory: allowed for every file
    assert over or (reason in said and bool(reason) == bool(said)), said
    assert time.monotonic() - started < LIMIT + 5
    for worker in workers._idle:
        assert peak(worker.process.pid) < MEMORY


def test_external_entity_is_not_read(workers: ReaderPool, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("the secret")
    head = f"<!DOCTYPE w:document [<!ENTITY a SYSTEM '{(tmp_path / 'secret').as_uri()}'>]>".encode()
    data = word_file(b"<w:p><w:r><w:t>&a; is here.</w:t></w:r></w:p>", head)
    try:
        document, _ = workers.read(data, Source("id", "file:///books/a.docx"))
        assert "secret" not in document.text
    except CorpusError as error:
        assert "secret" not in str(error)
