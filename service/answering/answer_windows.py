"""Answer windows: the smallest part of a passage that answers and can be understood alone.

A window has one to three adjacent sentences, or the rows of a table from its head on. It begins
with the sentence that answers best, and has what that cannot be understood without: the sentence
that says who "he" is, the items behind a colon, what stands below a heading, the head of a table.
Then neighbours join it that seem to hold a part of the answer.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from corpus.text.chunking import text_width
from service.answering.question_reading import BestSentence, ReadPassage, Span
from service.text.layout import is_caption, is_heading, is_table_head, table_rows
from service.text.leaning import leans_on_previous
from service.verification.provenance import Originals

MAX_SENTENCES = 3  # of a window, but for rows of a table
MAX_TABLE_WIDTH = 600.0  # from a table's head to the row that answers, in units of ``text_width``
JOINS = 2.5  # a neighbour joins if its log-odds are at most so much below the best sentence's
MAX_BEFORE = 2  # sentences before a window that are added to say what its pronoun stands for
SECONDARY_PENALTY = 0.5  # log-odds that count against a source that reports on another


@dataclass(frozen=True, slots=True)
class AnswerWindow:
    """A part of a passage, ``text[start:end]``, that may answer the question.

    Attributes:
        passage: The passage.
        start: Where the window begins.
        end: Where it ends.
        best: The log-odds that its best sentence answers, by the reader.
        again: The log-odds that the window answers, by the checker, which read it by itself below
            its title and headings; of a window too far behind to be read again, the least of those
            that were; 0 if none was.
        secondary: Whether its source only reports on another.
    """

    passage: ReadPassage
    start: int
    end: int
    best: float
    again: float = 0.0
    secondary: bool = False

    @property
    def odds(self) -> float:
        """The log-odds that the window answers, by the reader."""
        return self.passage.answers(self.start, self.end)

    @property
    def score(self) -> float:
        """What it is ranked by among all windows: log-odds up to a constant."""
        again = self.passage.calibration.ranking.again * self.again
        return self.passage.score(self.best) + again - SECONDARY_PENALTY * self.secondary

    @property
    def certainty(self) -> float:
        """The calibrated log-odds that the window answers."""
        return self.passage.certainty(self.odds)

    def overlaps(self, other: AnswerWindow) -> bool:
        """Return whether another window has a part of the same passage in common with this one."""
        same = self.passage.evidence.passage.id == other.passage.evidence.passage.id
        return same and self.start < other.end and other.start < self.end

    def agrees_with(self, other: AnswerWindow) -> bool:
        """Return whether another window seems to give the same answer, in whichever words."""
        one, two = (BestSentence.of(w.passage, w.start, w.end) for w in (self, other))
        return bool(one and two and one.agrees_with(two))

    @property
    def text(self) -> str:
        """The words of the window."""
        return self.passage.evidence.passage.text[self.start : self.end]


def answer_windows(
    passages: Sequence[ReadPassage], originals: Originals, most: int
) -> list[AnswerWindow]:
    """Find the windows of all passages that answer best by the reader; none overlaps another.

    Args:
        passages: The passages, as they were read for the question.
        originals: Tells which sources only report on others; they rank lower.
        most: How many are found at most.
    """
    secondary = [originals.reports(passage.evidence.source) for passage in passages]
    sentences = [
        (
            AnswerWindow(passage, *span, passage.answers(*span), secondary=secondary[number]),
            number,
            n,
        )
        for number, passage in enumerate(passages)
        for n, span in enumerate(passage.sentences)
    ]
    sentences.sort(key=lambda each: -each[0].score)
    taken: list[set[int]] = [set() for _ in passages]  # sentences that are in a window
    found: list[AnswerWindow] = []
    for sentence, number, n in sentences:
        if len(found) == most:
            break
        if n in taken[number]:
            continue
        passage = passages[number]
        low, high = window_around(passage, n, taken[number])
        taken[number].update(range(low, high + 1))
        start, end = passage.sentences[low][0], passage.sentences[high][1]
        found.append(replace(sentence, start=start, end=end))
    return found


def window_around(passage: ReadPassage, n: int, taken: Collection[int] = ()) -> tuple[int, int]:
    """Choose the window of a passage around one of its sentences.

    Args:
        passage: The passage.
        n: The number of the sentence, which is not taken.
        taken: The numbers of sentences that are in other windows.

    Returns:
        The numbers of the window's first and last sentence.
    """
    stretch = _Stretch.around(passage, n, taken)
    odds = [passage.answers(*span) for span in stretch.spans]
    low, high = stretch.from_table_head(n) or stretch.understood(n, n)
    while True:
        beside = [m for m in (low - 1, high + 1) if stretch.first <= m <= stretch.last]
        joining = [m for m in beside if odds[m] > odds[n] - JOINS]
        joining.sort(key=lambda m: -odds[m])
        wider = [stretch.understood(min(low, m), max(high, m)) for m in joining]
        fitting = [each for each in wider if each[1] - each[0] < MAX_SENTENCES]
        if not fitting:
            return low, high
        low, high = fitting[0]


@dataclass(frozen=True, slots=True)
class _Stretch:
    """The sentences of a passage, and which of them may be in one window.

    Attributes:
        text: The text of the passage.
        spans: All its sentences that may be shown.
        first: The number of the first that may be in the window.
        last: That of the last.
    """

    text: str
    spans: Sequence[Span]
    first: int
    last: int

    @classmethod
    def around(cls, passage: ReadPassage, n: int, taken: Collection[int]) -> _Stretch:
        """Return the sentences around number ``n`` up to one that is taken, or not to be shown."""
        text, spans = passage.evidence.passage.text, passage.sentences

        def adjoin(before: int, after: int) -> bool:
            between = text[spans[before][1] : spans[after][0]]
            return not any(map(str.isalnum, between))  # else an order to a model is left out there

        first = last = n
        while first and first - 1 not in taken and adjoin(first - 1, first):
            first -= 1
        while last + 1 < len(spans) and last + 1 not in taken and adjoin(last, last + 1):
            last += 1
        return cls(text, spans, first, last)

    def understood(self, low: int, high: int) -> tuple[int, int]:
        """Widen a window by the sentences without which it cannot be understood.

        Before a single sentence, at most so many are added that the window is not too long.
        """
        single = low == high
        while high < self.last and high - low + 1 < MAX_SENTENCES and self._leads_on(high):
            high += 1
        if single and high == low > self.first and is_caption(self._sentence(high)):
            low -= 1
        least = high + 1 - MAX_SENTENCES if single else 0
        for _ in range(MAX_BEFORE):
            if low <= max(self.first, least) or not leans_on_previous(self._sentence(low)):
                break
            low -= 1
        return low, high

    def from_table_head(self, n: int) -> tuple[int, int] | None:
        """Return the rows of a table from its head to the one with sentence ``n``.

        None if it is in no row, or in the head, or if the head is too far away.
        """
        rows = table_rows(self.text, *self.spans[n])
        if rows is None or is_table_head(self.text, *self.spans[n]):
            return None
        inside = [m for m, (a, b) in enumerate(self.spans) if a < rows[1] and rows[0] < b]
        low, high = inside[0], inside[-1]
        width = text_width(self.text[self.spans[low][0] : self.spans[high][1]])
        reached = self.first <= low and high <= self.last
        return (low, high) if reached and width <= MAX_TABLE_WIDTH else None

    def _sentence(self, n: int) -> str:
        return self.text[slice(*self.spans[n])]

    def _leads_on(self, n: int) -> bool:
        """Return whether a sentence only says what the next one is about."""
        sentence, span = self._sentence(n), self.spans[n]
        return (
            sentence.endswith((":", "：", "?", "？"))
            or is_caption(sentence)
            or is_heading(self.text, *span)
            or is_table_head(self.text, *span)
        )
