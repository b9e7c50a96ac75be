"""What a question takes for granted, read beside the evidence: said, contradicted, or not said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from index.inference.cross_encoder import Checker
from index.lexical.tokenizer import is_japanese, tokens
from service.types import Citation, Evidence
from service.verification.candidate_quotes import CandidateQuote, sentence_pairs, single_sentences
from service.verification.citation_selection import make_citation

MAX_READ = 6  # candidate quotes that are read
# Probabilities, chosen on training/data/premises.jsonl, where the best quote of a true premise had
# at least .63. A premise that is taken for false and is not does more harm than one that is missed.
_ENTAILED = 0.4  # from which on a quote says it, or may say it
_CONTRADICTED = 0.7  # from which on a quote says otherwise
_ABOUT_IT = 0.25  # share of the premise's words that such a quote has, in the same language


@dataclass(frozen=True, slots=True)
class PremiseFinding:
    """A premise that no source supports.

    Attributes:
        statement: What the question takes for granted.
        citation: The quote that says otherwise; None if no source speaks of it.
    """

    statement: str
    citation: Citation | None


@dataclass(frozen=True, slots=True)
class _Near:
    """A candidate quote with the share of a statement's words that stand in it or before it."""

    quote: CandidateQuote
    share: float
    same_language: bool


def unsupported_premise(
    statement: str, evidence: Sequence[Evidence], checker: Checker
) -> PremiseFinding | None:
    """Read a premise beside the sentences of the evidence that are nearest to it.

    Where the best passage is in the other language, the sentence that says it may not be among
    those that are read: there a premise is only found to be contradicted, never to be unsaid.

    Args:
        statement: What a question takes for granted, see ``presuppositions.presupposition``.
        evidence: What was found for the question, the best first.
        checker: Reads all candidate quotes in one call.

    Returns:
        What is wrong with the premise; None if a source says it, or may say it.

    Raises:
        ModelUnavailable: The checker cannot be loaded.
    """
    near = _nearest(statement, evidence)
    if not near or not checker.reads_whole(statement):
        return None
    texts = [f"{each.quote.evidence.source.title}. {each.quote.in_context}" for each in near]
    probabilities = checker.supports([(text, statement) for text in texts])
    if probabilities[:, 0].max() >= _ENTAILED:
        return None
    for each, (_, _, against) in zip(near, probabilities, strict=True):
        about = each.share >= _ABOUT_IT or not each.same_language
        if against >= _CONTRADICTED and about:
            quote = each.quote
            return PremiseFinding(statement, make_citation(quote.evidence, quote.start, quote.end))
    across = is_japanese(evidence[0].passage.text) != is_japanese(statement)
    return None if across else PremiseFinding(statement, None)


def _nearest(statement: str, evidence: Sequence[Evidence]) -> list[_Near]:
    """The sentences and pairs of sentences that share most words with a statement, best first.

    In another language these are names and numbers in Latin letters and digits; where as many are
    shared, the better passage comes first there, and in the same language the shorter quote.
    """
    wanted, japanese = set(tokens(statement)), is_japanese(statement)
    names = {token for token in wanted if token.isascii()}
    ranked: list[tuple[float, int, _Near]] = []
    for each in evidence:
        singles = single_sentences(each)
        for quote in (*singles, *sentence_pairs(singles)):
            same = is_japanese(quote.text) == japanese
            sought, there = wanted if same else names, set(tokens(quote.in_context))
            share = len(sought & there) / (len(sought) or 1)
            rank = len(there) / 10_000 - share if same else -share / 2
            ranked.append((rank, len(ranked), _Near(quote, share, same)))
    return [near for _, _, near in sorted(ranked, key=lambda row: row[:2])[:MAX_READ]]
