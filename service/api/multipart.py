"""A request that uploads files, written to disk as it comes in: no file is ever in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from fastapi import Request
from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from corpus.errors import UploadRefused
from corpus.files.files import printable_path
from corpus.store.uploads import IncomingUpload, Upload, UploadStore, name_error
from service.ingestion.worker import IngestionWorker, RefusedFile

MAX_FILES = 100
_FIELDS = ("password", "source_id")
_MAX_FIELD = 1000  # bytes
_MAX_HEADER = 65_536  # bytes: a name that is too long is for its item to speak of
_PIECE = 1 << 20  # bytes that are handed to a thread at once
_SHOWN = 80  # characters of a name that is not kept
_EXPECTED = "send multipart/form-data with one or more files in the field `files`"


@dataclass(slots=True)
class ReceivedForm:
    """What a request brought: files that are kept, and held; files that are not, and why."""

    files: list[Upload] = field(default_factory=list)
    refused: list[RefusedFile] = field(default_factory=list)
    password: str = ""
    source_id: str = ""


@asynccontextmanager
async def receive_upload(request: Request, runner: IngestionWorker) -> AsyncIterator[ReceivedForm]:
    """Take in the files of a request; where what follows fails, they are let go again.

    Raises UploadRefused for a request of another form, UploadTooLarge as soon as a file is.
    """
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind != b"multipart/form-data" or b"boundary" not in options:
        raise UploadRefused(f"this is not a form with files: {_EXPECTED}")
    received = ReceivedForm()
    try:
        parts = _Parts(options[b"boundary"], runner.means.uploads, received)
        try:
            await _feed(request, parts)
        finally:
            parts.drop()
        yield received
    except ClientDisconnect:
        await run_in_threadpool(runner.discard_uploads, received.files)
        raise UploadRefused("the upload was broken off: send it again") from None
    except BaseException:
        await asyncio.shield(asyncio.to_thread(runner.discard_uploads, received.files))
        raise


async def _feed(request: Request, parts: _Parts) -> None:
    piece = bytearray()
    async for chunk in request.stream():
        piece += chunk
        if len(piece) >= _PIECE:
            await run_in_threadpool(parts.write, bytes(piece))
            piece.clear()
    await run_in_threadpool(parts.end, bytes(piece))


class _Parts:
    """The parts of a form, each dealt with as it comes."""

    def __init__(self, boundary: bytes, uploads: UploadStore, received: ReceivedForm) -> None:
        self._uploads, self._received = uploads, received
        self._header = (bytearray(), bytearray())
        self._disposition = b""
        self._field, self._value = "", bytearray()
        self._name = ""
        self._incoming: IncomingUpload | None = None
        self._ended = False
        names = ("part_begin", "part_data", "part_end", "header_field", "header_value")
        names += ("header_end", "headers_finished", "end")
        try:
            self._parser = MultipartParser(
                boundary,
                {f"on_{name}": getattr(self, f"_on_{name}") for name in names},
                max_header_size=_MAX_HEADER,
            )
        except FormParserError as error:
            raise UploadRefused(f"the form cannot be read ({error}): {_EXPECTED}") from None

    def write(self, data: bytes) -> None:
        try:
            self._parser.write(data)
        except FormParserError as error:
            raise UploadRefused(f"the form cannot be read ({error}): {_EXPECTED}") from None

    def end(self, data: bytes) -> None:
        self.write(data)
        received = self._received
        if not self._ended:
            raise UploadRefused(f"the form ends in the middle: {_EXPECTED}")
        count = len(received.files) + len(received.refused)
        if not count:
            raise UploadRefused(f"there is no file in it: {_EXPECTED}")
        if received.source_id and count > 1:
            raise UploadRefused("source_id names one source: send one file with it")

    def drop(self) -> None:
        if self._incoming:
            self._incoming.drop()

    def _on_part_begin(self) -> None:
        self._disposition, self._incoming = b"", None
        self._value.clear()

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header[0].extend(data[start:end])

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header[1].extend(data[start:end])

    def _on_header_end(self) -> None:
        if self._header[0].lower() == b"content-disposition":
            self._disposition = bytes(self._header[1])
        for part in self._header:
            part.clear()

    def _on_headers_finished(self) -> None:
        _, options = parse_options_header(self._disposition)
        self._field = options.get(b"name", b"").decode("utf-8", "replace")
        if self._field == "files":
            received = self._received
            if len(received.files) + len(received.refused) >= MAX_FILES:
                raise UploadRefused(f"there are more than {MAX_FILES} files: send them in parts")
            self._name = options.get(b"filename", b"").decode("utf-8", "replace")
            self._incoming = self._uploads.receive()
        elif self._field not in _FIELDS:
            known = ", ".join(("files", *_FIELDS))
            raise UploadRefused(
                f"there is no field {printable_path(self._field[:_SHOWN])!r}: it has {known}"
            )

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._incoming:
            self._incoming.write(data[start:end])
        else:
            self._value.extend(data[start:end])
            if len(self._value) > _MAX_FIELD:
                raise UploadRefused(f"{self._field} has more than {_MAX_FIELD:,} bytes: shorten it")

    def _on_part_end(self) -> None:
        if not self._incoming:
            setattr(self._received, self._field, self._value.decode("utf-8", "replace"))
            return
        with self._incoming as incoming:
            if wrong := name_error(self._name):
                self._received.refused.append(RefusedFile(_clipped(self._name), wrong))
            else:
                self._received.files.append(Upload(self._name, incoming.keep()))
        self._incoming = None

    def _on_end(self) -> None:
        self._ended = True


def _clipped(name: str) -> str:
    """A name that is refused, as it may be shown."""
    safe = printable_path(name[:_SHOWN])
    return f"{safe}…" if len(name) > _SHOWN else safe or "(no name)"
