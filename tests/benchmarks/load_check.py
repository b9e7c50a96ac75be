"""Comparison of what readers received under load with what the model wrote: was any sentence lost?

Also finds sentences that are doubled, out of order or wrong. It uses no process and no network, so
that a test can give it broken streams. Times are seconds of the machine's monotonic clock, which is
the same in all processes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of the stub, without its marker; ``out`` is when its last character was sent."""

    text: str
    kind: str  # verbatim, reworded or false
    out: float | None


@dataclass(frozen=True, slots=True)
class Written:
    """One answer of the stub; ``hung_up`` is when its client disconnected early, or None."""

    question: str
    sentences: tuple[Sentence, ...]
    hung_up: float | None = None

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Written:
        sentences = tuple(Sentence(**each) for each in given["sentences"])
        return cls(given["question"], sentences, given["hung_up"])


@dataclass(frozen=True, slots=True)
class Seen:
    """An event as received: its name, id, time and data."""

    name: str
    number: str
    at: float
    data: Any


@dataclass(frozen=True, slots=True)
class Read:
    """What a reader received for one question.

    Attributes:
        replied: When the status came.
        failed: Why the stream broke off; "" if it did not.
        left: Whether the reader disconnected on purpose.
    """

    question: str
    asked: float
    status: int
    retry_after: str = ""
    events: tuple[Seen, ...] = ()
    failed: str = ""
    left: bool = False
    replied: float | None = None

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Read:
        events = tuple(Seen(**each) for each in given["events"])
        return cls(**{**given, "events": events})

    def first(self, *names: str) -> float | None:
        """Return the seconds from the question to the first event with one of these names."""
        return next((e.at - self.asked for e in self.events if e.name in names), None)

    @property
    def answer(self) -> dict | None:
        last = self.events[-1] if self.events else None
        return last.data if last and last.name == "answer" else None


@dataclass(slots=True)
class Judged:
    """The faults of one answer, and the delay that the engine added to each sentence."""

    faults: list[str] = field(default_factory=list)
    added: list[float] = field(default_factory=list)  # seconds, of each sentence of the stub
    verdicts: dict[str, str] = field(default_factory=dict)  # of each of its sentences
    shown_false: int = 0  # false sentences that were shown as supported


def judge(read: Read, written: Written | None) -> Judged:
    """Compare an answer that was read to its end with what the model wrote for it.

    Every sentence that was sent is decided exactly once and in order; other claims are quotes and
    come after them; the final answer has what the events had; and every quote is in its passage.
    ``written`` is None where the model's text is not known.
    """
    judged = Judged(_shape(read))
    decided = [e for e in read.events if e.name in ("claim", "rejected")]
    if written:
        _compare(decided, written, judged)
    if read.answer:
        judged.faults += _answer(decided, read.answer)
    for event in decided:
        judged.faults += _quotes(event.data, read)
    return judged


def _shape(read: Read) -> list[str]:
    names = [e.name for e in read.events]
    faults = []
    if read.failed:
        faults.append(f"broken off: {read.failed}")
    if names[:1] != ["evidence"] or names.count("evidence") != 1:
        faults.append("the evidence does not come first, and once")
    if names[-1:] != ["answer"] or names.count("answer") != 1:
        faults.append("the answer does not come last, and once")
    numbers = [e.number for e in read.events]
    if numbers != [str(n) for n in range(1, len(numbers) + 1)]:
        faults.append(f"the events are numbered {' '.join(numbers)}")
    return faults


def _compare(decided: Sequence[Seen], written: Written, judged: Judged) -> None:
    out = {same(s.text): s for s in written.sentences if s.out is not None}
    times = Counter(same(e.data["text"]) for e in decided)
    judged.faults += [f"lost: {s.text}" for text, s in out.items() if not times[text]]
    judged.faults += [f"decided {n} times: {text}" for text, n in times.items() if n > 1]
    order = [same(e.data["text"]) for e in decided]
    if (kept := [text for text in order if text in out]) != [t for t in out if t in times]:
        judged.faults.append(f"in another order: {' | '.join(kept)}")
    for event in decided[len(kept) :]:
        if same(event.data["text"]) not in out and not _quoted(event):
            judged.faults.append(f"never written: {event.data['text']}")
    for event in decided[: len(kept)]:
        if (text := same(event.data["text"])) not in out:
            judged.faults.append(f"never written: {event.data['text']}")
            continue
        sentence = out[text]
        judged.added.append(event.at - sentence.out)
        judged.verdicts[sentence.text] = event.data["verdict"]["label"]
        judged.shown_false += sentence.kind == "false" and event.name == "claim"
    if early := [t for t in judged.added if t < 0]:
        judged.faults.append(f"decided {-min(early):.3f} s before it was written")


