"""Re-checks a receipt: whether it is unchanged and its answer follows from its passages alone.

Everything is worked out again from the receipt: its hashes, each quote, each verdict, the text.
A library is consulted only where there is one, for what was removed from it since. The same
``Verifier`` runs on the receipt's passages, so that no second implementation can drift from it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from pydantic import TypeAdapter, ValidationError

from corpus.errors import NotFound
from corpus.store.store import Store
from corpus.types import passage_id, text_hash
from service.disclosure import model_name
from service.query import language_of
from service.receipts import catalogue_values, vouching
from service.receipts.checks import VERDICT, Check, CheckOutcome, check_decisions, shorten
from service.text.prompt_injection import neutral
from service.types import Citation, Claim, Draft, Evidence, Rejected, Verdict, append_claim
from service.verification.citation_selection import make_citation
from service.verification.methods import JUDGED, LEANS, METADATA, without_failure
from service.verification.provenance import Originals
from service.verification.receipt import Receipt, seal, verifier_identity
from service.verification.verifier import Verifier

TOLERANCE = 0.02  # by which a score may differ: another processor rounds otherwise

# Fields that receipts had not from the first, of a Source, a Claim, a Citation, Evidence, an
# Answer, a Draft and a record, and what stands for none.
_ADDED = {
    "work": "",
    "works": 0,
    "answers": None,
    "supports": None,
    "understood": None,
    "before": (),
    "question": "",
    "metadata": "",
    "judge": None,
    "judgements": (),
    "pages": (),
}

_SHAPE = TypeAdapter(Receipt)


def recheck(receipt: dict[str, Any], verifier: Verifier, store: Store | None = None) -> list[Check]:
    """Run every check of a receipt, in order; it holds if none of them ``failed``.

    A verdict that only a judge gave is ``vouched`` for where rules and checker alone would not
    support it and no exact conflict with its quotes speaks against it. ``receipt`` is JSON as
    ``service.verification.receipt.read_receipt`` gives it; ``store`` a library on this machine.
    Nothing is written and nothing fetched.
    """
    checks = [_hash(receipt)]
    try:
        read = _SHAPE.validate_json(json.dumps(receipt), strict=True)
    except (ValidationError, ValueError) as error:
        return [*checks, Check("form", "failed", _first_line(error))]
    if seal(_as_given(asdict(read), receipt))["sha256"] != seal(receipt)["sha256"]:
        return [*checks, Check("form", "failed", "it has more in it than a receipt has")]
    checks += _passages(read)
    if any(check.outcome == "failed" for check in checks[1:]):
        return checks
    checks += _quotes(read)
    checks += _verdicts(read, verifier)
    checks += [*check_decisions(read), _text(read), _mode(read), _prompt(read)]
    if store is not None:
        checks += _library(read, store)
    return checks


def _as_given(read: Any, given: Any) -> Any:
    """What was read, without what an earlier receipt lacks, where it says nothing."""
    match read, given:
        case dict(), dict():
            added = {name for name, empty in _ADDED.items() if read.get(name, ...) == empty}
            names = read.keys() - (added - given.keys())
            return {name: _as_given(read[name], given.get(name)) for name in names}
        case ((list() | tuple()), list()) if len(read) == len(given):
            return [_as_given(*pair) for pair in zip(read, given, strict=True)]
    return read


def _hash(receipt: dict[str, Any]) -> Check:
    expected, found = seal(receipt)["sha256"], receipt.get("sha256")
    if expected == found:
        return Check("receipt", "ok", f"its SHA-256 is {expected}")
    return Check("receipt", "failed", f"it was changed: its SHA-256 is {expected}, not {found}")


def _passages(receipt: Receipt) -> Iterator[Check]:
    """Each passage's hash, its place in a source, and its id, which names both."""
    labels = [e.label for e in receipt.evidence]
    if labels != list(range(1, len(labels) + 1)):
        yield Check("passages", "failed", f"they are not numbered from 1: {labels}")
    for e in receipt.evidence:
        passage, name = e.passage, f"passage [{e.label}]"
        id = passage_id(e.source.id, e.source.version, passage.start, passage.end)
        if text_hash(passage.text) != e.sha256:
            yield Check(name, "failed", f"its text does not have the SHA-256 {e.sha256}")
        elif len(passage.text) != passage.end - passage.start:
            yield Check(name, "failed", f"its text does not fill {passage.start}:{passage.end}")
        elif (passage.source_id, passage.id) != (e.source.id, id):
            yield Check(name, "failed", f"{passage.id} is not its id in {e.source.id}, but {id}")
        else:
            yield Check(name, "ok", f"{e.source.title or e.source.id}: its text has its SHA-256")


