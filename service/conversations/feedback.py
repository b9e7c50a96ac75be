"""Feedback: readers' ratings of answers and of single claims, stored in the database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa

from corpus.errors import NotFound, RequestRefused
from corpus.store.database import Database, utc_now
from service.conversations import schema
from service.query import printable

Rating = Literal["up", "down"]
WHOLE_ANSWER = -1  # stored as the claim's number, since a key cannot be null


@dataclass(frozen=True, slots=True)
class Feedback:
    """One rating of an answer, or of the claim with index ``claim``, counted from 0."""

    answer_id: str
    rating: Rating
    reason: str = ""
    claim: int | None = None
    given_at: str = ""


class FeedbackStore:
    """Stored ratings: the latest one of each answer as a whole and of each claim."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, rating: Feedback) -> Feedback:
        """Store a rating, replacing an earlier one of the same answer or claim.

        Returns:
            The rating as stored, with its time.

        Raises:
            NotFound: There is no such answer.
            RequestRefused: The answer has no such claim.
        """
        claim = WHOLE_ANSWER if rating.claim is None else rating.claim
        with self._database.transaction(writes=True) as db:
            claims = len(_answer(db, rating.answer_id)["claims"])
            if claim >= claims:
                raise RequestRefused(
                    f"there is no claim {claim}, the answer has {claims}: give an index from 0, or"
                    " leave it out to rate the answer as a whole"
                )
            same = (schema.feedback.c.answer_id == rating.answer_id) & (
                schema.feedback.c.claim == claim
            )
            db.execute(sa.delete(schema.feedback).where(same))
            reason = "\n".join(map(printable, rating.reason.splitlines()))
            stored = Feedback(rating.answer_id, rating.rating, reason, rating.claim, utc_now())
            values = {
                "answer_id": stored.answer_id,
                "claim": claim,
                "rating": stored.rating,
                "reason": stored.reason,
                "given_at": stored.given_at,
            }
            db.execute(sa.insert(schema.feedback), values)
        return stored

    def of(self, answer_id: str) -> list[Feedback]:
        """Return the ratings of an answer: of the whole first, then by claim."""
        query = (
            sa.select(schema.feedback)
            .where(schema.feedback.c.answer_id == answer_id)
            .order_by(schema.feedback.c.claim)
        )
        with self._database.transaction() as db:
            _answer(db, answer_id)
            return [
                Feedback(
                    row.answer_id,
                    row.rating,
                    row.reason,
                    None if row.claim == WHOLE_ANSWER else row.claim,
                    row.given_at,
                )
                for row in db.execute(query)
            ]


def _answer(db: sa.Connection, answer_id: str) -> dict[str, Any]:
    query = sa.select(schema.answers.c.answer).where(schema.answers.c.id == answer_id)
    found: dict[str, Any] | None = db.execute(query).scalar()
    if found is None:
        raise NotFound(f"no answer {answer_id!r}: give the id that the answer came with")
    return found
