"""The two things that a question compares: "How does WSGI differ from ASGI?" compares two.

Rules of thumb, for questions that are known to ask for a comparison.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from index.lexical.tokenizer import is_japanese
from service.questions.english_clauses import AUXILIARY, WH
from service.questions.words import any_of
from service.text.alignment import content_words

_LONGEST = 6  # words of one thing
_LONGEST_JA = 20  # characters of one thing
_ARTICLE = re.compile(r"(?:the|an?)\s+", re.IGNORECASE)
_ASKS = re.compile(rf"\b(?:{WH}|{AUXILIARY}|{any_of('english', 'pronouns')})\b", re.IGNORECASE)
_ENGLISH = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"\b(?:between|compar(?:e|ing)|contrast(?:ing)?) (?:both )?(?P<one>.+?)"
        r" (?:and|with|to|against|versus|vs\.?) (?P<other>.+?)"
        r"(?:$| [-–—] |[,:;](?=\s+(?-i:[a-z])))",
        r"\b(?:do|does|did|is|are) (?P<one>.+?) (?:differ(?:ent)? from|compare (?:to|with))"
        r" (?P<other>.+)",
        r"\b(?:do|are|is) (?P<one>.+?) and (?P<other>.+?)"
        r" (?:differ|compare|related|(?:so )?different)\b",
        r"^(?P<one>[^,]+?) (?:vs\.?|versus|or|and) (?P<other>[^,:;]+?)(?:$| [-–—] |[,:;])",
    )
]
_JAPANESE = [
    re.compile(pattern)
    for pattern in (
        r"(?P<one>[^、。]+?)と、?(?P<other>[^、。]+?)(?:の|との間の|における)(?:違い|差|相違|比較)",
        r"(?P<one>[^、。]+?)と、?(?P<other>[^、。]+?)(?:を|で)(?:比べ|比較|対比)",
        r"(?P<one>[^、。]+?)と、?(?P<other>[^、。]+?)(?:は|って|で)、?(?:どう|どのように|どこが|何が)",
        r"(?P<one>[^、。]+?)(?:は|って)、?(?P<other>[^、。]+?)と(?:は)?、?(?:どう|どのように|どこが|何が)",
        r"(?P<one>[^、。はが]+?)と、?(?P<other>[^、。はが]+?)(?:の(?:うち|中))?"
        r"(?:では?、?|は、?|、[^、。]{0,15}?|の)(?:どちら|どっち)(?!の(?!ほう|方))",
    )
]
_YEARS = re.compile(
    r"(?P<one>(?<!\d)(?:19|20)\d\d年?)"
    r"(?:,? (?:and|or|with|against|versus|vs\.?|compared (?:to|with)) |[とや]、?)"
    r"(?P<other>(?:19|20)\d\d年?(?!\d))",
    re.IGNORECASE,
)
# What joins the two, and what only says that they are to be compared.
_JOINED = re.compile(
    r"[\s、,]*(?:and|or|with|to|against|versus|vs\.?|と|や|対)[\s、,]*(?:the )?", re.IGNORECASE
)
_COMPARING = re.compile(
    r"^how (?:do|does|did|is|are)(?=.*\b(?:differ|compare))"
    r"|^(?:please |can you |could you )*(?:compar(?:e|ing)|contrast(?:ing)?)\b"
    r"|\b(?:what(?:'s| is| are) the differences? (?:between|in)|compared?|between"
    r"|differ(?:s|ent|ently|ences?)?(?: from)?|(?:in|with) (?:respect|regard|terms) (?:of|to))\b"
    r"|は?、?(?:どう|どのように|どれくらい|どこが|何が)(?:違|異な|変わ)[^、。]*"
    r"|の?(?:違い|差|相違|比較)(?=[をはが]|$)|(?:を|で)?(?:比べ|比較し|対比し)[^、。]*"
    r"|(?:の(?:うち|中))?、?(?:どちら|どっち)(?:の(?:ほう|方))?(?:です)?[がか]?",
    re.IGNORECASE,
)
# The place of the two, with what depends on it: in 2021 and 2022, 2021年と2022年の.
_PLACE_OF_TWO = re.compile(r"(?:\b(?:in|of|for|from|during)\s+)?\0[ので]?、?", re.IGNORECASE)
_PLACE = re.compile(r"(.+?) in .+")  # A and B in the report
_END = re.compile(r"[\s,.?!。、？！「」『』\"“”]+$|^[\s「『\"“]+")


@dataclass(frozen=True, slots=True)
class ComparedSide:
    """One of two things that a question compares in some respect.

    Attributes:
        name: Its words in the question.
        question: What is asked of it alone.
        within: Ids of the sources that it is, such as the notes of one year; None where it is a
            thing that any source may speak of.
    """

    name: str
    question: str
    within: tuple[str, ...] | None


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


def says_versus(question: str) -> bool:
    """Return whether a question puts two things against each other in so many words."""
    return bool(re.search(r"\b(?:vs\.?|versus)\s", question, re.IGNORECASE))


def compared_years(question: str) -> tuple[str, str] | None:
    """Return the two years that a question compares, with the words they have there, or None."""
    found = _YEARS.search(unicodedata.normalize("NFKC", question))
    return (found["one"], found["other"]) if found and found["one"] != found["other"] else None


def side_questions(
    question: str, sides: Sequence[str], told: bool = False
) -> tuple[str, str] | None:
    """Ask of each of two compared things alone what a question asks of both.

    "Compare the rent of Harrow and Pell" gives "the rent of Harrow" and "the rent of Pell".

    Args:
        question: The question.
        sides: The words of the two in it, the first to stand there first.
        told: Whether what is read tells the sides apart, so that the questions need not: notes
            of 2021 seldom say that they are of 2021.

    Returns:
        The two questions; None if the two do not stand side by side, or if nothing is asked of
        them but what they are.
    """
    asked = unicodedata.normalize("NFKC", question).strip(" ?.!？。！")
    one, other = (re.escape(side) for side in sides)
    joined = re.search(rf"{one}{_JOINED.pattern}{other}(?![,:.]?\d)", asked, re.IGNORECASE)
    if not joined:
        return None
    before, after = asked[: joined.start()], asked[joined.end() :]
    rest = _COMPARING.sub(" ", f"{before}\0{after}")
    if not content_words(rest.replace("\0", " ")):
        return None
    if told:
        rest = _PLACE_OF_TWO.sub(" ", rest)
    first, second = (_alone(rest.replace("\0", side)) for side in sides)
    return first, second


def _alone(placed: str) -> str:
    """Make a question of what is asked of one of two things."""
    asked = " ".join(re.sub(r"[?？]", " ", placed).split()).strip(" :,、は")
    if is_japanese(asked):
        return f"{asked.replace(' ', '')}{'' if asked.endswith('か') else 'は'}？"
    return f"{asked}?" if _ASKS.match(asked) else f"What about {asked}?"


def _bare(thing: str) -> str:
    return _ARTICLE.sub("", _END.sub("", _END.sub("", thing)), count=1)


def _is_thing(text: str) -> bool:
    if is_japanese(text):
        return 0 < len(text) <= _LONGEST_JA
    return 0 < len(text.split()) <= _LONGEST and not _ASKS.search(text)
