"""The draft of an answer between its events: what a model has written before it was checked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from service.answering.sentence_reader import SentenceReader
from service.types import Event, Unchecked

DRAFT_SECONDS = 0.1  # between two looks at what the model has written


async def with_drafts(
    events: AsyncGenerator[Event, None], reader: SentenceReader
) -> AsyncGenerator[Event, None]:
    """Yield some events, and between them a ``draft`` whenever the draft has changed.

    The events are made in a task of their own, which ends with this generator, however it ends.

    Args:
        events: The events of the sentences that the reader reads; they are closed at the end.
        reader: Its draft is what is shown.
    """
    queue: asyncio.Queue[Event | None] = asyncio.Queue()

    async def make() -> None:
        try:
            async with aclosing(events):
                async for event in events:
                    queue.put_nowait(event)
        finally:
            queue.put_nowait(None)

    shown: tuple[str, ...] = ()
    task = asyncio.create_task(make())
    try:
        while True:
            try:
                async with asyncio.timeout(DRAFT_SECONDS):
                    event = await queue.get()
            except TimeoutError:
                pass  # no event yet, but perhaps more of the draft
            else:
                if event is None:
                    break
                yield event
            if queue.empty() and (draft := reader.draft) != shown:
                shown = draft
                yield Event("draft", Unchecked(shown))
        task.result()
    finally:
        task.cancel()
        await asyncio.wait([task])
