"""Measure readers on held-out questions: whether a passage answers, and where.

    python -m training.evaluate_reader --shared ../shared [reader.safetensors …]

For each set: the AUC of the log-odds that a passage answers, of passages that do against others
(the same without the sentences that answer, or those of questions that somebody wrote to be nearly
answered); how often the best sentence is one that answers; and where strings that answer are known,
the F1 by characters of the tokens around the best one.
"""

from __future__ import annotations

import argparse
import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from corpus.text.sentences import sentence_spans
from index.inference.cross_encoder import READER_WEIGHTS, CrossEncoder
from training import reading
from training.evaluate import auc
from training.reading import Asked
from training.sources import Passage

BATCH = 16


def sets(shared: Path, most: int) -> tuple[Mapping[str, Passage], dict[str, list[Asked]]]:
    """Return the passages, and at most so many held-out questions of each set."""
    passages, _, held = reading.collect(shared)
    ours, asked_ours = reading.written_questions("held")
    whole, asked_whole = reading.document_questions("held")
    found: dict[str, list[Asked]] = defaultdict(list)
    near = [asked for name in reading.NEAR for asked in reading.near_questions(passages, name)]
    for asked in (*held, *asked_ours, *asked_whole, *near):
        found[asked.source].append(asked)
    rng = random.Random(7)
    chosen = {name: rng.sample(rows, min(most, len(rows))) for name, rows in found.items()}
    return {**passages, **ours, **whole}, chosen


def f1(span: tuple[int, int], gold: Sequence[tuple[int, int]]) -> float:
    """Return the F1 by characters of a span and that one of the right spans which it fits best."""
    overlaps = [max(0, min(span[1], b) - max(span[0], a)) for a, b in gold]
    lengths = [span[1] - span[0] + b - a for a, b in gold]
    return max(2 * both / total for both, total in zip(overlaps, lengths, strict=True))


def measure(
    checker: CrossEncoder, passages: Mapping[str, Passage], asked: Sequence[Asked]
) -> tuple[float, float, float]:
    """Return AUC, share of right best sentences, and F1; NaN for what a set does not tell."""
    pairs, marks = [], []
    for each in asked:
        home = passages[each.home]
        title = home.title + "\n" if home.title else ""
        pairs.append((title + home.text, each.question))
        marks.append((each, len(title), True))
        bare = reading.without_sentences(home.text, each.sentences)
        if each.sentences and bare and not any(a in bare for a in each.answers):
            pairs.append((title + bare, each.question))
            marks.append((each, len(title), False))
    readings = [
        read for at in range(0, len(pairs), BATCH) for read in checker.read(pairs[at : at + BATCH])
    ]
    odds, good, first, overlap = [], [], [], []
    for (each, lead, whole), read in zip(marks, readings, strict=True):
        odds.append(read.answers(lead))
        good.append(bool(whole and each.sentences))
        if not good[-1]:
            continue
        spans = sentence_spans(passages[each.home].text)
        best = max(spans, key=lambda span: read.answers(span[0] + lead, span[1] + lead))
        first.append(any(a < best[1] and best[0] < b for a, b in each.exact or each.sentences))
        if each.exact:
            start, end = read.best_words(lead)
            overlap.append(f1((start - lead, end - lead), each.exact))
    mean = [float(np.mean(each)) if each else float("nan") for each in (first, overlap)]
    return auc(np.array(odds), np.array(good)), mean[0], mean[1]


def main() -> None:
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("readers", nargs="*", type=Path, default=[READER_WEIGHTS])
    ap.add_argument("--shared", type=Path, default=Path("../shared"))
    ap.add_argument("--most", type=int, default=200, help="questions of one set")
    ap.add_argument("--only", default="", help="sets whose name begins so")
    args = ap.parse_args()
    passages, chosen = sets(args.shared, args.most)
    print("| AUC, first, F1 | n | " + " | ".join(path.stem for path in args.readers) + " |")
    print("|---|---|" + "---|" * len(args.readers))
    for name in sorted(chosen):
        if name.startswith(args.only):
            cells = [
                " ".join(f"{x:.3f}" for x in measure(CrossEncoder(reader=path), passages, rows))
                for path in args.readers
                if (rows := chosen[name])
            ]
            print(f"| {name} | {len(chosen[name])} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
