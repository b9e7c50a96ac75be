"""Titles of conversations: what the first question is about, without its interrogative shell.

"How many hours of audio was Whisper trained on?" becomes "Whisper: hours of audio". A question
of another form is its own title, shortened. Pure functions.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from service.questions.english_clauses import AUXILIARY, WH, capitalised
from service.questions.words import any_of

TITLE_LENGTH = 60  # columns of a title made from a question; Japanese characters take two
_EAST_ASIAN = 0x2E7F  # code points above this take two columns
_ENDS = "。．.!！?？、,;；:：…・-–—( （「『“\"'"  # removed before the ellipsis

_MAX_TOPIC_WORDS = 6
_MAX_NAME = 28  # columns of a source's title that may stand before the topic
_OPENINGS = re.compile(rf"(?:(?:{any_of('english', 'openings')})\b[,:!]? +)+", re.IGNORECASE)
_ASKING = re.compile(
    r"(?:(?:can|could|would) you (?:please )?)?(?!state\b)"  # state of the art
    rf"(?:{any_of('english', 'embedding')}|summari[sz]e|define|(?:what )?about)\b"
    r"(?: to)?(?: me)?,? +",
    re.IGNORECASE,
)
_ABOUT = re.compile(
    rf"^(?:what|how) {AUXILIARY} (?P<who>.+?) (?:say|state|write|report|find|think|conclude)s?"
    r" (?:about|on) (?P<topic>.+)$",
    re.IGNORECASE,
)
_WHAT_IS = re.compile(
    r"^(?:what|who)(?: exactly)?(?: is|['’]s| are| was| were) (?:meant by )?"
    r"(?:the |a |an )?(?P<topic>.+)$",
    re.IGNORECASE,
)
_TOLD = re.compile(  # behind a request, if that is no question
    rf"^(?:about )?(?!(?:{WH}|if|whether|that)\b)(?:the |a |an )?(?P<topic>.+)$", re.IGNORECASE
)
_OF = re.compile(
    rf"^(?:how (?:many|much)|what|which) (?P<topic>(?!{AUXILIARY}\b).+?) {AUXILIARY} (?P<rest>.+)$",
    re.IGNORECASE,
)
_NAME = re.compile(r"\b[A-Z0-9][\w.+-]*[A-Z\d][\w.+-]*\b|\b[A-Z][\w.+-]+(?:[ -][A-Z0-9][\w.+-]*)*")
_POINTS = re.compile(r"\b(?:it|its|they|their|he|she|this|that|these|those|there)\b", re.IGNORECASE)
_VAGUE = re.compile(
    r"^(?:the |this |that )?(?:paper|article|text|document|author|study|work)s?$", re.IGNORECASE
)

_JA_ASKED = r"(?:何|なん|なに|どれ|どこ|どちら|どう|いつ|だれ|誰|いくつ|いくら|幾)"
_JA_IS = r"(?:(?:です|でした|でしょう|だった|あります|ありました|います|いました|なの)か?)?"
_JA_ENDS = (
    re.compile(r"(?:について|を)?(?:簡単に|詳しく)?(?:教えて|説明して|要約して)(?:ください|下さい)?$"),
    re.compile(rf"(?<![にでとへ])(?:とは|って|は)(?:一体|いったい)?{_JA_ASKED}[\u4e00-\u9fff\u30a0-\u30ff]{{0,4}}{_JA_IS}$"),
    re.compile(r"(?:とは|って)$"),
)  # fmt: skip


def subject_title(question: str, answer: Mapping[str, Any]) -> str:
    """Make the title of a conversation from its first question and its answer.

    Args:
        question: The question.
        answer: The answer as JSON: the source that it cites first may name the subject.

    Returns:
        A title of at most 60 columns.
    """
    text = " ".join(question.split())
    bare = text.rstrip("?？。.!！ ")
    subject = _japanese(bare) or _english(bare, _cited_title(answer))
    return title_of(subject or text)


def title_of(question: str) -> str:
    """Shorten a question to a title of at most 60 columns, cut at the end of a word."""
    text = " ".join(question.split())
    room, cut = TITLE_LENGTH, 0
    while cut < len(text) and room > 0:
        room -= 2 if ord(text[cut]) > _EAST_ASIAN else 1
        cut += 1
    if cut == len(text) and room >= 0:
        return text
    cut -= 1
    at = next((i for i in range(cut, cut * 2 // 3, -1) if _may_cut(text[i - 1], text[i])), cut)
    return text[:at].rstrip(_ENDS) + "…"


def _english(text: str, cited: str) -> str:
    """Return the subject of a question in English; empty where it is not of a known form."""
    opened = text[opening.end() :] if (opening := _OPENINGS.match(text)) else text
    request = _ASKING.match(opened.replace("’", "'"))
    asked = opened[request.end() :] if request else opened
    if found := _ABOUT.match(asked):
        name = cited if _VAGUE.match(found["who"]) else _name_in(found["who"])
        return _joined(name, found["topic"])
    if found := _WHAT_IS.match(asked) or (_TOLD.match(asked) if request else None):
        topic = found["topic"]
        return "" if _POINTS.search(topic) else capitalised(topic)
    if (found := _OF.match(asked)) and len(found["topic"].split()) <= _MAX_TOPIC_WORDS:
        name = _name_in(found["rest"])
        if not name and _POINTS.search(found["rest"]):
            name = cited
        return _joined(name, found["topic"]) if name else ""
    return ""


def _japanese(text: str) -> str:
    """Return a question in Japanese without its end; empty where it has none of the known ones."""
    for end in _JA_ENDS:
        if (found := end.search(text)) and found.start() >= 2:
            return text[: found.start()]
    return ""


def _joined(name: str, topic: str) -> str:
    named = name and name.lower() not in topic.lower()
    return f"{name}: {topic}" if named else capitalised(topic)


def _name_in(text: str) -> str:
    names = _NAME.findall(text)
    return max(names, key=len) if names else ""


def _cited_title(answer: Mapping[str, Any]) -> str:
    """Return the title of the source that is cited first; empty if it is too long for a name."""
    sources = [each["source"] for each in answer.get("evidence", ()) if "source" in each]
    titles = {source["id"]: source.get("title", "") for source in sources}
    cited = (c for claim in answer.get("claims", ()) for c in claim.get("citations", ()))
    first = next((citation.get("source_id", "") for citation in cited), "")
    title = re.split(r"[:：–—|]", titles.get(first, ""))[0].strip()
    width = sum(2 if ord(c) > _EAST_ASIAN else 1 for c in title)
    return title if width <= _MAX_NAME else ""


def _may_cut(before: str, after: str) -> bool:
    """Return whether a title may be cut between two characters.

    It may at a blank or a full-width mark, and in Japanese, which has no blanks, after hiragana,
    which end a word or are its particle.
    """
    left, right = _script(before), _script(after)
    return "mark" in (left, right) or (left == "hiragana" != right)


def _script(c: str) -> str:
    if c.isspace() or (ord(c) > _EAST_ASIAN and not c.isalnum()):
        return "mark"
    return "hiragana" if "\u3040" <= c < "\u30a0" else "other"
