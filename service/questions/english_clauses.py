"""The parts of an English question: what it asks by, its auxiliary, subject and predicate.

Rules of thumb without a parser: where the end of the subject cannot be told, none is given.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from service.questions.words import any_of

WH = rf"(?:{any_of('english', 'interrogatives')})"
AUXILIARY = rf"(?:{any_of('english', 'auxiliaries')})"
DETERMINER = rf"(?:{any_of('english', 'determiners')})"
PRONOUN = rf"(?:{any_of('english', 'pronouns')})"
PREPOSITION = rf"(?:{any_of('english', 'prepositions')})"

_CLAUSE = re.compile(
    rf"(?P<wh>(?:(?:{PREPOSITION} )?{WH}\b(?:(?! {AUXILIARY}\b) [^\s,]+){{0,6}}? )?)"
    rf"(?P<aux>{AUXILIARY}) (?P<rest>.+)",
    re.IGNORECASE,
)
_BE = re.compile(r"(?:is|are|was|were)(?:n't)?", re.IGNORECASE)
_IS_DETERMINER = re.compile(DETERMINER, re.IGNORECASE)
_IS_PRONOUN = re.compile(PRONOUN, re.IGNORECASE)
_IS_NAME = re.compile(r"[\"“']?(?:[A-Z0-9]|\w+[._^@/]\w)[^\s,]*")  # ReAct, torch.compile
# Behind a noun, "like" is a verb as often as not: the guests like jam.
_AFTER_NOUN = re.compile(rf"(?!like\b|than\b|as\b){PREPOSITION}", re.IGNORECASE)
_JOINS = re.compile(r"of|and|&", re.IGNORECASE)
_BOUNDARY = re.compile(rf"{PREPOSITION}|{DETERMINER}|it|them|him|her|me|us|you", re.IGNORECASE)
_ADVERB = re.compile(rf"(?:{any_of('english', 'adverbs')}|\w{{3,}}ly)", re.IGNORECASE)
_PREDICATE = re.compile(
    rf"(?:{any_of('english', 'predicates')}|\w{{3,}}(?:ed|ous|ful|less|able|ible)|\w{{2,}}[^e]en)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Clause:
    """A question divided at its auxiliary, such as "why", "did", "the mill close"."""

    wh: str
    auxiliary: str
    rest: str

    @property
    def has_be(self) -> bool:
        """Whether the auxiliary is a form of "be"."""
        return bool(_BE.fullmatch(self.auxiliary))

    @property
    def names_subject_only(self) -> bool:
        """Whether what follows a "be" is the subject alone: "What is X", "How tall is X"."""
        asked = self.wh.lower()
        return self.has_be and bool(re.fullmatch(r"what|who|how \w+", asked))


def read_clause(question: str) -> Clause | None:
    """Divide a question at its auxiliary; None where it has none before its subject."""
    found = _CLAUSE.fullmatch(question.strip(" ?!."))
    return Clause(found["wh"].strip(), found["aux"], found["rest"]) if found else None


def subject_end(clause: Clause) -> int | None:
    """Return the number of words of ``clause.rest`` that are its subject; None if unsure."""
    words = clause.rest.split()
    if _IS_PRONOUN.fullmatch(words[0]):
        return 1
    completed = clause.has_be or re.fullmatch("has|have|had", clause.auxiliary, re.IGNORECASE)
    end = _be_subject(words) if completed else _verb_subject(words)
    return end if end is not None and 0 < end <= len(words) else None


def name_length(words: Sequence[str], start: int = 0) -> int:
    """Return how many words from ``start`` on are one name: Harrow Foods, Bank of Bergen."""
    end = start
    while end < len(words) and _IS_NAME.fullmatch(words[end]):
        end += 1
        if words[end - 1].endswith(","):
            break
        joined = end + 1 < len(words) and _JOINS.fullmatch(words[end])
        if joined and _IS_NAME.fullmatch(words[end + 1]):
            end += 1
    return end - start


def capitalised(text: str) -> str:
    """Return a text with its first letter in upper case, and the others as they are."""
    return text[:1].upper() + text[1:]


def _noun_start(words: Sequence[str]) -> int:
    """Return how many words the subject has at least: a noun, with its determiner."""
    return 2 if _IS_DETERMINER.fullmatch(words[0]) else 1


def _be_subject(words: Sequence[str]) -> int | None:
    """Find the end of a subject after a "be": before an adverb, a participle or a preposition."""
    start = max(_noun_start(words), name_length(words))
    bounds: list[int] = []
    for at in range(start, len(words)):
        if "of" in words[at - 1 : at + 1]:
            continue
        if words[at] == "and":  # where does the second noun end?
            return None
        compared = words[at].endswith("er") and words[at + 1 : at + 2] == ["than"]
        if _ADVERB.fullmatch(words[at]) or _PREDICATE.fullmatch(words[at]) or compared:
            return at
        bounds += [at] if _BOUNDARY.fullmatch(words[at]) else []
    # "the mill in Oslo", but "the mill popular in Oslo" is unsure
    return start if bounds[:1] == [start] else None


def _before_object(words: Sequence[str]) -> int | None:
    """Find the end of a subject before a verb and its object: two farmers | prefer the timer."""
    bound = next((n for n, word in enumerate(words) if _BOUNDARY.fullmatch(word)), 0)
    if bound < 2 or not _IS_DETERMINER.fullmatch(words[bound]):
        return None
    return None if any(map(_JOINS.fullmatch, words[:bound])) else bound - 1


def _phrase_after_noun(words: Sequence[str]) -> int | None:
    """Find the end of a subject that has a preposition behind its noun: the mill in Oslo | close.

    What follows the preposition is a name, or a word with or without its determiner, and any
    plurals behind it, since no verb behind "did" ends in -s. None where there is no such phrase,
    or nothing is left for the verb.
    """
    start = _noun_start(words)
    if not _AFTER_NOUN.fullmatch(" ".join(words[start : start + 1])):
        return None
    inner = start + 1
    if inner < len(words) and _IS_DETERMINER.fullmatch(words[inner]):
        inner += 1
    end = inner + max(1, name_length(words, inner))
    while end < len(words) and re.fullmatch(r"[a-z]{2,}[^s]s", words[end]):
        end += 1
    return end if end < len(words) else None


def _verb_subject(words: Sequence[str]) -> int | None:
    """Find the end of a subject after "do" or a modal: before the verb."""
    if phrase := _phrase_after_noun(words):
        return phrase
    named = name_length(words)
    if named:
        plural = named < len(words) and re.fullmatch(r"[a-z]{3,}[^su\W]s", words[named])
        return named + 1 if plural else named
    if not _IS_DETERMINER.fullmatch(words[0]):
        sure = len(words) == 2 or (words[0].endswith("s") and not _JOINS.fullmatch(words[1]))
        return 1 if sure and len(words) > 1 else _before_object(words)
    end = 1 + name_length(words, 1)
    for at in range(max(2, end), len(words)):
        if "of" in words[at - 1 : at + 1]:
            continue
        if words[at] == "and":
            return None
        if _ADVERB.fullmatch(words[at]):
            # "the mill suddenly close", but "the mill close suddenly", "close more in winter"
            rest = words[at + 1 : at + 2]
            last = not rest or re.fullmatch(PREPOSITION, rest[0], re.IGNORECASE)
            return at - 1 if at > 2 and last else at
        direct = not re.fullmatch(PREPOSITION, words[at])  # "the firm sell tea in 1990" is unsure
        if _BOUNDARY.fullmatch(words[at]) or _IS_NAME.fullmatch(words[at]):
            return at - 1 if at == 3 or (at > 3 and direct) else None
    return 2 if len(words) == 3 else None
