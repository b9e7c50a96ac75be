"""Conversion of models to OpenVINO, and the folder in which converted models are stored.

A model is converted once. Its weights are stored in half precision, or in 8 bits where the export
allows it and this CPU is faster with them. A process that finds the stored model needs no
conversion, nor anything that a conversion needs. A converted model is used only if it gives the
expected outputs, which something else computed, for a few sample rows.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from index.inference import openvino_export
from index.inference.length_buckets import TokenRows
from index.inference.openvino_runtime import (
    CompiledModel,
    Graph,
    OpenVinoModel,
    compile_graph,
    first_line,
    import_compiled,
    openvino_core,
)
from index.types import Floats

_FORMAT = 2  # version of the folder: raise it when what is written there changes
_TOLERANCE = 0.05  # relative error of an output: above rounding, and below any real mistake
_log = logging.getLogger(__name__)
_first_run = threading.Lock()  # two first runs of OpenVINO at once can deadlock


class ConversionError(Exception):
    """OpenVINO cannot run a model, or gives other outputs than expected."""


@dataclass(frozen=True)
class ModelExport:
    """A model to convert to OpenVINO, with sample inputs and the outputs they must give.

    Attributes:
        graph: Makes the OpenVINO graph, anew at each call. Its inputs are int64 token ids
            [n, length], and perhaps a mask of that shape; it has one output [n, …] or several.
        pad: The id of the padding token.
        rows: Token ids of the sample texts.
        expected: The outputs for ``rows``, an array for each output.
        extra_files: Texts that belong to the model, by the name of the file they are stored in.
        longest: The most tokens a row can have; 0 if unknown.
        int8: Whether matrices may be stored in 8 bits where that is faster.
    """

    graph: Callable[[], Graph]
    pad: int
    rows: TokenRows
    expected: Sequence[Floats]
    extra_files: Mapping[str, str] = field(default_factory=dict)
    longest: int = 0
    int8: bool = False


def load_or_convert(folder: Path | None, create_export: Callable[[], ModelExport]) -> OpenVinoModel:
    """Load the model stored in a folder; if there is none, convert one and store it there.

    Args:
        folder: Where the model is stored. A damaged folder is replaced. If it is None or cannot be
            written, the model is converted at each start.
        create_export: Called only if a conversion is needed.

    Raises:
        ConversionError: OpenVINO cannot run the model. Errors of ``create_export`` pass through.
    """
    if folder is None:
        return convert_model(create_export(), None)
    return load_model(folder) or convert_model(create_export(), folder)


def model_cache_folder(cache: Path, label: str, files: Iterable[Path]) -> Path | None:
    """Choose the folder in which the converted model of some weight files is stored.

    Other files, another version of OpenVINO, or a CPU that needs other weights get another folder.
    Files are compared like git does, by name, size and times; reading them would take longer than
    everything else.

    Args:
        cache: The folder that holds all converted models.
        label: The first part of the folder's name.
        files: The files of the original model.

    Returns:
        The folder, which need not exist; None if OpenVINO is not installed.

    Raises:
        OSError: One of the files does not exist.
    """
    try:
        version = openvino_core()[0].get_version()
    except ImportError:
        return None
    key = hashlib.sha256(f"{_FORMAT} {version} {openvino_export.int8_is_faster()}".encode())
    for path in sorted(files):
        stat = path.stat()
        key.update(f"\n{path.name} {stat.st_size} {stat.st_mtime_ns} {stat.st_ctime_ns}".encode())
    return cache / f"{label}.{key.hexdigest()[:16]}.openvino"


def load_model(folder: Path) -> OpenVinoModel | None:
    """Load a converted model from its folder; return None if it is missing or does not work."""
    if not folder.is_dir():
        return None
    try:
        about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
        extra = {name: (folder / name).read_text(encoding="utf-8") for name in about["notes"]}
        if {name: _sha256(text.encode()) for name, text in extra.items()} != about["notes"]:
            raise ValueError("a text file is damaged")
        graph = openvino_core()[1].read_model(folder / "model.xml")
        compiled = _load_compiled(folder, about["compiled"])
        model = OpenVinoModel(graph, about["pad"], extra, about["longest"], compiled)
        _check(model, about["rows"], [np.array(e, np.float32) for e in about["expected"]])
    except (OSError, RuntimeError, ValueError, KeyError, TypeError, ConversionError) as error:
        _log.info("converting the model of %s again (%s)", folder, first_line(error))
        return None
    return model


def _load_compiled(folder: Path, sha256: str) -> CompiledModel:
    """Load the graph that was compiled for latency; None if it is for another CPU."""
    blob = (folder / "compiled.blob").read_bytes()
    if _sha256(blob) != sha256:
        raise ValueError("the compiled model is damaged")
    return import_compiled(blob, folder / "model.bin")


def convert_model(export: ModelExport, folder: Path | None) -> OpenVinoModel:
    """Convert a model to OpenVINO, and store the result if the folder can be written.

    A model whose outputs 8-bit weights would spoil is converted without them.

    Raises:
        ConversionError: OpenVINO cannot run the model, or gives other outputs than expected.
    """
    if export.int8 and openvino_export.int8_is_faster():
        try:
            return _convert(export, folder, int8=True)
        except ConversionError as error:
            _log.info("converting a model again, without 8-bit weights (%s)", error)
    return _convert(export, folder, int8=False)


def _convert(export: ModelExport, folder: Path | None, *, int8: bool) -> OpenVinoModel:
    try:
        openvino_core()
        graph = export.graph()
        model = _store(graph, export, folder, int8=int8) if folder else None
        if model is None:
            if int8:
                openvino_export.quantize_weights(graph)
            model = OpenVinoModel(graph, export.pad, export.extra_files, export.longest)
        _check(model, export.rows, export.expected)
    except ConversionError:
        raise
    except Exception as error:  # whatever torch, OpenVINO and a model's own code can raise
        raise ConversionError(first_line(error)) from error
    return model


def _store(graph: Graph, export: ModelExport, folder: Path, *, int8: bool) -> OpenVinoModel | None:
    """Write a model to its folder and load it from there; None if that fails."""
    model = None
    partial = folder.with_name(f"{folder.name}.{os.getpid()}-{threading.get_ident()}.part")
    about = {
        "pad": export.pad,
        "longest": export.longest,
        "rows": [list(map(int, row)) for row in export.rows],
        "expected": [np.asarray(e).tolist() for e in export.expected],
        "notes": {name: _sha256(text.encode()) for name, text in export.extra_files.items()},
    }
    try:
        partial.mkdir(parents=True)
        written = _write(graph, partial, int8=int8)
        # Of a model that was read from a file, the blob is all but the weights: a megabyte.
        blob = compile_graph(written, "LATENCY").export_model().getvalue()
        (partial / "compiled.blob").write_bytes(blob)
        about["compiled"] = _sha256(blob)
        for name, text in {**export.extra_files, "about.json": json.dumps(about)}.items():
            (partial / name).write_text(text, encoding="utf-8")
        model = load_model(partial)
        if model:
            for old in folder.parent.glob(f"{folder.name.split('.')[0]}.*.openvino"):
                shutil.rmtree(old, ignore_errors=True)
            partial.rename(folder)
    except (OSError, RuntimeError) as error:
        _log.info("cannot store a converted model in %s (%s)", folder, first_line(error))
    shutil.rmtree(partial, ignore_errors=True)
    return model


def _write(graph: Graph, folder: Path, *, int8: bool) -> Graph:
    """Write a graph with half-precision or 8-bit weights, and return it as read from the file."""
    openvino, core = openvino_core()
    path = folder / "model.xml"
    openvino.save_model(graph, path, compress_to_fp16=True)
    if int8:  # written twice: OpenVINO halves nothing in a graph that has 8-bit weights already
        halved = core.read_model(path)
        openvino_export.quantize_weights(halved)
        openvino.save_model(halved, folder / "small.xml", compress_to_fp16=False)
        del halved
        for suffix in (".xml", ".bin"):
            os.replace(folder / f"small{suffix}", path.with_suffix(suffix))
    return core.read_model(path)


def _check(model: OpenVinoModel, rows: TokenRows, expected: Sequence[Floats]) -> None:
    """Raise ConversionError unless a model gives the expected outputs for the sample rows."""
    with _first_run:
        outputs = model.run(rows)
    if [a.shape for a in outputs] != [b.shape for b in expected]:
        raise ConversionError("the outputs have other shapes")
    for a, b in zip(outputs, expected, strict=True):
        off = float(np.linalg.norm(a - b)) / max(float(np.linalg.norm(b)), 1e-6)
        if not off <= _TOLERANCE:
            raise ConversionError(f"the outputs are {off:.1%} off")


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
