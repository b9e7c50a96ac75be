"""Methods shared by both clients, one for each route of the API.

Each is declared once: the synchronous client's method returns the reply or gives the events, the
asynchronous client's a coroutine or an asynchronous generator.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from functools import wraps
from typing import Any, Generic, ParamSpec, Self, TypeVar, cast, overload

from service.client import collection_requests, conversation_requests, requests
from service.client.requests import Call
from service.client.streams import ANSWER_STREAM, JOB_STREAM, StreamType
from service.types import Answer

E = TypeVar("E")
P = ParamSpec("P")
T = TypeVar("T")


class Method(Generic[P]):
    """A client method that builds the request of one route, and sends it in the client's way."""

    def __init__(self, build: Callable[P, Call[Any]], doc: str | None = None) -> None:
        self._build = build
        self.__doc__ = doc or build.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def _bound(self, send: Callable[[Call[Any]], Any]) -> Callable[P, Any]:
        build = self._build

        @wraps(build)
        def method(*args: P.args, **kwargs: P.kwargs) -> Any:
            return send(build(*args, **kwargs))

        method.__name__, method.__doc__ = self._name, self.__doc__
        return method


class Route(Method[P], Generic[P, T]):
    """A client method that returns the reply of a route.

    Args:
        build: Builds the request.
        send: The method of the client that sends it.
    """

    def __init__(self, build: Callable[P, Call[T]], send: str = "_call") -> None:
        super().__init__(build)
        self._send = send

    @overload
    def __get__(self, client: None, owner: type) -> Self: ...
    @overload
    def __get__(self, client: BlockingRoutes, owner: type) -> Callable[P, T]: ...
    @overload
    def __get__(self, client: AsyncRoutes, owner: type) -> Callable[P, Coroutine[Any, Any, T]]: ...
    def __get__(self, client: BlockingRoutes | AsyncRoutes | None, owner: type) -> Any:
        return self if client is None else self._bound(getattr(client, self._send))


class StreamRoute(Method[P], Generic[P, E]):
    """A client method that gives the events of a route.

    Args:
        build: Builds the request.
        kind: Its events.
        doc: What the method does, where ``build`` says something else.
    """

    def __init__(
        self, build: Callable[P, Call[Any]], kind: StreamType[E], doc: str | None = None
    ) -> None:
        super().__init__(build, doc)
        self._kind = kind

    @overload
    def __get__(self, client: None, owner: type) -> Self: ...
    @overload
    def __get__(self, client: BlockingRoutes, owner: type) -> Callable[P, Iterator[E]]: ...
    @overload
    def __get__(self, client: AsyncRoutes, owner: type) -> Callable[P, AsyncGenerator[E, None]]: ...
    def __get__(self, client: BlockingRoutes | AsyncRoutes | None, owner: type) -> Any:
        if client is None:
            return self
        return self._bound(lambda call: client._events(call, self._kind))


class Routes:
    """The routes of the API as methods, each described where its request is made."""

    answer = Route(requests.answer, "_answer")
    stream = StreamRoute(
        requests.answer,
        ANSWER_STREAM,
        "Answer a question, event by event; the last event is the answer.",
    )
    verify = Route(requests.verify)
    receipt = Route(requests.receipt)

    # The library

    search = Route(requests.search)
    sources = Route(requests.sources)
    source = Route(requests.source)
    passage = Route(requests.passage)
    page_image = Route(requests.page_image)
    boxes = Route(requests.boxes)
    translate = Route(requests.translate)
    remove = Route(requests.remove)
    add_urls = Route(requests.add_urls)
    upload = Route(requests.upload)
    job = Route(requests.job)
    jobs = Route(requests.jobs)
    watch = StreamRoute(requests.watch, JOB_STREAM)
    cancel = Route(requests.cancel)

    # Collections

    collections = Route(collection_requests.collections)
    collection = Route(collection_requests.collection)
    make_collection = Route(collection_requests.make_collection)
    rename_collection = Route(collection_requests.rename_collection)
    delete_collection = Route(collection_requests.delete_collection)
    add_to_collection = Route(collection_requests.add_to_collection)
    remove_from_collection = Route(collection_requests.remove_from_collection)

    # Conversations

    conversations = Route(conversation_requests.conversations)
    conversation = Route(conversation_requests.conversation)
    rename = Route(conversation_requests.rename)
    delete_conversation = Route(conversation_requests.delete_conversation)
    share = Route(conversation_requests.share)
    shared = Route(conversation_requests.shared)
    export = Route(conversation_requests.export)
    export_answer = Route(conversation_requests.export_answer)
    feedback = Route(conversation_requests.feedback)
    related = Route(conversation_requests.related)
    examples = Route(conversation_requests.examples)


class BlockingRoutes(Routes, ABC):
    """The routes as blocking methods."""

    @abstractmethod
    def _call(self, call: Call[T]) -> T:
        """Send a call and return its reply."""

    @abstractmethod
    def _events(self, call: Call[Any], kind: StreamType[E]) -> Iterator[E]:
        """Send a call and give the events of its reply; a stream that breaks is resumed."""

    def _answer(self, call: Call[Answer]) -> Answer:
        """Send a question as a stream, which can be resumed, and return the answer."""
        *_, last = self._events(call, ANSWER_STREAM)
        return cast(Answer, last.data)


class AsyncRoutes(Routes, ABC):
    """The routes as coroutine methods."""

    @abstractmethod
    async def _call(self, call: Call[T]) -> T:
        """Send a call and return its reply."""

    @abstractmethod
    def _events(self, call: Call[Any], kind: StreamType[E]) -> AsyncGenerator[E, None]:
        """Send a call and give the events of its reply; a stream that breaks is resumed."""

    async def _answer(self, call: Call[Answer]) -> Answer:
        """Send a question as a stream, which can be resumed, and return the answer."""
        *_, last = [event async for event in self._events(call, ANSWER_STREAM)]
        return cast(Answer, last.data)
