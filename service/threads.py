"""Threads for what would block the event loop, and what becomes of their work when nobody waits."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

from index.batching import Errand, Urgency


class Threads:
    """``many`` threads of one purpose, so that it never waits for a thread that works for another.

    Most of the time they wait for their turn at a network: so there may be many more than
    processors. Of those that do not, ``at_once`` run: each that competes for the interpreter
    keeps the event loop from it for milliseconds. ``urgency`` is that of what they ask of
    shared models; None: as it is by itself.
    """

    def __init__(
        self, purpose: str, many: int, at_once: int = 2, urgency: Urgency | None = None
    ) -> None:
        self._pool = ThreadPoolExecutor(many, purpose)
        self._desk = threading.Semaphore(at_once)
        self._urgency = urgency

    async def __call__(self, function: Callable[..., Any], *given: Any) -> Any:
        """What the function gives. Where the caller is cancelled, what has not begun of its
        work is dropped: the call itself, or what it has queued for a network."""
        errand, call = self._begin(function, given)
        try:
            return await asyncio.wrap_future(call)
        except asyncio.CancelledError:
            errand.drop()
            raise

    async def to_the_end(self, function: Callable[..., Any], *given: Any) -> Any:
        """The same for a caller who holds a place for the thread: where he is cancelled, he goes
        on only when nothing of it runs any more."""
        errand, call = self._begin(function, given)
        running = asyncio.wrap_future(call)
        try:
            await asyncio.wait([running])
        except asyncio.CancelledError:
            errand.drop()
            call.cancel()  # where it has not begun
            await asyncio.gather(running, return_exceptions=True)
            raise
        return running.result()

    def _begin(self, function: Callable[..., Any], given: tuple) -> tuple[Errand, Future]:
        errand, context = Errand(self._urgency, self._desk), copy_context()

        def work() -> Any:
            with self._desk, errand:
                return function(*given)

        return errand, self._pool.submit(context.run, work)
