"""Results of the MCP tools: passages, documents, answers and verdicts as JSON and as text.

A client's language model reads these results. Sentences of a source that give orders to a language
model (prompt injection) are therefore removed, as they are from our own prompts. No function here
reads or writes anything outside its arguments.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from corpus.text.chunking import with_headings
from corpus.types import Document, Passage, Source
from service.disclosure import name_of
from service.source_urls import source_url
from service.text.prompt_injection import for_readers, neutral, speaks_to_a_model
from service.types import Answer, Citation, Claim, Decision, Evidence, Rejected

if TYPE_CHECKING:  # it is heavy
    from service.answering.factcheck import Checked

CONTEXT_CHARACTERS = 600  # before and after a passage, for the whole sentences shown with it
MAX_DOCUMENT_CHARACTERS = 60_000  # of a source, in one result
NEAREST_SHOWN = 3  # sources named by an abstention
OMITTED = "[…]"
CONTEXT = "(context: its source supports it, but it does not answer the question)"
CATALOGUE = "(From the catalogue: what the library knows of its sources, not what they say.)"


def format_title(source: Source, passage: Passage | None = None) -> str:
    """Return the title of a source, and the headings of a passage in it, as one line."""
    headings = with_headings("", passage, source) if passage else source.title
    return _line(headings) or _line(name_of(source))


def _line(text: str) -> str:
    """Return a name as one line, or ``OMITTED`` if it gives orders to a language model."""
    return OMITTED if speaks_to_a_model(text) else neutral(text)


def without_model_orders(text: str) -> str:
    """Replace the sentences that give orders to a language model by ``OMITTED``."""
    pieces, position = [], 0
    for start, end in [*for_readers(text), (len(text), len(text))]:
        between = text[position:start]
        pieces += [f" {OMITTED} " if between.strip() else between, text[start:end]]
        position = end
    return "".join(pieces).strip()


def format_passage(passage: Passage, source: Source, base: str) -> dict[str, Any]:
    """Return the id, title and address of a passage, as ``search`` lists it.

    Args:
        passage: The passage.
        source: Its source.
        base: The address of this service, for sources that have no address on the web.
    """
    return {
        "id": passage.id,
        "title": format_title(source, passage),
        "url": source_url(source, base, passage.text, passage.page),
    }


def format_document(
    document: Document, base: str, passage: Passage | None = None
) -> dict[str, Any]:
    """Return a passage with the sentences around it, or a whole source, as ``fetch`` gives it.

    Args:
        document: The document of the source.
        base: The address of this service.
        passage: The passage; None: the whole source, at most ``MAX_DOCUMENT_CHARACTERS`` of it.
    """
    source = document.source
    metadata = {
        "source_id": source.id,
        "kind": source.kind,
        "heading": _line(passage.heading) if passage else "",
        "page": str(passage.page or "") if passage else "",
        "authors": _line(", ".join(source.authors)),
        "venue": _line(source.venue),
        "published": source.published,
        "language": source.language,
        "licence": _line(source.licence),
        "note": "our own summary: the work itself is at the address" * (source.kind == "digest"),
    }
    if passage:
        text = surrounding_text(document.text, passage)
    else:
        text = without_model_orders(document.text[:MAX_DOCUMENT_CHARACTERS])
        if len(document.text) > MAX_DOCUMENT_CHARACTERS:
            metadata["cut"] = (
                f"the first {MAX_DOCUMENT_CHARACTERS:,} of {len(document.text):,} characters"
            )
    row = format_passage(passage, source, base) if passage else {}
    whole = {"id": source.id, "title": format_title(source), "url": source_url(source, base)} | row
    return whole | {"text": text, "metadata": {k: v for k, v in metadata.items() if v}}


def surrounding_text(text: str, passage: Passage) -> str:
    """Return a passage with the whole sentences within ``CONTEXT_CHARACTERS`` of it.

    Args:
        text: The text of the document.
        passage: A passage of that document.
    """
    low = max(0, passage.start - CONTEXT_CHARACTERS)
    high = min(len(text), passage.end + CONTEXT_CHARACTERS)
    spans = [(low + start, low + end) for start, end in for_readers(text[low:high])]
    if low and spans and spans[0][0] < passage.start:
        spans = spans[1:]  # the first sentence may lack its beginning
    if high < len(text) and spans and spans[-1][1] > passage.end:
        spans = spans[:-1]
    if not spans:
        return OMITTED
    start, end = spans[0][0], spans[-1][1]
    return without_model_orders(text[min(start, passage.start) : max(end, passage.end)])


def format_answer(answer: Answer, base: str) -> dict[str, Any]:
    """Return the JSON of an answer: claims with citations and decisions, and labelled sources."""
    sources = _sources_by_id(answer.evidence)
    return {
        "id": answer.id,
        "question": answer.question,
        "mode": answer.mode,
        "abstained": answer.abstained,
        "reason": answer.reason,
        "text": answer.text,
        "claims": [_claim(claim, sources, base) for claim in answer.claims],
        "rejected": [_rejected(rejected, sources, base) for rejected in answer.rejected],
        "sources": [_source(e, base) for e in answer.evidence],
    }


def format_checked(checked: Checked, base: str) -> dict[str, Any]:
    """Return the JSON of a fact-checked text: claims with verdicts, and labelled sources."""
    sources = _sources_by_id(checked.evidence)
    return {
        "claims": [_claim(claim, sources, base) for claim in checked.claims],
        "sources": [_source(e, base) for e in checked.evidence],
        "error_rates": checked.error_rates,
    }


def format_answer_text(answer: dict[str, Any]) -> str:
    """Write an answer as text: sentences with markers, then the cited sources with their quotes.

    Args:
        answer: What ``format_answer`` returned.
    """
    reason, claims = answer["reason"], answer["claims"]
    lines = [CATALOGUE] if answer["mode"] == "metadata" else []
    lines += [f"({reason})" if claims else reason] if reason else []
    for claim in claims:
        beside = claim["answers"] and not claim["answers"]["holds"]
        lines.append(f"{_with_markers(claim)} {CONTEXT}" if beside else _with_markers(claim))
    heading = "Sources" if claims else "Nearest in the library"
    return "\n".join(lines) + _source_list(answer, heading)


def format_checked_text(checked: dict[str, Any]) -> str:
    """Write a fact-checked text: a verdict and claim per line, then the sources with their quotes.

    Args:
        checked: What ``format_checked`` returned.
    """
    lines = []
    for claim in checked["claims"]:
        lines.append(f"{claim['verdict']['label']}: {_with_markers(claim)}")
        lines += [f"    {claim['reason']}"] if claim["reason"] else []
    return "\n".join(lines or ["The text makes no claims."]) + _source_list(checked, "Sources")


def _sources_by_id(evidence: Sequence[Evidence]) -> dict[str, Source]:
    return {e.source.id: e.source for e in evidence}


def _source(evidence: Evidence, base: str) -> dict[str, Any]:
    row = format_passage(evidence.passage, evidence.source, base)
    return {"label": evidence.label, "kind": evidence.source.kind} | row


def _citation(citation: Citation, sources: dict[str, Source], base: str) -> dict[str, Any]:
    names = ("label", "source_id", "passage_id", "quote", "start", "end", "page", "metadata")
    words = "" if citation.metadata else citation.quote  # the text may not have them
    url = source_url(sources[citation.source_id], base, words, citation.page)
    return {name: getattr(citation, name) for name in names} | {"url": url}


def _verdict(sentence: Claim | Rejected) -> dict[str, Any]:
    verdict = sentence.verdict
    return {
        "label": verdict.label,
        "score": round(verdict.score, 4),
        "method": verdict.method,
    }


def _decision(decision: Decision) -> dict[str, Any]:
    return {
        "holds": decision.holds,
        "score": round(decision.score, 4),
        "method": decision.method,
    }


def _claim(claim: Claim, sources: dict[str, Source], base: str) -> dict[str, Any]:
    return {
        "text": claim.text,
        "start": claim.start,
        "end": claim.end,
        "verdict": _verdict(claim),
        "supports": _decision(claim.supports),
        "answers": _decision(claim.answers) if claim.answers else None,
        "citations": [_citation(c, sources, base) for c in claim.citations],
        "disputed_by": [_citation(c, sources, base) for c in claim.disputed_by],
        "secondary": claim.secondary,
        "reason": claim.reason,
    }


def _rejected(rejected: Rejected, sources: dict[str, Source], base: str) -> dict[str, Any]:
    return {
        "text": rejected.text,
        "reason": rejected.reason,
        "verdict": _verdict(rejected),
        "citations": [_citation(c, sources, base) for c in rejected.citations],
    }


def _with_markers(claim: dict[str, Any]) -> str:
    text = " ".join(claim["text"].split())
    labels = dict.fromkeys(citation["label"] for citation in claim["citations"])
    markers = "".join(f"[{label}]" for label in labels)
    return f"{text} {markers}" if markers else text


def _source_list(result: dict[str, Any], heading: str) -> str:
    """List the sources that claims cite, with the quotes; without claims, the nearest sources."""
    quotes: dict[int, list[str]] = {}
    urls: dict[int, str] = {}  # of the first quote: a passage may begin on an earlier page
    for claim in result["claims"]:
        for citation in (*claim["citations"], *claim["disputed_by"]):
            urls.setdefault(citation["label"], citation["url"])
            quote = f"    “{' '.join(citation['quote'].split())}”"
            quote += f" (page {citation['page']})" if citation["page"] else ""
            quote += " (from the catalogue)" * bool(citation["metadata"])
            quote += " (contradicts the claim)" * (citation in claim["disputed_by"])
            if quote not in quotes.setdefault(citation["label"], []):
                quotes[citation["label"]].append(quote)
    lines = []
    for source in result["sources"]:
        nearest = not result["claims"] and source["label"] <= NEAREST_SHOWN
        if source["label"] in quotes or nearest:
            kind = " (our own summary)" if source["kind"] == "digest" else ""
            url = urls.get(source["label"], source["url"])
            lines.append(f"[{source['label']}] {source['title']}{kind} {url}")
            lines += quotes.get(source["label"], [])
    return "\n\n" + "\n".join([f"{heading}:", *lines]) if lines else ""
