"""The work of many threads, done together, a run at a time, the most urgent first.

A network that reads ten texts at once takes little longer than for one after the other, and all
the processors either way: so the threads that need one take turns, and whoever has the turn does
what the others have queued meanwhile. Nobody waits for a run to fill up, and who is alone runs
at once, in his own thread. Knows no models.
"""

from __future__ import annotations

import itertools
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar, Token
from enum import IntEnum
from typing import Any, Generic, NamedTuple, TypeVar

T, R = TypeVar("T"), TypeVar("R")
MAX_PASSED_OVER = 20  # runs that may go before a piece of work that is less urgent than they are


class Priority(IntEnum):
    """What goes first."""

    CLAIM = 0  # of an answer that has begun
    QUESTION = 1  # its search
    READING = 2  # of what was found, to begin an answer
    LATER = 3  # an ingestion's


_Key = tuple[Priority, int]  # of a queue: how urgent, and the number of the lane


class TaskCancelled(Exception):
    """Nobody waits any more for what was to be done."""


class TaskContext:
    """What a thread works for: how urgent that is, and whether anybody still waits for it.

    ``with errand:`` makes it that of everything that is asked for within. ``urgency`` None: as
    urgent as the kind of work is. From ``drop``, which any thread may call, nothing of it is
    begun any more: the thread that waits for it gets Dropped. ``desk``, of which the thread has
    a place, is left to others while it waits.
    """

    def __init__(
        self, priority: Priority | None = None, run_slots: threading.Semaphore | None = None
    ) -> None:
        self.priority = priority
        self._run_slots = run_slots
        self._dropped = False
        self._waiting: _Request | None = None
        self._before: Token | None = None

    def __enter__(self) -> TaskContext:
        self._before = _task_context.set(self)
        return self

    def __exit__(self, *_: object) -> None:
        _task_context.reset(self._before)

    def cancel(self) -> None:
        self._dropped = True
        if (waiting := self._waiting) is not None:
            waiting.end(TaskCancelled())

    @contextmanager
    def yield_slot(self) -> Iterator[None]:
        """Leave the desk to others meanwhile."""
        if self._run_slots:
            self._run_slots.release()
        try:
            yield
        finally:
            if self._run_slots:
                self._run_slots.acquire()

    def set_pending(self, request: _Request | None) -> None:
        """Note what is queued for it, or nothing any more; Dropped if nobody wants it."""
        self._waiting = request  # before the question, so that one of the two sides sees the other
        if request and self._dropped:
            request.end(TaskCancelled())


_task_context: ContextVar[TaskContext | None] = ContextVar("task_context", default=None)


class BatchedFunction(Generic[T, R]):
    """One kind of work, to be called by any thread: some items to a result for each.

    ``run`` does it for several, of whomever, at most ``budget`` together by the sum of what they
    ``weigh`` (one that weighs more goes alone). It must not ask for other work of the same turns.
    """

    def __init__(
        self,
        scheduler: BatchScheduler,
        number: int,
        priority: Priority,
        run: Callable[[list[T]], Sequence[R]],
        weigh: Callable[[T], int],
        budget: int,
    ) -> None:
        self.run, self.budget = run, budget
        self._scheduler, self._number = scheduler, number
        self._priority, self._weigh = priority, weigh

    def __call__(self, items: Sequence[T]) -> list[R]:
        """The results in the order of the items. Raises what ``run`` raises for these items
        alone, whatever becomes of others; Dropped if the errand of the thread is.
        """
        if not items:
            return []
        task = _task_context.get() or TaskContext()
        priority = self._priority if task.priority is None else task.priority
        weights = [self._weigh(item) for item in items]
        request = _Request(
            self, (priority, self._number), list(items), weights, self._scheduler.lock
        )
        task.set_pending(request)
        try:
            with task.yield_slot():
                self._scheduler.do(request)
        finally:
            task.set_pending(None)
        if request.error:
            raise request.error
        return request.results


class _Request:
    """Some items of one thread on their way through a lane."""

    def __init__(
        self,
        batched: BatchedFunction,
        queue: _Key,
        items: list,
        weights: list[int],
        lock: threading.Lock,
    ) -> None:
        self.batched, self.queue, self.items, self.weights = batched, queue, items, weights
        self.results: list[Any] = [None] * len(items)
        self.taken = 0  # so many of the items are done, or being done
        self.alone = False  # not to be run with others' items
        self.error: Exception | None = None
        self.over = False
        self.leads = False  # its thread has the turn
        self.woken = threading.Event()  # when it is over, or has the turn
        self._lock = lock

    def end(self, error: Exception | None = None) -> None:
        with self._lock:  # or the turn could be given to a thread that has just left
            if not self.over:
                self.error, self.over = error, True
                self.woken.set()


