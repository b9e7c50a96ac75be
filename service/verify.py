"""A sentence and its evidence to a verdict, with the quote that decides it. No HTTP.

Two halves decide together. Rules decide where rules are exact: the numbers that a sentence
states, and the names in it, must stand in what it cites. The checker decides whether the
evidence supports what the sentence says about them, in either language.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from corpus.sentences import sentence_spans
from index.checker import Checker
from index.tokens import is_japanese, tokens
from service.numbers import mentioned, spelled, stated
from service.question import language_of
from service.types import Citation, Claim, Draft, Evidence, Rejected, Support, Verdict
from service.wording import say

SUPPORTED = 0.5  # probability of entailment from which a quote bears a claim
PARTIAL = 0.25
CONTRADICTED = 0.85
MOVE_MARGIN = 0.1  # by how much better a passage that was not cited must be, to be cited instead
MAX_WINDOWS = 12  # quotes read by the checker for one claim
MAX_CITATIONS = 3  # of one claim

_NAME = re.compile(r"[A-Z][A-Za-z0-9'’]*(?:[-.][A-Za-z0-9]+)*")
_KATAKANA = re.compile(r"[\u30a1-\u30fa\u30fc]{3,}")
_HIRAGANA = re.compile(r"[\u3041-\u3096]")
# Words that turn or weaken what is said: a claim must have as many as its evidence.
_TURNS = re.compile(
    r"\b(?:not|no|never|nor|neither|without|cannot|unless|whether|if|may|might|could|fail\w*|"
    r"false|except|hardly|less|fewer)\b|n['’]t\b|ない|なかっ|ません|なく|ずに|ずとも|かどうか|かもしれ",
    re.IGNORECASE,
)
_FUNCTION_WORDS = frozenset(
    (
        "the a an this that these those it its they their he she his her we our you your i in"
        " on at of for from by with as to and or but not no yes if when while where what"
        " which who how why there here however therefore thus also both each all some most"
        " many more one two is are was were be has have had do does did can could may might"
        " will would should according"
    ).split()
)


@dataclass(frozen=True, slots=True)
class _Window:
    """One or two adjacent sentences of an evidence passage: text[start:end] of the passage."""

    evidence: Evidence
    start: int
    end: int

    @property
    def text(self) -> str:
        return self.evidence.passage.text[self.start : self.end]


@dataclass(frozen=True, slots=True)
class _Judged:
    window: _Window
    support: float
    contradiction: float
    missing: str  # what the rules miss in the window, for the reader; empty if nothing


class Verifier:
    """Checks sentences against evidence: ``check`` is a plain function of its arguments."""

    def __init__(self, checker: Checker) -> None:
        self._checker = checker

    def check(self, draft: Draft, evidence: Sequence[Evidence]) -> Claim | Rejected:
        """The claim that a sentence makes, with the citations that bear it, or why not.

        A citation stays if a quote of its passage supports the claim, goes if none does, and
        moves to another passage whose quote does so better. The claim's ``start`` and ``end``
        are 0 and its length: who assembles the answer knows where it stands.
        """
        found = find_verbatim(draft, evidence)
        if found:
            citations = tuple(cite(e, start, end) for e, start, end in found[:MAX_CITATIONS])
            return _claim(draft, citations, Verdict("supported", 1.0, "verbatim"))
        judged = self._judge(draft, evidence)
        bearing = _bearing(judged, draft.labels)
        if bearing:
            method = f"rules + {self._checker.name}"
            verdict = Verdict("supported", round(bearing[0].support, 3), method)
            windows = (j.window for j in bearing)
            return _claim(draft, tuple(cite(w.evidence, w.start, w.end) for w in windows), verdict)
        return self._reject(draft, judged)

    def _judge(self, draft: Draft, evidence: Sequence[Evidence]) -> list[_Judged]:
        windows = _nearest(draft, [w for e in evidence for w in _windows(e)])
        if not windows:
            return []
        pairs = [(w.text, draft.text) for w in windows]
        judged = []
        for window, (entailed, _, contradicted) in zip(
            windows, self._checker.supports(pairs).tolist(), strict=True
        ):
            if shortens(draft.text, window.text):
                entailed, contradicted = max(entailed, 1 - contradicted / 2), 0.0
            judged.append(_Judged(window, entailed, contradicted, _missing(draft.text, window)))
        return judged

    def _reject(self, draft: Draft, judged: Sequence[_Judged]) -> Rejected:
        language = language_of(draft.text)
        method = f"rules + {self._checker.name}"

        def because(label: Support, score: float, what: str, *values: str) -> Rejected:
            verdict = Verdict(label, round(score, 3), method)
            return Rejected(draft.text, say(what, language, *values), verdict)

        if not judged:
            return because("unsupported", 1.0, "not_mentioned")
        best = max(judged, key=lambda j: (j.support, -j.contradiction))
        if best.support >= SUPPORTED:
            return because("unsupported", 1.0, "missing", best.missing)
        contrary = max(judged, key=lambda j: j.contradiction)
        if contrary.contradiction >= CONTRADICTED:
            quote = contrary.window.text
            return because("contradicted", contrary.contradiction, "contradicted", quote)
        label: Support = "partial" if best.support >= PARTIAL else "unsupported"
        return because(label, 1 - best.support, label)


def shortens(claim: str, evidence: str) -> bool:
    """Whether a claim only leaves words of its evidence out, in the same language.

    All its content words stand there in the same order, and it has as many words that turn
    the sense. Such a sentence is the source's own; the checker need not be asked.
    """
    if is_japanese(claim) != is_japanese(evidence):
        return False
    if len(_TURNS.findall(claim)) != len(_TURNS.findall(evidence)):
        return False
    words = [t for t in tokens(claim) if t not in _FUNCTION_WORDS and not _HIRAGANA.search(t)]
    there = iter(tokens(evidence))
    return len(words) >= 2 and all(word in there for word in words)


def cite(evidence: Evidence, start: int, end: int) -> Citation:
    """The citation of ``evidence.passage.text[start:end]``."""
    passage = evidence.passage
    return Citation(
        label=evidence.label,
        source_id=passage.source_id,
        passage_id=passage.id,
        quote=passage.text[start:end],
        start=passage.start + start,
        end=passage.start + end,
        url=evidence.source.url,
        page=passage.page,
        before=passage.text[:start],
        after=passage.text[end:],
    )


def find_verbatim(draft: Draft, evidence: Iterable[Evidence]) -> list[tuple[Evidence, int, int]]:
    """Where a draft stands word for word: (evidence, start, end), the cited ones first.

    Only whole sentences count: of "It is not so that X", "X" is no quote.
    """
    wanted = draft.text.strip()
    found = []
    for e in evidence:
        spans = sentence_spans(e.passage.text)
        ends = {end for _, end in spans}
        for start, _ in spans:
            end = start + len(wanted)
            if wanted and end in ends and e.passage.text.startswith(wanted, start):
                found.append((e, start, end))
                break
    return sorted(found, key=lambda place: place[0].label not in draft.labels)


def _claim(draft: Draft, citations: tuple[Citation, ...], verdict: Verdict) -> Claim:
    return Claim(draft.text, 0, len(draft.text), citations, verdict)


def _windows(evidence: Evidence) -> list[_Window]:
    spans = sentence_spans(evidence.passage.text)
    single = [_Window(evidence, *span) for span in spans]
    double = [_Window(evidence, a[0], b[1]) for a, b in pairwise(spans)]
    return single + double


def _nearest(draft: Draft, windows: Sequence[_Window]) -> list[_Window]:
    """The windows worth reading: those that share most words with the claim, cited first.

    Across languages only names and numbers are shared, so there the order of retrieval
    stands in for the rest.
    """
    wanted = set(tokens(draft.text))
    japanese = is_japanese(draft.text)

    def closeness(window: _Window) -> float:
        there = set(tokens(window.text))
        shared = len(wanted & there) / (len(wanted) or 1)
        if is_japanese(window.text) != japanese:
            shared += 0.3 / window.evidence.label
        tight = 0.02 * len(there) / 100  # of two that share as much, the shorter
        return shared - tight + 0.15 * (window.evidence.label in draft.labels)

    return sorted(windows, key=closeness, reverse=True)[:MAX_WINDOWS]


def _bearing(judged: Sequence[_Judged], labels: Sequence[int]) -> list[_Judged]:
    """The windows that bear the claim, best first: one a passage, cited ones preferred."""
    best: dict[int, _Judged] = {}
    for j in judged:
        if j.support < SUPPORTED or j.missing:
            continue
        label = j.window.evidence.label
        # A longer window must be clearly better than the one sentence inside it.
        length = 0.05 * len(j.window.text) / 200
        if label not in best or j.support - length > best[label].support:
            best[label] = j
    cited = sorted((best[n] for n in labels if n in best), key=lambda j: -j.support)
    others = sorted((j for n, j in best.items() if n not in labels), key=lambda j: -j.support)
    if not cited:
        return others[:1]
    if others and others[0].support > cited[0].support + MOVE_MARGIN:
        cited = [others[0], *cited]
    return cited[:MAX_CITATIONS]


def _missing(claim: str, window: _Window) -> str:
    """The first number or name of a claim that its evidence does not have, or ''.

    Numbers must stand in the quote; names also count where they stand in its passage, its
    headings or its source's title and authors. Names are compared only within one script:
    that ナーフ is NeRF, a rule cannot know.
    """
    here = mentioned(window.text)
    for value in sorted(stated(claim) | spelled(claim)):
        if value not in here:
            return f"{value:,.12g}"
    source, passage = window.evidence.source, window.evidence.passage
    around = " ".join((passage.text, passage.heading, source.title, *source.authors))
    folded = unicodedata.normalize("NFKC", around).casefold()
    for name in _names(claim, is_japanese(passage.text)):
        if name.casefold() not in folded:
            return name
    return ""


def _names(claim: str, japanese_evidence: bool) -> list[str]:
    """Names in a claim that evidence of that language would have to spell the same way."""
    text = unicodedata.normalize("NFKC", claim)
    japanese = is_japanese(text)
    names = [m[0] for m in _NAME.finditer(text)]
    if japanese:
        return names + (_KATAKANA.findall(text) if japanese_evidence else [])
    if japanese_evidence:  # whose names are mostly in kana
        return []
    first = text.lstrip("\"'“‘(").split(" ", 1)[0].rstrip(",.:;")
    return [n for n in names if n.casefold() not in _FUNCTION_WORDS and n != first]
