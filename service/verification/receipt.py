"""Receipts: a record of an answer that can be re-checked without the library or the model.

What a receipt needs and only the moment of answering knows is noted then (``make_record``), kept
beside the answer, and put together with it when it is asked for (``make_receipt``).
``service.receipts.recheck`` checks one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from importlib import metadata
from typing import Any, Literal, Protocol

from corpus.errors import NotFound, ReceiptRefused
from corpus.types import Source, text_hash
from index.inference.cross_encoder import Checker
from index.search import Library
from service.disclosure import model_name, public
from service.generation.prompts import Message
from service.types import Abstention, Claim, Decision, Draft, Evidence, Mode, Rejected
from service.verification.verifier import VERIFIER_VERSION

RECEIPT_FORMAT = "tenkyo-receipt"
FORMAT_VERSION = 2
HASHED_RULES_FORMAT = 1  # of receipts with a HashedChecker
# Receipts of Tenkyo 0.1.0 name the verifier by a hash over its source files. What that hash
# stands for, as a VERIFIER_VERSION, so that these receipts are still re-checked strictly.
HASHED_RULES = {"521a103a55718d7d0dcfe3a19fc22c979112c08513fc40ae1bc3a7a01e367977": 1}


@dataclass(frozen=True, slots=True)
class Shown(Evidence):
    """Evidence with the SHA-256 of its passage's text."""

    sha256: str


@dataclass(frozen=True, slots=True)
class RecordedClaim(Claim):
    """A claim with what its verdict says of support; None in receipts that are older than it."""

    supports: Decision | None = field(default=None, kw_only=True)  # type: ignore[assignment]


@dataclass(frozen=True, slots=True)
class Index:
    """What was searched: the set of passages, and what embedded them."""

    revision: str
    embedder: str


@dataclass(frozen=True, slots=True)
class CheckerIdentity:
    """The identity of what decided the verdicts that no judge did.

    The checker by its name and the SHA-256 of its weights; the rules with their calibration by the
    verifier's version (see ``service.verification.verifier``).
    """

    name: str
    sha256: str
    verifier_version: int


@dataclass(frozen=True, slots=True)
class HashedChecker:
    """The same in a receipt of format 1, with a hash over source files for the version."""

    name: str
    sha256: str
    rules_sha256: str

    @property
    def verifier_version(self) -> int | None:
        """The verifier's version that the hash stands for; None for a hash that is not known."""
        return HASHED_RULES.get(self.rules_sha256)


@dataclass(frozen=True, slots=True)
class JudgeIdentity:
    """The identity of a judging language model: its name, its host, and its prompt's version.

    ``host`` is where question, sentences and evidence were sent, without path and credentials.
    """

    name: str
    host: str
    prompt_version: int


@dataclass(frozen=True, slots=True)
class NamedSentence:
    """A sentence of the evidence that a judge named by its number, with its place.

    ``start`` and ``end`` are offsets into the document of the passage with that label, as those
    of a citation are.
    """

    number: int
    label: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class JudgedDraft:
    """What a judge said of one draft.

    Attributes:
        text: The draft's text.
        ruling: Whether the evidence supports it, says otherwise, or neither.
        sentences: The evidence sentences on which that rests.
        unsupported: Words of the draft that the evidence does not support.
        answers: Whether it answers the question, or a part of it.
    """

    text: str
    ruling: Literal["supported", "contradicted", "unsupported"]
    sentences: tuple[NamedSentence, ...]
    unsupported: tuple[str, ...]
    answers: bool


@dataclass(frozen=True, slots=True)
class Judged:
    """A judge, and what it said of some drafts."""

    judge: JudgeIdentity
    drafts: tuple[JudgedDraft, ...]


@dataclass(frozen=True, slots=True)
class AnswerRecord:
    """What is noted when a question is answered, beside the answer itself.

    ``drafts`` are the sentences as they were written, in order, with what they cite: one for
    each claim and each rejected sentence. ``works`` are the sources that the evidence's report
    on. ``prompt`` is what was sent to the language model, empty if none was asked. ``judge`` is
    the judge that was asked, if any, and ``judgements`` what it said of drafts.
    """

    tenkyo: str
    index: Index
    checker: CheckerIdentity | HashedChecker
    drafts: tuple[Draft, ...]
    works: tuple[Source, ...]
    prompt: tuple[dict[str, str], ...]
    judge: JudgeIdentity | None = field(default=None, kw_only=True)
    judgements: tuple[JudgedDraft, ...] = field(default=(), kw_only=True)


@dataclass(frozen=True, slots=True)
class Receipt(AnswerRecord):
    """A receipt as it is sent, as JSON: the Answer, what was noted, and hashes over it.

    ``sha256`` is that of the canonical JSON (see ``canonical``) of everything else.
    ``answered_at`` is an ISO date-time in UTC.
    """

    format: Literal["tenkyo-receipt"]
    format_version: Literal[1, 2]
    id: str
    answered_at: str
    question: str
    text: str
    mode: Mode
    model: str
    claims: tuple[RecordedClaim, ...]
    evidence: tuple[Shown, ...]
    rejected: tuple[Rejected, ...]
    reason: str | None
    abstention: Abstention | None
    abstained: bool
    sha256: str
    timings: dict[str, float] = field(default_factory=dict)
    understood: str | None = None


