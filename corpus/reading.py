"""What a document was read from: so that the same bytes are not read a second time."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import asdict
from functools import cache
from importlib import metadata
from pathlib import Path

from corpus.types import Source

_HERE = Path(__file__).parent
_LIBRARIES = (  # what the readers read with
    "charset-normalizer", "lxml", "markdown-it-py", "pypdfium2", "python-docx", "python-pptx",
    "pyyaml",
)  # fmt: skip


def digest(data: bytes, source: Source, content_type: str, password: str) -> str:
    """SHA-256 of all that ``corpus.extract`` and ``corpus.passages`` make a document from.

    Two readings with the same digest give the same document. The readers themselves are part
    of it: with a newer version of them, the same bytes are worth reading again.
    """
    about = asdict(source) | dict.fromkeys(("cited_by", "retrieved_at", "version", "work"))
    head = json.dumps([_readers(), about, content_type, password], ensure_ascii=True)
    return hashlib.sha256(head.encode() + b"\0" + data).hexdigest()


@cache
def _readers() -> str:
    """What reads: our code, the libraries, and whether pages can be read by OCR."""
    ours = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(_HERE.glob("*.py"))))
    theirs = [f"{name} {metadata.version(name)}" for name in _LIBRARIES]
    return " ".join([ours.hexdigest(), *theirs, shutil.which("tesseract") or ""])
