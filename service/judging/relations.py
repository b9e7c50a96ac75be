"""Sentences made false by rule in what relates their parts: exchanged names, or a wider scope.

What is made says more or something else than the sentence it is made of: "B founded A" for "A
founded B", and "all" for "most". Only relations are exchanged that cannot hold both ways.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from index.lexical.tokenizer import is_japanese
from service.text.alignment import coverage_share

_NAME = r"[A-Z][\w.-]*\w(?: [A-Z][\w.-]*\w)*"
_NAME_JA = r"(?:[A-Za-z][\w.-]*[A-Za-z0-9]|[\u30a1-\u30fa\u30fc]{3,})"
_ONE_WAY = (
    r"(?:founded|wrote|built|builds on|created|developed|introduced|invented|published|released"
    r"|presented|proposed|acquired|bought|funds|funded|trained|extends|extended|outperforms"
    r"|outperformed|surpasses|surpassed|beats?|replaced|preceded|uses|used|runs|ran|makes|made"
    r"|provides|offers|offered|audited|owns|leads|led|hosts|supports|contains|includes|belongs to"
    r"|(?:is|was|are|were) (?:based|built|trained|founded|written|developed|introduced|released"
    r"|published|proposed|presented|acquired|created|made|part|offered|run) (?:on|by|from|of))"
)
_EXCHANGED = re.compile(
    rf"^(?:The (?:[a-z-]+ ){{0,4}})?(?P<one>{_NAME})(?: [a-z]+ly| later| first)? {_ONE_WAY} "
    rf"(?:(?:the|a|an|its) )?(?:[a-z-]+ ){{0,3}}(?P<other>{_NAME})(?=[ .,])"
)
_EXCHANGED_JA = re.compile(
    rf"^(?P<one>{_NAME_JA})[はが]、?(?P<other>{_NAME_JA})"
    r"(?=を(?:[^、。]{0,12})(?:開発|発表|公開|提案|買収|設立|執筆|使|利用|用い|上回|改良|導入|基)|に基づ|から作ら)"
)
# What says "most" or "often" becomes "all" or "always".
_WIDER = (
    (re.compile(r"\b(M|m)ost of (?=the|its|their|these)"), {"M": "All of ", "m": "all of "}),
    (re.compile(r"^(?:Most|Many|Several) (?=(?:[a-z-]+ )?[a-z-]+[^su\W]s\b)"), "All "),
    (
        re.compile(
            r"(?<!more )(?<!less )(?<!most )(?<!as )(?<!how )(?<!very )(?<!too )(?<!quite )(?<!so )"
            r"\b(?:usually|often|sometimes|frequently|typically|generally)\b(?=\s[a-z])(?! used as)"
        ),
        "always",
    ),
    (re.compile(r"\b(?:mostly|mainly|largely|primarily|partly)\b(?=\s[a-z])"), "exclusively"),
)
_WIDER_JA = (
    (
        re.compile(r"(?:多くの|ほとんどの|大半の)(?=[\u3400-\u9fff\u30a1-\u30fa])"),
        "すべての",
    ),
    (re.compile(r"(?:しばしば|多くの場合、?|通常は?、?|たいてい|時々|ときどき)"), "必ず"),
    (re.compile(r"(?:主に|主として|おもに)"), "もっぱら"),
)
# Behind these a wider word may say less, or the sentence is not about all in the first place.
_BEFORE = re.compile(
    r"\b(?:all|each|every|only|when|while|because|since|as|after|before|although|though|until|where"
    r"|how|what|why|which|who|that|can|by|for)\b|すべて|全て|だけ|のみ|ば、|ため、|ので",
    re.IGNORECASE,
)
_ALL = re.compile(
    r"\b(?:all|always|every|each|exclusively|only|entirely)\b|すべて|全て|必ず|常に|もっぱら|のみ|だけ",
    re.IGNORECASE,
)
_SAME_SUBJECT = 0.5  # share of the words, from which another sentence may say it of all


def exchanged(text: str, evidence: Sequence[str]) -> Iterator[str]:
    """Exchange the two names of a sentence that begins with a relation of one to the other.

    Nothing is made if another sentence of the evidence has both names.
    """
    match = (_EXCHANGED_JA if is_japanese(text) else _EXCHANGED).match(text)
    if not match:
        return
    one, other = match["one"], match["other"]
    if one in other or other in one or not _is_name(one, text, evidence):
        return
    if any(one in each and other in each for each in evidence if each != text):
        return
    (a, b), (c, d) = match.span("one"), match.span("other")
    yield text[:a] + other + text[b:c] + one + text[d:]


def _is_name(word: str, text: str, evidence: Sequence[str]) -> bool:
    """Whether the first word of a sentence, or words, are a name and not only its first word."""
    if is_japanese(text) or not text.startswith(word) or re.search(r".[A-Z\d]", word):
        return True
    inside = re.compile(rf"[a-z,] {re.escape(word)}\b")
    return any(inside.search(each) for each in evidence)


def widened(text: str, evidence: Sequence[str]) -> Iterator[str]:
    """Say of all what a sentence says of most or many, or of always what it says of often.

    Nothing is made if another sentence of the evidence says of all what is near to it.
    """
    japanese = is_japanese(text)
    for pattern, wider in _WIDER_JA if japanese else _WIDER:
        match = pattern.search(text)
        if not match or _BEFORE.search(text[: match.start()]):
            continue
        word = wider if isinstance(wider, str) else wider[match[1]]
        made = text[: match.start()] + word + text[match.end() :]
        if not any(
            _ALL.search(each) and coverage_share(made, each) >= _SAME_SUBJECT
            for each in evidence
            if each != text
        ):
            yield made
        return
