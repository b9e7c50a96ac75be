"""What quote mode, or a model, shows of the answers to all held-out questions of XQuAD and JSQuAD.

    python tests/benchmarks/held_out.py --shared ../shared --out build/held_out [--sets xquad …]

Every question on an article, or for the pairs across languages on a passage, on which the checker
was not fitted: in the passages' language and in the other. The data folders have all passages of a
set, each as a source; they are made in the first run and kept. In the near sets nothing answers:
the passage of a question is left out of the search while its neighbours stay, or somebody has
written a question that its passage does not answer (training/data/near_unanswerable_*.jsonl).

With --halves, made by `python -m training.relevance --halves FILE`, what ranks passages and decides
whether one answers is for each question the fit without its article; else it is what ships, which
was fitted on many of these questions.

"Shown" is what the texts and quotes of the claims have: one of the answer strings, compared as
`tenkyo eval` does it. Where no such string is known, or the passage has none of them (the answer is
its title), a question counts as answered if a quote overlaps a gold sentence, or, where nobody
marked sentences, if the gold passage is cited. Where claims say whether they answer, the same is
counted of those that do; then an answer without a tick is an abstention.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import statistics
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import NamedTuple
from unittest import mock

sys.path.insert(0, str(Path(__file__).parents[2]))

import measure
import questions
from asking import opened, settings_for, ticked, timed
from held_questions import SETS, Asked, Passages, choose

from corpus.store.store import Store
from corpus.text.chunking import split_into_passages
from index.inference.cross_encoder import CrossEncoder
from index.inference.embedder import SentenceTransformerEmbedder
from index.inference.model_registry import BUNDLED_EMBEDDER
from service.answering import question_reading
from service.answering.engine import Engine
from service.evaluation.metrics import occurs
from service.server.bootstrap import Models
from service.types import Claim, Mode
from service.verification.calibration import Calibration, RankingWeights, load_calibration
from tests.support.paths import SHARED
from tests.support.strong.tables import Row, Table, count, plain
from training.relevance import half_of


class Seen(NamedTuple):
    """What claims tell a reader who asked for one thing."""

    shown: bool  # the answer is in them
    first: bool  # it is in the first of them
    elsewhere: bool  # there are some, and none cites the gold passage
    nothing: bool  # the engine abstained; or of ticked claims, there is none


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a question; ``ticked`` counts only claims that hold the answer, if known.

    ``seconds`` are those to the evidence and to the end of the answer.
    """

    asked: Asked
    mode: str
    found: bool  # the gold passage is in the evidence
    all: Seen
    ticked: Seen | None
    seconds: tuple[float, float]
    claims: tuple[Row, ...] = ()  # their texts and quotes, to look at


Pair = tuple[Outcome, Seen]


# The answers


def answers(asked: Asked, claim: Claim) -> bool:
    """Return whether a claim, in its text or in its quotes, has the answer to a question."""
    if asked.answers:
        texts = [claim.text, *(citation.quote for citation in claim.citations)]
        return any(occurs(answer, text) for answer in asked.answers for text in texts)
    gold = [citation for citation in claim.citations if citation.source_id == asked.gold]
    if not asked.spans:
        return bool(gold)
    return any(c.start < end and start < c.end for c in gold for start, end in asked.spans)


def see(asked: Asked, claims: Sequence[Claim], nothing: bool) -> Seen:
    """Return what some claims tell a reader who asked a question."""
    right = [answers(asked, claim) for claim in claims]
    cited = {citation.source_id for claim in claims for citation in claim.citations}
    elsewhere = bool(claims) and asked.gold not in cited
    return Seen(any(right), right[:1] == [True], elsewhere, nothing)


async def ask(engine: Engine, asked: Asked, mode: Mode | None, ids: Sequence[str]) -> Outcome:
    """Ask a question; ``ids`` are those of all sources."""
    within = [id for id in ids if id != asked.gold] if asked.without else None
    answer, *seconds = await timed(engine, asked.question, mode, within)
    marks = [ticked(claim) for claim in answer.claims]
    held = [claim for claim, mark in zip(answer.claims, marks, strict=True) if mark]
    return Outcome(
        asked,
        answer.mode,
        any(e.source.id == asked.gold for e in answer.evidence),
        see(asked, answer.claims, answer.abstained),
        None if None in marks else see(asked, held, not held),
        (seconds[0], seconds[1]),
        tuple(map(_plain, answer.claims)),
    )


def _plain(claim: Claim) -> Row:
    quotes = [[citation.source_id, citation.quote] for citation in claim.citations]
    return {"text": claim.text, "quotes": quotes, "ticked": ticked(claim)}


# The data folders


def prepare(bench: questions.Bench, out: Path, embedder: SentenceTransformerEmbedder) -> Path:
    """Make the data folder of a set under ``out``, unless it is there as it would be made now."""
    folder = out / f"{bench.name}_whole"
    if not _ready(bench, folder):
        partial = folder.with_suffix(".part")
        for old in (partial, folder):
            shutil.rmtree(old, ignore_errors=True)
        partial.mkdir(parents=True)
        questions.prepare(bench, partial, embedder)
        partial.rename(folder)
    return folder


def _ready(bench: questions.Bench, folder: Path) -> bool:
    """Return whether a folder has the passages into which the texts are split, in an index."""
    if not (folder / "index").exists():
        return False
    store = Store(f"sqlite:///{(folder / 'tenkyo.db').resolve()}")
    there = {passage.id for passage, _ in store.passages(store.rows()).values()}
    documents = [questions.document(text, bench.language) for text in bench.texts]
    return there == {p.id for document in documents for p in split_into_passages(document)}


