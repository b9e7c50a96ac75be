"""Quote mode: answers with the sources' own sentences, without a language model."""

from __future__ import annotations

from collections.abc import Sequence

from service.answering.answer_windows import AnswerWindow
from service.types import Draft

MAX_QUOTES = 3
MAX_SCORE_GAP = 1.5  # log-odds that a further quote may be behind a best one that surely answers
ANSWERS = 0.0  # calibrated log-odds from which a quote more likely answers than not
BEHIND = 1.5  # the same that another quote may be behind a best one that does not surely answer


def quote_answer(
    windows: Sequence[AnswerWindow], most: int = MAX_QUOTES, bar: float | None = None
) -> list[Draft]:
    """Choose the windows that answer, verbatim, each cited.

    The best comes first, whatever its place; others follow if they more likely answer than not.
    If the best does not surely answer, so do those that are nearly as likely: the reader sees
    which of them does, which is better than one wrong quote.

    Args:
        windows: Windows of the evidence, best first.
        most: How many are chosen at most.
        bar: Calibrated log-odds that those that follow must be above in any case; None: none.
    """
    if not windows:
        return []
    best, *others = windows
    sure = best.certainty >= best.passage.ticked_from
    if sure:
        others = [window for window in others if window.score > best.score - MAX_SCORE_GAP]
    least = ANSWERS if sure else min(ANSWERS, best.certainty - BEHIND)
    least = least if bar is None else max(least, bar)
    further = [window for window in others if window.certainty > least]
    chosen = [best, *further[: most - 1]]
    return [Draft(window.text, (window.passage.evidence.label,)) for window in chosen]
