"""Readers of the two prompts that a model gets: which sources or sentences stand in them, where."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from corpus.text.sentences import sentences
from service.text.prompt_injection import neutral

_SOURCE = re.compile(r"^\[(\d+)\] (.*)$", re.MULTILINE)
_SENTENCE = re.compile(r"^Sentence \d+: (.*)$", re.MULTILINE)
_BEFORE = "\n\nSentences written before, not to be judged:"
_AFTER = re.compile(r"\n\nJudge these \d+ sentences?:\n")


def squeezed(text: str) -> str:
    """Return a text as a prompt has it, without white space."""
    return "".join(neutral(text).split())


@dataclass(frozen=True, slots=True)
class Numbered:
    """Texts by number, in groups of which each is a passage.

    A quote is found by its words: in one text, across several texts of a group, or sentence by
    sentence anywhere.
    """

    texts: Mapping[int, str]
    groups: Sequence[Sequence[int]]
    _by_text: dict[str, int] = field(default_factory=dict)
    _groups: list[tuple[str, list[tuple[int, int]]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for number, text in self.texts.items():
            self._by_text.setdefault(squeezed(text), number)
        for group in self.groups:
            parts = [squeezed(self.texts[number]) for number in group]
            ends = accumulate(map(len, parts))
            self._groups.append(("".join(parts), list(zip(group, ends, strict=True))))

    def find(self, quote: str) -> tuple[int, ...] | None:
        """Return the numbers of the texts that have a quote together; None if they do not."""
        if (whole := self._find(squeezed(quote))) or not quote.strip():
            return whole
        parts = [self._find(squeezed(part)) for part in sentences(quote)]
        found = [part for part in parts if part]
        if len(parts) < 2 or len(found) < len(parts):
            return None
        return tuple(dict.fromkeys(number for part in found for number in part))

    def _find(self, words: str) -> tuple[int, ...] | None:
        if words in self._by_text:
            return (self._by_text[words],)
        for joined, ends in self._groups:
            start = joined.find(words)
            if start >= 0:
                end, before, found = start + len(words), 0, []
                for number, after in ends:
                    if before < end and start < after:
                        found.append(number)
                    before = after
                return tuple(found)
        return None


@dataclass(frozen=True, slots=True)
class JudgePrompt:
    """What a judge is asked: sentences, and the evidence to judge them by."""

    evidence: Numbered
    sentences: tuple[str, ...]


def read_answer_prompt(content: str) -> Numbered:
    """Return the numbered sources of a prompt for an answer, from its last message."""
    found = {int(match[1]): match[2] for match in _SOURCE.finditer(content)}
    return Numbered(found, [[number] for number in found])


def read_judge_prompt(content: str) -> JudgePrompt | None:
    """Return what the last message of a prompt asks to be judged; None if it asks for else."""
    evidence, asked, rest = content.partition(_BEFORE)
    parts = _AFTER.split(rest, maxsplit=1)
    if not asked or len(parts) != 2:
        return None
    texts: dict[int, str] = {}
    groups: list[list[int]] = []
    for line in evidence.split("\n"):
        match = _SOURCE.match(line)
        if match is None:
            groups.append([])
        elif groups:
            texts[int(match[1])] = match[2]
            groups[-1].append(int(match[1]))
    found = Numbered(texts, [group for group in groups if group])
    return JudgePrompt(found, tuple(_SENTENCE.findall(parts[1])))
