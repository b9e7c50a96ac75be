"""What a model writes before its answer because it reasons first: none of it is the answer.

Some servers send it in a field of its own, others within the reply, between ``<think>`` and
``</think>``.
"""

from __future__ import annotations

THOUGHT_TOKENS = 2000  # that a model which reasons may take for it, besides those of its answer

_BEGIN, _END = "<think>", "</think>"


def without_thoughts(text: str) -> str:
    """Return what a model wrote after its thoughts: nothing where it was cut off amid them.

    The mark at their beginning may be missing, since some servers write it for the model. A reply
    that begins as JSON has none before it, and may quote such a mark.
    """
    if text.lstrip()[:1] in ("{", "[", "`"):
        return text
    _, ended, after = text.partition(_END)
    return after if ended else text.partition(_BEGIN)[0]


class ThoughtFilter:
    """Takes the thoughts off one reply that comes in pieces, and says whether there were any.

    Attributes:
        thought: Whether the model has thought.
        answered: Whether it has written anything else, blanks aside.
    """

    def __init__(self) -> None:
        self.thought = self.answered = False
        self._held = ""  # the end of what has come, which may be the beginning of a mark
        self._inside = self._passes = False

    def feed(self, piece: str) -> str:
        """Return what is known to be no thought, of this piece and those held back before it."""
        if not self._passes:
            piece = self._after_thoughts(piece)
        self.answered = self.answered or bool(piece.strip())
        return piece

    def end(self) -> str:
        """Return what was held back, once no piece comes any more."""
        rest, self._held = "" if self._inside else self._held, ""
        self.answered = self.answered or bool(rest.strip())
        return rest

    def _after_thoughts(self, piece: str) -> str:
        held = self._held + piece
        if not self._inside:
            begun = held.lstrip()
            if len(begun) < len(_BEGIN) and _BEGIN.startswith(begun):
                self._held = held
                return ""
            if not begun.startswith(_BEGIN):
                self._held, self._passes = "", True
                return held
            self._inside = self.thought = True
        _, ended, after = held.partition(_END)
        self._held, self._passes = held[1 - len(_END) :], bool(ended)
        return after
