"""Finding a name in a text whatever its case, width, spaces and hyphens.

Pure functions. A name is compared by its letters and digits alone, so ``Block-NeRF`` is found in
"block nerf" and in "ＢｌｏｃｋＮｅＲＦの著者", but not in "unblocknerf".
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

_HYPHENS = frozenset("-‐‑‒–−_.")
_Script = Literal["alphabetic", "katakana", "other"]


def folded_letters(text: str) -> str:
    """Return the letters and digits of a text, in one width and without case."""
    return "".join(c.casefold() for c in unicodedata.normalize("NFKC", text) if c.isalnum())


@dataclass(frozen=True, slots=True)
class FoldedText:
    """A text in which names can be found.

    Attributes:
        shown: The text in one width (Unicode's NFKC); offsets of matches refer to it.
        letters: Its letters and digits without case.
        places: For each of ``letters``, its offset in ``shown``.
    """

    shown: str
    letters: str
    places: tuple[int, ...]

    @classmethod
    def of(cls, text: str) -> FoldedText:
        """Fold a text."""
        shown = unicodedata.normalize("NFKC", text)
        folded = [(low, n) for n, c in enumerate(shown) if c.isalnum() for low in c.casefold()]
        return cls(shown, "".join(low for low, _ in folded), tuple(n for _, n in folded))

    def find(self, wanted: str) -> Iterator[tuple[int, int]]:
        """Yield where a name stands as a whole, as spans of ``shown``.

        Args:
            wanted: The name as ``folded_letters`` gives it.
        """
        at = self.letters.find(wanted) if wanted else -1
        while at >= 0:
            start, end = self.places[at], self.places[at + len(wanted) - 1] + 1
            if self._is_edge(start - 1, start, -1) and self._is_edge(end, end - 1, 1):
                yield start, end
            at = self.letters.find(wanted, at + 1)

    def _is_edge(self, outside: int, inside: int, step: int) -> bool:
        """Return whether a word ends between two neighbouring characters.

        A hyphen that joins two words of the alphabet ends none: NeRF is not named by Block-NeRF.
        """
        if not 0 <= outside < len(self.shown):
            return True
        within, neighbour = self.shown[inside], self.shown[outside]
        if neighbour in _HYPHENS and 0 <= outside + step < len(self.shown):
            beyond = self.shown[outside + step]
            joined = beyond.isalnum() and _script(beyond) == _script(within) == "alphabetic"
            return not joined
        if not neighbour.isalnum():
            return True
        script = _script(within)
        return script == "other" or script != _script(neighbour)


def _script(char: str) -> _Script:
    if "\u30a1" <= char <= "\u30fc":
        return "katakana"
    return "alphabetic" if char < "\u2e80" else "other"
