"""Query rewriting: makes a follow-up question stand alone, without a language model.

"And how many of them were not English?" finds nothing by itself. What it leaves out is taken
from the last question, in the reader's own words: its names, or, where the new question is only a
fragment, all of its content words; and where it has no names, the title of what was cited. They are
put before the question, which stays as it was asked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from service.generation.prompts import Message
from service.query import LONGEST_QUESTION, language_of
from service.text.alignment import content_words
from service.text.prompt_injection import neutral

FRAGMENT = 2  # a question with fewer content words leaves out what is asked
LONGEST_LEFT_OUT = 200  # characters that are put before a question
BETTER = 0.6  # log-odds by which a question is answered better as it was asked, not rewritten
RECENT = 20  # messages of a conversation, the last, that may say what a question leaves out
REPLY = 4000  # characters of one of them that are looked through for names

_POINTS = re.compile(
    r"\b(?:it|its|they|them|their|theirs|he|him|his|she|her|hers|this|these|those)\b"
    r"|それ|その|これ(?!まで|から)|この|あれ|あの|彼ら?|彼女|同社|前者|後者|当該",
    re.IGNORECASE,
)
_NOUN = re.compile(  # may also point to what the question itself names
    r"\b(?:the|that) (?:(?:same|first|second|other|latter|former) )?(?:\w+ )?(?:papers?|models?"
    r"|authors?|articles?|work|study|systems?|services?|company|team|method|agents?|data ?sets?"
    r"|ones?)\b",
    re.IGNORECASE,
)
_GOES_ON = re.compile(
    r"^(?:and|but|or|also|then|so|what about|how about)\b"
    r"|^(?:では|じゃあ|また|ちなみに|ほかに|他に)"
    r"|^[^、。]{1,20}(?:は|も|なら|の場合は)[?？]?$",
    re.IGNORECASE,
)
_NAME = re.compile(
    r"[A-Z0-9][\w.-]*[A-Za-z][\w.-]*(?: [A-Z0-9][\w.-]*| v?\d[\w.]*)*|[a-z]+[A-Z]\w*"
    r"|[\u30a1-\u30fa\u30fc]{3,}",
    re.ASCII,
)
_OPENS = frozenset(
    (
        "how what which who whom whose when where why is are was were do does did has have had can"
        " could will would should may might in on at of for from by with to about as and or but if"
        " the a an this that these those it its they i we you he she tell please give list name"
        " describe explain also then so"
    ).split()
)
# With a name behind it, a question of its own, however short: Who is Peter Wurman?
_WHOLE = re.compile(
    r"^(?:what|who|where|when|how|which)(?:['’]s| (?:is|are|was|were|does|do|did|has|have|can))\b",
    re.IGNORECASE,
)
# Capital letters that name no subject.
_COMMON = frozenset(
    (
        "gpu gpus cpu cpus tpu ram vram gb mb ai fid wer bleu psnr api url pdf co2 english japanese"
    ).split()
)
_KATAKANA = re.compile(r"[\u30a1-\u30fa\u30fc]+")
# What follows the subject or topic of a Japanese question.
_TOPIC = re.compile(r"は|が|も|って|について|に関して")

Lean = Literal["points", "goes_on", "maybe", "no"]


@dataclass(frozen=True, slots=True)
class Turn:
    """A question as it was understood, and the titles that its answer cites, in order."""

    question: str
    titles: tuple[str, ...] = ()


def names(text: str) -> list[str]:
    """Return the names in a question, in order: capitalised words and katakana."""
    found = []
    for match in _NAME.finditer(text):
        parts = match[0].split(" ")
        while parts and parts[0].lower() in _OPENS:
            parts.pop(0)
        name = " ".join(parts).strip(".-")
        if name and name.lower() not in _COMMON and name not in found:
            found.append(name)
    return found


def leans(question: str) -> Lean:
    """Return how a question depends on the one before.

    Returns:
        ``points``: it has a pronoun, or the like, for what was named there. ``goes_on``: it is a
        fragment that takes over what was asked there. ``maybe``: it names no subject, as a general
        question does not either; what is found for it, with and without what it may leave out, has
        to decide. ``no``: it stands alone.
    """
    if _POINTS.search(question):
        return "points"
    if _NOUN.search(question):
        return "maybe" if names(question) else "points"
    sense = {w.text for w in content_words(question)}
    fragment = len(sense) < FRAGMENT and not (_WHOLE.search(question) and names(question))
    if _GOES_ON.search(question) or fragment:
        return "goes_on"
    subjects = [n for n in names(question) if not _KATAKANA.fullmatch(n)]
    if subjects and (language_of(question) == "en" or _TOPIC.search(question)):
        return "no"
    return "maybe"


def left_out(question: str, last: Turn) -> str:
    """Return what a follow-up leaves out, in at most LONGEST_LEFT_OUT characters."""
    how, own, before = leans(question), names(question), names(last.question)
    if how == "no":
        return ""
    if how == "goes_on":
        asked = last.question
        for name in before if own else ():
            asked = asked.replace(name, " ")  # the new name takes the place of the old one
        known = {w.text for w in content_words(question)}
        rest = [w.shown for w in content_words(asked) if w.text not in known and w.kind != "turn"]
        lacking = rest if own else [*before, *(w for w in rest if w not in " ".join(before))]
    else:
        lacking = [name for name in before if name not in question]
    lacking = lacking or list(last.titles[:1])
    return neutral(" ".join(dict.fromkeys(lacking)))[:LONGEST_LEFT_OUT].strip()


def rewrite(question: str, last: Turn | None) -> str:
    """Return a question with what it leaves out put before it, so that it stands alone."""
    before = left_out(question, last) if last else ""
    together = f"{before}: {question}"
    return together if before and len(together) <= LONGEST_QUESTION else question


def last_answered(answers: Sequence[Mapping[str, Any]]) -> Turn | None:
    """Return the last turn that names anything.

    Args:
        answers: The answers of a conversation as JSON, oldest first.
    """
    for answer in reversed(answers):
        titles = {e["label"]: e["source"]["title"] for e in answer["evidence"]}
        cited = [titles[c["label"]] for claim in answer["claims"] for c in claim["citations"]]
        asked = answer.get("understood") or answer["question"]
        turn = Turn(asked, tuple(dict.fromkeys(filter(None, cited))))
        if turn.titles or names(asked):
            return turn
    return None


def last_said(messages: Sequence[Message]) -> Turn | None:
    """Return the last turn that names anything.

    Where it is uncertain whether a question is a follow-up, the reply to it decides: it names what
    the question leaves out, or does not.

    Args:
        messages: The messages of a chat, oldest first.
    """
    last = None
    recent = messages[-RECENT:]
    for at, message in enumerate(recent):
        if message["role"] != "user":
            continue
        asked = neutral(message["content"])[:LONGEST_QUESTION]
        after = recent[at + 1 : at + 2]
        said = after[0]["content"][:REPLY] if after and after[0]["role"] == "assistant" else ""
        filled = rewrite(asked, last)
        if said and leans(asked) == "maybe" and last:
            filled = filled if any(name in said for name in names(last.question)) else asked
        if names(filled):
            last = Turn(filled)
    return last


def is_better_as_asked(as_asked: float, rewritten: float) -> bool:
    """Return whether a question that may be a follow-up is answered better as it was asked.

    Args:
        as_asked: The calibrated log-odds that what was found for it as it was asked answers.
        rewritten: The same of what was found for it with what it may leave out.
    """
    return as_asked > rewritten + BETTER


def misses_names(rewritten: str, question: str, best: str) -> bool:
    """Return whether the best passage has none of the names that were put before a question.

    Then the passage is not about them, nor is the question.

    Args:
        rewritten: The question with what it may leave out.
        question: The question as it was asked.
        best: The text of the best passage found for the former.
    """
    added = [name for name in names(rewritten.removesuffix(question)) if name.isascii()]
    found = best.casefold()
    return bool(added) and not any(name.casefold() in found for name in added)
