"""Mutants: true sentences of the library that are made false by rule, in English and Japanese.

There are five kinds here: a changed number, a negation, a swapped name, a sentence cited to a
passage that does not say it, and two sentences spliced; a sixth, a lie behind true clauses, is made
by ``lies_behind.py``. The same library gives the same mutants. They are independent of the rules
that are tested by them.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from corpus.store.store import Store
from corpus.text.sentences import sentences
from corpus.types import Passage, Source

ROUNDS = 4  # the most times that a sentence is used
KINDS = ("number", "negation", "name", "passage", "splice")
_NOTE = re.compile(r"\s*[(（][^()（）]*[)）](?=[.。]?$)")
NUMBER = re.compile(r"(?<![A-Za-z\d.,-])\d+(?:,\d{3})*(?:\.\d+)?(?![\d,.]*\d|[A-Za-z-])")
_NAME = re.compile(
    r"(?<![A-Za-z\d-])[A-Z][A-Za-z\d.-]*[A-Za-z\d](?: [A-Z][A-Za-z\d.-]*[A-Za-z\d])*"
    r"|[\u30a1-\u30fa\u30fc]{4,}"
)
_NO_NAMES = frozenset(
    ("English", "Japanese", "January", "February", "July", "September", "November")
)
_AUXILIARY = re.compile(r"\b(is|are|was|were|has|have|had|can|could|does|did|will)\b(?! not| no\b)")
_ENDINGS = (
    ("している", "していない"), ("されている", "されていない"), ("であった", "ではなかった"),
    ("だった", "ではなかった"), ("された", "されなかった"), ("した", "しなかった"),
    ("である", "ではない"), ("できる", "できない"), ("やすい", "にくい"), ("られる", "られない"),
    ("れる", "れない"), ("になる", "にならない"), ("する", "しない"), ("いる", "いない"),
    ("がある", "がない"), ("述べる", "述べていない"), ("ている", "ていない"), ("見ている", "見ていない"),
)  # fmt: skip
_CLAUSE = re.compile(
    r"(?:the |its |their |it |they |an? )?[\w -]{1,40}? (?:is|are|was|were|has|have|had|\w+ed) "
)
_JOINTS = (" was ", " is ", " and ", " with ", " in ", " of ", " that ", " from ", " on ")


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence of the library, and its passage and source."""

    text: str
    passage: Passage
    source: Source

    @property
    def language(self) -> str:
        """Return "ja" or "en"."""
        return _language(self.text)


@lru_cache(maxsize=4096)
def _language(text: str) -> str:
    return "ja" if re.search(r"[\u3041-\u3096]", text) else "en"


@dataclass(frozen=True, slots=True)
class Mutant:
    """A false claim; one with ``passage`` is only not supported by that passage.

    Attributes:
        behind: The true statements in front of a lie, in their order.
        control: The same claim without its lie, which is true; "" for other kinds.
    """

    kind: str
    language: str
    claim: str
    original: Statement
    passage: Statement | None = None
    behind: tuple[Statement, ...] = ()
    control: str = ""


def statements(store: Store) -> list[Statement]:
    """List sentences of medium length, by source id and offset.

    The order of the store's rows would depend on which of two sources was read first.
    """
    found = []
    held = store.passages(store.rows()).values()
    for passage, source in sorted(held, key=lambda one: (one[1].id, one[0].start)):
        for text in sentences(passage.text):
            if 25 <= len(text) * (2 if re.search(r"[\u3041-\u3096]", text) else 1) <= 300:
                found.append(Statement(text, passage, source))
    return found


def without_note(text: str) -> str:
    """Remove a note in brackets at the end of a sentence, such as "(abstract)"."""
    return _NOTE.sub("", text)


