"""Server-sent events: what of an answer's stream goes over the wire, and under which number."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from fastapi import Request
from fastapi.responses import StreamingResponse
from fastapi.sse import format_sse_event

from corpus.errors import TenkyoError
from service.disclosure import public
from service.problems import as_problem, problem_response
from service.types import Event, Status, to_json

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


@dataclass(frozen=True, slots=True)
class Frame:
    """One event as JSON. ``number`` counts from 1 what has been decided; None for a status,
    which is news of the moment, and is not repeated to a reader who comes back.
    """

    name: str
    data: Any
    number: int | None

    @property
    def sent(self) -> bytes:
        text = json.dumps(self.data, ensure_ascii=False)
        number = None if self.number is None else str(self.number)
        return format_sse_event(data_str=text, event=self.name, id=number)


async def number_frames(events: AsyncIterator[Event]) -> AsyncIterator[Frame]:
    """The frames of a stream; closes it when it is closed itself."""
    number = 0
    async with aclosing(events):
        async for event in events:
            passing = isinstance(event.data, Status)
            number += not passing
            yield Frame(event.name, public(to_json(event.data)), None if passing else number)


async def without_status(frames: AsyncIterator[Frame]) -> AsyncIterator[Frame]:
    """The frames without those that only say what is being done."""
    async with aclosing(frames):
        async for frame in frames:
            if frame.number is not None:
                yield frame


async def streaming_response(frames: AsyncIterator[Frame]) -> StreamingResponse:
    """A reply that streams frames, once there is a first one.

    What is wrong with a question is known by then, and raised. An error after that is the
    stream's last event: a reader must not take half an answer for a whole one.
    """
    first = await anext(frames, None)
    return StreamingResponse(
        _sent(first, frames),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _sent(first: Frame | None, frames: AsyncIterator[Frame]) -> AsyncIterator[bytes]:
    number = 0
    async with aclosing(frames):
        if first is None:  # a reader who comes back has had everything
            return
        try:
            number = first.number or 0
            yield first.sent
            async for frame in frames:
                number = frame.number or number
                yield frame.sent
        except TenkyoError as error:
            yield Frame("error", json.loads(as_problem(error).body), number + 1).sent
        except Exception:
            detail = "the answer could not be finished: ask again; the log has the reason"
            failed = problem_response(500, "Something went wrong", detail)
            yield Frame("error", json.loads(failed.body), number + 1).sent
            raise
