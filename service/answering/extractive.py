"""Quote mode: answers with the sources' own sentences, without a language model."""

from __future__ import annotations

import math
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

    The best comes first, whatever its place; others follow if they answer nearly as well. If the
    best does not surely answer, those follow that are nearly as likely to and say something else:
    the reader sees which of them answers, which is better than one wrong quote.

    Args:
        windows: Windows of the evidence, best first.
        most: How many are chosen at most.
        bar: Calibrated log-odds that those that follow must be above in any case; None: none.
    """
    if not windows:
        return []
    best, *others = windows
    chosen, floor = [best], -math.inf if bar is None else bar
    if best.certainty >= best.passage.ticked_from:
        near = [window for window in others if window.score > best.score - MAX_SCORE_GAP]
        chosen += [window for window in near if window.certainty > max(ANSWERS, floor)]
    else:
        least = max(min(ANSWERS, best.certainty - BEHIND), floor)
        for window in others:
            if window.certainty > least and not any(map(window.agrees_with, chosen)):
                chosen.append(window)
    return [Draft(window.text, (window.passage.evidence.label,)) for window in chosen[:most]]
