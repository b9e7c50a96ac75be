"""Many threads' work, done together: nothing is lost or mixed up, and the urgent goes first."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.batching import PATIENCE, Dropped, Errand, Turns, Urgency, _Request

BUDGET = 10


class Gate:
    """Work that takes as long as a test wants: the first run is held until it is let go."""

    def __init__(self, turns, urgencies=tuple(Urgency)):
        self.turns, self.runs = turns, []
        self._held, self._open = threading.Event(), threading.Event()
        self.lanes = {u: turns.lane(u, self._run, len, BUDGET) for u in urgencies}
        self.pool = ThreadPoolExecutor(64)

    def _run(self, items):
        self.runs.append(items)
        self._held.set()
        assert self._open.wait(60)
        if "bad" in items:
            raise ValueError("bad")
        return [item.upper() for item in items]

    def ask(self, urgency, *items, errand=None):
        """Queue something; the future of its result. It is queued when this returns, but for
        the first, which is being run."""
        first, before = not self.runs, self.turns.waiting

        def work():
            with errand or Errand():
                return self.lanes[urgency](items)

        future = self.pool.submit(work)
        if first:
            assert self._held.wait(60)
        else:
            until(lambda: self.turns.waiting > before or future.done())
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
    made = Gate(Turns())
    yield made
    made.let_go()
    made.pool.shutdown()


def test_whoever_is_alone_runs_at_once_and_in_his_own_thread():
    threads = []
    lane = Turns().lane(
        Urgency.CLAIM, lambda items: threads.append(threading.get_ident()) or items, len, BUDGET
    )
    assert lane(["a", "b"]) == ["a", "b"] and lane([]) == []
    assert threads == [threading.get_ident()]


def test_what_has_queued_is_one_run_and_claims_go_before_readings(gate):
    first = gate.ask(Urgency.READING, "first")
    reading = gate.ask(Urgency.READING, "12345", "67890", "x")  # more than a run holds
    later = gate.ask(Urgency.LATER, "later")
    claims = [gate.ask(Urgency.CLAIM, "a", "b"), gate.ask(Urgency.CLAIM, "c")]
    gate.let_go()
    assert [f.result() for f in claims] == [["A", "B"], ["C"]]
    assert first.result() == ["FIRST"] and later.result() == ["LATER"]
    assert reading.result() == ["12345", "67890", "X"]
    assert gate.runs == [["first"], ["a", "b", "c"], ["12345", "67890"], ["x"], ["later"]]


def test_an_error_reaches_those_it_belongs_to(gate):
    gate.ask(Urgency.CLAIM, "first")
    good, bad, fine = (gate.ask(Urgency.CLAIM, item) for item in ("good", "bad", "fine"))
    gate.let_go()
    assert good.result() == ["GOOD"] and fine.result() == ["FINE"]
    with pytest.raises(ValueError, match="bad"):
        bad.result()
    assert gate.lanes[Urgency.CLAIM](["on"]) == ["ON"]


def test_what_nobody_waits_for_is_dropped_while_the_last_run_still_goes_on(gate):
    errand = Errand()
    gate.ask(Urgency.CLAIM, "first")
    dropped, kept = gate.ask(Urgency.CLAIM, "gone", errand=errand), gate.ask(Urgency.CLAIM, "kept")
    errand.drop()
    with pytest.raises(Dropped):
        dropped.result()
    with pytest.raises(Dropped):  # and so is what it would go on to ask for
        gate.ask(Urgency.CLAIM, "more", errand=errand).result()
    gate.let_go()
    assert kept.result() == ["KEPT"] and gate.runs == [["first"], ["kept"]]


def test_a_dropped_thread_that_has_the_turn_passes_it_on(gate):
    errand = Errand()
    first = gate.ask(Urgency.CLAIM, "first", errand=errand)
    others = [gate.ask(Urgency.CLAIM, item) for item in ("one", "two")]
    errand.drop()
    gate.let_go()
    assert [f.result() for f in others] == [["ONE"], ["TWO"]]
    with pytest.raises(Dropped):
        first.result()


def test_a_thread_that_is_interrupted_loses_no_others_work():
    turns, interrupted = Turns(), []

    def run(items):
        if not interrupted:
            interrupted.append(items)
            until(lambda: turns.waiting >= 1)
            raise KeyboardInterrupt
        return items

    lane = turns.lane(Urgency.CLAIM, run, len, BUDGET)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(lane, ["a"])
        until(lambda: interrupted)
        second = pool.submit(lane, ["b"])
        with pytest.raises(KeyboardInterrupt):
            first.result()
        assert second.result() == ["b"]


class Interrupted(threading.Event):
    """A wait that a signal ends."""

    def wait(self, timeout=None):
        raise KeyboardInterrupt


def test_a_thread_that_is_interrupted_while_it_waits_is_given_no_turn(gate):
    first = gate.ask(Urgency.CLAIM, "first")
    lane = gate.lanes[Urgency.CLAIM]
    request = _Request(lane, (Urgency.CLAIM, 0), ["gone"], [4], gate.turns.lock)
    request.woken = Interrupted()
    with pytest.raises(KeyboardInterrupt):
        gate.turns.do(request)
    last = gate.ask(Urgency.LATER, "last")
    gate.let_go()
    assert first.result(60) == ["FIRST"] and last.result(60) == ["LAST"]
    assert gate.runs == [["first"], ["last"]]


def test_nothing_waits_for_ever(gate):
    """Of an endless stream of claims, some wait for what is less urgent."""
    gate.ask(Urgency.CLAIM, "first")
    last = gate.ask(Urgency.LATER, "last")
    claims = [gate.ask(Urgency.CLAIM, "a full run") for _ in range(2 * PATIENCE)]
    gate.let_go()
    assert last.result() == ["LAST"] and [f.result() for f in claims]
    assert gate.runs.index(["last"]) == PATIENCE + 1


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(Urgency),
            st.lists(st.sampled_from(["a", "bb", "c" * 7, "d" * 15, "bad"]), max_size=6),
        ),
        max_size=24,
    )
)
def test_whatever_is_asked_together(asked):
    turns, runs = Turns(), []

    def run(items):
        runs.append(items)
        if "bad" in items:
            raise ValueError("bad")
        return [item.upper() for item in items]

    lanes = {urgency: turns.lane(urgency, run, len, BUDGET) for urgency in Urgency}

    def ask(one):
        urgency, items = one
        try:
            return lanes[urgency](items)
        except ValueError:
            return None

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(ask, asked))
    for (_, items), results in zip(asked, found, strict=True):
        assert results == (None if "bad" in items else [item.upper() for item in items])
    assert all(len(items) == 1 or sum(map(len, items)) <= BUDGET for items in runs)
    assert turns.waiting == 0


def test_who_waits_for_a_run_leaves_his_desk_to_others(gate):
    """One place, two threads: the second gets it while the first one's work is being run."""
    desk = threading.Semaphore(1)
    desk.acquire()
    gate.ask(Urgency.CLAIM, "first", errand=Errand(desk=desk))
    assert desk.acquire(timeout=60)
    desk.release()
    gate.let_go()
    gate.pool.shutdown()
    assert not desk.acquire(blocking=False)  # taken again by who came back
