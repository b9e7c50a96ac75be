"""The report of an ingestion: its progress, and what became of each document."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Literal

from corpus.document_errors import GAP_REASONS, DocumentProblem, GapProblem
from corpus.types import Document, Link

RemarkCode = Literal[GapProblem, "read by ocr"]


@dataclass(frozen=True, slots=True)
class Remark:
    """A remark on printed pages of a document that was read; ``Item.reason`` has it in words.

    Attributes:
        code: Why the pages could not be read; or that their text was recognised in an image.
        pages: Their numbers, such as ``2, 5-7``.
    """

    code: RemarkCode
    pages: str

    @property
    def words(self) -> str:
        """The remark in English, such as ``pages 2, 5-7 read by OCR``."""
        named = f"page{'' if self.pages.isdecimal() else 's'} {self.pages}"
        if self.code == "read by ocr":
            return f"{named} read by OCR"
        return f"{named} could not be read: {GAP_REASONS[self.code]}"


def remarks(document: Document) -> tuple[Remark, ...]:
    """Find the pages of a document that could not be read, or were read by OCR."""
    pages: dict[RemarkCode, list[int]] = {}
    for gap in document.gaps:
        pages.setdefault(gap.problem, []).append(gap.page)
    if by_ocr := [page.number for page in document.pages if page.ocr]:
        pages["read by ocr"] = by_ocr
    return tuple(Remark(code, _spans(numbers)) for code, numbers in pages.items())


def _spans(numbers: Sequence[int]) -> str:
    """``3``, or ``2, 5-7``; numbers ascend."""
    runs = groupby(enumerate(numbers), key=lambda each: each[1] - each[0])
    spans = [[number for _, number in run] for _, run in runs]
    return ", ".join(f"{s[0]}-{s[-1]}" if len(s) > 1 else f"{s[0]}" for s in spans)


IngestOutcome = Literal[
    "fetched", "read", "digest", "unchanged", "kept", "planned", "skipped", "failed"
]
# The outcomes after which the document is in the library.
IN_LIBRARY: frozenset[IngestOutcome] = frozenset(("fetched", "read", "digest", "unchanged", "kept"))
IngestStep = Literal["reading", "waiting", "indexing", "comparing"]


@dataclass(frozen=True, slots=True)
class Item:
    """What an ingestion did with one document.

    Attributes:
        place: Its address or path, as the report names it.
        outcome: ``fetched`` from the network or ``read`` from a file. ``digest``: the original
            could not be fetched, so our digest of it was ingested. ``unchanged``: it is as it was.
            ``kept``: it could not be fetched now, and what an earlier run fetched stays.
            ``planned``: it would be ingested (in a preview). ``skipped``: the limits of the run
            exclude it. ``failed``: it could not be read.
        title: Its title; empty where it was not read.
        passages: How many passages it has.
        reason: Why it, or its original, was not read, and the remarks on it, in English.
        source_id: The id of its source; empty where there is none.
        links: The links in it.
        pages: How many printed pages it has.
        problem: Why it, or its original, was not read, as a code for programs; empty where only
            ``reason`` tells it.
        remarks: What ``reason`` says of its printed pages, for programs.
    """

    place: str
    outcome: IngestOutcome
    title: str = ""
    passages: int = 0
    reason: str = ""
    source_id: str = ""
    links: tuple[Link, ...] = ()
    pages: int = 0
    problem: DocumentProblem = ""
    remarks: tuple[Remark, ...] = ()


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of an ingestion at one moment.

    Attributes:
        step: ``reading`` documents; ``waiting`` for another process that writes the index;
            ``indexing`` passages; ``comparing`` new sources with others, for texts of one work.
        documents: How many documents are done, of ``of_documents``.
        of_documents: How many documents there are to read.
        failed: How many of the documents that are done could not be read.
        pages: How many printed pages were read.
        passages: How many passages the documents have that were read.
        indexed: How many passages were added to the index, of ``to_index``.
        to_index: How many passages the index lacked.
        compared: How many sources were compared with the others, of ``to_compare``.
        to_compare: How many sources are new or changed.
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
    """A counter of what an ingestion has done, which reports each change to a callback.

    Attributes:
        progress: The counts so far.
    """

    def __init__(self, on_progress: Callable[[Progress], None] = lambda _: None) -> None:
        self._on_progress = on_progress
        self.progress = Progress()

    def add_expected(self, documents: int) -> None:
        """Count documents that are still to be read."""
        now = self.progress
        self._report(replace(now, step="reading", of_documents=now.of_documents + documents))

    def add(self, item: Item) -> None:
        """Count a document that is done."""
        now = self.progress
        changed = replace(
            now,
            documents=now.documents + 1,
            failed=now.failed + (item.outcome == "failed"),
            pages=now.pages + item.pages,
            passages=now.passages + item.passages,
        )
        self._report(changed)

    def set_waiting(self) -> None:
        """Report that another process writes the index, and has to end first."""
        self._report(replace(self.progress, step="waiting"))

    def set_indexed(self, done: int, of: int) -> None:
        """Set how many passages are in the index, of those that it lacked."""
        self._report(replace(self.progress, step="indexing", indexed=done, to_index=of))

    def set_compared(self, done: int, of: int) -> None:
        """Set how many of the new or changed sources have been compared with the others."""
        self._report(replace(self.progress, step="comparing", compared=done, to_compare=of))

    def _report(self, progress: Progress) -> None:
        self.progress = progress
        self._on_progress(progress)
