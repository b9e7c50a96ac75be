"""Sentences made false by rule: another number, name or relation, or a negation, in two languages.

What is made is surely not supported by the evidence. So sentences are left alone of which a changed
one could be true as well: with bounds ("at least 5"), doubts, conditions or negations of their own.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from index.lexical.tokenizer import is_japanese
from service.judging.relations import exchanged, widened
from service.text.alignment import coverage_share
from service.text.numerals import is_year, mentioned, rounded

_TRIES = 20  # values that are tried for one number
_COVERED = 0.3  # share of the other words, from which a sentence may say the same of another name
UNCLEAR = re.compile(
    r"\b(?:not?|never|nor|neither|none|nothing|without|cannot|hardly|rarely|if|whether|unless|except"
    r"|or|may|might|could|would|should|any|fails?|failed|lacks?|lacked|instead|rather|than)\b|n['’]t\b"
    r"|ない|なかっ|なく|ません|ずに|せず|場合|かもしれ|だろう|でしょう|または|もし|あるいは|しか|より",
    re.IGNORECASE,
)
_NUMBER = re.compile(
    r"(?<![A-Za-z\d.,/–-])(?P<digits>\d+(?:,\d{3})*(?:\.\d+)?)(?![\d,.]*\d|[A-Za-z/–〜~-])"
)
_BOUND_BEFORE = re.compile(
    r"(?:\b(?:more than|over|at least|at most|less than|fewer than|under|up to|between|from|to|and"
    r"|within|exceed(?:s|ed|ing)?|below|above|least|than|figures?|tables?|sections?|equations?"
    r"|no\.|chapters?|steps?)\s|[図表第〜~]|±\s?|最大|最低|最小|少なくとも|最長)$",
    re.IGNORECASE,
)
_BOUND_AFTER = re.compile(
    r"^(?:\s(?:or|to|and)\b|[^\s、。]{0,6}(?:以上|以下|以内|以降|以前|未満|を超|超え|まで|から|程度|前後|近く"
    r"|余り|あまり|ほど|弱|強|〜|~|年代|世紀|目))"
)
_ESTIMATE = re.compile(
    r"(?:\b(?:about|around|nearly|roughly|almost|some|approximately)\s|[約ほぼ]|およそ)$",
    re.IGNORECASE,
)
_ABOUT = 0.2  # share by which an estimate may differ
_MONTH = (
    r"(?:January|February|March|April|May|June|July|August|September|October|November|December)"
)
_OF_A_DATE = re.compile(
    rf"{_MONTH} \d{{1,2}}\b|\b\d{{1,2}}(?= {_MONTH}\b)|(?<!\d)\d{{1,2}}(?=[月日時])"
)
_PERCENT = re.compile(r"^\s?(?:%|％|percent|per cent|パーセント)")
NAME = re.compile(r"(?<![A-Za-z\d-])[A-Z][A-Za-z\d.-]*[A-Za-z\d](?: [A-Z][A-Za-z\d.-]*[A-Za-z\d])*")
GOES_ON = re.compile(r"[a-z,] $|[\u3041-\u9fff]$")  # before a name inside a sentence
NO_NAME = re.compile(rf"{_MONTH}|English|Japanese|\w+day")
_BE = re.compile(r"\b(?:is|are|was|were)\b(?=\s[a-z])(?!\s(?:also|only|no|just|both|either)\b)")
_SCOPE = re.compile(
    r"\b(?:some|many|most|several|few|often|usually|sometimes|all|each|every|always|only|when|while"
    r"|because|since|as|after|before|although|though|until|where|how|what|why|which|who|that|can)\b",
    re.IGNORECASE,
)
_SCOPE_JA = re.compile(
    r"すべて|全て|多く|一部|ほとんど|だけ|のみ|必ず|時々|ことがあ|たび|ば、|ため、|ので"
)
_NEGATED_ENDINGS = tuple(
    tuple(pair.split(":"))
    for pair in (
        "ました:ませんでした でした:ではありませんでした です:ではありません ます:ません"
        " ている:ていない ていた:ていなかった であった:ではなかった である:ではない"
        " だった:ではなかった された:されなかった される:されない できる:できない がある:がない"
        " した:しなかった する:しない になる:にならない"
    ).split()
)


@dataclass(frozen=True, slots=True)
class Falsified:
    """A false sentence.

    Attributes:
        text: The sentence.
        original: That of which it was made, in the evidence or in the draft.
        copied: The sentence of the draft that it repeats but for a number; "" if it does not.
    """

    text: str
    original: str
    copied: str = ""


def falsified(
    pool: Sequence[str], evidence: Sequence[str], rng: random.Random
) -> Iterator[Falsified]:
    """Yield false sentences made from those of a pool, of a random kind first.

    Args:
        pool: Sentences to choose from, the preferred ones first.
        evidence: All sentences of the evidence, none of which may support what is made.
        rng: What is drawn at random is drawn from it.
    """
    plain = [text for text in pool if not UNCLEAR.search(text)]
    whole, known = mentioned("\n".join(evidence)), _known_names(evidence)
    kinds: tuple[Callable[[str], Iterator[str]], ...] = (
        lambda text: with_number_but(text, whole, rng),
        lambda text: _other_name(text, known, evidence, rng),
        lambda text: exchanged(text, evidence),
        lambda text: widened(text, evidence),
        _negated,
    )
    for kind in rng.sample(kinds, len(kinds)):
        for text in plain:
            yield from (Falsified(made, text) for made in kind(text))


def with_other_numbers(
    pool: Sequence[str], evidence: Sequence[str], rng: random.Random
) -> Iterator[Falsified]:
    """Yield sentences of a pool with a number that stands nowhere in the evidence."""
    whole = mentioned("\n".join(evidence))
    for text in pool:
        if not UNCLEAR.search(text):
            yield from (Falsified(made, text) for made in with_number_but(text, whole, rng))


def with_number_but(text: str, taken: frozenset[float], rng: random.Random) -> Iterator[str]:
    """Yield a sentence with another number in place of each of its own.

    Args:
        text: The sentence.
        taken: Numbers that the new one is not, nor about the same as where it is an estimate.
        rng: What is drawn at random is drawn from it.
    """
    found = [m for m in _NUMBER.finditer(text) if _is_exact(text, m)]
    here = mentioned(text)
    sums = {rounded(a + b) for a, b in combinations(here, 2)}
    sums |= {rounded(abs(a - b)) for a, b in combinations(here, 2)}
    for match in rng.sample(found, len(found)):
        for _ in range(_TRIES):
            digits = _another(text, match, rng)
            made = text[: match.start()] + digits + text[match.end() :]
            new = mentioned(made) - here
            if new and not new & (taken | sums) and not _may_be_about(text, match, new, taken):
                yield made
                break


def _may_be_about(
    text: str, match: re.Match[str], new: frozenset[float], taken: frozenset[float]
) -> bool:
    """Whether a new number may be an estimate of one that is taken, as "about 70" of 72."""
    if not _ESTIMATE.search(text[: match.start()]):
        return False
    return any(abs(a - b) <= _ABOUT * abs(b) for a in new for b in taken)


def _is_exact(text: str, match: re.Match[str]) -> bool:
    before, after = text[: match.start()], text[match.end() :]
    bound = _BOUND_BEFORE.search(before) or _BOUND_AFTER.search(after)
    return not bound and not in_brackets(before) and float(match["digits"].replace(",", "")) >= 2


def in_brackets(before: str) -> bool:
    """Whether a bracket is open after some text: what stands in it may be left out again."""
    return any(before.count(a) > before.count(b) for a, b in (("(", ")"), ("（", "）")))


def _another(text: str, match: re.Match[str], rng: random.Random) -> str:
    """Return another number in the same form; a larger one where a smaller may be implied."""
    digits = match["digits"]
    value = float(digits.replace(",", ""))
    if any(m.start() <= match.start() < m.end() for m in _OF_A_DATE.finditer(text)):
        return str(rng.randint(1, 12))
    if text.startswith("つ", match.end()) and value < 10:
        return str(rng.randint(2, 9))
    if _PERCENT.match(text[match.end() :]) and value < 100:
        other = rng.choice([n for n in range(3, 98) if abs(n - value) >= 8])
        decimals = digits.partition(".")[2]
        return f"{other}.{rng.randint(1, 9)}" if decimals else str(other)
    if is_year(value) and "," not in digits and "." not in digits:
        return str(int(value) - rng.randint(2, 14))
    if "." in digits:
        places = len(digits.partition(".")[2])
        return f"{value * rng.uniform(1.4, 2.4):{',' if ',' in digits else ''}.{places}f}"
    unit = 1
    while value % (10 * unit) == 0 and value > unit * 10:
        unit *= 10
    head = int(value) // unit
    other = unit * rng.randint(head + head // 3 + 2, 2 * head + 5)
    return f"{other:,}" if "," in digits else str(other)


def _known_names(evidence: Sequence[str]) -> list[str]:
    """Names in several sentences of the evidence, not at their start."""
    found = Counter(
        match[0]
        for text in evidence
        for match in NAME.finditer(text)
        if GOES_ON.search(text[: match.start()])
    )
    whole = "\n".join(evidence)
    return sorted(
        name
        for name, count in found.items()
        if count >= 2 and len(name) >= 4 and not NO_NAME.fullmatch(name)
        if not _is_common(name, whole)
    )


def _is_common(name: str, whole: str) -> bool:
    """Whether a word with capitals names a kind of thing, such as LLMs, that others are too."""
    kind = re.escape(name.removesuffix("s"))
    return name.lower() in whole or bool(re.search(rf"\b[Aa]n? {kind}\b|\b{kind}s\b", whole))


def _other_name(
    text: str, known: Sequence[str], evidence: Sequence[str], rng: random.Random
) -> Iterator[str]:
    """A name becomes another of the evidence, of which nothing alike is said there."""
    names = [m for m in NAME.finditer(text) if m[0] in known and not in_brackets(text[: m.start()])]
    for match in rng.sample(names, len(names)):
        rest = text[: match.start()] + text[match.end() :]
        for other in rng.sample(list(known), len(known)):
            if other not in text and _is_apart(match[0], other, rest, evidence):
                yield text[: match.start()] + other + text[match.end() :]
                break


def _is_apart(name: str, other: str, rest: str, evidence: Sequence[str]) -> bool:
    """Whether no sentence of the evidence could say of another name what is said of this one."""
    if name.isupper() != other.isupper() or name in other or other in name:
        return False
    if set(name.split()) & set(other.split()):
        return False
    for sentence in (each for each in evidence if other in each):
        across = is_japanese(sentence) != is_japanese(rest)
        if across or name in sentence or coverage_share(rest, sentence) >= _COVERED:
            return False
    return True


def _negated(text: str) -> Iterator[str]:
    """The first "is" of a plain sentence gets a "not"; a Japanese ending becomes its negation."""
    if is_japanese(text):
        for ending, negated in _NEGATED_ENDINGS:
            if text.endswith(f"{ending}。") and not _SCOPE_JA.search(text):
                yield text.removesuffix(f"{ending}。") + f"{negated}。"
                break
        return
    match = _BE.search(text)
    if match and not _SCOPE.search(text[: match.end()]) and not in_brackets(text[: match.end()]):
        yield f"{text[: match.end()]} not{text[match.end() :]}"
