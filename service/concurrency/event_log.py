"""Server-sent events: an answer's events as numbered frames, and the response that streams them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Collection
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, TypeVar

from fastapi import Request
from fastapi.responses import Response, StreamingResponse
from fastapi.sse import format_sse_event

from corpus.errors import TenkyoError
from service.disclosure import public
from service.problems import as_problem, problem_response
from service.types import Event, Status, Unchecked, to_json

CLIENT_CLOSED_REQUEST = 499  # by convention, a client that disconnected; only logs show it
T = TypeVar("T")


async def cancel_on_disconnect(request: Request, work: Awaitable[T]) -> T | None:
    """Await some work, but cancel it when the client disconnects.

    The body of the request must have been read before.

    Returns:
        The result of the work; None if the client disconnected first.
    """

    async def disconnected() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    task = asyncio.ensure_future(work)
    watcher = asyncio.ensure_future(disconnected())
    try:
        await asyncio.wait([task, watcher], return_when=asyncio.FIRST_COMPLETED)
        return task.result() if task.done() else None
    finally:
        task.cancel()
        watcher.cancel()
        await asyncio.gather(task, watcher, return_exceptions=True)


@dataclass(frozen=True, slots=True)
class Frame:
    """One event of a stream, as JSON with a number.

    ``number`` counts from 1. A status or a draft has None: it is not sent again to a reader who
    resumes the stream.
    """

    name: str
    data: Any
    number: int | None

    @property
    def sent(self) -> bytes:
        """Return the frame in the format of server-sent events."""
        text = json.dumps(self.data, ensure_ascii=False)
        number = None if self.number is None else str(self.number)
        return format_sse_event(data_str=text, event=self.name, id=number)


async def number_frames(events: AsyncGenerator[Event, None]) -> AsyncGenerator[Frame, None]:
    """Turn the events of an answer into numbered frames; closing it closes the events."""
    number = 0
    async with aclosing(events):
        async for event in events:
            passing = isinstance(event.data, Status | Unchecked)
            number += not passing
            yield Frame(event.name, public(to_json(event.data)), None if passing else number)


async def without(
    names: Collection[str], frames: AsyncGenerator[Frame, None]
) -> AsyncGenerator[Frame, None]:
    """Leave out the frames with some names, such as ``status``."""
    async with aclosing(frames):
        async for frame in frames:
            if frame.name not in names:
                yield frame


async def streaming_response(frames: AsyncGenerator[Frame, None]) -> StreamingResponse:
    """Wait for the first frame and return a response that streams all frames.

    An error before the first frame is raised, so that it gets its own status. A later one
    becomes the last event of the stream: half an answer must not pass for a whole one.
    """
    first = await anext(frames, None)
    return StreamingResponse(
        _serialize(first, frames),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _serialize(
    first: Frame | None, frames: AsyncGenerator[Frame, None]
) -> AsyncGenerator[bytes, None]:
    number = 0
    async with aclosing(frames):
        if first is None:  # the stream is resumed after its last event
            return
        try:
            number = first.number or 0
            yield first.sent
            async for frame in frames:
                number = frame.number or number
                yield frame.sent
        except TenkyoError as error:
            yield _error_frame(as_problem(error), number + 1)
        except Exception:
            detail = "the answer could not be finished: ask again; the log has the reason"
            failed = problem_response(500, "Something went wrong", detail, code="error")
            yield _error_frame(failed, number + 1)
            raise


def _error_frame(problem: Response, number: int) -> bytes:
    return Frame("error", json.loads(bytes(problem.body)), number).sent
