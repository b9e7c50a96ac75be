"""Evidence, claims, answers and the events of a stream, as frozen dataclasses.

Offsets into ``Answer.text``, like those into a document, are code points from 0, half-open.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any, Literal

from corpus.types import PageSpan, Passage, Source, page_at
from service.scope import Scope

Support = Literal["supported", "partial", "contradicted", "unsupported"]
Mode = Literal["generated", "quoted", "metadata", "guide", "abstained"]
Abstention = Literal["not_enough_evidence", "outside_library", "false_premise"]
AnswerStep = Literal["searching", "reading", "writing", "checking"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """A passage from which a question is answered, under the label that model and reader see.

    ``pages`` are the printed pages of a passage that lies on several, as spans of the document's
    text. They are empty for a passage that lies on one page or none, and in older answers.
    """

    label: int
    passage: Passage
    source: Source
    score: float
    pages: tuple[PageSpan, ...] = field(default=(), kw_only=True)

    def page_at(self, offset: int) -> int | None:
        """Return the printed page of an offset into the passage; None where it is not known."""
        page = page_at(self.pages, self.passage.start + offset)
        return page.number if page else self.passage.page


@dataclass(frozen=True, slots=True)
class Draft:
    """A sentence as written by a model or quoted, with what it cites, before it is checked.

    Attributes:
        text: The sentence, without markers and parenthesised citations.
        labels: The labels that it cites.
        named: The works that it cites as (surname, year).
        asides: The parentheses with those names that were taken out of ``text``, as (offset,
            text); inserted from the last to the first, they restore the sentence.
        before: The sentences before it in the same text, by which its pronouns are understood;
            empty for one that stands alone.
        question: The question that it answers, with which a bare name is read; empty for none.
    """

    text: str
    labels: tuple[int, ...] = ()
    named: tuple[tuple[str, str], ...] = ()
    asides: tuple[tuple[int, str], ...] = ()
    before: tuple[str, ...] = ()
    question: str = ""


@dataclass(frozen=True, slots=True)
class Citation:
    """A quote on which a claim rests; it is the source's text from ``start`` to ``end``.

    ``before`` and ``after`` are the rest of the quote's passage, so that a page can highlight the
    quote in its context without counting characters.

    Where ``metadata`` names a field of the catalogue, such as ``authors``, the claim rests on that
    field instead: ``quote`` is its value, ``start`` and ``end`` are 0, and ``passage_id`` names
    the source's first passage, which is there to show the source.
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
    metadata: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How well the evidence supports a claim, with a score from 0 to 1, where 1 is certain."""

    label: Support
    score: float
    method: str


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether something holds of a claim, how likely that is, from 0 to 1, and who decided it."""

    holds: bool
    score: float
    method: str


def decision_of(verdict: Verdict) -> Decision:
    """Return whether a verdict says that the evidence supports, with the probability of that."""
    holds, score = verdict.label == "supported", verdict.score
    return Decision(holds, score if holds else round(1 - score, 3), verdict.method)


