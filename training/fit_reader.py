"""Fit the reader: the checker's encoder with a head that finds the tokens that answer.

    python -m training.fit_reader --shared ../shared --out reader.safetensors --minutes 60

The loss of a row is the negative log-likelihood of its answer among all tokens of the text and "no
answer", whose logit is 0: p = sum(exp(z_t) over the tokens that answer) / (1 + sum(exp(z_t))). So
the log of the sum over any part of a text is the log-odds that this part answers, against no
answer: of a passage, of a sentence, of a word.

With a teacher, an earlier reader, a second term is added: the Kullback-Leibler divergence from what
the teacher says of the same text when it is asked in the text's language, where that is known,
times the probability that the teacher gives to the right answer. So the fit keeps what the teacher
knows within a language, and learns to say the same when it is asked in the other.

A second head finds the tokens that deny what a question takes for granted ("Why did the mill
close?", "The mill never closed."), with the same loss. It is in the ``.float`` file only.
"""

from __future__ import annotations

import argparse
import json
import lzma
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from torch import Tensor

from index.inference.cross_encoder import WEIGHTS
from index.inference.cross_encoder_torch import ReaderNetwork, padded, read_weights
from index.inference.embedder import SentenceTransformerEmbedder
from index.inference.model_registry import BUNDLED_EMBEDDER
from index.lexical.tokenizer import is_japanese
from training import reading
from training.fit import (
    AVERAGED_FROM,
    SAVED_EVERY,
    WIDTH_STEP,
    add_to_mean,
    rate_factor,
)
from training.model import FORMAT, stored
from training.near import similar_passages
from training.reading import Asked, ReadingRow
from training.sources import Passage

MAX_QUESTION, MAX_TOKENS = 64, 384
WARM_UP = 0.05  # share of the fit in which the learning rate rises
DENIALS = 0.5  # what the loss of the second head counts
BIAS = -5.0  # of an untrained head: one token in about 150, as many as a passage has


class Encoded(NamedTuple):
    """Token ids of a row, which of them are of the text, and which of these answer or deny.

    ``text`` is where the text begins; ``twin`` are the ids of the row when it is asked in the
    text's language, empty where that is not known, and ``twin_text`` is where its text begins.
    """

    ids: list[int]
    inside: list[bool]
    gold: list[bool]
    denied: list[bool]
    text: int
    twin: list[int]
    twin_text: int


def encoded(rows: Sequence[ReadingRow], tokenizer: Tokenizer, config: dict) -> list[Encoded]:
    """Tokenise rows; a row whose whole answer was cut off is left out."""
    asked = tokenizer.encode_batch([r.question for r in rows], add_special_tokens=False)
    twins = tokenizer.encode_batch([r.twin for r in rows], add_special_tokens=False)
    titles = [r.title + "\n" if r.title else "" for r in rows]
    texts = tokenizer.encode_batch(
        [t + r.text for t, r in zip(titles, rows, strict=True)], add_special_tokens=False
    )
    found = []

    def joined(first: list[int], second: list[int]) -> list[int]:
        room = MAX_TOKENS - 4 - len(first)
        return [config["bos"], *first, config["eos"], config["eos"], *second[:room], config["eos"]]

    for row, title, question, twin, text in zip(rows, titles, asked, twins, texts, strict=True):
        first, same = question.ids[:MAX_QUESTION], twin.ids[:MAX_QUESTION]
        ids, lead = joined(first, text.ids), len(first) + 3
        room = MAX_TOKENS - 4 - len(first)
        inside, gold, denied = ([False] * len(ids) for _ in range(3))
        for n, (a, b) in enumerate(text.offsets[:room]):
            a, b = a - len(title), b - len(title)
            inside[lead + n] = b > 0
            gold[lead + n] = any(a < y and x < b for x, y in row.spans)
            denied[lead + n] = any(a < y and x < b for x, y in row.denied)
        if (row.spans and not any(gold)) or (row.denied and not any(denied)):
            continue  # it was cut off
        asked_so = joined(same, text.ids) if row.twin else []
        found.append(Encoded(ids, inside, gold, denied, lead, asked_so, len(same) + 3))
    return found


