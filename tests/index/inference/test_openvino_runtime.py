"""Models run by OpenVINO: outputs equal to those of torch, and the folder of converted models."""

from __future__ import annotations

import hashlib
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from corpus.errors import ModelUnavailable
from index.inference import openvino_cache, openvino_export, openvino_runtime
from index.inference.cross_encoder import PARSER_WEIGHTS, READER_WEIGHTS, WEIGHTS, CrossEncoder
from index.inference.cross_encoder_torch import Network, ParserNetwork, ReaderNetwork, read_weights
from index.inference.cross_encoder_torch import run as torch_run
from index.inference.embedder import SentenceTransformerEmbedder
from index.inference.length_buckets import length_buckets, pad_rows
from index.inference.model_registry import BUNDLED_EMBEDDER, model_folder
from index.inference.sentence_transformer import SentenceTransformerModel
from tests.support.damage import empty, truncate, zero
from tests.support.paths import ROOT

ENGLISH = [
    "Whisper was trained on 680,000 hours of labelled audio, collected from the web.",
    "GT Sophy beats the best human drivers at Gran Turismo.",
    "Who?",
    "Passages are of whole sentences; a long one is cut. " * 12,
]
JAPANESE = [
    "Whisperは、ウェブから集めた68万時間のラベル付き音声で訓練された。",
    "ＧＴソフィーは、グランツーリスモで人間のトップドライバーに勝った。",
    "誰？",
    "文章は文の切れ目で分ける。長いものは途中で切る。" * 12,
]


class Bag(nn.Module):
    """The mean and the sum of random vectors, one for each token."""

    def __init__(self) -> None:
        super().__init__()
        own = torch.Generator().manual_seed(0)  # the global one is shared by all threads
        self.table = nn.Embedding.from_pretrained(torch.randn(50, 8, generator=own))

    def forward(self, ids, mask):
        x = self.table(ids) * mask.unsqueeze(-1)
        return x.sum(1) / mask.sum(1, keepdim=True), x.sum((1, 2))


class ConstantInTrace(Bag):
    """A module whose dependence on the number of tokens is lost in tracing."""

    def forward(self, ids, mask):
        return self.table(ids).sum(1) * float(mask.sum()), super().forward(ids, mask)[1]


ROWS = [[3, 4, 5], [6], [7, 8], [9, 10, 11, 12, 13]]


def torch_outputs(module: nn.Module, rows: list[list[int]]) -> list[np.ndarray]:
    with torch.inference_mode():
        found = [module(*map(torch.from_numpy, pad_rows([row], 0))) for row in rows]
    return [torch.cat(values).numpy() for values in zip(*found, strict=True)]


def traced(module: nn.Module) -> Callable[[], openvino_runtime.Graph]:
    return partial(openvino_export.trace_module, module, ROWS, 0)


class Exports:
    """Creates the same export each time, and counts how often it was needed."""

    def __init__(self, module: nn.Module | None = None) -> None:
        self.module = module or Bag()
        self.count = 0

    def __call__(self) -> openvino_cache.ModelExport:
        self.count += 1
        expected = torch_outputs(self.module, ROWS)
        return openvino_cache.ModelExport(
            traced(self.module), 0, ROWS, expected, {"words.json": '"語"'}
        )


@pytest.fixture(scope="module")
def reference(models: Path) -> SentenceTransformerModel:
    return SentenceTransformerModel(model_folder(BUNDLED_EMBEDDER, models))


@pytest.mark.parametrize("role", ["query", "passage"])
@pytest.mark.parametrize("texts", [ENGLISH, JAPANESE], ids=["English", "Japanese"])
def test_embedder_agrees_with_torch(embedder, reference, texts: list[str], role: str) -> None:
    if role == "query":
        found = np.stack([embedder.embed_query(text) for text in texts])
    else:
        found = embedder.embed_passages(texts)
    assert (found * reference.encode(texts, role)).sum(1).min() > 0.999


