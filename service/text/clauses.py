"""Clauses: the parts of a sentence that each state something, in English or Japanese.

A false clause at the end of a long true sentence escapes a model that reads the sentence whole, so
each clause is read by itself too. Rules of thumb on commas and conjunctions, without a parser: a
part that seems to state nothing by itself stays with the one before it.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from index.lexical.tokenizer import is_japanese

MAX_CLAUSES = 6  # the rest of a longer sentence stays with the last one
_SHORTEST = 8  # characters of Japanese that can state something
_WORDS = 3  # of English that can

_VERB = re.compile(
    r"\b(?:is|are|was|were|be|been|being|has|have|had|do|does|did|can|could|will|would|may|might"
    r"|must|should|cannot|\w{2,}ed|\w{3,}ing|\w{3,}(?:ises?|izes?|ates?|ifies)|won|beat|made|ran"
    r"|came|went|took|gave|got|grew|fell|rose|led|held|wrote|built|sold|lost|began|became|found"
    r"|left|met|set|put|let|cut|cost|kept|told|said|says?|shows?|means?|uses?|gives?|takes?|makes?"
    r"|lets?|needs?|\w+[^s\W]s(?=\s+(?:the|an?|its?|their|his|her|to|from|in|on|at|by|for|with"
    r"|that|\w+ly)\b))\b|n['’]t\b",
    re.IGNORECASE,
)
# Where a clause may begin: after a semicolon, a colon or a dash; after a comma before a word that
# joins clauses, or before a participle; before a few such words without a comma, too.
_JOIN = re.compile(
    r"[;:]\s+|\s*—\s*|\s–\s"
    r"|,\s+(?=(?:and|but|or|nor|so|yet|while|whereas|which|who|whose|whom|where|when|although"
    r"|though|because|since|as|until|unless|after|before|if|thus|then|even|rather|with|without"
    r"|\w{3,}ing|\w{3,}ed)\b)"
    r"|\s+(?=(?:and|but|while|whereas|because|although|though|which|whereupon)\s)",
    re.IGNORECASE,
)
_CONJUNCTION = re.compile(r"(?:and|but|or|nor|so|yet|then)\s+", re.IGNORECASE)
_ADVERBS = re.compile(r"(?:(?:then|also|later|thus|only|not|never|still|\w+ly)\s+)*")
_JOIN_JA = re.compile(
    r"(?<=[しでてりがくずばきびいえけせめべみれた])、"
    r"|(?<=ため)、|(?<=ので)、|(?<=から)、|(?<=けれど)、|(?<=ものの)、|(?<=一方)、|(?<=ほか)、"
    r"|(?<=つつ)、|(?<=ながら)、|[；;]"
)
_PREDICATE_JA = re.compile(
    r"[\u3400-\u9fff々][いきしちにみりびぎけせてめれえべっ]|[すしさせ]|れ|られ|である|であり|です|だ|ない|なく"
)
_TOPIC = re.compile(r"(.{1,40}?[^でに])は(?!じ)、?")
_SUBJECT_JA = re.compile(r"[はがも]")


def clauses(text: str) -> list[str]:
    """Split a sentence into clauses that can be read by themselves.

    A clause without a subject of its own gets that of the sentence. A sentence of one clause gives
    itself.
    """
    text = text.strip()
    japanese = is_japanese(text)
    parts = _parts(text, *((_JOIN_JA, _states_ja) if japanese else (_JOIN, _states)))
    if len(parts) == 1:
        return parts
    return _with_topic(parts) if japanese else _with_subject(parts)


def _parts(text: str, join: re.Pattern[str], states: Callable[[str], bool]) -> list[str]:
    """Cut a text at each join on both sides of which something is stated."""
    starts, ends = [0], []
    for match in join.finditer(text):
        stated = states(text[starts[-1] : match.start()]) and states(_rest(text, match, join))
        if stated and len(starts) < MAX_CLAUSES:
            ends.append(match.start())
            starts.append(match.end())
    return [text[a:b].strip() for a, b in zip(starts, [*ends, len(text)], strict=True)]


def _rest(text: str, match: re.Match[str], join: re.Pattern[str]) -> str:
    """The text behind a join, up to the next one."""
    following = join.search(text, match.end() + 1)
    return text[match.end() : following.start() if following else len(text)]


def _states(part: str) -> bool:
    return len(re.findall(r"\w+", part)) >= _WORDS and bool(_VERB.search(part))


def _states_ja(part: str) -> bool:
    return len(part.strip()) >= _SHORTEST and bool(_PREDICATE_JA.search(part))


def _with_subject(parts: list[str]) -> list[str]:
    """Put the words before the first verb before each part that begins with its verb."""
    verb = _VERB.search(parts[0])
    subject = parts[0][: verb.start()].strip() if verb else ""
    made = parts[:1]
    for part in parts[1:]:
        joined = _CONJUNCTION.match(part)
        rest = part[joined.end() if joined else 0 :]
        adverbs = _ADVERBS.match(rest)
        own = _VERB.match(rest, adverbs.end() if adverbs else 0)
        made.append(f"{subject} {rest}" if own and subject else rest)
    return made


def _with_topic(parts: list[str]) -> list[str]:
    """Put the topic of the first part before each part that has no subject."""
    topic = _TOPIC.match(parts[0])
    lead = f"{topic[1]}は" if topic else ""
    return [parts[0], *(p if _SUBJECT_JA.search(p) else lead + p for p in parts[1:])]
