"""What an ingestion says of itself: how far it is, and what became of each document."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Literal

from corpus.types import Document, Link


def remarks(document: Document) -> str:
    """Pages that could not be read, with why, and pages read by OCR; "" for neither.

    ``page 3 could not be read: OCR finds no text on it; pages 2, 5-7 read by OCR``
    """
    gaps: dict[str, list[int]] = {}
    for gap in document.gaps:
        gaps.setdefault(gap.reason, []).append(gap.page)
    said = [f"{_pages(pages)} could not be read: {reason}" for reason, pages in gaps.items()]
    by_ocr = [page.number for page in document.pages if page.ocr]
    return "; ".join([*said, f"{_pages(by_ocr)} read by OCR"] if by_ocr else said)


def _pages(numbers: Sequence[int]) -> str:
    """``page 3``, or ``pages 2, 5-7``; numbers ascend."""
    runs = groupby(enumerate(numbers), key=lambda each: each[1] - each[0])
    spans = [[number for _, number in run] for _, run in runs]
    shown = [f"{span[0]}-{span[-1]}" if len(span) > 1 else f"{span[0]}" for span in spans]
    return ("page " if len(numbers) == 1 else "pages ") + ", ".join(shown)


IngestOutcome = Literal[
    "fetched", "read", "digest", "unchanged", "kept", "planned", "skipped", "failed"
]
IngestStep = Literal["reading", "waiting", "indexing", "comparing"]


@dataclass(frozen=True, slots=True)
class Item:
    """What became of one document.

    ``digest``: the original could not be fetched (``reason``), its digest was ingested.
    ``kept``: it could not be fetched now, and what an earlier run fetched stays.
    ``planned``: it would be ingested. ``skipped``: the bounds of the run leave it out.
    ``source_id`` and ``links`` are those of what was read, of ``pages`` printed pages.
    """

    place: str
    outcome: IngestOutcome
    title: str = ""
    passages: int = 0
    reason: str = ""
    source_id: str = ""
    links: tuple[Link, ...] = ()
    pages: int = 0


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an ingestion is: of its documents, and of the passages that the index lacks.

    ``waiting``: another process writes the index, and has to end first. ``comparing``: what is
    new, with what is there, for texts of one work. ``failed`` are among the ``documents`` that
    are done; ``pages`` and ``passages`` are what was read in them.
    """

    step: IngestStep = "reading"
    documents: int = 0
    of_documents: int = 0
    failed: int = 0
    pages: int = 0
    passages: int = 0
    indexed: int = 0
    to_index: int = 0
    compared: int = 0
    to_compare: int = 0


class IngestProgress:
    """Counts what an ingestion does, and tells each change to who listens."""

    def __init__(self, on_progress: Callable[[Progress], None] = lambda _: None) -> None:
        self._on_progress = on_progress
        self.progress = Progress()

    def add_expected(self, documents: int) -> None:
        """So many more documents are to be read."""
        now = self.progress
        self._set(step="reading", of_documents=now.of_documents + documents)

    def add(self, item: Item) -> None:
        """One of them is done."""
        now = self.progress
        self._set(
            documents=now.documents + 1,
            failed=now.failed + (item.outcome == "failed"),
            pages=now.pages + item.pages,
            passages=now.passages + item.passages,
        )

    def set_waiting(self) -> None:
        self._set(step="waiting")

    def set_indexed(self, done: int, of: int) -> None:
        """So many passages are in the index, of those that it lacked."""
        self._set(step="indexing", indexed=done, to_index=of)

    def set_compared(self, done: int, of: int) -> None:
        """So many sources are compared with the others, of those that are new."""
        self._set(step="comparing", compared=done, to_compare=of)

    def _set(self, **changed: int | IngestStep) -> None:
        self.progress = replace(self.progress, **changed)
        self._on_progress(self.progress)
