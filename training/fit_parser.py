"""Fit the parser: what a question asks for, and which of its phrases say of what.

    python -m training.fit_parser --shared ../shared --out index/parser.safetensors
    python -m training.fit_parser --measure index/parser.safetensors
    python -m training.fit_parser --apart p8      # without one writer, measured on that writer

Fitted on ``data/questions``, each file by another writer, in which phrases are marked: ``[[w:…]]``
the document that is meant, ``[[n:…]]`` its name, which the engine knows from its catalogue and puts
in quotation marks, ``[[1:…]]`` and ``[[2:…]]`` the two things compared, ``[[t:…]]`` what the
documents asked for are about; on ``data/question_kinds.jsonl``, in which nothing is marked; and on
the questions that the reader is fitted on (``training.reading``), which ask for facts, without
those that may compare things. Measured on the files of ``HELD``, by writers of their own, which
serve nothing else, and on held-out questions for facts. The loss is the sum of the cross-entropies
of intent, fields and slots. A fit takes some twenty minutes on two cores.
"""

from __future__ import annotations

import argparse
import json
import lzma
import random
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from tokenizers import Tokenizer
from torch import Tensor

from index.inference.cross_encoder import PARSER_WEIGHTS, WEIGHTS, CrossEncoder
from index.inference.cross_encoder_torch import ParserNetwork, padded, read_weights
from index.inference.parsed_question import (
    FIELDS,
    INTENTS,
    SLOTS,
    Field,
    Intent,
    ParsedQuestion,
    QuotedNames,
    Slot,
)
from service.answering.compared_sides import COMPARES, finds_both
from training import reading
from training.fit import rate_factor
from training.model import FORMAT, stored
from training.reading import Asked

DATA = Path(__file__).parent / "data"
HELD = tuple(
    Path(__file__).parents[1] / "tests" / "data" / f"{name}.jsonl"
    for name in ("parsed_questions", "parsed_requests", "parsed_names", "question_kinds")
)
LAYERS, FROZEN = 8, 4  # of the encoder, and the lowest of them, which are the checker's
MAX_TOKENS = 128
BATCH = 32  # questions a step
KINDS_A_PASS, FACTS_A_PASS = 800, 2000  # questions of which only the intent is known
MARKS = ('""', "“”", "「」")
SLOTS_COUNT, FIELDS_COUNT = 2.0, 1.0  # of these losses, beside that of the intent
HEADS = {"intent": len(INTENTS), "field": len(FIELDS), "slot": 1 + len(SLOTS)}
OF_KIND: dict[str, Intent] = {
    "comparison": "comparison",
    "summary": "summary",
    "documents": "documents",
    "greeting": "guide",
    "help": "guide",
    "other": "elsewhere",
}
"""The intents of kinds in ``question_kinds.jsonl``. Others are a field, ``date`` for ``published``,
or a kind of fact, such as ``person``."""
_MAY_COMPARE = re.compile(
    r"\b(?:or|than|vs|versus|which of|between|differ\w*|compar\w+)\b"
    r"|どちら|どっち|違|差|比べ|より|それぞれ",
    re.IGNORECASE,
)
_MARK = re.compile(r"\[\[([nw12t]):(.*?)\]\]")
_SLOT: dict[str, Slot] = {"n": "work", **dict(zip("w12t", SLOTS, strict=True))}
QUOTED = 0.15  # of the rows with marks, in which their phrases are put in quotation marks


class Span(NamedTuple):
    """The characters ``question[start:end]`` of a slot, and whether they are a known name."""

    slot: Slot
    start: int
    end: int
    known: bool = False


@dataclass(frozen=True)
class Row:
    """A question with its intent, slots and fields.

    The spans are None where nobody has marked them, the fields where the intent has none.
    """

    text: str
    intent: Intent
    spans: tuple[Span, ...] | None
    fields: tuple[Field, ...] | None = None


def marked(text: str) -> tuple[str, tuple[Span, ...]]:
    """Take the marks out of a question; return it with what they marked."""
    plain, at, spans = "", 0, []
    for mark in _MARK.finditer(text):
        plain += text[at : mark.start()]
        spans.append(Span(_SLOT[mark[1]], len(plain), len(plain) + len(mark[2]), mark[1] == "n"))
        plain, at = plain + mark[2], mark.end()
    return plain + text[at:], tuple(spans)


