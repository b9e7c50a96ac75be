"""Client side of server-sent events: bytes to typed events, across reconnections. No I/O.

A stream that breaks is resumed after its last event, until several attempts in a row bring
nothing new.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from corpus.errors import ServiceError, ServiceProblem, ServiceRefused
from index.ingestion.report import Progress
from service.client import requests
from service.ingestion.job_store import Job
from service.schemas import ReadItem, from_json
from service.types import Answer, Claim, Event, EvidenceFound, Rejected

E = TypeVar("E")
MAX_EVENT_BYTES = 50_000_000  # what is longer is not an event
RECONNECT_SECONDS = 0.25  # before a broken stream is resumed; doubles each time
HTTP_GONE = 410  # the status of an answer that cannot be resumed any more


@dataclass(frozen=True, slots=True)
class JobUpdate:
    """One event of a job: its progress, the outcome of one document, or, at the end, the job."""

    name: Literal["progress", "item", "job"]
    data: Progress | ReadItem | Job


@dataclass(frozen=True, slots=True)
class StreamType(Generic[E]):
    """A kind of stream.

    Attributes:
        make: Makes an event of its name and its data.
        data: The types of the data by the names of the events.
        last: The name of the last event.
        keyed: Whether it takes an idempotency key to resume it.
    """

    make: Callable[[Any, Any], E]
    data: Mapping[str, type[Any]]
    last: str
    keyed: bool


ANSWER_STREAM = StreamType(
    Event,
    {"evidence": EvidenceFound, "claim": Claim, "rejected": Rejected, "answer": Answer},
    last="answer",
    keyed=True,
)
JOB_STREAM = StreamType(
    JobUpdate, {"progress": Progress, "item": ReadItem, "job": Job}, "job", False
)


class EventReader(Generic[E]):
    """An incremental parser of the events of one connection.

    It skips events numbered up to ``seen``, and then counts ``seen`` up to the last one's number.
    """

    def __init__(self, url: str, kind: StreamType[E], seen: int = 0) -> None:
        self._url, self._kind, self.seen = url, kind, seen
        self._rest = b""
        self._name, self._id = "", b""
        self._data: list[bytes] = []
        self._size = 0  # of the data
        self.begun = False  # some bytes have come
        self.ended = False  # the last event has come

    def feed(self, data: bytes) -> Iterator[E]:
        """Parse bytes, however they are split, and give the events completed by them.

        Raises:
            ServiceError: An event is an error of the service, or cannot be read.
        """
        self.begun = True
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in (line.rstrip(b"\r") for line in lines):
            name, _, value = line.partition(b":")
            value = value.removeprefix(b" ")
            if name == b"event":
                self._name = value.decode("utf-8", "replace")
            elif name == b"id":
                self._id = value
            elif name == b"data":
                self._data.append(value)
                self._size += len(value)
            elif not line:
                if self._data:
                    yield from self._event()
                self._name, self._id, self._data, self._size = "", b"", [], 0
        if self._size + len(self._rest) > MAX_EVENT_BYTES:
            raise requests.unreadable_reply(self._url, "a stream")

    def close(self) -> None:
        """End the connection; StreamBroken if the last event has not come."""
        if not self.ended:
            raise requests.stream_broken(self._url, "it ended before the last event")

    def _event(self) -> Iterator[E]:
        data = b"\n".join(self._data)
        if self._name == "error":
            raise requests.problem_error(self._url, 500, data)
        kind = self._kind.data.get(self._name)
        number = int(self._id) if self._id.isdigit() and len(self._id) < 10 else None
        if kind is None or (number is not None and number <= self.seen):
            return  # unknown, from a newer service, or seen already
        try:
            event = self._kind.make(self._name, from_json(kind, data))
        except ValueError as error:
            raise requests.unreadable_reply(self._url, f"the event {self._name}") from error
        self.seen, self.ended = number or self.seen, self._name == self._kind.last
        yield event


class ResumableStream(Generic[E]):
    """The state of one stream across the connections over which a client reads it.

    For each connection the client sends ``call`` with ``headers``, passes the reply to ``begin``
    and ``feed``, and calls ``close`` at its end. When the connection breaks, it waits for the
    seconds that ``pause`` returns and connects again, up to ``retries`` times in a row without a
    new event.
    """

    def __init__(
        self, url: str, call: requests.Call[Any], kind: StreamType[E], retries: int
    ) -> None:
        self.call, self._url, self._kind = call, url, kind
        self._key = secrets.token_urlsafe(18) if kind.keyed and retries else ""
        self._retries, self._failed, self._progress = retries, 0, 0
        self._reader = EventReader(url, kind)
        self._begun = False

    @property
    def headers(self) -> dict[str, str]:
        """Return the headers with which to connect, and to resume after the last event."""
        named = {"Idempotency-Key": self._key, "Last-Event-ID": str(self._reader.seen or "")}
        return {"Accept": "text/event-stream"} | {n: v for n, v in named.items() if v}

    @property
    def begun(self) -> bool:
        """Return whether any bytes have come on this connection."""
        return self._reader.begun

    @property
    def ended(self) -> bool:
        """Return whether the last event has come."""
        return self._reader.ended

    def begin(self, status: int, content_type: str) -> bool:
        """Return whether a reply is the stream; if not, ``refuse`` makes the error for it."""
        self._begun = self._begun or status == 200
        if status == 204 and self._kind is JOB_STREAM:  # it ended, and all events have come
            self._reader.ended = True
            return True
        return status == 200 and content_type.startswith("text/event-stream")

    def refuse(self, status: int, data: bytes) -> ServiceError:
        """Make the error for a reply that is not the stream."""
        error = requests.problem_error(self._url, status, data)
        if self._begun and isinstance(error, ServiceRefused) and error.status == HTTP_GONE:
            return requests.stream_broken(self._url, str(error))
        return error

    def feed(self, data: bytes) -> Iterator[E]:
        """Parse bytes of the present connection: see ``EventReader.feed``."""
        return self._reader.feed(data)

    def close(self) -> None:
        """End the present connection; StreamBroken if the last event has not come."""
        self._reader.close()

    def pause(self, error: ServiceError) -> float:
        """Return the seconds to wait before connecting again after an error, or raise the error."""
        if isinstance(error, ServiceProblem):
            if self._begun:  # the answer failed: there is nothing to resume
                raise error
            self._failed += 1
            return requests.retry_delay(error, self._failed - 1, self._retries)
        seen = self._reader.seen
        if seen > self._progress:
            self._progress, self._failed = seen, 0
        if not self._begun or self._failed >= self._retries:
            raise error
        self._reader = EventReader(self._url, self._kind, seen)
        self._failed += 1
        return RECONNECT_SECONDS * 2.0 ** (self._failed - 1)
