"""Fingerprints of ingested files, so that unchanged files are not read again.

A fingerprint names the versions of our readers and chunking by numbers that are raised on purpose,
not by a hash of their source files, which an edited comment would change.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import asdict
from functools import cache
from importlib import metadata

from corpus.readers.format_detection import FileFormat, possible_formats
from corpus.types import Source

# The version of each reader and of our code that it uses. Raise it with every change after which
# some file of its format yields another text, title, section, page or link: files of this format
# are then read again, others are not. tests/support/golden.py fails for changes without a raise.
READER_VERSIONS: dict[FileFormat, int] = {
    "pdf": 2,
    "html": 1,
    "jats": 1,
    "markdown": 3,
    "docx": 2,
    "pptx": 2,
    "epub": 2,
    "text": 2,
}
# The version of how a document's text is cut into sentences and passages, for all formats.
CHUNKING_VERSION = 1

_LIBRARIES: dict[FileFormat, tuple[str, ...]] = {  # packages whose versions a reading depends on
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
    """Hash a file with everything else that its document and passages depend on.

    Files with the same fingerprint yield the same document. The versions of the readers that may
    read the file are part of it: after an upgrade of one, the file is read again.

    Args:
        data: the file's bytes.
        source: the metadata known before reading; ``cited_by`` and ``retrieved_at`` do not count.
        content_type: the HTTP header, or "".
        password: the password of an encrypted PDF, or "".

    Returns:
        A SHA-256 in hexadecimal.
    """
    known = asdict(source) | dict.fromkeys(("cited_by", "retrieved_at", "version", "work"))
    readers = [_reader(each) for each in sorted(possible_formats(data))]
    made_by = [f"chunking {CHUNKING_VERSION}", *readers]
    head = json.dumps([made_by, known, content_type, password], ensure_ascii=True)
    return hashlib.sha256(head.encode() + b"\0" + data).hexdigest()


def _reader(name: FileFormat) -> str:
    """Describe a reader: its version, those of its libraries, and the OCR program, if any."""
    ours = f"{name} {READER_VERSIONS[name]}"
    ocr = [shutil.which("tesseract") or ""] if name == "pdf" else []
    return " ".join([ours, *map(_installed, _LIBRARIES[name]), *ocr])


@cache
def _installed(library: str) -> str:
    return f"{library} {metadata.version(library)}"
