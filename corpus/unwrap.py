"""Undo the line breaks of print: hyphenated words, and lines of kana and kanji."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from corpus.blocks import CJK

SOFT_HYPHEN = "\xad"
"""At the end of a line: a hyphen that may only be there because the line ended."""

_CJK = re.compile(CJK)
_WORD = re.compile(r"\w+(?:-\w+)*")
_HARD_HYPHEN = re.compile(r"[^\W_]-$")
_SHARED = re.compile(r"(?:and|or|to|und|oder)\b")  # "pre- and post-processing"


class Unwrapper:
    """Joins the lines of one document, which is its own dictionary of unbroken words."""

    def __init__(self, lines: Sequence[str]) -> None:
        self._words: set[str] = set()
        broken = False
        for line in lines:
            words = _WORD.findall(line.casefold())
            # The two halves of a broken word are no words.
            breaks = line.endswith(SOFT_HYPHEN) or bool(_HARD_HYPHEN.search(line))
            self._words.update(words[broken : -1 if breaks else None])
            broken = breaks

    def join(self, lines: Iterable[str]) -> str:
        """Lines as running text; a soft hyphen at the very end stays."""
        text = ""
        for line in lines:
            text = self.before(text, line) + line
        return text

    def before(self, text: str, more: str) -> str:
        """``text`` with all that belongs between it and ``more``, which runs on from it."""
        if not text or not more:
            return text
        hyphen = text.endswith(SOFT_HYPHEN) or (_HARD_HYPHEN.search(text) and more[0].isalnum())
        if hyphen and _SHARED.match(more):
            return f"{text[:-1]}- "
        if hyphen:
            return text[:-1] + self._hyphen(text[:-1], more)
        if _CJK.match(text[-1]) and _CJK.match(more):
            return text
        return f"{text} "

    def _hyphen(self, text: str, more: str) -> str:
        """The hyphen of a compound, or "" where it only broke a word."""
        left, right = re.search(r"[\w-]*$", text), _WORD.match(more)
        if not left or not right or not left[0]:
            return "-"
        before, after = left[0].casefold(), right[0].casefold()
        if before + after in self._words:
            return ""
        compound = f"{before}-{after}" in self._words or "-" in before
        both_words = min(len(before), len(after)) > 3 and {before, after} <= self._words
        return "-" if compound or both_words or before.isdigit() or more[0].isupper() else ""
