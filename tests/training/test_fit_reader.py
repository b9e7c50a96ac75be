"""Fitting the reader: its loss, the masks of its rows, and the file that it writes."""

import json
import math
import random
from dataclasses import replace

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from index.inference.cross_encoder_torch import ReaderNetwork, read_weights
from index.inference.pair_network import PairNetwork
from index.inference.reading import Reading
from tests.support.small_checker import CONFIG, encoder_weights, tokenizer, write_small_checker
from training import fit_reader
from training.fit_reader import (
    MAX_QUESTION,
    MAX_TOKENS,
    divergence_from,
    encoded,
    log_probabilities,
    loss_of,
    start_weights,
    write_reader,
)
from training.reading import ReadingRow


def plain_loss(rows: list[tuple[list[float], list[bool], list[bool]]]) -> float:
    """Compute the loss as the module's docstring says, row by row."""
    losses = []
    for logits, inside, gold in rows:
        odds = [math.exp(z) for z in logits]
        every = 1 + sum(o for o, there in zip(odds, inside, strict=True) if there)
        right = sum(o for o, there in zip(odds, gold, strict=True) if there) if any(gold) else 1
        losses.append(-math.log(right / every))
    return sum(losses) / len(losses)


def as_tensors(rows):
    logits, inside, gold = zip(*rows, strict=True)
    return torch.tensor(logits), torch.tensor(inside), torch.tensor(gold)


def drawn(rng: random.Random, answered: bool, width: int = 9):
    logits = [rng.uniform(-6, 6) for _ in range(width)]
    inside = [2 <= n < 7 for n in range(width)]
    gold = [answered and n in (3, 5) for n in range(width)]
    return logits, inside, gold


@pytest.mark.parametrize("answered", [(True,), (False,), (True, False, True, False)])
def test_loss_is_that_of_a_plain_computation(answered) -> None:
    rng = random.Random(0)
    for _ in range(20):
        rows = [drawn(rng, each) for each in answered]
        assert loss_of(*as_tensors(rows)).item() == pytest.approx(plain_loss(rows), abs=1e-5)


def test_loss_of_certain_and_of_wrong_rows() -> None:
    inside, gold = [False, True, True], [False, False, True]
    right = loss_of(*as_tensors([([50.0, -50.0, 50.0], inside, gold)]))
    wrong = loss_of(*as_tensors([([0.0, 50.0, -50.0], inside, gold)]))
    assert right.item() == pytest.approx(0, abs=1e-6) and wrong.item() == pytest.approx(
        100, rel=1e-4
    )
    none = [False, False, False]
    assert loss_of(*as_tensors([([50.0, -50.0, -50.0], inside, none)])).item() < 1e-6


def test_loss_is_the_log_odds_that_a_reading_gives() -> None:
    logits, inside, _ = drawn(random.Random(3), True)
    spans = torch.tensor([[n, n + 1] for n in range(2, 7)]).numpy()
    reading = Reading(spans, torch.tensor(logits[2:7]).numpy())
    # One less the probability of "no answer", in a row that nothing answers.
    none = loss_of(*as_tensors([(logits, inside, [False] * 9)])).item()
    assert 1 - math.exp(-none) == pytest.approx(1 / (1 + math.exp(-reading.answers())), abs=1e-5)


def test_gradient_reaches_the_tokens_of_the_text_alone_and_is_finite() -> None:
    rng = random.Random(1)
    logits, inside, gold = as_tensors([drawn(rng, True), drawn(rng, False)])
    logits.requires_grad_(True)
    loss_of(logits, inside, gold).backward()
    assert torch.isfinite(logits.grad).all()
    assert (logits.grad[~inside] == 0).all() and (logits.grad[inside] != 0).all()
    assert (logits.grad[1][inside[1]] > 0).all()  # what does not answer goes down
    assert (logits.grad[0][gold[0]] < 0).all()  # what answers goes up