def read_rows(path: Path) -> list[Row]:
    """Read questions with their intents, marked ones or those of ``question_kinds.jsonl``."""
    rows = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return [_of_kind(row) if "question" in row else _marked_row(row) for row in rows]


def _marked_row(given: dict[str, Any]) -> Row:
    text, spans = marked(given["text"])
    fields = tuple(given["fields"]) if "fields" in given else None
    return Row(text, given["kind"], spans, fields)


def _of_kind(given: dict[str, Any]) -> Row:
    kind = {"date": "published"}.get(given["kind"], given["kind"])
    if kind in FIELDS:
        return Row(given["question"], "metadata", None, (kind,))
    return Row(given["question"], OF_KIND.get(kind, "fact"), None)


def fitted_rows(paths: Sequence[Path]) -> list[Row]:
    """Read the questions to fit on: those that stand in no held-out file, such as "hello"."""
    held = {_letters(row.text) for path in HELD for row in read_rows(path)}
    rows = (row for path in paths for row in read_rows(path))
    return [row for row in rows if _letters(row.text) not in held]


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text.casefold()))


def read_facts(shared: Path) -> list[Row]:
    """Read the questions that the reader is fitted on, without those that may compare things."""
    _, fitted, _ = reading.collect(shared)
    asked = dict.fromkeys(each.question for each in fitted)
    return [Row(text, "fact", None) for text in asked if not _MAY_COMPARE.search(text)]


def varied(text: str, rng: random.Random) -> str:
    """Write a question as others might: in lower case, without its mark, with a capital."""
    drawn = rng.random()
    if drawn < 0.15 and len(text.lower()) == len(text):
        return text.lower()
    if 0.15 <= drawn < 0.25:
        return text.rstrip("?？。.")
    return text[0].upper() + text[1:] if 0.25 <= drawn < 0.3 else text


def with_quotation_marks(row: Row, rng: random.Random) -> Row:
    """Put the known names of a question in quotation marks, and sometimes its other phrases."""
    if row.spans is None:
        return row
    every = rng.random() < QUOTED
    names = [(span.start, span.end) for span in row.spans if span.known or every]
    marks = rng.choice(MARKS) if every else MARKS[0]
    made = QuotedNames.of(row.text, names, marks)
    spans = []
    for span in row.spans:
        start, end = made.moved((span.start, span.end))
        spans.append(span._replace(start=start, end=end))
    return replace(row, text=made.text, spans=tuple(spans))


def encoded(row: Row, tokenizer: Tokenizer, config: dict) -> tuple[list[int], list[int]]:
    """Tokenise a question: its token ids as the network reads them, and the slot of each.

    The slots are numbered from 1; 0 is none, -1 what is not known.
    """
    found = tokenizer.encode(row.text, add_special_tokens=False)
    ids, places = found.ids[: MAX_TOKENS - 4], found.offsets[: MAX_TOKENS - 4]
    slots = [-1] * len(ids)
    if row.spans is not None:
        for n, (a, b) in enumerate(places):
            inside = [s for s in row.spans if a < s.end and s.start < b]
            slots[n] = 1 + SLOTS.index(inside[0].slot) if inside else 0
    bos, eos = config["bos"], config["eos"]
    return [bos, eos, eos, *ids, eos], [-1, -1, -1, *slots, -1]


