"""Very large files: each is read, or refused by an error that names it, within the limits.

They take minutes together, so they run only in `make soak`.
"""

from __future__ import annotations

import io
import re
import time
import zipfile
from collections.abc import Callable

import pptx
import pytest

from corpus.readers.sandbox import READ_SECONDS, READER_MEMORY_BYTES, ReaderPool
from tests.support.damaged_files import article, peak, read, word_file
from tests.support.documents import saved
from tests.support.soak import SOAK

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(not SOAK, reason="takes minutes: `make soak`"),
]


def prose(megabytes: float, end: str = " ") -> str:
    """Make text of different sentences, each followed by ``end``."""
    size = len(f"The room holds maps of 100000 towns.{end}")
    count = int(megabytes * 1e6 / size)
    return "".join(f"The room holds maps of {100_000 + i} towns.{end}" for i in range(count))


def markup(megabytes: float) -> str:
    """Make one paragraph in which every other character may be markup."""
    return "A *map* of [the](/a) town, it_is_said: **so**! " * int(megabytes * 1e6 / 48)


def book(chapters: int) -> bytes:
    names = [f"c{i}" for i in range(chapters)]
    items = "".join(
        f"<item id='{n}' href='{n}.xhtml' media-type='application/xhtml+xml'/>" for n in names
    )
    spine = "".join(f"<itemref idref='{n}'/>" for n in names)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "META-INF/container.xml", "<container><rootfile full-path='b.opf'/></container>"
        )
        archive.writestr(
            "b.opf", f"<package><manifest>{items}</manifest><spine>{spine}</spine></package>"
        )
        for name in names:
            archive.writestr(f"{name}.xhtml", f"<html><h1>{name}</h1><p>{prose(0.001)}</p></html>")
    return file.getvalue()


def deck(slides: int) -> bytes:
    """Copy the first slide, because python-pptx takes minutes to add many slides."""
    show = pptx.Presentation()
    first = show.slides.add_slide(show.slide_layouts[1])
    first.shapes.title.text, first.placeholders[1].text = "Maps", prose(0.0005)
    with zipfile.ZipFile(io.BytesIO(saved(show))) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    slide, relations = parts["ppt/slides/slide1.xml"], parts["ppt/slides/_rels/slide1.xml.rels"]
    # The first slide is named in three places; the others are to be named beside it.
    for name, entry in {
        "[Content_Types].xml": rb'<Override PartName="/ppt/slides/slide1.xml"[^>]*/>',
        "ppt/_rels/presentation.xml.rels": rb'<Relationship [^>]*slides/slide1.xml"[^>]*/>',
        "ppt/presentation.xml": rb"<p:sldId [^>]*/>",
    }.items():
        one = re.search(entry, parts[name])[0]
        many = [
            one.replace(b"slide1.", b"slide%d." % n)
            .replace(b'"rId', b'"rId%d_' % n)
            .replace(b'"256"', b'"%d"' % (256 + n))
            for n in range(2, slides + 1)
        ]
        parts[name] = parts[name].replace(one, one + b"".join(many))
    for n in range(2, slides + 1):
        parts[f"ppt/slides/slide{n}.xml"] = slide
        parts[f"ppt/slides/_rels/slide{n}.xml.rels"] = relations
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return file.getvalue()


def paragraphs(count: int) -> bytes:
    one = b"<w:p><w:r><w:t>The room holds maps of %d towns.</w:t></w:r></w:p>"
    return word_file(b"".join(one % i for i in range(count)))


LARGE: dict[str, tuple[Callable[[], bytes | str], str]] = {
    "prose.md": (lambda: prose(9), ""),
    "markup.md": (lambda: markup(9), ""),
    "rows.md": (lambda: "|a|b|c|\n|-|-|-|\n" + "|1|2|3|\n" * 200_000, ""),
    "open.md": (lambda: "[" * 300_000, ""),
    "line.html": (lambda: "<!doctype html><p>" + prose(19), ""),
    "much.html": (lambda: "<!doctype html><p>" + prose(50), "split it"),
    "nested.html": (lambda: "<!doctype html>" + "<div>One. <b>" * 100_000, ""),
    "rows.html": (lambda: "<!doctype html><table>" + "<tr><td>c<td>d" * 600_000, ""),
    "prose.txt": (lambda: prose(19), ""),
    "much.txt": (lambda: prose(90), "more than 20 million: split it"),
    "table.txt": (lambda: "".join(f"{i},abc,{i * 7},2020-01-01\n" for i in range(600_000)), ""),
    "book.epub": (lambda: book(10_000), ""),
    "books.epub": (lambda: book(20_000), "parts): save it again"),
    "runs.docx": (
        lambda: word_file(b"<w:p>%b</w:p>" % (b"<w:r><w:t>A map. </w:t></w:r>" * 200_000)),
        "",
    ),
    "paragraphs.docx": (lambda: paragraphs(200_000), ""),
    "slides.pptx": (lambda: deck(5000), ""),
    "more.pptx": (lambda: deck(5001), "has 5001 slides, more than 5000: split it"),
    "paragraph.xml": (lambda: article(f"<p>{prose(9.5)}</p>".encode()), ""),
}


@pytest.mark.parametrize("name", LARGE)
def test_large_file_is_read_or_refused_within_limits(name: str) -> None:
    make, reason = LARGE[name]
    data = make()
    data = data.encode() if isinstance(data, str) else data
    with ReaderPool() as workers:
        started = time.monotonic()
        said = read(workers, data, name)
        assert time.monotonic() - started < READ_SECONDS + 5
        assert all(peak(worker.process.pid) < 1.2 * READER_MEMORY_BYTES for worker in workers._idle)
    slow = "takes more than" in said  # on a slow machine; it says what to do
    assert slow or (reason in said and bool(reason) == bool(said)), said
