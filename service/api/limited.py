"""Running a blocking function for a request: in a thread, limited, cancelled on disconnect."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from fastapi import Request

from service.concurrency.admission import ConcurrencyLimiter
from service.concurrency.event_log import cancel_on_disconnect
from service.executors import PriorityThreadPool

T = TypeVar("T")


async def run_limited(
    request: Request,
    limiter: ConcurrencyLimiter,
    threads: PriorityThreadPool,
    function: Callable[..., T],
    *arguments: Any,
) -> T | None:
    """Run a function in a thread once the limiter has a slot.

    The slot is held until the thread has ended, even if the client disconnects before.

    Returns:
        The function's result, or None if the client disconnected. The body of the request must
        have been read.

    Raises:
        TooBusy: The queue for a slot is full, or the wait was too long.
    """

    async def work() -> T:
        async with limiter.slot():
            result: T = await threads.run_to_completion(function, *arguments)
            return result

    done: T | None = await cancel_on_disconnect(request, work())
    return done
