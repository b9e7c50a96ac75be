"""Fitting the checker: a fit that is cut off goes on as if it had not been, and what it writes."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from index.inference.cross_encoder_torch import read_weights
from index.inference.pair_network import PairNetwork
from tests.support.small_checker import tokenizer, write_small_checker
from training import fit, packing, soup
from training.fit import Fit, arguments
from training.saves import BadSave
from training.sources import ENTAILMENT, NOT_SUPPORTED, Row


def words(rng: random.Random, most: int) -> str:
    return " ".join(f"w{rng.randrange(3, 60)}" for _ in range(rng.randint(2, most)))


def drawn_rows() -> list[Row]:
    """Draw rows of each kind: with labels, grades, questions, unsupported words, and twins."""
    rng = random.Random(5)
    rows = []
    for n in range(40):
        claim, evidence = words(rng, 3), words(rng, 8)
        claim = f"w60 {claim}" if n % 2 else claim
        rows += [
            Row("nli", claim, evidence, rng.randrange(4), "set"),
            Row("nli", claim, words(rng, 8), NOT_SUPPORTED, "own", grade=rng.randrange(9) / 8),
            Row("ans", words(rng, 4), evidence, n % 2, "asked"),
        ]
        for _ in range(2):
            wrong = (0, 3) if n % 2 else (0, 0)
            label = NOT_SUPPORTED if n % 2 else ENTAILMENT
            text = words(rng, 8)
            rows.append(Row("nli", claim, text, label, "own", same=f"{n}", wrong=wrong))
    return [*rows, Row("nli", "w3 w4", "w3 w5", ENTAILMENT, "set", held=True)]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """More only wait for each other on networks this small."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def start(tmp_path: Path) -> Path:
    checker, _ = write_small_checker(tmp_path)
    packing.pack(drawn_rows(), tokenizer(), tmp_path / "pack")
    return checker


def fitted(start: Path, name: str, *options: str) -> Fit:
    given = {
        "--pack": start.parent / "pack", "--start": start, "--out": start.parent / name,
        "--passes": 2, "--budget": 96, "--max-tokens": 24, "--max-first": 8, "--lr": 0.01,
    }  # fmt: skip
    listed = [str(part) for option in given.items() for part in option]
    return Fit(arguments([*listed, *options]))


def completed(start: Path, name: str, *options: str) -> dict[str, torch.Tensor]:
    """Fit to the end; return the weights as they are."""
    done = fitted(start, name, *options)
    done.run()
    fit.write(done)
    assert not done.save_file.exists()
    return load_file(str(done.args.out.with_suffix(".float")))


def cut_off(start: Path, name: str, after: int, monkeypatch: pytest.MonkeyPatch) -> Fit:
    """Fit for some steps, each of which takes minutes, then fail in the middle of one."""
    begun = fitted(start, name)
    step, clock = begun._step, count(0, 130)
    steps = 0

    def fails(*args: object) -> float:
        nonlocal steps
        steps += 1
        if steps > after:
            begun.network.tensors()["nli.bias"].fill_(9)  # half of a step is done
            raise KeyboardInterrupt
        return step(*args)

    with monkeypatch.context() as patch:
        patch.setattr(begun, "_step", fails)
        patch.setattr(fit.time, "monotonic", lambda: next(clock))
        with pytest.raises(KeyboardInterrupt):
            begun.run()
    return begun


