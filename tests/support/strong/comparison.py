"""A plain comparison of a sentence with evidence sentences, by which a model judges controls.

It knows nothing of how they are made. A sentence is supported if an evidence sentence has its
numbers, its names, as many negations and nearly all of its words.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from itertools import pairwise

from service.text.numerals import mentioned

_NEARLY_ALL = 0.8  # of the words of an English sentence, the pairs of characters of a Japanese one
_JAPANESE = re.compile(r"[\u3041-\u30ff\u3400-\u9fff]")
_WORD = re.compile(r"[a-z]+")
_CONTRACTED = re.compile(r"n['’]t\b")
_NAME = re.compile(r"[A-Za-z\d]*[A-Z][A-Za-z\d]*")
_NEGATION = re.compile(
    r"\bnot\b|n['’]t\b|\bcannot\b|\bnever\b|\bno\b|ない|なかっ|ません|(?<!必)ず[、に]"
)


def nearest(sentence: str, evidence: Mapping[int, str]) -> tuple[int, bool]:
    """Return the number of the evidence sentence that supports a sentence, or comes nearest.

    Args:
        sentence: The sentence.
        evidence: Sentences by number; at least one.

    Returns:
        The number, and whether it supports the sentence.
    """
    found = [(_supports(sentence, text), _share(sentence, text), n) for n, text in evidence.items()]
    supported, _, number = max(found, key=lambda each: each[:2])
    return number, supported


def _supports(sentence: str, evidence: str) -> bool:
    return (
        _share(sentence, evidence) >= _NEARLY_ALL
        and mentioned(sentence) <= mentioned(evidence)
        and _names(sentence) <= {name.lower() for name in re.findall(r"[A-Za-z\d]+", evidence)}
        and len(_NEGATION.findall(sentence)) == len(_NEGATION.findall(evidence))
    )


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
