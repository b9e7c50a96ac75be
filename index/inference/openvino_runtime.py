"""Inference with OpenVINO on the CPU: few tokens on all cores together, many spread over the cores.

OpenVINO computes in bfloat16 where the CPU can, else in float32. ``index.inference.openvino_cache``
makes the models and stores them; docs/performance.md has figures.
"""

from __future__ import annotations

import functools
import io
import logging
import sys
import threading
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from index.inference.length_buckets import TokenRows, length_buckets, pad_rows
from index.inference.openvino_export import QUANTIZATION_GROUP
from index.types import Floats

# OpenVINO comes without types.
Graph = Any  # openvino.Model
CompiledModel = Any  # openvino.CompiledModel

_LATENCY_TOKENS = 2048  # tokens of a batch that all cores work on together
_CORE_TOKENS = 512  # tokens of a batch for one core: they fit its cache, and batches end together
_THROUGHPUT_FROM = 4096  # tokens from which spreading over the cores is worth it
_MAX_STREAMS = 16  # cores used for throughput: each takes memory of its own
_LENGTH_STEP = 8  # tokens to which lengths are rounded up: each new shape costs milliseconds
_CONFIG = {
    "DYNAMIC_QUANTIZATION_GROUP_SIZE": QUANTIZATION_GROUP,
    "CACHE_MODE": "OPTIMIZE_SIZE",
}
_log = logging.getLogger(__name__)