def make_record(
    library: Library,
    checker: Checker,
    revision: str,
    drafts: Sequence[Draft],
    works: Sequence[Source],
    prompt: Sequence[Message],
    judged: Judged | None = None,
) -> dict[str, Any]:
    """Return what to keep beside an answer, as JSON; see ``AnswerRecord``."""
    index = Index(revision, library.embedder.name)
    written = {draft.text for draft in drafts}
    noted = AnswerRecord(
        tenkyo_version(),
        index,
        verifier_identity(checker),
        tuple(drafts),
        tuple(works),
        tuple({"role": each["role"], "content": each["content"]} for each in prompt),
        judge=judged.judge if judged else None,
        judgements=tuple(d for d in judged.drafts if d.text in written) if judged else (),
    )
    return asdict(noted)


class AnswerRecords(Protocol):
    """Where answers are stored with their records: a ``History``."""

    def answer(self, answer_id: str) -> dict[str, Any]:
        """Return an answer as JSON; NotFound if it is unknown."""

    def record(self, answer_id: str) -> tuple[str, dict[str, Any] | None]:
        """Return when an answer was stored, and what ``make_record`` noted, if it did."""


def make_receipt(history: AnswerRecords, answer_id: str) -> dict[str, Any]:
    """Return the receipt of a stored answer, as JSON; the same whenever it is made.

    NotFound if there is no such answer, or if it was given before records were kept.
    """
    answer = history.answer(answer_id)
    answered_at, noted = history.record(answer_id)
    if noted is None:
        raise NotFound(
            f"no receipt for the answer {answer_id!r}: it was given by an earlier version of"
            " Tenkyo, which noted too little; ask the question again"
        )
    noted = _public(noted)
    left_out = ("conversation_id", "scope")  # nothing in a receipt follows from these
    kept = {name: value for name, value in answer.items() if name not in left_out}
    kept["evidence"] = [
        shown | {"sha256": text_hash(shown["passage"]["text"])} for shown in answer["evidence"]
    ]
    hashed = "rules_sha256" in noted["checker"]
    number = HASHED_RULES_FORMAT if hashed else FORMAT_VERSION
    whole = {"format": RECEIPT_FORMAT, "format_version": number, "answered_at": answered_at, **kept}
    return seal(whole | noted)


def _public(noted: dict[str, Any]) -> dict[str, Any]:
    """What was noted, with names in place of this machine's paths; the prompt has none."""
    checker, index, judge = noted["checker"], noted["index"], noted.get("judge")
    judged = {"judge": judge | {"name": model_name(judge["name"])}} if judge else {}
    return (
        noted
        | judged
        | {
            "works": public(noted["works"]),
            "checker": checker | {"name": model_name(checker["name"])},
            "index": index | {"embedder": model_name(index["embedder"])},
        }
    )


def seal(receipt: dict[str, Any]) -> dict[str, Any]:
    """Return the receipt with the SHA-256 that it should have."""
    rest = {name: value for name, value in receipt.items() if name != "sha256"}
    return rest | {"sha256": hashlib.sha256(canonical(rest)).hexdigest()}


def canonical(value: Any) -> bytes:
    """Return a value as canonical JSON, the one form that is hashed.

    Keys sorted, no blanks, UTF-8, whole numbers without a decimal point (a program in another
    language may have read and written the receipt).
    """
    plain = json.dumps(
        _whole(value), ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
    )
    return plain.encode("utf-8", "surrogatepass")


def read_receipt(data: bytes) -> dict[str, Any] | None:
    """Return the receipt in a file's bytes; None for a file of another kind, such as a text.

    ReceiptRefused for JSON that is no receipt, or one that cannot be read.
    """
    if data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] not in (b"{", b"["):
        return None
    marked = RECEIPT_FORMAT.encode() in data
    try:
        found = json.loads(data.decode("utf-8-sig"), object_pairs_hook=_once)
        canonical(found)
    except (ValueError, RecursionError) as error:
        if not marked:
            return None
        reason = " ".join(str(error).split())[:100]
        raise ReceiptRefused(
            f"the receipt is damaged ({reason}): fetch it again from /v1/answers/{{id}}/receipt"
        ) from error
    if not isinstance(found, dict) or found.get("format") != RECEIPT_FORMAT:
        raise ReceiptRefused(
            f'this is JSON, but not a receipt ("format": "{RECEIPT_FORMAT}"): give a receipt,'
            " or a text"
        )
    if found.get("format_version") not in (HASHED_RULES_FORMAT, FORMAT_VERSION):
        raise ReceiptRefused(
            f"the receipt has format {found.get('format_version')!r}, and this version of Tenkyo"
            f" reads {HASHED_RULES_FORMAT} and {FORMAT_VERSION}: check it with the version that"
            f" made it, {found.get('tenkyo') or 'a newer one'}"
        )
    return found


@cache
def tenkyo_version() -> str:
    """Return the version of Tenkyo that is installed."""
    try:
        return metadata.version("tenkyo")
    except metadata.PackageNotFoundError:
        return "unknown"


def verifier_identity(checker: Checker) -> CheckerIdentity:
    """Return the identity of the checker and the rules that are installed here."""
    return CheckerIdentity(checker.name, checker.digest, VERIFIER_VERSION)


def _whole(value: Any) -> Any:
    match value:
        case dict():
            return {name: _whole(item) for name, item in value.items()}
        case list() | tuple():
            return [_whole(item) for item in value]
        case float() if value.is_integer():
            return int(value)
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object's members; what stands twice could be read in two ways."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return found
