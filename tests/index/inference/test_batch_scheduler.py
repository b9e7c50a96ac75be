"""The batch scheduler: no work of many threads is lost or mixed up, and priorities hold."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.inference.batch_scheduler import (
    MAX_PASSED_OVER,
    BatchScheduler,
    Priority,
    TaskCancelled,
    TaskContext,
    _Request,
)

BUDGET = 10


class HeldScheduler:
    """Batched functions whose first batch is held until a test releases it."""

    def __init__(self, scheduler, priorities=tuple(Priority)):
        self.scheduler, self.runs = scheduler, []
        self._running, self._released = threading.Event(), threading.Event()
        self.functions = {p: scheduler.batched(p, self._run, len, BUDGET) for p in priorities}
        self.pool = ThreadPoolExecutor(64)

    def _run(self, items):
        self.runs.append(items)
        self._running.set()
        assert self._released.wait(60)
        if "bad" in items:
            raise ValueError("bad")
        return [item.upper() for item in items]

    def ask(self, priority, *items, task=None):
        """Call a function in another thread and return the future of its results.

        The call is queued when this returns; the first one is running.
        """
        first, before = not self.runs, self.scheduler.queued

        def work():
            with task or TaskContext():
                return self.functions[priority](items)

        future = self.pool.submit(work)
        if first:
            assert self._running.wait(60)
        else:
            until(lambda: self.scheduler.queued > before or future.done())
        return future

    def release(self):
        self._released.set()


def until(holds):
    """Wait until a condition holds."""
    limit = time.monotonic() + 120
    while not holds():
        assert time.monotonic() < limit
        time.sleep(0.002)


@pytest.fixture
def held():
    made = HeldScheduler(BatchScheduler())
    yield made
    made.release()
    made.pool.shutdown()


def test_single_call_runs_at_once_in_its_own_thread():
    threads = []
    batched = BatchScheduler().batched(
        Priority.CLAIM, lambda items: threads.append(threading.get_ident()) or items, len, BUDGET
    )
    assert batched(["a", "b"]) == ["a", "b"] and batched([]) == []
    assert threads == [threading.get_ident()]


def test_queued_calls_share_a_batch_in_order_of_priority(held):
    first = held.ask(Priority.READING, "first")
    reading = held.ask(Priority.READING, "12345", "67890", "x")  # more than a batch holds
    later = held.ask(Priority.LATER, "later")
    claims = [held.ask(Priority.CLAIM, "a", "b"), held.ask(Priority.CLAIM, "c")]
    held.release()
    assert [f.result() for f in claims] == [["A", "B"], ["C"]]
    assert first.result() == ["FIRST"] and later.result() == ["LATER"]
    assert reading.result() == ["12345", "67890", "X"]
    assert held.runs == [["first"], ["a", "b", "c"], ["12345", "67890"], ["x"], ["later"]]


def test_error_reaches_only_the_call_that_causes_it(held):
    held.ask(Priority.CLAIM, "first")
    good, bad, fine = (held.ask(Priority.CLAIM, item) for item in ("good", "bad", "fine"))
    held.release()
    assert good.result() == ["GOOD"] and fine.result() == ["FINE"]
    with pytest.raises(ValueError, match="bad"):
        bad.result()
    assert held.functions[Priority.CLAIM](["on"]) == ["ON"]


def test_cancelled_task_never_runs_its_queued_calls(held):
    task = TaskContext()
    held.ask(Priority.CLAIM, "first")
    cancelled, kept = (
        held.ask(Priority.CLAIM, "gone", task=task),
        held.ask(Priority.CLAIM, "kept"),
    )
    task.cancel()
    with pytest.raises(TaskCancelled):
        cancelled.result()
    with pytest.raises(TaskCancelled):  # and so is any later call of the task
        held.ask(Priority.CLAIM, "more", task=task).result()
    held.release()
    assert kept.result() == ["KEPT"] and held.runs == [["first"], ["kept"]]


def test_cancelled_leader_hands_on_the_lead(held):
    task = TaskContext()
    first = held.ask(Priority.CLAIM, "first", task=task)
    others = [held.ask(Priority.CLAIM, item) for item in ("one", "two")]
    task.cancel()
    held.release()
    assert [f.result() for f in others] == [["ONE"], ["TWO"]]
    with pytest.raises(TaskCancelled):
        first.result()


def test_interrupted_leader_loses_no_work_of_others():
    scheduler, interrupted = BatchScheduler(), []

    def run(items):
        if not interrupted:
            interrupted.append(items)
            until(lambda: scheduler.queued >= 1)
            raise KeyboardInterrupt
        return items

    batched = scheduler.batched(Priority.CLAIM, run, len, BUDGET)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(batched, ["a"])
        until(lambda: interrupted)
        second = pool.submit(batched, ["b"])
        with pytest.raises(KeyboardInterrupt):
            first.result()
        assert second.result() == ["b"]


class Interrupted(threading.Event):
    """An event whose wait is interrupted by a signal."""

    def wait(self, timeout=None):
        raise KeyboardInterrupt


def test_interrupted_waiter_is_not_made_leader(held):
    first = held.ask(Priority.CLAIM, "first")
    batched = held.functions[Priority.CLAIM]
    request = _Request(batched, (Priority.CLAIM, 0), ["gone"], [4], held.scheduler.lock)
    request.woken = Interrupted()
    with pytest.raises(KeyboardInterrupt):
        held.scheduler.run_until_done(request)
    last = held.ask(Priority.LATER, "last")
    held.release()
    assert first.result(60) == ["FIRST"] and last.result(60) == ["LAST"]
    assert held.runs == [["first"], ["last"]]


def test_low_priority_is_not_starved(held):
    """In an endless stream of claims, a less urgent call comes next after some batches."""
    held.ask(Priority.CLAIM, "first")
    last = held.ask(Priority.LATER, "last")
    claims = [held.ask(Priority.CLAIM, "a full run") for _ in range(2 * MAX_PASSED_OVER)]
    held.release()
    assert last.result() == ["LAST"] and [f.result() for f in claims]
    assert held.runs.index(["last"]) == MAX_PASSED_OVER + 1


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(Priority),
            st.lists(st.sampled_from(["a", "bb", "c" * 7, "d" * 15, "bad"]), max_size=6),
        ),
        max_size=24,
    )
)
def test_concurrent_calls_get_their_own_results_within_budget(asked):
    scheduler, runs = BatchScheduler(), []

    def run(items):
        runs.append(items)
        if "bad" in items:
            raise ValueError("bad")
        return [item.upper() for item in items]

    functions = {priority: scheduler.batched(priority, run, len, BUDGET) for priority in Priority}

    def ask(one):
        priority, items = one
        try:
            return functions[priority](items)
        except ValueError:
            return None

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(ask, asked))
    for (_, items), results in zip(asked, found, strict=True):
        assert results == (None if "bad" in items else [item.upper() for item in items])
    assert all(len(items) == 1 or sum(map(len, items)) <= BUDGET for items in runs)
    assert scheduler.queued == 0


def test_waiting_thread_releases_its_run_slot(held):
    """With one slot and two threads, the second gets it while the call of the first is running."""
    run_slots = threading.Semaphore(1)
    run_slots.acquire()
    held.ask(Priority.CLAIM, "first", task=TaskContext(run_slots=run_slots))
    assert run_slots.acquire(timeout=60)
    run_slots.release()
    held.release()
    held.pool.shutdown()
    assert not run_slots.acquire(blocking=False)  # taken again after the call
