"""Reading a language model's answer in the background, sentence by sentence."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import replace

from corpus.errors import ModelError
from service.generation.citation_parser import SentenceParser, resolve_author_years
from service.generation.prompts import is_no_answer, may_be_no_answer
from service.types import Draft, Evidence
from service.verification.checkworthiness import is_bare_answer

MAX_SENTENCES = 12  # after which a model is stopped
MAX_GENERATED_CHARACTERS = 12_000  # the same, also for one that repeats itself
SENTENCES_BEFORE = 3  # sentences that are kept to understand the pronouns of the next one


class SentenceReader:
    """The sentences of an answer that a model is writing, read in a task of its own.

    Each comes once, with its author-year citations resolved and with the sentences before it. What
    a model writes if it has no answer is left out.

    Attributes:
        any: Whether there was a sentence.
        declined: Whether the model wrote that it has no answer.
        stopped: Whether the model was stopped because it wrote too much.
        error: What the model failed with, after the sentences that it wrote before.
    """

    def __init__(
        self,
        pieces: AsyncGenerator[str, None],
        evidence: Sequence[Evidence],
        question: str = "",
        likely: Callable[[Draft], None] | None = None,
    ) -> None:
        """Begin to read.

        Args:
            pieces: The model's text as it comes; it is closed when reading ends.
            evidence: What its citations may name.
            question: What it answers.
            likely: Called with each sentence that seems complete, before that is certain.
        """
        self.any = self.declined = self.stopped = False
        self.error: ModelError | None = None
        self._evidence, self._question, self._likely = evidence, question, likely
        self._written: dict[str, None] = {}  # the sentences so far, in order
        self._ready: list[Draft] = []
        self._undecided: list[str] = []  # sentences that are complete
        self._parser = SentenceParser()
        self._changed = asyncio.Event()
        self._task = asyncio.create_task(self._read(pieces))
        self._task.add_done_callback(self._ended)

    @property
    def done(self) -> bool:
        """Whether the model has ended and every sentence was taken."""
        return self._task.done() and not self._ready

    @property
    def draft(self) -> tuple[str, ...]:
        """What was written and is not decided yet; the last sentence may be incomplete."""
        unfinished = (text for text in self._parser.unfinished if not may_be_no_answer(text))
        return (*self._undecided, *unfinished)

    def decided(self) -> None:
        """Take the first sentence out of the draft."""
        del self._undecided[0]

    async def take(self, *, whole: bool = False) -> list[Draft]:
        """Wait for sentences, and return those that are complete and were not taken yet.

        Args:
            whole: Wait until the model has ended, and return all that is left.

        Returns:
            At least one sentence; none once the model has ended.
        """
        while not self._task.done() and (whole or not self._ready):
            self._changed.clear()
            await self._changed.wait()
        if self._task.done():
            self._task.result()  # raises any error other than a ModelError
        taken, self._ready = self._ready, []
        return taken

    async def close(self) -> None:
        """Stop reading, and wait until the model's stream is closed.

        The task is cancelled once, however often the caller is: a second time would keep it from
        closing its connection.
        """
        self._task.cancel()
        await asyncio.wait([self._task])

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._changed.set()
        if not task.cancelled():
            task.exception()  # ``take`` raises it, if it is called again

    async def _read(self, pieces: AsyncGenerator[str, None]) -> None:
        parser, characters = self._parser, 0
        try:
            async with aclosing(pieces):
                async for piece in pieces:
                    characters += len(piece)
                    complete = parser.feed(piece)
                    self._add(complete)
                    if self._full or characters > MAX_GENERATED_CHARACTERS:
                        self.stopped = True
                        break
                    if self._likely and not complete:
                        for draft in self._new(parser.likely()):
                            self._likely(draft)
        except ModelError as error:
            self.error = error
        self._add(parser.finish())

    @property
    def _full(self) -> bool:
        return len(self._written) >= MAX_SENTENCES

    def _add(self, drafts: Sequence[Draft]) -> None:
        self.declined |= any(is_no_answer(draft.text) for draft in drafts)
        for draft in self._new(drafts):
            self._written[draft.text] = None
            self._ready.append(draft)
            self._undecided.append(draft.text)
            self.any = True
            self._changed.set()

    def _new(self, drafts: Sequence[Draft]) -> Iterator[Draft]:
        """Yield the drafts that were not written before, with their context."""
        for draft in drafts:
            draft = resolve_author_years(draft, self._evidence)
            if draft.text not in self._written and not self._full and not is_no_answer(draft.text):
                before = tuple(self._written)[-SENTENCES_BEFORE:]
                bare = is_bare_answer(draft.text, self._question)
                yield replace(draft, before=before, question=self._question if bare else "")