@dataclass(frozen=True, slots=True)
class Claim:
    """A checked sentence of an answer; its markers follow it in the answer's text.

    What sources support need not answer the question: ``verdict`` and ``answers`` are two things,
    and only a claim of which both hold is ``ticked``. The others are context.

    Attributes:
        text: The sentence, ``answer.text[start:end]``.
        start: Where it begins.
        end: Where it ends.
        citations: The quotes on which it rests.
        verdict: How well they support it.
        secondary: Whether it rests only on sources that report on a work in the library.
        disputed_by: Quotes that contradict it, those of other works first; also of a cited source
            that contradicts itself.
        reason: For the reader, why it is not supported; empty if it is.
        works: The number of independent works on which a supported claim rests. Versions and
            translations of a work count once, and a report on a cited work does not count. 0 for
            claims that are not supported, or that are older than this count.
        answers: Whether it answers the question; None where none was asked, or where the answer is
            older than this.
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
    answers: Decision | None = None

    @property
    def supports(self) -> Decision:
        """Whether its citations support it, as the probability that they do."""
        return decision_of(self.verdict)

    @property
    def ticked(self) -> bool:
        """Whether it is supported and answers the question."""
        return self.supports.holds and self.answers is not None and self.answers.holds

    @property
    def labels(self) -> tuple[int, ...]:
        """The labels that it cites, each once, in the order of its markers."""
        return tuple(dict.fromkeys(citation.label for citation in self.citations))


@dataclass(frozen=True, slots=True)
class Rejected:
    """A sentence that was withheld, with a reason for the reader.

    ``citations`` are the quotes that contradict it or came nearest.
    """

    text: str
    reason: str
    verdict: Verdict
    citations: tuple[Citation, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer to a question.

    Attributes:
        text: The claims with their markers, in order.
        mode: ``generated`` by a model; ``quoted``: the claims are sentences of the sources,
            verbatim; ``metadata``: they say what the catalogue knows of the sources; ``guide``:
            ``reason`` says how to use the service; ``abstained``: there is no answer.
        evidence: The passages it was made from; for an abstention, the nearest ones.
        rejected: The sentences that were withheld.
        reason: A remark for the reader in the question's language: why there is no answer, or why
            it is quoted.
        abstention: The kind of reason of an abstention.
        timings: Seconds by step.
        understood: A follow-up as it was answered, completed from the questions before it; None
            for a question that needed no completion.
        scope: The sources or collections in which the question was asked; None for the whole
            library.
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
    scope: Scope | None = None

    @property
    def abstained(self) -> bool:
        """Return whether there is no answer."""
        return self.mode == "abstained"


@dataclass(frozen=True, slots=True)
class Event:
    """One event of an answer's stream.

    The order is one ``evidence``, then each ``claim`` and ``rejected`` as it is decided, then one
    ``answer``. Where progress was asked for, a ``status`` may come before each of them, and a
    ``draft`` between the ``evidence`` and the ``answer``.
    """

    name: Literal["status", "draft", "evidence", "claim", "rejected", "answer"]
    data: Status | Unchecked | EvidenceFound | Claim | Rejected | Answer


@dataclass(frozen=True, slots=True)
class Status:
    """The step that begins: ``searching`` or ``reading`` before the evidence event.

    ``writing`` and ``checking`` alternate after it.
    """

    step: AnswerStep


@dataclass(frozen=True, slots=True)
class Unchecked:
    """What a model has written and what is not decided yet, in order; it replaces the one before.

    Nothing of it has been checked, and any of it may be withheld. The last sentence may still be
    incomplete; citations are left out.
    """

    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EvidenceFound:
    """The evidence of an answer that is about to be made, with the answer's id and question."""

    id: str
    conversation_id: str
    question: str
    evidence: tuple[Evidence, ...]
    understood: str | None = None


def to_json(value: Any) -> Any:
    """Turn a value of this module or of ``corpus.types`` into dicts and lists, as JSON has them.

    A claim also gets ``supports``: whether its citations support it. An answer also gets
    ``abstained``: whether there is none.
    """
    if isinstance(value, tuple | list):
        return [to_json(item) for item in value]
    if isinstance(value, dict):
        return {name: to_json(item) for name, item in value.items()}
    if not is_dataclass(value):
        return value
    plain = {each.name: to_json(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, Claim):
        plain["supports"] = to_json(value.supports)
    if isinstance(value, Answer):
        plain["abstained"] = value.abstained
    return plain


def with_decisions(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Add to the claims of a stored answer, as JSON, the decisions that it is older than."""
    return {**answer, "claims": [_with_decisions(claim) for claim in answer["claims"]]}


def _with_decisions(claim: Mapping[str, Any]) -> dict[str, Any]:
    verdict = claim["verdict"]
    supports = decision_of(Verdict(verdict["label"], verdict["score"], verdict["method"]))
    return {"answers": None, "supports": to_json(supports), **claim}


def append_claim(text: str, claim: Claim) -> tuple[str, Claim]:
    """Append a claim with its markers to a text; return both, the claim with its offsets.

    A label stands once, however many quotes of its passage are cited.
    """
    start = len(text) + 1 if text else 0
    markers = "".join(f"[{label}]" for label in claim.labels)
    longer = f"{text}{' ' if text else ''}{claim.text} {markers}"
    return longer, replace(claim, start=start, end=start + len(claim.text))
