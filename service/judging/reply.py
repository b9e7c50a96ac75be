"""The strict parser of a judge's reply: exactly what was asked for, or nothing at all.

A reply in which one verdict is missing or names evidence that does not exist was not written by a
model that understood its task, so none of its verdicts counts.
"""

from __future__ import annotations

import json
import re
from typing import Any, cast

from service.generation.thoughts import without_thoughts
from service.judging.prompt import MOST_NUMBERS
from service.judging.types import Judgement, Ruling
from service.query import printable

_BASE, _EACH = 500, 2000  # characters of a reply, and of each verdict in it
# No two of its parts match the same line breaks, so that it takes time by the length of a reply.
_FENCE = re.compile(r"```(?:json)?[ \t]*\n(.*)\n[ \t]*```", re.DOTALL)
_RULINGS = ("supported", "contradicted", "unsupported")
_KEYS = {"sentence", "evidence", "unsupported_words", "verdict", "answers"}


class UnreadableReply(ValueError):
    """A judge's reply that is not what it was asked for; the message says in what."""


def parse_reply(text: str, sentences: int, evidence: int) -> tuple[Judgement, ...]:
    """Read the judgements of a reply, in the order of the sentences.

    One block of thoughts before the JSON and a fence around it are skipped.

    Args:
        text: What the model wrote.
        sentences: How many sentences it was to judge.
        evidence: How many numbered sentences of evidence it was shown.

    Raises:
        UnreadableReply: The reply differs in anything from what was asked for.
    """
    body = without_thoughts(text).strip()
    if len(body) > _BASE + _EACH * sentences:
        raise UnreadableReply("it is too long")
    fenced = _FENCE.fullmatch(body)
    try:
        value = json.loads(
            fenced[1] if fenced else body,
            object_pairs_hook=_object,
            parse_constant=_no_constant,
        )
    except UnreadableReply:
        raise
    except (ValueError, RecursionError) as error:
        raise UnreadableReply("it is not JSON") from error
    if not isinstance(value, dict) or set(value) != {"verdicts"}:
        raise UnreadableReply("it is not an object with verdicts alone")
    verdicts = value["verdicts"]
    if not isinstance(verdicts, list) or len(verdicts) != sentences:
        raise UnreadableReply("it has not one verdict for each sentence")
    found = dict(_judgement(verdict, evidence) for verdict in verdicts)
    if set(found) != set(range(1, sentences + 1)):
        raise UnreadableReply("its verdicts are on other sentences")
    return tuple(found[n] for n in range(1, sentences + 1))


def _judgement(verdict: object, evidence: int) -> tuple[int, Judgement]:
    """Return the number of a sentence, and what the judge says of it."""
    if not isinstance(verdict, dict) or set(verdict) != _KEYS:
        raise UnreadableReply("a verdict has other fields")
    if type(verdict["sentence"]) is not int:
        raise UnreadableReply("a verdict does not say on which sentence it is")
    if verdict["verdict"] not in _RULINGS:
        raise UnreadableReply("a verdict is none of the three words")
    if type(verdict["answers"]) is not bool:
        raise UnreadableReply("a verdict does not say whether the sentence answers")
    ruling = cast(Ruling, verdict["verdict"])
    numbers = _numbers(verdict["evidence"], evidence)
    words = verdict["unsupported_words"]
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise UnreadableReply("the unsupported words are not a list of texts")
    if ruling != "unsupported" and not numbers:
        raise UnreadableReply(f"a sentence is {ruling} by no evidence")
    if ruling == "supported" and words:
        raise UnreadableReply("a sentence is supported, and words of it are not")
    shown = tuple(map(printable, words))  # receipts keep them
    return verdict["sentence"], Judgement(ruling, numbers, shown, verdict["answers"])


def _numbers(value: object, evidence: int) -> tuple[int, ...]:
    if not isinstance(value, list) or len(value) > MOST_NUMBERS:
        raise UnreadableReply(f"the evidence is not a list of at most {MOST_NUMBERS} numbers")
    if not all(type(number) is int and 1 <= number <= evidence for number in value):
        raise UnreadableReply("it names evidence that does not exist")
    return tuple(dict.fromkeys(value))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise UnreadableReply("it has a key twice")
    return found


def _no_constant(name: str) -> None:
    raise UnreadableReply(f"it has {name}, which is not JSON")
