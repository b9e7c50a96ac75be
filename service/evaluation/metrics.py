"""Quality measures of answers against known right ones, with bootstrap confidence intervals.

Pure functions. An answer here is the JSON that ``service.types.to_json`` makes of an Answer; a
record is what ``runner`` stores for one question:

    {"id", "question", "answer", "first_claim": seconds | None, "total": seconds,
     "judged": [{"recall": bool, "citations": [bool, …]}, …]}    one for each claim

Every measure is a ratio of two sums over questions, so one bootstrap works for all of them.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from corpus.text.sentences import sentences
from index.lexical.tokenizer import tokens

RESAMPLES = 1000  # of the bootstrap
SEED = 7
SAME_SENTENCE = 0.5  # least Dice coefficient at which two sentences count as the same
_CJK = r"[\u3005-\u3007\u3041-\u3096\u30a1-\u30fa\u30fc\u3400-\u9fff\uf900-\ufaff、。「」]"
_LOOSE_BLANK = re.compile(rf"(?<={_CJK}) | (?={_CJK})")

TITLES = {
    "in_answer": "right, in the answer",
    "in_quotes": "right, in the quotes",
    "citation_recall": "citation recall, self-judged",
    "citation_precision": "citation precision, self-judged",
    "gold_cited": "gold cited",
    "gold_precision": "gold precision",
    "quote_f1": "citation F1 by sentence",
    "abstention_precision": "abstention precision",
    "abstention_recall": "abstention recall",
    "abstention_f1": "abstention F1",
    "refused": "abstentions on answerable questions",
    "ticked": "claims with a tick per answer",
    "withheld": "claims withheld per question",
}
_TIMES = {"first_claim": "time to first claim", "total": "time to the end"}
HEAD = ("measure", "value", "95 % interval", "questions")

Record = Mapping[str, Any]
Floats = npt.NDArray[np.float64]
Fraction = tuple[float, float]  # what a question adds to a measure's numerator and denominator


@dataclass(frozen=True, slots=True)
class EvaluationQuestion:
    """A question of an evaluation, and what is known about its answer.

    Attributes:
        id: A name that no other question of the file has.
        question: The question as it is asked.
        answerable: Whether the library has the answer; if not, abstaining is right.
        answers: Strings any one of which makes an answer right.
        must_contain: Groups of strings; an answer is right, too, with one string of each group.
        sources: Ids of the sources that have the answer (the gold sources).
        passages: Ids of the passages that have the answer (the gold passages).
        quotes: The gold sentences: those that an answer should quote.
        language: The language of the question, where the file says it.
    """

    id: str
    question: str
    answerable: bool
    answers: tuple[str, ...] = ()
    must_contain: tuple[tuple[str, ...], ...] = ()
    sources: tuple[str, ...] = ()
    passages: tuple[str, ...] = ()
    quotes: tuple[str, ...] = ()
    language: str = ""


@dataclass(frozen=True, slots=True)
class CitationScores:
    """How well the citations of one claim support it.

    Attributes:
        recall: Whether the cited passages together support the claim.
        citations: For each citation in order, whether it is right; see ``judge_citations``.
    """

    recall: bool
    citations: tuple[bool, ...]


# One answer


def fold(text: str) -> str:
    """Fold a text for comparison: Unicode form NFKC, lower case, single spaces.

    Spaces beside kana or kanji are removed.
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    return _LOOSE_BLANK.sub("", " ".join(folded.split()))


def occurs(wanted: str, text: str) -> bool:
    """Return whether a text contains a string, after both are folded.

    A number must match as a whole (30 is neither in 308 nor in 30.5), and a word from its first
    letter ("art" is not in "smart"); letters may follow ("metre" is in "metres").
    """
    wanted = fold(wanted)
    if not wanted:
        return False
    before, after = "", ""
    if wanted[0].isdigit():
        before = r"(?<!\d)(?<!\d[.,])"
    elif wanted[0].isascii() and wanted[0].isalpha():
        before = r"(?<![a-z])"
    if wanted[-1].isdigit():
        after = r"(?![.,]?\d)"
    return re.search(before + re.escape(wanted) + after, fold(text)) is not None


