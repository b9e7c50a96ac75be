"""What replies of both OpenAI-compatible APIs have in common: text, citations, usage, extension.

Each marker in the text, such as ``[2]``, has a citation, and ``text[start_index:end_index]`` is the
marker, in code points from 0, the end exclusive. OpenAI's own annotations also locate the inline
marker, which clients replace or turn into a link; a span of the sentence would have them replace
the sentence. The spans of sentences are in ``tenkyo.verdicts``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from service.disclosure import name_of
from service.source_urls import source_url
from service.types import Answer, Claim, Evidence, to_json


def url_citations(
    claim: Claim, evidence: Sequence[Evidence], base: str
) -> Iterator[dict[str, Any]]:
    """Yield a citation for each marker; they follow the claim as ``append_claim`` puts them.

    Args:
        claim: A claim of the answer, with its offsets.
        evidence: The evidence of the answer.
        base: The address of this service, with a slash at its end.
    """
    start = claim.end + len(" ")
    for label in claim.labels:
        source = evidence[label - 1].source
        end = start + len(f"[{label}]")
        yield {
            "start_index": start,
            "end_index": end,
            "url": source_url(source, base),
            "title": name_of(source),
        }
        start = end


def text_of(answer: Answer) -> str:
    """Return the claims with their markers, and behind them in brackets what is to be said of them.

    Without claims it is why there is no answer, or a guide.
    """
    if answer.claims and answer.reason:
        return f"{answer.text}\n\n({answer.reason})"
    return answer.text if answer.claims else answer.reason or ""


def extension(answer: Answer, base: str) -> dict[str, Any]:
    """Return what OpenAI's format has no field for; the whole answer is at ``answer_url``."""
    url = f"{base}v1/answers/{answer.id}"
    return {
        "answer_id": answer.id,
        "answer_url": url,
        "receipt_url": f"{url}/receipt",
        "conversation_id": answer.conversation_id,
        "understood": answer.understood,
        "mode": answer.mode,
        "model": answer.model or None,
        "abstained": answer.abstained,
        "abstention": answer.abstention,
        "reason": answer.reason,
        "verdicts": [
            {
                "start_index": claim.start,
                "end_index": claim.end,
                "label": claim.verdict.label,
                "score": claim.verdict.score,
                "method": claim.verdict.method,
                "supports": to_json(claim.supports),
                "answers": to_json(claim.answers),
                "secondary": claim.secondary,
                "disputed": bool(claim.disputed_by),
                "metadata": [c.metadata for c in claim.citations if c.metadata],
            }
            for claim in answer.claims
        ],
        "withheld": len(answer.rejected),
    }
