"""Pairs of texts as rows of tokens, and the reading of them, by a network drawn at random."""

import logging
import lzma
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from corpus.errors import ModelUnavailable
from index.inference import openvino_cache, pair_network
from index.inference.cross_encoder import CrossEncoder
from index.inference.cross_encoder_torch import ReaderNetwork, read_weights
from index.inference.pair_network import PairNetwork, pair_ids
from tests.support.damage import empty, truncate, zero
from tests.support.small_checker import CONFIG, READER_CONFIG, write_small_checker

BOS, EOS = CONFIG["bos"], CONFIG["eos"]


@pytest.fixture
def by_numpy(monkeypatch, caplog):
    """Leave out OpenVINO, whose conversion takes time."""

    def refuse(folder, export):
        raise openvino_cache.ConversionError("left out")

    monkeypatch.setattr(openvino_cache, "load_or_convert", refuse)
    caplog.set_level(logging.ERROR, "index")


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    return write_small_checker(tmp_path)


@pytest.fixture
def network(files, by_numpy) -> PairNetwork:
    return PairNetwork(list(files), None, "reader")


def words(first: int, count: int) -> str:
    return " ".join(f"w{n}" for n in range(first, first + count))


def test_rows_have_the_question_before_the_text(network) -> None:
    (row,), (spans,) = network.rows([("w20 w21  w22", "w10 w11")])
    assert row == [BOS, 10, 11, EOS, EOS, 20, 21, 22, EOS]
    assert spans.tolist() == [[0, 3], [4, 7], [9, 12]] and spans.dtype == np.int32


@pytest.mark.parametrize("asked", [0, 1, 3, 4, 5, 40])
@pytest.mark.parametrize("long", [0, 1, 8, 9, 12, 13, 40])
def test_spans_are_those_of_the_tokens_that_were_not_cut_off(network, asked, long) -> None:
    text = words(20, long)
    (row,), (spans,) = network.rows([(text, words(3, asked))])
    most, longest = READER_CONFIG["max_first"], READER_CONFIG["max_tokens"]
    kept = min(asked, most)
    assert row[: kept + 3] == [BOS, *range(3, 3 + kept), EOS, EOS] and row[-1] == EOS
    there = row[kept + 3 : -1]
    assert len(there) == min(long, longest - 4 - kept) and len(row) <= longest
    # Each span has the word of its token.
    assert [text[a:b] for a, b in spans] == [f"w{n}" for n in there] and spans.shape[1] == 2
    assert network.reads_whole(words(3, asked)) == (asked <= most)


def test_settings_of_the_reader_go_before_those_of_the_checker(network, files, by_numpy) -> None:
    checker = PairNetwork(files[:1], None, "checker")
    pair = [(words(3, 40), words(3, 40))]
    assert len(network.rows(pair)[0][0]) == READER_CONFIG["max_tokens"]
    assert len(checker.rows(pair)[0][0]) == CONFIG["max_tokens"]
    assert checker.reads_whole(words(3, 8)) and not network.reads_whole(words(3, 8))


def test_rows_do_not_depend_on_other_pairs(network) -> None:
    pairs = [(words(3, n), words(9, 20 - n)) for n in range(0, 20, 3)]
    rows, spans = network.rows(pairs)
    for n, pair in enumerate(pairs):
        (row,), (there,) = network.rows([pair])
        assert row == rows[n] and there.tolist() == spans[n].tolist()
    assert network.rows([]) == ([], [])


def test_networks_share_a_tokenizer_only_if_it_is_the_same(files, by_numpy) -> None:
    first, second = (PairNetwork(list(files), None, "reader") for _ in range(2))
    for network in (first, second):
        network.rows([("w20", "w10")])
    assert first._tokenizer is second._tokenizer
    changed = first._tokenizer.to_str().replace('"unk_token":"w3"', '"unk_token":"w4"')
    other = pair_network._read_tokenizer(lzma.compress(changed.encode()))
    assert other.encode("?").ids == [4] and first._tokenizer.encode("?").ids == [3]


def test_pair_is_cut_to_the_configuration() -> None:
    row = pair_ids(range(10, 30), range(30, 60), CONFIG)
    first, second = CONFIG["max_first"], CONFIG["max_tokens"] - 4 - CONFIG["max_first"]
    assert row == [BOS, *range(10, 10 + first), EOS, EOS, *range(30, 30 + second), EOS]


