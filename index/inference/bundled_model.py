"""The networks that ship with Tenkyo, ready to run: by OpenVINO, or by numpy where that fails."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from index.inference import openvino_cache
from index.inference.encoder_graph import encoder_graph
from index.inference.encoder_numpy import NumpyModel
from index.inference.encoder_weights import Encoder
from index.inference.length_buckets import TokenRows
from index.inference.openvino_runtime import OpenVinoModel

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Bundled:
    """A network with what its conversion needs besides.

    Attributes:
        encoder: The network.
        rows: Token ids of sample texts, for which OpenVINO must give what numpy gives.
        extra_files: Texts that belong to it, such as its tokenizer, by file name.
        int8: Whether matrices may be stored in 8 bits where that is faster.
    """

    encoder: Encoder
    rows: TokenRows
    extra_files: Mapping[str, str] = field(default_factory=dict)
    int8: bool = False


def open_bundled(
    folder: Path | None, label: str, read: Callable[[], Bundled]
) -> OpenVinoModel | NumpyModel:
    """Load a bundled network, which is converted to OpenVINO at its first use.

    Args:
        folder: Where the converted network is stored; None to convert it at each start.
        label: What it is called in a warning that OpenVINO cannot run it.
        read: Reads the network; called only if it is not stored. Its errors pass through.
    """

    def export() -> openvino_cache.ModelExport:
        bundled = read()
        config = bundled.encoder.config
        return openvino_cache.ModelExport(
            partial(encoder_graph, bundled.encoder),
            config["pad"],
            bundled.rows,
            NumpyModel(bundled.encoder).run(bundled.rows),
            bundled.extra_files,
            config["max_tokens"],
            bundled.int8,
        )

    try:
        return openvino_cache.load_or_convert(folder, export)
    except openvino_cache.ConversionError as error:
        _log.warning("OpenVINO cannot run the %s (%s): using numpy, slower", label, error)
    bundled = read()
    return NumpyModel(bundled.encoder, bundled.extra_files)