def is_right(question: EvaluationQuestion, texts: Sequence[str]) -> bool:
    """Return whether texts contain a right answer to a question.

    They do with one of the question's ``answers``, or one string of each of its
    ``must_contain`` groups.
    """

    def any_occurs(wanted: Iterable[str]) -> bool:
        return any(occurs(w, text) for w in wanted for text in texts)

    groups = question.must_contain
    return any_occurs(question.answers) or (bool(groups) and all(map(any_occurs, groups)))


def judge_citations(citations: int, supports: Callable[[Sequence[int]], bool]) -> CitationScores:
    """Judge the citations of one claim by the method of ALCE (Gao et al. 2023, section 3.3).

    Recall: all cited passages together support the claim. A citation is right if there is
    recall and it alone supports the claim, or the others without it do not.

    Args:
        citations: The number of citations.
        supports: Returns whether the cited passages at some positions, counted from 0,
            together support the claim.
    """
    everything = range(citations)
    if not citations or not supports(everything):
        return CitationScores(False, (False,) * citations)
    if citations == 1:
        return CitationScores(True, (True,))
    right = (supports([i]) or not supports([j for j in everything if j != i]) for i in everything)
    return CitationScores(True, tuple(right))


def cites_gold(question: EvaluationQuestion, citation: Mapping[str, Any]) -> bool:
    """Return whether a citation, as JSON, points to a gold source or a gold passage."""
    return citation["source_id"] in question.sources or citation["passage_id"] in question.passages


def is_ticked(claim: Mapping[str, Any]) -> bool:
    """Return whether a claim, as JSON, is supported and answers the question."""
    answers = claim.get("answers")
    return claim["verdict"]["label"] == "supported" and bool(answers and answers["holds"])


def same_sentence(a: str, b: str) -> bool:
    """Return whether two sentences count as the same: the Dice coefficient is at least 0.5.

    That is 2 · shared / (tokens of a + tokens of b), over the multisets of the tokens of
    ``index.lexical.tokenizer``: words and numbers, and bigrams of kana and kanji.
    """
    tokens_a, tokens_b = Counter(tokens(a)), Counter(tokens(b))
    total = tokens_a.total() + tokens_b.total()
    return total > 0 and 2 * (tokens_a & tokens_b).total() >= SAME_SENTENCE * total


def quote_f1(question: EvaluationQuestion, citations: Iterable[Mapping[str, Any]]) -> float:
    """Return the F1 score of the quoted sentences against the gold sentences, from 0 to 1.

    The sentences of all quotes count once each. Precision is the share of them that are the
    same (``same_sentence``) as some gold sentence, recall the share of gold sentences that are
    the same as some quoted one. F1 is their harmonic mean; it is 0 where nothing is quoted.
    """
    cited = list(dict.fromkeys(s for c in citations for s in sentences(c["quote"])))
    gold = question.quotes
    if not cited or not gold:
        return 0.0
    precision = sum(any(same_sentence(c, g) for g in gold) for c in cited) / len(cited)
    recall = sum(any(same_sentence(c, g) for c in cited) for g in gold) / len(gold)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


# What one question adds to each measure


def measure_fractions(question: EvaluationQuestion, record: Record) -> dict[str, Fraction]:
    """Return what one question adds to each measure.

    An abstention on an answerable question counts as wrong, as not citing the gold, and with a
    citation F1 of 0. Citation recall and precision are means over answers: of the share of
    claims with recall, and of the share of citations that are right. Gold precision is the share
    of all citations in answers to answerable questions.

    A claim has a tick if it is supported and answers the question. A guide on how to use the
    service is no abstention, and has no claims.

    Returns:
        For each name of ``TITLES`` the numerator and the denominator; (0, 0) for a measure that
        does not apply to the question.
    """
    answer = record["answer"]
    citations = [c for claim in answer["claims"] for c in claim["citations"]]
    found: dict[str, tuple[float, float]] = {}
    if question.answerable:
        found["refused"] = (answer["abstained"], 1)
        found |= dict(_against_gold(question, answer, citations))
    if record["judged"]:
        judged = record["judged"]
        right = [r for j in judged for r in j["citations"]]
        found["citation_recall"] = (sum(j["recall"] for j in judged) / len(judged), 1)
        found["citation_precision"] = (sum(right) / len(right) if right else 0, 1)
    due, abstained = not question.answerable, answer["abstained"]
    found["abstention_precision"] = (due and abstained, abstained)
    found["abstention_recall"] = (due and abstained, due)
    found["abstention_f1"] = (2 * (due and abstained), due + abstained)
    if any(claim.get("answers") for claim in answer["claims"]):
        found["ticked"] = (sum(map(is_ticked, answer["claims"])), 1)
    found["withheld"] = (len(answer["rejected"]), 1)
    parts = {name: found.get(name, (0, 0)) for name in TITLES}
    return {name: (float(above), float(below)) for name, (above, below) in parts.items()}


