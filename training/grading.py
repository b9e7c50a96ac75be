"""Grades of written claims and questions by readers who do not know what the writer meant.

    python -m training.grading sheet [--part held] > sheet.txt   # what a reader gets
    python -m training.grading agreement                        # of what readers have written

A sheet has, for each passage, its claims, true and false, two of them again with one sentence of
the passage changed, and its questions, in mixed order and languages. A reader writes a line for
each passage, such as ``mill-01 a4 b0 …``: from 0, the passage does not say it (does not answer it)
or says otherwise, to 4, it says all of it (answers it). ``data/grades/PART_READER.txt`` has these
lines. The order of a sheet follows from the passage's id alone.
"""

from __future__ import annotations

import argparse
import random
import re
import string
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from training import passages
from training.passages import Part, Row

FOLDER = Path(__file__).parent / "data" / "grades"
GRADES = range(5)
APART = 2  # grades; what two readers see further apart is no target
NO_TARGET = -1.0  # in place of the grade of such a row

# Mean grades, 0 to 1, by the passage's id, and kind and words of the claim or question.
Targets = dict[tuple[str, str, str], float]
_GRADE = re.compile(r"([a-z])([0-4])")


@dataclass(frozen=True, slots=True)
class Item:
    """A claim or question on a sheet.

    Attributes:
        kind: ``true``, ``false``, ``lie``, ``changed`` (a true claim whose sentence is changed),
            ``still`` (the other true claim beside the changed sentence), ``question``, ``near``.
        text: Its words.
        language: Their language.
        changed: Whether one sentence of the passage is another.
    """

    kind: Literal["true", "false", "lie", "changed", "still", "question", "near"]
    text: str
    language: str
    changed: bool = False

    @property
    def meant(self) -> bool | None:
        """Whether the writer meant it to be borne, or answered; None where that was not asked."""
        return None if self.kind == "still" else self.kind in ("true", "question")


def items(row: Row) -> tuple[str, list[Item]]:
    """Return the language in which a passage is shown, and its claims and questions, in order."""
    rng = random.Random(row["id"])
    language = rng.choice(passages.LANGUAGES)

    def item(kind: str, text: Mapping[str, str], changed: bool = False) -> Item:
        chosen = rng.choice(passages.LANGUAGES)
        return Item(kind, text[chosen], chosen, changed)  # type: ignore[arg-type]

    claims = [item("lie", row["lie"]["text"])]
    for claim in row["claims"]:
        claims += [item("true", claim["true"]), item("false", claim["false"])]
    number = row["changed"]["claim"]
    other = row["claims"][1 - number]["true"]
    again = [
        item("changed", row["claims"][number]["true"], True),
        item("still", other, True),
    ]
    asked = [item("question", each["q"]) for each in row["questions"]]
    asked += [item("near", each["q"]) for each in row["near"]]
    for group in (claims, again, asked):
        rng.shuffle(group)
    return language, [*claims, *again, *asked]


def sheet(rows: Iterator[Row]) -> Iterator[str]:
    """Yield the lines of a sheet; passages without claims are left out."""
    for row in rows:
        if "claims" not in row:
            continue
        language, listed = items(row)
        yield f"\n## {row['id']}\n{row['title'][language]}"
        for n, sentence in enumerate(row["sentences"]):
            yield f"[{n}] {sentence[language]}"
        named = list(zip(string.ascii_lowercase, listed, strict=False))
        groups = {
            "Claims": [p for p in named if not p[1].changed and p[1].kind not in ASKED],
            f"Claims, if [{row['changed']['s']}] were: {row['changed']['text'][language]}": [
                p for p in named if p[1].changed
            ],
            "Questions": [p for p in named if p[1].kind in ASKED],
        }
        for title, group in groups.items():
            yield f"{title}:"
            yield from (f"  {letter}) {each.text}" for letter, each in group)


ASKED = ("question", "near")


def grades(path: Path) -> dict[tuple[str, int], int]:
    """Read what a reader wrote: a grade by passage and number of the item."""
    found = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        name, *given = line.split()
        for each in given:
            match = _GRADE.fullmatch(each)
            if not match:
                raise ValueError(f"{path.name}: {name} has {each!r}; a letter and 0 to 4 is wanted")
            found[name, string.ascii_lowercase.index(match[1])] = int(match[2])
    return found


def targets(part: Part) -> Targets:
    """Return the mean, 0 to 1, of the grades that two readers gave each claim or question.

    It is NO_TARGET where these are more than APART apart. A part that nobody graded has none.
    """
    files = [FOLDER / f"{part}_{reader}.txt" for reader in (1, 2)]
    if not all(file.exists() for file in files):
        return {}
    one, two = map(grades, files)
    found = {}
    for row in passages.load(part):
        for number, item in enumerate(items(row)[1] if "claims" in row else ()):
            if (key := (row["id"], number)) in one and key in two:
                apart = abs(one[key] - two[key]) > APART
                mean = (one[key] + two[key]) / (2 * GRADES[-1])
                found[row["id"], item.kind, item.text] = NO_TARGET if apart else mean
    return found


def agreement(part: Part) -> str:
    """Return how far two readings, and the writer, agree, by kind of claim or question."""
    one, two = (grades(FOLDER / f"{part}_{reader}.txt") for reader in (1, 2))
    listed = {row["id"]: items(row)[1] for row in passages.load(part) if "claims" in row}
    by_kind: dict[str, list[tuple[int, int]]] = {}
    for name, number in sorted(one.keys() & two.keys()):
        kind = listed[name][number].kind
        by_kind.setdefault(kind, []).append((one[name, number], two[name, number]))
    lines = [
        "| kind | n | same | within 1 | more than 2 apart | mean of both |",
        "|---|" + "---|" * 5,
    ]
    for kind, pairs in by_kind.items():
        apart = np.abs(np.array([a - b for a, b in pairs]))
        shares = [float(np.mean(each)) for each in (apart == 0, apart <= 1, apart > APART)]
        mean = float(np.mean(pairs))
        cells = [f"{100 * share:.1f} %" for share in shares]
        lines.append(f"| {kind} | {len(pairs)} | " + " | ".join(cells) + f" | {mean:.2f} |")
    return "\n".join(lines)


def main() -> None:
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("command", choices=("sheet", "agreement"))
    ap.add_argument("--part", choices=("fit", "calibration", "held"), default="held")
    args = ap.parse_args()
    if args.command == "sheet":
        print("\n".join(sheet(passages.load(args.part))).strip())
    else:
        print(agreement(args.part))


if __name__ == "__main__":
    main()