class OpenVinoModel:
    """A neural network that OpenVINO runs on rows of token ids; safe to share between threads.

    A few tokens are computed by all cores together, for low latency. Many are spread over the
    cores, one batch on each, which wastes no time on synchronisation; for this the model is
    compiled once more when it is first needed. The two modes have locks of their own, so a question
    does not wait until a library has been embedded.
    """

    def __init__(
        self,
        graph: Graph,
        pad: int,
        extra_files: Mapping[str, str],
        longest: int = 0,
        compiled: CompiledModel = None,
    ) -> None:
        """Prepare the model for inference.

        Args:
            graph: The network as an OpenVINO model.
            pad: The id of the padding token.
            extra_files: Texts that belong to the model, such as its tokenizer, by file name.
            longest: The most tokens a row can have; 0 if unknown.
            compiled: The graph compiled for latency, if that has been done already.
        """
        compiled = compiled or compile_graph(graph, "LATENCY")
        self._graph = graph
        self.extra_files = extra_files
        self._pad, self._longest = pad, longest
        self._input_count = len(compiled.inputs)
        self._shapes = [
            [size.get_length() for size in list(output.partial_shape)[1:]]
            for output in compiled.outputs
        ]
        self._request = compiled.create_infer_request()
        self._lock = threading.Lock()
        self._queue: Any = None  # openvino.AsyncInferQueue over the cores
        self._latency_only = False  # the graph cannot be compiled for throughput
        self._queue_lock = threading.Lock()

    @property
    def shapes(self) -> list[list[int]]:
        """The shape of each output of the network for one row of token ids, such as [[384]]."""
        return self._shapes

    def run(self, rows: TokenRows, budget: int = _LATENCY_TOKENS) -> list[Floats]:
        """Compute the outputs of the network for some rows of token ids.

        Args:
            rows: Token ids of each text.
            budget: The most tokens of one batch, padding included.

        Returns:
            The outputs, each [len(rows), …] in the order of the rows.
        """
        if sum(map(len, rows)) >= _THROUGHPUT_FROM:
            return self.run_parts(len(rows), [(range(len(rows)), rows)])
        return self._run(rows, budget)

    def _run(self, rows: TokenRows, budget: int) -> list[Floats]:
        outputs = self._empty_outputs(len(rows))
        with self._lock:
            for group in length_buckets(rows, budget):
                self._request.infer(self._inputs(rows, group), share_inputs=True)
                for k, values in enumerate(outputs):
                    values[group] = self._request.get_output_tensor(k).data
        return outputs

    def run_parts(
        self, count: int, parts: Iterable[tuple[Sequence[int], TokenRows]]
    ) -> list[Floats]:
        """Compute the outputs for many rows that arrive in parts, spread over the cores.

        The next part is taken from ``parts`` while the ones before are being computed.

        Args:
            count: The number of rows in all parts.
            parts: The positions of a part's rows in the outputs, and its rows.

        Returns:
            The outputs, each [count, …].
        """
        outputs = self._empty_outputs(count)

        def store(request: Any, positions: list[int]) -> None:
            for k, values in enumerate(outputs):
                values[positions] = request.get_output_tensor(k).data

        with self._queue_lock:
            if self._queue is None and not self._latency_only:
                self._queue = self._create_queue()
            if self._queue is None:
                for positions, rows in parts:
                    some = self._run(rows, _LATENCY_TOKENS)
                    for values, computed in zip(outputs, some, strict=True):
                        values[positions] = computed
                return outputs
            self._queue.set_callback(store)
            try:
                for positions, rows in parts:
                    for group in length_buckets(rows, _CORE_TOKENS):
                        self._queue.start_async(
                            self._inputs(rows, group), [positions[i] for i in group]
                        )
            finally:
                self._queue.wait_all()
        return outputs

    def _create_queue(self) -> Any:
        """Return the queue of the cores; None if the graph cannot be compiled for it."""
        try:
            compiled = compile_graph(self._graph, "THROUGHPUT")
            jobs = compiled.get_property("NUM_STREAMS") + 1  # one more, so that no core is idle
            return openvino_core()[0].AsyncInferQueue(compiled, jobs)
        except RuntimeError as error:
            _log.warning(
                "OpenVINO cannot spread a model over the cores (%s): long runs are slower",
                first_line(error),
            )
            self._latency_only = True
            return None

    def _empty_outputs(self, count: int) -> list[Floats]:
        return [np.empty((count, *shape), np.float32) for shape in self._shapes]

    def _inputs(self, rows: TokenRows, group: list[int]) -> list[npt.NDArray[np.int64]]:
        longest = max(len(rows[i]) for i in group)
        rounded = -(-longest // _LENGTH_STEP) * _LENGTH_STEP
        width = max(longest, min(rounded, self._longest))
        return list(pad_rows([rows[i] for i in group], self._pad, width)[: self._input_count])


@functools.cache
def openvino_core() -> tuple[Any, Any]:
    """Import OpenVINO, and return the package and its core object."""
    # On import OpenVINO would report to Google Analytics; without this package it cannot.
    modules: dict[str, Any] = sys.modules
    modules.setdefault("openvino_telemetry", None)
    import openvino

    return openvino, openvino.Core()


def compile_graph(graph: Graph, hint: str) -> CompiledModel:
    """Compile a graph for one batch on all cores ("LATENCY"), or one on each ("THROUGHPUT")."""
    core, config = openvino_core()[1], {**_CONFIG, "PERFORMANCE_HINT": hint}
    if hint == "THROUGHPUT":
        cores = core.get_property("CPU", "RANGE_FOR_STREAMS")[1]
        config["NUM_STREAMS"] = min(cores, _MAX_STREAMS)
    return core.compile_model(graph, "CPU", config)


def import_compiled(blob: bytes, weights: Path) -> CompiledModel:
    """Load a graph that was compiled for latency.

    Args:
        blob: The compiled graph, without its weights.
        weights: The file of the weights.

    Returns:
        The compiled model; None if it was compiled for another CPU.
    """
    config = {**_CONFIG, "PERFORMANCE_HINT": "LATENCY", "WEIGHTS_PATH": str(weights)}
    try:
        return openvino_core()[1].import_model(io.BytesIO(blob), "CPU", config)
    except RuntimeError as error:
        _log.info("compiling the model of %s again (%s)", weights.parent, first_line(error))
        return None


def first_line(error: Exception) -> str:
    """Return the first line of an error's message, or its type if it has none."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
