"""Answer service: the engine behind admission control, an answer cache and request coalescing.

It decides nothing about an answer: ``AnswerService.stream`` gives the events of ``Engine.stream``,
and every interface asks its questions here.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from corpus.errors import TenkyoError
from service.concurrency.admission import MAX_CACHE_LOOKUPS, MAX_QUEUED_SECONDS, Limiters
from service.executors import PriorityThreadPool
from service.scope import EVERYWHERE, Scope
from service.types import Answer

if TYPE_CHECKING:
    from service.answering.engine import Engine
    from service.concurrency.answer_cache import AnswerCache, Decision
    from service.conversations.store import History
    from service.generation.prompts import Message
    from service.types import Event, Mode

logger = logging.getLogger(__name__)

_NO_CACHE_DIRECTIVES = frozenset({"no-cache", "no-store"})


def bypasses_cache(cache_control: str) -> bool:
    """Return whether a Cache-Control header asks for a new answer instead of a cached one."""
    return not _NO_CACHE_DIRECTIVES.isdisjoint(
        directive.strip().lower() for directive in cache_control.split(",")
    )


@dataclass(frozen=True, slots=True)
class _CacheableQuestion:
    """A question outside of any conversation, and how it is to be answered."""

    cache: AnswerCache
    text: str
    scope: Scope
    mode: Mode | None
    progress: bool
    fresh: bool
    model: str | None

    def key(self) -> str:
        return self.cache.key(self.text, self.scope, self.mode, self.model)


class AnswerWishes(TypedDict, total=False):
    """What else a reader may wish of an answer.

    ``model`` names the model that writes, of ``Engine.writers``; ``fresh`` ignores cached answers
    and those being made.
    """

    model: str | None
    fresh: bool


class AnswerService:
    """Answers questions with an engine, within concurrency limits, caching and coalescing.

    With a cache, a question outside of a conversation that was answered before gets that answer
    again, without a slot, a search or the model. Of identical questions asked at once, one is
    answered, and the others follow it without a slot, so that a class with one question leaves
    room for everybody else. If the one being answered is cancelled, a follower takes over; if it
    fails, or takes longer than ``max_follow_seconds``, its followers are answered by themselves.
    Use it in one event loop.
    """

    def __init__(
        self,
        engine: Engine,
        limiters: Limiters | None = None,
        cache: AnswerCache | None = None,
        max_follow_seconds: float = MAX_QUEUED_SECONDS,
    ) -> None:
        self.engine, self.limiters, self._cache = engine, limiters or Limiters.for_readers(), cache
        self._max_follow_seconds = max_follow_seconds
        self._lookups = PriorityThreadPool("cached answers", MAX_CACHE_LOOKUPS, MAX_CACHE_LOOKUPS)
        # Done when the answer is there, or failed; cancelled when the request was.
        self._leaders: dict[str, asyncio.Future[None]] = {}

    @property
    def history(self) -> History:
        """Return the history in which the engine stores its answers."""
        return self.engine.history

    async def stream(
        self,
        question: str,
        conversation_id: str | None = None,
        scope: Scope = EVERYWHERE,
        mode: Mode | None = None,
        *,
        progress: bool = False,
        earlier: Sequence[Message] = (),
        **wishes: Unpack[AnswerWishes],
    ) -> AsyncGenerator[Event, None]:
        """Answer a question, event by event: see ``Engine.stream``.

        Args:
            question: The reader's question.
            conversation_id: The conversation that it continues; None begins a new one.
            scope: The sources and collections to answer from.
            mode: ``quoted`` to answer without the language model.
            progress: Whether to give status events too.
            earlier: Messages of a conversation that is not in the history.
            **wishes: See ``AnswerWishes``.

        Raises:
            TooBusy: Before the first event, if no slot is free in time.
        """
        model, fresh = wishes.get("model"), wishes.get("fresh", False)
        if self._cache is None or conversation_id is not None or earlier:
            events = self._answer_in_slot(
                question,
                scope=scope,
                mode=mode,
                model=model,
                conversation_id=conversation_id,
                earlier=earlier,
                progress=progress,
            )
        else:
            asked = _CacheableQuestion(self._cache, question, scope, mode, progress, fresh, model)
            events = self._answer_or_reuse(asked)
        async with aclosing(events):
            async for event in events:
                yield event

    async def _answer_in_slot(self, question: str, **options: Any) -> AsyncGenerator[Event, None]:
        events = self.engine.stream(question, **options)
        async with self.limiters.answers.slot(), aclosing(events):
            async for event in events:
                yield event

    async def _answer_or_reuse(self, asked: _CacheableQuestion) -> AsyncGenerator[Event, None]:
        key, cached = await self._look_up(asked)
        if not cached and not asked.fresh and key in self._leaders:
            async with self.limiters.followers.slot():
                key, cached = await self._follow(key, asked)
        for event in cached:
            yield event
        if not cached:
            async with aclosing(self._lead(key, asked)) as events:
                async for event in events:
                    yield event

    async def _follow(self, key: str, asked: _CacheableQuestion) -> tuple[str, list[Event]]:
        """Wait for the answer to an identical question, and look it up.

        Where the leader is cancelled, the first follower to resume finds no leader and becomes
        it; the others follow that one.
        """
        deadline = time.monotonic() + self._max_follow_seconds
        cached: list[Event] = []
        while not cached and (leader := self._leaders.get(key)):
            await asyncio.wait([leader], timeout=deadline - time.monotonic())
            key, cached = await self._look_up(asked)
            if not leader.cancelled():
                break
        return key, cached

    async def _lead(self, key: str, asked: _CacheableQuestion) -> AsyncGenerator[Event, None]:
        """Answer a question for this request and its followers, and cache the answer."""
        finished = asyncio.get_running_loop().create_future()
        self._leaders.setdefault(key, finished)  # from here on, identical questions follow
        decisions: list[Decision] = []
        try:
            async with self.limiters.answers.slot():
                if not asked.fresh and key in asked.cache:  # cached while this one was queued
                    _, cached = await self._look_up(asked)
                    for event in cached:
                        yield event
                    if cached:
                        return
                answering = self.engine.stream(
                    asked.text,
                    scope=asked.scope,
                    mode=asked.mode,
                    model=asked.model,
                    progress=asked.progress,
                )
                async with aclosing(answering) as events:
                    async for event in events:
                        if event.name == "claim" or event.name == "rejected":
                            decisions.append(event.name)
                        if isinstance(event.data, Answer):
                            await self._cache_answer(key, asked, event.data, decisions)
                            self._release_followers(key, finished)  # however slow this reader is
                        yield event
        except Exception:
            self._release_followers(key, finished)
            raise
        finally:
            finished.cancel()  # has no effect unless the request was cancelled
            self._release_followers(key, finished)

    def _release_followers(self, key: str, finished: asyncio.Future[None]) -> None:
        if not finished.done():
            finished.set_result(None)
        if self._leaders.get(key) is finished:
            del self._leaders[key]

    async def _look_up(self, asked: _CacheableQuestion) -> tuple[str, list[Event]]:
        """Return a question's present cache key, and the events of its cached answer, if any."""

        def look_up() -> tuple[str, list[Event]]:
            key = asked.key()
            return key, [] if asked.fresh else asked.cache.replay(key)

        async with self.limiters.cache_lookups.slot():
            return await self._lookups.run_to_completion(look_up)

    async def _cache_answer(
        self, key: str, asked: _CacheableQuestion, answer: Answer, decisions: Sequence[Decision]
    ) -> None:
        """Cache an answer, unless what it depends on has changed, or cannot be read."""
        try:
            present_key = await asyncio.to_thread(asked.key)
        except TenkyoError as error:  # the reader gets the answer all the same
            logger.warning("an answer was not cached: %s", error)
            return
        if present_key == key:
            asked.cache.keep(key, answer, decisions)
