"""The answer engine: turns a question into a stream of checked claims.

Where a model's sentences fall short, the sources' own words stand in for them
(``service.answering.model_answer``). Questions, checks of claims and records have threads of their
own, so that an answer that has begun does not wait for one that has not; more questions wait in
order, so that the first is answered rather than all of them late.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Unpack

from corpus.protocols import require_protocol
from index.inference.batch_scheduler import Priority
from index.inference.cross_encoder import Checker
from index.search import Library
from service.answering.abstention import explain_abstention
from service.answering.begun_question import begin_answer, stands_alone
from service.answering.direct_replies import DirectReplies
from service.answering.evidence_finder import EvidenceFinder, Sizes
from service.answering.model_answer import ModelAnswer
from service.answering.sentence_checks import JudgeChecks, SentenceChecks, VerifierChecks
from service.answering.source_quotes import SourceQuotes
from service.answering.state import AnswerState
from service.answering.writers import Writers, WritersInUse
from service.conversations.store import History
from service.disclosure import model_name
from service.executors import PriorityThreadPool
from service.generation import prompts
from service.generation.llm import AnswerModel
from service.judging.record import record_judgements
from service.judging.types import Judge
from service.messages import list_titles, reader_message
from service.query import check_question
from service.scope import EVERYWHERE, WHOLE_LIBRARY, FoundScope, Scope
from service.types import (
    Answer,
    AnswerStep,
    Claim,
    Draft,
    Event,
    EvidenceFound,
    Mode,
    Status,
    Unchecked,
    to_json,
)
from service.verification import receipt
from service.verification.verifier import Verifier

# Raised on purpose, with every change after which the same question may get another answer from the
# same library, models and verifier: in searching, re-ranking, quoting or abstaining. A run of
# `tenkyo eval` does not mix two of them.
ANSWER_VERSION = 13

MAX_NEW_QUESTIONS = 16  # questions that are searched and re-ranked at once; the others wait
MAX_CLAIM_CHECKS = 32  # claims that are checked at once
HISTORY_THREADS = 4  # answers that are looked up or written down at once


def _status(step: AnswerStep) -> Event:
    return Event("status", Status(step))


class Engine(WritersInUse):
    """Answers questions from a library, and keeps the answers.

    Args:
        library: Where evidence is found.
        checker: Decides which evidence answers, and about sentences that no judge decides.
        history: Keeps the answers.
        model: Writes them; None: quote mode.
        judge: A language model that decides about sentences once it has passed its self-test.
        judge_writes: Whether it is the model that writes. Then that model also decides whether
            there is an answer, from all the evidence.
        **sizes: How much an answer is made from.
    """

    def __init__(
        self,
        library: Library,
        checker: Checker,
        history: History,
        model: AnswerModel | None = None,
        *,
        judge: Judge | None = None,
        judge_writes: bool = False,
        **sizes: Unpack[Sizes],
    ) -> None:
        require_protocol(checker, Checker)
        if model is not None:
            require_protocol(model, AnswerModel)
        if judge is not None:
            require_protocol(judge, Judge)
        self.library, self.checker, self.history = library, checker, history
        self.writers = Writers(model, judge, judge_writes)
        self.verifier = Verifier(checker, library.embedder)
        self._window = sizes.get("window", prompts.DEFAULT_CONTEXT_TOKENS)
        self._evidence = EvidenceFinder(library, checker, sizes)
        self._direct = DirectReplies(library, checker)
        self._new = PriorityThreadPool("questions", MAX_NEW_QUESTIONS)
        self._begun = PriorityThreadPool("claims", MAX_CLAIM_CHECKS, priority=Priority.CLAIM)
        self._records = PriorityThreadPool("records", HISTORY_THREADS, HISTORY_THREADS)

    def warm_up(self) -> None:
        """Load the models now rather than at first use, and raise what is wrong with them."""
        self.library.search("warm", 1)
        self.checker.read([("warm", "up")])
        self.checker.supports([("warm", "up")])
        self.checker.parse(["warm"])

    async def answer(
        self,
        question: str,
        conversation_id: str | None = None,
        scope: Scope = EVERYWHERE,
        mode: Mode | None = None,
    ) -> Answer:
        """Return the whole answer to a question; see ``stream``."""
        async with aclosing(self.stream(question, conversation_id, scope, mode)) as events:
            async for event in events:
                if isinstance(event.data, Answer):
                    return event.data
        raise AssertionError("a stream ends with its answer")

    async def stream(
        self,
        question: str,
        conversation_id: str | None = None,
        scope: Scope = EVERYWHERE,
        mode: Mode | None = None,
        *,
        model: str | None = None,
        progress: bool = False,
        earlier: Sequence[prompts.Message] = (),
    ) -> AsyncGenerator[Event, None]:
        """Answer a question as a stream of events.

        Where a sentence of the model does not hold, a quote takes its place if that helps. Quotes
        that answer stand in for a model that fails, declines, or of whose sentences none holds, and
        follow sentences that hold but do not answer.

        Args:
            question: The question. A follow-up is answered as the question that it stands for.
            conversation_id: The conversation that it goes on with; None for a new one.
            scope: The sources and collections to answer from, as they are when it is asked.
            mode: "quoted" to ask no language model.
            model: The name of the model that writes, of ``writers``; None for the usual one.
            progress: Whether a ``status`` comes whenever another step begins, and a ``draft`` of
                what a model has written and is not checked yet.
            earlier: The messages before the question, of a conversation that is not kept here.

        Yields:
            One ``evidence`` event, a ``claim`` or ``rejected`` for each sentence as it is decided,
            and the ``answer``.

        Raises:
            QuestionRefused: The question is empty or too long. Like the next, it is raised before
                the first event.
            NotFound: There is no such conversation, source or collection.
            RequestRefused: There is no such model.
        """
        writers = self.writers.writing(model)
        asked = question, conversation_id, scope, earlier
        state = await self._records(begin_answer, self.library.store, self.history, *asked)
        state.writers = writers
        events = self._events(state, mode)
        step: AnswerStep | None = None
        async with aclosing(events):
            async for event in events:
                if not isinstance(event.data, Status | Unchecked):
                    yield event
                elif isinstance(event.data, Unchecked):
                    if progress:
                        yield event
                elif progress and event.data.step != step:
                    step = event.data.step
                    yield event

    async def _events(self, state: AnswerState, mode: Mode | None) -> AsyncGenerator[Event, None]:
        yield _status("searching")
        if direct := await self._new(self._direct, state):
            yield self._evidence_event(state)
            for event in direct.events:
                yield event
            yield Event("answer", await self._close(state, direct.mode))
            return
        model = state.writers.model
        state.written = model is not None and mode != "quoted"
        hits = await self._new(self._evidence.search, state)
        yield _status("reading")
        await self._new(self._evidence.read, state, hits)
        if state.as_asked:
            state = await self._new(self._as_asked, state, state.as_asked)
        yield self._evidence_event(state)
        made: Mode = "abstained"
        quotes = SourceQuotes(state, self.verifier)
        if model and state.written and (answer := self._model_answer(state, quotes)):
            async with aclosing(answer.events(model.stream(state.prompt))) as events:
                async for event in events:
                    yield event
            yield _status("checking")
            for event in await self._new(answer.finish):
                yield event
            made = answer.mode
        elif state.answerable:
            yield _status("checking")
            for event in await self._new(quotes.answer):
                yield event
            made = "quoted" if state.claims else made
        await self._new(self._conclude, state, quotes, made)
        yield Event("answer", await self._close(state, made))

    @staticmethod
    def _evidence_event(state: AnswerState) -> Event:
        begun = (state.id, state.conversation_id, state.question, state.evidence, state.understood)
        return Event("evidence", EvidenceFound(*begun))

    def _model_answer(self, state: AnswerState, quotes: SourceQuotes) -> ModelAnswer | None:
        """Prepare what the language model is to write; None if the evidence is not enough."""
        judge = state.writers.judge
        judge = judge if judge and judge.able else None
        decides = judge is not None and state.writers.judge_writes
        if not (state.plausible if decides else state.answerable):
            return None
        shown = state.evidence if decides else state.evidence[: state.relevant]
        state.prompt = prompts.answer_messages(state.asked, shown, self._window, state.language)
        checks = self._checks(state, judge)
        return ModelAnswer(state, checks, quotes, self._begun, believed=decides)

    def _checks(self, state: AnswerState, judge: Judge | None) -> SentenceChecks:
        def verify(draft: Draft) -> Claim:
            return self.verifier.check(draft, state.evidence, state.originals)

        if judge:
            return JudgeChecks(state, judge, verify, self._begun)
        return VerifierChecks(verify, self._begun)

    def _as_asked(self, state: AnswerState, as_asked: AnswerState) -> AnswerState:
        """Return the state of a question that may be a follow-up as it was asked, if it is none.

        Blocks. All is found out anew: what that question asks for, of which works, and where.
        """
        bare = replace(
            as_asked,
            writers=state.writers,
            written=state.written,
            started=state.started,
            timings=state.timings,
        )
        if self._direct(bare):
            return state
        self._evidence.read(bare, self._evidence.search(bare))
        return bare if stands_alone(bare, state) else state

    def can_answer(self, question: str, found: FoundScope = WHOLE_LIBRARY) -> bool:
        """Return whether the sources' own sentences clearly answer a question asked in a scope.

        Nothing is stored. Blocks for as long as an answer in quote mode takes.
        """
        state = AnswerState("", "", check_question(question))
        state.scope, state.within = found.scope, found.source_ids
        self._evidence.read(state, self._evidence.search(state))
        if state.answerable and not state.doubted:
            SourceQuotes(state, self.verifier).answer()  # adds the claims
        return any(claim.ticked for claim in state.claims)

    def _conclude(self, state: AnswerState, quotes: SourceQuotes, made: Mode) -> None:
        """Record why nothing is answered, or what is missing from an answer. Blocks."""
        if made == "abstained":
            self._explain(state)
        elif state.doubted and made == "quoted":
            doubtful = reader_message("premise_doubted", state.language, state.doubted)
            state.reason = state.reason or doubtful
        elif not any(claim.ticked for claim in state.claims):
            state.reason = state.reason or reader_message("nearest_shown", state.language)
        elif missing := quotes.unanswered():
            name = "part_unanswered" if len(missing) < len(state.parts) else "nearest_shown"
            listed = list_titles(missing, state.language)
            state.reason = state.reason or reader_message(name, state.language, listed)
        elif state.compared and made == "quoted":
            compared = reader_message("compared", state.language, *state.compared)
            state.reason = state.reason or compared

    def _explain(self, state: AnswerState) -> None:
        store = self.library.store
        state.abstention, reason = explain_abstention(
            state.evidence,
            state.premise,
            store.unread(),
            state.language,
            empty=not state.evidence and not store.sources(),
            unnamed=state.unnamed,
            scope=state.scope,
        )
        if state.elsewhere and state.premise is None:
            state.abstention = "outside_library"
            reason = reader_message("only_documents", state.language)
        if state.unknown and state.abstention == "outside_library":
            state.abstention = "not_enough_evidence"  # it is about a document of the library
        state.reason = state.reason or state.unknown or reason

    async def _close(self, state: AnswerState, mode: Mode) -> Answer:
        model = state.writers.model
        name = model_name(model.name) if model and mode == "generated" else ""
        answer = Answer(
            id=state.id,
            conversation_id=state.conversation_id,
            question=state.question,
            text=state.text,
            mode=mode,
            model=name,
            claims=tuple(state.claims),
            evidence=state.evidence,
            rejected=tuple(state.rejected),
            reason=state.reason,
            abstention=state.abstention,
            timings=state.timings | {"total": round(time.perf_counter() - state.started, 4)},
            understood=state.understood,
            scope=state.scope if state.scope.chosen else None,
        )
        await self._records(self._keep, state, answer)
        return answer

    def _keep(self, state: AnswerState, answer: Answer) -> None:
        """Store the answer, and with it what else a receipt of it needs."""
        works = state.originals.original_works(e.source.id for e in state.evidence)
        judge, judged = state.writers.judge, None
        if judge and state.judge_cost.calls:
            judged = record_judgements(judge, state.evidence, state.judgements)
        noted = receipt.make_record(
            self.library, self.checker, state.revision, state.drafts, works, state.prompt, judged
        )
        self.history.save_answer(answer.id, answer.conversation_id, to_json(answer), noted)
