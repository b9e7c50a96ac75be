"""The bundled networks as OpenVINO graphs and in numpy: equal to torch, checked, without torch."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
import torch

from index.inference import bundled_model, openvino_cache, openvino_export
from index.inference.bundled_model import Bundled, open_bundled
from index.inference.cross_encoder import PARSER_WEIGHTS, READER_WEIGHTS, WEIGHTS
from index.inference.cross_encoder_torch import Network, ParserNetwork, ReaderNetwork, padded
from index.inference.encoder_graph import encoder_graph
from index.inference.encoder_numpy import NumpyModel
from index.inference.encoder_weights import Encoder, Kind, read_embedder, read_weights
from index.inference.length_buckets import pad_rows
from index.inference.model_registry import BUNDLED_EMBEDDER, model_folder
from index.inference.openvino_runtime import openvino_core
from index.inference.sentence_transformer import SentenceTransformerModel
from tests.support.small_checker import write_small_checker
from tests.support.soak import soak_only

_random = np.random.default_rng(0)
# Rows of one batch: alone, of equal lengths, with much padding, and as long as they may be.
BATCHES = [
    [_random.integers(3, 50_000, n).tolist() for n in lengths]
    for lengths in ([1], [9], [16, 16, 16], [2, 61, 7, 30, 1], [288, 40], [33] * 12)
]


@pytest.fixture(scope="module")
def encoders(models: Path) -> dict[Kind, Encoder]:
    weights, config, _ = read_weights(WEIGHTS)
    own, settings, _ = read_weights(READER_WEIGHTS)
    parsing, parser, _ = read_weights(PARSER_WEIGHTS)
    longer = {"max_tokens": config["max_tokens"]}  # than it reads, for the longest of BATCHES
    return {
        "embedder": read_embedder(Path(model_folder(BUNDLED_EMBEDDER, models))),
        "checker": Encoder("checker", weights, config),
        "reader": Encoder("reader", weights | own, config | settings),
        "parser": Encoder("parser", weights | parsing, config | parser | longer),
    }


@pytest.fixture(scope="module")
def original(models: Path) -> SentenceTransformerModel:
    return SentenceTransformerModel(model_folder(BUNDLED_EMBEDDER, models))


@pytest.fixture(scope="module")
def in_torch(encoders, original):
    """Return the four networks in torch, which take a batch of rows."""

    def embed(rows):
        ids, mask = map(torch.from_numpy, pad_rows(rows, 1))
        features = {"input_ids": ids, "attention_mask": mask}
        for module in original._model:
            features = module(features)
        return (features["sentence_embedding"],)

    def network(made, kind):
        weights = {name: torch.tensor(array) for name, array in encoders[kind].weights.items()}
        module = made(weights, encoders[kind].config).eval()
        return lambda rows: module(padded(rows, 1))

    found = {"embedder": embed}
    made = {"checker": Network, "reader": ReaderNetwork, "parser": ParserNetwork}
    found |= {kind: network(module, kind) for kind, module in made.items()}
    return found


@pytest.fixture(scope="module", params=["embedder", "checker", "reader", "parser"])
def kind(request) -> Kind:
    return request.param


@pytest.fixture(scope="module")
def by_openvino(encoders, kind: Kind):
    """Return the network of a kind in OpenVINO, which is compiled once."""
    return in_float32(encoder_graph(encoders[kind]))


def in_float32(graph):
    """Compile a graph without OpenVINO's own rounding, and return what takes a batch of rows."""
    compiled = openvino_core()[1].compile_model(graph, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})

    def run(rows):
        inputs = list(pad_rows(rows, 1))[: len(compiled.inputs)]
        return list(compiled(inputs).values())

    return run


@soak_only
@pytest.mark.model
def test_graph_and_numpy_give_what_torch_gives(encoders, in_torch, by_openvino, kind: Kind) -> None:
    by_numpy = NumpyModel(encoders[kind])
    for rows in BATCHES:
        with torch.inference_mode():
            wanted = [t.numpy() for t in in_torch[kind](rows)]
        # numpy puts rows of similar length together, so that its padding is another.
        for found in (by_openvino(rows), by_numpy.run(rows)):
            assert [a.shape for a in found] == [b.shape for b in wanted]
            for a, b in zip(found, wanted, strict=True):
                np.testing.assert_allclose(a, b, rtol=0, atol=2e-5 * max(1, np.abs(b).max()))


@pytest.mark.model
def test_a_row_does_not_depend_on_the_rest_of_the_batch(by_openvino) -> None:
    run, rows = by_openvino, BATCHES[3]
    for together, alone in zip(
        run(rows), zip(*(run([row]) for row in rows), strict=True), strict=True
    ):
        np.testing.assert_allclose(together, np.concatenate(alone), rtol=0, atol=1e-4)


def quantized(graph) -> list[tuple[tuple[int, ...], bytes]]:
    """Quantize the matrices of a graph, and return the 8-bit ones."""
    count = openvino_export.quantize_weights(graph)
    constants = [o for o in graph.get_ordered_ops() if o.get_type_name() == "Constant"]
    found = [o.get_data() for o in constants if str(o.get_element_type().to_string()) == "i8"]
    assert len(found) == count
    return sorted((array.shape, array.tobytes()) for array in found)


