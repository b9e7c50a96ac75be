"""What answers are worth, in numbers: pure functions of answers and what is known to be right.

An answer here is the JSON that ``types.to_json`` makes of an Answer; a record is what
``evaluation`` keeps of one question:

    {"id", "question", "answer", "first_claim": s | None, "total": s,
     "judged": [{"recall": bool, "citations": [bool, …]}, …]}    one for each claim

Every measure is a ratio of two sums over questions, so that one bootstrap serves them all.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from corpus.text.sentences import sentences
from index.lexical.tokenizer import tokens

RESAMPLES = 1000  # of the bootstrap
SEED = 7
SAME_SENTENCE = 0.5  # of two sentences' words that both have, to be the same one
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
    "refused": "answerable questions refused",
    "withheld": "claims withheld per question",
}
_TIMES = {"first_claim": "time to first claim", "total": "time to the end"}
HEAD = ("measure", "value", "95 % interval", "questions")

Record = Mapping[str, Any]
Fraction = tuple[float, float]  # what a question adds to a measure's numerator and denominator


@dataclass(frozen=True, slots=True)
class EvaluationQuestion:
    """A question and what is known of its answer; what is not known is empty.

    An answer is right if it holds one of ``answers``, or one string of each group of
    ``must_contain``. ``sources`` and ``passages`` are ids of the gold: what the answer stands
    in. ``quotes`` are the gold's sentences.
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
class Judgement:
    """One statement judged: whether its citations bear it, and which of them are right."""

    recall: bool
    citations: tuple[bool, ...]


# One answer


def fold(text: str) -> str:
    """NFKC and lower case; a run of blanks is one, and none stands beside kana or kanji."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return _LOOSE_BLANK.sub("", " ".join(folded.split()))


def occurs(wanted: str, text: str) -> bool:
    """Whether ``wanted`` stands in ``text``, both folded.

    A number counts only as a whole (not 30 in 308, nor in 30.5), and a word only from its
    beginning (not "art" in "smart"); it may go on ("metre" in "metres").
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
    """Whether one of ``answers``, or one of each group of ``must_contain``, is in the texts."""

    def held(wanted: Iterable[str]) -> bool:
        return any(occurs(w, text) for w in wanted for text in texts)

    groups = question.must_contain
    return held(question.answers) or (bool(groups) and all(held(group) for group in groups))


def judge_statement(citations: int, supports: Callable[[Sequence[int]], bool]) -> Judgement:
    """A statement with so many citations, judged as ALCE does (Gao et al. 2023, section 3.3).

    ``supports`` tells whether the cited passages of some positions, 0-based, together support
    the statement. Recall: all of them do. A citation is right if recall is given and it alone
    supports the statement, or the others without it do not.
    """
    everything = range(citations)
    if not citations or not supports(everything):
        return Judgement(False, (False,) * citations)
    if citations == 1:
        return Judgement(True, (True,))
    right = (supports([i]) or not supports([j for j in everything if j != i]) for i in everything)
    return Judgement(True, tuple(right))


def cites_gold(question: EvaluationQuestion, citation: Mapping[str, Any]) -> bool:
    """Whether a citation's source is among the gold sources, or its passage among the passages."""
    return citation["source_id"] in question.sources or citation["passage_id"] in question.passages


def same_sentence(a: str, b: str) -> bool:
    """Whether two sentences count as one: Dice's coefficient of their tokens is ≥ 0.5.

    That is 2 · shared / (tokens of a + tokens of b), over multisets of ``index.lexical.tokenizer``: words
    and numbers, and bigrams of kana and kanji.
    """
    one, other = Counter(tokens(a)), Counter(tokens(b))
    both = one.total() + other.total()
    return both > 0 and 2 * (one & other).total() >= SAME_SENTENCE * both


def quote_f1(question: EvaluationQuestion, citations: Iterable[Mapping[str, Any]]) -> float:
    """F1 of the sentences cited against the gold sentences, 0 to 1.

    The sentences cited are those of all quotes, each once. Precision is the share of them that
    are the same (``same_sentence``) as some gold sentence, recall the share of gold sentences
    that are the same as some cited one; F1 is their harmonic mean, 0 where nothing is cited.
    """
    cited = list(dict.fromkeys(s for c in citations for s in sentences(c["quote"])))
    gold = question.quotes
    if not cited or not gold:
        return 0.0
    precision = sum(any(same_sentence(c, g) for g in gold) for c in cited) / len(cited)
    recall = sum(any(same_sentence(c, g) for c in cited) for g in gold) / len(gold)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


# One question's part in each measure


def measure_fractions(question: EvaluationQuestion, record: Record) -> dict[str, Fraction]:
    """What a question adds to each measure: (numerator, denominator); left out: (0, 0).

    An answerable question that was refused counts as wrong, as not citing the gold, and with a
    citation F1 of 0. ALCE's two are means over the answers given, of the share of statements
    and of citations; gold precision is the share of all citations of answers to answerable
    questions.
    """
    answer = record["answer"]
    citations = [c for claim in answer["claims"] for c in claim["citations"]]
    found: dict[str, Fraction] = {}
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
    found["withheld"] = (len(answer["rejected"]), 1)
    return {name: tuple(map(float, found.get(name, (0, 0)))) for name in TITLES}


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


def interval(numerators: np.ndarray, denominators: np.ndarray) -> tuple[float, float] | None:
    """The 95 % interval of sum / sum, by the percentile bootstrap over questions.

    Both [questions]; resamples of the questions, with replacement, in which the denominator is
    0 are left out; None if that is all of them. Efron and Tibshirani 1993, chapter 13.
    """
    n = len(numerators)
    chosen = np.random.default_rng(SEED).integers(n, size=(RESAMPLES, n))
    above, below = numerators[chosen].sum(1), denominators[chosen].sum(1)
    if not below.any():
        return None
    low, high = np.percentile(above[below > 0] / below[below > 0], [2.5, 97.5])
    return float(low), float(high)


def report(questions: Sequence[EvaluationQuestion], records: Sequence[Record]) -> dict[str, Any]:
    """All measures of some questions and their records, in the same order; ready for JSON.

    ``measures``: for each name of TITLES its ``value``, the ends ``low`` and ``high`` of its
    95 % interval, and ``questions``, the number that count in it; value and ends are None
    where none do. ``times``: seconds, ``median`` and ``p90``. ``modes``: how many answers were
    generated, quoted and abstained.
    """
    each = [measure_fractions(q, r) for q, r in zip(questions, records, strict=True)]
    measures = {}
    for name in TITLES:
        above, below = np.array([part[name] for part in each]).reshape(-1, 2).T
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
    """The rows of a table of a report, below HEAD."""
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