class Fit:
    """One fit of the parser, on a CPU."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.args = args
        torch.manual_seed(args.seed)
        weights, config, packed = read_weights(WEIGHTS)
        kept = {
            name: weight
            for name, weight in weights.items()
            if name.startswith("bert.") and _layer(name) < args.layers
        }
        width = kept["bert.embeddings.LayerNorm.bias"].numel()
        for head, count in HEADS.items():
            kept[f"{head}.weight"] = torch.zeros(count, width)
            kept[f"{head}.bias"] = torch.zeros(count)
        self.config = {**config, "layers": args.layers, "max_tokens": MAX_TOKENS}
        self.tokenizer = Tokenizer.from_str(lzma.decompress(packed).decode())
        self.network = ParserNetwork(kept, self.config)
        self.network.dropout = args.dropout
        self.trained = [n for n in kept if not n.startswith("bert.") or _layer(n) >= FROZEN]
        for name, attribute in self.network.names.items():
            getattr(self.network, attribute).requires_grad_(name in self.trained)
        self.optimiser = self._optimiser()

    def _optimiser(self) -> torch.optim.Optimizer:
        groups = []
        for heads, rate in ((False, self.args.lr), (True, 5 * self.args.lr)):
            names = [n for n in self.trained if heads != n.startswith("bert.")]
            weights = [getattr(self.network, self.network.names[n]) for n in names]
            groups.append({"params": weights, "lr": 0.0, "top": rate})
        return torch.optim.AdamW(groups, betas=(0.9, 0.98), weight_decay=0.01)

    def batches(self, rows: Sequence[Row], rng: random.Random) -> Iterator[list[Row]]:
        """Yield the batches of one pass over rows, each of similar length."""
        some = [with_quotation_marks(replace(row, text=varied(row.text, rng)), rng) for row in rows]
        some.sort(key=lambda row: len(row.text.encode()) + rng.random() * 16)
        groups = [some[at : at + BATCH] for at in range(0, len(some), BATCH)]
        rng.shuffle(groups)
        yield from groups

    def run(self, rows: Sequence[Row], kinds: Sequence[Row], facts: Sequence[Row]) -> None:
        """Fit all passes."""
        rng = random.Random(self.args.seed)
        a_pass = len(rows) + KINDS_A_PASS + FACTS_A_PASS
        steps = self.args.epochs * -(-a_pass // BATCH)
        self.network.train()
        step = 0
        for epoch in range(self.args.epochs):
            total = 0.0
            drawn = [*rng.sample(kinds, KINDS_A_PASS), *rng.sample(facts, FACTS_A_PASS)]
            for group in self.batches([*rows, *drawn], rng):
                total += self._step(group, rate_factor(step / steps, 0.05, 0.03))
                step += 1
            print(f"pass {epoch + 1}: loss {total * self.args.epochs / steps:.3f}", flush=True)

    def _step(self, group: Sequence[Row], factor: float) -> float:
        for part in self.optimiser.param_groups:
            part["lr"] = part["top"] * factor
        made = [encoded(row, self.tokenizer, self.config) for row in group]
        ids = padded([row for row, _ in made], self.config["pad"], 8)
        wanted = torch.full(ids.shape, -1)
        for n, (_, slots) in enumerate(made):
            wanted[n, : len(slots)] = torch.tensor(slots)
        intents = torch.tensor([INTENTS.index(row.intent) for row in group])
        said, asked, filled = self.network.heads(ids)
        loss: Tensor = F.cross_entropy(said, intents)
        if known := [n for n, row in enumerate(group) if row.fields is not None]:
            fields = [[float(each in (group[n].fields or ())) for each in FIELDS] for n in known]
            each_loss = F.binary_cross_entropy_with_logits(
                asked[known], torch.tensor(fields), reduction="sum"
            )
            loss = loss + FIELDS_COUNT * each_loss / len(group)
        if (wanted >= 0).any():
            slots_loss = F.cross_entropy(filled.flatten(0, 1), wanted.flatten(), ignore_index=-1)
            loss = loss + SLOTS_COUNT * slots_loss
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimiser.step()
        return loss.item()

    def save(self, path: Path) -> None:
        """Write the weights that are the parser's own, matrices as int8 rows."""
        found = self.network.tensors()
        own = {name: found[name].contiguous() for name in self.trained}
        config = {"layers": self.args.layers, "max_tokens": MAX_TOKENS}
        about = {"format": str(FORMAT), "config": json.dumps(config)}
        save_file(stored(own), str(path), metadata=about)


def _layer(name: str) -> int:
    """Return the number of a weight's layer, -1 if it is in none."""
    return int(name.split("layer.")[1].split(".")[0]) if "layer." in name else -1


# How good it is


def parsed(rows: Sequence[Row], checker: CrossEncoder) -> list[ParsedQuestion]:
    """Parse questions as the engine does, which knows names from its catalogue."""
    made = []
    for row in rows:
        names = [(span.start, span.end) for span in row.spans or () if span.known]
        made.append(QuotedNames.of(row.text, names))
    found = checker.parse([each.text for each in made])
    return [one.unquoted(other) for one, other in zip(made, found, strict=True)]