@pytest.mark.model
def test_checker_agrees_with_torch(tmp_path: Path) -> None:
    pairs = [
        *zip(ENGLISH, JAPANESE, strict=True),
        *zip(JAPANESE, ENGLISH, strict=True),
        (ENGLISH[0], "Whisper was trained on 680 hours of audio."),
        (JAPANESE[0], "Whisperは68万時間の音声で訓練された。"),
    ]
    checker = CrossEncoder(cache=tmp_path)
    supports, readings = checker.supports(pairs), checker.read(pairs)
    assert supports.shape == (10, 3) and supports.dtype == np.float32
    np.testing.assert_allclose(supports.sum(1), 1, atol=1e-5)

    weights, config, _ = read_weights(WEIGHTS)
    wanted = torch_run(Network(weights, config), checker._support.rows(pairs)[0], 2048)
    np.testing.assert_allclose(supports, wanted[0].softmax(-1), atol=0.02)

    own, settings, _ = read_weights(READER_WEIGHTS)
    rows, spans = checker._reader.rows(pairs)
    (logits,) = torch_run(ReaderNetwork(weights | own, config | settings), rows, 2048)
    for n, (reading, row) in enumerate(zip(readings, rows, strict=True)):
        text, end = pairs[n][0], len(row) - 1
        np.testing.assert_array_equal(reading.spans, spans[n])
        assert reading.spans[0, 0] == 0 and reading.spans[-1, 1] == len(text)
        there = logits[n, end - len(spans[n]) : end]
        np.testing.assert_allclose(reading.logits, there, atol=0.2)

    own, settings, _ = read_weights(PARSER_WEIGHTS)
    asked = [text for pair in pairs for text in pair]
    rows, _ = checker._parser.rows([(text, "") for text in asked])
    network = ParserNetwork(weights | own, config | settings)
    intents, fields, slots = torch_run(network, rows, 2048)
    for n, parsed in enumerate(checker.parse(asked)):
        np.testing.assert_allclose(parsed.intents, intents[n], atol=0.2)
        np.testing.assert_allclose(parsed.field_logits, fields[n], atol=0.2)
        np.testing.assert_allclose(parsed.slots, slots[n, 3 : 3 + len(parsed.spans)], atol=0.3)

    assert checker.supports([]).shape == (0, 3) and checker.read([]) == []
    (kept,) = tmp_path.glob("checker*")
    written = (kept / "model.bin").stat().st_mtime_ns
    again = CrossEncoder(cache=tmp_path)
    np.testing.assert_array_equal(again.supports(pairs), supports)
    assert (kept / "model.bin").stat().st_mtime_ns == written


