"""The engine as the doors ask it: in turn, and, where a question had its answer, for that.

``AnswerService.stream`` is ``Engine.stream`` behind a gate. Nothing is decided here about an answer.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from corpus.errors import TenkyoError
from service.concurrency.admission import MAX_CACHE_LOOKUPS, MAX_QUEUED_SECONDS, Limiters
from service.executors import PriorityThreadPool

if TYPE_CHECKING:
    from service.answering.engine import Engine
    from service.concurrency.answer_cache import AnswerCache
    from service.conversations.store import History
    from service.generation.prompts import Message
    from service.types import Event, Mode

logger = logging.getLogger(__name__)

_NO_CACHE_DIRECTIVES = frozenset({"no-cache", "no-store"})


def bypasses_cache(cache_control: str) -> bool:
    """Whether a Cache-Control asks for what is made anew."""
    return not _NO_CACHE_DIRECTIVES.isdisjoint(
        word.strip().lower() for word in cache_control.split(",")
    )


class AnswerService:
    """Answers of an engine, so many at once as ``gates`` let through.

    With ``kept``, a question that stands alone and had an answer gets it again, without a place,
    a search, or the model; and of the same question asked by several at once the first is
    answered, and the others wait for it, outside of the line; where its reader leaves, one of them
    takes its place. Where it comes to nothing, or takes longer than their ``patience``, seconds,
    they wait no more. Lives in one event loop.
    """

    def __init__(
        self,
        engine: Engine,
        limiters: Limiters | None = None,
        kept: AnswerCache | None = None,
        patience: float = MAX_QUEUED_SECONDS,
    ) -> None:
        self.engine, self.limiters, self._kept = engine, limiters or Limiters.for_readers(), kept
        self._patience = patience
        self._looks = PriorityThreadPool("kept answers", MAX_CACHE_LOOKUPS, MAX_CACHE_LOOKUPS)
        # Done when an answer is there, or came to nothing; cancelled when its reader has left.
        self._making: dict[str, asyncio.Future[None]] = {}

    @property
    def history(self) -> History:
        return self.engine.history

    async def stream(
        self,
        question: str,
        conversation_id: str | None = None,
        source_ids: Sequence[str] | None = None,
        mode: Mode | None = None,
        *,
        progress: bool = False,
        earlier: Sequence[Message] = (),
        fresh: bool = False,
    ) -> AsyncIterator[Event]:
        """See ``Engine.stream``. ``fresh``: made anew, whatever is kept. TooBusy before the
        first event where there is no place.
        """
        asked: dict[str, Any] = {"source_ids": source_ids, "mode": mode}
        context = {"conversation_id": conversation_id, "earlier": earlier, "progress": progress}
        if self._kept is None or conversation_id is not None or earlier:
            events = self._in_turn(question, **asked, **context)
        else:
            events = self._alone(question, asked, progress, fresh)
        async with aclosing(events):
            async for event in events:
                yield event

    async def _in_turn(self, question: str, **how: Any) -> AsyncIterator[Event]:
        events = self.engine.stream(question, **how)
        async with self.limiters.answers.slot(), aclosing(events):
            async for event in events:
                yield event

    async def _alone(
        self, question: str, asked: dict[str, Any], progress: bool, fresh: bool
    ) -> AsyncIterator[Event]:
        key, told = await self._look(question, asked, fresh)
        if not told and not fresh and key in self._making:
            async with self.limiters.followers.slot():
                key, told = await self._followed(key, question, asked)
        for event in told:
            yield event
        if not told:
            async with aclosing(self._made(key, question, asked, progress, fresh)) as events:
                async for event in events:
                    yield event

    async def _followed(
        self, key: str, question: str, asked: dict[str, Any]
    ) -> tuple[str, list[Event]]:
        """What ``_look`` gives when what others make is there, or they make nothing more. Of those
        who wait for one who leaves, the first to come back makes it, and the others go on waiting.
        """
        until = time.monotonic() + self._patience
        told: list[Event] = []
        while not told and (making := self._making.get(key)):
            await asyncio.wait([making], timeout=until - time.monotonic())
            key, told = await self._look(question, asked, False)
            if not making.cancelled():
                break
        return key, told

    async def _made(
        self, key: str, question: str, asked: dict[str, Any], progress: bool, fresh: bool
    ) -> AsyncIterator[Event]:
        """The events of an answer, which is kept then."""
        over = asyncio.get_running_loop().create_future()
        self._making.setdefault(key, over)  # from here: who asks the same need not stand in line
        decided: list[str] = []
        try:
            async with self.limiters.answers.slot():
                if not fresh and key in self._kept:  # it came while this one stood in the line
                    _, told = await self._look(question, asked, fresh)
                    for event in told:
                        yield event
                    if told:
                        return
                made = self.engine.stream(question, **asked, progress=progress)
                async with aclosing(made) as events:
                    async for event in events:
                        if event.name in ("claim", "rejected"):
                            decided.append(event.name)
                        if event.name == "answer":
                            await self._keep(key, question, asked, event, decided)
                            self._let_go(key, over)  # however slowly this reader takes it
                        yield event
        except Exception:
            self._let_go(key, over)
            raise
        finally:
            over.cancel()  # where it is not done, its reader has left
            self._let_go(key, over)

    def _let_go(self, key: str, over: asyncio.Future[None]) -> None:
        if not over.done():
            over.set_result(None)
        if self._making.get(key) is over:
            del self._making[key]

    async def _look(
        self, question: str, asked: dict[str, Any], fresh: bool
    ) -> tuple[str, list[Event]]:
        """What stands for a question now, and the events of the answer that is kept, if any."""

        def look() -> tuple[str, list[Event]]:
            key = self._kept.key(question, **asked)
            return key, [] if fresh else self._kept.replay(key)

        async with self.limiters.cache_lookups.slot():
            return await self._looks.run_to_completion(look)

    async def _keep(
        self, key: str, question: str, asked: dict[str, Any], event: Event, decided: list[str]
    ) -> None:
        """Keep an answer, unless what it hangs on has changed while it was made, or cannot be
        told: the reader has it all the same.
        """
        try:
            now = await asyncio.to_thread(self._kept.key, question, **asked)
        except TenkyoError as error:
            logger.warning("an answer is not kept, to be given again: %s", error)
            return
        if now == key:
            self._kept.keep(key, event.data, decided)