def _against_gold(
    question: EvaluationQuestion, answer: Mapping[str, Any], citations: Sequence[Mapping[str, Any]]
) -> Iterator[tuple[str, Fraction]]:
    if question.answers or question.must_contain:
        yield "in_answer", (is_right(question, [c["text"] for c in answer["claims"]]), 1)
        yield "in_quotes", (is_right(question, [c["quote"] for c in citations]), 1)
    if question.sources or question.passages:
        gold = sum(cites_gold(question, c) for c in citations)
        yield "gold_cited", (gold > 0, 1)
        yield "gold_precision", (gold, len(citations))
    if question.quotes:
        yield "quote_f1", (quote_f1(question, citations), 1)


# All questions


def interval(numerators: Floats, denominators: Floats) -> tuple[float, float] | None:
    """Return the 95 % confidence interval of a ratio of sums, by the percentile bootstrap.

    Questions are resampled with replacement (Efron and Tibshirani 1993, chapter 13). Resamples
    whose denominator is 0 are left out.

    Args:
        numerators: What each question adds to the numerator; shape (questions,).
        denominators: What each question adds to the denominator; the same shape.

    Returns:
        The ends of the interval; None if the denominator is 0 in every resample.
    """
    n = len(numerators)
    chosen = np.random.default_rng(SEED).integers(n, size=(RESAMPLES, n))
    above, below = numerators[chosen].sum(1), denominators[chosen].sum(1)
    if not below.any():
        return None
    low, high = np.percentile(above[below > 0] / below[below > 0], [2.5, 97.5])
    return float(low), float(high)


def report(questions: Sequence[EvaluationQuestion], records: Sequence[Record]) -> dict[str, Any]:
    """Compute all measures from questions and their records, which are in the same order.

    Returns:
        A report as JSON. ``measures`` has for each name of ``TITLES`` its ``value``, the ends
        ``low`` and ``high`` of its 95 % interval, and ``questions``, the number that count in
        it; value and ends are None where none do. ``times`` has the ``median`` and ``p90`` (90th
        percentile) in seconds, and ``modes`` the number of answers in each mode.
    """
    fractions = [measure_fractions(q, r) for q, r in zip(questions, records, strict=True)]
    measures = {}
    for name in TITLES:
        above, below = np.array([part[name] for part in fractions]).reshape(-1, 2).T
        ends = interval(above, below) if below.any() else None
        low, high = (round(end, 4) for end in ends) if ends else (None, None)
        value = round(above.sum() / below.sum(), 4) if below.any() else None
        counted = int((below > 0).sum())
        measures[name] = {"value": value, "low": low, "high": high, "questions": counted}
    return {
        "questions": len(questions),
        "answerable": sum(q.answerable for q in questions),
        "modes": dict(sorted(Counter(r["answer"]["mode"] for r in records).items())),
        "measures": measures,
        "times": {name: _times([r[name] for r in records]) for name in _TIMES},
    }


def _times(seconds: Sequence[float | None]) -> dict[str, Any]:
    known = [s for s in seconds if s is not None]
    median, p90 = np.percentile(known, [50, 90]).round(4).tolist() if known else (None, None)
    return {"median": median, "p90": p90, "questions": len(known)}


def rows(report: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Format a report as the rows of a table; ``HEAD`` names its columns."""
    table = []
    for name, m in report["measures"].items():
        if m["value"] is not None:
            ends = f"{m['low']:.3f} to {m['high']:.3f}"
            table.append((TITLES[name], f"{m['value']:.3f}", ends, str(m["questions"])))
    for name, t in report["times"].items():
        for key in ("median", "p90"):
            if t[key] is not None:
                title = f"{_TIMES[name]}, {key}"
                table.append((title, f"{t[key]:.2f} s", "", str(t["questions"])))
    modes = ", ".join(f"{n} {mode}" for mode, n in report["modes"].items())
    return [*table, ("answers", modes, "", str(report["questions"]))]