class _Part(NamedTuple):
    """Some items of a request, ``items[start:end]``, in a run."""

    request: _Request
    start: int
    end: int

    @property
    def items(self) -> list:
        return self.request.items[self.start : self.end]


class BatchScheduler:
    """Threads that take turns at the processors; each kind of work is a lane."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._queues: dict[_Key, deque[_Request]] = {}
        self._passed: dict[_Key, int] = {}  # runs that went before each
        self._taken = False  # somebody has the turn
        self._number = itertools.count().__next__

    def batched(
        self,
        priority: Priority,
        run: Callable[[list[T]], Sequence[R]],
        weigh: Callable[[T], int],
        budget: int,
    ) -> BatchedFunction[T, R]:
        return BatchedFunction(self, self._number(), priority, run, weigh, budget)

    @property
    def queued(self) -> int:
        """How many threads' work is queued, or in part; not what is all being run."""
        with self.lock:
            return sum(self._trim(name) and len(self._queues[name]) for name in [*self._queues])

    def do(self, request: _Request) -> None:
        """Wait until a request is over, and do what is queued while it is this thread's turn."""
        try:
            with self.lock:
                self._queues.setdefault(request.queue, deque()).append(request)
                request.leads, self._taken = not self._taken, True
            if not request.leads:
                request.woken.wait()
            while request.leads and not request.over:
                if parts := self._next():
                    self._run(parts)
        finally:  # also where this thread is interrupted
            request.end(TaskCancelled())
            if request.leads:  # what is over is given no turn any more
                self._pass_on()

    def _next(self) -> list[_Part]:
        """What to run now: of the most urgent kind of work, as much as goes into one run."""
        with self.lock:
            waiting = [queue for queue in sorted(self._queues) if self._trim(queue)]
            late = [queue for queue in waiting if self._passed.get(queue, 0) >= MAX_PASSED_OVER]
            for chosen in (late or waiting)[:1]:
                for queue in waiting:
                    self._passed[queue] = 0 if queue == chosen else self._passed.get(queue, 0) + 1
                return _taken_from(self._queues[chosen])
        return []

    def _trim(self, name: _Key) -> bool:
        """Whether there is something to do in a queue; what is over is taken out of it."""
        queue = self._queues[name]
        while queue and (queue[0].over or queue[0].taken == len(queue[0].items)):
            queue.popleft()
        if not queue:
            del self._queues[name]
            self._passed.pop(name, None)
        return bool(queue)

    def _run(self, parts: list[_Part]) -> None:
        """Run what was taken, and wake whose work is over. An error is that of one request: of
        several, each is run again by itself.
        """
        items = [item for part in parts for item in part.items]
        try:
            found = parts[0].request.batched.run(items)
            if len(found) != len(items):
                raise ValueError(f"{len(found)} results for {len(items)} items")
        except Exception as error:
            if len(parts) == 1:
                parts[0].request.end(error)
            else:
                self._put_back(parts, alone=True)
            return
        except BaseException:  # this thread is interrupted: the others' work is for the next
            self._put_back(parts)
            raise
        at = 0
        for request, start, end in parts:
            request.results[start:end] = found[at : (at := at + end - start)]
            if end == len(request.items):
                request.end()

    def _put_back(self, parts: list[_Part], alone: bool = False) -> None:
        with self.lock:
            for request, start, _ in reversed(parts):
                queue = self._queues.setdefault(request.queue, deque())
                request.taken, request.alone = start, request.alone or alone
                if request not in queue:
                    queue.appendleft(request)

    def _pass_on(self) -> None:
        """Give the turn to the thread of somebody who waits."""
        with self.lock:
            for name in sorted(self._queues):
                if self._trim(name):
                    heir = self._queues[name][0]
                    heir.leads = True
                    heir.woken.set()
                    return
            self._taken = False


def _taken_from(queue: Iterable[_Request]) -> list[_Part]:
    """What goes into one run from a queue's front."""
    parts: list[_Part] = []
    weight = 0
    for request in queue:
        if request.over:
            continue
        if request.alone and parts:
            break
        start = request.taken
        for heavy in request.weights[start:]:
            if weight and weight + heavy > request.batched.budget:
                break
            weight += heavy
            request.taken += 1
        if start < request.taken:
            parts.append(_Part(request, start, request.taken))
        if request.alone or request.taken < len(request.items):
            break
    return parts
