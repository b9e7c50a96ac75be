"""Different names of one thing: countries and their people, abbreviations, ordinals.

Pure functions, no model.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from service.text.number_spelling import in_one_spelling
from service.text.numerals import mentioned

_LISTS = tomllib.loads(Path(__file__).with_name("aliases.toml").read_text(encoding="utf-8"))
_SYNONYMS = tuple(frozenset(line.split("|")) for line in _LISTS["same"])
_WIDE = frozenset(_LISTS["wide"].split())
# Endings of a country's name and of its people's: Sweden and Swedish, Cuba and Cuban.
_COUNTRY = ("", "a", "o", "y", "ia", "en", "al", "land", "ain", "e")
_PEOPLE = re.compile(r"(?:an|n|ian|ish|tish|ese|uese|i|ic|ans|ians|ns|is)")
_CAPITALS = re.compile(
    r"\b[A-Z][\w'’]*(?:(?:[- ]|[ ](?:of|the|for|and|on)[ ](?:the[ ])?)[A-Z][\w'’]*)+"
)
_ORDINALS = {"First": 1.0, "Second": 2.0, "Third": 3.0}  # the Second World War is World War II
_LONGEST = 20_000  # characters of a text that are searched


def known_as(name: str, claim: str, known: str) -> bool:
    """Return whether a text has another form of a name: UK for Britain, Swedish for Sweden.

    Args:
        name: One word of the claim, as written there.
        claim: The whole claim, in which the word may be part of a longer name.
        known: The text that is searched; only its first 20,000 characters are.
    """
    folded = name.casefold().replace("’", "'")
    known = known[:_LONGEST]
    low = in_one_spelling(known).casefold().replace(".", "")
    for same in _SYNONYMS:
        if folded in same and any(_has(other, low) for other in same - {folded}):
            return True
    if not name.isascii():
        return False
    if name in _ORDINALS and _ORDINALS[name] in mentioned(known):
        return True
    if len(name) == 1:  # an initial
        return bool(re.search(rf"\b{re.escape(name)}[a-z]", known))
    if name.isupper():
        return len(name) <= 6 and any(
            name in "".join(re.findall(r"\b[A-Z]", run)) for run in _CAPITALS.findall(known)
        )
    if any(_abbreviated(run, known) for run in _CAPITALS.findall(claim) if name in run.split()):
        return True
    return any(_same_country(folded, word) for word in set(re.findall(r"\b[A-Z][a-z]+", known)))


def is_wide(name: str) -> bool:
    """Return whether a name is of a country or region, in which other named places lie."""
    return name.casefold() in _WIDE


def _has(word: str, folded: str) -> bool:
    """Return whether a folded text has a word.

    A single kanji, such as 米, never counts: it is part of too many other words.
    """
    if word == "%" or not word.isascii():
        return (word == "%" or len(word) > 1) and word in folded
    return bool(re.search(rf"(?<![a-z]){word}(?![a-z])", folded))


def _abbreviated(run: str, known: str) -> bool:
    """Return whether a text has the initials of a capitalised name, with full stops or without."""
    letters = "".join(re.findall(r"\b[A-Z]", run))
    return len(letters) >= 2 and bool(re.search(rf"\b{'[.]?'.join(letters)}\b", known))


def _same_country(name: str, word: str) -> bool:
    """Return whether one of two words is a country and the other its people or language."""
    word = word.casefold()
    stem = next(
        (n for n, (a, b) in enumerate(zip(name, word, strict=False)) if a != b),
        min(len(name), len(word)),
    )
    if stem < 4:
        return False
    for country, people in ((word, name), (name, word)):
        ends = country[stem:], people[stem:]
        if ends == ("", "n"):  # Russia and Russian; but weapon is not the people of weapo
            if country.endswith("a"):
                return True
        elif ends[0] in _COUNTRY and _PEOPLE.fullmatch(ends[1]):
            return True
    return False
