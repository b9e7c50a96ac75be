"""A model's words, as they stream in, to sentences with the labels that each cites.

A push parser: it looks at each character once, keeps no more than the sentence at hand and
an open bracket, and gives the same sentences however the text was cut into chunks. No
model, no regular expression over text of unknown length.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from corpus.sentences import ends_with_abbreviation
from service.types import Draft

_OPEN, _CLOSE = frozenset("[［【"), frozenset("]］】")
_MARKER = re.compile(
    r"(?:sources?|資料|出典)?[ :#]*(\d{1,3}(?:(?:[ ,、，;]|and|&)+(?:sources?)?[ #]*\d{1,3})*)",
    re.IGNORECASE,
)
_LONGEST_MARKER = 40  # characters between brackets; more than that is text
_STOPS = frozenset("。！？!?．｡")
_CLOSERS = frozenset("」』）】〉》”’\"')]*")
_NESTING = {"「": 1, "『": 1, "（": 1, "(": 1, "」": -1, "』": -1, "）": -1, ")": -1}
_BULLET = re.compile(r"^\s*(?:[-*•・#>]+\s+|\d{1,2}[.)]\s+)+")


@dataclass
class SentenceParser:
    """``feed`` it text and take the sentences that are complete; ``finish`` gives the last.

    Markers are ``[1]``, ``[1, 2]``, ``[1][2]``, ``【1】``, ``［1］``, ``[Source 3]``; they
    belong to the sentence that they stand in, or that they follow. Numbers in other
    brackets, and markers inside code, are text.
    """

    _text: list[str] = field(default_factory=list)  # of the sentence at hand
    _labels: list[int] = field(default_factory=list)
    _bracket: str = ""  # an open bracket and what followed it, while it may be a marker
    _ended: bool = False  # a stop has been seen; markers and closing quotes may follow
    _line_ended: bool = False  # a line break has been seen, which ends any sentence
    _spaced: bool = False  # white space or a marker has been seen since then
    _marked: bool = False  # a marker has been seen since then
    _depth: int = 0  # of quotes and round brackets
    _code: bool = False

    def feed(self, chunk: str) -> list[Draft]:
        done: list[Draft] = []
        for char in chunk:
            if self._bracket:
                self._in_bracket(char, done)
            elif char in _OPEN and not self._code:
                self._bracket = char
            else:
                self._plain(char, done)
        return done

    def finish(self) -> list[Draft]:
        done: list[Draft] = []
        self._release(done)
        self._emit(done)
        return done

    def _in_bracket(self, char: str, done: list[Draft]) -> None:
        if char in _CLOSE:
            marker = _MARKER.fullmatch(self._bracket[1:].strip())
            if marker:
                self._bracket = ""
                self._labels += [int(n) for n in re.findall(r"\d+", marker[1])]
                self._spaced = self._marked = True
                return
        elif char not in _OPEN and char != "\n" and len(self._bracket) <= _LONGEST_MARKER:
            self._bracket += char
            return
        self._release(done)
        if char in _OPEN:
            self._bracket = char
        else:
            self._plain(char, done)

    def _release(self, done: list[Draft]) -> None:
        """What was held back as a marker is text after all."""
        held, self._bracket = self._bracket, ""
        for char in held:
            self._plain(char, done)

    def _plain(self, char: str, done: list[Draft]) -> None:
        if char == "\n" and self._text:  # ends the sentence, once we know that no marker follows
            self._ended = self._line_ended = True
        if self._ended:
            if char.isspace():
                self._spaced = True
            elif char in _CLOSERS and not self._spaced:
                pass
            elif self._line_ended or self._is_end(char):
                self._emit(done)
            else:
                self._ended = False
        if char == "`":
            self._code = not self._code
        self._depth = max(0, self._depth + _NESTING.get(char, 0))
        if self._text or not char.isspace():
            self._text.append(char)
        if char == "." or (char in _STOPS and (self._depth == 0 or char in "!?")):
            self._ended, self._spaced, self._marked = True, False, False

    def _is_end(self, following: str) -> bool:
        """Whether the sentence ended at its last stop, now that ``following`` comes after."""
        text = "".join(self._text[-32:]).rstrip()
        bare = text.rstrip("".join(_CLOSERS))
        stop = bare[-1:]
        if bare[:-1].isdigit() and len(text) < 4:  # "1." before an item of a list
            return False
        if stop in "。！？．｡":
            return True
        if not self._spaced or following.islower():
            return False
        return self._marked or stop != "." or not ends_with_abbreviation(bare[:-1], following)

    def _emit(self, done: list[Draft]) -> None:
        text = _BULLET.sub("", "".join(self._text)).replace("**", "")
        text = re.sub(r"\s+(?=[.。,、!?！？;:]+$)", "", " ".join(text.split()))
        if any(char.isalnum() for char in text):
            done.append(Draft(text, tuple(dict.fromkeys(self._labels))))
        self._text, self._labels, self._depth = [], [], 0
        self._ended = self._line_ended = self._spaced = self._marked = False