@soak_only
@pytest.mark.model
def test_the_same_matrices_are_quantized_as_in_the_traced_graph(encoders, original) -> None:
    export = original.export()
    ours = quantized(encoder_graph(encoders["embedder"]))
    assert len(ours) == 24 and ours == quantized(export.graph())


@soak_only
@pytest.mark.model
def test_vectors_are_those_of_the_traced_graph(encoders, original, tmp_path: Path) -> None:
    """An index that was made with the traced graph is searched as before."""
    export = original.export()
    traced = openvino_cache.convert_model(export, tmp_path / "traced.1.openvino")
    read = lambda: Bundled(encoders["embedder"], export.rows, export.extra_files, int8=True)  # noqa: E731
    built = open_bundled(tmp_path / "built.1.openvino", "embedder", read)
    for rows in BATCHES:
        np.testing.assert_allclose(built.run(rows)[0], traced.run(rows)[0], rtol=0, atol=1e-6)


@pytest.fixture
def small(tmp_path: Path) -> Encoder:
    weights, config, _ = read_weights(write_small_checker(tmp_path)[0])
    return Encoder("checker", weights, config)


ROWS = [[0, 10, 11, 2, 2, 20, 21, 22, 2], [0, 7, 2, 2, 30, 2], [0, *range(3, 20), 2]]


def without(encoder: Encoder, change: str) -> Encoder:
    """Return a network with a mistake."""
    layer = "bert.encoder.layer.0"
    weights, config = dict(encoder.weights), dict(encoder.config)
    if change == "another matrix":
        name = f"{layer}.attention.self.value.weight"
        weights[name] = weights[name].T.copy()
    elif change == "query and output swapped":
        a, b = f"{layer}.attention.self.query.weight", f"{layer}.attention.output.dense.weight"
        weights[a], weights[b] = weights[b], weights[a]
    elif change == "no mask":
        config["pad"] = 63
    elif change == "another number of heads":
        config["heads"] = 4
    elif change == "no layer":
        config["layers"] = 0
    return Encoder(encoder.kind, weights, config)


MISTAKES = ["another matrix", "query and output swapped", "no mask",
            "another number of heads", "no layer"]  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
@pytest.mark.parametrize("stored", [True, False])
def test_wrong_graph_is_not_used(
    small: Encoder, tmp_path: Path, monkeypatch, caplog, mistake: str, stored: bool
) -> None:
    folder = tmp_path / "models" / "small.1.openvino" if stored else None
    wrong = lambda encoder: encoder_graph(without(encoder, mistake))  # noqa: E731
    monkeypatch.setattr(bundled_model, "encoder_graph", wrong)
    with caplog.at_level(logging.WARNING, "index"):
        model = open_bundled(folder, "checker", lambda: Bundled(small, ROWS))
    assert isinstance(model, NumpyModel) and not (folder and folder.exists())
    (record,) = caplog.records
    assert "OpenVINO cannot run the checker" in record.getMessage()
    assert "using numpy" in record.getMessage()


@pytest.mark.parametrize("factor", [1.1, np.nan])
def test_processor_that_miscomputes_is_noticed_at_every_start(
    small: Encoder, tmp_path: Path, monkeypatch, caplog, factor: float
) -> None:
    folder, reads = tmp_path / "models" / "small.1.openvino", []

    def read() -> Bundled:
        reads.append(1)
        return Bundled(small, ROWS)

    right = open_bundled(folder, "checker", read)
    assert not isinstance(right, NumpyModel) and folder.is_dir() and len(reads) == 1
    run = openvino_cache.OpenVinoModel.run
    monkeypatch.setattr(
        openvino_cache.OpenVinoModel, "run", lambda *given: [factor * x for x in run(*given)]
    )
    with caplog.at_level(logging.WARNING, "index"):
        model = open_bundled(folder, "checker", read)
    assert isinstance(model, NumpyModel) and len(caplog.records) == 1
    for a, b in zip(model.run(ROWS), run(right, ROWS), strict=True):
        np.testing.assert_allclose(a, b, atol=0.05 * np.abs(a).max())


def test_numpy_runs_rows_in_parts_and_none(small: Encoder) -> None:
    model = NumpyModel(small, {"words.json": "…"})
    assert model.shapes == [[3], []] and model.extra_files == {"words.json": "…"}
    assert [found.shape for found in model.run([])] == [(0, 3), (0,)]
    parts = [([2, 0], [ROWS[2], ROWS[0]]), ([1], [ROWS[1]])]
    for a, b in zip(model.run_parts(3, parts), model.run(ROWS), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


@pytest.mark.model
def test_embedder_runs_by_numpy_without_openvino(
    tmp_path: Path, embedder, models: Path, monkeypatch, caplog
) -> None:
    from index.inference.embedder import SentenceTransformerEmbedder

    embedder.embed_query("x")
    (tmp_path / "multilingual-e5-small").symlink_to(models.resolve() / "multilingual-e5-small")

    def refuse(folder, export):
        raise openvino_cache.ConversionError("left out")

    monkeypatch.setattr(openvino_cache, "load_or_convert", refuse)
    other = SentenceTransformerEmbedder(BUNDLED_EMBEDDER, tmp_path)
    texts = ["The sky is blue.", "空は青い。"] * 17  # more than one part
    with caplog.at_level(logging.WARNING, "index"):
        found = other.embed_passages(texts)
    assert other.dim == 384 and "using numpy" in caplog.text
    assert (found * embedder.embed_passages(texts)).sum(1).min() > 0.999
