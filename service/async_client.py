"""``service.client.Client`` for asyncio: the same methods, awaited."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from itertools import count
from os import PathLike
from typing import Any, Literal, Self, TypeVar

import httpx

from corpus.errors import ServiceFailed, ServiceUnreachable, StreamBroken
from index.search import Hit
from service import calls
from service.calls import Call, Format
from service.conversations import Conversation, Page
from service.factcheck import Checked
from service.feedback import Feedback, Rating
from service.following import Following, JobNews, answering, watching
from service.history_wire import SentShare, WholeConversation
from service.jobs import Job
from service.jobs_wire import Jobs, SentJob
from service.reaching import RETRIES, TIMEOUT, URL, id_of, limits, reached, request
from service.shares import Shared
from service.types import Answer, Event
from service.wire import ListedSource, PassageInContext, SourceText

E = TypeVar("E")
T = TypeVar("T")


class AsyncClient:
    """``Client`` for asyncio: the same methods, which say there what they do; use it in an
    ``async with``. Who stops reading ``stream`` or ``watch`` early closes it, best by
    ``contextlib.aclosing``."""

    def __init__(
        self,
        url: str = URL,
        *,
        timeout: float = TIMEOUT,
        retries: int = RETRIES,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.url, self._timeout, self._retries = url.rstrip("/"), timeout, retries
        self._http = httpx.AsyncClient(timeout=limits(timeout), transport=transport)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        await self._http.aclose()

    async def answer(
        self,
        question: str,
        *,
        conversation_id: str | None = None,
        source_ids: Sequence[str] | None = None,
        mode: Literal["quoted"] | None = None,
    ) -> Answer:
        call = calls.answer(question, conversation_id, source_ids, mode)
        following = answering(self.url, call, self._retries)
        return [event async for event in self._events(following)][-1].data

    async def stream(
        self,
        question: str,
        *,
        conversation_id: str | None = None,
        source_ids: Sequence[str] | None = None,
        mode: Literal["quoted"] | None = None,
    ) -> AsyncIterator[Event]:
        call = calls.answer(question, conversation_id, source_ids, mode)
        async with aclosing(self._events(answering(self.url, call, self._retries))) as events:
            async for event in events:
                yield event

    async def verify(self, text: str, *, source_ids: Sequence[str] | None = None) -> Checked:
        return await self._call(calls.verify(text, source_ids))

    async def receipt(self, answer_id: str) -> dict[str, Any]:
        return await self._call(calls.receipt(answer_id))

    # The library

    async def search(
        self, question: str, k: int = 10, *, source_ids: Sequence[str] | None = None
    ) -> tuple[Hit, ...]:
        return (await self._call(calls.search(question, k, source_ids))).hits

    async def sources(self) -> tuple[ListedSource, ...]:
        return (await self._call(calls.sources())).sources

    async def source(self, source_id: str) -> SourceText:
        return await self._call(calls.source(source_id))

    async def passage(self, passage_id: str) -> PassageInContext:
        return await self._call(calls.passage(passage_id))

    async def remove(self, source_id: str) -> None:
        await self._call(calls.remove(source_id))

    async def add_urls(
        self, urls: Sequence[str], *, follow: bool = False, limit: int = 50, depth: int = 1
    ) -> SentJob:
        return await self._call(calls.add_urls(urls, follow, limit, depth))

    async def upload(
        self,
        paths: Sequence[str | PathLike[str]],
        *,
        password: str = "",
        source_id: str | None = None,
    ) -> SentJob:
        return await self._call(calls.upload(paths, password, source_id))

    async def job(self, job_id: str) -> SentJob:
        return await self._call(calls.job(job_id))

    async def jobs(self, limit: int = 20, before: str | None = None) -> Jobs:
        return await self._call(calls.jobs(limit, before))

    async def watch(self, job: Job | str) -> AsyncIterator[JobNews]:
        async with aclosing(self._events(watching(self.url, id_of(job), self._retries))) as events:
            async for event in events:
                yield event

    async def cancel(self, job: Job | str) -> SentJob:
        return await self._call(calls.cancel(id_of(job)))

    # Conversations

    async def conversations(self, limit: int = 20, cursor: str | None = None) -> Page:
        return await self._call(calls.conversations(limit, cursor))

    async def conversation(self, conversation_id: str) -> WholeConversation:
        return await self._call(calls.conversation(conversation_id))

    async def rename(self, conversation_id: str, title: str) -> Conversation:
        return await self._call(calls.rename(conversation_id, title))

    async def delete_conversation(self, conversation_id: str) -> None:
        await self._call(calls.delete_conversation(conversation_id))

    async def share(self, conversation_id: str, expires_in: int | None = None) -> SentShare:
        return await self._call(calls.share(conversation_id, expires_in))

    async def shared(self, token: str) -> Shared:
        return await self._call(calls.shared(token))

    async def export(self, conversation_id: str, format: Format = "markdown") -> str:
        return await self._call(calls.export(conversation_id, format))

    async def export_answer(self, answer_id: str, format: Format = "markdown") -> str:
        return await self._call(calls.export_answer(answer_id, format))

    async def feedback(
        self, answer_id: str, rating: Rating, reason: str = "", *, claim: int | None = None
    ) -> Feedback:
        return await self._call(calls.feedback(answer_id, rating, reason, claim))

    async def related(self, answer_id: str) -> tuple[str, ...]:
        return (await self._call(calls.related(answer_id))).questions

    async def examples(self, language: Literal["en", "ja"] = "en") -> tuple[str, ...]:
        return (await self._call(calls.examples(language))).questions

    async def _call(self, call: Call[T]) -> T:
        for failed in count():
            with reached(self.url, self._timeout), call.opened() as files:
                response = await self._http.request(**request(self.url, call, files))
            try:
                return call.read(self.url, response.status_code, response.content)
            except ServiceFailed as error:
                await asyncio.sleep(calls.patience(error, failed, self._retries))
        raise AssertionError("patience ends")

    async def _events(self, following: Following[E]) -> AsyncIterator[E]:
        while not following.ended:
            try:
                async with aclosing(self._connected(following)) as events:
                    async for event in events:
                        yield event
            except (StreamBroken, ServiceUnreachable, ServiceFailed) as error:
                await asyncio.sleep(following.pause(error))

    async def _connected(self, following: Following[E]) -> AsyncIterator[E]:
        asked = request(self.url, following.call) | {"headers": following.headers}
        with reached(self.url, self._timeout, following):
            async with self._http.stream(**asked) as response:
                kind = response.headers.get("content-type", "")
                if not following.begin(response.status_code, kind):
                    raise following.refuse(response.status_code, await response.aread())
                async for data in response.aiter_bytes():
                    for event in following.feed(data):
                        yield event
                    if following.ended:
                        return
                following.close()
