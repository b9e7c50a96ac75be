"""Clauses: the parts of a sentence that each state something, English or Japanese.

A long true sentence hides a false clause from a model that reads it whole, so each clause is also
read by itself. Rules of thumb on conjunctions and commas, no parser: a part that seems to state
nothing by itself stays with the one before it, so that every word is in some clause.
"""

from __future__ import annotations

import re

from index.lexical.tokenizer import is_japanese

MAX_CLAUSES = 6  # the rest of a longer sentence stays with the last
_SHORTEST = 8  # characters of Japanese that can state something

_VERB = re.compile(
    r"\b(?:is|are|was|were|be|been|being|has|have|had|do|does|did|can|could|will|would|may|might"
    r"|must|should|cannot|\w{2,}ed|\w{3,}ing|\w{3,}(?:ises?|izes?|ates?|ifies)|won|beat|made|ran|came"
    r"|went|took|gave|got|grew|fell|rose|led|held|wrote|built|sold|lost|began|became|found|left|met|set"
    r"|put|let|cut|cost|kept|told|said|says?|shows?|means?|uses?|gives?|takes?|makes?|lets?|needs?"
    r"|\w+[^s\W]s(?=\s+(?:the|an?|its?|their|his|her|to|from|in|on|at|by|for|with|that|\w+ly)\b))\b"
    r"|n['’]t\b",
    re.IGNORECASE,
)
# Where a new clause may begin: after a semicolon, a colon or a dash; after a comma before a word
# that joins clauses or a participle; before some such words also without a comma.
_JOIN = re.compile(
    r"[;:]\s+|\s+[—–]\s+|—"
    r"|,\s+(?=(?:and|but|or|nor|so|yet|while|whereas|which|who|whose|whom|where|when|although|though"
    r"|because|since|as|until|unless|after|before|if|thus|then|even|rather|with|without"
    r"|\w{3,}ing|\w{3,}ed)\b)"
    r"|\s+(?=(?:and|but|while|whereas|because|although|though|which|so that|whereupon)\s)",
    re.IGNORECASE,
)
_OPENING = re.compile(r"^(?:and|but|or|nor|so|yet|then)\s+", re.IGNORECASE)
_SUBJECTLESS = re.compile(r"^(?:then |also |later |thus |only |not |never |still )*(?=[\w'’]+)")
_JAPANESE_JOIN = re.compile(
    r"(?<=[しでてりがくずばきびいえけせめべみられた])、"
    r"|(?<=ため)、|(?<=ので)、|(?<=から)、|(?<=けれど)、|(?<=ものの)、|(?<=一方)、|(?<=ほか)、"
    r"|(?<=つつ)、|(?<=ながら)、|[；;]"
)
_PREDICATE = re.compile(
    r"(?:[\u3400-\u9fff々][いきしちにみりびぎけせてめれえべっ]|[すしさせ]|れ|られ|である|であり|です|だ|ない|なく)"
)
_TOPIC = re.compile(r"^(.{1,40}?[^で])は(?![じ])、?")
_OWN_SUBJECT = re.compile(r"[はがも]")


def clauses(text: str) -> list[str]:
    """Split a sentence into clauses that can be read by themselves.

    A clause without a subject of its own gets that of the sentence. A sentence of one clause gives
    itself. Together the clauses have every word of the sentence.
    """
    return _japanese(text) if is_japanese(text) else _english(text)


def _english(text: str) -> list[str]:
    parts = _merge(_JOIN.split(text.strip()), _states)
    if len(parts) < 2:
        return [text.strip()]
    verb = _VERB.search(parts[0])
    subject = parts[0][: verb.start()].strip() if verb else ""
    return [parts[0], *(_with_subject(part, subject) for part in parts[1:])]


def _with_subject(part: str, subject: str) -> str:
    rest = _OPENING.sub("", part)
    verb = _VERB.search(rest)
    lead = _SUBJECTLESS.match(rest)
    if verb and lead and verb.start() <= lead.end() and subject:
        return f"{subject} {rest}"
    return rest


def _states(part: str) -> bool:
    words = re.findall(r"\w+", part)
    return len(words) >= 3 and bool(_VERB.search(part))


def _japanese(text: str) -> list[str]:
    parts = _merge(_JAPANESE_JOIN.split(text.strip()), _states_japanese, "、")
    if len(parts) < 2:
        return [text.strip()]
    topic = _TOPIC.match(parts[0])
    subject = f"{topic[1]}は" if topic else ""
    return [parts[0], *(p if _OWN_SUBJECT.search(p) else subject + p for p in parts[1:])]


def _states_japanese(part: str) -> bool:
    return len(part) >= _SHORTEST and bool(_PREDICATE.search(part))


def _merge(pieces, states, joint=", ") -> list[str]:
    parts: list[str] = []
    for piece in (p.strip() for p in pieces if p and p.strip()):
        if parts and (not states(piece) or not states(parts[-1]) or len(parts) == MAX_CLAUSES):
            parts[-1] = f"{parts[-1]}{joint}{piece}"
        else:
            parts.append(piece)
    return parts
