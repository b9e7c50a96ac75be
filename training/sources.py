"""Readers of the data sets in `../shared/data`, divided into rows for fitting and held-out rows.

Rows are held out by document, article or connected group of sentences, never one by one: two rows
that share a sentence are on the same side.
"""

from __future__ import annotations

import hashlib
import json
import lzma
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

ENTAILMENT, NEUTRAL, CONTRADICTION, NOT_SUPPORTED = 0, 1, 2, 3
LABELS = {
    "entailment": ENTAILMENT,
    "neutral": NEUTRAL,
    "contradiction": CONTRADICTION,
    "supported": ENTAILMENT,
    "not_supported": NOT_SUPPORTED,
    "SUPPORTS": ENTAILMENT,
    "REFUTES": CONTRADICTION,
}
PAIRS_HELD = 0.15  # share of the passages of hand-written pairs that no fit sees
EVAL_TITLES = (
    "Super_Bowl_50", "Warsaw", "Normans", "Nikola_Tesla", "Victoria_(Australia)", "Huguenot",
    "Steam_engine", "Amazon_rainforest", "Black_Death",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """A labelled pair of texts.

    Attributes:
        head: ``nli`` or ``ans``.
        first: The claim or question.
        second: The evidence.
        label: The label.
        source: The name of the set.
        held: Whether no fit may see it.
        group: Joins the windows of one claim.
        grade: The readers' mean grade, 0 to 1, which counts in place of the label.
        same: Rows that say the same in other languages have the same one; empty if none do.
        wrong: The characters of the claim that are unsupported, (0, 0) for none; None if unknown.
    """

    head: str
    first: str
    second: str
    label: int
    source: str
    held: bool = False
    group: int = -1
    grade: float | None = None
    same: str = ""
    wrong: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Passage:
    """A passage to make examples from; `article` groups passages, below `heading` each."""

    text: str
    article: str
    held: bool
    heading: str = ""

    @property
    def title(self) -> str:
        """The article's title as it is printed, with the heading that the passage has in it."""
        return " › ".join(filter(None, (self.article.replace("_", " "), self.heading)))


def read(path: Path) -> list[dict]:
    """Read the lines of a JSON Lines file, which may be compressed by xz."""
    opener = lzma.open if path.suffix == ".xz" else open
    with opener(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def held(key: str, share: float) -> bool:
    """Choose a share of all keys, always the same."""
    return int(hashlib.sha1(key.encode()).hexdigest()[:8], 16) % 1000 < share * 1000


class Groups:
    """Connected groups of sentences (union-find): rows that share a sentence are in one group."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self.parent: dict[str, str] = {}
        for a, b in pairs:
            self.parent[self.find(a)] = self.find(b)

    def find(self, text: str) -> str:
        self.parent.setdefault(text, text)
        while self.parent[text] != text:
            self.parent[text] = self.parent[self.parent[text]]
            text = self.parent[text]
        return text


def _nli(shared: Path, name: str) -> list[dict]:
    return read(shared / f"data/verify/nli/{name}.jsonl.xz")


def plain_sets(shared: Path) -> list[Row]:
    """Read the sets of verify/nli that need only a division of their own."""
    shares = {
        "fever_nli_dev": 0.08, "fm2_gold": 0.1, "fm2_long": 0.1, "mnli_dev": 0.03,
        "jaquad_claims": 0.05, "citint_dev": 1.0, "condaqa_claims": 1.0,
        "jsem": 0.05, "jsnli_dev": 0.05,
    }  # fmt: skip
    grouped = {"jsick_ja", "jsick_xling", "sick_en", "pawsx_en", "pawsx_ja", "pawsx_xling"}
    symmetric = {row["claim"] for row, out in _symmetric(shared) if out}
    rows = []
    for path in sorted((shared / "data/verify/nli").glob("*.xz")):
        name = path.name.split(".")[0]
        if name in grouped:
            continue
        for row in read(path):
            key = row["hypothesis"] if name.startswith(("fm2", "fever")) else row["premise"]
            out = held("fm2" + key, 0.1) if name.startswith("fm2") else False
            out = out or held(key, shares.get(name, 0.0))
            if name == "fever_nli_dev" and row["hypothesis"] in symmetric:
                continue
            rows.append(_row(row["hypothesis"], row["premise"], row["label"], name, out))
    return rows


def _row(claim: str, evidence: str, label: str, source: str, out: bool) -> Row:
    return Row("nli", claim, evidence, LABELS[label], source, out)


def _symmetric(shared: Path) -> list[tuple[dict, bool]]:
    """Read FeverSymmetric; the generated variants of a claim (id + 000000n) stay with it."""
    rows = read(shared / "data/verify/fever_symmetric_en.jsonl")
    stem = [r["id"][:-7] if r["id"][-7:-1] == "000000" else r["id"] for r in rows]
    return [(row, held("sym" + key, 0.3)) for row, key in zip(rows, stem, strict=True)]


def symmetric(shared: Path) -> list[Row]:
    return [
        _row(row["claim"], row["evidence"], row["label"], "symmetric", out)
        for row, out in _symmetric(shared)
    ]


def paws(shared: Path) -> list[Row]:
    """Read PAWS-X in English, Japanese and across; the four versions of an item stay together."""
    names = ("pawsx_en", "pawsx_ja", "pawsx_xling")
    found = [(row, name) for name in names for row in _nli(shared, name)]
    groups = Groups((row["premise"], row["hypothesis"]) for row, _ in found)
    return [
        _row(r["hypothesis"], r["premise"], r["label"], name, held(groups.find(r["premise"]), 0.15))
        for r, name in found
    ]


def jsick(shared: Path) -> list[Row]:
    """Read JSICK, SICK and the cross-lingual pairs.

    SICK reuses sentences so much that all would be one group: rows are held out by premise, and
    cross-lingual rows with a held-out sentence are dropped.
    """
    rows = [
        _row(r["hypothesis"], r["premise"], r["label"], "jsick_ja", held(r["premise"], 0.12))
        for r in _nli(shared, "jsick_ja")
    ]
    seen = {text for row in rows if row.held for text in (row.first, row.second)}
    for name in ("jsick_xling", "sick_en"):
        for r in _nli(shared, name):
            if r["premise"] not in seen and r["hypothesis"] not in seen:
                rows.append(_row(r["hypothesis"], r["premise"], r["label"], name, False))
    return rows


def jnli(shared: Path) -> list[Row]:
    found = read(shared / "data/verify/jnli_ja.jsonl")
    groups = Groups((row["premise"], row["hypothesis"]) for row in found)
    return [
        _row(
            r["hypothesis"], r["premise"], r["label"], "jnli", held(groups.find(r["premise"]), 0.25)
        )
        for r in found
    ]


def wice(shared: Path) -> list[dict]:
    """Read WiCE's claims; `held` is by the cited page."""
    rows = read(shared / "data/verify/wice_en.jsonl")
    for row in rows:
        row["held"] = held("wice" + " ".join(row["evidence"][:8]), 0.4)
    return rows


def held_wice(shared: Path) -> list[Row]:
    """Read the held-out claims of WiCE, each on the whole page that it cites."""
    return [
        Row("nli", r["claim"], " ".join(r["evidence"]), int(r["label"] != "supported"), "", True)
        for r in wice(shared)
        if r["held"]
    ]


def wice_windows(evidence: list[str], size: int = 6, step: int = 3) -> list[str]:
    last = max(1, len(evidence) - size + step)
    return [" ".join(evidence[at : at + size]) for at in range(0, last, step)]


def xquad(shared: Path) -> tuple[dict[str, Passage], list[dict]]:
    folder = shared / "data/qa/xquad_en"
    passages = {
        row["id"]: Passage(row["text"], row["title"], row["title"] in EVAL_TITLES)
        for row in read(folder / "corpus.jsonl")
    }
    return passages, read(folder / "queries.jsonl")


def jsquad(shared: Path) -> tuple[dict[str, Passage], list[dict]]:
    folder = shared / "data/qa/jsquad_ja"
    passages = {
        row["id"]: Passage(
            row["text"].split("[SEP] ")[-1], row["title"], held("jsquad" + row["title"], 0.15)
        )
        for row in read(folder / "corpus.jsonl")
    }
    return passages, read(folder / "queries.jsonl")


def clapnq(shared: Path) -> list[dict]:
    """Read CLAPNQ's questions, each with its passage; `held` is by the passage's article."""
    rows = read(shared / "data/qa/clapnq_en.jsonl")
    for row in rows:
        row["held"] = held("clapnq" + row["title"], 0.35)
    return rows


def clapnq_passages(shared: Path) -> dict[str, Passage]:
    """Read the passages of CLAPNQ by the ids of their questions."""
    return {row["id"]: Passage(row["passage"], row["title"], row["held"]) for row in clapnq(shared)}


def prose(shared: Path) -> list[Passage]:
    """Read passages for generated examples that belong to no question set: posts and model cards.

    The article is left out, since it is part of the library.
    """
    found = []
    for path in sorted((shared / "corpus").rglob("*.*")):
        if path.stem.startswith("article"):
            continue
        text = path.read_text(encoding="utf-8").split("\n---", 1)[-1]
        parts = [" ".join(part.split()) for part in text.split("\n\n")]
        good = [p for p in parts if len(p) > 150 and "](" not in p and p[0] not in "`<|#!-"]
        found += [Passage(p, path.stem, False) for p in good]
    return found


def text_id(text: str) -> str:
    """Return the id by which hand-written pairs refer to a passage without an id of its own."""
    return hashlib.sha1(text.encode()).hexdigest()[:12]


def passages_by_text_id(shared: Path) -> dict[str, Passage]:
    """Read the passages without an id of their own, by ``text_id``: posts, model cards and FM2."""
    posts = {text_id(passage.text): passage for passage in prose(shared)}
    long = {
        text_id(row.second): Passage(row.second, "", row.held)
        for row in plain_sets(shared)
        if row.source == "fm2_long"
    }
    return posts | long


def handwritten(name: str) -> list[dict]:
    """Read a file of ``data``; empty if there is none of this name."""
    path = Path(__file__).parent / "data" / f"{name}.jsonl"
    return read(path) if path.exists() else []


def translated_questions(name: str, language: str) -> dict[str, str]:
    """Read the questions of a set in another language, by the ids of the originals."""
    return {row["id"]: row[language] for row in handwritten(name)}
