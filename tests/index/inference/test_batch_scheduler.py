"""Many threads' work, done together: nothing is lost or mixed up, and the urgent goes first."""

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


class Gate:
    """Work that takes as long as a test wants: the first run is held until it is let go."""

    def __init__(self, scheduler, urgencies=tuple(Priority)):
        self.scheduler, self.runs = scheduler, []
        self._held, self._open = threading.Event(), threading.Event()
        self.lanes = {u: scheduler.batched(u, self._run, len, BUDGET) for u in urgencies}
        self.pool = ThreadPoolExecutor(64)

    def _run(self, items):
        self.runs.append(items)
        self._held.set()
        assert self._open.wait(60)
        if "bad" in items:
            raise ValueError("bad")
        return [item.upper() for item in items]

    def ask(self, priority, *items, task=None):
        """Queue something; the future of its result. It is queued when this returns, but for
        the first, which is being run."""
        first, before = not self.runs, self.scheduler.queued

        def work():
            with task or TaskContext():
                return self.lanes[priority](items)

        future = self.pool.submit(work)
        if first:
            assert self._held.wait(60)
        else:
            until(lambda: self.scheduler.queued > before or future.done())
        return future

    def let_go(self):
        self._open.set()


def until(holds):
    """Wait for a state; it comes soon, or not at all."""
    limit = time.monotonic() + 120
    while not holds():
        assert time.monotonic() < limit
        time.sleep(0.002)


@pytest.fixture
def gate():
    made = Gate(BatchScheduler())
    yield made
    made.let_go()
    made.pool.shutdown()


def test_whoever_is_alone_runs_at_once_and_in_his_own_thread():
    threads = []
    batched = BatchScheduler().batched(
        Priority.CLAIM, lambda items: threads.append(threading.get_ident()) or items, len, BUDGET
    )
    assert batched(["a", "b"]) == ["a", "b"] and batched([]) == []
    assert threads == [threading.get_ident()]


def test_what_has_queued_is_one_run_and_claims_go_before_readings(gate):
    first = gate.ask(Priority.READING, "first")
    reading = gate.ask(Priority.READING, "12345", "67890", "x")  # more than a run holds
    later = gate.ask(Priority.LATER, "later")
    claims = [gate.ask(Priority.CLAIM, "a", "b"), gate.ask(Priority.CLAIM, "c")]
    gate.let_go()
    assert [f.result() for f in claims] == [["A", "B"], ["C"]]
    assert first.result() == ["FIRST"] and later.result() == ["LATER"]
    assert reading.result() == ["12345", "67890", "X"]
    assert gate.runs == [["first"], ["a", "b", "c"], ["12345", "67890"], ["x"], ["later"]]


def test_an_error_reaches_those_it_belongs_to(gate):
    gate.ask(Priority.CLAIM, "first")
    good, bad, fine = (gate.ask(Priority.CLAIM, item) for item in ("good", "bad", "fine"))
    gate.let_go()
    assert good.result() == ["GOOD"] and fine.result() == ["FINE"]
    with pytest.raises(ValueError, match="bad"):
        bad.result()
    assert gate.lanes[Priority.CLAIM](["on"]) == ["ON"]


def test_what_nobody_waits_for_is_dropped_while_the_last_run_still_goes_on(gate):
    task = TaskContext()
    gate.ask(Priority.CLAIM, "first")
    dropped, kept = (
        gate.ask(Priority.CLAIM, "gone", task=task),
        gate.ask(Priority.CLAIM, "kept"),
    )
    task.cancel()
    with pytest.raises(TaskCancelled):
        dropped.result()
    with pytest.raises(TaskCancelled):  # and so is what it would go on to ask for
        gate.ask(Priority.CLAIM, "more", task=task).result()
    gate.let_go()
    assert kept.result() == ["KEPT"] and gate.runs == [["first"], ["kept"]]


def test_a_dropped_thread_that_has_the_turn_passes_it_on(gate):
    task = TaskContext()
    first = gate.ask(Priority.CLAIM, "first", task=task)
    others = [gate.ask(Priority.CLAIM, item) for item in ("one", "two")]
    task.cancel()
    gate.let_go()
    assert [f.result() for f in others] == [["ONE"], ["TWO"]]
    with pytest.raises(TaskCancelled):
        first.result()


def test_a_thread_that_is_interrupted_loses_no_others_work():
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
    """A wait that a signal ends."""

    def wait(self, timeout=None):
        raise KeyboardInterrupt


def test_a_thread_that_is_interrupted_while_it_waits_is_given_no_turn(gate):
    first = gate.ask(Priority.CLAIM, "first")
    batched = gate.lanes[Priority.CLAIM]
    request = _Request(batched, (Priority.CLAIM, 0), ["gone"], [4], gate.scheduler.lock)
    request.woken = Interrupted()
    with pytest.raises(KeyboardInterrupt):
        gate.scheduler.do(request)
    last = gate.ask(Priority.LATER, "last")
    gate.let_go()
    assert first.result(60) == ["FIRST"] and last.result(60) == ["LAST"]
    assert gate.runs == [["first"], ["last"]]


def test_nothing_waits_for_ever(gate):
    """Of an endless stream of claims, some wait for what is less urgent."""
    gate.ask(Priority.CLAIM, "first")
    last = gate.ask(Priority.LATER, "last")
    claims = [gate.ask(Priority.CLAIM, "a full run") for _ in range(2 * MAX_PASSED_OVER)]
    gate.let_go()
    assert last.result() == ["LAST"] and [f.result() for f in claims]
    assert gate.runs.index(["last"]) == MAX_PASSED_OVER + 1


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
def test_whatever_is_asked_together(asked):
    scheduler, runs = BatchScheduler(), []

    def run(items):
        runs.append(items)
        if "bad" in items:
            raise ValueError("bad")
        return [item.upper() for item in items]

    lanes = {priority: scheduler.batched(priority, run, len, BUDGET) for priority in Priority}

    def ask(one):
        priority, items = one
        try:
            return lanes[priority](items)
        except ValueError:
            return None

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(ask, asked))
    for (_, items), results in zip(asked, found, strict=True):
        assert results == (None if "bad" in items else [item.upper() for item in items])
    assert all(len(items) == 1 or sum(map(len, items)) <= BUDGET for items in runs)
    assert scheduler.queued == 0


def test_who_waits_for_a_run_leaves_his_desk_to_others(gate):
    """One place, two threads: the second gets it while the first one's work is being run."""
    run_slots = threading.Semaphore(1)
    run_slots.acquire()
    gate.ask(Priority.CLAIM, "first", task=TaskContext(run_slots=run_slots))
    assert run_slots.acquire(timeout=60)
    run_slots.release()
    gate.let_go()
    gate.pool.shutdown()
    assert not run_slots.acquire(blocking=False)  # taken again by who came back
