"""Reading of damaged and hostile files in a reader process, and makers of such files."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import docx

from corpus.errors import CorpusError
from corpus.readers.sandbox import ReaderPool
from corpus.types import Source


def read(workers: ReaderPool, data: bytes, name: str) -> str:
    """Read a file and check what is true of every document; return its error, or ""."""
    source = Source("id", f"file:///books/{name}")
    try:
        document, passages = workers.read(data, source)
    except CorpusError as error:
        assert f"/{name}" in str(error) and "\n" not in str(error)
        return str(error)
    for passage in passages:
        assert document.text[passage.start : passage.end] == passage.text
    return ""


def word_file(body: bytes = b"", head: bytes = b"") -> bytes:
    """Make a Word file; ``body`` replaces the content of its document part."""
    made, out = docx.Document(), io.BytesIO()
    made.add_heading("Reading rooms", 1)
    made.add_paragraph("The Kanda reading room holds 40,000 maps. " * 5)
    table = made.add_table(2, 2)
    table.cell(0, 0).text = "Maps"
    made.save(out)
    return rezipped(
        out.getvalue(),
        lambda part: DOCUMENT % (head, body) if body and b"<w:body>" in part else part,
    )


DOCUMENT = (
    b"<?xml version='1.0'?>%b<w:document xmlns:w="
    b"'http://schemas.openxmlformats.org/wordprocessingml/2006/main'><w:body>%b</w:body></w:document>"
)


def rezipped(data: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """Change the members of a zip file, with correct checksums."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(data)) as old,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for item in old.infolist():
            new.writestr(item.filename, change(old.read(item)))
    return out.getvalue()


def peak(process: int) -> int:
    """Return the peak memory of a process in bytes; 0 where the system does not say."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return 0
    return next(int(line.split()[1]) << 10 for line in status.splitlines() if "VmHWM" in line)


def article(body: bytes, head: bytes = b"") -> bytes:
    """Make a JATS article."""
    return head + b"<article><front><article-meta/></front><body>%b</body></article>" % body
