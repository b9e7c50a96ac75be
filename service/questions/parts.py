"""The questions in a question: "When was it built, and by whom?" holds two.

A question is divided only where both sides ask something; wherever that is in doubt it stays
whole, since a question wrongly divided is answered wrongly twice.
"""

from __future__ import annotations

from corpus.text.sentences import sentences
from index.lexical.tokenizer import is_japanese
from service.questions import english_parts, japanese_parts

MAX_PARTS = 4  # a question with more of them stays whole
_LONGEST = 600  # characters; what is longer is a text rather than two questions


def question_parts(question: str) -> tuple[str, ...]:
    """Divide a question into the questions that it holds, in order, each to be asked alone.

    What a later part leaves out is filled in from the first where that is safe: a pronoun for its
    subject, or in Japanese its topic. Otherwise a part keeps its words.

    Returns:
        The parts, or the question itself, unchanged, if it holds only one.
    """
    if len(question) > _LONGEST:
        return (question,)
    language = japanese_parts if is_japanese(question) else english_parts
    asked = sentences(question)
    if not all(map(language.asks, asked)) or (len(asked) > 1 and language.one_choice(asked)):
        return (question,)
    parts = [part for each in asked for part in language.divide(each)]
    if not 1 < len(parts) <= MAX_PARTS:
        return (question,)
    found = (parts[0], *(language.complete(part, parts[0]) for part in parts[1:]))
    return tuple(found) if all(found) else (question,)
