"""Rows as arrays of token ids: what a fit reads, on this machine or another, and what it refuses.

A pack is a folder with the token ids of each distinct text, a table with a record a row, and the
names of the sets; the arrays are compressed by xz.
"""

from __future__ import annotations

import json
import lzma
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from training import spoil
from training.passages import LANGUAGE_PAIRS, OTHER_LANGUAGE
from training.sources import Row

ENCODED = 20000  # texts that are tokenized at a time
LONGEST = 400  # tokens kept of a text, more than any network here reads
FOREIGN = 0.3  # share of characters of other scripts from which a text is in a third language
CHINESE = 12  # Chinese characters from which a text without kana is no Japanese one
PAIR_NAMES = tuple(f"{first}→{second}" for first, second in LANGUAGE_PAIRS)
LENGTHS = (48, 96, 192, 320)  # tokens up to which rows are counted together
THOUSAND = 1000  # a grade of 1 in the table
TABLE = np.dtype(
    [
        ("first", "i4"), ("second", "i4"),  # numbers of the texts
        ("question", "?"), ("label", "i1"),
        ("source", "i2"), ("held", "?"),
        ("group", "i4"),  # windows of one claim share it; -1: none
        ("grade", "i2"),  # in thousandths; -1: nobody graded it
        ("same", "i4"),  # rows that say the same in other languages share it; -1: none
        ("wrong", "i2", 2),  # tokens of the claim that are unsupported; -1: not known
        ("pair", "i1"),  # number of the language pair in PAIR_NAMES
    ]
)  # fmt: skip


def fault(row: Row) -> str | None:
    """Return why a row is of no use for fitting; None if it is sound."""
    if not row.first.strip() or not row.second.strip():
        return "empty"
    if row.first.split() == row.second.split():
        return "evidence is the claim"
    if any(map(_is_foreign, (row.first, row.second))):
        return "third language"
    return None


def _is_foreign(text: str) -> bool:
    if len(OTHER_LANGUAGE.findall(text)) > FOREIGN * len(text):
        return True
    chinese = len(re.findall(r"[一-龥]", text))
    return chinese > max(CHINESE, len(text) / 2) and not re.search(r"[ぁ-んァ-ヶ]", text)


def sound(rows: Iterable[Row]) -> tuple[list[Row], Counter[str]]:
    """Return the sound rows, and how many others there were by reason.

    Of held-out rows only the empty ones are dropped, so that sets stay comparable.
    """
    kept, dropped = [], Counter[str]()
    for row in rows:
        reason = fault(row)
        if reason is None or (row.held and reason != "empty"):
            kept.append(row)
        else:
            dropped[reason] += 1
    return kept, dropped


def pack(rows: Sequence[Row], tokenizer: Tokenizer, folder: Path) -> None:
    """Write rows to a folder."""
    texts = list(dict.fromkeys(text for row in rows for text in (row.first, row.second)))
    place = {text: i for i, text in enumerate(texts)}
    ids = [
        np.array(each.ids[:LONGEST], np.uint16)
        for at in range(0, len(texts), ENCODED)
        for each in tokenizer.encode_batch(texts[at : at + ENCODED], add_special_tokens=False)
    ]
    names = sorted({row.source for row in rows})
    number = {name: n for n, name in enumerate(names)}
    keys = {key: n for n, key in enumerate(dict.fromkeys(row.same for row in rows if row.same))}
    japanese = [spoil.is_japanese(text) for text in texts]
    table = np.zeros(len(rows), TABLE)
    for n, row in enumerate(rows):
        first, second = place[row.first], place[row.second]
        table[n] = (
            first, second, row.head == "ans", row.label, number[row.source], row.held, row.group,
            -1 if row.grade is None else round(row.grade * THOUSAND), keys.get(row.same, -1),
            _wrong_tokens(row, tokenizer),
            2 * japanese[first] + japanese[second],
        )  # fmt: skip
    lengths = np.array([len(i) for i in ids], np.uint16)
    folder.mkdir(parents=True, exist_ok=True)
    arrays = {"tokens": np.concatenate(ids), "lengths": lengths, "rows": table}
    for name, array in arrays.items():
        with lzma.open(folder / f"{name}.npy.xz", "wb", preset=1) as file:
            np.save(file, array)
    (folder / "sources.json").write_text(json.dumps(names))


def _wrong_tokens(row: Row, tokenizer: Tokenizer) -> tuple[int, int]:
    """Return the first token with some of the unsupported characters, and that after the last."""
    if row.wrong is None or row.wrong == (0, 0):
        return (-1, -1) if row.wrong is None else (0, 0)
    start, end = row.wrong
    offsets = tokenizer.encode(row.first, add_special_tokens=False).offsets
    inside = [n for n, (a, b) in enumerate(offsets) if a < end and start < b]
    return inside[0], inside[-1] + 1


def unpack(folder: Path) -> tuple[list[np.ndarray], np.ndarray, list[str]]:
    """Read a pack: token ids by text, the table of rows, and the names of the sets."""
    found = {}
    for name in ("tokens", "lengths", "rows"):
        with lzma.open(folder / f"{name}.npy.xz") as file:
            found[name] = np.load(file)
    ends = np.cumsum(found["lengths"].astype(np.int64))
    texts = np.split(found["tokens"], ends[:-1])
    return texts, found["rows"], json.loads((folder / "sources.json").read_text())


def sizes_of(texts: Sequence[np.ndarray], table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the tokens of each row's claim or question, and those of the row as a network has it.

    Texts are cut after LONGEST tokens.
    """
    lengths = np.array([len(text) for text in texts])
    first = lengths[table["first"]]
    return first, first + lengths[table["second"]] + 4


def count_report(
    table: np.ndarray, sizes: np.ndarray, names: Sequence[str], often: np.ndarray | None = None
) -> str:
    """Return a Markdown table of how many rows there are by set, and of which kind.

    Args:
        table: The rows.
        sizes: The tokens of each.
        names: The names of the sets.
        often: How often each row is used; once by default.
    """
    often = np.ones(len(table)) if often is None else often
    bucket = np.searchsorted(LENGTHS, sizes)
    heads = ["claims", "questions", *PAIR_NAMES, *(f"≤ {n}" for n in LENGTHS), "longer", "graded"]
    lines = ["| set | rows | " + " | ".join(heads) + " |", "|---" * (len(heads) + 2) + "|"]

    def line(name: str, chosen: np.ndarray) -> str:
        parts = [~table["question"], table["question"]]
        parts += [table["pair"] == n for n in range(len(PAIR_NAMES))]
        parts += [bucket == n for n in range(len(LENGTHS) + 1)]
        parts += [table["grade"] >= 0]
        counts = [often[chosen].sum(), *(often[chosen & part].sum() for part in parts)]
        return f"| {name} | " + " | ".join(f"{count:.0f}" for count in counts) + " |"

    for number, name in enumerate(names):
        chosen = table["source"] == number
        if often[chosen].sum():
            lines.append(line(name, chosen))
    return "\n".join([*lines, line("all", np.ones(len(table), bool))])
