"""BM25 search alone, over ten thousand to a million passages.

    python tests/benchmarks/words.py [../shared/data/qa] [--passages N,N…] [--keep FOLDER]

Passages are two or three real sentences of JSQuAD, XQuAD and CLAPNQ, in which rarer words are
replaced by others of a vocabulary that grows with the number of passages (Heaps' law): so common
words stay common, and rare ones stay rare. Half of them are Japanese, in a separate segment, as in
the index. Queries are real questions in both languages, and their common words alone.

For each size, prints the time of one search for the best hundred in both segments, beside reading
all postings of its words, with impacts computed beforehand, into an array of all passages; how many
of the exact hundred are found; the time of building, merging and opening; and the resident memory
after the questions, mapped files included, in a process that does nothing else. ``--keep`` keeps
the files and reuses them.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from corpus.text.sentences import sentence_spans
from index.lexical.bm25 import Scorer, highest
from index.lexical.postings import LexicalQuery, Postings, Statistics
from index.lexical.postings_builder import term_hash
from index.lexical.tokenizer import is_japanese, tokens

POOL = 100
BATCH = 32_768
QUESTIONS = 300
SHELVES = ("ja", "en")
# What may be exchanged: runs of kanji, of katakana, longer Latin words, and numbers.
_WORD = re.compile(r"[\u4e00-\u9fff]{2,}|[\u30a1-\u30fa\u30fc]{3,}|[A-Za-z]{4,}|\d+")
_SYLLABLES = [a + b for a in "bdfgklmnprtvz" for b in ("a", "e", "i", "o", "u", "an", "or")]


class Sentences:
    """Real sentences as templates, and passages made from them."""

    def __init__(self, texts: Sequence[str], separator: str) -> None:
        words = Counter(word for text in texts for word in set(_WORD.findall(text)))
        self.real = [word for word, _ in words.most_common()]
        kanji = sorted({c for word in words for c in word if "\u4e00" <= c <= "\u9fff"})
        random.Random(1).shuffle(kanji)
        self.digits = _SYLLABLES if separator else kanji
        self.separator = separator
        self.templates = []
        for text in texts:
            for start, end in sentence_spans(text):
                sentence = text[start:end].replace("%", "%%")
                slots: list[tuple[str, float]] = []

                def slot(found: re.Match, slots: list = slots) -> str:
                    share = words[found[0]] / len(texts)
                    chance = 0.9 if share < 0.003 else 0.6 if share < 0.02 else 0.0
                    if not chance:
                        return found[0]
                    slots.append((found[0], chance))
                    return "%s"

                self.templates.append((_WORD.sub(slot, sentence), slots))

    def passages(self, number: int, seed: int) -> Iterator[list[str]]:
        """Yield batches of passages of two or three sentences."""
        rng = np.random.default_rng(seed)
        for at in range(0, number, BATCH):
            yield [self._passage(rng) for _ in range(min(BATCH, number - at))]

    def _passage(self, rng: np.random.Generator) -> str:
        chosen = [
            self.templates[i] for i in rng.integers(len(self.templates), size=rng.integers(2, 4))
        ]
        draws = iter(rng.random((sum(len(slots) for _, slots in chosen), 2)).tolist())
        parts = []
        for template, slots in chosen:
            filled = []
            for word, chance in slots:
                first, second = next(draws)
                filled.append(self._word(second) if first < chance else word)
            parts.append(template % tuple(filled))
        return self.separator.join(parts)

    def _word(self, draw: float) -> str:
        """Return a word by its rank; ranks follow Zipf and Mandelbrot, with no last one."""
        rank = int(3000 * ((1 - draw) ** -1.5 - 1))
        if rank < len(self.real):
            return self.real[rank]
        made, base = "", len(self.digits)
        rank += base  # at least two of them
        while rank:
            rank, digit = divmod(rank, base)
            made += self.digits[digit]
        return made


def load(folder: Path) -> tuple[dict[str, Sentences], list[str]]:
    """Load sentences by language, and questions in both."""
    texts, questions = [], []
    for name in ("jsquad_ja", "xquad_en"):
        lines = (folder / name / "corpus.jsonl").read_text(encoding="utf-8").splitlines()
        texts += [json.loads(line)["text"].split(" [SEP] ")[-1] for line in lines]
        lines = (folder / name / "queries.jsonl").read_text(encoding="utf-8").splitlines()
        asked = [json.loads(line)["question"] for line in lines]
        questions += random.Random(2).sample(asked, QUESTIONS // 2)
    for line in (folder / "clapnq_en.jsonl").read_text(encoding="utf-8").splitlines():
        texts.append(json.loads(line)["passage"])
    return {
        "ja": Sentences([text for text in texts if is_japanese(text)], ""),
        "en": Sentences([text for text in texts if not is_japanese(text)], " "),
    }, questions


def build(sentences: dict[str, Sentences], number: int, folder: Path) -> dict:
    """Build the postings of each segment in ``folder``; return the seconds."""
    made = {"tokens": 0, "tokens_s": 0.0, "build_s": 0.0, "merge_s": 0.0, "bytes": 0, "terms": 0}
    for seed, shelf in enumerate(SHELVES):
        parts = []
        for texts in sentences[shelf].passages(number // 2, seed):
            if not parts:
                started = time.perf_counter()
                for text in texts[:5000]:
                    tokens(text)
                made["tokens_s"] += time.perf_counter() - started
                made["tokens"] += min(5000, len(texts))
            started = time.perf_counter()
            parts.append((Postings.of(texts), None))
            made["build_s"] += time.perf_counter() - started
        started = time.perf_counter()
        postings = Postings.merged(parts)
        made["merge_s"] += time.perf_counter() - started
        made["terms"] += len(postings.hashes)
        (folder / shelf).mkdir(parents=True, exist_ok=True)
        for name, array in postings.arrays().items():
            np.save(folder / shelf / f"{name}.npy", array)
            made["bytes"] += array.nbytes
    return made


def mapped(folder: Path) -> Postings:
    return Postings.from_arrays(
        {path.stem: np.load(path, mmap_mode="r") for path in folder.glob("*.npy")}
    )


def resident() -> float:
    """Return the resident memory of this process in MB, mapped files included."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024


