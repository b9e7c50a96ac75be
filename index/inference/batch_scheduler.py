"""Priority scheduling of model calls from many threads, in small dynamic batches.

A neural network keeps all cores busy whether a call has one text or ten, so calls are run one after
another. Of the threads that need a model, one is the leader: it runs what the others have queued, a
batch at a time, and then hands the lead on. No call waits for a batch to fill up, and a thread that
is alone runs its call at once, without a switch of threads.

Batches are short (256 tokens or one passage), since a larger one is hardly faster but makes a more
urgent call wait longer: on two cores, 100 tokens at once use the processors as well as 2,000. Each
batch is taken from the most urgent queue; a queue that was passed over 20 times comes next, so
nothing starves. An error is raised only in the thread whose call causes it: when a batch of several
calls fails, each is run again by itself. A cancelled call that has not begun is never run.
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

T = TypeVar("T")
R = TypeVar("R")
MAX_PASSED_OVER = 20  # more urgent batches that may overtake a queue before it comes next


class Priority(IntEnum):
    """The urgency of a model call; lower values are run first."""

    CLAIM = 0  # checking a claim of an answer that has begun
    QUESTION = 1  # embedding a question for its search
    READING = 2  # re-ranking hits, before an answer begins
    LATER = 3  # ingestion


_QueueKey = tuple[Priority, int]  # the priority, and the number of the batched function


class TaskCancelled(Exception):
    """The task that a model call belongs to was cancelled."""


class TaskContext:
    """The task a thread works on: the priority of its model calls, and a way to cancel them.

    A context manager: ``with task:`` applies it to all model calls that the thread makes inside.

    Args:
        priority: The priority of all calls; None for the default of each function.
        run_slots: A semaphore of which the thread holds a slot; the slot is released while a call
            waits, so that another thread can work.
    """

    def __init__(
        self, priority: Priority | None = None, run_slots: threading.Semaphore | None = None
    ) -> None:
        self.priority = priority
        self._run_slots = run_slots
        self._cancelled = False
        self._pending: _Request | None = None
        self._token: Token[TaskContext | None] | None = None

    def __enter__(self) -> TaskContext:
        self._token = _task_context.set(self)
        return self

    def __exit__(self, *_: object) -> None:
        if self._token is not None:
            _task_context.reset(self._token)

    def cancel(self) -> None:
        """Cancel the task: its pending call and all later ones raise ``TaskCancelled``.

        Any thread may call it. A batch that is already running is not interrupted.
        """
        self._cancelled = True
        if (pending := self._pending) is not None:
            pending.end(TaskCancelled())

    @contextmanager
    def yield_slot(self) -> Iterator[None]:
        """Release the task's run slot inside the ``with`` block, and take it again after."""
        if self._run_slots:
            self._run_slots.release()
        try:
            yield
        finally:
            if self._run_slots:
                self._run_slots.acquire()

    def set_pending(self, request: _Request | None) -> None:
        """Record the call that now waits for a result, or None; end it if the task is cancelled."""
        self._pending = request  # set first, so that a concurrent cancel() cannot miss it
        if request and self._cancelled:
            request.end(TaskCancelled())


_task_context: ContextVar[TaskContext | None] = ContextVar("task_context", default=None)


class BatchedFunction(Generic[T, R]):
    """A thread-safe function of a list of items whose concurrent calls are run in batches.

    Made by ``BatchScheduler.batched``.
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
        """Compute a result for each item, in their order.

        Raises:
            TaskCancelled: The thread's task was cancelled.
            Exception: Whatever ``run`` raises for these items alone.
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
                self._scheduler.run_until_done(request)
        finally:
            task.set_pending(None)
        if request.error:
            raise request.error
        return request.results


class _Request:
    """One call of a batched function: its items, and how far they are done."""

    def __init__(
        self,
        batched: BatchedFunction[Any, Any],
        queue: _QueueKey,
        items: list[Any],
        weights: list[int],
        lock: threading.Lock,
    ) -> None:
        self.batched, self.queue, self.items, self.weights = batched, queue, items, weights
        self.results: list[Any] = [None] * len(items)
        self.taken = 0  # how many of the items are done or in the current batch
        self.alone = False  # it must not share a batch with other calls
        self.error: Exception | None = None
        self.over = False
        self.leads = False  # its thread is the leader
        self.woken = threading.Event()  # set when it is over, or its thread becomes the leader
        self._lock = lock

    def end(self, error: Exception | None = None) -> None:
        with self._lock:  # or the lead could go to a thread that has just left
            if not self.over:
                self.error, self.over = error, True
                self.woken.set()