def _quotes(receipt: Receipt) -> Iterator[Check]:
    for name, item in _items(receipt):
        citations = _citations(item)
        wrong = [c for c in citations if not _stands(c, receipt.evidence)]
        if wrong:
            quotes = ", ".join(f"“{shorten(c.quote)}” [{c.label}]" for c in wrong)
            yield Check(f"quotes of {name}", "failed", f"not so at their place: {quotes}")
        elif citations and item.verdict.method == METADATA:
            yield catalogue_values.unchecked(f"quotes of {name}", citations, receipt.evidence)
        elif citations:
            yield Check(f"quotes of {name}", "ok", f"{len(citations)} verbatim at their place")


def _stands(citation: Citation, evidence: Sequence[Evidence]) -> bool:
    """Whether a citation is what its passage, or its source's metadata, gives in every detail."""
    if not 1 <= citation.label <= len(evidence):
        return False
    if citation.metadata:
        return catalogue_values.stands(citation, evidence)
    shown = evidence[citation.label - 1]
    start, end = (at - shown.passage.start for at in (citation.start, citation.end))
    return 0 <= start < end and citation == make_citation(shown, start, end)


def _verdicts(receipt: Receipt, verifier: Verifier) -> Iterator[Check]:
    """Each verdict, reached again from the receipt's passages by the verifier of this machine."""
    made_by = _differs(receipt, verifier)
    here = verifier_identity(verifier.checker)
    same_rules = receipt.checker.verifier_version == here.verifier_version
    if made_by:
        yield Check("verifier", "note", f"{made_by}: verdicts that differ are noted, not refused")
    originals = _originals(receipt)
    drafts = {draft.text: draft for draft in receipt.drafts}
    decided = [item.text for _, item in _items(receipt)]
    if sorted(decided) != sorted(draft.text for draft in receipt.drafts):
        yield Check("sentences", "failed", "what was decided is not what was written")
    elif not _in_order(receipt.drafts):
        yield Check("sentences", "failed", "one is read with sentences that do not stand before it")
    language = language_of(receipt.question)
    for wrong in vouching.faults(receipt, same_rules):
        yield Check("judge", "failed", wrong)
    for name, item in _items(receipt):
        draft = drafts.get(item.text, Draft(item.text))
        if item.verdict.method == METADATA or any(c.metadata for c in _citations(item)):
            wrong = catalogue_values.fault(item, draft, receipt.evidence, language)
            excused = wrong == catalogue_values.OTHER_WORDS and not same_rules
            outcome: CheckOutcome = "note" if excused else "failed" if wrong else "ok"
            detail = f"{wrong or METADATA}: “{shorten(item.text)}”"
            yield Check(f"{VERDICT}{name}", outcome, detail)
            continue
        again = verifier.check(draft, receipt.evidence, originals)
        if item.verdict.method.startswith(JUDGED):
            outcome, detail = _judged(receipt, item, draft, again, same_rules)
        elif item.verdict.method == LEANS:
            wrong = vouching.leaning_fault(receipt, item, draft)
            outcome, detail = "failed" if wrong else "ok", wrong or LEANS
        else:
            outcome, detail = _repeated(item, again, bool(made_by))
        yield Check(f"{VERDICT}{name}", outcome, f"{detail}: “{shorten(item.text)}”")


