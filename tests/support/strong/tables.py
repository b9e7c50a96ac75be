"""The tables of what was shown of a strong model's answers."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field

from service.judging.types import JudgeCall
from tests.support.strong.scoring import FactOutcome, Outcome
from training.calibrate import interval

Row = dict[str, object]


@dataclass
class Results:
    """What became of each sentence and needed fact, what the judge took, and how long answers did.

    The seconds are those of the first answer to each question: of the whole, to its first claim,
    and to that since the writer had sent its first sentence.
    """

    outcomes: list[Outcome] = field(default_factory=list)
    facts: list[FactOutcome] = field(default_factory=list)
    calls: list[JudgeCall] = field(default_factory=list)
    controls: list[tuple[str, str]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    first: list[float] = field(default_factory=list)
    after: list[float] = field(default_factory=list)
    answers: int = 0  # all that were made


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a title."""

    title: str
    rows: list[Row]


@dataclass(frozen=True, slots=True)
class Counted:
    """So many of n, with the 95 % interval of the share."""

    hits: int
    n: int

    def __str__(self) -> str:
        if not self.n:
            return "–"
        share, low, high = (100 * abs(value) for value in interval(self.hits, self.n))
        return f"{self.hits} of {self.n}: {share:.1f} % ({low:.1f}–{high:.1f})"


def plain(table: Table) -> list[Row]:
    """Return a table's rows as JSON has them: a share with its count, n and interval."""
    return [
        {
            name: asdict(cell) | {"interval": interval(cell.hits, cell.n)[1:]}
            if isinstance(cell, Counted)
            else cell
            for name, cell in row.items()
        }
        for row in table.rows
    ]


def count(belongs: Iterable[bool]) -> Counted:
    """Count what belongs to something, and all."""
    found = list(belongs)
    return Counted(sum(found), len(found))


def tables(found: Results) -> Iterator[Table]:
    """Yield all tables that have rows."""
    makers: tuple[tuple[str, Callable[[Results], list[Row]]], ...] = (
        ("What is shown", _shown),
        ("By language of question and evidence", _by_pair),
        ("By collection", _by_collection),
        ("False sentences shown, by kind of error", _by_kind),
        ("Lies shown, by the number of true clauses before them", _by_clauses),
        ("How needed facts reach the reader", _by_way),
        ("Why true sentences are withheld", _withheld),
        ("How false sentences get through", _through),
        ("The judge's calls", _costs),
        ("Seconds of the first answer to each question", _seconds),
    )
    for title, make in makers:
        if rows := make(found):
            yield Table(title, rows)


def _shown(found: Results) -> list[Row]:
    """Every figure over all."""
    return _measured({"all": (found.outcomes, found.facts)})


def _by_pair(found: Results) -> list[Row]:
    return _measured(_apart(found, lambda each: each.pair))


def _by_collection(found: Results) -> list[Row]:
    return _measured(_apart(found, lambda each: each.collection))


Part = tuple[list[Outcome], list[FactOutcome]]


def _apart(found: Results, key: Callable[[Outcome | FactOutcome], str]) -> dict[str, Part]:
    """The outcomes of each language pair, or of each collection."""
    return {
        name: (
            [each for each in found.outcomes if key(each) == name],
            [each for each in found.facts if key(each) == name],
        )
        for name in dict.fromkeys(map(key, found.outcomes))
    }


def _measured(parts: dict[str, Part]) -> list[Row]:
    """A row for each measure of which there is anything, a column for each part."""
    rows = []
    for title, measure in _MEASURES.items():
        counts = {name: measure(*part) for name, part in parts.items()}
        if any(each.n for each in counts.values()):
            rows.append({"": title, **counts})
    return rows


def _of(run: str, outcomes: Iterable[Outcome]) -> list[Outcome]:
    return [each for each in outcomes if each.run == run]


def _whole_answers(facts: Iterable[FactOutcome]) -> Counted:
    reached: dict[str, bool] = {}
    for fact in facts:
        reached[fact.question] = reached.get(fact.question, True) and fact.reached
    return count(reached.values())