@pytest.mark.process
def test_second_start_does_not_import_torch(models: Path, embedder) -> None:
    embedder.embed_query("x")  # so that the converted model is there
    script = (
        "import sys; from pathlib import Path; from index.inference.embedder import *\n"
        f"SentenceTransformerEmbedder({BUNDLED_EMBEDDER!r}, Path(sys.argv[1])).embed_query('x')\n"
        "import index.inference.cross_encoder\n"
        "assert not {'torch', 'transformers', 'openvino_telemetry.main'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script, str(models)], check=True, cwd=ROOT)


@pytest.mark.process
def test_openvino_sends_no_telemetry(tmp_path: Path) -> None:
    script = (
        "from index.inference import openvino_cache as o; o.model_cache_folder(o.Path(), 'a', [])"
    )
    env = {**os.environ, "HOME": str(tmp_path)}
    subprocess.run([sys.executable, "-c", script], check=True, cwd=ROOT, env=env)
    assert list(tmp_path.iterdir()) == []  # where it would store an id of this machine


def test_outputs_keep_the_order_of_rows(tmp_path: Path) -> None:
    exports = Exports()
    model = openvino_cache.load_or_convert(tmp_path / "bag.1.openvino", exports)
    random = np.random.default_rng(0)
    rows = [random.integers(1, 50, n).tolist() for n in random.integers(1, 40, 60)]
    found = model.run(rows, 100)
    for values, wanted in zip(found, torch_outputs(exports.module, rows), strict=True):
        np.testing.assert_allclose(values, wanted, atol=0.03 * np.abs(wanted).max())
    assert model.shapes == [[8], []] and model.extra_files == {"words.json": '"語"'}
    assert [values.shape for values in model.run([])] == [(0, 8), (0,)]


def test_many_rows_spread_over_cores_keep_their_order(tmp_path: Path) -> None:
    exports = Exports()
    model = openvino_cache.load_or_convert(tmp_path / "bag.1.openvino", exports)
    random = np.random.default_rng(0)
    lengths = random.integers(1, 40, 800)
    assert lengths.sum() > 3 * openvino_runtime._THROUGHPUT_FROM
    rows = [random.integers(1, 50, n).tolist() for n in lengths]
    found, few = model.run(rows), [model.run([row]) for row in rows[:50]]
    for k, wanted in enumerate(torch_outputs(exports.module, rows)):
        np.testing.assert_allclose(found[k], wanted, atol=0.03 * np.abs(wanted).max())
        np.testing.assert_allclose(np.concatenate([one[k] for one in few]), found[k][:50], atol=0.2)


class Positional(Bag):
    """Bag, with vectors for 13 positions added."""

    def __init__(self) -> None:
        super().__init__()
        own = torch.Generator().manual_seed(1)
        self.places = nn.Embedding.from_pretrained(torch.randn(13, 8, generator=own))

    def forward(self, ids, mask):
        x = self.table(ids) + self.places(torch.arange(ids.shape[1]))
        return ((x * mask.unsqueeze(-1)).sum(1) / mask.sum(1, keepdim=True),)


def test_padding_does_not_exceed_the_longest_row_allowed() -> None:
    rows = [list(range(1, n + 1)) for n in (2, 9, 13)]
    (wanted,) = torch_outputs(Positional(), rows)
    export = openvino_cache.ModelExport(traced(Positional()), 0, rows, [wanted], longest=13)
    for row, vector in zip(rows, wanted, strict=True):
        found = openvino_cache.convert_model(export, None).run([row])[0]
        np.testing.assert_allclose(found[0], vector, atol=0.05)


class Layers(nn.Module):
    """A sum of token vectors through two non-square matrices and a square one."""

    def __init__(self) -> None:
        super().__init__()
        own = torch.Generator().manual_seed(0)
        self.table = nn.Embedding.from_pretrained(torch.randn(50, 64, generator=own))
        self.parts = nn.Sequential(
            nn.Linear(64, 128), nn.GELU(), nn.Linear(128, 64), nn.Linear(64, 64)
        )
        for weight in self.parts.parameters():
            weight.data = torch.randn(weight.shape, generator=own) / 8

    def forward(self, ids, mask):
        return self.parts((self.table(ids) * mask.unsqueeze(-1)).sum(1))


@pytest.mark.parametrize("allowed", [True, False])
def test_non_square_matrices_are_quantized_to_8_bits(tmp_path: Path, allowed: bool) -> None:
    layers = Layers()
    with torch.inference_mode():
        wanted = layers(*map(torch.from_numpy, pad_rows(ROWS, 0))).numpy()
    export = openvino_cache.ModelExport(traced(layers), 0, ROWS, [wanted], int8=allowed)
    found = openvino_cache.load_or_convert(tmp_path / "layers.1.openvino", lambda: export).run(
        ROWS
    )[0]
    off = np.linalg.norm(found - wanted) / np.linalg.norm(wanted)
    assert off < 0.02
    written = (tmp_path / "layers.1.openvino" / "model.xml").read_text(encoding="utf-8")
    small = 2 if allowed and openvino_export.int8_is_faster() else 0
    assert written.count('element_type="i8"') == small
    size = (tmp_path / "layers.1.openvino" / "model.bin").stat().st_size
    assert size < 52_000 - small * 8192  # everything else takes two bytes a number


def test_weights_that_8_bits_spoil_stay_in_half_precision(tmp_path: Path) -> None:
    """One large number in each row of a matrix leaves no precision to the others."""
    layers = Layers()
    layers.table.weight.data[:, 0] = 0
    layers.parts[0].weight.data[:, 0] = 1000
    with torch.inference_mode():
        wanted = layers(*map(torch.from_numpy, pad_rows(ROWS, 0))).numpy()
    export, folder = (
        openvino_cache.ModelExport(traced(layers), 0, ROWS, [wanted], int8=True),
        tmp_path / "x.1.openvino",
    )
    for where in (folder, None):
        found = openvino_cache.load_or_convert(where, lambda: export).run(ROWS)[0]
        assert np.linalg.norm(found - wanted) / np.linalg.norm(wanted) < 0.02
    assert 'element_type="i8"' not in (folder / "model.xml").read_text(encoding="utf-8")


def test_rows_are_batched_by_length_within_budget() -> None:
    random = np.random.default_rng(0)
    lengths = [int(n) for n in random.integers(1, 300, 200)]
    rows = [[0] * n for n in lengths]
    groups = list(length_buckets(rows, 1024))
    assert sorted(i for group in groups for i in group) == list(range(200))
    for group in groups:
        wide = len(group) * max(lengths[i] for i in group)
        assert wide <= 1024 and wide - sum(lengths[i] for i in group) <= 64
    assert list(length_buckets([[0] * 9, [0] * 5000], 1024)) == [[0], [1]]
    assert list(length_buckets([], 1024)) == []


def test_converted_model_is_reused(tmp_path: Path) -> None:
    exports, folder = Exports(), tmp_path / "bag.1.openvino"
    first = openvino_cache.load_or_convert(folder, exports).run(ROWS)
    second = openvino_cache.load_or_convert(folder, exports).run(ROWS)
    assert exports.count == 1 and list(tmp_path.iterdir()) == [folder]
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)


