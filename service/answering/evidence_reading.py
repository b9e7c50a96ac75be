"""Reading the evidence for each part of a question: passages first, then their best windows.

The checker reads the best windows a second time, each by itself, and the passage of the best one as
a whole. About which of them answers, and how likely, two networks err less often together than one.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

from corpus.text.chunking import with_headings
from index.inference.cross_encoder import Checker
from service.answering.answer_windows import AnswerWindow, answer_windows
from service.answering.question_reading import (
    ReadPassage,
    read_passages,
    read_wholes,
    unread_passages,
)
from service.types import Citation, Evidence
from service.verification.provenance import Originals

READ_FIRST = 4  # passages that are read before the others
MAX_WINDOWS = 6  # windows of the evidence that are considered
SPREAD = 6.0  # by which the checker's log-odds that windows answer differ at most: -3.5 to 2.5


@dataclass(frozen=True, slots=True)
class QuestionPart:
    """A question, or one of several in it, with the evidence as it was read for it.

    Attributes:
        question: The part.
        passages: The evidence, in the order of its labels.
        windows: Where it answers best, best first.
        within: Ids of the sources that may answer it; None for all.
    """

    question: str
    passages: tuple[ReadPassage, ...]
    windows: tuple[AnswerWindow, ...]
    within: Collection[str] | None = field(default=None, kw_only=True)

    @property
    def certainty(self) -> float:
        """The calibrated log-odds that the evidence answers the part."""
        return self.windows[0].certainty if self.windows else -math.inf

    def quote_certainty(self, citation: Citation) -> float:
        """Return the calibrated log-odds that a quote answers."""
        if self.within is not None and citation.source_id not in self.within:
            return -math.inf
        passage, start = self.passages[citation.label - 1], len(citation.before)
        return passage.certainty(passage.answers(start, start + len(citation.quote)))

    @property
    def answered(self) -> bool:
        """Whether its best window is likely enough to answer to be shown."""
        return bool(self.windows) and self.certainty > self.windows[0].passage.answered_from

    @property
    def surely_answered(self) -> bool:
        """Whether its best window is so likely to answer that it gets a tick."""
        return bool(self.windows) and self.certainty >= self.windows[0].passage.ticked_from


def read_evidence(
    asked: Sequence[str],
    evidence: Sequence[Evidence],
    originals: Originals,
    checker: Checker,
    within: Sequence[Collection[str] | None] | None = None,
    first: int | None = None,
) -> tuple[tuple[Evidence, ...], tuple[QuestionPart, ...]]:
    """Read the evidence for each part of a question.

    Args:
        asked: The question, or the questions in it.
        evidence: Passages, best first by the search.
        originals: Tells which sources only report on others.
        checker: Reads the passages.
        within: For each of the questions the ids of the sources that may answer it; None for all.
        first: How many passages are read before the others, which are read only if none of these
            surely answers; None to read all.

    Returns:
        The evidence, numbered again: first the passages of each part's best window, then those
        that answer any part best; and the parts.
    """
    allowed = within or [None] * len(asked)
    read = [
        _read_part(question, evidence, originals, checker, sources, first)
        for question, sources in zip(asked, allowed, strict=True)
    ]
    scores = [
        max(each.score(each.answers()) for each in column)
        for column in zip(*(part.passages for part in read), strict=True)
    ]
    ids = [each.passage.id for each in evidence]
    best = {ids.index(part.windows[0].passage.evidence.passage.id) for part in read if part.windows}
    order = sorted(range(len(evidence)), key=lambda n: (n not in best, -scores[n]))
    numbered = tuple(replace(evidence[n], label=label) for label, n in enumerate(order, 1))
    return numbered, tuple(_renumbered(part, order, numbered) for part in read)


def _read_part(
    question: str,
    evidence: Sequence[Evidence],
    originals: Originals,
    checker: Checker,
    within: Collection[str] | None,
    first: int | None,
) -> QuestionPart:
    """Read the first passages for a question and then, if nothing surely answers, the others."""
    part = QuestionPart(question, tuple(unread_passages(question, evidence)), (), within=within)
    # What was found on second reading, of passages and of windows.
    known: dict[str, float] = {}
    known_windows: dict[tuple[str, int, int], float] = {}
    count = len(evidence)
    begun = min(first or count, count)
    for numbers in (range(begun), range(begun, count)):
        if not numbers or part.surely_answered:
            break
        passages = read_passages(question, part.passages, numbers, checker)
        among = passages[: numbers.stop]
        among = [p for p in among if within is None or p.evidence.source.id in within]
        windows = answer_windows(among, originals, MAX_WINDOWS)
        windows = _ranked_again(question, windows, checker, known_windows)
        part = replace(part, passages=tuple(passages), windows=tuple(windows))
        part = _best_read_again(part, checker, known)
    return part


def _best_read_again(part: QuestionPart, checker: Checker, known: dict[str, float]) -> QuestionPart:
    """Read the passage of the best window again, for how likely there is an answer.

    Args:
        part: The part, with its windows.
        checker: Reads it.
        known: What it found before, by the passage's id; a new reading is added.
    """
    if not part.windows:
        return part
    best = part.windows[0].passage
    if best.evidence.passage.id not in known:
        (read,) = read_wholes(part.question, [best], checker)
        known[best.evidence.passage.id] = read.passage_odds
    odds = known[best.evidence.passage.id]
    return _with_passages(part, [replace(each, passage_odds=odds) for each in part.passages])


def _renumbered(
    part: QuestionPart, order: Sequence[int], numbered: Sequence[Evidence]
) -> QuestionPart:
    """Return a part with its passages in another order, numbered so."""
    shown = zip(order, numbered, strict=True)
    return _with_passages(part, [replace(part.passages[n], evidence=each) for n, each in shown])


def _with_passages(part: QuestionPart, passages: Sequence[ReadPassage]) -> QuestionPart:
    """Return a part with the same passages, but something about them changed."""
    by_id = {passage.evidence.passage.id: passage for passage in passages}
    windows = tuple(
        replace(window, passage=by_id[window.passage.evidence.passage.id])
        for window in part.windows
    )
    return replace(part, passages=tuple(passages), windows=windows)


def _ranked_again(
    question: str,
    windows: Sequence[AnswerWindow],
    checker: Checker,
    known: dict[tuple[str, int, int], float],
) -> list[AnswerWindow]:
    """Read those windows again that may come first then, and rank all of them anew.

    Mostly there is one, so that nothing need be read. See ``read_again``.
    """
    if not windows:
        return []
    ordered = sorted(windows, key=lambda window: -window.score)
    least_score = ordered[0].score - ordered[0].passage.calibration.ranking.again * SPREAD
    count = sum(window.score >= least_score for window in ordered)
    read = read_again(question, ordered[:count], checker, known) if count > 1 else ordered[:1]
    least = min(window.again for window in read)
    others = [replace(window, again=least) for window in ordered[count:]]
    return sorted([*read, *others], key=lambda window: -window.score)


def read_again(
    question: str,
    windows: Sequence[AnswerWindow],
    checker: Checker,
    known: dict[tuple[str, int, int], float] | None = None,
) -> list[AnswerWindow]:
    """Read windows a second time, each below its title and headings.

    Args:
        question: The question.
        windows: The windows.
        checker: Reads them.
        known: What it found before, by the passage's id, start and end; new readings are added.
    """
    known = {} if known is None else known
    places = [(w.passage.evidence.passage.id, w.start, w.end) for w in windows]
    if new := [n for n, place in enumerate(places) if place not in known]:
        evidence = [windows[n].passage.evidence for n in new]
        pairs = [
            (with_headings(windows[n].text, e.passage, e.source), question)
            for n, e in zip(new, evidence, strict=True)
        ]
        odds = checker.answers(pairs).tolist()
        known.update(zip([places[n] for n in new], odds, strict=True))
    return [replace(w, again=known[place]) for w, place in zip(windows, places, strict=True)]