def _quoted(event: Seen) -> bool:
    """Whether a claim is a source's own words, as in quote mode."""
    return event.name == "claim" and event.data["verdict"]["method"] == "verbatim"


def _answer(decided: Sequence[Seen], answer: Mapping[str, Any]) -> list[str]:
    faults = []
    for name, held in (("claim", "claims"), ("rejected", "rejected")):
        if [e.data for e in decided if e.name == name] != answer[held]:
            faults.append(f"the answer holds other {held} than the events")
    for claim in answer["claims"]:
        if answer["text"][claim["start"] : claim["end"]] != claim["text"]:
            faults.append(f"not at its place in the answer: {claim['text']}")
    return faults


def _quotes(decided: Mapping[str, Any], read: Read) -> list[str]:
    passages = {
        e["passage"]["id"]: e["passage"]
        for event in read.events[:1]
        for e in event.data.get("evidence", ())
    }
    faults = []
    for citation in decided["citations"]:
        passage = passages.get(citation["passage_id"])
        if passage is None:
            faults.append(f"cites what is no evidence: {citation['passage_id']}")
        else:
            at = slice(citation["start"] - passage["start"], citation["end"] - passage["start"])
            if not citation["quote"] or passage["text"][at] != citation["quote"]:
                faults.append(f"does not stand in its passage: {citation['quote']}")
    return faults


def same(text: str) -> str:
    """Normalize white space, which readers do not see."""
    return " ".join(text.split())


@dataclass(slots=True)
class Report:
    """The results of many answers together."""

    judged: list[Judged] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)  # by their kind
    examples: list[str] = field(default_factory=list)
    refused: int = 0  # by 503 with Retry-After
    errors: Counter[str] = field(default_factory=Counter)  # other statuses, error events
    alone: int = 0  # answers for which the stub was not asked: abstained, quoted or cached

    @property
    def added(self) -> list[float]:
        return [seconds for judged in self.judged for seconds in judged.added]

    def fault(self, what: str) -> None:
        self.faults[what.split(":")[0]] += 1
        self.examples.append(what)


def report(reads: Iterable[Read], written: Iterable[Written]) -> Report:
    """Match all that was read with all that was written, by the questions.

    The stub writes the same text for the same prompt, so for a question that was asked several
    times it is not known which text belongs to which answer: no delays are computed for those.
    """
    made, by_question = Report(), {}
    for text in written:
        by_question.setdefault(text.question, []).append(text)
    reads = [replace(read, question=read.question.strip()) for read in reads]  # as it is asked
    asked = Counter(read.question for read in reads if read.status == 200)
    for read in reads:
        if read.status == 503 and read.retry_after:
            made.refused += 1
        elif read.status != 200:
            made.errors[f"status {read.status}" if read.status else read.failed] += 1
        elif read.events and read.events[-1].name == "error":
            made.errors[str(read.events[-1].data.get("title"))] += 1
        elif not read.left:
            texts = by_question.get(read.question, [])
            judged = judge(read, texts[0] if texts else None)
            if len(texts) != 1 or asked[read.question] != 1:
                judged.added.clear()
            made.alone += not texts
            made.judged.append(judged)
            for fault in judged.faults:
                made.fault(fault)
    for question, texts in by_question.items():
        if asked[question] < len(texts):
            made.fault(f"the model was asked {len(texts)} times for one answer: {question}")
    return made


def differing(one: Report, other: Report) -> tuple[int, int]:
    """Count (verdicts that differ, verdicts compared) of the same sentences in two runs."""
    verdicts = [
        {text: label for judged in run.judged for text, label in judged.verdicts.items()}
        for run in (one, other)
    ]
    both = verdicts[0].keys() & verdicts[1].keys()
    return sum(verdicts[0][text] != verdicts[1][text] for text in both), len(both)
