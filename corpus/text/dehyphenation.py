"""Dehyphenation: joining printed lines to running text, in English and Japanese."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from corpus.text.blocks import CJK

SOFT_HYPHEN = "\xad"
"""At the end of a line, it marks a hyphen that may only be there because the word was broken."""

_CJK = re.compile(CJK)
_WORD = re.compile(r"\w+(?:-\w+)*")
_HARD_HYPHEN = re.compile(r"[^\W_]-$")
_SHARED = re.compile(r"(?:and|or|to|und|oder)\b")  # "pre- and post-processing"
_MAX_TAIL = 300  # characters at the end of a text that are examined
_ADDRESS = re.compile(r"(?:https?:|www\.)\S*$")
# First and second halves of compounds ("well-known", "data-driven") that few broken words have.
_FIRST = re.compile(r"non|self|well|.+(?:al|iv|ous|ent|ant|ing|ed|ar|ful)e?ly")
_SECOND = frozenset(
    (
        "agnostic annotated augmented available aware based cleaned dependent detected driven"
        " enhanced grained level oriented readable scale specific trained truth tuned"
    ).split()
)
_PREFIX = frozenset("auto down fore inter mis non out over post pre sub super under".split())


class Dehyphenator:
    """Joins the lines of one document, using its unbroken words as a dictionary.

    Args:
        lines: all lines of the document.
    """

    def __init__(self, lines: Sequence[str]) -> None:
        self._words: set[str] = set()
        broken = False
        for line in lines:
            words = _WORD.findall(line.casefold())
            # The two halves of a broken word are not words.
            breaks = line.endswith(SOFT_HYPHEN) or bool(_HARD_HYPHEN.search(line))
            self._words.update(words[broken : -1 if breaks else None])
            broken = breaks

    def join(self, lines: Iterable[str]) -> str:
        """Join lines to running text; a soft hyphen at the very end stays."""
        text = ""
        for line in lines:
            text = self.before(text, line) + line
        return text

    def before(self, text: str, more: str) -> str:
        """Prepare a text for appending its next line: drop a hyphen, add a space, or neither.

        Returns:
            ``text`` with its final hyphen kept or removed, and a space added where one belongs,
            so that ``before(text, more) + more`` is the joined text.
        """
        if not text or not more:
            return text
        last = text[-_MAX_TAIL:]
        address = _ADDRESS.search(last)
        if address and _continues(address[0], more.split(maxsplit=1)[0]):
            return text.removesuffix(SOFT_HYPHEN) + ("-" if text.endswith(SOFT_HYPHEN) else "")
        hyphen = text.endswith(SOFT_HYPHEN) or (_HARD_HYPHEN.search(last) and more[0].isalnum())
        if hyphen and _SHARED.match(more):
            return f"{text[:-1]}- "
        if hyphen:
            return text[:-1] + self._hyphen(last[:-1], more)
        if _CJK.match(text[-1]) and _CJK.match(more):
            return text
        return f"{text} "

    def _hyphen(self, text: str, more: str) -> str:
        """Return "-" if the hyphen belongs to a compound, "" if it only broke a word."""
        left, right = re.search(r"[\w-]*$", text), _WORD.match(more)
        if not left or not right or not left[0]:
            return "-"
        before, after = left[0].casefold(), right[0].casefold()
        if before[-1].isdigit():
            return "-"
        if before + after in self._words:
            return ""
        # Typesetting never breaks a word after its first letter: "x-axis", "φ-nodes".
        compound = f"{before}-{after}" in self._words or "-" in before or len(before) == 1
        if compound or not more[0].islower():
            return "-"
        return "-" if self._two_words(before, after) else ""

    def _two_words(self, before: str, after: str) -> bool:
        """Return whether the halves of a word that never occurs unbroken are words themselves."""
        if len(after) < 4:
            return False
        if _FIRST.fullmatch(before):
            return True
        if after in _SECOND and len(before) > 2 and before not in _PREFIX:
            return True
        return len(before) > 3 and {before, after} <= self._words


def _continues(address: str, more: str) -> bool:
    """Return whether a URL at the end of a line continues with the start of the next line."""
    if address.endswith((SOFT_HYPHEN, "-")):
        return True
    if address.endswith("/"):  # or it ends there, and a word follows
        return bool(re.search(r"[./_=\d-]", more.rstrip(".,;:)")))
    return address[-1] in ".:_=&?%#" and (more[0] == "/" or more[0].islower() or more[0].isdigit())
