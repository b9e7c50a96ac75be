"""Work for a client that may go away before it is done."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

from fastapi import Request

CLIENT_CLOSED_REQUEST = 499  # nobody reads it; it is what logs call a client that went away


async def cancel_on_disconnect(request: Request, work: Awaitable[Any]) -> Any:
    """What some work gives; None, and the work cancelled, once the client has gone.

    The body of the request must have been read.
    """

    async def gone() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    tasks = [asyncio.ensure_future(work), asyncio.ensure_future(gone())]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return tasks[0].result() if tasks[0].done() else None
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