def test_reading_has_the_logits_of_the_tokens_of_the_text(files, by_numpy) -> None:
    checker, reader = files
    pairs = [("w20 w21 w22", "w10"), (words(20, 30), words(3, 9)), ("", "w9"), ("w30", "w3 w4")]
    found = CrossEncoder(checker, reader=reader).read(pairs)
    weights, config, _ = read_weights(checker)
    own, settings, none = read_weights(reader)
    assert none == b"" and settings == READER_CONFIG
    network = ReaderNetwork(weights | own, config | settings).eval()
    rows, spans = PairNetwork([checker, reader], None, "reader").rows(pairs)
    for reading, row, there in zip(found, rows, spans, strict=True):
        with torch.inference_mode():
            (wanted,) = network.token_logits(torch.tensor([row])).numpy()
        assert reading.spans.tolist() == there.tolist()
        first = len(row) - 1 - len(there)
        np.testing.assert_allclose(reading.logits, wanted[first:-1], atol=1e-4)
    assert len(found[2].logits) == 0


def test_reader_by_openvino_agrees_with_numpy(files, monkeypatch, caplog) -> None:
    checker, reader = files
    pairs = [("w20 w21 w22", "w10"), (words(20, 30), words(3, 9))]
    with caplog.at_level(logging.WARNING, "index"):
        converted = CrossEncoder(checker, reader=reader).read(pairs)
    assert not caplog.records  # or it was not converted

    def refuse(folder, export):
        raise openvino_cache.ConversionError("left out")

    monkeypatch.setattr(openvino_cache, "load_or_convert", refuse)
    wanted = CrossEncoder(checker, reader=reader).read(pairs)
    for a, b in zip(converted, wanted, strict=True):
        np.testing.assert_array_equal(a.spans, b.spans)
        np.testing.assert_allclose(a.logits, b.logits, atol=0.05)


def without_metadata(path: Path) -> None:
    save_file({"read.weight": torch.zeros(1, 8)}, str(path))


@pytest.mark.parametrize("damage", [Path.unlink, truncate, empty, zero, without_metadata])
def test_damaged_reader_is_reported_and_claims_are_still_checked(files, by_numpy, damage) -> None:
    checker, reader = files
    damage(reader)
    made = CrossEncoder(checker, reader=reader)
    supported = made.supports([("w20 w21", "w20")])
    assert supported.shape == (1, 3) and supported.sum() == pytest.approx(1, abs=1e-5)
    assert made.reads_whole("w20") and len(made.digest) == 64
    for _ in range(2):  # the second call says so too
        with pytest.raises(ModelUnavailable, match=r"reader\.safetensors .*: reinstall Tenkyo"):
            made.read([("w20", "w3")])
    assert made.read([]) == []


@pytest.mark.parametrize("damage", [Path.unlink, truncate, empty, zero, without_metadata])
def test_damaged_checker_is_reported_by_both(files, by_numpy, damage) -> None:
    checker, reader = files
    damage(checker)
    made = CrossEncoder(checker, reader=reader)
    for call in (made.supports, made.read):
        with pytest.raises(ModelUnavailable, match=r"checker\.safetensors .*: reinstall Tenkyo"):
            call([("w20", "w3")])


def test_claims_are_checked_without_opening_the_reader(files, by_numpy, monkeypatch) -> None:
    from index.inference import encoder_weights, pair_network

    checker, reader = files
    opened: list[str] = []
    for module in (pair_network, encoder_weights):
        real = module.safe_open
        monkeypatch.setattr(
            module,
            "safe_open",
            lambda path, *more, real=real: opened.append(path) or real(path, *more),
        )
    made = CrossEncoder(checker, reader=reader)
    made.supports([("w20", "w3")])
    assert opened and set(opened) == {str(checker)}
    made.read([("w20", "w3")])
    assert str(reader) in opened


def test_network_is_loaded_once(files, monkeypatch) -> None:
    made: list[object] = []

    def count(self):
        made.append(self)
        return lambda rows: [np.zeros((len(rows), 16), np.float32)]

    monkeypatch.setattr(PairNetwork, "_load_network", count)
    network = PairNetwork(list(files), None, "reader")
    for _ in range(3):
        network.run(network.rows([("w20", "w3")])[0])
    assert made == [network]
