"""The API as a client sees it, without a network: requests to build, replies and streams to read.

``service.client`` sends them, with and without asyncio.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar
from urllib.parse import quote

from corpus.errors import (
    ServiceError,
    ServiceFailed,
    ServiceRefused,
    ServiceUnreadable,
    StreamBroken,
)
from service.factcheck import Checked
from service.types import Answer, Claim, Event, EvidenceFound, Rejected
from service.wire import Hits, PassageInContext, ProblemDocument, Sources, SourceText, from_json

T = TypeVar("T")
LONGEST_EVENT = 50_000_000  # bytes; more without an end is not a stream of events
_EVENTS: dict[str, type[Any]] = {
    "evidence": EvidenceFound,
    "claim": Claim,
    "rejected": Rejected,
    "answer": Answer,
}


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One request, and the type of its reply."""

    method: Literal["GET", "POST"]
    path: str
    kind: type[T]
    params: dict[str, Any] = field(default_factory=dict)
    body: dict[str, Any] | None = None

    def read(self, url: str, status: int, data: bytes) -> T:
        """The reply of the service at ``url``; ServiceError for one that is none."""
        if status != 200:
            raise problem(url, status, data)
        try:
            return from_json(self.kind, data)
        except ValueError as error:
            raise unreadable(url, f"{self.method} {self.path}") from error


def answer(
    question: str,
    conversation_id: str | None = None,
    source_ids: Sequence[str] | None = None,
    mode: Literal["quoted"] | None = None,
) -> Call[Answer]:
    asked = {"conversation_id": conversation_id, "source_ids": source_ids, "mode": mode}
    given = {name: value for name, value in asked.items() if value is not None}
    return Call("POST", "/v1/answers", Answer, body={"question": question, **given})


def search(question: str, k: int, source_ids: Sequence[str] | None) -> Call[Hits]:
    params = {"q": question, "k": k, "source_id": list(source_ids or ())}
    return Call("GET", "/v1/search", Hits, params)


def sources() -> Call[Sources]:
    return Call("GET", "/v1/sources", Sources)


def source(source_id: str) -> Call[SourceText]:
    return Call("GET", f"/v1/sources/{_quoted(source_id)}", SourceText)


def passage(passage_id: str) -> Call[PassageInContext]:
    return Call("GET", f"/v1/passages/{_quoted(passage_id)}", PassageInContext)


def verify(text: str, source_ids: Sequence[str] | None) -> Call[Checked]:
    given = {} if source_ids is None else {"source_ids": source_ids}
    return Call("POST", "/v1/verify", Checked, body={"text": text, **given})


def receipt(answer_id: str) -> Call[dict[str, Any]]:
    return Call("GET", f"/v1/answers/{_quoted(answer_id)}/receipt", dict[str, Any])


class EventReader:
    """The bytes of a stream, however they are cut, to its events."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._rest = b""
        self._name = ""
        self._data: list[bytes] = []
        self.begun = False  # something has come
        self.ended = False  # the answer has come: nothing more will

    def feed(self, data: bytes) -> Iterator[Event]:
        """The events that are complete now. Raises ServiceError for an event that is an error,
        or that cannot be read."""
        self.begun = True
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > LONGEST_EVENT:
            raise unreadable(self._url, "a stream")
        for line in lines:
            name, _, value = line.rstrip(b"\r").partition(b":")
            value = value.removeprefix(b" ")
            if name == b"event":
                self._name = value.decode("utf-8", "replace")
            elif name == b"data":
                self._data.append(value)
            elif not name and not value and self._data:
                yield from self._event(self._name, b"\n".join(self._data))
                self._name, self._data = "", []

    def close(self) -> None:
        """To be called when no more bytes come; StreamBroken if the answer has not come."""
        if not self.ended:
            raise broken(self._url, "it ended before the answer")

    def _event(self, name: str, data: bytes) -> Iterator[Event]:
        if name == "error":
            raise problem(self._url, 500, data)
        kind = _EVENTS.get(name)
        if kind is None:  # of a newer service
            return
        try:
            event = Event(name, from_json(kind, data))
        except ValueError as error:
            raise unreadable(self._url, f"the event {name}") from error
        self.ended = name == "answer"
        yield event


def is_stream(status: int, content_type: str) -> bool:
    """Whether a reply is a stream of events; ``problem`` says what any other is."""
    return status == 200 and content_type.startswith("text/event-stream")


def problem(url: str, status: int, data: bytes) -> ServiceError:
    """The error that a problem document is; one that is no such document is unreadable."""
    try:
        found = from_json(ProblemDocument, data)
    except ValueError:
        return unreadable(url, f"the status {status}")
    kind = ServiceRefused if found.status < 500 else ServiceFailed
    return kind(url, found.status, found.title, found.detail)


def unreadable(url: str, what: str) -> ServiceUnreadable:
    return ServiceUnreadable(
        url, f"what {url} sent for {what} is not Tenkyo's: check the address, and its version"
    )


def broken(url: str, reason: str) -> StreamBroken:
    return StreamBroken(url, f"the stream from {url} broke off ({reason}): ask again")


def _quoted(id: str) -> str:
    return quote(id, safe="")
