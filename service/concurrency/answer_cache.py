"""Answer cache: maps questions to the ids of earlier answers, which stay in the history.

Because only ids are cached, the memory used is bounded by a count, and an answer or source that
is deleted is not left behind in a cache. The cache lives in one process: sharing it would save
little and cost an invalidation between processes.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from cachetools import LRUCache

from corpus.errors import NotFound
from corpus.store.database import utc_now
from service.judging.record import judge_identity
from service.query import check_question
from service.schemas import from_json
from service.scope import Scope, find_scope
from service.types import Answer, Claim, Event, EvidenceFound, Rejected, to_json
from service.verification.methods import without_failure
from service.verification.receipt import canonical, verifier_identity

if TYPE_CHECKING:
    from service.answering.engine import Engine

MAX_CACHED_ANSWERS = 1000  # questions

Decision = Literal["claim", "rejected"]


@dataclass(frozen=True, slots=True)
class CachedAnswer:
    """An earlier answer with its age, its stored record and the order of its events."""

    answer: Answer
    age: float  # seconds
    record: dict[str, Any]
    decisions: tuple[Decision, ...]


class AnswerCache:
    """A least-recently-used cache of answers to questions that need no conversation.

    Two questions share an entry if their normalised texts, scopes and modes are equal, and if
    everything that the answer depends on is unchanged: what the collections asked in hold, sources
    and their metadata, index, language model, verifier, and judge with whether it judges yet.
    Settings are not part of the key: they are fixed for the life of a process. Methods block, and
    are safe to share between threads.
    """

    def __init__(self, engine: Engine, index_dir: Path, size: int = MAX_CACHED_ANSWERS) -> None:
        self._engine, self._manifest = engine, index_dir / "manifest.json"
        self._entries: LRUCache[str, tuple[str, tuple[Decision, ...]]] = LRUCache(size)
        self._lock = threading.Lock()
        self._library_state: tuple[int, str] | None = None  # the store's change count, and a hash

    def key(self, question: str, scope: Scope, mode: str | None, model: str | None = None) -> str:
        """Hash a question together with the present state of all that its answer depends on.

        Raises:
            NotFound: There is no such source or collection.
        """
        engine = self._engine
        found = find_scope(engine.library.store, scope)
        writers = engine.writers.writing(model)
        writer, judge = writers.model, writers.judge
        try:
            manifest = self._manifest.stat()
            index_state = [manifest.st_mtime_ns, manifest.st_ino]
        except OSError:
            index_state = []
        parts = [
            check_question(question),
            [sorted(found.scope.source_ids or ()), sorted(found.scope.collections or ())],
            None if found.source_ids is None else sorted(found.source_ids),
            mode,
            [writer.name, getattr(writer, "address", "")] if writer else None,
            repr(verifier_identity(engine.checker)),
            [repr(judge_identity(judge)), judge.able] if judge else None,
            engine.library.embedder.name,
            self._hash_library(),
            index_state,
        ]
        return hashlib.sha256(canonical(parts)).hexdigest()

    def _hash_library(self) -> str:
        """Hash the passages and the metadata of sources, which answers show.

        It is computed again only after a write, since it counts all passages.
        """
        store, latest = self._engine.library.store, self._library_state
        changes = store.change_count()  # before the rest, which then is no older
        if latest is None or latest[0] != changes:
            state = canonical([store.revision(), repr(store.sources())])
            latest = self._library_state = changes, hashlib.sha256(state).hexdigest()
        return latest[1]

    def __contains__(self, key: str) -> bool:
        """Return whether a key has an entry, whose answer may have been deleted. Never blocks."""
        return key in self._entries

    def _find(self, key: str) -> CachedAnswer | None:
        with self._lock:
            if key not in self._entries:
                return None
            answer_id, decisions = self._entries[key]
        history = self._engine.history
        try:
            created_at, record = history.record(answer_id)
            answer = from_json(Answer, json.dumps(history.answer(answer_id)))
        except NotFound:  # deleted
            record = None
        if record is None:
            with self._lock:
                self._entries.pop(key, None)
            return None
        age = datetime.fromisoformat(utc_now()) - datetime.fromisoformat(created_at)
        return CachedAnswer(answer, max(age.total_seconds(), 0.0), record, decisions)

    def keep(self, key: str, answer: Answer, decisions: Sequence[Decision]) -> None:
        """Cache an answer, unless it might be better next time.

        That is so for abstentions, for answers with a remark, such as that the model failed, and
        for those of which a judge was to decide about a sentence and did not.

        Args:
            key: What ``key`` returned for the question.
            answer: The answer, as it is stored in the history.
            decisions: The names of its claim and rejected events, in order.
        """
        if not answer.claims or answer.reason is not None or answer.understood is not None:
            return
        verdicts = [claim.verdict for claim in answer.claims]
        verdicts += [rejected.verdict for rejected in answer.rejected]
        if any(verdict.method != without_failure(verdict.method) for verdict in verdicts):
            return
        with self._lock:
            self._entries[key] = (answer.id, tuple(decisions))

    def replay(self, key: str) -> list[Event]:
        """Store a copy of a cached answer under new ids and return the copy's events.

        The copy is a full answer, with a conversation and a record of its own; its ``timings``
        say how many seconds old the first one is.

        Returns:
            The events in their first order; empty if nothing is cached under the key.
        """
        began = time.perf_counter()
        cached = self._find(key)
        if cached is None:
            return []
        answer = replace(
            cached.answer,
            id=secrets.token_urlsafe(12),
            conversation_id=secrets.token_urlsafe(12),
        )
        timings = {"kept": round(cached.age, 4), "total": round(time.perf_counter() - began, 4)}
        answer = replace(answer, timings=timings)
        self._engine.history.save_answer(
            answer.id, answer.conversation_id, to_json(answer), cached.record, begins=True
        )
        parts: dict[Decision, Iterator[Claim | Rejected]] = {
            "claim": iter(answer.claims),
            "rejected": iter(answer.rejected),
        }
        found = EvidenceFound(answer.id, answer.conversation_id, answer.question, answer.evidence)
        return [
            Event("evidence", found),
            *(Event(name, next(parts[name])) for name in cached.decisions),
            Event("answer", answer),
        ]
