"""Replay of finished answers from the history, as the numbered frames of their first stream."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from corpus.errors import Gone, RequestRefused
from service.concurrency.event_log import Frame
from service.conversations.store import History, StoredReply


def replay_frames(history: History, reply: StoredReply, after: int) -> list[Frame]:
    """Make the frames of a finished answer again, those after number ``after``.

    Args:
        history: Where the answer is stored.
        reply: A stored reply whose body is the names of the answer's frames, in order.
        after: The number of the last frame that the reader has.

    Raises:
        NotFound: The answer was deleted.
        RequestRefused: The answer has fewer frames.
    """
    answer = history.answer(reply.answer_id or "")
    if after > len(reply.body):
        raise ahead_error(after)
    evidence_fields = ("id", "conversation_id", "question", "evidence", "understood")
    parts: dict[str, Iterator[Any]] = {
        "evidence": iter([{name: answer.get(name) for name in evidence_fields}]),
        "claim": iter(answer["claims"]),
        "rejected": iter(answer["rejected"]),
        "answer": iter([answer]),
    }
    frames = [Frame(name, next(parts[name]), n) for n, name in enumerate(reply.body, 1)]
    return frames[after:]


def stopped_error() -> Gone:
    """Make the error for a stream that cannot be resumed, since its answer was stopped."""
    return Gone(
        "the answer was stopped, or the key is older than a day: ask again without Last-Event-ID"
    )


def ahead_error(after: int) -> RequestRefused:
    """Make the error for a Last-Event-ID that is larger than any number of the answer."""
    return RequestRefused(
        f"Last-Event-ID {after} is ahead of the answer: send the `id` of the last event that"
        " came, or leave it out to have all of them"
    )
