"""Streams as a client reads them, without a network: bytes to events, over many connections.

A stream that breaks is taken up where it was, over as many connections as it takes, unless
nothing new comes of it.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from corpus.errors import ServiceError, ServiceProblem, ServiceRefused
from index.ingestion.report import Progress
from service.client import requests
from service.ingestion.job_store import Job
from service.schemas import ReadItem, from_json
from service.types import Answer, Claim, Event, EvidenceFound, Rejected

E = TypeVar("E")
MAX_EVENT_BYTES = 50_000_000  # bytes; more without an end is not a stream of events
RECONNECT_SECONDS = 0.25  # seconds before a broken stream is taken up; twice as many each time
HTTP_GONE = 410  # the status of what cannot be taken up any more


@dataclass(frozen=True, slots=True)
class JobNews:
    """One event of a job: how far it is, what became of a document, or, at the end, the job."""

    name: Literal["progress", "item", "job"]
    data: Progress | ReadItem | Job


@dataclass(frozen=True, slots=True)
class StreamType(Generic[E]):
    """What a stream is made of: the types of its events by name, and the name of the last one."""

    make: type[E]
    data: Mapping[str, type[Any]]
    last: str


ANSWER_STREAM = StreamType(
    Event,
    {"evidence": EvidenceFound, "claim": Claim, "rejected": Rejected, "answer": Answer},
    "answer",
)
JOB_STREAM = StreamType(JobNews, {"progress": Progress, "item": ReadItem, "job": Job}, "job")


class EventReader(Generic[E]):
    """The bytes of one connection, however they are cut, to its events.

    Events numbered up to ``seen`` are left out; afterwards ``seen`` is the last one's number.
    """

    def __init__(self, url: str, kind: StreamType[E], seen: int = 0) -> None:
        self._url, self._kind, self.seen = url, kind, seen
        self._rest = b""
        self._name, self._id = "", b""
        self._data: list[bytes] = []
        self.begun = False  # something has come
        self.ended = False  # the last event has come: nothing more will

    def feed(self, data: bytes) -> Iterator[E]:
        """The events that are complete now. Raises ServiceError for an event that is an error,
        or that cannot be read.
        """
        self.begun = True
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > MAX_EVENT_BYTES:
            raise requests.unreadable_reply(self._url, "a stream")
        for line in lines:
            name, _, value = line.rstrip(b"\r").partition(b":")
            value = value.removeprefix(b" ")
            if name == b"event":
                self._name = value.decode("utf-8", "replace")
            elif name == b"id":
                self._id = value
            elif name == b"data":
                self._data.append(value)
            elif not name and not value and self._data:
                yield from self._event()
                self._name, self._id, self._data = "", b"", []

    def close(self) -> None:
        """To be called when no more bytes come; StreamBroken if the last event has not come."""
        if not self.ended:
            raise requests.stream_broken(self._url, "it ended before the last event")

    def _event(self) -> Iterator[E]:
        data = b"\n".join(self._data)
        if self._name == "error":
            raise requests.problem_error(self._url, 500, data)
        kind = self._kind.data.get(self._name)
        number = int(self._id) if self._id.isdigit() and len(self._id) < 10 else None
        if kind is None or (number is not None and number <= self.seen):
            return  # of a newer service, or said before
        try:
            event = self._kind.make(self._name, from_json(kind, data))
        except ValueError as error:
            raise requests.unreadable_reply(self._url, f"the event {self._name}") from error
        self.seen, self.ended = number or self.seen, self._name == self._kind.last
        yield event


class ResumableStream(Generic[E]):
    """One stream, over the connections of a client, which for each of them

    sends ``call`` with ``headers``, hands what is replied to ``begin`` and ``feed``, and calls
    ``close`` at its end; and when the connection breaks, waits as long as ``pause`` says.

    A broken stream is taken up ``retries`` times in a row without anything new.
    """

    def __init__(
        self, url: str, call: requests.Call[Any], kind: StreamType[E], retries: int, key: str = ""
    ) -> None:
        self.call, self._url, self._kind, self._key = call, url, kind, key
        self._retries, self._failed, self._came = retries, 0, 0
        self._reader = EventReader(url, kind)
        self._begun = False

    @property
    def headers(self) -> dict[str, str]:
        named = {"Idempotency-Key": self._key, "Last-Event-ID": str(self._reader.seen or "")}
        return {"Accept": "text/event-stream"} | {n: v for n, v in named.items() if v}

    @property
    def begun(self) -> bool:
        """Whether something has come, on this connection."""
        return self._reader.begun

    @property
    def ended(self) -> bool:
        return self._reader.ended

    def begin(self, status: int, content_type: str) -> bool:
        """Whether a reply is the stream; ``refuse`` says what any other is."""
        self._begun = self._begun or status == 200
        if status == 204 and self._kind is JOB_STREAM:  # it had ended, and all of it has come
            self._reader.ended = True
            return True
        return status == 200 and content_type.startswith("text/event-stream")

    def refuse(self, status: int, data: bytes) -> ServiceError:
        error = requests.problem_error(self._url, status, data)
        if self._begun and isinstance(error, ServiceRefused) and error.status == HTTP_GONE:
            return requests.stream_broken(self._url, str(error))
        return error

    def feed(self, data: bytes) -> Iterator[E]:
        return self._reader.feed(data)

    def close(self) -> None:
        self._reader.close()

    def pause(self, error: ServiceError) -> float:
        """Seconds to wait before the next connection; raises the error if there is to be none."""
        if isinstance(error, ServiceProblem):
            if self._begun:  # it failed in the middle: there is nothing to take up
                raise error
            self._failed += 1
            return requests.retry_delay(error, self._failed - 1, self._retries)
        seen = self._reader.seen
        if seen > self._came:
            self._came, self._failed = seen, 0
        if not self._begun or self._failed >= self._retries:
            raise error
        self._reader = EventReader(self._url, self._kind, seen)
        self._failed += 1
        return RECONNECT_SECONDS * 2 ** (self._failed - 1)


def answer_stream(url: str, call: requests.Call[Answer], retries: int) -> ResumableStream[Event]:
    """The stream of an answer. It has a key, by which the service keeps it for a reader who
    comes back, if this one will.
    """
    return ResumableStream(
        url, call, ANSWER_STREAM, retries, secrets.token_urlsafe(18) if retries else ""
    )


def job_stream(url: str, job_id: str, retries: int) -> ResumableStream[JobNews]:
    """The stream of a job, from its beginning."""
    return ResumableStream(url, requests.job(job_id), JOB_STREAM, retries)