def _in_order(drafts: Sequence[Draft]) -> bool:
    """Whether the sentences before each one were written before it."""
    texts = [draft.text for draft in drafts]
    return all(set(draft.before) <= set(texts[:n]) for n, draft in enumerate(drafts))


def _repeated(item: Claim | Rejected, again: Claim, excused: bool) -> tuple[CheckOutcome, str]:
    """Compare a verdict with the one reached again; ``excused`` if another verifier gave it."""
    verdict = item.verdict
    differs = _unlike(item, again)
    if not differs:
        return "ok", _grade(verdict)
    # A quote is one by any rules; but later ones may find that it states nothing.
    lasting = verdict.method == "verbatim" and again.verdict.method != "rules"
    noted = (excused and not lasting) or _at_the_edge(verdict, again.verdict)
    return "note" if noted else "failed", differs


def _judged(
    receipt: Receipt, item: Claim | Rejected, draft: Draft, again: Claim, same_rules: bool
) -> tuple[CheckOutcome, str]:
    """Check a verdict that a judge gave, as far as its words, the rules and the checker go.

    ``again`` is what rules and checker alone say.
    """
    if wrong := vouching.fault(receipt, item):
        return "failed", wrong
    decided = vouching.decided_again(receipt, item, draft, _originals(receipt))
    missing = "the sentences that it rests on are not in the evidence"
    differs = min((_unlike(item, each) for each in decided), key=len, default=missing)
    if differs and same_rules:
        return "failed", differs
    if isinstance(item, Claim) and (differs or again.verdict.label != "supported"):
        assert receipt.judge is not None  # that would have been a fault
        vouched = f"vouched for by {shorten(receipt.judge.name)}, not re-checked"
        return "vouched", f"{vouched}; {differs}" if differs else vouched
    return ("note", differs) if differs else ("ok", _grade(item.verdict))


def _grade(verdict: Verdict) -> str:
    return f"{verdict.label} {verdict.score:.2f}"


def _originals(receipt: Receipt) -> Originals:
    sources = {s.id: s for s in (*receipt.works, *(e.source for e in receipt.evidence))}
    return Originals(sources.values())


def _differs(receipt: Receipt, verifier: Verifier) -> str:
    made_by, here = receipt.checker, verifier_identity(verifier.checker)
    if (model_name(made_by.name), made_by.sha256) != (model_name(here.name), here.sha256):
        return "the checker installed here is another one"
    if made_by.verifier_version != here.verifier_version:
        return "the rules or their calibration are others here"
    if model_name(receipt.index.embedder) != model_name(verifier.embedder.name):
        return "the embedder here is another one"
    return ""


def _at_the_edge(then: Verdict, now: Verdict) -> bool:
    """Whether two verdicts differ only because another processor rounded across a threshold."""
    supports = [v.score if v.label == "supported" else 1 - v.score for v in (then, now)]
    other = "contradicted" in (then.label, now.label) or _method(then) != now.method
    return then.label != now.label and not other and abs(supports[0] - supports[1]) <= TOLERANCE


def _unlike(item: Claim | Rejected, again: Claim) -> str:
    """In what a claim and the same one checked again differ; empty if in nothing."""
    then, now = item.verdict, again.verdict
    if then.label != now.label or abs(then.score - now.score) > TOLERANCE:
        return f"{then.label} {then.score:.2f} then, {now.label} {now.score:.2f} now"
    if _method(then) != now.method or not 0 <= then.score <= 1:
        return f"not reached as it says ({then.method})"
    if item.citations != again.citations:
        return "it rests on other quotes now"
    if item.reason != again.reason:
        return f"its reason is another now ({again.reason})"
    if isinstance(item, Claim) and (item.disputed_by, item.secondary) != (
        again.disputed_by,
        again.secondary,
    ):
        return "whether it is disputed, or second hand, is not what it says"
    if isinstance(item, Claim) and item.works not in (again.works, _ADDED["works"]):
        return f"it rests on {again.works} independent works, and not on {item.works}"
    return ""