class _Part(NamedTuple):
    """The items of a request, ``items[start:end]``, that go into one batch."""

    request: _Request
    start: int
    end: int

    @property
    def items(self) -> list[Any]:
        return self.request.items[self.start : self.end]


class BatchScheduler:
    """Runs the model calls of many threads in batches, one at a time, the most urgent first."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._queues: dict[_QueueKey, deque[_Request]] = {}
        self._overtaken: dict[_QueueKey, int] = {}  # batches of other queues run before it
        self._has_leader = False
        self._next_number = itertools.count().__next__

    def batched(
        self,
        priority: Priority,
        run: Callable[[list[T]], Sequence[R]],
        weigh: Callable[[T], int],
        budget: int,
    ) -> BatchedFunction[T, R]:
        """Create a thread-safe function whose concurrent calls are run in batches.

        Args:
            priority: Its priority, unless the task of the calling thread has one.
            run: Computes the results of a batch, one for each item, in their order. It must not
                call another function of the same scheduler.
            weigh: Returns the weight of an item, such as its tokens.
            budget: The most that the items of a batch weigh together; a heavier item goes alone.
        """
        return BatchedFunction(self, self._next_number(), priority, run, weigh, budget)

    @property
    def queued(self) -> int:
        """Number of queued calls that still have items to be put in a batch."""
        with self.lock:
            return sum(self._trim(key) and len(self._queues[key]) for key in [*self._queues])

    def run_until_done(self, request: _Request) -> None:
        """Wait until a request is over; while its thread is the leader, run what is queued."""
        try:
            with self.lock:
                self._queues.setdefault(request.queue, deque()).append(request)
                request.leads, self._has_leader = not self._has_leader, True
            if not request.leads:
                request.woken.wait()
            while request.leads and not request.over:
                if parts := self._next_batch():
                    self._run(parts)
        finally:  # also if this thread is interrupted
            request.end(TaskCancelled())
            if request.leads:  # read after end(): a request that is over is never made leader
                self._hand_on()

    def _next_batch(self) -> list[_Part]:
        """Take the next batch from the most urgent queue, or from one overtaken too often."""
        with self.lock:
            waiting = [queue for queue in sorted(self._queues) if self._trim(queue)]
            late = [queue for queue in waiting if self._overtaken.get(queue, 0) >= MAX_PASSED_OVER]
            for chosen in (late or waiting)[:1]:
                for queue in waiting:
                    before = self._overtaken.get(queue, 0)
                    self._overtaken[queue] = 0 if queue == chosen else before + 1
                return _take_batch(self._queues[chosen])
        return []

    def _trim(self, key: _QueueKey) -> bool:
        """Remove finished requests from the front of a queue; return whether any are left."""
        queue = self._queues[key]
        while queue and (queue[0].over or queue[0].taken == len(queue[0].items)):
            queue.popleft()
        if not queue:
            del self._queues[key]
            self._overtaken.pop(key, None)
        return bool(queue)

    def _run(self, parts: list[_Part]) -> None:
        """Run a batch, and wake the threads whose requests are over.

        If a batch of several requests fails, each is put back to be run by itself.
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
        except BaseException:  # this thread is interrupted: the next leader runs the batch
            self._put_back(parts)
            raise
        at = 0
        for request, start, end in parts:
            request.results[start:end] = found[at : (at := at + end - start)]
            if end == len(request.items):
                request.end()

    def _put_back(self, parts: list[_Part], alone: bool = False) -> None:
        """Return the parts of a batch to their queues."""
        with self.lock:
            for request, start, _ in reversed(parts):
                queue = self._queues.setdefault(request.queue, deque())
                request.taken, request.alone = start, request.alone or alone
                if request not in queue:
                    queue.appendleft(request)

    def _hand_on(self) -> None:
        """Make the thread of the most urgent waiting request the leader."""
        with self.lock:
            for key in sorted(self._queues):
                if self._trim(key):
                    successor = self._queues[key][0]
                    successor.leads = True
                    successor.woken.set()
                    return
            self._has_leader = False


def _take_batch(queue: Iterable[_Request]) -> list[_Part]:
    """Take as many items from the front of a queue as fit into one batch."""
    parts: list[_Part] = []
    weight = 0
    for request in queue:
        if request.over:
            continue
        if request.alone and parts:
            break
        start = request.taken
        for item_weight in request.weights[start:]:
            if weight and weight + item_weight > request.batched.budget:
                break
            weight += item_weight
            request.taken += 1
        if start < request.taken:
            parts.append(_Part(request, start, request.taken))
        if request.alone or request.taken < len(request.items):
            break
    return parts
