"""Which answer a question had, so that the same question need not be answered twice.

What is kept is the answer's id: the answer itself is in the history. So it takes no room, it
goes when its conversation is deleted, and a source that was deleted is nowhere left here.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cachetools import LRUCache

from corpus.errors import NotFound
from corpus.store.database import utc_now
from service.query import check_question
from service.schemas import from_json
from service.types import Answer, Event, EvidenceFound, to_json
from service.verification.receipt import canonical, verifier_identity

if TYPE_CHECKING:
    from service.answering.engine import Engine

MAX_CACHED_ANSWERS = 1000  # questions


@dataclass(frozen=True, slots=True)
class CachedAnswer:
    """An answer that was given, when, its record, and the names of the events that made it."""

    answer: Answer
    age: float  # seconds
    record: dict[str, Any]
    decided: tuple[str, ...]


class AnswerCache:
    """At most ``most`` questions that stand alone, those asked for last, with their answers.

    Two questions are the same if they read alike to the engine, are asked of the same sources in
    the same way, and all that the answer hangs on is as it was: the sources and what is known
    of them, the index, the language model, the checker and its rules. What else it hangs on, such
    as TENKYO_TOP_K, does not change in the life of a process. Blocks; safe to share between
    threads.
    """

    def __init__(self, engine: Engine, index_dir: Path, most: int = MAX_CACHED_ANSWERS) -> None:
        self._engine, self._manifest = engine, index_dir / "manifest.json"
        self._known: LRUCache[str, tuple[str, tuple[str, ...]]] = LRUCache(most)
        self._lock = threading.Lock()
        self._sources: tuple[int, str] | None = None  # the store's changes, and what it said then

    def key(self, question: str, source_ids: Sequence[str] | None, mode: str | None) -> str:
        """What stands for a question, as things are now."""
        engine = self._engine
        model = engine.model
        try:
            index = self._manifest.stat()
            written = [index.st_mtime_ns, index.st_ino]
        except OSError:
            written = []
        told = [
            check_question(question),
            None if source_ids is None else sorted(set(source_ids)),
            mode,
            model.name if model else None,
            repr(verifier_identity(engine.checker)),
            engine.library.embedder.name,
            self._told_of_sources(),
            written,
        ]
        return hashlib.sha256(canonical(told)).hexdigest()

    def _told_of_sources(self) -> str:
        """What stands for the passages, and for what is known of their sources: that stands in
        answers too. Looked at anew when something was written: it takes a count of all passages.
        """
        store, latest = self._engine.library.store, self._sources
        changes = store.change_count()  # before the rest, which then is no older
        if latest is None or latest[0] != changes:
            told = canonical([store.revision(), repr(store.sources())])
            latest = self._sources = changes, hashlib.sha256(told).hexdigest()
        return latest[1]

    def __contains__(self, key: str) -> bool:
        """Whether there may be an answer: it may have been deleted. Does not block."""
        return key in self._known

    def _find(self, key: str) -> CachedAnswer | None:
        with self._lock:
            if key not in self._known:
                return None
            answer_id, decided = self._known[key]
        history = self._engine.history
        try:
            made_at, record = history.record(answer_id)
            made = from_json(Answer, json.dumps(history.answer(answer_id)))
        except NotFound:  # deleted
            record = None
        if record is None:
            with self._lock:
                self._known.pop(key, None)
            return None
        age = datetime.fromisoformat(utc_now()) - datetime.fromisoformat(made_at)
        return CachedAnswer(made, max(age.total_seconds(), 0.0), record, decided)

    def keep(self, key: str, answer: Answer, decided: Sequence[str]) -> None:
        """Keep an answer, unless something was amiss with it: a model that fails once, or
        evidence that was lacking, may not the next time.
        """
        if not answer.claims or answer.reason is not None or answer.understood is not None:
            return
        with self._lock:
            self._known[key] = (answer.id, tuple(decided))

    def replay(self, key: str) -> list[Event]:
        """The events of an answer like the one that is kept, which is stored as any other is: with
        an id, a conversation and a record of its own. ``timings`` say for how long it was kept.
        Empty where none is.
        """
        began = time.perf_counter()
        earlier = self._find(key)
        if earlier is None:
            return []
        made = replace(
            earlier.answer,
            id=secrets.token_urlsafe(12),
            conversation_id=secrets.token_urlsafe(12),
        )
        took = {"kept": round(earlier.age, 4), "total": round(time.perf_counter() - began, 4)}
        made = replace(made, timings=took)
        stored = (made.id, made.conversation_id, to_json(made), earlier.record)
        self._engine.history.save_answer(*stored, begins=True)
        parts = {"claim": iter(made.claims), "rejected": iter(made.rejected)}
        begun = EvidenceFound(made.id, made.conversation_id, made.question, made.evidence)
        return [
            Event("evidence", begun),
            *(Event(name, next(parts[name])) for name in earlier.decided),
            Event("answer", made),
        ]
