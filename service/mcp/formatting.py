"""What other programs' models are shown of the library: names, addresses and texts. Pure.

A client's language model reads this, so what a source says to a language model stands nowhere
in it, as it stands nowhere in our own prompts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from corpus.text.chunking import with_headings
from corpus.types import Document, Passage, Source
from service.disclosure import name_of
from service.source_urls import source_url
from service.text.prompt_injection import for_readers, neutral, speaks_to_a_model
from service.types import Answer, Citation, Claim, Evidence, Rejected

if TYPE_CHECKING:  # it is heavy
    from service.answering.factcheck import Checked

CONTEXT_CHARACTERS = (
    600  # characters before and after a passage from which whole sentences are shown with it
)
MAX_DOCUMENT_CHARACTERS = 60_000  # characters of a source that are given at once
NEAREST_SHOWN = 3  # sources named where there is no answer
LEFT_OUT = "[…]"


def format_title(source: Source, passage: Passage | None = None) -> str:
    """The name of a source, and of the place in it, in one line."""
    heads = with_headings("", passage, source) if passage else source.title
    return _line(heads) or _line(name_of(source))


def _line(text: str) -> str:
    """A name in one line; one that gives a language model orders is left out."""
    return LEFT_OUT if speaks_to_a_model(text) else neutral(text)


def without_model_orders(text: str) -> str:
    """A text without what it says to a language model, for which LEFT_OUT stands."""
    made, at = [], 0
    for start, end in [*for_readers(text), (len(text), len(text))]:
        between = text[at:start]
        made += [f" {LEFT_OUT} " if between.strip() else between, text[start:end]]
        at = end
    return "".join(made).strip()


def format_passage(passage: Passage, source: Source, base: str) -> dict[str, Any]:
    """A passage as a row of a search."""
    return {
        "id": passage.id,
        "title": format_title(source, passage),
        "url": source_url(source, base, passage.text, passage.page),
    }


def format_document(
    document: Document, base: str, passage: Passage | None = None
) -> dict[str, Any]:
    """A passage with the sentences around it, or a whole source up to LONGEST characters."""
    source = document.source
    facts = {
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
            facts["cut"] = (
                f"the first {MAX_DOCUMENT_CHARACTERS:,} of {len(document.text):,} characters"
            )
    row = format_passage(passage, source, base) if passage else {}
    whole = {"id": source.id, "title": format_title(source), "url": source_url(source, base)} | row
    return whole | {"text": text, "metadata": {k: v for k, v in facts.items() if v}}


def surrounding_text(text: str, passage: Passage) -> str:
    """A passage and the whole sentences within CONTEXT characters of it, for readers."""
    low, high = (
        max(0, passage.start - CONTEXT_CHARACTERS),
        min(len(text), passage.end + CONTEXT_CHARACTERS),
    )
    spans = [(low + start, low + end) for start, end in for_readers(text[low:high])]
    if low and spans and spans[0][0] < passage.start:
        spans = spans[1:]  # its beginning may be cut off
    if high < len(text) and spans and spans[-1][1] > passage.end:
        spans = spans[:-1]
    if not spans:
        return LEFT_OUT
    start, end = spans[0][0], spans[-1][1]
    return without_model_orders(text[min(start, passage.start) : max(end, passage.end)])


def format_answer(made: Answer, base: str) -> dict[str, Any]:
    """An answer: claims with citations and verdicts, and the sources under their numbers."""
    where = _sources(made.evidence)
    return {
        "id": made.id,
        "question": made.question,
        "mode": made.mode,
        "abstained": made.abstained,
        "reason": made.reason,
        "text": made.text,
        "claims": [_claim(claim, where, base) for claim in made.claims],
        "rejected": [_rejected(rejected, where, base) for rejected in made.rejected],
        "sources": [_source(e, base) for e in made.evidence],
    }


def format_checked(made: Checked, base: str) -> dict[str, Any]:
    """The claims of a text with their verdicts, and the sources under their numbers."""
    where = _sources(made.evidence)
    return {
        "claims": [_claim(claim, where, base) for claim in made.claims],
        "sources": [_source(e, base) for e in made.evidence],
        "error_rates": made.error_rates,
    }


def format_answer_text(made: dict[str, Any]) -> str:
    """An answer to be read: sentences with numbers, then the sources they name, with quotes."""
    reason, claims = made["reason"], made["claims"]
    lines = [f"({reason})" if claims else reason] if reason else []
    lines += [_marked(claim) for claim in claims]
    return "\n".join(lines) + _listed(made, "Sources" if claims else "Nearest in the library")


def format_checked_text(made: dict[str, Any]) -> str:
    """Verdicts to be read: a claim a line, then the sources they rest on, with quotes."""
    lines = []
    for claim in made["claims"]:
        lines.append(f"{claim['verdict']['label']}: {_marked(claim)}")
        lines += [f"    {claim['reason']}"] if claim["reason"] else []
    return "\n".join(lines or ["The text makes no claims."]) + _listed(made, "Sources")


def _sources(evidence: Sequence[Evidence]) -> dict[str, Source]:
    return {e.source.id: e.source for e in evidence}


def _source(evidence: Evidence, base: str) -> dict[str, Any]:
    row = format_passage(evidence.passage, evidence.source, base)
    return {"label": evidence.label, "kind": evidence.source.kind} | row


def _citation(citation: Citation, where: dict[str, Source], base: str) -> dict[str, Any]:
    names = ("label", "source_id", "passage_id", "quote", "start", "end", "page")
    url = source_url(where[citation.source_id], base, citation.quote, citation.page)
    return {name: getattr(citation, name) for name in names} | {"url": url}


def _verdict(said: Claim | Rejected) -> dict[str, Any]:
    return {"label": said.verdict.label, "score": round(said.verdict.score, 4)}


def _claim(claim: Claim, where: dict[str, Source], base: str) -> dict[str, Any]:
    return {
        "text": claim.text,
        "start": claim.start,
        "end": claim.end,
        "verdict": _verdict(claim),
        "citations": [_citation(c, where, base) for c in claim.citations],
        "disputed_by": [_citation(c, where, base) for c in claim.disputed_by],
        "secondary": claim.secondary,
        "reason": claim.reason,
    }


def _rejected(said: Rejected, where: dict[str, Source], base: str) -> dict[str, Any]:
    return {
        "text": said.text,
        "reason": said.reason,
        "verdict": _verdict(said),
        "citations": [_citation(c, where, base) for c in said.citations],
    }


def _marked(claim: dict[str, Any]) -> str:
    text = " ".join(claim["text"].split())
    markers = "".join(f"[{citation['label']}]" for citation in claim["citations"])
    return f"{text} {markers}" if markers else text


def _listed(made: dict[str, Any], head: str) -> str:
    """The sources that claims cite, with the words cited; where there are none, the nearest."""
    quotes: dict[int, list[str]] = {}
    for claim in made["claims"]:
        for citation in (*claim["citations"], *claim["disputed_by"]):
            said = f"    “{' '.join(citation['quote'].split())}”"
            said += " (says otherwise)" * (citation in claim["disputed_by"])
            if said not in quotes.setdefault(citation["label"], []):
                quotes[citation["label"]].append(said)
    lines = []
    for source in made["sources"]:
        if source["label"] in quotes or (not made["claims"] and source["label"] <= NEAREST_SHOWN):
            kind = " (a summary of ours)" if source["kind"] == "digest" else ""
            lines.append(f"[{source['label']}] {source['title']}{kind} {source['url']}")
            lines += quotes.get(source["label"], [])
    return "\n\n" + "\n".join([f"{head}:", *lines]) if lines else ""
