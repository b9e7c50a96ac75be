"""The tasks of a reader process: from the request and the bytes of a file to a reply, as JSON."""

from __future__ import annotations

import base64
import traceback
from dataclasses import asdict
from typing import Any

from corpus.document_errors import FileTooLarge
from corpus.errors import CorpusError
from corpus.types import Source

MAX_DOCUMENT_CHARACTERS = 20_000_000  # of a document's text: some forty books


def answer(request: dict[str, Any], data: bytes) -> dict[str, Any]:
    """Do what a request to a reader process asks with a file.

    Args:
        request: The ``task``: ``read``, ``unlock`` or one of ``page_tasks``; the ``name`` of the
            file in messages; and what the task needs to know.
        data: The bytes of the file.

    Returns:
        What was made, or the class and message of the error.
    """
    name = request["name"]
    try:
        return _TASKS.get(request["task"], _page_task)(request, data)
    except CorpusError as error:
        return _refusal(type(error).__name__, str(error))
    except MemoryError:
        raise
    except Exception as error:  # the file has exposed a bug in a reader
        fault = f"cannot be read ({type(error).__name__} in its reader)"
        return _refusal("DamagedFile", f"{name} {fault}: save it again in another program")


def _page_task(request: dict[str, Any], data: bytes) -> dict[str, Any]:
    from corpus.readers.pdf.page_tasks import answer_page_task

    return answer_page_task(request, data)


def _unlocked(request: dict[str, Any], data: bytes) -> dict[str, Any]:
    from corpus.readers.pdf.opening import unlock_pdf

    unlocked = unlock_pdf(data, request["name"], request["password"])
    return {"unlocked": base64.b64encode(unlocked).decode()}


def _extracted(request: dict[str, Any], data: bytes) -> dict[str, Any]:
    from corpus.readers.extract import extract
    from corpus.text.chunking import split_into_passages

    source = rebuilt(Source, request["source"])
    document = extract(data, source, request["content_type"], request["password"])
    if len(document.text) > MAX_DOCUMENT_CHARACTERS:
        count = f"{len(document.text) / 1e6:.1f} million characters"
        limit = f"{MAX_DOCUMENT_CHARACTERS / 1e6:g} million"
        raise FileTooLarge(f"{request['name']} has {count}, more than {limit}: split it")
    passages = [asdict(p) for p in split_into_passages(document)]
    return {"document": asdict(document), "passages": passages}


_TASKS = {"read": _extracted, "unlock": _unlocked}


def _refusal(kind: str, message: str) -> dict[str, Any]:
    return {"error": kind, "message": message, "trace": traceback.format_exc()}


def file_name(source: Source) -> str:
    """Name a file in messages."""
    return source.url or source.title or "the file"


def rebuilt(kind: type, values: dict[str, Any]) -> Any:
    """Make a value of a dataclass from its JSON, whose lists become tuples."""
    return kind(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})
