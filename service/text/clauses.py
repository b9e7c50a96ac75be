"""Clauses: the parts of a sentence that each state something, in English or Japanese.

A false clause at the end of a long true sentence escapes a model that reads the sentence whole, so
each clause is read by itself too. Rules of thumb on commas and conjunctions, without a parser: a
part that seems to state nothing by itself stays with the one before it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

from index.lexical.tokenizer import is_japanese

MAX_CLAUSES = 6  # the rest of a longer sentence stays with the last one
_SHORTEST_JA = 7  # characters of Japanese that can state something

_WORDS = tomllib.loads(Path(__file__).with_name("clauses.toml").read_text(encoding="utf-8"))


def _any(name: str) -> str:
    return "|".join(_WORDS[name].split())


_VERB = re.compile(
    rf"\b(?:{_any('verbs')}|\w{{2,}}ed|\w{{3,}}(?:ises?|izes?|ates?|ifies)"
    rf"|\w*[^s\W]s(?=\s+(?:\d|(?:{_any('after_verbs')}|\w+ly)\b))"
    rf"|(?!(?:{_any('prepositions')})\b)[a-z]{{4,}}(?=\s+(?:it|them|him)\b))\b|n['’]t\b",
    re.IGNORECASE,
)
_PARTICIPLE = re.compile(r"(?:\w+ly\s+)?\w{3,}ing\b", re.IGNORECASE)
_ADVERBS = re.compile(rf"(?:(?:{_any('adverbs')}|\w+ly)\s+)*", re.IGNORECASE)
_COORDINATOR = re.compile(r"(?:and|but|or|nor|so|yet|then)\s+", re.IGNORECASE)
_SUBORDINATOR = re.compile(rf"(?:{_any('subordinators')})\b", re.IGNORECASE)
_INTRODUCTION = re.compile(rf"(?:(?:{_any('introductions')})\b[^,]*, )+", re.IGNORECASE)
_RELATIVE = re.compile(r"(?:which|who|whose|whom|where|when)\b", re.IGNORECASE)
_CONDITION = re.compile(r"(?:if|unless|when|whenever|once|until|as soon as)\b", re.IGNORECASE)
# Where a clause may begin.
_JOINT = re.compile(
    r"[;:]\s+|\s*—\s*|\s–\s|,\s+|\s+(?=(?:and|but|while|whereas|because|although|though)\s)"
)
_ASIDE = re.compile(r"([^,]{3,80}), ((?:which|who) (?:[^,]|,(?=\d)){5,}), (?!and\b)([^,].*)")
_QUOTED = re.compile(r"“[^”]*”|\"[^\"]*\"|\([^()]*\)|「[^」]*」|『[^』]*』|（[^（）]*）")

_JOINT_JA = re.compile(
    rf"(?:(?<=[{_WORDS['before_comma_ja']}])|(?<=ため[にの])|(?<=ように)|(?<=ものの))、|[；;]"
)
_PREDICATE_JA = re.compile(
    r"[\u3400-\u9fff々][いきしちにみりびぎけせてめれえべっぐくすうつぬむる]|[すしさせ]|れ|られ|だ|です|ない"
    r"|なく|[であ]り|である|[\u3400-\u9fff\u30a1-\u30fa\u30fc\d]で$|[い]て"
)
_TOPIC = re.compile(r"([^、]{0,40}?[^でに、])は(?!じ)、?")
_SUBJECT_JA = re.compile(r"は(?!じ)|(?<![るたいす])が|^[^をにで、]{1,12}も(?!の)")


def clauses(text: str) -> list[str]:
    """Split a sentence into clauses that can be read by themselves.

    A clause without a subject of its own gets that of the sentence. A sentence of one clause gives
    itself.
    """
    text = text.strip()
    found = _japanese(text) if is_japanese(text) else _english(text)
    rest = found[MAX_CLAUSES - 1 :]
    return [*found[: MAX_CLAUSES - 1], " ".join(rest)] if len(rest) > 1 else found


def _english(text: str) -> list[str]:
    aside = _ASIDE.match(text)
    if aside and _VERB.search(aside[2]) and _VERB.match(aside[3], _after_adverbs(aside[3])):
        return [
            f"{aside[1]} {_RELATIVE.sub('', aside[2], count=1).strip()}",
            *_english(f"{aside[1]} {aside[3]}"),
        ]
    subject, parts = _subject(text), [""]
    for joint, part in _parts(text, _JOINT):
        previous = parts[-1]
        if not previous:
            parts[-1] = part
        elif _VERB.search(previous) and (clause := _clause(part, previous, subject, joint)):
            parts.append(clause)
        else:
            parts[-1] = f"{previous}{joint}{part}"
    return parts


def _parts(text: str, joint: re.Pattern[str]) -> Iterator[tuple[str, str]]:
    """Yield each part between two joints, with the joint before it; quotations stay whole."""
    quoted = [match.span() for match in _QUOTED.finditer(text)]
    before, start = "", 0
    for match in joint.finditer(text):
        if any(a <= match.start() < b for a, b in quoted):
            continue
        yield before, text[start : match.start()]
        before, start = match[0], match.end()
    yield before, text[start:]


def _after_adverbs(text: str) -> int:
    adverbs = _ADVERBS.match(text)
    return adverbs.end() if adverbs else 0


def _subject(text: str) -> str:
    """The words before the first verb of a sentence, without what introduces them."""
    verb = _VERB.search(text)
    lead = text[: verb.start()].strip(" ,") if verb else ""
    introduced = _INTRODUCTION.match(lead)
    lead = lead[introduced.end() :] if introduced else lead
    subject, _, adverbs = lead.rpartition(", ")
    lead = subject if adverbs and _ADVERBS.fullmatch(f"{adverbs} ") else lead
    return "" if _SUBORDINATOR.match(lead) else lead


def _clause(part: str, previous: str, subject: str, joint: str) -> str:
    """A part as a clause of its own; '' if it goes with the part before it.

    Args:
        part: What stands between two joints.
        previous: The clause before it.
        subject: That of the sentence.
        joint: What joins the two.
    """
    coordinator = _COORDINATOR.match(part)
    rest = part[coordinator.end() :] if coordinator else part
    if _CONDITION.match(previous) or _VERB.match(previous):
        return ""  # it says nothing without what follows: if it rains, founded in 1889
    if rest.startswith("that ") and " that " in previous:
        return f"{previous.partition(' that ')[0]} {rest}"
    if len(rest.split()) < 2:
        return ""
    verb = _VERB.search(rest)
    if verb and verb.start() == _after_adverbs(rest):
        return f"{subject} {rest}" if subject else rest
    if (
        joint.strip()
        and (_RELATIVE.match(rest) or _PARTICIPLE.match(rest))
        and len(rest.split()) > 2
    ):
        return rest
    within = re.search(r"\b(?:that|who|which)\b", previous)
    if not verb or (not joint.strip() and coordinator and within):
        return ""
    return rest


def _japanese(text: str) -> list[str]:
    parts = [""]
    for joint, part in _parts(text, _JOINT_JA):
        stated = all(len(p) >= _SHORTEST_JA and _PREDICATE_JA.search(p) for p in (parts[-1], part))
        if not parts[-1]:
            parts[-1] = part
        elif stated:
            parts.append(part)
        else:
            parts[-1] += joint + part
    topic = _TOPIC.match(parts[0])
    lead = f"{topic[1]}は" if topic else ""
    return [parts[0], *(p if _SUBJECT_JA.search(p) else lead + p for p in parts[1:])]