def test_divergence_is_that_of_the_teacher_where_it_is_right() -> None:
    rng = random.Random(5)
    rows = [drawn(rng, True), drawn(rng, False), drawn(rng, True)]
    (logits, inside, gold), (taught, _, _) = as_tensors(rows), as_tensors([drawn(rng, True)] * 3)
    student, teacher = log_probabilities(logits, inside), log_probabilities(taught, inside)
    want = 0.0
    for row in range(3):
        p, q = teacher[row].exp().tolist(), student[row].exp().tolist()
        apart = sum(a * math.log(a / b) for a, b in zip(p, q, strict=True) if a > 1e-12)
        right = sum(a for a, there in zip(p[1:], gold[row].tolist(), strict=True) if there)
        want += apart * (right if gold[row].any() else p[0]) / 3
    assert divergence_from(teacher, student, gold).item() == pytest.approx(want, abs=1e-4)
    assert divergence_from(student, student, gold).item() == pytest.approx(0, abs=1e-6)


def test_teacher_reads_the_text_below_the_question_in_its_language() -> None:
    """What it finds is moved to where the text stands below the longer question."""
    across = replace(row("w10 w11 w12", "w30", "w20 w21", "w21"), twin="w13")
    (found,) = encode(across)
    assert found.twin == [0, 13, 2, 2, 30, 20, 21, 2]
    assert (found.text, found.twin_text) == (6, 4)
    assert encode(row("w10", "", "w20"))[0].twin == []

    class Teacher(torch.nn.Module):
        config = CONFIG

        def token_logits(self, ids: torch.Tensor) -> torch.Tensor:
            return ids.float()

    fit = object.__new__(fit_reader.Fit)
    fit.teacher = Teacher()
    inside = torch.tensor([found.inside])
    taught = fit._taught([found], inside)
    logits = torch.tensor([[float(i) for i in found.ids]])
    assert torch.allclose(taught, log_probabilities(logits, inside), atol=1e-4)


def words(first: int, count: int) -> str:
    return " ".join(f"w{n}" for n in range(first, first + count))


def row(question: str, title: str, text: str, *answers: str) -> ReadingRow:
    spans = tuple((text.index(a), text.index(a) + len(a)) for a in answers)
    return ReadingRow(question, title, text, spans, "set")


def encode(*rows: ReadingRow):
    return encoded(rows, tokenizer(), CONFIG)


def marked(ids, mask):
    return [n for n, there in zip(ids, mask, strict=True) if there]


@pytest.mark.parametrize("title", ["", "w30 w31"])
def test_masks_mark_the_text_and_its_answers(title: str) -> None:
    ((ids, inside, gold, *_),) = encode(row("w10 w11", title, "w20 w21 w22 w23", "w21 w22"))
    above = [30, 31] if title else []
    assert ids == [0, 10, 11, 2, 2, *above, 20, 21, 22, 23, 2]
    assert marked(ids, inside) == [20, 21, 22, 23]  # neither title nor question
    assert marked(ids, gold) == [21, 22]


def test_token_that_is_partly_in_an_answer_answers() -> None:
    question = ReadingRow("w10", "w30", "w20 w21", ((5, 6),), "set")
    ((ids, _, gold, *_),) = encode(question)
    assert marked(ids, gold) == [21]


def test_several_answers_are_all_marked_and_none_is_none() -> None:
    several, none = encode(row("w10", "", "w20 w21 w22", "w20", "w22"), row("w10", "w30", "w20"))
    assert marked(several[0], several[2]) == [20, 22]
    assert marked(none[0], none[1]) == [20] and not any(none[2])


def test_words_that_deny_what_is_taken_for_granted_are_marked() -> None:
    question = ReadingRow("w10", "w30", "w20 w21 w22", (), "premise", denied=((4, 7),))
    (found,) = encode(question)
    assert marked(found.ids, found.denied) == [21] and not any(found.gold)


