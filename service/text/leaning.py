"""Sentences that cannot be understood without the one before them, in English and Japanese.

Pure functions, no model. The lists of words are in ``leaning.toml``.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from index.lexical.tokenizer import is_japanese

_LISTS = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
_ENGLISH, _JAPANESE = _LISTS["english"], _LISTS["japanese"]


def _any(words: Iterable[str]) -> str:
    """Build an alternative of words, the longest first."""
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


_OPENING = re.compile(r"[\s\"'“”‘’「『（(\[*_>・-]+")
_CONNECTIVE = re.compile(rf"(?i:{_any(_ENGLISH['connectives'])})(?:,\s*|\s+)")
# Without a capital or a figure with letters: "With Whisper, it …" says what "it" is.
_PHRASE = re.compile(
    rf"(?i:{_any(_ENGLISH['prepositions'])})(?:\s+(?:[a-z][\w'’-]*|\d[\d,.]*)){{1,6}},\s+"
)
_PERSONAL = re.compile(rf"({_any(_ENGLISH['personal'])})(?![\w-])(?!\s+et\s+al)", re.IGNORECASE)
_THE_LATTER = r"the\s+(?:former|latter|same|others?)\b"
_ALL_OF_THEM = r"\w+\s+of\s+(?:them|these|those|which|its|their)\b"
_BOTH = (
    r"(?:both|neither|either)\b(?!\s+(?:(?:the|an?)\s+)?[\w'’-]+(?:\s+[\w'’-]+)?\s+(?:and|n?or)\b)"
)
_DEMONSTRATIVE = re.compile(
    rf"(?:this(?!\s+(?:{_any(_ENGLISH['self_evident'])})\b)|these"
    rf"|those(?!\s+(?:{_any(_ENGLISH['general'])})\b)"
    r"|that\s+(?:is|was|means|meant|makes|made|gives|gave|has|had|would|could|can|will|did|does)"
    rf"|such|{_BOTH}|{_THE_LATTER}|{_ALL_OF_THEM})\b",
    re.IGNORECASE,
)
_IS = r"(?:is|was|were|has\s+been|had\s+been|seems|appears|becomes|remains|may\s+be|can\s+be)"
_ADVERB = (
    r"(?:(?:not|also|now|still|even|more|less|very|quite|often|never|always|sometimes|\w+ly)\s+)?"
)
_AUXILIARY = r"(?:(?:is|was|has|had|been)\s+){0,2}"
_EXPLETIVE = re.compile(
    rf"it\s+{_IS}\s+{_ADVERB}(?:{_any(_ENGLISH['expletive'])})\s+(?:for\s+.{{1,40}}?\s+)?"
    r"(?:that|to|whether|how|why|when|if|not|\w+ing)\b"
    rf"|it\s+{_AUXILIARY}{_ADVERB}(?:{_any(_ENGLISH['weather'])})\b"
    r"|it\s+(?:seems|appears|turns\s+out|follows)\s+that\b"
    r"|it\s+(?:is|was)\s+(?-i:[A-Z])[\w.-]*(?:\s+[\w'’.-]+){0,3}\s+(?:that|who|which|whose)\b",
    re.IGNORECASE,
)
_SETSUZOKU = re.compile(rf"(?:{_any(_JAPANESE['connectives'])})[、,，]")
# Without a name: 「Whisperは大きく、それは…」 says what それ is.
_SHORT_PHRASE = re.compile(
    r"[^、。，,「」A-Za-z\u30a1-\u30fa]{1,15}(?:に|には|で|では|から|まで|後|前)[、，,]"
)
_PERSONAL_JA = re.compile(rf"({_any(_JAPANESE['personal'])})(?=[はがのもをにと])")
_DEMONSTRATIVE_JA = re.compile(_any(_JAPANESE["demonstratives"]))
_SELF_EVIDENT_JA = re.compile(_any(_JAPANESE["self_evident"]))


def leans_on_previous(text: str) -> bool:
    """Return whether a sentence's subject is only understood from the sentence before it.

    It begins with a pronoun or demonstrative, or has one behind a connective or a short phrase:
    "It", "These models", "In 2022, they", それ, 同社, 両者. "This paper", "It is known that" and
    "It rains" do not count.
    """
    return bool(_subject(text))


def shared_pronoun(text: str, other: str) -> bool:
    """Return whether two consecutive sentences have the same personal pronoun as their subject.

    Then it means the same in both: "It cost 90 dollars. It has 12 layers."
    """
    first, second = _subject(text), _subject(other)
    personal = first in _ENGLISH["personal"] or first in _JAPANESE["personal"]
    return personal and first == second


def _subject(text: str) -> str:
    """The pronoun or demonstrative that is the subject, a personal one in its first form; or ""."""
    folded = unicodedata.normalize("NFKC", text)
    return _japanese(folded) if is_japanese(folded) else _english(folded)


def _english(text: str) -> str:
    start = _after(text, _OPENING, 0)
    start = _after(text, _CONNECTIVE, start)
    start = _after(text, _PHRASE, start)
    if _EXPLETIVE.match(text, start):
        return ""
    if found := _PERSONAL.match(text, start):
        return str(_ENGLISH["personal"][found[1].lower()])
    demonstrative = _DEMONSTRATIVE.match(text, start)
    return demonstrative[0].lower() if demonstrative else ""


def _japanese(text: str) -> str:
    start = _after(text, _OPENING, 0)
    start = _after(text, _SETSUZOKU, start)
    if not _subject_at(text, start):
        start = _after(text, _SHORT_PHRASE, start)
    return _subject_at(text, start)


def _subject_at(text: str, start: int) -> str:
    if _SELF_EVIDENT_JA.match(text, start):
        return ""
    if found := _PERSONAL_JA.match(text, start):
        return str(_JAPANESE["personal"][found[1]])
    demonstrative = _DEMONSTRATIVE_JA.match(text, start)
    return demonstrative[0] if demonstrative else ""


def _after(text: str, skipped: re.Pattern[str], start: int) -> int:
    found = skipped.match(text, start)
    return found.end() if found else start
