"""Evidence for a question: found by a search, read for each part of it, numbered best first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

import numpy as np

from corpus.store.latest import Latest
from index.inference.cross_encoder import Checker
from index.search import Hit, Library
from service.answering.abstention import FalsePremise, false_premise, unmentioned, unnamed
from service.answering.answer_decision import AnswerDecider
from service.answering.evidence import (
    interleaved,
    originals_of,
    reserve_languages,
    select_evidence,
    with_originals,
    with_pages,
)
from service.answering.evidence_reading import READ_FIRST, read_evidence
from service.answering.reranking import count_relevant
from service.answering.state import AnswerState
from service.messages import reader_message
from service.questions.parts import question_parts
from service.questions.premise_check import (
    PremiseFinding,
    denied_premise,
    read_premise,
    unsupported_premise,
)
from service.questions.presuppositions import open_presupposition, presupposition
from service.scope import has_only_empty_collections
from service.verification.candidate_quotes import CandidateQuote

# Calibrated log-odds that something answers, above which a premise need not be said by a source.
CERTAIN = 0.0
SURE = 2.5  # the same, above which only a clear denial of the premise counts


class Sizes(TypedDict, total=False):
    """How much an answer is made from.

    Passages and characters bound what a question costs to read: each part of it once beside every
    passage below its title and headings, which are about 130 tokens for paragraphs of an
    encyclopedia and 165 for papers and posts. With the defaults that is 1,050 to 1,300 tokens on
    average, and was never more than 1,850; ten passages of 8,000 characters cost a third more.
    Where no model writes, most questions are answered by the first four passages, and the others
    are not read. Of the best six windows those that may come first then are read once more,
    mostly none, and so is the passage of the best.

    Attributes:
        top_k: Passages at most; a ``LANGUAGE_SHARE`` of them is kept for each language.
        evidence_chars: Characters of them together. The default always holds six passages of the
            usual full width, and eight as they are on average.
        window: Tokens that the language model reads and writes in all.
    """

    top_k: int
    evidence_chars: int
    window: int


class EvidenceFinder:
    """Finds and reads the evidence of answers. Methods block; safe to share between threads.

    Args:
        library: What is searched.
        checker: Reads the passages.
        sizes: How much is read.
    """

    def __init__(self, library: Library, checker: Checker, sizes: Sizes) -> None:
        self._library, self._checker = library, checker
        self._top_k = sizes.get("top_k", 10)
        self._evidence_chars = sizes.get("evidence_chars", 5000)
        self._originals = Latest(library.store, originals_of)

    def search(self, state: AnswerState) -> list[Hit]:
        """Search for the question, and for each of several in it; hits in turns, best first."""
        store = self._library.store
        state.revision = store.revision()
        state.originals = self._originals()
        asked = dict.fromkeys((state.asked, *question_parts(state.asked)))
        searches = [(side.question, side.within or state.within) for side in state.sides]
        searches = searches or [(text, state.within) for text in asked]
        found = [self._library.search(text, 2 * self._top_k, ids) for text, ids in searches]
        state.record_time("search")
        if has_only_empty_collections(store, state.scope):  # by now: nothing else may answer
            state.overview = None
            state.reason = reader_message(f"empty_{state.scope.chosen}", state.language)
            return []
        return interleaved(found)

    def read(self, state: AnswerState, hits: Sequence[Hit]) -> None:
        """Turn hits into evidence: those that answer the question first, by the checker."""
        if state.within is None:
            hits = with_originals(self._library, state.originals, state.asked, hits, self._top_k)
        hits = reserve_languages(hits, self._top_k)
        twins = self._library.store.works.twins([hit.passage.id for hit in hits])
        chosen = select_evidence(hits, self._top_k, self._evidence_chars, twins)
        if state.overview:
            known = {e.passage.id: e for e in chosen}
            shown = tuple(known.pop(e.passage.id, e) for e in state.overview.evidence)
            chosen = (*shown, *known.values())
        if not chosen:
            return state.record_time("read")
        chosen = with_pages(self._library.store, chosen)
        asked = tuple(s.question for s in state.sides) or question_parts(state.asked)
        within = [side.within for side in state.sides] or None
        every = state.written or state.sides or state.overview
        first = None if every else READ_FIRST
        read = read_evidence(asked, chosen, state.originals, self._checker, within, first)
        state.evidence, state.parts = read
        if state.sides and not any(part.answered for part in state.parts):
            # A source may compare the two itself, or they are not compared at all.
            state.sides = ()
            return self.read(state, self.search(state))
        odds = [max(p.passages[n].answers() for p in state.parts) for n in range(len(chosen))]
        state.relevant = (
            len(chosen) if state.overview else count_relevant(np.array(odds, np.float32))
        )
        state.decide_answers = AnswerDecider(state, self._checker)
        store = self._library.store
        state.unnamed = unnamed(state.asked, state.evidence, store)
        told = {side.name for side in state.sides if side.within}
        things = [name for name in state.compared if name not in told]
        state.unnamed = state.unnamed or unmentioned(things, state.evidence, store)
        state.premise = None if state.unnamed else self._false_premise(state)
        state.record_time("read")

    def _false_premise(self, state: AnswerState) -> FalsePremise | PremiseFinding | None:
        """Find what is wrong with what the question takes for granted; None if nothing is."""
        asked, evidence, checker = state.asked, state.evidence, self._checker
        found: FalsePremise | PremiseFinding | None = false_premise(asked, evidence)
        stated = [(part, presupposition(part.question)) for part in state.parts]
        part, statement = next(((p, s) for p, s in stated if s), (state.parts[0], None))
        sure = state.answerability > SURE
        if not found and statement and state.answerability > CERTAIN:
            windows = [
                CandidateQuote(window.passage.evidence, window.start, window.end)
                for window in part.windows
            ]
            reading = read_premise(statement, windows, evidence, checker, sure)
            state.doubted = statement if reading.doubted and len(state.parts) == 1 else ""
            return reading.finding
        if not found and statement:
            found = unsupported_premise(statement, evidence, checker)
            # Of such premises as many are true as false. It explains why a question is declined; it
            # is no reason to decline one.
            if found and not found.citation and any(part.answered for part in state.parts):
                state.doubted = statement if len(state.parts) == 1 else ""
                found = None
        statement = statement or open_presupposition(asked)
        if not found and statement:
            found = denied_premise(statement, evidence, checker, sure)
        return found
