"""The jobs of the API: what was asked, how far it is, what became of each document.

All of it is in the database before anyone is told: a job outlives the process that took it on.
Whatever changes in a job is an event with a number, counted from 1: each item, each word of
progress (of which only the last is kept), and the end.
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
MAX_STORED_JOBS = 1000  # the oldest that have ended make room
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
    sa.Column("secret", sa.String, nullable=False),  # a password, until the job has ended
    sa.Column("progress", sa.JSON, nullable=False),
    sa.Column("reason", sa.String, nullable=False),
    sa.Column("event", sa.Integer, nullable=False),  # the number of the last one
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
    """One ingestion that was asked for.

    ``asked`` is what for, without a password; times are ISO 8601 in UTC. ``reason`` says why a
    job failed or was interrupted, or, while it still runs, is to be.
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
        """The uploads that it is to read."""
        asked = (file for file in self.asked.get("files", ()) if "sha256" in file)
        return [Upload(file["name"], file["sha256"]) for file in asked]

    @property
    def ended(self) -> bool:
        return self.status not in ("queued", "running")


@dataclass(frozen=True, slots=True)
class JobEvent:
    number: int
    name: Literal["progress", "item", "job"]
    data: dict[str, Any]


_SHOWN = [_jobs.c[field.name] for field in fields(Job)]


