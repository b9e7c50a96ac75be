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


def quote_sides(sides: Sequence[Sequence[AnswerWindow]]) -> list[Draft]:
    """Choose windows that answer for each of two things that are compared, verbatim, each cited.

    The best for each; if the two are one, the likeliest of all others too: what is said of one
    thing also looks like an answer about the other. Where a thing is not surely told of, its next
    best follows.

    Args:
        sides: For each of the two, windows of the evidence, best first.
    """
    chosen = [windows[0] for windows in sides if windows]
    if len(chosen) > 1 and chosen[0].overlaps(chosen[1]):
        chosen = [max(chosen, key=lambda window: window.end - window.start)]
        every = [window for windows in sides for window in windows]
        chosen += _first_other(sorted(every, key=lambda window: -window.certainty), chosen)
    for windows in sides:
        if windows and windows[0].certainty < windows[0].passage.ticked_from:
            chosen += _first_other(windows, chosen)
    return [Draft(w.text, (w.passage.evidence.label,)) for w in chosen]


def _first_other(
    windows: Sequence[AnswerWindow], chosen: Sequence[AnswerWindow]
) -> list[AnswerWindow]:
    """Return the first window that has nothing in common with those chosen, in a list; or none."""
    return [window for window in windows if not any(map(window.overlaps, chosen))][:1]