def mutants(found: Sequence[Statement], kind: str, most: int) -> list[Mutant]:
    """Make up to ``most`` different mutants of a kind."""
    make: dict[str, Callable[..., Mutant | None]] = {
        "number": _number, "negation": _negation, "name": _name,
        "passage": _passage, "splice": _splice,
    }  # fmt: skip
    rng = random.Random(kind)
    true = {s.text for s in found}
    made: dict[tuple[str, str], Mutant] = {}
    for _ in range(ROUNDS):
        for statement in rng.sample(list(found), len(found)):
            mutant = make[kind](statement, found, rng)
            if len(made) < most and mutant and (mutant.passage or mutant.claim not in true):
                where = mutant.passage.passage.id if mutant.passage else ""
                made.setdefault((mutant.claim, where), mutant)
    return list(made.values())


def _number(s: Statement, _all: Sequence[Statement], rng: random.Random) -> Mutant | None:
    numbers = list(NUMBER.finditer(s.text))
    if not numbers:
        return None
    match = rng.choice(numbers)
    digits = [i for i in range(match.start(), match.end()) if s.text[i].isdigit()]
    at = rng.choice(digits[: max(1, len(digits) - 1)])
    other = rng.choice([d for d in "123456789" if d != s.text[at]])
    claim = s.text[:at] + other + s.text[at + 1 :]
    return Mutant("number", s.language, claim, s)


def _negation(s: Statement, _all: Sequence[Statement], rng: random.Random) -> Mutant | None:
    if s.language == "en":
        found = list(_AUXILIARY.finditer(s.text))
        if not found:
            return None
        match = found[0]
        return Mutant("negation", "en", f"{s.text[: match.end()]} not{s.text[match.end() :]}", s)
    body = without_note(s.text).rstrip("。")
    for ending, turned in _ENDINGS:
        if body.endswith(ending):
            rest = s.text[len(body) :]
            return Mutant("negation", "ja", body[: -len(ending)] + turned + rest, s)
    return None


def _name(s: Statement, everything: Sequence[Statement], rng: random.Random) -> Mutant | None:
    known = _known(tuple(each.text for each in everything))
    names = [m for m in _NAME.finditer(without_note(s.text)) if m[0] in known]
    if not names:
        return None
    match = rng.choice(names)
    kana = match[0][0] > "z"
    others = [n for n in known if n not in s.text and (n[0] > "z") == kana]
    if not others:
        return None
    claim = s.text[: match.start()] + rng.choice(sorted(others)) + s.text[match.end() :]
    return Mutant("name", s.language, claim, s)


@lru_cache(maxsize=8)
def _known(texts: tuple[str, ...]) -> Counter[str]:
    """Count names that are in several sentences, not at their start."""
    found = Counter(m[0] for text in texts for m in _NAME.finditer(text) if m.start() > 0)
    return Counter({n: c for n, c in found.items() if c >= 2 and n not in _NO_NAMES})


def _passage(s: Statement, everything: Sequence[Statement], rng: random.Random) -> Mutant | None:
    others = [o for o in everything if o.passage.id != s.passage.id and o.language == s.language]
    near = [o for o in others if o.source.id == s.source.id]
    wrong = rng.choice(near if near and rng.random() < 0.5 else others)
    return Mutant("passage", s.language, s.text, s, wrong)


def _splice(s: Statement, everything: Sequence[Statement], rng: random.Random) -> Mutant | None:
    others = [o for o in everything if o.language == s.language and o.text != s.text]
    for joint in rng.sample(_JOINTS, len(_JOINTS)) if s.language == "en" else ("は",):
        left, found, _ = s.text.partition(joint)
        if not found or len(left) < (3 if joint == "は" else 8):
            continue
        for other in rng.sample(others, len(others)):
            head, also, right = other.text.partition(joint)
            claim = f"{left}{joint}{right}"
            if other.text in claim or s.text in claim:  # 一方、X is X
                continue
            if joint == " and " and _CLAUSE.match(right):
                continue  # two true clauses, each with its own subject
            if also and len(right) > 12 and head.split()[:2] != left.split()[:2] and head != left:
                return Mutant("splice", s.language, claim, s)
    return None