def loss_of(logits: Tensor, inside: Tensor, gold: Tensor) -> Tensor:
    """Return the mean negative log-likelihood of rows; see the module's docstring."""
    logs = log_probabilities(logits, inside)
    return -right_of(logs, gold).mean()


def log_probabilities(logits: Tensor, inside: Tensor) -> Tensor:
    """Return the log-probabilities [n, 1 + length] of "no answer" and of each token of the text."""
    z = logits.float().masked_fill(~inside, -1e4)
    return torch.log_softmax(torch.cat([torch.zeros(len(z), 1), z], 1), 1)


def right_of(logs: Tensor, gold: Tensor) -> Tensor:
    """Return the log-probability [n] of the right answer, which is "no answer" without ``gold``."""
    right = torch.cat([~gold.any(1, keepdim=True), gold], 1)
    return torch.logsumexp(logs.masked_fill(~right, -1e4), 1)


def divergence_from(taught: Tensor, logs: Tensor, gold: Tensor) -> Tensor:
    """Return the mean divergence of log-probabilities [n, 1 + length] from the teacher's.

    A row counts as much as the teacher believes in its right answer.
    """
    each = (taught.exp() * (taught - logs)).sum(1)
    return (right_of(taught, gold).exp() * each).mean()


def grouped(rows: Sequence[Encoded], budget: int, rng: random.Random) -> list[list[Encoded]]:
    """Divide rows into batches of similar length, in random order.

    Args:
        rows: The rows.
        budget: The most tokens of a batch, padding included; a longer row is a batch by itself.
        rng: Draws the order.
    """
    groups: list[list[Encoded]] = [[]]
    for row in sorted(rows, key=lambda row: len(row.ids) + rng.random() * 8):
        if groups[-1] and (len(groups[-1]) + 1) * len(row.ids) > budget:
            groups.append([])
        groups[-1].append(row)
    rng.shuffle(groups)
    return groups


