"""How many plain questions on a newcomer's own papers and posts get the reply that they should.

    python tests/benchmarks/newcomer.py --questions tests/data/newcomer.jsonl --sources LIST \\
        --root ../shared --out build/newcomer [--verbose]

Ingests the sources as `tenkyo ingest` does, and asks each question in a conversation of its own. A
reply is right if it is of the kind that the question should get, and if what is shown, sentences
and quotes, has one string of each group of ``must_contain``. It is wrong with a tick if it is not
right and a claim of it is shown as one that answers; where claims do not say so, any claim counts.

A question is a line of JSON: ``id``, ``question``, ``language``, ``asks`` (the row of the table),
``reply`` (answer, summary, comparison, metadata, guide, abstain or false_premise),
``must_contain`` (groups of strings) and ``sources``. LIST is a .txt file with a path on each line,
a .json file with a list of paths, or the paths themselves; they are relative to --root.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import re
import shutil
import statistics
import sys
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import measure
from asking import opened, settings_for, ticked, timed

from corpus.errors import QuestionRefused
from index.inference.cross_encoder import CrossEncoder
from index.inference.embedder import SentenceTransformerEmbedder
from index.inference.model_registry import BUNDLED_EMBEDDER
from service.answering.engine import Engine
from service.ingestion.pipeline import IngestRequest
from service.server.bootstrap import Models, create_ingestion_pipeline
from service.settings import Settings
from service.types import Answer
from tests.support.paths import SHARED
from tests.support.strong.collection import made_by
from tests.support.strong.tables import Row, Table, count, plain

WRITTEN = ("generated", "quoted")
MODES = {
    "answer": WRITTEN,
    "summary": WRITTEN,
    "comparison": WRITTEN,
    "metadata": ("metadata",),
    "guide": ("guide",),
    "abstain": ("abstained",),
    "false_premise": ("abstained",),
}
"""For each reply that a question should get, the modes of an answer that are that reply."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question, with the reply that it should get and what that must have."""

    id: str
    question: str
    language: str
    asks: str
    reply: str
    must_contain: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Judged:
    """A reply; ``missing`` are the groups of which it has no string, ``tick`` whether it has one.

    ``answer`` is None where the question was refused, ``seconds`` are those to its end.
    """

    question: Question
    kind: str
    fits: bool  # its kind is the right one
    missing: tuple[tuple[str, ...], ...]
    tick: bool
    answer: Answer | None = None
    seconds: float = 0.0

    @property
    def right(self) -> bool:
        return self.fits and not self.missing

    @property
    def wrong_with_tick(self) -> bool:
        return not self.right and self.tick


# The questions and the sources


def read_questions(path: Path) -> list[Question]:
    """Read the questions; exits with a message about a row that cannot be judged."""
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        row = json.loads(line)
        if row.get("reply") not in MODES:
            known = ", ".join(MODES)
            raise SystemExit(f"{path.name}, line {number}: write as reply one of {known}")
        groups = [[g] if isinstance(g, str) else g for g in row.get("must_contain") or ()]
        if not all(groups):
            raise SystemExit(f"{path.name}, line {number}: a group of must_contain is empty")
        texts = (str(row.get(name, "")) for name in ("id", "question", "language", "asks"))
        found.append(Question(*texts, row["reply"], tuple(map(tuple, groups))))
    return found


def read_sources(given: Sequence[str], root: Path) -> list[str]:
    """Return the places of the sources: those named, or those that a .txt or .json file lists."""
    names = list(given)
    if len(names) == 1 and names[0].endswith((".txt", ".json")):
        text = Path(names[0]).read_text(encoding="utf-8")
        if names[0].endswith(".json"):
            names = json.loads(text)
        else:
            lines = map(str.strip, text.splitlines())
            names = [line for line in lines if line and not line.startswith("#")]
    return [name if "://" in name else str((root / name).resolve()) for name in names]


def ingest(places: Sequence[str], out: Path, embedder: SentenceTransformerEmbedder) -> Path:
    """Ingest places into a data folder under ``out``, and return that folder.

    One that was made by the same code of the same files is used again.
    """
    named = [Path(place) for place in places]
    files = [file for path in named for file in (path, *sorted(path.rglob("*"))) if file.is_file()]
    read = b"".join(path.read_bytes() for path in (*made_by(), *files))
    digest = hashlib.sha256("\n".join(places).encode() + read).hexdigest()
    folder = out / f"newcomer-{digest[:12]}"
    if folder.exists():
        return folder
    partial = folder.with_suffix(".part")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    pipeline = create_ingestion_pipeline(Settings(data_dir=partial))
    for item in replace(pipeline, embedder=embedder).ingest(IngestRequest(places)).items:
        if item.outcome == "failed":
            raise SystemExit(f"{item.place} cannot be ingested: {item.reason}")
    partial.rename(folder)
    return folder


# The replies


def has(wanted: str, text: str) -> bool:
    """Return whether a text has a string: in Unicode form NFKC, without regard to case and blanks.

    A number must match as a whole: 30 is neither in 308 nor in 30.5 nor in "3 0".
    """
    wanted = _fold(wanted).strip()
    if not wanted:
        return False
    pattern = re.escape(wanted[0])
    for before, letter in pairwise(wanted):
        if letter.isspace():
            continue
        if not (before.isdigit() and letter.isdigit()):
            pattern += r"\s*"
        pattern += re.escape(letter)
    start = r"(?<!\d)(?<!\d[.,])" if wanted[0].isdigit() else ""
    end = r"(?![.,]?\d)" if wanted[-1].isdigit() else ""
    return re.search(start + pattern + end, _fold(text)) is not None