class JobStore:
    """The jobs of one database. Every method is one transaction; safe to share between threads.

    Raises NotFound for the id of no job, and StoreError when the database cannot be used.
    ``changes`` tells, without a look into the database, whether there may be new events.
    """

    def __init__(self, database: Database) -> None:
        self.changes = 0
        self._transaction = database.transaction
        database.create(_schema)

    def add(self, kind: JobKind, asked: Mapping[str, Any], secret: str = "") -> Job:
        """Put a new job at the end of the queue; TooManyJobs if that is full.

        ``secret`` is kept until the job has ended, and shown to nobody.
        """
        row = {
            "id": secrets.token_urlsafe(12),
            "kind": kind,
            "status": "queued",
            "created_at": utc_now(),
            "asked": dict(asked),
            "secret": secret,
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
        return self.job(row["id"])

    def check_room(self) -> None:
        """Raise TooManyJobs if ``add`` would, as things are now."""
        with self._transaction() as db:
            _check_room(db)

    def job(self, job_id: str) -> Job:
        with self._transaction() as db:
            return _job(db.execute(sa.select(*_SHOWN).where(_jobs.c.id == job_id)).first(), job_id)

    def jobs(self, limit: int, before: str | None = None) -> list[Job]:
        """The newest jobs, newest first; ``before``: only those that are older than this one."""
        query = sa.select(*_SHOWN).order_by(_jobs.c.number.desc()).limit(limit)
        with self._transaction() as db:
            if before is not None:
                query = query.where(_jobs.c.number < _number(db, before))
            return [_job(row) for row in db.execute(query)]

    def unfinished(self) -> list[Job]:
        """The jobs that have not ended, the oldest first."""
        query = sa.select(*_SHOWN).where(_UNFINISHED).order_by(_jobs.c.number)
        with self._transaction() as db:
            return [_job(row) for row in db.execute(query)]

    def items(self, job_id: str) -> list[dict[str, Any]]:
        """What became of the documents of a job, in the order in which they were done."""
        with self._transaction() as db:
            query = sa.select(_items.c.item).where(_items.c.job == _number(db, job_id))
            return list(db.execute(query.order_by(_items.c.event)).scalars())

    def events(self, job_id: str, after: int) -> tuple[list[JobEvent], bool]:
        """The events of a job that have a higher number, and whether it has ended."""
        with self._transaction() as db:
            row = db.execute(sa.select(_jobs).where(_jobs.c.id == job_id)).first()
            job = _job(row, job_id)
            new = (_items.c.job == row.number) & (_items.c.event > after)
            found = [
                JobEvent(i.event, "item", i.item) for i in db.execute(sa.select(_items).where(new))
            ]
        if row.progress_event > after:
            found.append(JobEvent(row.progress_event, "progress", row.progress))
        if job.ended and row.event > after:
            found.append(JobEvent(row.event, "job", asdict(job)))
        return sorted(found, key=lambda event: event.number), job.ended

    # What is done to a job

    def begin(self) -> tuple[Job, str] | None:
        """The oldest job that waits, now running, and its secret; None if none waits."""
        oldest = sa.select(_jobs).where(_jobs.c.status == "queued").order_by(_jobs.c.number)
        with self._transaction() as db:  # a look keeps nobody from writing
            if db.execute(oldest.limit(1)).first() is None:
                return None
        with self._transaction(writes=True) as db:
            row = db.execute(oldest.limit(1)).first()
            if row is None:
                return None
            changed = {"status": "running", "started_at": row.started_at or utc_now()}
            db.execute(sa.update(_jobs).where(_jobs.c.number == row.number).values(changed))
        return replace(_job(row), **changed), row.secret

    def requeue_running(self) -> None:
        """Put what ran when its process ended back to the head of the queue."""
        with self._transaction(writes=True) as db:
            running = sa.update(_jobs).where(_jobs.c.status == "running")
            db.execute(running.values(status="queued"))

    def store_progress(self, job_id: str, progress: Progress) -> None:
        """How far a job is."""
        last = _jobs.c.event + 1
        noted = {"progress": asdict(progress), "event": last, "progress_event": last}
        with self._transaction(writes=True) as db:
            db.execute(sa.update(_jobs).where(_jobs.c.id == job_id).values(noted))
        self.changes += 1

    def add_item(self, job_id: str, item: Item, earlier: Mapping[str, Any] | None = None) -> None:
        """What became of a document; in place of the ``earlier`` word of it, if there was one."""
        with self._transaction(writes=True) as db:
            same = _jobs.c.id == job_id
            db.execute(sa.update(_jobs).where(same).values(event=_jobs.c.event + 1))
            row = db.execute(sa.select(_jobs.c["number", "event"]).where(same)).one()
            if earlier is not None:
                for old in db.execute(sa.select(_items).where(_items.c.job == row.number)).all():
                    if old.item == earlier:
                        one = (_items.c.job == row.number) & (_items.c.event == old.event)
                        db.execute(sa.delete(_items).where(one))
                        break
            values = {"job": row.number, "event": row.event, "item": item_json(item)}
            db.execute(sa.insert(_items).values(values))
        self.changes += 1

    def cancel(self, job_id: str, waiting: str, running: str) -> bool:
        """End a job that waits, with the first reason; give one that runs the second, for who works
        on it to end it. Whether it has ended; JobEnded if it had before.
        """
        with self._transaction(writes=True) as db:
            job = _jobs.c.id == job_id
            begun = sa.update(_jobs).where(job, _jobs.c.status == "running")
            if db.execute(begun.values(reason=running)).rowcount:
                return False
            self._finish(db, job_id, "interrupted", waiting)
        self.changes += 1
        return True

    def finish(self, job_id: str, status: JobStatus, reason: str = "") -> None:
        """The end of a job that has not ended; JobEnded if it has."""
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
            raise JobEnded(f"the job {job_id!r} has ended: nothing is left to do to it")


def item_json(item: Item) -> dict[str, Any]:
    """An item without its links, which can be thousands."""
    made = asdict(replace(item, links=()))
    del made["links"]
    return made


def _check_room(db: sa.Connection) -> None:
    waiting = sa.select(sa.func.count()).select_from(_jobs).where(_UNFINISHED)
    if (count := db.execute(waiting).scalar_one()) >= MAX_QUEUED_JOBS:
        raise TooManyJobs(count, QUEUE_FULL_RETRY_AFTER)


def _number(db: sa.Connection, job_id: str) -> int:
    found = db.execute(sa.select(_jobs.c.number).where(_jobs.c.id == job_id)).scalar()
    if found is None:
        raise _no_job(job_id)
    return found


def _job(row: sa.Row | None, job_id: str = "") -> Job:
    if row is None:
        raise _no_job(job_id)
    values = {column.name: getattr(row, column.name) for column in _SHOWN}
    known = {field.name for field in fields(Progress)}  # another version may have noted more
    noted = {name: value for name, value in row.progress.items() if name in known}
    return Job(**values | {"progress": Progress(**noted)})


def _no_job(job_id: str) -> NotFound:
    return NotFound(f"no job {job_id!r}: GET /v1/jobs lists what there is")
