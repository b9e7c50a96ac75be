"""Speed and accuracy of the embedder and the checker by OpenVINO, compared with torch in float32.

    python tests/benchmarks/speed.py [--models data/models] [--shared ../shared] [--rounds 5]
        [--only passages queries ingestion checker accuracy differences starts]

Prints the tables of docs/performance.md. Models are unpacked and converted if necessary; nothing
else should run at the same time. Both sides take turns, and figures are medians. "Torch" is plain
sentence-transformers, `encode(texts, batch_size=32, normalize_embeddings=True)`, on all cores.
"Accuracy" is how often the passage that answers is first among JSQuAD's and XQuAD's, by the vectors
alone; --reference FOLDER stores torch's vectors for the next run.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from retrieval import questions, read
from sentence_transformers import SentenceTransformer
from tokenizers import Tokenizer

from corpus.store.store import Store
from corpus.text.chunking import with_headings
from corpus.web.fetcher import Fetcher
from index.inference.cross_encoder import READER_WEIGHTS, WEIGHTS, CrossEncoder
from index.inference.cross_encoder_torch import Network, ReaderNetwork, read_weights, run
from index.inference.embedder import SentenceTransformerEmbedder
from index.inference.model_registry import BUNDLED_EMBEDDER, model_folder
from index.inference.parsed_question import ParsedQuestion
from index.inference.reading import Reading
from index.ingestion.ingest import Ingestion
from index.ingestion.report import IngestProgress
from index.ingestion.sync import sync
from index.types import Floats

ROOT = Path(__file__).parents[2]
DIGESTS = ROOT / "corpus" / "library" / "digests"
STARTS = {
    "first query": "embedder.embed_query('Who?')",
    "first claim": "checker.supports([('The sky is blue.', 'Blue?')])",
    "both": "embedder.embed_query('Who?'), checker.supports([('The sky is blue.', 'Blue?')])",
}
START = """import sys; from pathlib import Path
from index.inference.cross_encoder import CrossEncoder
from index.inference.embedder import SentenceTransformerEmbedder
models = Path(sys.argv[1])
embedder, checker = SentenceTransformerEmbedder(sys.argv[2], models), CrossEncoder(cache=models)
"""


class InTorch:
    """The embedder and the checker in torch, in float32."""

    def __init__(self, models: Path) -> None:
        where = model_folder(BUNDLED_EMBEDDER, models)
        self.model = SentenceTransformer(where, device="cpu", model_kwargs={"dtype": torch.float32})
        weights, config, _ = read_weights(WEIGHTS)
        own, settings, _ = read_weights(READER_WEIGHTS)
        self.network, self.checker = Network(weights, config), CrossEncoder(cache=models)
        self.reader = ReaderNetwork(weights | own, config | settings)

    def embed_passages(self, texts: Sequence[str]) -> Floats:
        return self._encode(texts, "passage")

    def embed_query(self, text: str) -> Floats:
        return self._encode([text], "query")[0]

    def embed_queries(self, texts: Sequence[str]) -> Floats:
        return self._encode(texts, "query")

    def _encode(self, texts: Sequence[str], role: str) -> Floats:
        return self.model.encode(
            list(texts), prompt_name=role, batch_size=32, normalize_embeddings=True
        )

    def supports(self, pairs: Sequence[tuple[str, str]]) -> Floats:
        rows, _ = self.checker._support.rows(pairs)
        return run(self.network, rows, 2048)[0].softmax(-1).numpy()

    def answers(self, pairs: Sequence[tuple[str, str]]) -> Floats:
        rows, _ = self.checker._support.rows(pairs)
        return run(self.network, rows, 2048)[1].numpy()

    def read(self, pairs: Sequence[tuple[str, str]]) -> list[Reading]:
        rows, spans = self.checker._reader.rows(pairs)
        (logits,) = run(self.reader, rows, 2048)
        return [
            Reading(there, logits[n, len(row) - 1 - len(there) : len(row) - 1].numpy())
            for n, (row, there) in enumerate(zip(rows, spans, strict=True))
        ]

    def parse(self, questions: Sequence[str]) -> list[ParsedQuestion]:
        return self.checker.parse(questions)

    def reads_whole(self, claim: str) -> bool:
        return self.checker.reads_whole(claim)


class Texts:
    """Pieces of the library's two articles, cut to a number of the embedder's tokens."""

    def __init__(self, models: Path) -> None:
        tokenizer = Tokenizer.from_file(f"{model_folder(BUNDLED_EMBEDDER, models)}/tokenizer.json")
        self.whole = {
            name: (DIGESTS / f"article-{name}.md").read_text(encoding="utf-8")
            for name in ("en", "ja")
        }
        self.ends = {
            name: [end for _, end in tokenizer.encode(text, add_special_tokens=False).offsets]
            for name, text in self.whole.items()
        }

    def pieces(self, tokens: int, count: int, language: str) -> list[str]:
        """Cut ``count`` pieces at even distances out of the articles."""
        ends, text = self.ends[language], self.whole[language]
        starts = np.linspace(0, len(ends) - tokens - 1, count).astype(int)
        return [text[ends[i] : ends[i + tokens]] for i in starts]

    def mixed(self, tokens: int, count: int) -> list[str]:
        half = count // 2
        return self.pieces(tokens, count - half, "en") + self.pieces(tokens, half, "ja")


def in_turn(calls: Sequence[Callable[[str], object]], over: Sequence[str]) -> list[list[float]]:
    """Return the seconds of each call for each item, without two warm-up calls.

    Each item differs from the ones before, and each round begins with another call.
    """
    taken: list[list[float]] = [[] for _ in calls]
    for turn, each in enumerate(over):
        for k in np.roll(range(len(calls)), turn):
            start = time.perf_counter()
            calls[k](each)
            taken[k].append(time.perf_counter() - start)
    return [seconds[2:] for seconds in taken]


class Table:
    """Rows of two sides, with the ratio of the second: median, least and most."""

    def __init__(self) -> None:
        print("| | torch | OpenVINO | times faster |\n|---|---|---|---|")

    def add(
        self, what: str, calls: Sequence[Callable], over: Sequence[str], count: int = 0
    ) -> None:
        """Add a row; with ``count``, in items a second, else in milliseconds."""
        slow, fast = in_turn(calls, over)
        ratios = sorted(a / b for a, b in zip(slow, fast, strict=True))
        middle = [statistics.median(seconds) for seconds in (slow, fast)]
        told = [f"{count / m:.0f}/s" if count else f"{1e3 * m:.1f} ms" for m in middle]
        spread = f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"
        print(f"| {what} | {told[0]} | {told[1]} | {spread} |", flush=True)


def passages(table: Table, torch_: InTorch, embedder, texts: Texts, turns: str) -> None:
    for tokens in (57, 157):
        pieces = texts.mixed(tokens, 64)
        calls = [lambda _, s=s, p=pieces: s.embed_passages(p) for s in (torch_, embedder)]
        table.add(f"64 passages of {tokens + 3} tokens", calls, turns, 64)


def queries(table: Table, torch_: InTorch, embedder, texts: Texts) -> None:
    asked = [text for n in (14, 18, 22) for text in texts.mixed(n, 10)]
    calls = [torch_.embed_query, embedder.embed_query]
    table.add("one query of 18 to 26 tokens", calls, asked)
    calls = [lambda i, side=s: side.embed_queries(asked[i : i + 8]) for s in (torch_, embedder)]
    table.add("8 such queries at once", calls, range(0, len(asked) - 8, 2))


def ingestion(table: Table, torch_: InTorch, embedder, documents: Path, turns: str) -> None:
    """Measure reading, storing, embedding and indexing, beside embedding the same texts alone."""
    with tempfile.TemporaryDirectory() as made:

        def ingest(turn: str) -> None:
            folder = Path(made, turn)
            store = Store(f"sqlite:///{folder / 'tenkyo.db'}")
            with Ingestion(store) as reading:
                asyncio.run(reading.places([str(documents)], Fetcher()))
            sync(store, embedder, folder / "index", IngestProgress())

        ingest("first")
        store = Store(f"sqlite:///{made}/first/tenkyo.db")
        rows = store.passages(store.rows()).values()
        texts = [with_headings(passage.text, passage, source) for passage, source in rows]
        calls = [lambda _: torch_.embed_passages(texts), ingest]
        table.add(f"{len(texts)} passages ingested", calls, turns, len(texts))


def checking(table: Table, torch_: InTorch, checker, texts: Texts) -> None:
    claims = [text for n in (14, 18, 22) for text in texts.mixed(n, 6)]
    sides = (torch_, checker)
    for count in (1, 4, 8):
        windows = texts.mixed(60, count)
        calls = [lambda c, s=s, w=windows: s.supports([(e, c) for e in w]) for s in sides]
        table.add(f"a claim against {count} × 60 tokens", calls, claims)
    longer = texts.mixed(165, 10)
    calls = [lambda c, s=s: s.read([(p, c) for p in longer]) for s in sides]
    table.add("a question against 10 passages, 190 tokens in all", calls, claims[:7])


def accuracy(torch_: InTorch, embedder, qa: Path, kept: Path | None) -> None:
    print("\n| the right passage first | questions | torch | OpenVINO |\n|---|---|---|---|")
    for name, folder in (("JSQuAD", "jsquad_ja"), ("XQuAD", "xquad_en")):
        corpus = read(qa / folder / "corpus.jsonl")
        asked = questions(qa / folder, 500 if name == "JSQuAD" else 632)
        place = {row["id"]: i for i, row in enumerate(corpus)}
        wanted = np.array([place[answer] for _, answer in asked])
        told = []
        for side, where in ((torch_, kept), (embedder, None)):
            file = where / f"{name}.npz" if where else None
            if file and file.exists():
                known = np.load(file)
                vectors, ask = known["passages"], known["questions"]
            else:
                vectors = side.embed_passages([row["text"] for row in corpus])
                ask = side.embed_queries([question for question, _ in asked])
                if file:
                    np.savez(file, passages=vectors, questions=ask)
            scores = ask @ vectors.T
            least = scores[np.arange(len(wanted)), wanted][:, None]
            told.append(((scores >= least).sum(1) == 1).mean())
        print(f"| {name} | {len(asked)} | {told[0]:.2%} | {told[1]:.2%} |", flush=True)


def differences(embedder, checker, torch_: InTorch, texts: Texts) -> dict[str, str]:
    found = {}
    for language, name in (("en", "English"), ("ja", "Japanese")):
        pieces = [text for n in (5, 20, 60, 160) for text in texts.pieces(n, 16, language)]
        cosine = (embedder.embed_passages(pieces) * torch_.embed_passages(pieces)).sum(1)
        found[f"least cosine, {name}"] = f"{cosine.min():.5f}"
    short, long = texts.mixed(20, 128), texts.mixed(60, 128)
    pairs = [*zip(long, short, strict=True), *zip(long, reversed(short), strict=True)]
    off = np.abs(checker.supports(pairs) - torch_.supports(pairs)).max()
    found["largest difference of a probability"] = f"{off:.4f}"
    read = zip(checker.read(pairs), torch_.read(pairs), strict=True)
    off = max(abs(ours.answers() - theirs.answers()) for ours, theirs in read)
    found["largest difference of a log-odds"] = f"{off:.3f}"
    return found


def start(models: Path, code: str) -> float:
    """Return the seconds of a process that runs some code; the least of three."""
    taken = []
    for _ in range(3):
        begin = time.perf_counter()
        command = [sys.executable, "-c", START + code, str(models), BUNDLED_EMBEDDER]
        subprocess.run(command, check=True, cwd=ROOT)
        taken.append(time.perf_counter() - begin)
    return min(taken)


PARTS = ("passages", "queries", "ingestion", "checker", "accuracy", "differences", "starts")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", type=Path, default=ROOT / "data" / "models")
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--reference", type=Path)
    given = parser.parse_args()
    models, turns = given.models.resolve(), "abcdefghijklmnop"[: given.rounds + 2]
    embedder, checker = (
        SentenceTransformerEmbedder(BUNDLED_EMBEDDER, models),
        CrossEncoder(cache=models),
    )
    texts, torch_ = Texts(models), InTorch(models)
    if {"passages", "queries", "ingestion", "checker"} & set(given.only):
        table = Table()
    if "passages" in given.only:
        passages(table, torch_, embedder, texts, turns)
    if "queries" in given.only:
        queries(table, torch_, embedder, texts)
    if "ingestion" in given.only:
        ingestion(table, torch_, embedder, DIGESTS, turns)
    if "checker" in given.only:
        checking(table, torch_, checker, texts)
    if "accuracy" in given.only:
        accuracy(torch_, embedder, given.shared / "data" / "qa", given.reference)
    if "differences" in given.only:
        print("\n| against torch in float32 | |\n|---|---|")
        for what, figure in differences(embedder, checker, torch_, texts).items():
            print(f"| {what} | {figure} |")
    if "starts" in given.only:
        print("\n| a process that starts, for its | |\n|---|---|")
        for what, code in STARTS.items():
            print(f"| {what} | {start(models, code):.1f} s |")


if __name__ == "__main__":
    main()