def _method(verdict: Verdict) -> str:
    """The method of a verdict that no judge gave, whether or not one was to give it."""
    return without_failure(verdict.method)


def _text(receipt: Receipt) -> Check:
    text, placed = "", []
    for claim in receipt.claims:
        text, there = append_claim(text, claim)
        placed.append(there)
    if text != receipt.text or tuple(placed) != receipt.claims:
        return Check("text", "failed", "the answer's text is not its claims with their markers")
    return Check("text", "ok", f"{len(placed)} claims with their markers")


def _mode(receipt: Receipt) -> Check:
    """Whether mode, model and claims agree: nothing is shown that is not supported."""
    unsupported = [c.text for c in receipt.claims if c.verdict.label != "supported"]
    withheld = [r.text for r in receipt.rejected if r.verdict.label == "supported"]
    without_claims = receipt.mode in ("abstained", "guide")
    if (receipt.mode == "abstained") != receipt.abstained or without_claims == bool(receipt.claims):
        return Check("mode", "failed", f"“{receipt.mode}” with {len(receipt.claims)} claims")
    if receipt.mode == "guide" and (receipt.evidence or not receipt.reason):
        return Check("mode", "failed", "“guide” with passages, or without a text")
    if unsupported or withheld:
        return Check("mode", "failed", f"“{shorten((unsupported + withheld)[0])}” is misplaced")
    if receipt.mode == "generated" and not (receipt.model and receipt.prompt):
        return Check("mode", "failed", "“generated” without a model or a prompt")
    if receipt.mode != "generated" and receipt.model:
        return Check("mode", "failed", f"“{receipt.mode}” by the model {receipt.model}")
    return Check("mode", "ok", f"{receipt.mode} {receipt.model}".strip())


def _prompt(receipt: Receipt) -> Check:
    if not receipt.prompt:
        return Check("prompt", "ok", "no language model was asked")
    asked = receipt.prompt[-1]["content"]
    if (receipt.understood or receipt.question) not in asked:
        return Check("prompt", "failed", "the question is not in what the model was asked")
    held = [neutral(e.passage.text) in asked for e in receipt.evidence]
    if not held or not held[0] or held != sorted(held, reverse=True):
        missing = " ".join(f"[{n}]" for n, here in enumerate(held, 1) if not here)
        return Check("prompt", "failed", f"{missing} is not in what the model was asked")
    return Check("prompt", "ok", "it holds the question and the passages that there was room for")


def _library(receipt: Receipt, store: Store) -> Iterator[Check]:
    """Whether the passages are in a library as they were read, be it in a former version."""
    gone, former = [], []
    for e in receipt.evidence:
        try:
            standing = store.locate_passage(e.passage.id)
        except NotFound:
            gone.append(f"[{e.label}]")
            continue
        here = standing.passage
        if (here.text, here.start) != (e.passage.text, e.passage.start):
            yield Check(f"library [{e.label}]", "failed", "its passage says something else here")
        elif not standing.current:
            former.append(f"[{e.label}]")
    if former:
        changed = "their sources have changed since; the library has them as they were read"
        yield Check("library", "note", f"{changed}: {' '.join(former)}")
    if gone:
        yield Check("library", "note", f"no longer in the library here: {' '.join(gone)}")
    changed_values = list(catalogue_values.against_library(receipt, store))
    yield from changed_values
    if not gone and not former and not changed_values:
        yield Check("library", "ok", "the passages are in the library here")


def _items(receipt: Receipt) -> Iterator[tuple[str, Claim | Rejected]]:
    for n, claim in enumerate(receipt.claims, 1):
        yield f"claim {n}", claim
    for n, rejected in enumerate(receipt.rejected, 1):
        yield f"withheld {n}", rejected


def _citations(item: Claim | Rejected) -> tuple[Citation, ...]:
    return (*item.citations, *item.disputed_by) if isinstance(item, Claim) else item.citations


def _first_line(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return str(error).splitlines()[0]