@pytest.mark.parametrize("after", [5, 18, 40])
def test_a_fit_that_is_cut_off_goes_on_to_the_same_weights(
    start: Path, after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = completed(start, "whole.safetensors")
    begun = cut_off(start, "cut.safetensors", after, monkeypatch)
    again = fitted(start, "cut.safetensors")
    assert 0 < again.seen <= begun.seen  # from the last save, which may be some steps old
    found = completed(start, "cut.safetensors")
    assert found.keys() == whole.keys()
    for name, weight in whole.items():
        assert torch.equal(found[name], weight), name
    assert not torch.equal(whole["nli.weight"], read_weights(start)[0]["nli.weight"])


def test_a_damaged_or_foreign_save_is_refused_by_name(
    start: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = cut_off(start, "cut.safetensors", 12, monkeypatch).save_file
    content = save.read_bytes()
    flipped = bytearray(content)
    flipped[len(content) // 2] ^= 1
    for damaged in (content[:-1], content[:20], bytes(flipped)):
        save.write_bytes(damaged)
        with pytest.raises(BadSave, match=r"cut\.save is cut off or damaged"):
            fitted(start, "cut.safetensors")
    save.write_bytes(start.read_bytes())
    with pytest.raises(BadSave, match=r"cut\.save is no save of a fit"):
        fitted(start, "cut.safetensors")
    save.write_bytes(content)
    for option in (("--seed", "2"), ("--share", ".5"), ("--lr", ".1")):
        with pytest.raises(BadSave, match=r"cut\.save is of a fit with other options"):
            fitted(start, "cut.safetensors", *option)
    fitted(start, "cut.safetensors")


def test_a_fit_cut_off_before_its_first_save_leaves_none(
    start: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not cut_off(start, "cut.safetensors", 1, monkeypatch).save_file.exists()
    assert not list(start.parent.glob("*.part"))


def test_the_file_is_of_the_shipped_format(start: Path) -> None:
    whole = completed(start, "whole.safetensors")
    out = start.parent / "whole.safetensors"
    weights, config, packed = read_weights(out)
    before, settings, same = read_weights(start)
    assert weights.keys() == before.keys() and packed == same
    assert "words.weight" in whole and config.items() >= settings.items()
    network = PairNetwork([out], None, "checker")
    rows, _ = network.rows([("w20 w21", "w10 w11"), ("w22", "w12")])
    support, answers = network.run(rows)
    assert support.shape == (2, 3) and answers.shape == (2,)


def test_frozen_weights_are_written_as_they_were_read(start: Path) -> None:
    """The reader shares them."""
    completed(start, "first.safetensors")
    completed(start.parent / "first.safetensors", "second.safetensors", "--embeddings", "0")
    one, two = (load_file(str(start.parent / f"{n}.safetensors")) for n in ("first", "second"))
    frozen = [name for name in one if "embeddings" in name and not name.endswith(".scale")]
    assert any(one[name].dtype == torch.int8 for name in frozen)
    assert all(torch.equal(one[name], two[name]) for name in frozen)
    assert not torch.equal(one["nli.weight"], two["nli.weight"])


def test_the_words_that_nothing_supports_are_learned(start: Path) -> None:
    """In these rows it is one word of every second claim."""
    options = {"--passes": "12", "--lr": "0.02", "--dropout": "0"}
    learned = fitted(
        start, "words.safetensors", *(part for pair in options.items() for part in pair)
    )
    learned.run()
    ids, targets = learned._batch((learned.table["wrong"][:, 0] >= 0).nonzero()[0])
    with torch.no_grad():
        odds = learned.network.all_heads(ids)[2].sigmoid()
    wrong, others = (odds[targets.wrong == value].mean().item() for value in (1, 0))
    assert wrong > 1.5 * others


def test_the_mean_is_that_of_the_last_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    mean: dict[str, torch.Tensor] = {}
    for step in range(4):
        fit.add_to_mean(mean, {"a": torch.tensor(float(step)), "b": torch.ones(1)}, ["a"], step)
    assert mean == {"a": torch.tensor(1.5)}
    monkeypatch.setattr(fit, "AVERAGED_STEPS", 2)  # from then on the older ones fade
    fit.add_to_mean(mean, {"a": torch.tensor(9.5)}, ["a"], 4)
    assert mean["a"] == 5.5


def test_rows_that_would_be_cut_and_held_out_ones_are_left_out(
    start: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    begun = fitted(start, "cut.safetensors", "--max-first", "3", "--max-tokens", "12")
    printed = capsys.readouterr().out
    first, sizes = packing.sizes_of(begun.texts, begun.table)
    usable = ~begun.table["held"]
    assert sum(first > 3) > 0 and sum(sizes > 12) > 0
    assert f"dropped, claim of more than 3 tokens: {sum((first > 3) & usable)}" in printed
    assert (begun.order.often > 0).tolist() == ((first <= 3) & (sizes <= 12) & usable).tolist()


def test_a_share_keeps_twins_together_and_is_always_the_same(start: Path) -> None:
    one, two = (fitted(start, "a.safetensors", "--share", ".3").order for _ in range(2))
    assert one.often.tolist() == two.often.tolist()
    assert 0.1 < (one.often > 0).mean() < 0.5
    for key in set(one.same[one.same >= 0].tolist()):
        assert len(set((one.often[one.same == key] > 0).tolist())) == 1
    with pytest.raises(SystemExit, match="no rows"):
        fitted(start, "a.safetensors", "--share", "0")


def test_the_mean_of_a_fit_and_a_shipped_file_is_written_if_it_is_best(
    start: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    completed(start, "a.safetensors", "--passes", "1")
    fitted_file, out = start.parent / "a.float", start.parent / "mean.safetensors"
    monkeypatch.setattr(soup, "GOALS", ("set",))
    monkeypatch.setattr(soup, "goal", lambda column: next(goals))
    goals = iter([0.5, 0.6, 0.9])
    given = ["soup", str(fitted_file), str(start), "--pack", str(start.parent / "pack")]
    monkeypatch.setattr("sys.argv", [*given, "--out", str(out)])
    soup.main()
    one, two = load_file(str(fitted_file)), read_weights(start)[0]
    weights, config, packed = read_weights(out)
    assert weights.keys() == two.keys() and packed == read_weights(start)[2]
    assert torch.allclose(weights["nli.weight"], (one["nli.weight"] + two["nli.weight"]) / 2)
    assert config["max_first"] == 8
