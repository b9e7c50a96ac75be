"""What a reader asks: whether it can be read, and in which language it is. Nothing heavy."""

from __future__ import annotations

import unicodedata

from corpus.errors import QuestionRefused
from index.lexical.tokenizer import is_japanese

LONGEST_QUESTION = 4000  # characters


def language_of(text: str) -> str:
    """``ja`` or ``en``: the language to answer in."""
    return "ja" if is_japanese(text) else "en"


def printable(text: str) -> str:
    """A text with a blank for each character that is none: controls, halves of characters. Some
    databases refuse them, and nobody sees them.
    """
    return "".join(c if unicodedata.category(c)[0] != "C" else " " for c in text)


def check_question(question: str) -> str:
    """A question with its control characters removed and its blanks folded; QuestionRefused
    if nothing is left, or too much.
    """
    if len(question) > LONGEST_QUESTION:
        raise QuestionRefused(
            f"the question has {len(question):,} characters, and at most {LONGEST_QUESTION:,} are"
            " read: ask in fewer words, or ingest the text and ask about it"
        )
    cleaned = " ".join(printable(question).split())
    if not any(c.isalnum() for c in cleaned):
        raise QuestionRefused("the question is empty: write what you want to know")
    return cleaned
