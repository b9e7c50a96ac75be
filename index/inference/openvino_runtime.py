"""Torch modules that read token ids, run by OpenVINO on the CPU.

A module is traced and converted once. Its weights are kept in half precision, or in 8 bits where
its draft allows that and the CPU is faster so; OpenVINO computes in bfloat16 where the CPU can,
else in float32. What was converted is kept in a folder, with which a later process needs neither
torch nor a conversion. docs/performance.md has figures.
"""

from __future__ import annotations

import functools
import hashlib
import io
import json
import logging
import os
import shutil
import sys
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from index.inference import openvino_export
from index.inference.length_buckets import TokenRows, length_buckets, pad_rows
from index.inference.openvino_export import traced
from index.types import Floats

if TYPE_CHECKING:
    from torch import nn


_FORMAT = 2  # of the folder; to be raised when what is written there changes
_BUDGET = 2048  # tokens at a time, of all cores together
_SHARE = 512  # and of one of them: it stays in its cache, and none waits long for the last
_MANY = 4096  # tokens that are worth sharing out
_MOST_STREAMS = 16  # each has memory of its own
_STEP = 8  # tokens: lengths are rounded up to these, since a new shape costs milliseconds
_CONFIG = {
    "DYNAMIC_QUANTIZATION_GROUP_SIZE": openvino_export.QUANTIZATION_GROUP,
    "CACHE_MODE": "OPTIMIZE_SIZE",
}
_NEAR = 0.05  # of an output's size: what rounding may cost, and no mistake is as small as
_log = logging.getLogger(__name__)
_converting = threading.Lock()  # torch traces one module at a time
_trying = threading.Lock()  # of two first runs at once each waits for ever for what the other has


class ConversionError(Exception):
    """OpenVINO cannot run the module, or not to the same result."""


@dataclass(frozen=True)
class ModelExport:
    """A module to convert, with what tells whether that went well.

    ``module(ids)`` or ``module(ids, mask)``, int64 [n, length], gives one tensor [n, …] or
    several; ``expected`` are these for ``rows``, one array for each. ``notes`` are texts that
    belong to the model and are kept with it, each under its file name. No row has more than
    ``longest`` tokens; 0: who knows. ``int8``: matrices may be put in 8 bits where that is faster.
    """

    module: nn.Module
    pad: int
    rows: TokenRows
    expected: Sequence[Floats]
    notes: Mapping[str, str] = field(default_factory=dict)
    longest: int = 0
    int8: bool = False


