"""What a question takes for granted, read beside the evidence: said, contradicted, or not said."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from index.inference.cross_encoder import Checker
from index.lexical.tokenizer import is_japanese, tokens
from index.types import Floats
from service.questions.english_clauses import AUXILIARY
from service.questions.presuppositions import denial
from service.text.alignment import content_words
from service.types import Citation, Evidence
from service.verification.candidate_quotes import CandidateQuote, sentence_pairs, single_sentences
from service.verification.citation_selection import make_citation

MAX_READ = 6  # candidate quotes that are read
# Probabilities, chosen on training/data/premises.jsonl, where the best quote of a true premise had
# at least .63. To take a true premise for false does more harm than to miss a false one.
_ENTAILED = 0.4  # from which a quote may say the premise
# A contradicting sentence that has this share of the premise's words outweighs a quote that may say
# the premise, unless that quote's probability is at least the second number.
_SAME_WORDS, _SURELY_ENTAILED = 0.9, 0.75
_CONTRADICTED = 0.7  # from which a quote says otherwise
_ABOUT_IT = 0.25  # share of the premise's words that such a quote has, in the same language
# Where something seems to answer, its best windows are read, each alone and with its neighbours.
MAX_WINDOWS = 2
# Difference of the probabilities that such a text says the premise and that it says otherwise. Of
# 39 true premises on posts and papers, the best text of four was below it; of 40 false ones, of 29.
# That such a text seems to say otherwise is no reason to decline: on documents by other writers
# 22 premises were found false so, of which 4 were, and 12 of the questions have a right answer.
_DOUBTED = 0.44
MAX_DENIALS = 3  # sentences that deny something and are read as denials of a premise
# By how much such a sentence says the opposite rather than the premise: the sum of two differences
# of probabilities. Of 156 true premises of XQuAD and JSQuAD questions none had more than .40.
_DENIED, _CLEARLY_DENIED = 0.45, 1.0
# Words that deny without a negation: "not allowed" agrees with "forbidden".
_DENYING_WORD = re.compile(
    r"\b(?:forb[aio]\w+|bann?\w*|prohibit\w*|refus\w+|reject\w*|prevent\w*|lack\w*|miss(?:ing|es|ed)?"
    r"|avoid\w*|stop(?:s|ped)?|unable|im?possible|only)\b|禁止|禁じ|拒|欠け|避け|やめ|不可|だけ|しか",
    re.IGNORECASE,
)
_STEM = 4  # letters that forms of a word share at the least
_SUBJECT = re.compile(rf"^.*?\b{AUXILIARY}\b", re.IGNORECASE)  # "Block-NeRF did" render Tokyo


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
class PremiseReading:
    """What the texts that seem to answer a question say of its premise.

    Attributes:
        finding: What is wrong with the premise; None if a text says it, or may say it.
        doubted: Whether no text says it clearly, so that none of them is an answer for certain.
    """

    finding: PremiseFinding | None
    doubted: bool


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

    Where the best passage is in the other language, nothing is read: the sentence that says it may
    not be among the nearest, and of six sentences that seemed to say otherwise one did.

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
    if is_japanese(evidence[0].passage.text) != is_japanese(statement):
        return None
    texts = [f"{each.quote.evidence.source.title}. {each.quote.in_context}" for each in near]
    probabilities = checker.supports([(text, statement) for text in texts])
    said = float(probabilities[:, 0].max())
    for each, (_, _, against) in zip(near, probabilities, strict=True):
        if said >= (_ENTAILED if each.share < _SAME_WORDS else _SURELY_ENTAILED):
            continue
        if against >= _CONTRADICTED and _is_about(statement, each, evidence):
            quote = each.quote
            return PremiseFinding(statement, make_citation(quote.evidence, quote.start, quote.end))
    return PremiseFinding(statement, None) if said < _ENTAILED else None


def read_premise(
    statement: str,
    windows: Sequence[CandidateQuote],
    evidence: Sequence[Evidence],
    checker: Checker,
    sure: bool = False,
) -> PremiseReading:
    """Read a premise beside what seems to answer its question, all in one call of the checker.

    A premise that none of these texts clearly says is doubted. Only a sentence with a negation may
    find it false, see ``denied_premise``.

    Args:
        statement: What a question takes for granted, see ``presuppositions.presupposition``.
        windows: The parts of the evidence that seem to answer, the best first.
        evidence: What was found for the question, the best first.
        checker: Reads everything.
        sure: Whether something answers almost certainly; then a sentence that denies the premise
            must do so more clearly.

    Raises:
        ModelUnavailable: The checker cannot be loaded.
    """
    if not windows or not checker.reads_whole(statement):
        return PremiseReading(None, False)
    read = windows[:MAX_WINDOWS]
    wide = [_with_neighbours(window) for window in read]
    own = [*wide, *(window.in_context for window in read)]
    denied = denial(statement)
    denying = _denying(statement, evidence) if denied else []
    pairs = [(text, statement) for text in own]
    pairs += _denial_pairs(statement, denied or "", denying)
    scores = checker.supports(pairs)
    said = float((scores[: len(own), 0] - scores[: len(own), 2]).max())
    clearly = sure or said >= _DOUBTED
    if denying and (finding := _denied_by(statement, denying, scores[len(own) :], clearly)):
        return PremiseReading(finding, True)
    return PremiseReading(None, said < _DOUBTED)


def _with_neighbours(window: CandidateQuote) -> str:
    """Return a window with the sentences around it, below title, year and heading.

    A post of 2022 seldom says that it is of 2022, but questions do.
    """
    source, passage = window.evidence.source, window.evidence.passage
    spans = single_sentences(window.evidence)
    inside = [n for n, s in enumerate(spans) if s.start < window.end and window.start < s.end]
    first, last = (inside[0], inside[-1]) if inside else (0, -1)
    start = spans[max(0, first - 1)].start
    end = spans[min(len(spans) - 1, last + 1)].end
    year = f" ({source.published[:4]})" if source.published else ""
    heading = passage.heading.rpartition(" › ")[2]
    below = f"{heading}. " if heading and heading != source.title else ""
    return f"{source.title}{year}. {below}{passage.text[start:end]}"


def _is_negative(statement: str) -> bool:
    return _denies(statement) or bool(_DENYING_WORD.search(statement))


def denied_premise(
    statement: str, evidence: Sequence[Evidence], checker: Checker, answered: bool = False
) -> PremiseFinding | None:
    """Find a sentence that denies a premise.

    Small entailment networks take shared words for agreement: for "It is not a holiday", they give
    "It is a holiday" nearly the same probability. So only sentences with a negation are read, each
    with the premise and with its denial, and the two are compared.

    Args:
        statement: What a question takes for granted.
        evidence: What was found for the question, the best first.
        checker: Reads all sentences in one call.
        answered: Whether something answers the question almost certainly; then a sentence must deny
            the premise more clearly.

    Returns:
        The premise and the sentence that denies it; None if there is none.

    Raises:
        ModelUnavailable: The checker cannot be loaded.
    """
    opposite = denial(statement)
    quotes = _denying(statement, evidence) if opposite else []
    if not opposite or not quotes or not checker.reads_whole(opposite):
        return None
    scores = checker.supports(_denial_pairs(statement, opposite, quotes))
    return _denied_by(statement, quotes, scores, answered)


def _denial_pairs(
    statement: str, opposite: str, quotes: Sequence[CandidateQuote]
) -> list[tuple[str, str]]:
    texts = [f"{quote.evidence.source.title}. {quote.in_context}" for quote in quotes]
    return [(text, said) for said in (statement, opposite) for text in texts]


def _denied_by(
    statement: str, quotes: Sequence[CandidateQuote], read: Floats, answered: bool
) -> PremiseFinding | None:
    """Return the premise with the quote that denies it, by the readings of ``_denial_pairs``."""
    premise, denied = np.split(read, 2)
    scores = premise[:, 2] - premise[:, 0] + denied[:, 0] - denied[:, 2]
    best = int(scores.argmax())
    if scores[best] < (_CLEARLY_DENIED if answered else _DENIED):
        return None
    quote = quotes[best]
    return PremiseFinding(statement, make_citation(quote.evidence, quote.start, quote.end))


def _denying(statement: str, evidence: Sequence[Evidence]) -> list[CandidateQuote]:
    """Return the sentences with a negation that share most words with a statement, best first.

    They are in its language, and have a word of what it says of its subject. There are none for a
    statement that denies something itself.
    """
    if _is_negative(statement):
        return []
    wanted, predicate = _words(statement), _predicate(statement)
    ranked: list[tuple[int, CandidateQuote]] = []
    for sentence in (s for each in evidence for s in single_sentences(each)):
        words = _words(sentence.text)
        same = is_japanese(sentence.text) == is_japanese(statement)
        if same and _shared(predicate, words) and _denies(sentence.text):
            ranked.append((_shared(wanted, words), sentence))
    ranked.sort(key=lambda each: -each[0])
    return [sentence for _, sentence in ranked[:MAX_DENIALS]]


def _shared(wanted: set[str], words: set[str]) -> int:
    """Count the wanted words that a text has, in any form: close, closed."""
    return sum(any(_same_stem(each, word) for word in words) for each in wanted)


def _same_stem(one: str, other: str) -> bool:
    if one == other:
        return True
    letters = max(_STEM, min(len(one), len(other)) - 1)
    return one.isascii() and len(one) >= _STEM and one[:letters] == other[:letters]


def _predicate(statement: str) -> set[str]:
    """Return the words that a statement has after its subject, without names."""
    names = {word.text for word in content_words(statement) if word.kind == "name"}
    return _words(_SUBJECT.sub("", statement, count=1)) - names


def _denies(text: str) -> bool:
    return any(word.kind == "turn" for word in content_words(text))


def _is_about(statement: str, near: _Near, evidence: Sequence[Evidence]) -> bool:
    """Return whether a quote is about what a statement says, and not only about its subject.

    It has all names of the statement but those that no evidence has; and in the same language
    enough of its words, in English one of what is said of the subject.
    """
    source, heading = near.quote.evidence.source, near.quote.evidence.passage.heading
    here = _words(f"{source.title}\n{heading}\n{near.quote.in_context}")
    names = {word.text for word in content_words(statement) if word.kind == "name"}
    known = {word for e in evidence for word in _words(f"{e.source.title}\n{e.passage.text}")}
    if not names & known <= here:
        return False
    if not near.same_language:
        return True
    predicate = _predicate(statement)
    said = is_japanese(statement) or not predicate or predicate & _words(near.quote.text)
    return bool(said) and near.share >= _ABOUT_IT


def _words(text: str) -> set[str]:
    return {word.text for word in content_words(text) if word.kind != "turn"}


def _nearest(statement: str, evidence: Sequence[Evidence]) -> list[_Near]:
    """Return the sentences and pairs that share most words with a statement, best first.

    In another language only names and numbers in Latin letters and digits count. Of quotes that
    share as many, those of the better passage come first; in the same language, the shorter ones.
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