_MEASURES: dict[str, Callable[[list[Outcome], list[FactOutcome]], Counted]] = {
    "true sentences shown": lambda o, f: count(e.shown for e in _of("true", o)),
    "needed facts that reach the reader": lambda o, f: count(e.reached for e in f),
    "true sentences called contradicted": lambda o, f: count(
        e.label == "contradicted" for e in _of("true", o)
    ),
    "false sentences shown": lambda o, f: count(e.shown for e in _of("twins", o)),
    "answers with every needed fact": lambda o, f: _whole_answers(f),
    "lies behind true clauses, shown": lambda o, f: count(e.shown for e in _of("lies", o)),
    "true sentences with all quotes in the evidence": lambda o, f: count(
        bool(e.in_evidence) for e in _of("true", o)
    ),
    "a real writer's sentences shown": lambda o, f: count(e.shown for e in _of("real", o)),
}


def _by_kind(found: Results) -> list[Row]:
    false = [each for each in found.outcomes if each.run in ("twins", "lies")]
    kinds = sorted({each.kind for each in false})
    return [
        {"kind": kind}
        | {
            run: count(each.shown for each in false if each.kind == kind and each.run == run)
            for run in ("twins", "lies")
        }
        for kind in kinds
    ]


def _by_clauses(found: Results) -> list[Row]:
    lies = _of("lies", found.outcomes)
    return [
        {"true clauses": clauses}
        | {"shown": count(each.shown for each in lies if each.clauses == clauses)}
        for clauses in sorted({each.clauses for each in lies})
    ]


def _by_way(found: Results) -> list[Row]:
    ways = {
        "sentence": "by a sentence that is shown",
        "quote": "only by a quote in the answer",
        "citation": "not, but it stands in quotes that are cited beside what is shown",
        "": "not at all",
    }
    return [
        {"way": title, "facts": count(fact.by == way for fact in found.facts)}
        for way, title in ways.items()
        if found.facts
    ]


def _withheld(found: Results) -> list[Row]:
    counts = Counter(
        (each.label, each.method, "yes" if each.in_evidence else "no")
        for each in _of("true", found.outcomes)
        if not each.shown
    )
    return _tally(("label", "method", "all quotes in the evidence"), counts)


def _through(found: Results) -> list[Row]:
    counts = Counter(
        (each.run, each.kind, each.method)
        for each in found.outcomes
        if each.run in ("twins", "lies") and each.shown
    )
    return _tally(("run", "kind", "method"), counts)


def _tally(names: Sequence[str], counts: Counter[tuple[str, ...]]) -> list[Row]:
    return [
        {**dict(zip(names, key, strict=True)), "sentences": n} for key, n in counts.most_common()
    ]


def _costs(found: Results) -> list[Row]:
    if not found.calls:
        return []
    asked, answers = [call for call in found.calls if call.prompt_tokens], found.answers
    failed = Counter(_why(call) for call in found.calls if call.failure)
    figures: Row = {
        "calls an answer": len(found.calls) / answers,
        "tokens read an answer": sum(call.prompt_tokens for call in asked) / answers,
        "tokens written an answer": sum(call.completion_tokens for call in asked) / answers,
        "seconds an answer": sum(call.seconds for call in found.calls) / answers,
        "calls that failed": str(count(bool(call.failure) for call in found.calls)),
        "why": ", ".join(f"{why} {n}" for why, n in failed.most_common()),
        "sentences that no row has": len(found.controls),
    }
    return [{"": name, "figure": figure} for name, figure in figures.items()]


def _why(call: JudgeCall) -> str:
    """Why a call does not count; one that read nothing had no controls, and was not made."""
    unmade = call.failure == "control" and not call.prompt_tokens
    return "no control can be made" if unmade else str(call.failure)


def _seconds(found: Results) -> list[Row]:
    figures = {
        "the whole answer": found.seconds,
        "to its first claim": found.first,
        "to that, since the first sentence was written": found.after,
    }
    return [
        {"": name, "median": statistics.median(all_), "most": max(all_), "answers": len(all_)}
        for name, all_ in figures.items()
        if all_
    ]
