"""The database table of ingestion jobs: requests, progress, and an item for each document.

Everything is committed before a client is told of it, so a job outlives the process that accepted
it. Each change of a job is an event with a number, counted from 1: each item, each progress report
(of which only the last is kept), and the end. Streams only read events from the table, so they can
be resumed after a restart as well as after a lost connection.

A job is not divided into steps that could be resumed. Ingestion is idempotent: a job that was
interrupted starts again, and what it had read is ``unchanged``.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal

import sqlalchemy as sa

from corpus.errors import JobEnded, NotFound, TooManyJobs
from corpus.store.database import Database, utc_now
from corpus.store.uploads import Upload
from index.ingestion.report import Item, Progress

JobKind = Literal["documents", "sources"]
JobStatus = Literal["queued", "running", "done", "failed", "interrupted"]

MAX_QUEUED_JOBS = 20
MAX_STORED_JOBS = 1000  # beyond which the oldest that have ended are deleted
QUEUE_FULL_RETRY_AFTER = 60  # seconds

_schema = sa.MetaData()
_jobs = sa.Table(
    "jobs",
    _schema,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("id", sa.String(24), nullable=False, unique=True),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("status", sa.String, nullable=False, index=True),
    sa.Column("created_at", sa.String, nullable=False),
    sa.Column("started_at", sa.String),
    sa.Column("finished_at", sa.String),
    sa.Column("asked", sa.JSON, nullable=False),
    sa.Column("secret", sa.String, nullable=False),  # empty; version 0.1 kept a password here
    sa.Column("progress", sa.JSON, nullable=False),
    sa.Column("reason", sa.String, nullable=False),
    sa.Column("event", sa.Integer, nullable=False),  # the number of the last event
    sa.Column("progress_event", sa.Integer, nullable=False),
    sqlite_autoincrement=True,
)
_items = sa.Table(
    "job_items",
    _schema,
    sa.Column("job", sa.ForeignKey("jobs.number", ondelete="CASCADE"), primary_key=True),
    sa.Column("event", sa.Integer, primary_key=True),
    sa.Column("item", sa.JSON, nullable=False),
)
_UNFINISHED = _jobs.c.status.in_(["queued", "running"])


@dataclass(frozen=True, slots=True)
class Job:
    """One ingestion that was requested over the API; times are ISO 8601 in UTC.

    Attributes:
        id: A random name.
        kind: Whether ``documents`` were uploaded or ``sources`` named by their addresses.
        status: Its state.
        created_at: When it was requested.
        started_at: When it first ran; None before.
        finished_at: When it ended; None before.
        asked: What was requested, as JSON, without a password.
        progress: What it has done so far.
        reason: Why it failed or was interrupted; while it runs, why it is being interrupted.
    """

    id: str
    kind: JobKind
    status: JobStatus
    created_at: str
    started_at: str | None
    finished_at: str | None
    asked: dict[str, Any]
    progress: Progress
    reason: str

    @property
    def files(self) -> list[Upload]:
        """The uploaded files that the job reads."""
        asked = (file for file in self.asked.get("files", ()) if "sha256" in file)
        return [Upload(file["name"], file["sha256"]) for file in asked]

    @property
    def ended(self) -> bool:
        """Whether the job is done, failed or interrupted."""
        return self.status not in ("queued", "running")


@dataclass(frozen=True, slots=True)
class JobEvent:
    """A numbered change of a job, sent to the clients that watch it."""

    number: int
    name: Literal["progress", "item", "job"]
    data: dict[str, Any]


_SHOWN = [_jobs.c[field.name] for field in fields(Job)]


class JobStore:
    """The jobs in a database; every method is one transaction, and threads may share the object.

    Methods raise NotFound where no job has the id, and StoreError where the database cannot be
    used.

    Attributes:
        changes: A counter of changes made through this object. While it stays the same, there are
            no new events of this process, so the database need not be read.
    """

    def __init__(self, database: Database) -> None:
        self.changes = 0
        self._transaction = database.transaction
        database.create(_schema)

    def add(self, kind: JobKind, asked: Mapping[str, Any]) -> Job:
        """Add a job to the end of the queue.

        Args:
            kind: Whether documents were uploaded or sources named by their addresses.
            asked: What was requested, as JSON.

        Raises:
            TooManyJobs: The queue is full.
        """
        job_id = secrets.token_urlsafe(12)
        row = {
            "id": job_id,
            "kind": kind,
            "status": "queued",
            "created_at": utc_now(),
            "asked": dict(asked),
            "secret": "",
            "progress": asdict(Progress()),
            "reason": "",
            "event": 0,
            "progress_event": 0,
        }
        with self._transaction(writes=True) as db:
            _check_room(db)
            newest = sa.select(_jobs.c.number).order_by(_jobs.c.number.desc())
            oldest = db.execute(newest.offset(MAX_STORED_JOBS - 1).limit(1)).scalar()
            if oldest is not None:
                db.execute(sa.delete(_jobs).where(_jobs.c.number <= oldest, ~_UNFINISHED))
            db.execute(sa.insert(_jobs).values(row))
        return self.job(job_id)

    def check_room(self) -> None:
        """Raise TooManyJobs if the queue is full now."""
        with self._transaction() as db:
            _check_room(db)

    def job(self, job_id: str) -> Job:
        """Return a job by its id."""
        with self._transaction() as db:
            return _job(_row(db, job_id))

    def jobs(self, limit: int, before: str | None = None) -> list[Job]:
        """List the newest jobs, newest first.

        Args:
            limit: How many to return at most.
            before: The id of a job; only older ones are listed.
        """
        query = sa.select(*_SHOWN).order_by(_jobs.c.number.desc()).limit(limit)
        with self._transaction() as db:
            if before is not None:
                query = query.where(_jobs.c.number < _number(db, before))
            return [_job(row) for row in db.execute(query)]

    def unfinished(self) -> list[Job]:
        """List the jobs that are queued or running, oldest first."""
        query = sa.select(*_SHOWN).where(_UNFINISHED).order_by(_jobs.c.number)
        with self._transaction() as db:
            return [_job(row) for row in db.execute(query)]

    def items(self, job_id: str) -> list[dict[str, Any]]:
        """List the items of a job, as JSON, in the order in which its documents were done."""
        with self._transaction() as db:
            query = sa.select(_items.c.item).where(_items.c.job == _number(db, job_id))
            return list(db.execute(query.order_by(_items.c.event)).scalars())

    def events(self, job_id: str, after: int) -> tuple[list[JobEvent], bool]:
        """Return the events of a job with a number above ``after``, and whether it has ended."""
        with self._transaction() as db:
            row = _row(db, job_id)
            job = _job(row)
            new = (_items.c.job == row.number) & (_items.c.event > after)
            found = [
                JobEvent(i.event, "item", i.item) for i in db.execute(sa.select(_items).where(new))
            ]
        if row.progress_event > after:
            found.append(JobEvent(row.progress_event, "progress", row.progress))
        if job.ended and row.event > after:
            found.append(JobEvent(row.event, "job", asdict(job)))
        return sorted(found, key=lambda event: event.number), job.ended

    # Changes

    def begin(self) -> Job | None:
        """Mark the oldest queued job as running, and return it; None if none is queued."""
        oldest = sa.select(_jobs).where(_jobs.c.status == "queued").order_by(_jobs.c.number)
        with self._transaction() as db:  # only reading lets other processes write
            if db.execute(oldest.limit(1)).first() is None:
                return None
        with self._transaction(writes=True) as db:
            row = db.execute(oldest.limit(1)).first()
            if row is None:
                return None
            started_at: str = row.started_at or utc_now()
            changed = {"status": "running", "started_at": started_at}
            db.execute(sa.update(_jobs).where(_jobs.c.number == row.number).values(changed))
        return replace(_job(row), status="running", started_at=started_at)

    def requeue_running(self) -> None:
        """Put jobs that were running when their process ended back to the head of the queue."""
        with self._transaction(writes=True) as db:
            running = sa.update(_jobs).where(_jobs.c.status == "running")
            db.execute(running.values(status="queued"))

    def store_progress(self, job_id: str, progress: Progress) -> None:
        """Store the progress of a job."""
        last = _jobs.c.event + 1
        values = {"progress": asdict(progress), "event": last, "progress_event": last}
        with self._transaction(writes=True) as db:
            db.execute(sa.update(_jobs).where(_jobs.c.id == job_id).values(values))
        self.changes += 1

    def add_item(self, job_id: str, item: Item, earlier: Mapping[str, Any] | None = None) -> None:
        """Add an item to a job, in place of the ``earlier`` item of the same document."""
        with self._transaction(writes=True) as db:
            this = _jobs.c.id == job_id
            db.execute(sa.update(_jobs).where(this).values(event=_jobs.c.event + 1))
            row = db.execute(sa.select(_jobs.c.number, _jobs.c.event).where(this)).one()
            if earlier is not None:
                for old in db.execute(sa.select(_items).where(_items.c.job == row.number)).all():
                    if old.item == earlier:
                        found = (_items.c.job == row.number) & (_items.c.event == old.event)
                        db.execute(sa.delete(_items).where(found))
                        break
            values = {"job": row.number, "event": row.event, "item": item_json(item)}
            db.execute(sa.insert(_items).values(values))
        self.changes += 1

    def cancel(self, job_id: str, if_queued: str, if_running: str) -> bool:
        """Cancel a job: end it if it is queued, or ask the process that runs it to end it.

        Args:
            job_id: The job.
            if_queued: The reason stored for a job that is queued.
            if_running: The reason stored for one that is running, which its process looks for.

        Returns:
            Whether the job has ended.

        Raises:
            JobEnded: It had ended before.
        """
        with self._transaction(writes=True) as db:
            job = _jobs.c.id == job_id
            running = sa.update(_jobs).where(job, _jobs.c.status == "running")
            if db.execute(running.values(reason=if_running)).rowcount:
                return False
            self._finish(db, job_id, "interrupted", if_queued)
        self.changes += 1
        return True

    def finish(self, job_id: str, status: JobStatus, reason: str = "") -> None:
        """End a job, with a reason; JobEnded if it has ended before."""
        with self._transaction(writes=True) as db:
            self._finish(db, job_id, status, reason)
        self.changes += 1

    def _finish(self, db: sa.Connection, job_id: str, status: JobStatus, reason: str) -> None:
        ended = {
            "status": status,
            "finished_at": utc_now(),
            "reason": reason,
            "secret": "",
            "event": _jobs.c.event + 1,
        }
        unfinished = (_jobs.c.id == job_id) & _UNFINISHED
        if db.execute(sa.update(_jobs).where(unfinished).values(ended)).rowcount == 0:
            _number(db, job_id)
            raise JobEnded(f"the job {job_id!r} has ended: there is nothing left to cancel")


def item_json(item: Item) -> dict[str, Any]:
    """Return an item as JSON, without its links, which can be thousands."""
    made = asdict(replace(item, links=()))
    del made["links"]
    return made


def _check_room(db: sa.Connection) -> None:
    unfinished = sa.select(sa.func.count()).select_from(_jobs).where(_UNFINISHED)
    if (count := db.execute(unfinished).scalar_one()) >= MAX_QUEUED_JOBS:
        raise TooManyJobs(count, QUEUE_FULL_RETRY_AFTER)


def _number(db: sa.Connection, job_id: str) -> int:
    number: int = _row(db, job_id).number
    return number


def _row(db: sa.Connection, job_id: str) -> sa.Row[*tuple[Any, ...]]:
    row = db.execute(sa.select(_jobs).where(_jobs.c.id == job_id)).first()
    if row is None:
        raise NotFound(f"there is no job {job_id!r}: GET /v1/jobs lists the jobs")
    return row


def _job(row: sa.Row[*tuple[Any, ...]]) -> Job:
    values = {column.name: getattr(row, column.name) for column in _SHOWN}
    known = {field.name for field in fields(Progress)}  # another version may have stored more
    stored = {name: value for name, value in row.progress.items() if name in known}
    return Job(**values | {"progress": Progress(**stored)})
