"""Threads for what would block the event loop, and what becomes of their work when nobody waits."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

from index.inference.batch_scheduler import Priority, TaskContext


class PriorityThreadPool:
    """``many`` threads of one purpose, so that it never waits for a thread that works for another.

    Most of the time they wait for their turn at a network: so there may be many more than
    processors. Of those that do not, ``at_once`` run: each that competes for the interpreter
    keeps the event loop from it for milliseconds. ``urgency`` is that of what they ask of
    shared models; None: as it is by itself.
    """

    def __init__(
        self, purpose: str, many: int, at_once: int = 2, priority: Priority | None = None
    ) -> None:
        self._pool = ThreadPoolExecutor(many, purpose)
        self._run_slots = threading.Semaphore(at_once)
        self._priority = priority

    async def __call__(self, function: Callable[..., Any], *given: Any) -> Any:
        """What the function gives. Where the caller is cancelled, what has not begun of its
        work is dropped: the call itself, or what it has queued for a network.
        """
        task, call = self._begin(function, given)
        try:
            return await asyncio.wrap_future(call)
        except asyncio.CancelledError:
            task.cancel()
            raise

    async def run_to_completion(self, function: Callable[..., Any], *given: Any) -> Any:
        """The same for a caller who holds a place for the thread: where he is cancelled, he goes
        on only when nothing of it runs any more.
        """
        task, call = self._begin(function, given)
        running = asyncio.wrap_future(call)
        try:
            await asyncio.wait([running])
        except asyncio.CancelledError:
            task.cancel()
            call.cancel()  # where it has not begun
            await asyncio.gather(running, return_exceptions=True)
            raise
        return running.result()

    def _begin(self, function: Callable[..., Any], given: tuple) -> tuple[TaskContext, Future]:
        task, context = TaskContext(self._priority, self._run_slots), copy_context()

        def work() -> Any:
            with self._run_slots, task:
                return function(*given)

        return task, self._pool.submit(context.run, work)
