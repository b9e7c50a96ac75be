"""A torch module as OpenVINO's graph. Imports torch when it is called, no sooner."""

from __future__ import annotations

import inspect
import warnings
from typing import TYPE_CHECKING

from index.batches import TokenRows, pad_rows

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
