"""A plain comparison of a sentence with evidence sentences, by which a model judges controls.

It knows nothing of how they are made. A sentence is supported if an evidence sentence has its
numbers, its names, as many negations and nearly all of its words, or if two have them together.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from itertools import combinations, pairwise

from service.text.numerals import mentioned

_NEARLY_ALL = 0.8  # of the words of an English sentence, the pairs of characters of a Japanese one
_MOST = 0.6  # of the words of each of two sentences, that the sentence joins
_READ = 6  # evidence sentences that are compared in pairs
_SCOPE = re.compile(
    r"\b(?:all|every|always|exclusively|only|most|mostly)\b|すべて|全て|必ず|もっぱら|だけ|のみ",
    re.IGNORECASE,
)
_JAPANESE = re.compile(r"[\u3041-\u30ff\u3400-\u9fff]")
_WORD = re.compile(r"[a-z]+")
_CONTRACTED = re.compile(r"n['’]t\b")
_NAME = re.compile(r"[A-Za-z\d]*[A-Z][A-Za-z\d]*")
_NEGATION = re.compile(
    r"\bnot\b|n['’]t\b|\bcannot\b|\bnever\b|\bno\b|ない|なかっ|ません|(?<!必)ず[、に]"
)


def nearest(sentence: str, evidence: Mapping[int, str]) -> tuple[tuple[int, ...], bool]:
    """Return the numbers of the evidence sentences that support a sentence, or come nearest.

    Args:
        sentence: The sentence.
        evidence: Sentences by number; at least one.

    Returns:
        The numbers of one or two sentences, and whether they support the sentence.
    """
    near = sorted(evidence, key=lambda n: -_share(sentence, evidence[n]))[:_READ]
    bases = [(n,) for n in near] + [tuple(sorted(pair)) for pair in combinations(near, 2)]
    for numbers in bases:
        if _supports(sentence, [evidence[n] for n in numbers]):
            return numbers, True
    return (near[0],), False


def _supports(sentence: str, texts: Sequence[str]) -> bool:
    text = " ".join(texts)
    negated = len(_NEGATION.findall(sentence))
    return (
        _begins_alike(sentence, texts[0])
        and (len(texts) == 1 or all(_share(each, sentence) >= _MOST for each in texts))
        and _share(sentence, text) >= _NEARLY_ALL
        and mentioned(sentence) <= mentioned(text)
        and _names(sentence) <= {name.lower() for name in re.findall(r"[A-Za-z\d]+", text)}
        and _scopes(sentence) <= _scopes(text)
        and negated == len(_NEGATION.findall(text))
    )


def _begins_alike(sentence: str, text: str) -> bool:
    """Whether two English sentences have one subject, as far as a first word tells.

    A phrase such as "In 2022" may have been moved from the front to the end.
    """
    first, other = (re.match(r"(?:The |A |An )?([A-Za-z][\w-]*)", t) for t in (sentence, text))
    moved = other and other[1] in ("In", "On", "At", "For", "By", "As", "From", "With", "According")
    return bool(moved) or not (first and other) or first[1] in text[:30]


def _scopes(text: str) -> set[str]:
    return {match.lower() for match in _SCOPE.findall(text)}


def _names(text: str) -> set[str]:
    """Words with a capital, in lower case; also the first word, which may be a name."""
    return {match.lower() for match in _NAME.findall(text)}


def _share(sentence: str, evidence: str) -> float:
    """How much of a sentence's words evidence has."""
    wanted, found = _parts(sentence), _parts(evidence)
    return len(wanted & found) / len(wanted) if wanted else 0.0


def _parts(text: str) -> set[str]:
    text = _CONTRACTED.sub(" not", unicodedata.normalize("NFKC", text).lower())
    words = set(_WORD.findall(text))
    if not _JAPANESE.search(text):
        return words
    letters = [c for c in text if c.isalpha()]
    return words | {a + b for a, b in pairwise(letters)}
