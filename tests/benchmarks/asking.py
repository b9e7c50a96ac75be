"""What the benchmarks that ask questions share: an engine on a data folder, and a timed answer."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from corpus.store.store import Store
from service.answering.engine import Engine
from service.conversations.store import History
from service.scope import scope_of
from service.server.bootstrap import Models, create_engine
from service.settings import Settings
from service.types import Answer, Claim, Mode


@asynccontextmanager
async def opened(settings: Settings, loaded: Models | None = None) -> AsyncIterator[Engine]:
    """Open the engine of a data folder, whose answers are not kept there."""
    async with AsyncExitStack() as stack:
        engine, close = create_engine(settings, loaded=loaded)
        stack.push_async_callback(close)
        answers = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "answers.db"
        engine.history = History(Store(f"sqlite:///{answers}").database)
        engine.warm_up()
        yield engine


def settings_for(folder: Path, url: str, name: str) -> Settings:
    """Return the settings of a data folder, and of the model that writes if there is one."""
    return Settings(data_dir=folder, llm_url=url, llm_model=name, llm_timeout=120, judge="off")


async def timed(
    engine: Engine, question: str, mode: Mode | None, source_ids: Sequence[str] | None = None
) -> tuple[Answer, float, float]:
    """Return an answer, and the seconds to its evidence and to its end."""
    began = time.perf_counter()
    evidence = 0.0
    async with aclosing(engine.stream(question, None, scope_of(source_ids), mode)) as events:
        async for event in events:
            if event.name == "evidence":
                evidence = time.perf_counter() - began
            elif isinstance(event.data, Answer):
                return event.data, evidence, time.perf_counter() - began
    raise AssertionError("a stream ends with its answer")


def ticked(claim: Claim) -> bool | None:
    """Return whether a claim is shown as one that answers; None if claims do not say it."""
    return None if claim.answers is None else claim.answers.holds