class FittedReader(ReaderNetwork):
    """The reader with its second head."""

    def both_logits(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        """Compute logits [n, length] of token ids: that they answer, and that they deny."""
        vectors = self._drop(self.token_vectors(ids))
        answers, denies = (self._linear(vectors, head).squeeze(-1) for head in ("read", "deny"))
        return answers, denies


class Fit:
    """One fit of the reader: the network, the optimizer and the schedule, on a CPU in bfloat16."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.args = args
        torch.manual_seed(args.seed)
        weights, config, packed = read_weights(WEIGHTS)
        shared = dict(weights)
        if args.start:
            weights |= start_weights(args.start)
        else:
            weights["read.weight"] = weights["ans.weight"] * 0.5
            weights["read.bias"] = torch.full((1,), BIAS)
        if "deny.weight" not in weights:
            weights["deny.weight"] = torch.zeros_like(weights["read.weight"])
            weights["deny.bias"] = torch.full((1,), BIAS)
        weights = without_heads(weights)
        self.tokenizer = Tokenizer.from_str(lzma.decompress(packed).decode())
        config = {**config, "max_tokens": MAX_TOKENS}
        self.network = FittedReader(weights, config)
        self.network.compute = torch.bfloat16
        self.teacher: ReaderNetwork | None = None
        if args.teacher:
            known = without_heads(shared) | start_weights(args.teacher)
            copied = {name: weight.clone() for name, weight in known.items()}
            self.teacher = ReaderNetwork(copied, config)
            self.teacher.compute = torch.bfloat16
        self.network.dropout = args.dropout
        self.trained: list[str] = []  # names of the weights that are fitted
        self.mean: dict[str, Tensor] = {}  # their mean, once it has begun, and of so many steps
        self.averaged = 0
        self.similar: dict[tuple[str, str], list[str]] = {}  # see ``reading.rows``
        self.optimiser = self._optimiser()

    def _optimiser(self) -> torch.optim.Optimizer:
        """Freeze the embeddings and the lowest layers, and return an optimizer of the rest."""
        heads, layers = [], []
        for name, attribute in self.network.names.items():
            weight = getattr(self.network, attribute)
            layer = int(name.split("layer.")[1].split(".")[0]) if "layer." in name else -1
            if name.startswith(("read", "deny")):
                heads.append(weight)
            elif layer >= self.args.frozen_layers:
                layers.append(weight)
            else:
                weight.requires_grad_(False)
                continue
            self.trained.append(name)
        rates = ((layers, self.args.lr), (heads, self.args.lr * 5))
        groups = [{"params": params, "lr": 0, "top": rate} for params, rate in rates]
        return torch.optim.AdamW(groups, betas=(0.9, 0.98), weight_decay=0.01)

    def batches(self, rng: random.Random) -> Iterator[list[Encoded]]:
        """Yield batches of rows, pass after pass, without end."""
        while True:  # passages that were written meanwhile are read with the next pass
            passages, fitted, _ = reading.collect(self.args.shared)
            self.similar = self.similar or self._find_similar(passages, fitted)
            rows = [
                row
                for row in reading.rows(passages, fitted, rng, self.similar)
                if rng.random() < self._share(row)
            ]
            print(f"{len(rows)} rows a pass", flush=True)
            rng.shuffle(rows)
            for at in range(0, len(rows), 2000):
                ready = encoded(rows[at : at + 2000], self.tokenizer, self.network.config)
                yield from grouped(ready, self.args.budget, rng)

    def _find_similar(
        self, passages: Mapping[str, Passage], questions: Sequence[Asked]
    ) -> dict[tuple[str, str], list[str]]:
        """Find similar passages for questions on passages that were not written for fitting.

        Many of the others do not name their subject, so that another passage may answer them.
        """
        written = {q.home for q in questions if q.written}
        kept = {key: passage for key, passage in passages.items() if key not in written}
        asked = [q for q in questions if q.sentences and q.home in kept]
        embedder = SentenceTransformerEmbedder(BUNDLED_EMBEDDER, self.args.models)
        return similar_passages(asked, kept, embedder)

    def _share(self, row: ReadingRow) -> float:
        """Return the chance that a row is read in a pass."""
        if row.premise:
            return 1.0
        if row.document:
            return float(self.args.documents)
        share = self.args.ours if row.written else self.args.sets
        across = is_japanese(row.question) != is_japanese(row.text)
        return float(share if across else share * self.args.within)

    def run(self) -> None:
        """Fit for the minutes given; save the weights now and then, and at the end."""
        args, rng = self.args, random.Random(self.args.seed)
        self.network.train()
        began = saved = time.monotonic()
        running, seen = 0.0, 0
        for step, group in enumerate(self.batches(rng)):
            progress = (time.monotonic() - began) / 60 / args.minutes
            if progress >= 1:
                break
            loss = self._step(group, rate_factor(progress, WARM_UP, args.end))
            if progress >= AVERAGED_FROM:
                add_to_mean(self.mean, self.network.tensors(), self.trained, self.averaged)
                self.averaged += 1
            seen += len(group)
            running = 0.98 * running + 0.02 * loss if step else loss
            if step % 50 == 0:
                print(
                    f"{step} {progress:.3f} loss {running:.3f} rows {seen} "
                    f"{seen / (time.monotonic() - began) * 60:.0f} a minute",
                    flush=True,
                )
            if time.monotonic() - saved > SAVED_EVERY:
                saved = time.monotonic()
                self.save()
        self.save()

    def _step(self, group: Sequence[Encoded], factor: float) -> float:
        """Fit one batch with a share of the highest learning rate, and return its loss."""
        for part in self.optimiser.param_groups:
            part["lr"] = part["top"] * factor
        ids = padded([row.ids for row in group], self.network.config["pad"], WIDTH_STEP)
        inside, gold, denied = torch.zeros(3, *ids.shape, dtype=torch.bool)
        for n, row in enumerate(group):
            inside[n, : len(row.inside)] = torch.tensor(row.inside)
            gold[n, : len(row.gold)] = torch.tensor(row.gold)
            denied[n, : len(row.denied)] = torch.tensor(row.denied)
        logits, denials = self.network.both_logits(ids)
        loss = loss_of(logits, inside, gold) + DENIALS * loss_of(denials, inside, denied)
        taught = [n for n, row in enumerate(group) if row.twin] if self.teacher else []
        if taught:
            known = self._taught([group[n] for n in taught], inside[taught])
            logs = log_probabilities(logits[taught], inside[taught])
            share = len(taught) / len(group)
            loss = loss + share * divergence_from(known, logs, gold[taught])
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimiser.step()
        return loss.item()

    def _taught(self, group: Sequence[Encoded], inside: Tensor) -> Tensor:
        """Return the teacher's log-probabilities [n, 1 + length], in the places of the rows."""
        assert self.teacher is not None
        ids = padded([row.twin for row in group], self.teacher.config["pad"], WIDTH_STEP)
        with torch.inference_mode():
            logits = self.teacher.eval().token_logits(ids).float()
        moved = torch.full(inside.shape, -1e4)
        for n, row in enumerate(group):
            size = min(len(row.ids) - row.text, len(row.twin) - row.twin_text) - 1
            moved[n, row.text : row.text + size] = logits[n, row.twin_text : row.twin_text + size]
        return log_probabilities(moved, inside)

    def save(self) -> None:
        """Write the mean of the weights: as they are, to go on from, and as they ship."""
        found = self.network.tensors() | self.mean
        trained = {name: found[name].contiguous() for name in self.trained}
        save_file(trained, str(self.args.out.with_suffix(".float")))
        shipped = {name: each for name, each in trained.items() if not name.startswith("deny")}
        write_reader(shipped, self.args.out)


def without_heads(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Leave out the checker's heads."""
    return {name: each for name, each in weights.items() if not name.startswith(("nli.", "ans."))}


def start_weights(path: Path) -> dict[str, Tensor]:
    """Read weights to go on from: a .float file of an earlier fit, or a reader as it ships."""
    if path.suffix == ".float":
        return {name: weight.float() for name, weight in load_file(str(path)).items()}
    return read_weights(path)[0]


def write_reader(trained: dict[str, Tensor], path: Path) -> None:
    """Write the weights that are the reader's own, matrices as int8 rows."""
    config = {"max_tokens": MAX_TOKENS, "max_first": MAX_QUESTION}
    about = {"format": str(FORMAT), "config": json.dumps(config)}
    save_file(stored(trained), str(path), metadata=about)


def main() -> None:
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--shared", type=Path, default=Path("../shared"))
    ap.add_argument("--models", type=Path, default=Path("data/models"), help="of the embedder")
    ap.add_argument("--start", type=Path, help="the .float file or reader to go on from")
    ap.add_argument("--teacher", type=Path, help="the .float file or reader to stay close to")
    ap.add_argument("--out", type=Path, required=True)
    ap.add_argument("--minutes", type=float, default=60)
    ap.add_argument("--lr", type=float, default=1.5e-4)
    ap.add_argument("--end", type=float, default=0.03, help="the last rate's share of the highest")
    ap.add_argument("--dropout", type=float, default=0.05)
    ap.add_argument("--frozen-layers", type=int, default=4, help="so many of the lowest")
    ap.add_argument("--budget", type=int, default=2048, help="tokens a step, padding included")
    ap.add_argument("--ours", type=float, default=1.0, help="share of the rows on written passages")
    ap.add_argument("--documents", type=float, default=1.0, help="share of the rows on documents")
    ap.add_argument("--sets", type=float, default=1.0, help="share of the rows on other passages")
    ap.add_argument(
        "--within", type=float, default=1.0, help="share of these in which both are in one language"
    )
    ap.add_argument("--seed", type=int, default=1)
    Fit(ap.parse_args()).run()


if __name__ == "__main__":
    main()
