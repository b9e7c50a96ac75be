"""Methods shared by both clients, one for each route of the API.

Each is declared once: the synchronous client's method returns the reply, the asynchronous
client's a coroutine.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, Generic, ParamSpec, Self, TypeVar, overload

from service.client import collection_requests, conversation_requests, requests
from service.client.requests import Call

P = ParamSpec("P")
T = TypeVar("T")


class Route(Generic[P, T]):
    """A client method for one route: a descriptor that builds a request and sends it."""

    def __init__(self, build: Callable[P, Call[T]]) -> None:
        self._build = build
        self.__doc__ = build.__doc__

    @overload
    def __get__(self, client: None, owner: type) -> Self: ...
    @overload
    def __get__(self, client: BlockingRoutes, owner: type) -> Callable[P, T]: ...
    @overload
    def __get__(self, client: AsyncRoutes, owner: type) -> Callable[P, Coroutine[Any, Any, T]]: ...
    def __get__(self, client: BlockingRoutes | AsyncRoutes | None, owner: type) -> Any:
        if client is None:
            return self
        build, send = self._build, client._call

        @wraps(build)
        def method(*args: P.args, **kwargs: P.kwargs) -> Any:
            return send(build(*args, **kwargs))

        return method


class Routes:
    """The routes of the API as methods, each described where its request is made."""

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


class AsyncRoutes(Routes, ABC):
    """The routes as coroutine methods."""

    @abstractmethod
    async def _call(self, call: Call[T]) -> T:
        """Send a call and return its reply."""