def test_new_conversion_replaces_the_old_one_of_the_same_model(tmp_path: Path) -> None:
    for name in ("bag.1.openvino", "other.1.openvino", "bag.2.openvino"):
        openvino_cache.load_or_convert(tmp_path / name, Exports())
    assert sorted(p.name for p in tmp_path.iterdir()) == ["bag.2.openvino", "other.1.openvino"]


def test_changed_weights_get_another_folder(tmp_path: Path) -> None:
    file = tmp_path / "weights"
    file.write_bytes(b"one")
    first = openvino_cache.model_cache_folder(tmp_path, "bag", [file])
    assert openvino_cache.model_cache_folder(tmp_path, "bag", [file]) == first
    stat = file.stat()
    file.write_bytes(b"two")
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))  # as `cp --preserve` does
    assert openvino_cache.model_cache_folder(tmp_path, "bag", [file]) != first
    with pytest.raises(OSError):
        openvino_cache.model_cache_folder(tmp_path, "bag", [tmp_path / "absent"])


def remove(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize("damage", [truncate, empty, zero, remove])
@pytest.mark.parametrize(
    "name", ["model.xml", "model.bin", "about.json", "words.json", "compiled.blob"]
)
def test_damaged_folder_is_converted_again(tmp_path: Path, name: str, damage) -> None:
    exports, folder = Exports(), tmp_path / "bag.1.openvino"
    wanted = openvino_cache.load_or_convert(folder, exports).run(ROWS)
    damage(folder / name)
    for _ in range(2):
        model = openvino_cache.load_or_convert(folder, exports)
        np.testing.assert_array_equal(model.run(ROWS)[0], wanted[0])
        assert model.extra_files == {"words.json": '"語"'}
    assert exports.count == 2


def test_model_compiled_for_another_cpu_is_compiled_again(tmp_path: Path) -> None:
    exports, folder = Exports(), tmp_path / "bag.1.openvino"
    wanted = openvino_cache.load_or_convert(folder, exports).run(ROWS)
    blob, about = folder / "compiled.blob", folder / "about.json"
    first = blob.read_bytes()
    blob.write_bytes(b"of another" + first)
    old, new = (hashlib.sha256(content).hexdigest() for content in (first, blob.read_bytes()))
    about.write_text(about.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    np.testing.assert_array_equal(
        openvino_cache.load_or_convert(folder, exports).run(ROWS)[0], wanted[0]
    )
    assert exports.count == 1


def test_unwritable_folder_still_gives_a_model(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("here")
    exports = Exports()
    for folder in (tmp_path / "file" / "bag.1.openvino", None):
        found = openvino_cache.load_or_convert(folder, exports).run(ROWS)
        np.testing.assert_allclose(found[0], exports().expected[0], atol=0.03)
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_concurrent_conversions_leave_one_folder(tmp_path: Path) -> None:
    found: list[np.ndarray] = []

    def start() -> None:
        found.append(
            openvino_cache.load_or_convert(tmp_path / "bag.1.openvino", Exports()).run(ROWS)[0]
        )

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4 and all(np.allclose(a, found[0], atol=0.03) for a in found)
    assert [p.name for p in tmp_path.iterdir()] == ["bag.1.openvino"]


def test_wrong_outputs_are_refused_and_not_stored(tmp_path: Path) -> None:
    with pytest.raises(openvino_cache.ConversionError, match="outputs"):
        openvino_cache.load_or_convert(tmp_path / "baked.1.openvino", Exports(ConstantInTrace()))
    assert not any(tmp_path.iterdir())


def static_model(folder: Path) -> str:
    """Save a sentence-transformers model that is a table of vectors, without rows of token ids."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace

    tokenizer = Tokenizer(WordLevel({"sky": 0, "blue": 1, "?": 2}, "?"))
    tokenizer.pre_tokenizer = Whitespace()
    module = StaticEmbedding(tokenizer, embedding_weights=np.eye(3, 4, dtype=np.float32))
    SentenceTransformer(modules=[module]).save(str(folder), create_model_card=False)
    return str(folder)


def test_unconvertible_model_runs_by_torch(tmp_path: Path, caplog) -> None:
    cache = tmp_path / "cache"
    embedder = SentenceTransformerEmbedder(static_model(tmp_path / "static"), cache)
    with caplog.at_level(logging.WARNING, "index"):
        vectors = embedder.embed_passages(["sky", "blue blue", "sky blue"])
        query = embedder.embed_query("sky")
    half = 0.5**0.5
    wanted = [[1, 0, 0, 0], [0, 1, 0, 0], [half, half, 0, 0]]
    np.testing.assert_allclose(vectors, wanted, atol=1e-6)
    assert embedder.dim == 4 and query.tolist() == [1, 0, 0, 0]
    (record,) = [r for r in caplog.records if r.name.startswith("index")]
    assert record.levelname == "WARNING" and "using torch" in record.getMessage()
    assert not cache.exists()


@pytest.mark.model
@pytest.mark.process
def test_both_models_run_without_openvino(tmp_path: Path) -> None:
    script = (
        "import sys; sys.modules['openvino'] = None  # its import fails\n"
        "from pathlib import Path\n"
        "from index.inference.cross_encoder import CrossEncoder; from index.inference.embedder import *\n"
        "cache = Path(sys.argv[2])\n"
        "vectors = SentenceTransformerEmbedder(sys.argv[1], cache).embed_passages(['sky'])\n"
        "(reading,) = CrossEncoder(cache=cache).read([('The sky is blue.', 'What is the sky?')])\n"
        "assert vectors.tolist() == [[1, 0, 0, 0]] and reading.answers() > 0\n"
    )
    model, cache = static_model(tmp_path / "static"), tmp_path / "cache"
    run = [sys.executable, "-W", "ignore", "-c", script, model, str(cache)]
    errors = subprocess.run(run, check=True, cwd=ROOT, capture_output=True, text=True).stderr
    assert errors.count("using torch") == 1 and errors.count("the reader (") == 1
    assert errors.count("using numpy") == 1 and "Traceback" not in errors
    assert not cache.exists()


def test_missing_checker_is_reported(tmp_path: Path) -> None:
    for cache in (None, tmp_path):
        with pytest.raises(ModelUnavailable, match="cannot load the checker"):
            CrossEncoder(tmp_path / "absent", cache).read([("a", "b")])
