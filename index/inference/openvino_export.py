"""A converted model's matrices in 8 bits, for CPUs that multiply these faster than bfloat16.

Only the oblong ones, between layers of unlike width, where most of the time goes: the square ones
of attention would gain nothing more, and cost accuracy. Each row of a matrix has its own scale.
What is multiplied with it is brought to 8 bits by OpenVINO as it comes, in groups of ``QUANTIZATION_GROUP``
numbers that share a scale; no sample of texts is needed beforehand.
"""

from __future__ import annotations

import functools
import inspect
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from index.inference.length_buckets import TokenRows, pad_rows

if TYPE_CHECKING:
    from torch import nn


def traced(module: nn.Module, rows: TokenRows, pad: int):
    """The graph of a module of token ids, and of a mask if it takes one: of rows of any length.

    ``rows`` are what it is traced on. One at a time: torch cannot trace two.
    """
    import torch
    from openvino.frontend import FrontEndManager
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

    takes = len(inspect.signature(module.forward).parameters)
    example = tuple(map(torch.from_numpy, pad_rows(rows, pad)[:takes]))
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # what is taken for constant; the sample is the check
        scripted = torch.jit.trace(module.eval(), example, check_trace=False)
        # As openvino.convert_model does, which takes ten times as long for the same.
        frontend = FrontEndManager().load_by_framework("pytorch")
        decoder = TorchScriptPythonDecoder(scripted)
        loaded = frontend.load(decoder)
        return frontend.convert(loaded)


QUANTIZATION_GROUP = 128  # larger is no faster, and further from float32
_LEAST = 2.0**-14  # of a scale: below, float16 has fewer digits


@functools.cache
def is_faster() -> bool:
    """Whether this CPU is faster so: it has VNNI, and not AMX, whose bfloat16 is faster still."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # no Linux
        return False
    flags = next((set(line.split()) for line in lines if line.startswith("flags")), set())
    return bool(flags & {"avx512_vnni", "avx_vnni"}) and "amx_bf16" not in flags


def quantize_weights(model) -> int:
    """Put the oblong constant matrices of OpenVINO's graph in 8 bits; returns how many."""
    from openvino import opset13 as op

    found = 0
    for node in model.get_ordered_ops():
        matrix = _matrix(node)
        if matrix is None or matrix.shape[0] == matrix.shape[1]:
            continue
        scale = np.maximum(np.abs(matrix).max(1, keepdims=True) / 127, _LEAST)
        scale = scale.astype(np.float16).astype(np.float32)  # as it will be kept
        small = np.clip(np.round(matrix / scale), -127, 127).astype(np.int8)
        whole = op.multiply(op.convert(op.constant(small), "f32"), op.constant(scale))
        node.input(1).replace_source_output(whole.output(0))
        found += 1
    model.validate_nodes_and_infer_types()
    return found


def _matrix(node) -> np.ndarray | None:
    """The constant [outputs, inputs] that a node multiplies with; None if it does not do so."""
    if node.get_type_name() != "MatMul" or not node.get_attributes()["transpose_b"]:
        return None
    given = node.input_value(1).get_node()
    while given.get_type_name() == "Convert":
        given = given.input_value(0).get_node()
    if given.get_type_name() != "Constant" or len(given.get_output_shape(0)) != 2:
        return None
    return given.get_data().astype(np.float32)
