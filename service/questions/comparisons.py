"""Comparisons taken apart: "Is the ferry cheaper than the barge?" asks the same of two things.

Which two they are, the checker's parser finds. What is asked of each alone is what remains of the
question without the other, and without the words that only say that the two are to be compared.
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

Span = tuple[int, int]  # where a phrase begins and ends in a question

_ASKS = re.compile(rf"\b(?:{WH}|{AUXILIARY}|{any_of('english', 'pronouns')})\b", re.IGNORECASE)
YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
_NO_NAME = re.compile(rf"{YEAR.pattern}年?|\bones?\b")
_QUESTION_WORD = re.compile(
    rf"\b(?:{WH})\b|いつ|誰|だれ|どこ|いくら|いくつ|何|なに|どれ|なぜ|どう", re.IGNORECASE
)
# What joins the two, at either end of what stands between them.
_JOINS = (
    r"(?:\b(?:and|or|with|to|against|versus|vs|than|as|from|the|in|of|on|at|for|by|opposed"
    r"|compared)\b|とか|って|より|対|[にと]比べて?|に対して|[とやかはも]|[\s、,.・/&])+"
)
_JOINING = re.compile(rf"^{_JOINS}|{_JOINS}$", re.IGNORECASE)
# What only says that the two are to be compared; \0 stands for the two.
_COMPARING = re.compile(
    r"^how (?:does|do|did|is|are)\b(?=.*\b(?:differ|compare))"
    r"|^(?:please |can you |could you )*(?:compar(?:e|ing)(?: and contrast)?|contrast(?:ing)?)\b"
    r"|\b(?:what(?:'s| is| are) the differences? (?:between|in)|compared?|between"
    r"|differ(?:s|ent|ently|ences?)?(?: from)?|(?:in|with) (?:respect|regard|terms) (?:of|to)"
    r"|when it comes to|which (?:one )?(?:of (?:the two|them|these|those))|each|both"
    r"|respectively)\b"
    r"|は?、?(?:どう|どのように|どれくらい|どこが|何が)(?:違|異な|変わ)[^、。]*"
    r"|の?(?:違い|差|相違|比較)(?=[をはが]|$)|(?<=\0)[にと]比べ(?:て|ると|たら)"
    r"|(?:を|で)?(?:見?比べ|比較し|対比し)[^、。]*"
    r"|(?:の(?:うち|中))?、?(?:どちら|どっち)(?:の(?:ほう|方))?(?:です)?[がか]?|それぞれ",
    re.IGNORECASE,
)
# The place of the two, with what depends on it: in 2021 and 2022, 2021年と2022年の.
_PLACE_OF_TWO = re.compile(r"(?:\b(?:in|of|for|from|during)\s+)?\0[ので]?、?", re.IGNORECASE)
_ARTICLE = re.compile(r"^(?:the|an?)\s+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ComparedSide:
    """One of two things that a question compares in some respect.

    Attributes:
        name: Its words in the question, without an article.
        question: What is asked of it alone.
        within: Ids of the sources that it is, such as the notes of one year; None where it is a
            thing that any source may speak of.
    """

    name: str
    question: str
    within: tuple[str, ...] | None


def side_name(question: str, side: Span) -> str:
    """Return what a side is called: its words in the question, without an article."""
    return _ARTICLE.sub("", question[slice(*side)])


def compared_years(names: Sequence[str]) -> tuple[str, str] | None:
    """Return the years of two sides that are told apart by nothing else, or None."""
    said = [unicodedata.normalize("NFKC", name) for name in names]
    years = [YEAR.findall(name) for name in said]
    if len(years) != 2 or any(len(each) != 1 for each in years) or years[0] == years[1]:
        return None
    one, other = ({w.text for w in content_words(_NO_NAME.sub(" ", name))} for name in said)
    return (years[0][0], years[1][0]) if not one or not other or one == other else None


def side_questions(
    question: str, sides: tuple[Span, Span], told: bool = False
) -> tuple[str, str] | None:
    """Ask of each of two compared things alone what a question asks of both.

    "Is Harrow cheaper than Pell?" gives "Is Harrow cheaper?" and "Is Pell cheaper?".

    Args:
        question: The question.
        sides: Where the two stand in it, the first first.
        told: Whether what is read tells the sides apart, so that the questions need not: notes
            of 2021 seldom say that they are of 2021.

    Returns:
        The two questions; None if nothing is asked of the two but what they are.
    """
    (start, end), (other, last) = sides
    between = " ".join(_JOINING.sub(" ", question[end:other]).split())
    rest = f"{question[:start]}\0{between and f' {between} '}{question[last:]}"
    rest = _COMPARING.sub(" ", rest.strip(" ?.!？。！"))
    if not content_words(rest.replace("\0", " ")) and not _QUESTION_WORD.search(rest):
        return None
    if told:
        rest = _PLACE_OF_TWO.sub(" ", rest)
    first, second = (_alone(rest.replace("\0", question[slice(*side)])) for side in sides)
    return first, second


def _alone(placed: str) -> str:
    """Make a question of what is asked of one of two things."""
    asked = " ".join(re.sub(r"[?？]", " ", placed).split()).strip(" :,、は-–—")
    if is_japanese(asked):
        return f"{asked.replace(' ', '')}{'' if asked.endswith('か') else 'は'}？"
    return f"{asked}?" if _ASKS.match(asked) else f"What about {asked}?"
