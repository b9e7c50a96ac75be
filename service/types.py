"""Evidence, claims, answers and the events of a stream: plain frozen values.

Offsets into ``Answer.text``, as those into a document, are code points, 0-based, end
exclusive.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from corpus.types import Passage, Source

Support = Literal["supported", "partial", "contradicted", "unsupported"]
Mode = Literal["generated", "quoted", "abstained"]
Abstention = Literal["not_enough_evidence", "outside_library", "false_premise"]
AnswerStep = Literal["searching", "reading", "writing", "checking"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """A passage put before the model, under the number that model and reader see: [label]."""

    label: int
    passage: Passage
    source: Source
    score: float


@dataclass(frozen=True, slots=True)
class Draft:
    """A sentence as it was written, and the labels that it cites; nothing is checked yet.

    ``named`` are the works that it cites as (surname, year). ``asides`` are the parentheses
    that named them, (offset, text), taken out of ``text``: put back, from the last to the
    first, they give the sentence as it stood.
    """

    text: str
    labels: tuple[int, ...] = ()
    named: tuple[tuple[str, str], ...] = ()
    asides: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Citation:
    """Where a claim rests: ``quote`` stands verbatim at ``start:end`` of the source's text.

    ``before`` and ``after`` are the rest of the quote's passage, so that a page can mark the
    quote in its context without counting characters.
    """

    label: int
    source_id: str
    passage_id: str
    quote: str
    start: int
    end: int
    url: str
    page: int | None = None
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How well the evidence bears a claim; ``score`` is between 0 and 1, 1 for certain."""

    label: Support
    score: float
    method: str


@dataclass(frozen=True, slots=True)
class Claim:
    """One sentence of an answer: ``answer.text[start:end] == text``, its markers follow.

    ``secondary``: it rests only on sources that report on a work which is in the library too.
    ``disputed_by``: quotes of other sources that say otherwise, those of other works first.
    ``reason`` says, to the reader, why a claim is not supported; it is empty for one that is.
    ``works``: on how many independent works a supported claim rests. Two texts of one work, such
    as an original and its translation, are one, and what reports on another one that is cited is
    none; 0 for a claim that is not supported, or was made when works were not counted.
    """

    text: str
    start: int
    end: int
    citations: tuple[Citation, ...]
    verdict: Verdict
    secondary: bool = False
    disputed_by: tuple[Citation, ...] = ()
    reason: str = ""
    works: int = 0


@dataclass(frozen=True, slots=True)
class Rejected:
    """A sentence that was withheld, and why, in a sentence for the reader.

    ``citations`` is what says otherwise, or came nearest.
    """

    text: str
    reason: str
    verdict: Verdict
    citations: tuple[Citation, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer: ``text`` is its claims with their markers, in order.

    ``mode`` ``quoted`` means that the claims are sentences of the sources, verbatim; with
    ``abstained`` there are no claims, ``abstention`` names the kind of reason, ``reason`` is
    that reason in the question's language, and ``evidence`` is what was nearest.
    ``understood`` is what was answered where the question leans on those before it: the question
    with what it leaves out. It is None where the question was taken by itself.
    ``timings`` are seconds.
    """

    id: str
    conversation_id: str
    question: str
    text: str
    mode: Mode
    model: str
    claims: tuple[Claim, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    reason: str | None = None
    abstention: Abstention | None = None
    timings: dict[str, float] = field(default_factory=dict)
    understood: str | None = None

    @property
    def abstained(self) -> bool:
        return self.mode == "abstained"


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a stream, in this order: one ``evidence``, then ``claim`` and
    ``rejected`` as they are decided, then one ``answer``. Where progress was asked for,
    ``status`` may stand before each of them.
    """

    name: Literal["status", "evidence", "claim", "rejected", "answer"]
    data: Status | EvidenceFound | Claim | Rejected | Answer


@dataclass(frozen=True, slots=True)
class Status:
    """What is being done from now on: ``searching`` and ``reading`` come before the evidence,
    ``writing`` and ``checking`` by turns after it.
    """

    step: AnswerStep


@dataclass(frozen=True, slots=True)
class EvidenceFound:
    """What will be answered from; ``id`` is that of the answer to come, ``understood`` its own."""

    id: str
    conversation_id: str
    question: str
    evidence: tuple[Evidence, ...]
    understood: str | None = None


def to_json(value: Any) -> Any:
    """A value of this module, or of corpus.types, as JSON; an Answer with ``abstained``."""
    made = asdict(value)
    return made | {"abstained": value.abstained} if isinstance(value, Answer) else made


def append_claim(text: str, claim: Claim) -> tuple[str, Claim]:
    """A text with a claim and its markers put behind it, and the claim at its place there."""
    start = len(text) + 1 if text else 0
    markers = "".join(f"[{c.label}]" for c in claim.citations)
    longer = f"{text}{' ' if text else ''}{claim.text} {markers}"
    return longer, replace(claim, start=start, end=start + len(claim.text))
