"""Thread pools for blocking work, whose queued work is dropped when its caller is cancelled."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, TypeVar

from index.inference.batch_scheduler import Priority, TaskContext

T = TypeVar("T")


class PriorityThreadPool:
    """A thread pool for one kind of work, so that it never waits for a thread of another kind.

    Most of its threads wait for a model, so there may be many more than processors. Of the
    others only ``max_running`` run at once: each that competes for the interpreter keeps the
    event loop from it for milliseconds.

    Args:
        name: What the threads do; it begins their names.
        threads: The number of threads.
        max_running: The number of threads that run at once; those that wait for a model do not
            count.
        priority: The priority of what they ask of shared models; None for the model's default.
    """

    def __init__(
        self, name: str, threads: int, max_running: int = 2, priority: Priority | None = None
    ) -> None:
        self._pool = ThreadPoolExecutor(threads, name)
        self._run_slots = threading.Semaphore(max_running)
        self._priority = priority

    async def __call__(self, function: Callable[..., T], *args: Any) -> T:
        """Call a function in a thread and return its result.

        If the caller is cancelled, work that has not begun is dropped: the call itself, or what
        it has queued for a model.
        """
        task, call = self._submit(function, args)
        try:
            return await asyncio.wrap_future(call)
        except asyncio.CancelledError:
            task.cancel()
            raise

    async def run_to_completion(self, function: Callable[..., T], *args: Any) -> T:
        """Call a function in a thread; if the caller is cancelled, first wait until it has ended.

        For a caller that holds a slot for the thread, which must not be free before it is.
        """
        task, call = self._submit(function, args)
        running = asyncio.wrap_future(call)
        try:
            await asyncio.wait([running])
        except asyncio.CancelledError:
            task.cancel()
            call.cancel()  # if it has not begun
            await asyncio.gather(running, return_exceptions=True)
            raise
        return running.result()

    def _submit(
        self, function: Callable[..., T], args: tuple[Any, ...]
    ) -> tuple[TaskContext, Future[T]]:
        task, context = TaskContext(self._priority, self._run_slots), copy_context()

        def work() -> T:
            with self._run_slots, task:
                return function(*args)

        return task, self._pool.submit(context.run, work)
