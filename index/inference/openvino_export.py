"""Tracing of torch modules into OpenVINO graphs, and 8-bit quantization of their weights.

Quantization serves CPUs that multiply 8-bit numbers faster than bfloat16. It covers only the
matrices between layers of different width, where most of the time goes: the square ones of
attention would gain nothing more, and cost accuracy. Each row of a matrix has a scale of its own.
OpenVINO quantizes the inputs of these matrices at run time, in groups of ``QUANTIZATION_GROUP``
numbers that share a scale, so no calibration data is needed.
"""

from __future__ import annotations

import functools
import inspect
import threading
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from index.inference.length_buckets import TokenRows, pad_rows
from index.types import Floats

if TYPE_CHECKING:
    from torch import nn

QUANTIZATION_GROUP = 128  # a larger group is no faster, and further from float32
_SMALLEST_SCALE = 2.0**-14  # below this, float16 has fewer digits
_tracing = threading.Lock()  # torch can trace only one module at a time


def trace_module(module: nn.Module, rows: TokenRows, pad: int) -> Any:
    """Convert a torch module to an OpenVINO graph for any number of rows of any length.

    Args:
        module: Takes token ids, and a mask if its ``forward`` has a second parameter.
        rows: Token ids to trace it on.
        pad: The id of the padding token.

    Returns:
        The graph, an ``openvino.Model``.
    """
    import torch
    from openvino.frontend import FrontEndManager
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

    inputs = len(inspect.signature(module.forward).parameters)
    example = tuple(map(torch.from_numpy, pad_rows(rows, pad)[:inputs]))
    with _tracing, warnings.catch_warnings(), torch.no_grad():
        # About values that become constants; the check of the outputs finds any that matter.
        warnings.simplefilter("ignore")
        trace: Any = torch.jit.trace  # it has no types
        scripted = trace(module.eval(), example, check_trace=False)
        # The same as openvino.convert_model, in a tenth of the time.
        frontend = FrontEndManager().load_by_framework("pytorch")
        decoder = TorchScriptPythonDecoder(scripted)
        loaded = frontend.load(decoder)
        return frontend.convert(loaded)


@functools.cache
def int8_is_faster() -> bool:
    """Return whether 8-bit weights are faster on this CPU.

    They are with VNNI, but not with AMX, whose bfloat16 is faster still.
    """
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # not Linux
        return False
    flags = next((set(line.split()) for line in lines if line.startswith("flags")), set())
    return bool(flags & {"avx512_vnni", "avx_vnni"}) and "amx_bf16" not in flags


def quantize_weights(graph: Any) -> int:
    """Quantize the non-square weight matrices of an OpenVINO graph to 8 bits, in place.

    Returns:
        The number of matrices that were quantized.
    """
    from openvino import opset13 as op

    count = 0
    for node in graph.get_ordered_ops():
        matrix = _weight_matrix(node)
        if matrix is None or matrix.shape[0] == matrix.shape[1]:
            continue
        scale = np.maximum(np.abs(matrix).max(1, keepdims=True) / 127, _SMALLEST_SCALE)
        scale = scale.astype(np.float16).astype(np.float32)  # rounded as it will be stored
        quantized = np.clip(np.round(matrix / scale), -127, 127).astype(np.int8)
        restored = op.multiply(op.convert(op.constant(quantized), "f32"), op.constant(scale))
        node.input(1).replace_source_output(restored.output(0))
        count += 1
    graph.validate_nodes_and_infer_types()
    return count


def _weight_matrix(node: Any) -> Floats | None:
    """Return the constant [outputs, inputs] that a node multiplies by; None if there is none."""
    if node.get_type_name() != "MatMul" or not node.get_attributes()["transpose_b"]:
        return None
    source = node.input_value(1).get_node()
    while source.get_type_name() == "Convert":
        source = source.input_value(0).get_node()
    if source.get_type_name() != "Constant" or len(source.get_output_shape(0)) != 2:
        return None
    matrix: Floats = source.get_data().astype(np.float32)
    return matrix
