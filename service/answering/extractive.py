"""Quote mode: answers with the sources' own sentences, without a language model."""

from __future__ import annotations

from collections.abc import Sequence

from service.answering.answer_windows import AnswerWindow
from service.types import Draft

MAX_QUOTES = 3
MAX_SCORE_GAP = 1.5  # log-odds that a further quote may be behind the best
ANSWERS = 0.0  # calibrated log-odds from which a quote more likely answers than not


def quote_answer(windows: Sequence[AnswerWindow], most: int = MAX_QUOTES) -> list[Draft]:
    """Choose the windows that answer, verbatim, each cited.

    The best comes first, whatever its place; others follow if they answer nearly as well.

    Args:
        windows: Windows of the evidence, best first.
        most: How many are chosen at most.
    """
    if not windows:
        return []
    best, *others = windows
    further = [
        window
        for window in others
        if window.score > best.score - MAX_SCORE_GAP and window.certainty > ANSWERS
    ]
    chosen = [best, *further[: most - 1]]
    return [Draft(window.text, (window.passage.evidence.label,)) for window in chosen]
