"""What of a strong model's answers is shown: true sentences, false ones, lies behind true clauses.

    python tests/benchmarks/strong.py --out FOLDER [--judge recorded] [--flip 0.05] [--rows FILE]

Asks the engine the questions of tests/data/strong, on the library, on papers and on posts of
../shared, with a writer that writes what is recorded there: the true answers; answers with a false
twin at every other place; lies behind one to four true clauses. Only rules and checker decide, or
also a judge: `recorded` is a blind person's word, so what it gives is an upper bound. An address
asks a real model, which must pass the self-test, or be taken at its word by `--proven`. A real
writer's sentences have no recorded truth: of its answers, only the facts in quotes are counted.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

import measure  # noqa: E402

from corpus.store.store import Store  # noqa: E402
from index.inference.batch_scheduler import BatchScheduler  # noqa: E402
from index.inference.cross_encoder import CrossEncoder  # noqa: E402
from index.inference.embedder import SentenceTransformerEmbedder  # noqa: E402
from index.inference.model_registry import BUNDLED_EMBEDDER  # noqa: E402
from index.inference.shared_models import SharedChecker, SharedEmbedder  # noqa: E402
from service.answering.engine import Engine  # noqa: E402
from service.conversations.store import History  # noqa: E402
from service.generation.llm import ChatModel  # noqa: E402
from service.judging.standing import Standing  # noqa: E402
from service.server.bootstrap import Models, open_library  # noqa: E402
from service.settings import Settings  # noqa: E402
from service.types import Answer, Claim  # noqa: E402
from tests.support.live_server import served  # noqa: E402
from tests.support.paths import SHARED  # noqa: E402
from tests.support.strong import scoring  # noqa: E402
from tests.support.strong.collection import prepare, texts  # noqa: E402
from tests.support.strong.judge import MeasuredJudge  # noqa: E402
from tests.support.strong.model import (  # noqa: E402
    NAME,
    Line,
    StrongModel,
    lie_draft,
    true_draft,
    twin_draft,
)
from tests.support.strong.rows import (  # noqa: E402
    COLLECTIONS,
    Question,
    Rows,
    load,
    quotes_of,
    words_of,
)
from tests.support.strong.tables import Results, plain, tables  # noqa: E402

WINDOW = 16_384  # tokens that a strong model reads, at the least
RECORDED, OFF = "recorded", "off"


@dataclass(frozen=True)
class Bench:
    """An engine on one collection, and the model of the recorded rows."""

    engine: Engine
    model: StrongModel

    async def ask(
        self, question: Question, draft: Sequence[Line], found: Results, timed: bool = False
    ) -> Answer:
        """Ask a question to which a draft is written; with ``timed``, keep how long it takes."""
        self.model.drafts[question.text] = draft
        self.model.written, began, first = 0.0, time.perf_counter(), None
        async with aclosing(self.engine.stream(question.text)) as events:
            async for event in events:
                if first is None and isinstance(event.data, Claim):
                    first = time.perf_counter()
                if isinstance(event.data, Answer):
                    answer = event.data
        found.answers += 1
        if not timed:  # what was searched and read before is cached
            return answer
        found.seconds.append(time.perf_counter() - began)
        if first is not None:
            found.first.append(first - began)
            if 0 < self.model.written < first:
                found.after.append(first - self.model.written)
        return answer

    async def true(self, question: Question, found: Results) -> None:
        """Score the true answer to a question."""
        draft, words = true_draft(question), self.model.words
        answer = await self.ask(question, draft, found, timed=True)
        for place, sentence in enumerate(question.sentences):
            there = scoring.has_evidence(sentence, answer, words)
            given = ("true", question, place, "true", sentence.text, answer)
            found.outcomes.append(scoring.outcome(*given, in_evidence=there))
        found.facts += scoring.facts(question, draft, answer, words)

    async def twins(self, question: Question, odd: bool, found: Results) -> None:
        """Score the false twins at the even or odd places of an answer."""
        twins = self.model.rows.twins[question.id]
        answer = await self.ask(question, twin_draft(question, twins, odd), found)
        for twin in twins:
            if twin.place % 2 == odd:
                true = question.sentences[twin.place].text
                given = ("twins", question, twin.place, twin.kind, twin.text, answer)
                found.outcomes.append(scoring.outcome(*given, true=true))

    async def lies(self, number: int, found: Results) -> None:
        """Score one lie behind one to four true clauses."""
        lies = self.model.rows.lies[number]
        question = self.model.rows.questions[lies[0].question]
        answer = await self.ask(question, lie_draft(question, lies), found)
        for place, lie in enumerate(lies):
            given = ("lies", question, place, lie.kind, lie.text, answer)
            found.outcomes.append(scoring.outcome(*given, clauses=lie.clauses))

    async def real(self, question: Question, found: Results) -> None:
        """Count the sentences of a real writer, and the facts in quotes."""
        answer = await self.ask(question, (), found, timed=True)
        for place, each in enumerate((*answer.claims, *answer.rejected)):
            given = ("real", question, place, "unknown", each.text, answer)
            found.outcomes.append(scoring.outcome(*given))
        found.facts += scoring.facts(question, (), answer, self.model.words)


async def ask_all(bench: Bench, rows: Rows, found: Results, recorded: bool) -> None:
    """Ask everything that some rows have; with a real writer, only the questions."""
    for question in rows.questions.values():
        if not recorded:
            await bench.real(question, found)
            continue
        await bench.true(question, found)
        for odd in (False, True):
            await bench.twins(question, odd, found)
    for number in rows.lies if recorded else ():
        await bench.lies(number, found)


@asynccontextmanager
async def opened(
    given: argparse.Namespace, collection: str, rows: Rows, loaded: Models, found: Results
) -> AsyncIterator[Bench]:
    """Open the engine on a collection, as the service makes it, with writer and judge."""
    folder = await asyncio.to_thread(prepare, collection, loaded.embedder, given.out, given.shared)
    settings, scheduler = Settings(data_dir=folder), BatchScheduler()
    library = open_library(settings, vectors=SharedEmbedder(loaded.embedder, scheduler))
    words = words_of(quotes_of(rows), texts(library.store))
    model = StrongModel(rows, words, given.flip, given.seed, given.reply_delay)
    async with AsyncExitStack() as stack:
        url = f"{stack.enter_context(served(model.app()))}/v1"
        answers = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "answers.db"
        writer = _client(given.writer, given.writer_model, url, stack)
        judge = await _judge(given, url, stack)
        writes = (given.judge, given.judge_model) == (given.writer, given.writer_model)
        engine = Engine(
            library,
            SharedChecker(loaded.checker, scheduler),
            History(Store(f"sqlite:///{answers}").database),
            writer,
            top_k=settings.top_k,
            evidence_chars=settings.evidence_chars,
            window=given.window,
            **({"judge": judge, "judge_writes": writes} if judge else {}),
        )
        engine.warm_up()
        yield Bench(engine, model)
        found.controls += model.unknown
        found.calls += judge.calls if judge else ()


def _client(place: str, name: str, recorded: str, stack: AsyncExitStack) -> ChatModel:
    """Make a client of the recorded model, or of that at an address."""
    model = ChatModel(recorded, NAME) if place == RECORDED else ChatModel(place, name, timeout=120)
    stack.push_async_callback(model.aclose)
    return model


async def _judge(
    given: argparse.Namespace, recorded: str, stack: AsyncExitStack
) -> MeasuredJudge | None:
    """Make the judge; a real one takes the self-test, whose outcome is kept for the next run."""
    if given.judge == OFF:
        return None
    model = _client(given.judge, given.judge_model, recorded, stack)
    proven = given.proven or given.judge == RECORDED
    judge = MeasuredJudge(model, given.window, given.timeout, Standing(given.out), proven)
    if given.judge != RECORDED:
        if report := await judge.prove():
            right = [f"{hits} of {n}" for hits, n in map(report.score, (True, False))]
            print(f"self-test: {right[0]} true and {right[1]} false sentences", file=sys.stderr)
        print(f"{judge.name} may judge: {judge.able}", file=sys.stderr)
    return judge


async def run(given: argparse.Namespace) -> Results:
    """Ask everything on the collections that were chosen."""
    given.out.mkdir(parents=True, exist_ok=True)
    models = given.models or given.out / "models"
    embedder = SentenceTransformerEmbedder(BUNDLED_EMBEDDER, models)
    loaded = Models(embedder, CrossEncoder(cache=models))
    rows, found = load().of(given.collection, given.limit), Results()
    for collection in given.collection:
        here, began = rows.of([collection]), time.perf_counter()
        async with opened(given, collection, here, loaded, found) as bench:
            await ask_all(bench, here, found, given.writer == RECORDED)
        print(f"{collection}: {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
    return found


def write_rows(file: Path, found: Results) -> None:
    """Write a line of JSON for each sentence, then for each needed fact."""
    lines = [asdict(each) for each in (*found.outcomes, *found.facts)]
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    file.write_text(text, encoding="utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    add = parser.add_argument
    add("--out", type=Path, required=True, help="folder for the collections, which are kept")
    add("--shared", type=Path, default=SHARED)
    add("--models", type=Path, help="folder of unpacked models; default: in the other one")
    add("--collection", nargs="+", choices=COLLECTIONS, default=COLLECTIONS)
    add("--limit", type=int, help="ask only so many questions on each")
    add("--judge", default=OFF, help=f"{OFF} (the default), {RECORDED} or a base URL")
    add("--judge-model", default="", help="name of the model at that URL")
    add("--proven", action="store_true", help="let it judge even if it fails the self-test")
    add("--timeout", type=float, default=8.0, help="seconds of a judge's call; default: 8")
    add("--flip", type=float, default=0.0, help="share of recorded verdicts that are turned round")
    add("--seed", type=int, default=0, help="of the verdicts that are turned round")
    add("--reply-delay", type=float, default=0.0, help="seconds before a recorded judge's reply")
    add("--writer", default=RECORDED, help=f"{RECORDED} (the default) or a base URL")
    add("--writer-model", default="", help="name of the model at that URL")
    add("--window", type=int, default=WINDOW, help=f"tokens of both models; default: {WINDOW}")
    add("--rows", type=Path, metavar="FILE", help="write what became of each sentence here")
    add("--json", type=Path, metavar="FILE", help="write the figures here as well")
    given = parser.parse_args()
    if given.judge == RECORDED != given.writer:
        parser.error("the recorded judge knows only what the recorded writer writes")
    return given


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
        shown = figures.pop("What is shown")
        measure.write("strong", shown, given.json, options=asked, tables=figures)


if __name__ == "__main__":
    main()