class OpenVinoModel:
    """A converted model. Safe to share between threads.

    A few tokens are read by all cores together, so that they are read soon; many are shared out,
    a batch to each core, which wastes no time on waiting for the other cores. For the latter the
    model is compiled once more, when that is first asked for. Threads take turns at either, so
    that a question does not wait until a library is read.
    """

    def __init__(
        self, model, pad: int, notes: Mapping[str, str], longest: int = 0, compiled=None
    ) -> None:
        """``compiled``: the model, where that has been compiled already."""
        compiled = compiled or _compiled(model, "LATENCY")
        self._model = model
        self.notes = notes
        self._pad, self._longest = pad, longest
        self._inputs = len(compiled.inputs)
        self._shapes = [
            [size.get_length() for size in list(output.partial_shape)[1:]]
            for output in compiled.outputs
        ]
        self._request = compiled.create_infer_request()
        self._lock = threading.Lock()
        self._queue = None  # of the cores, each with batches of its own
        self._alone = False  # that cannot be: all is read by all cores together
        self._queue_lock = threading.Lock()

    @property
    def shapes(self) -> list[list[int]]:
        """Of a row of each output, e.g. [[384]]."""
        return self._shapes

    def run(self, rows: TokenRows, budget: int = _BUDGET) -> list[Floats]:
        """The outputs, each [len(rows), …] in the rows' order, ``budget`` tokens at a time."""
        if sum(map(len, rows)) >= _MANY:
            return self.run_parts(len(rows), [(range(len(rows)), rows)])
        return self._run(rows, budget)

    def _run(self, rows: TokenRows, budget: int) -> list[Floats]:
        found = self._empty(len(rows))
        with self._lock:
            for group in length_buckets(rows, budget):
                self._request.infer(self._given(rows, group), share_inputs=True)
                for k, values in enumerate(found):
                    values[group] = self._request.get_output_tensor(k).data
        return found

    def run_parts(
        self, count: int, parts: Iterable[tuple[Sequence[int], TokenRows]]
    ) -> list[Floats]:
        """The outputs, each [count, …], of rows that come in parts, with the place of each.

        A part is taken while those before it are still worked on. For many rows: it is worth
        it from some batches on.
        """
        found = self._empty(count)

        def take(request, places: list[int]) -> None:
            for k, values in enumerate(found):
                values[places] = request.get_output_tensor(k).data

        with self._queue_lock:
            if self._queue is None and not self._alone:
                self._queue = self._shared()
            if self._queue is None:
                for places, rows in parts:
                    for values, some in zip(found, self._run(rows, _BUDGET), strict=True):
                        values[places] = some
                return found
            self._queue.set_callback(take)
            try:
                for places, rows in parts:
                    for group in length_buckets(rows, _SHARE):
                        self._queue.start_async(
                            self._given(rows, group), [places[i] for i in group]
                        )
            finally:
                self._queue.wait_all()
        return found

    def _shared(self):
        """The queue of the cores; None where the model cannot be compiled for it."""
        try:
            compiled = _compiled(self._model, "THROUGHPUT")
            jobs = compiled.get_property("NUM_STREAMS") + 1  # one more, so that none waits
            return _openvino()[0].AsyncInferQueue(compiled, jobs)
        except RuntimeError as error:
            _log.warning("many texts are read as few are, slower (%s)", _first_line(error))
            self._alone = True
            return None

    def _empty(self, count: int) -> list[Floats]:
        return [np.empty((count, *shape), np.float32) for shape in self._shapes]

    def _given(self, rows: TokenRows, group: list[int]) -> list[npt.NDArray[np.int64]]:
        longest = max(len(rows[i]) for i in group)
        width = max(longest, min(-(-longest // _STEP) * _STEP, self._longest))
        return list(pad_rows([rows[i] for i in group], self._pad, width)[: self._inputs])


def _compiled(model, hint: str):
    """For one request on all cores (LATENCY), or for one on each of them (THROUGHPUT)."""
    core, config = _openvino()[1], {**_CONFIG, "PERFORMANCE_HINT": hint}
    if hint == "THROUGHPUT":
        cores = core.get_property("CPU", "RANGE_FOR_STREAMS")[1]
        config["NUM_STREAMS"] = min(cores, _MOST_STREAMS)
    return core.compile_model(model, "CPU", config)


def _imported(folder: Path, digest: str):
    """What was compiled for one request on all cores; None if it is for another CPU."""
    blob = (folder / "compiled.blob").read_bytes()
    if _digest(blob) != digest:
        raise ValueError("what was compiled is damaged")
    config = {**_CONFIG, "PERFORMANCE_HINT": "LATENCY", "WEIGHTS_PATH": str(folder / "model.bin")}
    try:
        return _openvino()[1].import_model(io.BytesIO(blob), "CPU", config)
    except RuntimeError as error:
        _log.info("%s is compiled again (%s)", folder, _first_line(error))
        return None


def load_or_convert(folder: Path | None, draft: Callable[[], ModelExport]) -> OpenVinoModel:
    """The model kept in ``folder``, else the draft's, which is then kept there.

    A folder that is damaged is made anew; one that cannot be written, or None, costs
    nothing but the conversion at each start. Raises Unconvertible, and what ``draft`` raises.
    """
    if folder is None:
        return convert_model(draft(), None)
    return load_model(folder) or convert_model(draft(), folder)


def model_cache_folder(cache: Path, label: str, files: Iterable[Path]) -> Path | None:
    """The folder for a model of these files: another one for other files, another OpenVINO, or
    a CPU that wants the weights otherwise. None where there is no OpenVINO.

    Files are told apart as git does it, by name, size and times; to read them would take
    longer than all the rest. Raises OSError if one of them is not there.
    """
    try:
        version = _openvino()[0].get_version()
    except ImportError:
        return None
    digest = hashlib.sha256(f"{_FORMAT} {version} {openvino_export.is_faster()}".encode())
    for path in sorted(files):
        stat = path.stat()
        digest.update(
            f"\n{path.name} {stat.st_size} {stat.st_mtime_ns} {stat.st_ctime_ns}".encode()
        )
    return cache / f"{label}.{digest.hexdigest()[:16]}.openvino"


def load_model(folder: Path) -> OpenVinoModel | None:
    """The model that is kept in a folder; None if it is not there, or not whole."""
    if not folder.is_dir():
        return None
    try:
        about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
        notes = {name: (folder / name).read_text(encoding="utf-8") for name in about["notes"]}
        if {name: _digest(text.encode()) for name, text in notes.items()} != about["notes"]:
            raise ValueError("a note is damaged")
        model = _openvino()[1].read_model(folder / "model.xml")
        compiled = _imported(folder, about["compiled"])
        runtime = OpenVinoModel(model, about["pad"], notes, about["longest"], compiled)
        _check(runtime, about["rows"], [np.array(e, np.float32) for e in about["expected"]])
    except (OSError, RuntimeError, ValueError, KeyError, TypeError, ConversionError) as error:
        _log.info("%s is made again (%s)", folder, _first_line(error))
        return None
    return runtime


def convert_model(draft: ModelExport, folder: Path | None) -> OpenVinoModel:
    """The draft's model, kept in ``folder`` if that can be written; raises Unconvertible.

    One that 8 bits spoil is converted without them.
    """
    if draft.int8 and openvino_export.is_faster():
        try:
            return _converted(draft, folder, small=True)
        except ConversionError as error:
            _log.info("a model is converted again, without 8 bits (%s)", error)
    return _converted(draft, folder, small=False)


def _converted(draft: ModelExport, folder: Path | None, *, small: bool) -> OpenVinoModel:
    try:
        with _converting:
            _openvino()
            model = traced(draft.module, draft.rows, draft.pad)
        runtime = _keep(model, draft, folder, small=small) if folder else None
        if runtime is None:
            if small:
                openvino_export.quantize_weights(model)
            runtime = OpenVinoModel(model, draft.pad, draft.notes, draft.longest)
        _check(runtime, draft.rows, draft.expected)
    except ConversionError:
        raise
    except Exception as error:  # whatever torch, OpenVINO and a model's own code can raise
        raise ConversionError(_first_line(error)) from error
    return runtime


def _keep(model, draft: ModelExport, folder: Path, *, small: bool) -> OpenVinoModel | None:
    """The model, written and read again; None where it cannot be."""
    runtime = None
    partial = folder.with_name(f"{folder.name}.{os.getpid()}-{threading.get_ident()}.part")
    about = {
        "pad": draft.pad,
        "longest": draft.longest,
        "rows": [list(map(int, row)) for row in draft.rows],
        "expected": [np.asarray(e).tolist() for e in draft.expected],
        "notes": {name: _digest(text.encode()) for name, text in draft.notes.items()},
    }
    try:
        partial.mkdir(parents=True)
        written = _write(model, partial, small=small)
        # Of a model that was read from a file the blob is all but the weights, a megabyte.
        blob = _compiled(written, "LATENCY").export_model().getvalue()
        (partial / "compiled.blob").write_bytes(blob)
        about["compiled"] = _digest(blob)
        for name, text in {**draft.notes, "about.json": json.dumps(about)}.items():
            (partial / name).write_text(text, encoding="utf-8")
        runtime = load_model(partial)
        if runtime:
            for old in folder.parent.glob(f"{folder.name.split('.')[0]}.*.openvino"):
                shutil.rmtree(old, ignore_errors=True)
            partial.rename(folder)
    except (OSError, RuntimeError) as error:
        _log.info("%s cannot be kept (%s)", folder, _first_line(error))
    shutil.rmtree(partial, ignore_errors=True)
    return runtime


def _write(model, folder: Path, *, small: bool):
    """Write the model in half precision, its large matrices in 8 bits if ``small``; as written."""
    openvino, core = _openvino()
    path = folder / "model.xml"
    openvino.save_model(model, path, compress_to_fp16=True)
    if small:  # a second time: what has 8 bits already, OpenVINO does not bring to 16 elsewhere
        halved = core.read_model(path)
        openvino_export.quantize_weights(halved)
        openvino.save_model(halved, folder / "small.xml", compress_to_fp16=False)
        del halved
        for suffix in (".xml", ".bin"):
            os.replace(folder / f"small{suffix}", path.with_suffix(suffix))
    return core.read_model(path)


def _check(runtime: OpenVinoModel, rows: TokenRows, expected: Sequence[Floats]) -> None:
    """Raise Unconvertible unless the rows give what they should, each output on the whole."""
    with _trying:
        found = runtime.run(rows)
    if [a.shape for a in found] != [b.shape for b in expected]:
        raise ConversionError("the outputs have other shapes")
    for a, b in zip(found, expected, strict=True):
        off = float(np.linalg.norm(a - b) / max(np.linalg.norm(b), 1e-6))
        if not off <= _NEAR:
            raise ConversionError(f"the outputs are {off:.1%} off")


@functools.cache
def _openvino():
    """The package and its core."""
    # Its import would report itself to Google Analytics; without this package it does not.
    sys.modules.setdefault("openvino_telemetry", None)
    import openvino

    return openvino, openvino.Core()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
