"""What the API replies with of jobs, for its schema in /openapi.json and for its clients."""

from __future__ import annotations

from dataclasses import dataclass, field

from index.report import IngestOutcome
from service.jobs import Job


@dataclass(frozen=True, slots=True)
class ReadItem:
    """What became of one document of a job: an Item of index.report without its links."""

    place: str
    outcome: IngestOutcome
    title: str
    passages: int
    reason: str
    source_id: str
    pages: int


@dataclass(frozen=True, slots=True)
class SentJob(Job):
    """A job with what became of its documents until now, in the order in which they were done."""

    items: tuple[ReadItem, ...] = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class Jobs:
    """Some jobs, newest first, without their items; ``next`` goes in ``before`` for the others."""

    jobs: tuple[Job, ...]
    next: str | None
