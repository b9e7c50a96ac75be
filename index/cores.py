"""OpenVINO models on the cores of this machine: on all of them, on half, or on each by itself."""

from __future__ import annotations

import functools
import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Any

from index import int8

CONFIG = {"DYNAMIC_QUANTIZATION_GROUP_SIZE": int8.GROUP, "CACHE_MODE": "OPTIMIZE_SIZE"}
_MOST_STREAMS = 16  # each has memory of its own
_log = logging.getLogger(__name__)


@functools.cache
def openvino():
    """The package and its core."""
    # Its import would report itself to Google Analytics; without this package it does not.
    sys.modules.setdefault("openvino_telemetry", None)
    import openvino

    return openvino, openvino.Core()


def compiled(model, streams: int = 0):
    """For so many runs at once, each on its share of the cores; 0: for one on all of them."""
    config = {**CONFIG, "PERFORMANCE_HINT": "THROUGHPUT" if streams else "LATENCY"}
    if streams:
        config["NUM_STREAMS"] = streams
    return openvino()[1].compile_model(model, "CPU", config)


class Cores:
    """A model on the cores. Safe to share between threads.

    Whoever is alone in this process, with this model or another, has all the cores, else half of
    them: cores that wait for one another take time from those that work. For halves, and for
    a queue of work for each core, the model is compiled once more, when that is first asked for.
    """

    def __init__(self, model, whole) -> None:
        """``whole``: the model as ``compiled`` for all cores."""
        self._model = model
        self._whole = _Requests(whole, 1)
        self._halves: _Requests | None = None
        self._queue: Any = None
        self._streams: dict[int, Any] = {}  # compiled for so many; None where that cannot be
        self._lock = threading.Lock()

    @contextmanager
    def request(self) -> Iterator[Any]:
        """An infer request for this thread, as soon as there is one."""
        with at_work.others() as others, self._at(others).one() as request:
            yield request

    def _at(self, others: int) -> _Requests:
        if not others:
            return self._whole
        if self._halves is None:
            half = self._compiled(2) if _cores() > 1 else None
            self._halves = _Requests(half, 2) if half else self._whole
        return self._halves

    def queue(self):
        """An AsyncInferQueue of as many streams as there are cores; None where that cannot be.
        For one thread at a time."""
        if self._queue is None and (each := self._compiled(min(_cores(), _MOST_STREAMS))):
            jobs = each.get_property("NUM_STREAMS") + 1  # one more, so that none waits
            self._queue = openvino()[0].AsyncInferQueue(each, jobs)
        return self._queue

    def _compiled(self, streams: int):
        with self._lock:
            if streams not in self._streams:
                self._streams[streams] = None
                try:
                    self._streams[streams] = compiled(self._model, streams)
                except RuntimeError as error:
                    reason = str(error).strip().splitlines()[0][:200]
                    _log.warning("texts are read slower than they could be (%s)", reason)
            return self._streams[streams]


class _Requests:
    """What runs a compiled model, to be had by one thread each at a time."""

    def __init__(self, model, many: int) -> None:
        self._free: SimpleQueue = SimpleQueue()
        for _ in range(many):
            self._free.put(model.create_infer_request())

    @contextmanager
    def one(self) -> Iterator[Any]:
        request = self._free.get()
        try:
            yield request
        finally:
            self._free.put(request)


class _AtWork:
    """The threads that have something read by a model of this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0

    @contextmanager
    def others(self) -> Iterator[int]:
        """Be one of them; how many there were before."""
        with self._lock:
            before, self._count = self._count, self._count + 1
        try:
            yield before
        finally:
            with self._lock:
                self._count -= 1


at_work = _AtWork()


def _cores() -> int:
    return openvino()[1].get_property("CPU", "RANGE_FOR_STREAMS")[1]
