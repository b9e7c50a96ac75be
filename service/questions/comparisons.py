"""The two things that a question compares: "How does WSGI differ from ASGI?" compares two.

Rules of thumb, for questions that are known to ask for a comparison.
"""

from __future__ import annotations

import re

from index.lexical.tokenizer import is_japanese
from service.questions.english_clauses import AUXILIARY, WH
from service.questions.words import any_of

_LONGEST = 6  # words of one thing
_LONGEST_JA = 20  # characters of one thing
_ARTICLE = re.compile(r"(?:the|an?)\s+", re.IGNORECASE)
_ASKS = re.compile(rf"\b(?:{WH}|{AUXILIARY}|{any_of('english', 'pronouns')})\b", re.IGNORECASE)
_ENGLISH = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"\b(?:between|compar(?:e|ing)|contrast(?:ing)?) (?:both )?(?P<one>.+?)"
        r" (?:and|with|to|against|versus|vs\.?) (?P<other>.+)",
        r"\b(?:do|does|did|is|are) (?P<one>.+?) (?:differ(?:ent)? from|compare (?:to|with))"
        r" (?P<other>.+)",
        r"\b(?:do|are|is) (?P<one>.+?) and (?P<other>.+?)"
        r" (?:differ|compare|related|(?:so )?different)\b",
        r"^(?P<one>[^,]+?) (?:vs\.?|versus|or|and) (?P<other>[^,:;]+)",
    )
]
_JAPANESE = [
    re.compile(pattern)
    for pattern in (
        r"(?P<one>[^、。]+?)と、?(?P<other>[^、。]+?)(?:の|との間の|における)(?:違い|差|相違|比較)",
        r"(?P<one>[^、。]+?)と、?(?P<other>[^、。]+?)(?:を|で)(?:比べ|比較|対比)",
        r"(?P<one>[^、。]+?)と、?(?P<other>[^、。]+?)(?:は|って|で)、?(?:どう|どのように|どこが|何が)",
        r"(?P<one>[^、。]+?)(?:は|って)、?(?P<other>[^、。]+?)と(?:は)?、?(?:どう|どのように|どこが|何が)",
    )
]
_PLACE = re.compile(r"(.+?) in .+")  # A and B in the report
_END = re.compile(r"[\s,.?!。、？！「」『』\"“”]+$|^[\s「『\"“]+")


def compared_things(question: str) -> tuple[str, str] | None:
    """Return the two things that a question compares, or None if they cannot be told."""
    japanese = is_japanese(question)
    for pattern in _JAPANESE if japanese else _ENGLISH:
        if match := pattern.search(question.strip(" ?.!？。！")):
            one, other = (_bare(match[name]) for name in ("one", "other"))
            if placed := _PLACE.fullmatch(other):
                other = placed[1]
            return (one, other) if one != other and all(map(_is_thing, (one, other))) else None
    return None


def _bare(thing: str) -> str:
    return _ARTICLE.sub("", _END.sub("", _END.sub("", thing)), count=1)


def _is_thing(text: str) -> bool:
    if is_japanese(text):
        return 0 < len(text) <= _LONGEST_JA
    return 0 < len(text.split()) <= _LONGEST and not _ASKS.search(text)