def _fold(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def shown(answer: Answer) -> list[str]:
    """Return what a reader is shown: the claims with their quotes, or what else is said."""
    texts = [claim.text for claim in answer.claims]
    texts += [citation.quote for claim in answer.claims for citation in claim.citations]
    if answer.mode not in WRITTEN:
        texts += [answer.text, answer.reason or ""]
    return texts


def judge(question: Question, answer: Answer, seconds: float = 0.0) -> Judged:
    """Judge a reply to a question."""
    false_premise = answer.abstention == "false_premise"
    kind = "false_premise" if false_premise and answer.mode == "abstained" else answer.mode
    fits = answer.mode in MODES[question.reply]
    if question.reply == "false_premise":
        fits = kind == "false_premise"
    texts = shown(answer)
    missing = [
        group
        for group in question.must_contain
        if not any(has(each, text) for each in group for text in texts)
    ]
    tick = any(ticked(claim) is not False for claim in answer.claims)
    return Judged(question, kind, fits, tuple(missing), tick, answer, seconds)


async def ask(engine: Engine, question: Question) -> Judged:
    """Ask a question in a conversation of its own; one that the engine refuses is not right."""
    try:
        answer, _, seconds = await timed(engine, question.question, None)
    except QuestionRefused:
        return Judged(question, "refused", False, question.must_contain, False)
    return judge(question, answer, seconds)


# The tables


def tables(found: Sequence[Judged]) -> Iterator[Table]:
    """Yield what was right in all, and by what is asked for, reply and language."""
    parts: dict[str, Callable[[Judged], str]] = {
        "asks": lambda each: each.question.asks,
        "reply": lambda each: each.question.reply,
        "language": lambda each: each.question.language,
    }
    for name, part in parts.items():
        kinds = dict.fromkeys(map(part, found))
        rows = [_row(name, kind, [e for e in found if part(e) == kind]) for kind in kinds]
        yield Table(f"By {name}", rows)
    total = _row("questions", "all", found)
    seconds = [each.seconds for each in found if each.answer]
    if seconds:
        total["seconds at the median"] = statistics.median(seconds)
    yield Table("In all", [total])


def _row(name: str, kind: str, here: Sequence[Judged]) -> Row:
    return {
        name: kind,
        "right": count(each.right for each in here),
        "wrong with a tick": count(each.wrong_with_tick for each in here),
        "wrong kind of reply": count(not each.fits for each in here),
    }


def described(judged: Judged) -> str:
    """Describe a reply and what was found of it, for people."""
    question, answer = judged.question, judged.answer
    verdict = "right" if judged.right else "WRONG" + (", with a tick" if judged.tick else "")
    lines = [
        f"{question.id} {question.question}",
        f"  {verdict}: {question.asks}, should be {question.reply}, is {judged.kind}",
    ]
    for claim in answer.claims if answer else ():
        lines.append(f"  {'–' if ticked(claim) is False else '✓'} {claim.text}")
        quotes = [citation.quote for citation in claim.citations]
        lines += [f"    “{' '.join(quote.split())}”" for quote in quotes if quote != claim.text]
    if answer and answer.mode not in WRITTEN:
        texts = () if answer.claims else (answer.text,)
        lines += [f"  {text}" for text in (*texts, answer.reason) if text]
    lines += [f"  lacks {' or '.join(group)}" for group in judged.missing]
    return "\n".join(lines)


def records(found: Iterable[Judged]) -> list[Row]:
    """Return each question with its verdict, as JSON has it."""
    return [
        {
            "id": each.question.id,
            "reply": each.question.reply,
            "is": each.kind,
            "right": each.right,
            "wrong with a tick": each.wrong_with_tick,
            "lacks": each.missing,
            "shown": shown(each.answer) if each.answer else [],
        }
        for each in found
    ]


async def run(
    given: argparse.Namespace, asked: Sequence[Question], folder: Path, loaded: Models
) -> list[Judged]:
    """Ask all questions; with ``verbose``, print each reply."""
    found = []
    settings = settings_for(folder, given.model, given.model_name)
    async with opened(settings, loaded) as engine:
        for question in asked:
            found.append(await ask(engine, question))
            if given.verbose:
                print(described(found[-1]), flush=True)
    return found


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    add = parser.add_argument
    add("--questions", type=Path, required=True, metavar="FILE")
    add(
        "--sources", nargs="+", required=True, metavar="LIST", help="their paths, or a file of them"
    )
    add("--root", type=Path, default=SHARED, help="what the paths are relative to")
    add("--out", type=Path, required=True, help="folder for the data folder, which is kept")
    add("--models", type=Path, help="folder of unpacked models; default: in the other one")
    add("--model", default="", help="base URL of a model that writes; without one, quotes")
    add("--model-name", default="", help="name of the model at that URL; default: its first")
    add("--verbose", action="store_true", help="print each question with its reply")
    add("--json", type=Path, metavar="FILE", help="write the figures here as well")
    return parser.parse_args()


def main() -> None:
    given = _arguments()
    asked = read_questions(given.questions)
    models = given.models or given.out / "models"
    embedder = SentenceTransformerEmbedder(BUNDLED_EMBEDDER, models)
    folder = ingest(read_sources(given.sources, given.root), given.out, embedder)
    loaded = Models(embedder, CrossEncoder(cache=models))
    found = asyncio.run(run(given, asked, folder, loaded))
    made = list(tables(found))
    for table in made:
        print(f"\n## {table.title}\n\n{measure.table(table.rows)}")
    if given.json:
        figures = {table.title: plain(table) for table in made}
        total = figures.pop("In all")
        measure.write("newcomer", total, given.json, tables=figures, questions=records(found))


if __name__ == "__main__":
    main()