def calibrations(file: Path | None) -> list[Calibration]:
    """Return the calibration for questions on each half of the articles."""
    shipped = load_calibration()
    if file is None:
        return [shipped, shipped]
    fits = json.loads(file.read_text(encoding="utf-8"))
    return [
        replace(shipped, **(fit | {"ranking": RankingWeights(**fit["ranking"])})) for fit in fits
    ]


async def run(given: argparse.Namespace) -> list[Outcome]:
    """Ask everything that was chosen."""
    sets = {name: Passages(name, given.shared) for name in ("xquad", "jsquad")}
    chosen = choose(given.sets, sets, given.limit)
    models = given.models or given.out / "models"
    embedder = SentenceTransformerEmbedder(BUNDLED_EMBEDDER, models)
    loaded = Models(embedder, CrossEncoder(cache=models))
    halves = calibrations(given.halves)
    mode: Mode = "generated" if given.model else "quoted"
    found = []
    for name, each in sets.items():
        here = [asked for asked in chosen if asked.folder == name]
        if not here:
            continue
        folder = await asyncio.to_thread(prepare, each.bench, given.out, embedder)
        began = time.perf_counter()
        settings = settings_for(folder, given.model, given.model_name)
        async with opened(settings, loaded) as engine:
            for number, asked in enumerate(here, 1):
                fitted = halves[half_of(asked.article)]
                with mock.patch.object(
                    question_reading, "load_calibration", lambda fit=fitted: fit
                ):
                    found.append(await ask(engine, asked, mode, list(each.texts)))
                if number % 100 == 0 or number == len(here):
                    spent = f"{number} of {len(here)}, {time.perf_counter() - began:.0f} s"
                    print(f"{name}: {spent}", file=sys.stderr, flush=True)
    order = list(dict.fromkeys(asked.set for asked in chosen))
    return sorted(found, key=lambda outcome: order.index(outcome.asked.set))


# The tables


def tables(found: Sequence[Outcome]) -> Iterator[Table]:
    """Yield the tables: questions with an answer, those without, and the time that they took."""
    views = {"all claims": [outcome.all for outcome in found]}
    if any(outcome.ticked and not outcome.all.nothing for outcome in found):
        views["claims with a tick"] = [outcome.ticked or outcome.all for outcome in found]
    for title, seen in views.items():
        for answerable, kind in ((True, "has an answer"), (False, "has none")):
            pairs = [
                p for p in zip(found, seen, strict=True) if p[0].asked.answerable == answerable
            ]
            names = dict.fromkeys(outcome.asked.set for outcome, _ in pairs)
            make = _answerable if answerable else _unanswerable
            rows = [
                {"questions": name} | make([pair for pair in pairs if pair[0].asked.set == name])
                for name in names
            ]
            if rows:
                yield Table(f"Where the question {kind}: {title}", rows)
    if found:
        yield Table("Seconds at the median", [_seconds(found)])


def _answerable(pairs: Sequence[Pair]) -> Row:
    return {
        "n": len(pairs),
        "gold in the evidence": count(outcome.found for outcome, _ in pairs),
        "answer shown": count(seen.shown for _, seen in pairs),
        "in the first claim": count(seen.first for _, seen in pairs),
        "wrongly abstained": count(seen.nothing for _, seen in pairs),
        "from another passage": count(seen.elsewhere for _, seen in pairs),
    }


def _unanswerable(pairs: Sequence[Pair]) -> Row:
    return {"n": len(pairs), "abstained": count(seen.nothing for _, seen in pairs)}


def _seconds(found: Sequence[Outcome]) -> Row:
    """The near sets are left out: their questions may have been read before."""
    seconds = [o.seconds for o in found if not o.asked.without] or [o.seconds for o in found]
    evidence, answer = (statistics.median(column) for column in zip(*seconds, strict=True))
    return {"answers": len(seconds), "evidence": evidence, "answer": answer}


def write_rows(file: Path, found: Iterable[Outcome]) -> None:
    """Write a line of JSON for each question."""
    lines = []
    for each in found:
        views = {"all": each.all._asdict(), "ticked": each.ticked and each.ticked._asdict()}
        lines.append(json.dumps(asdict(each) | views, ensure_ascii=False) + "\n")
    file.write_text("".join(lines), encoding="utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    add = parser.add_argument
    add("--shared", type=Path, default=SHARED)
    add("--out", type=Path, required=True, help="folder for the data folders, which are kept")
    add("--models", type=Path, help="folder of unpacked models; default: in the other one")
    add("--sets", nargs="+", choices=SETS, default=SETS)
    add("--limit", type=int, help="ask only so many questions of each set, drawn at random")
    add("--model", default="", help="base URL of a model that writes; without one, quotes")
    add("--model-name", default="", help="name of the model at that URL; default: its first")
    add("--halves", type=Path, metavar="FILE", help="fits without each half of the articles")
    add("--rows", type=Path, metavar="FILE", help="write what became of each question here")
    add("--json", type=Path, metavar="FILE", help="write the figures here as well")
    return parser.parse_args()


def main() -> None:
    given = _arguments()
    found = asyncio.run(run(given))
    made = list(tables(found))
    for table in made:
        print(f"\n## {table.title}\n\n{measure.table(table.rows)}")
    if given.rows:
        write_rows(given.rows, found)
    if given.json:
        asked = {name: str(value) for name, value in vars(given).items() if name != "json"}
        figures = {table.title: plain(table) for table in made}
        measure.write("held_out", [], given.json, options=asked, tables=figures)


if __name__ == "__main__":
    main()
