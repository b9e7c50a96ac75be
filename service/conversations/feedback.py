"""What a reader thought of an answer, or of one of its claims."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import sqlalchemy as sa

from corpus.errors import NotFound, RequestRefused
from corpus.store.database import Database, utc_now
from service.conversations import schema
from service.query import printable

Rating = Literal["up", "down"]
WHOLE_ANSWER = -1  # in the place of a claim's number, since a key cannot be empty


@dataclass(frozen=True, slots=True)
class Feedback:
    """One rating; ``claim`` counts from 0, None for the answer as a whole."""

    answer_id: str
    rating: Rating
    reason: str = ""
    claim: int | None = None
    given_at: str = ""


class FeedbackStore:
    """One rating for an answer, and one for each claim; the latest counts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, given: Feedback) -> Feedback:
        """Keep a rating in place of the one before; NotFound or RequestRefused if there is no
        such answer or claim.
        """
        claim = WHOLE_ANSWER if given.claim is None else given.claim
        with self._database.transaction(writes=True) as db:
            claims = len(_answer(db, given.answer_id)["claims"])
            if claim >= claims:
                raise RequestRefused(
                    f"claim {claim} is not there, the answer has {claims}: give an index from 0"
                    " on, or leave it out to rate the answer as a whole"
                )
            same = (schema.feedback.c.answer_id == given.answer_id) & (
                schema.feedback.c.claim == claim
            )
            db.execute(sa.delete(schema.feedback).where(same))
            reason = "\n".join(map(printable, given.reason.splitlines()))
            kept = Feedback(given.answer_id, given.rating, reason, given.claim, utc_now())
            values = {
                "answer_id": kept.answer_id,
                "claim": claim,
                "rating": kept.rating,
                "reason": kept.reason,
                "given_at": kept.given_at,
            }
            db.execute(sa.insert(schema.feedback), values)
        return kept

    def of(self, answer_id: str) -> list[Feedback]:
        """The ratings of an answer: that of the whole first, then by claim."""
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


def _answer(db: sa.Connection, answer_id: str) -> dict:
    query = sa.select(schema.answers.c.answer).where(schema.answers.c.id == answer_id)
    found = db.execute(query).scalar()
    if found is None:
        raise NotFound(f"no answer {answer_id!r}: rate one by the id that it came with")
    return found