def ask(folder: Path, questions: Sequence[str]) -> dict:
    """Measure searches in mapped postings; return times and what they find."""
    before, started = resident(), time.perf_counter()
    shelves = [mapped(folder / shelf) for shelf in SHELVES]
    opened = time.perf_counter() - started
    statistics = Statistics.of([(shelf, None) for shelf in shelves])
    common = [" ".join(common_words(question, statistics)) for question in questions]
    row: dict = {"open_ms": opened * 1e3}
    for kind, texts in (("questions", questions), ("common words", common)):
        times = []
        for text in [*texts[:20], *texts]:
            started = time.perf_counter()
            query = LexicalQuery.of(text, statistics)
            for shelf in shelves:
                Scorer(shelf, query).top(POOL)
            times.append((time.perf_counter() - started) * 1e3)
        row[kind] = quantiles(times[20:])
        if kind == "questions":
            row["resident_mb"] = resident() - before
    found = wanted = 0
    reading = []
    for text in [*random.Random(3).sample(list(questions), 30), *common[:10]]:
        query = LexicalQuery.of(text, statistics)
        whole = [whole_lists(shelf, query) for shelf in shelves]
        started = time.perf_counter()
        scores = [read(shelf, lists) for shelf, lists in zip(shelves, whole, strict=True)]
        reading.append((time.perf_counter() - started) * 1e3)
        for shelf, (positions, _) in zip(shelves, scores, strict=True):
            found += len(np.intersect1d(Scorer(shelf, query).top(POOL)[0], positions))
            wanted += len(positions)
    return row | {"reading": quantiles(reading), "recall": found / max(wanted, 1)}


def whole_lists(postings: Postings, query: LexicalQuery) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return (positions, impacts) of each word of a query."""
    lists = []
    for i, key in enumerate(query.hashes):
        term = min(int(np.searchsorted(postings.hashes, key)), len(postings.hashes) - 1)
        if postings.hashes[term] != key:
            continue
        if term in postings.common:
            row = postings.table[np.searchsorted(postings.common, term)]
            positions = np.flatnonzero(row).astype(np.int32)
        else:
            positions = postings.docs[postings.starts[term] : postings.starts[term + 1]]
        one = slice(i, i + 1)
        word = LexicalQuery(query.hashes[one], query.counts[one], query.idf[one], query.mean)
        lists.append((positions, Scorer(postings, word).scores(positions)))
    return lists


def read(postings: Postings, lists: list[tuple[np.ndarray, np.ndarray]]) -> tuple:
    total = np.zeros(len(postings), np.float32)
    for positions, scores in lists:
        total[positions] += scores
    return highest(np.arange(len(total)), total, POOL)


def common_words(question: str, statistics: Statistics) -> list[str]:
    """Return the words of a question that are in one of twelve documents, or the two commonest."""
    words = list(dict.fromkeys(tokens(question)))
    frequency = statistics.frequency(np.array([term_hash(word) for word in words], np.uint64))
    found = sorted(zip(frequency.tolist(), words, strict=True), reverse=True)
    often = [word for often, word in found if often * 12 >= statistics.documents]
    return often or [word for _, word in found[:2]]


def quantiles(times: Sequence[float]) -> dict[str, float]:
    p50, p99 = np.percentile(times, [50, 99])
    return {"p50_ms": float(p50), "p99_ms": float(p99)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", nargs="?", default="../shared/data/qa", type=Path)
    parser.add_argument("--passages", default="10000,100000,1000000")
    parser.add_argument("--keep", type=Path, help="where to leave the files, or find them")
    parser.add_argument("--ask", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    sentences, questions = load(asked.data)
    if asked.ask:  # a process of its own: memory is counted from nothing
        print(json.dumps(ask(asked.ask, questions)))
        return
    with tempfile.TemporaryDirectory() as scratch:
        for number in map(int, asked.passages.split(",")):
            folder = (asked.keep or Path(scratch)) / str(number)
            if not folder.exists():
                print(built(number, build(sentences, number, folder)), flush=True)
            command = [sys.executable, __file__, str(asked.data), "--ask", str(folder)]
            out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            print(searched(number, json.loads(out)), flush=True)


def built(number: int, made: dict) -> str:
    return (
        f"{number:>9,} passages: built in {made['build_s']:.1f} s ({number / made['build_s']:,.0f}"
        f" a second; tokens alone {made['tokens'] / made['tokens_s']:,.0f}), merged in"
        f" {made['merge_s']:.1f} s; {made['terms']:,} terms, {made['bytes'] / 1e6:,.0f} MB"
    )


def searched(number: int, row: dict) -> str:
    times = "; ".join(
        f"{kind} {row[kind]['p50_ms']:.1f} ms (p99 {row[kind]['p99_ms']:.1f})"
        for kind in ("questions", "common words", "reading")
    )
    return (
        f"{number:>9,} passages: {times}; recall {row['recall']:.4f};"
        f" resident {row['resident_mb']:,.0f} MB, opened in {row['open_ms']:.1f} ms"
    )


if __name__ == "__main__":
    main()
