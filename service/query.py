"""Checks and clean-up of a reader's question, and its language. Imports nothing heavy."""

from __future__ import annotations

import unicodedata

from corpus.errors import QuestionRefused
from index.lexical.tokenizer import is_japanese

LONGEST_QUESTION = 4000  # characters
_BLANKS = "\u115f\u1160\u3164\uffa0"  # Hangul fillers: letters to Unicode, and nothing to see


def language_of(text: str) -> str:
    """Return the language to answer a question in: ``ja`` or ``en``."""
    return "ja" if is_japanese(text) else "en"


def printable(text: str) -> str:
    """Replace control characters and lone surrogates by blanks: some databases refuse them."""
    return "".join(c if unicodedata.category(c)[0] != "C" else " " for c in text)


def check_question(question: str) -> str:
    """Normalise a question: control characters and runs of white space become single blanks.

    Raises:
        QuestionRefused: It is too long, or has neither letters nor digits.
    """
    if len(question) > LONGEST_QUESTION:
        raise QuestionRefused(
            f"the question has {len(question):,} characters, and the limit is"
            f" {LONGEST_QUESTION:,}: ask in fewer words, or ingest the text and ask about it"
        )
    cleaned = " ".join(printable(question).split())
    if not cleaned.strip(f" {_BLANKS}"):
        raise QuestionRefused("the question is empty: write what you want to know")
    if not any(c.isalnum() and c not in _BLANKS for c in cleaned):
        raise QuestionRefused("the question has no words: write what you want to know")
    return cleaned
