"""The engine as the doors ask it: in turn, and, where a question had its answer, for that.

``Asking.stream`` is ``Engine.stream`` behind a gate. Nothing is decided here about an answer.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from corpus.errors import TenkyoError
from service.gate import Gates

if TYPE_CHECKING:
    from service.engine import Engine
    from service.history import History
    from service.kept import KeptAnswers
    from service.prompt import Message
    from service.types import Event, Mode

logger = logging.getLogger(__name__)

_NEVER_KEPT = frozenset({"no-cache", "no-store"})


def afresh(cache_control: str) -> bool:
    """Whether a Cache-Control asks for what is made anew."""
    return not _NEVER_KEPT.isdisjoint(word.strip().lower() for word in cache_control.split(","))


class Asking:
    """Answers of an engine, so many at once as ``gates`` let through.

    With ``kept``, a question that stands alone and had an answer gets it again, without a place,
    a search, or the model; and of the same question asked by several at once the first is
    answered, and the others wait for it; where it comes to nothing, they wait no more. Lives in
    one event loop.
    """

    def __init__(
        self, engine: Engine, gates: Gates | None = None, kept: KeptAnswers | None = None
    ) -> None:
        self.engine, self.gates, self._kept = engine, gates or Gates.for_readers(), kept
        self._making: dict[str, asyncio.Event] = {}  # set when an answer is there, or is not

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
        first event where there is no place."""
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
        async with self.gates.answers.place(), aclosing(events):
            async for event in events:
                yield event

    async def _alone(
        self, question: str, asked: dict[str, Any], progress: bool, fresh: bool
    ) -> AsyncIterator[Event]:
        key = await asyncio.to_thread(self._kept.key, question, **asked)
        if not fresh and (told := await self._again(key)):
            for event in told:
                yield event
            return
        async with self.gates.answers.place():
            if (making := self._making.get(key)) and not fresh:
                await making.wait()
                if told := await self._again(key):
                    for event in told:
                        yield event
                    return
            async with aclosing(self._made(key, question, asked, progress)) as events:
                async for event in events:
                    yield event

    async def _made(
        self, key: str, question: str, asked: dict[str, Any], progress: bool
    ) -> AsyncIterator[Event]:
        """The events of an answer, which is kept then."""
        over = asyncio.Event()
        self._making.setdefault(key, over)
        decided: list[str] = []
        made = self.engine.stream(question, **asked, progress=progress)
        try:
            async with aclosing(made) as events:
                async for event in events:
                    if event.name in ("claim", "rejected"):
                        decided.append(event.name)
                    if event.name == "answer":
                        await self._keep(key, question, asked, event, decided)
                    yield event
        finally:
            over.set()
            if self._making.get(key) is over:
                del self._making[key]

    async def _again(self, key: str) -> list[Event]:
        """The events of the answer that is kept; empty where none is."""
        earlier = await asyncio.to_thread(self._kept.find, key)
        return await asyncio.to_thread(self._kept.again, earlier) if earlier else []

    async def _keep(
        self, key: str, question: str, asked: dict[str, Any], event: Event, decided: list[str]
    ) -> None:
        """Keep an answer, unless what it hangs on has changed while it was made, or cannot be
        told: the reader has it all the same."""
        try:
            now = await asyncio.to_thread(self._kept.key, question, **asked)
        except TenkyoError as error:
            logger.warning("an answer is not kept, to be given again: %s", error)
            return
        if now == key:
            self._kept.keep(key, event.data, decided)
