"""Streaming parser for file uploads (multipart/form-data): files go to disk as they arrive.

No file is ever in memory as a whole. An upload is identified by the hash of its bytes; its name is
only displayed.
"""

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
_FIELDS = ("password", "source_id", "collection")
_MAX_FIELD = 1000  # bytes
_MAX_HEADER = 65_536  # bytes; enough that a file name that is too long is reported for its file
_WRITE_SIZE = 1 << 20  # bytes that are passed to a thread at once
_MAX_NAME_SHOWN = 80  # characters of a refused file's name
_EXPECTED = "send multipart/form-data with one or more files in the field `files`"


@dataclass(slots=True)
class ReceivedForm:
    """The contents of an upload request: stored files, refused files with reasons, other fields."""

    files: list[Upload] = field(default_factory=list)
    refused: list[RefusedFile] = field(default_factory=list)
    password: str = field(default="", repr=False)
    source_id: str = ""
    collection: str = ""


@asynccontextmanager
async def receive_upload(request: Request, worker: IngestionWorker) -> AsyncIterator[ReceivedForm]:
    """Store the files of an upload request; discard them if the block that uses them fails.

    Args:
        request: The request, whose body has not been read.
        worker: Its uploads are where the files are stored.

    Raises:
        UploadRefused: The request is not a form with files, or it was cut off.
        UploadTooLarge: A file exceeds the limit; raised as soon as it does.
    """
    media_type, options = parse_options_header(request.headers.get("content-type", ""))
    if media_type != b"multipart/form-data" or b"boundary" not in options:
        raise UploadRefused(f"this is not a form with files: {_EXPECTED}")
    received = ReceivedForm()
    try:
        parser = _FormParser(options[b"boundary"], worker.means.uploads, received)
        try:
            await _feed(request, parser)
        finally:
            parser.drop()
        yield received
    except ClientDisconnect:
        await run_in_threadpool(worker.discard_uploads, received.files)
        raise UploadRefused("the upload was cut off: send it again") from None
    except BaseException:
        await asyncio.shield(asyncio.to_thread(worker.discard_uploads, received.files))
        raise


async def _feed(request: Request, parser: _FormParser) -> None:
    buffer = bytearray()
    async for data in request.stream():
        buffer += data
        if len(buffer) >= _WRITE_SIZE:
            await run_in_threadpool(parser.write, bytes(buffer))
            buffer.clear()
    await run_in_threadpool(parser.end, bytes(buffer))


class _FormParser:
    """The parts of a form, each stored as it arrives; the parser of the library calls ``_on_…``."""

    def __init__(self, boundary: bytes, uploads: UploadStore, received: ReceivedForm) -> None:
        self._uploads, self._received = uploads, received
        self._header = (bytearray(), bytearray())
        self._disposition = b""
        self._field, self._value = "", bytearray()
        self._name = ""
        self._incoming: IncomingUpload | None = None
        self._ended = False
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._on_part_begin,
                    "on_part_data": self._on_part_data,
                    "on_part_end": self._on_part_end,
                    "on_header_field": self._on_header_field,
                    "on_header_value": self._on_header_value,
                    "on_header_end": self._on_header_end,
                    "on_headers_finished": self._on_headers_finished,
                    "on_end": self._on_end,
                },
                max_header_size=_MAX_HEADER,
            )
        except FormParserError as error:
            raise UploadRefused(f"the form cannot be read ({error}): {_EXPECTED}") from None

    def write(self, data: bytes) -> None:
        """Parse the next bytes of the form."""
        try:
            self._parser.write(data)
        except FormParserError as error:
            raise UploadRefused(f"the form cannot be read ({error}): {_EXPECTED}") from None

    def end(self, data: bytes) -> None:
        """Parse the last bytes of the form and check that it is complete."""
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
        """Delete the file that has not arrived completely, if there is one."""
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
                raise UploadRefused(
                    f"there are more than {MAX_FILES} files: send them in several requests"
                )
            self._name = options.get(b"filename", b"").decode("utf-8", "replace")
            self._incoming = self._uploads.receive()
        elif self._field not in _FIELDS:
            known = ", ".join(("files", *_FIELDS))
            raise UploadRefused(
                f"there is no field {printable_path(self._field[:_MAX_NAME_SHOWN])!r}: use {known}"
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
            if reason := name_error(self._name):
                self._received.refused.append(
                    RefusedFile(_short_name(self._name), reason, "file name")
                )
            else:
                self._received.files.append(Upload(self._name, incoming.keep()))
        self._incoming = None

    def _on_end(self) -> None:
        self._ended = True


def _short_name(name: str) -> str:
    """Return the start of a refused file name, with control characters made visible."""
    safe = printable_path(name[:_MAX_NAME_SHOWN])
    return f"{safe}…" if len(name) > _MAX_NAME_SHOWN else safe or "(no name)"
