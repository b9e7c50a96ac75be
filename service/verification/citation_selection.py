"""Citation selection: which quotes a claim cites, and in which order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from corpus.types import Source
from service.text.prompt_injection import speaks_to_a_model
from service.types import Citation, Draft, Evidence
from service.verification.calibration import FEATURES, load_calibration
from service.verification.candidate_quotes import CandidateQuote, reader_spans
from service.verification.counterevidence import CounterQuote
from service.verification.provenance import Originals
from service.verification.rules.finding import Finding

# Calibrated probability from which quotes support a claim: a false sentence that is shown does
# twice the harm of a true one that is withheld, in whose place the reader gets its quote.
SUPPORTED = 2 / 3
PARTIAL = 0.25
MOVE_MARGIN = 0.1  # by how much better a passage that was not cited must be, to be cited instead
MAX_CITATIONS = 3  # of one claim


@dataclass(frozen=True, slots=True)
class QuoteAssessment:
    """What rules and checker say of a claim and a candidate quote, or several together.

    Attributes:
        quotes: The quotes, in the order in which they are cited.
        features: What the probability was computed from, in the order of FEATURES.
        support: The calibrated probability that the quotes support the claim.
        findings: In what the claim differs from them, by the rules.
    """

    quotes: tuple[CandidateQuote, ...]
    features: tuple[float, ...]
    support: float
    findings: tuple[Finding, ...]

    def feature(self, name: str) -> float:
        """Return one of the features by its name."""
        return self.features[FEATURES.index(name)]

    @property
    def conflict(self) -> Finding | None:
        """The finding that decides alone, whatever the probability; None if there is none."""
        return next((finding for finding in self.findings if finding.decides), None)

    @property
    def supports_claim(self) -> bool:
        """Whether the quotes support the claim.

        A claim that only leaves words of a quote out needs a lower probability. In any, the clause
        that is worst off must be supported at least in part: the whole does not speak for it.
        """
        copied = self.feature("copied")
        enough = self.support >= (PARTIAL if copied else SUPPORTED)
        return enough and self.conflict is None and self._weakest_support >= PARTIAL

    @property
    def _weakest_support(self) -> float:
        """The probability that would result if the whole were as weak as its weakest clause."""
        weak = self.feature("weakest")
        whole = FEATURES.index("entailed")
        numbers = (*self.features[:whole], weak, *self.features[whole + 1 :])
        return load_calibration().probability(numbers)


def make_citation(evidence: Evidence, start: int, end: int) -> Citation:
    """Return the citation of ``evidence.passage.text[start:end]``."""
    passage = evidence.passage
    return Citation(
        label=evidence.label,
        source_id=passage.source_id,
        passage_id=passage.id,
        quote=passage.text[start:end],
        start=passage.start + start,
        end=passage.start + end,
        url=evidence.source.url,
        page=evidence.page_at(start),
        before=passage.text[:start],
        after=passage.text[end:],
    )


def find_verbatim(draft: Draft, evidence: Iterable[Evidence]) -> list[tuple[Evidence, int, int]]:
    """Find where a draft stands word for word: (evidence, start, end), the cited ones first.

    Only whole sentences count: of "It is not so that X", "X" is no quote.
    """
    wanted = draft.text.strip()
    found = []
    for e in () if speaks_to_a_model(wanted) else evidence:
        spans = reader_spans(e.passage.text)
        ends = {end for _, end in spans}
        for start, _ in spans:
            end = start + len(wanted)
            if wanted and end in ends and e.passage.text.startswith(wanted, start):
                found.append((e, start, end))
                break
    return sorted(found, key=lambda place: place[0].label not in draft.labels)


def cite_quote(window: CandidateQuote) -> Citation:
    """Return the citation of a candidate quote."""
    return make_citation(window.evidence, window.start, window.end)


def supporting_quotes(
    readings: Sequence[QuoteAssessment], labels: Sequence[int], originals: Originals
) -> list[QuoteAssessment]:
    """Choose the quotes that support a claim, best first.

    One for each passage; cited ones are preferred, and a work goes before what reports on it.
    """
    best: dict[int, QuoteAssessment] = {}
    for reading in readings:
        if not reading.supports_claim:
            continue
        label = reading.quotes[0].evidence.label
        # A longer window must be clearly better than the one sentence inside it.
        length = 0.05 * len(reading.quotes[0].text) / 200
        if label not in best or reading.support - length > best[label].support:
            best[label] = reading
    rank = {
        n: (originals.reports(r.quotes[0].evidence.source), -r.support) for n, r in best.items()
    }
    cited = sorted((n for n in labels if n in best), key=rank.__getitem__)
    others = sorted((n for n in best if n not in labels), key=rank.__getitem__)
    if not cited:
        chosen = others[:1]
    else:
        chosen = cited
        if others and _goes_before(rank[others[0]], rank[cited[0]]):
            chosen = [others[0], *cited]
    return [best[n] for n in chosen[:MAX_CITATIONS]]


def _goes_before(other: tuple[bool, float], cited: tuple[bool, float]) -> bool:
    """Whether a passage that was not cited is to be cited first, by (reports, -support)."""
    if other[0] != cited[0]:
        return cited[0]
    return -other[1] > -cited[1] + MOVE_MARGIN


def cited_sources(citations: Iterable[Citation], evidence: Iterable[Evidence]) -> list[Source]:
    """Return the sources of some citations, each once."""
    shown = {e.source.id: e.source for e in evidence}
    return [shown[id] for id in dict.fromkeys(c.source_id for c in citations)]


def disputing_citations(
    others: Sequence[CounterQuote], citations: Sequence[Citation], cited: Sequence[Source]
) -> tuple[Citation, ...]:
    """Return quotes with an exact conflict, the nearest of each source.

    A cited source may contradict itself, elsewhere than in what is cited, by another number and
    nothing else: sentences that differ in more are about two things. That, or another text of a
    cited work that says otherwise, such as an earlier version, is for the reader to see, but is no
    second voice: it comes after those of other works.
    """
    ids, works = {source.id for source in cited}, {source.work_key for source in cited}
    found = {
        rival.window.evidence.source.id: rival.window
        for rival in sorted(others, key=lambda rival: rival.covered)
        if rival.finding.decides
        and (rival.window.evidence.source.id not in ids or _apart(rival, citations))
    }
    ordered = sorted(found.values(), key=lambda window: window.evidence.source.work_key in works)
    return tuple(map(cite_quote, ordered))[:MAX_CITATIONS]


def _apart(rival: CounterQuote, citations: Sequence[Citation]) -> bool:
    """Return whether a sentence has but another number, and stands in none of some quotes."""
    window = rival.window
    start, source_id = window.evidence.passage.start + window.start, window.evidence.source.id
    cited = any(c.source_id == source_id and c.start <= start < c.end for c in citations)
    return rival.only and rival.finding.kind == "number" and not cited
