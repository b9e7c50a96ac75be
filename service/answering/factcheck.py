"""Fact-checking: looks each sentence of a text up in the library, and gives it a verdict.

A claim's ``start`` and ``end`` count code points in the text that was given.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import Any

from corpus.errors import TextRefused
from corpus.readers.format_detection import detect_format
from corpus.readers.sandbox import ReaderPool
from corpus.store.latest import Latest
from corpus.types import Source
from index.inference.cross_encoder import CrossEncoder
from index.search import Library
from service.answering.evidence import originals_of, select_evidence, with_originals, with_pages
from service.answering.sentence_checks import GIVEN_UP, Threads, ask_judge, without_judge
from service.answering.statements import statements
from service.disclosure import model_name
from service.generation.prompts import estimate_tokens
from service.judging.decision import decide
from service.judging.evidence import number_evidence
from service.judging.prompt import JUDGED_AT_ONCE, evidence_tokens
from service.judging.types import Failure, Judge, NumberedEvidence
from service.scope import EVERYWHERE, Scope, find_scope
from service.types import Citation, Claim, Draft, Evidence
from service.verification.calibration import load_calibration
from service.verification.provenance import Originals
from service.verification.verifier import Verifier

MAX_TEXT_CHARACTERS = 20_000  # characters verified at once by the service
MAX_SENTENCES = 200
PASSAGES_PER_SENTENCE = 8  # passages that are looked up for a sentence
EVIDENCE_CHARACTERS = 8000  # characters of these together
NEEDED = 2  # passages of each sentence that a call of a judge must have room for


@dataclass(frozen=True, slots=True)
class Checked:
    """The result for a text: its claims in order, and the passages that they cite.

    ``evidence`` is numbered by first use, one label a passage, over all claims.
    ``error_rates`` is how often the verifier was measured to be wrong; empty with a judge
    other than ours.
    """

    claims: tuple[Claim, ...]
    evidence: tuple[Evidence, ...]
    error_rates: dict[str, Any]


def document_text(name: str, data: bytes, workers: ReaderPool, password: str = "") -> str:
    """Return the text of a file's bytes: text and Markdown as they are, else by a file reader.

    ``password`` opens an encrypted PDF. Raises CorpusError where there is none to be read.
    """
    found, text = detect_format(data, name)
    if found in ("markdown", "text"):
        return text
    document, _ = workers.read(data, Source("", name), password=password)
    return document.text


def check_text(text: str) -> str:
    """Return the text itself; TextRefused if there is nothing to verify in it, or too much."""
    if len(text) > MAX_TEXT_CHARACTERS:
        raise TextRefused(
            f"the text has {len(text):,} characters, and at most {MAX_TEXT_CHARACTERS:,} are"
            " verified at once: send it in parts, or run `tenkyo verify FILE`, which has no such"
            " limit"
        )
    count = len(statements(text))
    if count > MAX_SENTENCES:
        raise TextRefused(
            f"the text has {count:,} sentences, and at most {MAX_SENTENCES} are verified at once:"
            " send it in parts, or run `tenkyo verify FILE`, which has no such limit"
        )
    return text


class FactChecker:
    """Looks each sentence of a text up in a library, and checks it.

    Args:
        library: Where the sentences are looked up.
        verifier: Checks each by rules and checker.
        judge: A language model that checks groups of them in ``check_async``, once it is able to.
    """

    def __init__(self, library: Library, verifier: Verifier, judge: Judge | None = None) -> None:
        self._library, self._verifier, self.judge = library, verifier, judge
        self._originals = Latest(library.store, originals_of)

    async def check_async(
        self,
        text: str,
        scope: Scope = EVERYWHERE,
        progress: Callable[[str, int, int], Awaitable[None]] | None = None,
        threads: Threads = asyncio.to_thread,
    ) -> Checked:
        """Return the claims of a text, of any length, each with its verdict.

        The judge decides where there is one that is able to, else rules and checker do.
        Consecutive sentences are judged together, in one call at a time. Where a call fails, rules
        and checker decide, and the verdict's method says so; after one that took too long or
        reached nobody, about all the rest.

        Args:
            text: For each claim, ``text[claim.start : claim.end] == claim.text``.
            scope: Where to look.
            progress: Told of a step, the sentences that are decided, and the number of all.
            threads: Runs what blocks.

        Raises:
            NotFound: For an unknown source or collection.
            TextRefused: As ``statements`` does.
        """
        checks: _Checks = await threads(self._begin, text, scope)
        judge = self.judge
        judge = judge if judge and judge.able else None
        while waiting := checks.next(JUDGED_AT_ONCE):
            if judge and not checks.given_up:
                decided = await self._judge_next(checks, judge, threads)
            else:
                decided = [await self._without_judge(checks, waiting[0], checks.given_up, threads)]
            for claim, evidence in decided:
                checks.add(claim, evidence)
                if progress:
                    await progress("verify", len(checks.claims), len(checks.said))
        return self._result(checks)

    def _begin(self, text: str, scope: Scope) -> _Checks:
        found = find_scope(self._library.store, scope)
        return _Checks(text, statements(text), found.source_ids, self._originals())

    def _result(self, checks: _Checks) -> Checked:
        ours = self._verifier.checker.name == CrossEncoder.name
        rates = load_calibration().errors if ours else {}
        return Checked(tuple(checks.claims), tuple(checks.shown.values()), rates)

    def _check_one(self, checks: _Checks, draft: Draft) -> tuple[Claim, Sequence[Evidence]]:
        evidence = self._find(checks, draft)
        return self._verifier.check(draft, evidence, checks.originals), evidence

    def _find(self, checks: _Checks, draft: Draft) -> tuple[Evidence, ...]:
        """The evidence for one sentence, best first; it is looked up once."""
        if draft in checks.found:
            return checks.found[draft]
        text, most, only = draft.text, PASSAGES_PER_SENTENCE, checks.source_ids
        hits = self._library.search(text, most, only)
        if only is None:
            hits = with_originals(self._library, checks.originals, text, hits, most)
        twins = self._library.store.works.twins([hit.passage.id for hit in hits])
        evidence = select_evidence(hits, most, EVIDENCE_CHARACTERS, twins)
        evidence = with_pages(self._library.store, evidence)
        checks.found[draft] = evidence
        return evidence

    async def _judge_next(
        self, checks: _Checks, judge: Judge, threads: Threads
    ) -> list[tuple[Claim, Sequence[Evidence]]]:
        """Decide about as many of the next sentences as one call of the judge has room for."""
        drafts, evidence, numbered = await threads(self._group, checks, judge)
        call = await ask_judge(judge, "", numbered, drafts)
        checks.given_up = call.failure if call.failure in GIVEN_UP else None
        decided = []
        for n, draft in enumerate(drafts):
            if call.failure:
                decided.append(await self._without_judge(checks, draft, call.failure, threads))
            else:
                name, said = model_name(judge.name), call.judgements[n]
                claim = await threads(decide, draft, said, numbered, checks.originals, name)
                decided.append((claim, evidence))
        return decided

    async def _without_judge(
        self, checks: _Checks, draft: Draft, failure: Failure | None, threads: Threads
    ) -> tuple[Claim, Sequence[Evidence]]:
        claim, evidence = await threads(self._check_one, checks, draft)
        return (without_judge(claim, failure) if failure else claim), evidence

    def _group(
        self, checks: _Checks, judge: Judge
    ) -> tuple[Sequence[Draft], tuple[Evidence, ...], NumberedEvidence]:
        """The next sentences, with the evidence of them all, the best of each first."""
        drafts = checks.next(JUDGED_AT_ONCE)
        room = evidence_tokens(judge.window, "", [draft.text for draft in drafts])
        found = [self._find(checks, draft) for draft in drafts]
        while len(found) > 1 and _tokens(_merged([each[:NEEDED] for each in found])) > room:
            found.pop()
        evidence = _merged(found)
        return drafts[: len(found)], evidence, number_evidence(evidence, room)


@dataclass
class _Checks:
    """The sentences of one text, and what has become of them so far."""

    text: str
    said: Sequence[tuple[int, int, Draft]]
    source_ids: Sequence[str] | None
    originals: Originals
    claims: list[Claim] = field(default_factory=list)
    shown: dict[str, Evidence] = field(default_factory=dict)  # by the id of the passage
    found: dict[Draft, tuple[Evidence, ...]] = field(default_factory=dict)  # of those to decide
    given_up: Failure | None = None  # of the last call of a judge, if there will be no other

    def next(self, most: int) -> list[Draft]:
        """The first sentences that are not decided yet, at most so many."""
        begin = len(self.claims)
        return [draft for _, _, draft in self.said[begin : begin + most]]

    def add(self, claim: Claim, evidence: Sequence[Evidence]) -> None:
        """Add the claim of the next sentence, whose labels are those of some evidence."""
        start, end, draft = self.said[len(self.claims)]
        self.found.pop(draft, None)  # a text may be a book
        claim = _numbered(claim, evidence, self.shown)
        self.claims.append(replace(claim, text=self.text[start:end], start=start, end=end))


def _merged(found: Sequence[Sequence[Evidence]]) -> tuple[Evidence, ...]:
    """The evidence of several sentences, numbered anew: the best of each, then the second best."""
    merged: dict[str, Evidence] = {}
    for e in (e for rank in zip_longest(*found) for e in rank if e):
        merged.setdefault(e.passage.id, replace(e, label=len(merged) + 1))
    return tuple(merged.values())


def _tokens(evidence: Sequence[Evidence]) -> int:
    return sum(estimate_tokens(e.passage.text) for e in evidence)


def _numbered(claim: Claim, evidence: Sequence[Evidence], shown: dict[str, Evidence]) -> Claim:
    """The claim with the labels of the whole text in place of those of its own evidence."""
    own = {e.passage.id: e for e in evidence}

    def number(citation: Citation) -> Citation:
        id = citation.passage_id
        found = shown.setdefault(id, replace(own[id], label=len(shown) + 1))
        return replace(citation, label=found.label)

    return replace(
        claim,
        citations=tuple(map(number, claim.citations)),
        disputed_by=tuple(map(number, claim.disputed_by)),
    )
