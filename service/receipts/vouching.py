"""Re-checks verdicts that rest on a judge alone: whether they can be what a receipt says of them.

A judge's word cannot be repeated without the judge. What can be checked is that the receipt has
that word, that the quotes are the sentences that the judge named, and that no number or name
conflicts with these. More than that is for the judge to vouch for.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace

from service.disclosure import model_name
from service.judging.decision import decide
from service.judging.evidence import number_evidence
from service.judging.record import number_places
from service.judging.types import Judgement
from service.types import Citation, Claim, Draft, Evidence, Rejected, Verdict
from service.verification.methods import JUDGED, OVERRULED, without_failure
from service.verification.provenance import Originals
from service.verification.receipt import JudgedDraft, NamedSentence, Receipt


def faults(receipt: Receipt, same_rules: bool) -> Iterator[str]:
    """Yield what is wrong with a receipt's judge and judgements as a whole.

    ``same_rules``: whether the rules that tell sentences apart are those that made the receipt.
    """
    judge, judgements = receipt.judge, receipt.judgements
    fallbacks = [v for v in _methods(receipt) if v != without_failure(v)]
    if judge is None and (judgements or fallbacks):
        yield "there are words of a judge, and no judge"
    if judge and not (judge.name.strip() and re.fullmatch(r"[^\s/@?#]+", judge.host)):
        yield "the judge has no name, or its host is not one"
    texts = [each.text for each in judgements]
    written = {draft.text for draft in receipt.drafts}
    if len(texts) != len(set(texts)) or not set(texts) <= written:
        yield "the judge judged a sentence twice, or one that was not written"
    named = {s for each in judgements for s in each.sentences}
    places = {(s.label, s.start, s.end) for s in named}
    if len({s.number for s in named}) != len(named) or len(places) != len(named):
        yield "one number stands for two sentences of the evidence, or two for one"
    known = number_places(receipt.evidence)
    wrong = {
        s.number
        for s in named
        if not _inside(s, receipt.evidence) or (same_rules and known.get(s.number) != s)
    }
    if wrong:
        yield f"not so in the evidence: sentences {', '.join(map(str, sorted(wrong)))}"


def fault(receipt: Receipt, item: Claim | Rejected) -> str:
    """Say why a judge cannot have given a verdict; empty if it can.

    Nothing here depends on the version of the rules.
    """
    judge, verdict = receipt.judge, item.verdict
    if judge is None:
        return "a judge is said to have decided, and the receipt names none"
    if model_name(_name(verdict)) != model_name(judge.name):
        return f"the judge was {judge.name}, and not {_name(verdict)}"
    said = _said(receipt, item)
    if said is None or (said.ruling != "unsupported" and not said.sentences):
        return f"{judge.name} said nothing of it, or named no sentence"
    if verdict.label == "supported" and (said.ruling != "supported" or said.unsupported):
        return f"{judge.name} did not call it supported"
    if verdict.label == "supported" and receipt.mode != "generated":
        return f"no judge decides about what is {receipt.mode}"
    if not all(_consists(citation, said) for citation in item.citations):
        return f"its quotes are not the sentences that {judge.name} named"
    return ""


def decided_again(
    receipt: Receipt, item: Claim | Rejected, draft: Draft, originals: Originals
) -> list[Claim]:
    """Decide again by a judge's word, which must be there: with all evidence, and with a part.

    How much fitted the judge's window is not kept; it matters to what is called contradicted. []
    if it named sentences that are not there.
    """
    said = _said(receipt, item)
    assert said is not None
    numbers = tuple(sentence.number for sentence in said.sentences)
    if not set(numbers) <= number_places(receipt.evidence).keys():
        return []
    judgement = Judgement(said.ruling, numbers, said.unsupported, said.answers)
    whole = number_evidence(receipt.evidence, sys.maxsize)
    part = replace(whole, left_out=frozenset({len(receipt.evidence)}))
    name = _name(item.verdict)
    return [decide(draft, judgement, each, originals, name) for each in (whole, part)]


def leaning_fault(receipt: Receipt, item: Claim | Rejected, draft: Draft) -> str:
    """Say why a sentence cannot have been withheld for the one before it; empty if it can."""
    withheld = {rejected.text for rejected in receipt.rejected}
    if isinstance(item, Claim) or item.verdict.label != "unsupported":
        return f"{item.verdict.label} is not what a sentence is that leans on a withheld one"
    if not draft.before or draft.before[-1] not in withheld:
        return "the sentence before it was not withheld"
    return ""


def _methods(receipt: Receipt) -> list[str]:
    verdicts = [claim.verdict for claim in receipt.claims]
    return [each.method for each in (*verdicts, *(r.verdict for r in receipt.rejected))]


def _name(verdict: Verdict) -> str:
    return verdict.method.removeprefix(JUDGED).removesuffix(OVERRULED)


def _said(receipt: Receipt, item: Claim | Rejected) -> JudgedDraft | None:
    return next((each for each in receipt.judgements if each.text == item.text), None)


def _inside(sentence: NamedSentence, evidence: Sequence[Evidence]) -> bool:
    """Whether a sentence that a judge named is at a place in the evidence."""
    if sentence.number < 1 or not 1 <= sentence.label <= len(evidence):
        return False
    passage = evidence[sentence.label - 1].passage
    return passage.start <= sentence.start < sentence.end <= passage.end


def _consists(citation: Citation, said: JudgedDraft) -> bool:
    """Whether a quote is one or several adjacent sentences that a judge named."""
    inside = sorted(
        (s.start, s.end)
        for s in said.sentences
        if s.label == citation.label and citation.start <= s.start and s.end <= citation.end
    )
    at = citation.start
    for start, end in inside:
        gap = citation.quote[max(at - citation.start, 0) : max(start - citation.start, 0)]
        if gap.strip():
            return False
        at = max(at, end)
    return bool(inside) and inside[0][0] == citation.start and at == citation.end
