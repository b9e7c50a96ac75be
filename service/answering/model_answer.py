"""An answer in a language model's words: written, checked and, where it falls short, quoted."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing

from corpus.errors import ModelError
from service.answering.claim_stream import ClaimStream
from service.answering.draft_stream import with_drafts
from service.answering.extractive import ANSWERS
from service.answering.model_failures import describe_failure
from service.answering.sentence_checks import SentenceChecks, Threads
from service.answering.sentence_reader import SentenceReader
from service.answering.source_quotes import SourceQuotes
from service.answering.state import AnswerState
from service.messages import joined, reader_message
from service.types import Event, Mode, Status

logger = logging.getLogger(__name__)


class ModelAnswer:
    """One answer of a language model: ``events`` while it is written, then ``finish``.

    Args:
        state: The answer's state, in which everything is recorded.
        checks: How its sentences are checked.
        quotes: The sources' own words, for where those of the model do not hold.
        threads: Runs what blocks in a thread.
        believed: Whether the model's word is taken for it that there is no answer.
    """

    def __init__(
        self,
        state: AnswerState,
        checks: SentenceChecks,
        quotes: SourceQuotes,
        threads: Threads,
        *,
        believed: bool,
    ) -> None:
        self._state, self._checks, self._quotes = state, checks, quotes
        self._threads, self._believed = threads, believed
        self._stream = ClaimStream(state, quotes)
        self._wrote = self._declined = self._stopped = False
        self._error: ModelError | None = None

    @property
    def mode(self) -> Mode:
        """What the answer is made of so far."""
        if self._stream.held:
            return "generated"
        return "quoted" if self._state.claims else "abstained"

    async def events(self, pieces: AsyncGenerator[str, None]) -> AsyncGenerator[Event, None]:
        """Yield an event for each sentence as soon as it is decided, in the order of writing.

        The model's text goes on being read while sentences are checked; ``draft`` events say what
        it has written meanwhile. However this ends, the model's stream is closed and nothing that
        was begun goes on.
        """
        reader = SentenceReader(
            pieces, self._state.evidence, self._state.asked, self._checks.prefetch
        )
        async with aclosing(with_drafts(self._decided(reader), reader)) as events:
            async for event in events:
                yield event

    async def _decided(self, reader: SentenceReader) -> AsyncGenerator[Event, None]:
        try:
            yield Event("status", Status("writing"))
            while drafts := await reader.take(whole=self._checks.last):
                yield Event("status", Status("checking"))
                waiting = iter(drafts)
                async with aclosing(self._checks.check(drafts)) as claims:
                    async for claim in claims:
                        decided = self._stream.decide, next(waiting), claim
                        for event in await self._threads(*decided):
                            yield event
                        reader.decided()
                if not reader.done:
                    yield Event("status", Status("writing"))
        finally:
            self._checks.close()
            await reader.close()
        self._wrote, self._declined = reader.any, reader.declined
        self._stopped, self._error = reader.stopped, reader.error
        if self._error:
            logger.warning("%s", self._error)
        if self._state.judge_cost.calls:
            self._state.timings["judge"] = round(self._state.judge_cost.seconds, 4)
        self._state.record_time("write")

    def finish(self) -> list[Event]:
        """Quote the sources where the model's sentences are not enough, and say why. Blocks."""
        state, quotes = self._state, self._quotes
        if not self._stream.held:
            events = quotes.complete()
            events += self._instead()
            said = [self._why_quoted(), state.reason or ""]  # the latter of an overview
            state.reason = joined(said, state.language) if state.claims else self._why_not()
            return events
        events = quotes.complete()
        beside = quotes.answer(ANSWERS)
        if self._error:
            state.reason = describe_failure(self._error, "cut short", state.language)
        elif self._stopped:
            state.reason = reader_message("stopped", state.language)
        elif beside:
            state.reason = reader_message("beside", state.language)
        return events + beside

    def _instead(self) -> list[Event]:
        """Quotes where nothing of the model holds: those that there would be without it.

        Where its word is taken, however, there are none if it declined, and fewer if it wrote what
        does not hold: only what more likely answers than not, and nothing beside quotes that took
        the place of sentences. A failure says nothing about the question, and the beginning of a
        work sums it up, whatever a model says.
        """
        state, quotes = self._state, self._quotes
        if not state.answerable:
            return []
        if self._believed and not (self._error or state.overview):
            if self._declined or state.claims:
                return []
            return quotes.answer(ANSWERS if self._wrote else None)
        return quotes.answer()

    def _why_quoted(self) -> str:
        if self._error:
            return describe_failure(self._error, "quoted", self._state.language)
        return reader_message("none_held" if self._wrote else "declined", self._state.language)

    def _why_not(self) -> str | None:
        """Why there is no answer, if that is because the model failed."""
        if not self._error:
            return None
        return describe_failure(self._error, "nothing", self._state.language)
