"""The weighted mean of fits."""

import sys

import pytest
import torch
from safetensors.torch import save_file

from index.inference.cross_encoder import WEIGHTS
from training import mean
from training.model import CONFIG, write_float, write_weights
from training.start import read_start

TOKENIZER = b"compressed"


def run(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["mean", *map(str, arguments)])
    mean.main()


@pytest.fixture
def checkers(tmp_path):
    """A checker as it ships, and a fit with a head that does not ship."""
    shipped, fitted = tmp_path / "shipped.safetensors", tmp_path / "f.float"
    write_weights(shipped, {"nli.bias": torch.tensor([0.0, 4.0])}, CONFIG, TOKENIZER)
    write_float(fitted, {"nli.bias": torch.tensor([1.0, 0.0]), "words.bias": torch.ones(1)}, {})
    return shipped, fitted


def test_mean_of_checkers_has_shares_tokenizer_and_limits(checkers, tmp_path, monkeypatch):
    shipped, fitted = checkers
    out = tmp_path / "mean.safetensors"
    run(monkeypatch, "--out", out, f"{fitted}=0.75", f"{shipped}=0.25")
    weights, config, packed = read_start(out)
    assert {name: w.tolist() for name, w in weights.items()} == {"nli.bias": [0.75, 1.0]}
    assert config == CONFIG and packed == TOKENIZER


def test_what_ships_too_is_left_out_of_a_fit_and_put_back(tmp_path, monkeypatch):
    ships, config, tokenizer = read_start(WEIGHTS)
    head = {"nli.weight": ships["nli.weight"] + 1, "words.bias": torch.ones(1)}
    fitted, out = tmp_path / "f.float", tmp_path / "f.safetensors"
    write_float(fitted, ships | head, {})
    run(monkeypatch, "--changed", "--out", out, f"{fitted}=1")
    assert out.stat().st_size < 0.001 * WEIGHTS.stat().st_size
    weights, *others = read_start(out)
    assert others == [config, tokenizer] and weights.keys() == ships.keys()
    assert torch.equal(weights["nli.weight"], head["nli.weight"])
    assert torch.equal(weights["nli.bias"], ships["nli.bias"])


def test_mean_of_readers(tmp_path, monkeypatch):
    parts = [tmp_path / "a.float", tmp_path / "b.float"]
    for path, value in zip(parts, (2.0, 4.0), strict=True):
        save_file({"read.weight": torch.tensor([[value]]), "read.bias": torch.ones(1)}, str(path))
    out = tmp_path / "mean.safetensors"
    run(monkeypatch, "--out", out, *(f"{path}=0.5" for path in parts))
    assert read_start(out)[0]["read.weight"].item() == pytest.approx(3, abs=0.02)  # int8


@pytest.mark.parametrize(
    ("shares", "message"), [((0.5, 0.4), "add up to 1"), ((0.5, 0.5), "has the tokenizer")]
)
def test_what_cannot_be_averaged_is_said(shares, message, checkers, tmp_path, monkeypatch, capsys):
    parts = [f"{checkers[1]}={share}" for share in shares]
    with pytest.raises(SystemExit):
        run(monkeypatch, "--out", tmp_path / "mean.safetensors", *parts)
    assert message in capsys.readouterr().err
