"""Receipts: a record of an answer that can be re-checked without the library or the model.

What a receipt needs and only the moment of answering knows is noted then (``note``), kept
beside the answer, and put together with it when it is asked for (``make``). ``service.recheck``
checks one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

from corpus.errors import NotFound, ReceiptRefused
from corpus.types import Source, text_hash
from index.checker import Checker
from index.search import Library
from service.history import History
from service.types import Abstention, Claim, Draft, Evidence, Mode, Rejected

FORMAT = "tenkyo-receipt"
VERSION = 1
RULES = (  # what a verdict hangs on besides the models
    "corpus/sentences.py", "index/tokens.py", "service/calibration.json", "service/calibration.py",
    "service/citing.py", "service/exact.py", "service/injection.py", "service/names.py",
    "service/number_spelling.py", "service/numbers.py", "service/opposites.py",
    "service/otherwise.py", "service/provenance.py",
    "service/question.py", "service/roles.py", "service/rules.py", "service/substance.py",
    "service/units.py", "service/verify.py", "service/windows.py", "service/wording.py",
    "service/words.py",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Shown(Evidence):
    """Evidence with the SHA-256 of its passage's text."""

    sha256: str


@dataclass(frozen=True, slots=True)
class Index:
    """What was searched: the set of passages, and what embedded them."""

    revision: str
    embedder: str


@dataclass(frozen=True, slots=True)
class Judge:
    """What decides a verdict: the checker by its name and the SHA-256 of its weights, and the
    rules and their calibration by the SHA-256 of their files."""

    name: str
    sha256: str
    rules_sha256: str


@dataclass(frozen=True, slots=True)
class Noted:
    """What is noted when a question is answered, beside the answer itself.

    ``drafts`` are the sentences as they were written, in order, with what they cite: one for
    each claim and each rejected sentence. ``works`` are the sources that the evidence's report
    on. ``prompt`` is what was sent to the language model, empty if none was asked.
    """

    tenkyo: str
    index: Index
    checker: Judge
    drafts: tuple[Draft, ...]
    works: tuple[Source, ...]
    prompt: tuple[dict[str, str], ...]


@dataclass(frozen=True, slots=True)
class Receipt(Noted):
    """A receipt as it is sent, as JSON: the Answer, what was noted, and hashes over it.

    ``sha256`` is that of the canonical JSON (see ``canonical``) of everything else.
    ``answered_at`` is an ISO date-time in UTC.
    """

    format: Literal["tenkyo-receipt"]
    format_version: Literal[1]
    id: str
    answered_at: str
    question: str
    text: str
    mode: Mode
    model: str
    claims: tuple[Claim, ...]
    evidence: tuple[Shown, ...]
    rejected: tuple[Rejected, ...]
    reason: str | None
    abstention: Abstention | None
    abstained: bool
    sha256: str
    timings: dict[str, float] = field(default_factory=dict)
    understood: str | None = None


def note(
    library: Library,
    checker: Checker,
    revision: str,
    drafts: Sequence[Draft],
    works: Sequence[Source],
    prompt: Sequence[Mapping[str, str]],
) -> dict[str, Any]:
    """What to keep beside an answer, as JSON; see ``Noted``."""
    index = Index(revision, library.embedder.name)
    noted = Noted(
        version(), index, judge(checker), tuple(drafts), tuple(works), tuple(map(dict, prompt))
    )
    return asdict(noted)


def make(history: History, answer_id: str) -> dict[str, Any]:
    """The receipt of an answer that was stored, as JSON; the same whenever it is made.

    NotFound if there is no such answer, or if it was given before records were kept.
    """
    answer = history.answer(answer_id)
    answered_at, noted = history.record(answer_id)
    if noted is None:
        raise NotFound(
            f"no receipt for the answer {answer_id!r}: it was given by an earlier version of"
            " Tenkyo, which noted too little; ask the question again"
        )
    kept = {name: value for name, value in answer.items() if name != "conversation_id"}
    kept["evidence"] = [
        shown | {"sha256": text_hash(shown["passage"]["text"])} for shown in answer["evidence"]
    ]
    whole = {"format": FORMAT, "format_version": VERSION, "answered_at": answered_at, **kept}
    return seal(whole | noted)


def seal(receipt: dict[str, Any]) -> dict[str, Any]:
    """The receipt with the hash that it should have."""
    rest = {name: value for name, value in receipt.items() if name != "sha256"}
    return rest | {"sha256": hashlib.sha256(canonical(rest)).hexdigest()}


def canonical(value: Any) -> bytes:
    """JSON in the one way that is hashed: keys sorted, no blanks, UTF-8, whole numbers without
    a decimal point (a program in another language may have read and written the receipt)."""
    plain = json.dumps(
        _whole(value), ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
    )
    return plain.encode("utf-8", "surrogatepass")


def read(data: bytes) -> dict[str, Any] | None:
    """The receipt in a file's bytes; None for a file of another kind, such as a text.

    ReceiptRefused for JSON that is no receipt, or one that cannot be read.
    """
    if data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] not in (b"{", b"["):
        return None
    marked = FORMAT.encode() in data
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
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise ReceiptRefused(
            f'this is JSON, but not a receipt ("format": "{FORMAT}"): give a receipt, or a text'
        )
    if found.get("format_version") != VERSION:
        raise ReceiptRefused(
            f"the receipt has format {found.get('format_version')!r}, and this version of Tenkyo"
            f" reads {VERSION}: check it with the version that made it,"
            f" {found.get('tenkyo') or 'a newer one'}"
        )
    return found


@cache
def version() -> str:
    """Tenkyo's own."""
    try:
        return metadata.version("tenkyo")
    except metadata.PackageNotFoundError:
        return "unknown"


def judge(checker: Checker) -> Judge:
    """The checker and the rules that are installed here."""
    return Judge(checker.name, checker.digest, _rules_digest())


@cache
def _rules_digest() -> str:
    """The SHA-256 of every file of ours that a verdict hangs on, besides the checker."""
    here = Path(__file__).parents[1]
    return hashlib.sha256(b"".join((here / name).read_bytes() for name in RULES)).hexdigest()


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