def test_row_whose_answer_is_cut_off_is_left_out() -> None:
    long = " ".join(["w20"] * MAX_TOKENS)
    lost = ReadingRow("w10", "", f"{long} w21", ((len(long) + 1, len(long) + 4),), "set")
    kept = ReadingRow("w10", "", f"w21 {long}", ((0, 3), (len(long), len(long) + 3)), "set")
    unanswered = ReadingRow("w10", "", f"{long} w21", (), "set")
    found = encode(lost, kept, unanswered)
    assert len(found) == 2
    for ids, inside, gold, *_ in found:
        assert len(ids) == len(inside) == len(gold) == MAX_TOKENS and ids[-1] == 2
    assert marked(found[0][0], found[0][2]) == [21] and not any(found[1][2])


def test_long_question_is_cut() -> None:
    ((ids, inside, *_),) = encode(row(words(3, 30) + " " + words(3, 40), "", "w20", "w20"))
    assert ids.index(2) == 1 + MAX_QUESTION and marked(ids, inside) == [20]


def test_rows_are_those_that_the_reader_sees(tmp_path) -> None:
    checker, reader = write_small_checker(tmp_path)
    write_reader({"read.weight": torch.zeros(1, 8), "read.bias": torch.zeros(1)}, reader)
    network = PairNetwork([checker, reader], None, "reader")
    network._load_network = lambda: None  # only its tokenizer is needed
    for title, text in (("", words(20, 9)), ("w30", words(3, 60) * 9)):
        ((ids, inside, *_),) = encode(row("w10 w11", title, text))
        below = f"{title}\n{text}" if title else text
        (seen,), (spans,) = network.rows([(below, "w10 w11")])
        assert seen == ids
        lead = len(below) - len(text)
        assert sum(end > lead for _, end in spans) == sum(inside)


def test_reader_is_read_as_it_was_written(tmp_path) -> None:
    weights = {name: t for name, t in encoder_weights().items() if "layer.0" in name}
    weights["read.weight"], weights["read.bias"] = torch.randn(1, 8), torch.tensor([-5.0])
    write_reader({name: t.to(torch.float64) for name, t in weights.items()}, path := tmp_path / "r")
    found, config, packed = read_weights(path)
    assert found.keys() == weights.keys() and packed == b""
    assert config == {"max_tokens": MAX_TOKENS, "max_first": MAX_QUESTION}
    for name, tensor in weights.items():
        assert found[name].dtype == torch.float32
        largest = tensor.abs().max().item()
        exact = tensor.ndim == 1 or name == "read.weight"
        assert torch.allclose(found[name], tensor, rtol=0, atol=0 if exact else largest / 80)
    with safe_open(str(path), "pt") as file:
        assert json.loads(file.metadata()["format"]) == fit_reader.FORMAT
        matrix = "bert.encoder.layer.0.intermediate.dense.weight"
        assert file.get_tensor(matrix).dtype == torch.int8


@pytest.mark.parametrize("name", ["r.float", "r.safetensors"])
def test_fit_goes_on_from_a_float_file_or_from_a_reader_as_it_ships(tmp_path, name) -> None:
    weights = {"read.weight": torch.linspace(-1, 1, 8)[None], "read.bias": torch.tensor([0.5])}
    path = tmp_path / name
    if path.suffix == ".float":
        save_file(weights, str(path))
    else:
        write_reader(weights, path)
    found = start_weights(path)
    assert found.keys() == weights.keys()
    for key, weight in weights.items():
        assert torch.allclose(found[key], weight, atol=0.005)


def test_logits_of_a_written_reader_are_near_those_of_the_fit(tmp_path) -> None:
    weights = encoder_weights() | {"read.weight": torch.randn(1, 8), "read.bias": torch.zeros(1)}
    write_reader(weights, path := tmp_path / "reader.safetensors")
    ids = torch.tensor([[0, 10, 2, 2, 20, 21, 2]])
    before, after = (
        ReaderNetwork(each, CONFIG).eval().token_logits(ids) for each in (weights, read_weights(path)[0])
    )  # fmt: skip
    assert torch.allclose(before, after, atol=0.1)