def table(rows: Sequence[Row], found: Sequence[ParsedQuestion]) -> str:
    """Describe how many intents, fields and slots of questions are right."""
    intents: Counter[tuple[str, str]] = Counter()
    exact: Counter[str] = Counter()
    close: Counter[str] = Counter()
    wanted: Counter[str] = Counter()
    wrong = 0
    fields: list[bool] = []
    for row, said in zip(rows, found, strict=True):
        intents[row.intent, said.intent] += 1
        if row.fields is not None:
            fields.append(set(row.fields) == set(said.fields))
        for slot in SLOTS if row.spans is not None else ():
            right = next((s for s in row.spans or () if s.slot == slot), None)
            got = said.slot(slot)
            if right is None:
                wrong += got is not None and _asks(slot, said.intent)
                continue
            wanted[slot] += 1
            both, either = _overlap((right.start, right.end), got)
            exact[slot] += both == either
            close[slot] += both >= 0.8 * either
    right_intents = sum(n for (one, other), n in intents.items() if one == other)
    lines = [
        f"intents: {right_intents} of {len(rows)} right; fields: {sum(fields)} of {len(fields)}\n"
    ]
    lines.append("| intent | " + " | ".join(f"taken for {i}" for i in INTENTS) + " |")
    lines.append("|---" * (len(INTENTS) + 1) + "|")
    for i in INTENTS:
        lines.append(f"| {i} | " + " | ".join(str(intents[i, j]) for j in INTENTS) + " |")
    lines += ["", "| slot | n | exact | four fifths shared |", "|---|---|---|---|"]
    for slot in SLOTS:
        if n := wanted[slot]:
            lines.append(f"| {slot} | {n} | {exact[slot] / n:.3f} | {close[slot] / n:.3f} |")
    lines.append(f"\nslots that are used and that nobody marked: {wrong}")
    return "\n".join(lines)


def misread(held: Sequence[Asked], checker: CrossEncoder) -> str:
    """Describe how many questions for facts are taken for something else, of each set."""
    sets: dict[str, list[str]] = {}
    for each in held:
        sets.setdefault(each.source, []).append(each.question)
    lines = ["| questions for facts | n | taken apart | taken for anything else |"]
    lines.append("|---|---|---|---|")
    for name, asked in sets.items():
        found = checker.parse(sorted(set(asked)))
        apart = sum(p.probability("comparison") >= COMPARES and finds_both(p) for p in found)
        others = sum(p.intent not in ("fact", "comparison") for p in found)
        lines.append(f"| {name} | {len(found)} | {apart} | {others} |")
    return "\n".join(lines)


def _asks(slot: str, intent: str) -> bool:
    """Return whether a slot is used with an intent."""
    used: dict[str, tuple[str, ...]] = {
        "comparison": ("first", "second"),
        "summary": ("work",),
        "metadata": ("work", "topic"),
        "documents": ("topic",),
    }
    return slot in used.get(intent, ())


def _overlap(one: tuple[int, int], other: tuple[int, int] | None) -> tuple[int, int]:
    """Return how many characters two spans share, and how many they have from end to end."""
    if other is None:
        return 0, 1
    both = min(one[1], other[1]) - max(one[0], other[0])
    return max(0, both), max(one[1], other[1]) - min(one[0], other[0])


def main() -> None:
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--shared", type=Path, default=Path("../shared"))
    ap.add_argument("--out", type=Path, default=PARSER_WEIGHTS)
    ap.add_argument("--measure", type=Path, metavar="FILE", help="measure only")
    ap.add_argument("--apart", default="", metavar="NAME", help="leave out this writer's file")
    ap.add_argument("--epochs", type=int, default=8)
    ap.add_argument("--layers", type=int, default=LAYERS)
    ap.add_argument("--lr", type=float, default=3e-4)
    ap.add_argument("--dropout", type=float, default=0.1)
    ap.add_argument("--seed", type=int, default=1)
    args = ap.parse_args()
    held = [DATA / "questions" / f"{args.apart}.jsonl"] if args.apart else HELD
    out = args.measure or (args.out.with_suffix(".apart") if args.apart else args.out)
    if not args.measure:
        files = [p for p in sorted((DATA / "questions").glob("*.jsonl")) if p not in held]
        fit = Fit(args)
        rows, kinds = fitted_rows(files), fitted_rows([DATA / "question_kinds.jsonl"])
        fit.run(rows, kinds, read_facts(args.shared))
        fit.save(out)
    checker = CrossEncoder(parser=out)
    for path in held:
        rows = read_rows(path)
        print(f"\n{path.stem}: {table(rows, parsed(rows, checker))}")
    print(f"\n{misread(reading.collect(args.shared)[2], checker)}")


if __name__ == "__main__":
    main()
