"""Fingerprints of what documents are read from, so that unchanged files are not read again."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import asdict
from functools import cache
from importlib import metadata

from corpus.readers.format_detection import FileFormat, possible_formats
from corpus.types import Source

# The version of each reader, with all that it uses of ours. Raise one on purpose, with every change
# after which some file of its format gives another text, title, section, page or link: such files
# are then read again, others are not. tests/support/golden.py notices such changes.
READER_VERSIONS: dict[FileFormat, int] = {
    "pdf": 1,
    "html": 1,
    "jats": 1,
    "markdown": 1,
    "docx": 1,
    "pptx": 1,
    "epub": 1,
    "text": 1,
}
# The version of how a document's text is cut into sentences and passages, whatever its format.
CHUNKING_VERSION = 1

_LIBRARIES: dict[FileFormat, tuple[str, ...]] = {  # what each reader reads with
    "pdf": ("pypdfium2",),
    "html": ("charset-normalizer", "lxml"),
    "jats": ("charset-normalizer", "lxml"),
    "markdown": ("charset-normalizer", "lxml", "markdown-it-py", "pyyaml"),
    "docx": ("lxml", "python-docx"),
    "pptx": ("lxml", "python-pptx"),
    "epub": ("charset-normalizer", "lxml"),
    "text": ("charset-normalizer",),
}


def reading_fingerprint(data: bytes, source: Source, content_type: str, password: str) -> str:
    """Hash all that a document and its passages are made from.

    Two files with the same digest give the same document. The versions of the readers that
    may read the file are part of it: after a newer one is installed, the file is read again.

    Args:
        data: the file's bytes.
        source: what is known of the file; who cites it and when it was read do not count.
        content_type: the HTTP header, or "".
        password: what opens an encrypted PDF, or "".

    Returns:
        A SHA-256 in hexadecimal.
    """
    about = asdict(source) | dict.fromkeys(("cited_by", "retrieved_at", "version", "work"))
    readers = [_reader(found) for found in sorted(possible_formats(data))]
    made_by = [f"chunking {CHUNKING_VERSION}", *readers]
    head = json.dumps([made_by, about, content_type, password], ensure_ascii=True)
    return hashlib.sha256(head.encode() + b"\0" + data).hexdigest()


def _reader(found: FileFormat) -> str:
    """Name a reader, its version and those of its libraries, and whether it can use OCR."""
    ours = f"{found} {READER_VERSIONS[found]}"
    ocr = [shutil.which("tesseract") or ""] if found == "pdf" else []
    return " ".join([ours, *map(_installed, _LIBRARIES[found]), *ocr])


@cache
def _installed(library: str) -> str:
    return f"{library} {metadata.version(library)}"
