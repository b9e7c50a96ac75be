"""The language model of a running service, which can be exchanged while it answers."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from cachetools import LRUCache

from corpus.errors import ModelError
from service.answering.writers import Writers, WritersInUse
from service.connection.choice import (
    ChoiceFile,
    KeptChoice,
    ModelChoice,
    Stamp,
    base_url,
    is_fixed,
    may_be_key,
    with_choice,
)
from service.connection.servers import (
    USUAL_PORTS,
    FoundServer,
    Listing,
    find_servers,
    list_models,
)
from service.connection.trial import WritingTrial, try_judging, try_writing
from service.disclosure import model_name
from service.errors import ModelFixed, ModelKeyRefused
from service.generation.llm import AnswerModel, ChatModel
from service.judging.service_judge import JudgeStatus, proving
from service.judging.standing import Standing
from service.settings import Settings

logger = logging.getLogger(__name__)

MAX_OFFERED = 200  # models of a server among which a reader may choose
_REMEMBERED = 2_000  # models that were listed
_FRESH = 60.0  # seconds for which the list of a server's models is taken as it was
_POLL = 1.0  # seconds between two looks whether another process has changed the choice

Close = Callable[[], Awaitable[None]]
Connect = Callable[[Settings], tuple[Writers, Close]]


@dataclass(frozen=True, slots=True)
class ConnectionState:
    """How a language model is connected.

    Attributes:
        url: Base URL of the server of the model that writes; empty if there is none.
        fixed: Whether the environment or the command line decides, so that no choice changes it.
        chosen: Whether the model was chosen on the page.
        has_key: Whether a key was given with the choice.
        judges: Whether a model that is chosen also judges, once it has passed the self-test.
    """

    url: str
    fixed: bool
    chosen: bool
    has_key: bool
    judges: bool


class ModelConnection:
    """Connects a language model chosen on the page to an engine, and keeps the choice.

    Answers that have begun go on with the model with which they began. Use it in one event loop.

    Args:
        engine: Answers with the model.
        settings: As the environment and the command line give them, without the choice.
        connect: Makes the models of some settings, and what closes them.
        shared: Whether other processes serve the same data folder, and may change the choice.
        ports: Where to look for servers on this machine, by program.
        kept: The choice with which the engine was made; None: the one that is kept now.
    """

    def __init__(
        self,
        engine: WritersInUse,
        settings: Settings,
        connect: Connect,
        *,
        shared: bool = False,
        ports: Mapping[str, int] = USUAL_PORTS,
        kept: KeptChoice | None = None,
    ) -> None:
        self._engine, self._settings, self._connect = engine, settings, connect
        self._shared, self._ports = shared, ports
        self._file = ChoiceFile(settings.data_dir)
        kept = kept or self._file.look()
        self._stamp, self._choice = kept.stamp, kept.choice
        self._changing = asyncio.Lock()
        self._retired: list[Close] = []  # of models that answers may still be using
        self._tasks: list[asyncio.Task[None]] = []
        # Of models that were listed: their names there, which may be paths, by the names shown.
        self._ids: LRUCache[tuple[str, str], str] = LRUCache(_REMEMBERED)
        self._named_at = 0.0  # when the server was last asked for its models

    @property
    def offered(self) -> bool:
        """Whether a page may change the model: not where others reach the service by a name.

        A proxy on this machine passes their requests on, and not each proxy says so.
        """
        return not (self._settings.hosts or self._settings.public_url)

    @property
    def state(self) -> ConnectionState:
        """How a model is connected now."""
        fixed, choice = is_fixed(self._settings), self._choice
        settings = with_choice(self._settings, choice)
        chosen = choice is not None and not fixed
        key = chosen and choice is not None and bool(choice.key)
        judges = settings.judge != "off" and not (settings.judge_url or settings.judge_model)
        return ConnectionState(base_url(settings.llm_url), fixed, chosen, key, judges)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Let the judge prove itself, and name the server's other models, while this is open."""
        self._begin()
        watcher = asyncio.create_task(self._watch()) if self._shared else None
        try:
            yield
        finally:
            if watcher:
                watcher.cancel()
                await asyncio.wait([watcher])
            await self._end()
            for close in self._retired:
                try:
                    await close()
                except Exception as error:  # the others are closed all the same
                    logger.warning("a language model could not be closed: %s", error)

    def freshen(self) -> None:
        """Ask the server for its models in the background, unless that was done a moment ago."""
        if time.monotonic() - self._named_at > _FRESH:
            self._tasks = [task for task in self._tasks if not task.done()]
            self._tasks.append(asyncio.create_task(self.name_models()))

    async def find(self) -> list[FoundServer]:
        """Look for servers on this machine."""
        found = await find_servers(self._ports)
        for each in found:
            self._remember(each.listing)
        return found

    async def list(self, url: str, key: str | None) -> Listing:
        """Ask a server which models it has; without a key, with the one that is kept for it."""
        return self._remember(await list_models(url, self._key(base_url(url), key)))

    async def try_writing(self, url: str, model: str, key: str | None) -> WritingTrial:
        """Try whether, how fast and in which languages a model writes."""
        return await try_writing(await self._named(url, model, key))

    async def try_judging(self, url: str, model: str, key: str | None) -> JudgeStatus:
        """Let a model take the self-test of judges."""
        wanted, settings = await self._named(url, model, key), self._settings
        limits = settings.judge_tokens, settings.judge_timeout
        return await try_judging(wanted, *limits, Standing(settings.data_dir))

    async def choose(self, url: str, model: str, key: str | None) -> Listing:
        """Answer with another model from the next question on, and after each start.

        Args:
            url: Base URL of its server.
            model: Its name, as readers see it.
            key: The API key; empty for none, None for the one that is kept for this server.

        Returns:
            What the server has; where that has a fault, nothing was changed.

        Raises:
            ModelFixed: The environment decides.
            StoreError: The choice cannot be kept.
        """
        self._check_free()
        listing = await self.list(url, key)
        if listing.fault is None:
            async with self._changing:
                wanted = self._choice_of(listing.url, model, self._key(listing.url, key))
                stamp = await asyncio.to_thread(self._file.keep, wanted)
                await self._use(wanted, stamp, listing)
        return listing

    async def disconnect(self) -> None:
        """Answer with quotes from the next question on, and forget the choice and its key.

        Raises:
            ModelFixed: The environment decides.
            StoreError: The choice cannot be removed.
        """
        self._check_free()
        async with self._changing:
            await asyncio.to_thread(self._file.forget)
            await self._use(None, None)

    async def name_models(self) -> None:
        """Ask the server for its other models, so that each question can name one.

        While it is down, they are those that it had before.
        """
        self._named_at = time.monotonic()
        model = self._engine.model
        if not isinstance(model, ChatModel):
            return
        settings = with_choice(self._settings, self._choice)
        try:
            await model.identify()
        except ModelError as error:  # a question will say so; it is asked again later
            logger.info("the models of a server are not known: %s", error)
            return
        listing = await list_models(settings.llm_url, settings.llm_key)
        if self._engine.model is model and not listing.fault:
            self._engine.writers = _with_others(self._engine.writers, listing)

    async def _use(
        self, choice: ModelChoice | None, stamp: Stamp | None, listing: Listing | None = None
    ) -> None:
        """Connect a choice in place of the last one; where that raises, the last one stays."""
        self._stamp = stamp
        writers, close = await asyncio.to_thread(self._connect, with_choice(self._settings, choice))
        await self._end()
        self._choice = choice
        self._retired.append(close)
        self._engine.writers = _with_others(writers, listing) if listing else writers
        self._begin(name=listing is None)

    def _begin(self, name: bool = True) -> None:
        self._tasks.append(asyncio.create_task(self._prove()))
        if name:
            self._tasks.append(asyncio.create_task(self.name_models()))

    async def _end(self) -> None:
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        for ended in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(ended, Exception):  # it had nobody to raise to
                logger.warning("what prepares a language model failed: %s", ended)

    async def _prove(self) -> None:
        async with proving(self._engine.judge):
            await asyncio.Event().wait()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(_POLL)
            async with self._changing:  # what this process is changing itself is no news
                if is_fixed(self._settings) or self._file.stamp() == self._stamp:
                    continue
                try:
                    kept = await asyncio.to_thread(self._file.look)
                    await self._use(kept.choice, kept.stamp)
                except Exception as error:  # a watcher has nobody to raise to
                    logger.warning("another model could not be connected: %s", error)

    def _check_free(self) -> None:
        if is_fixed(self._settings):
            raise ModelFixed(
                "TENKYO_LLM_URL, TENKYO_LLM_GGUF or --model-url decides which model answers: unset"
                " it to choose one here"
            )

    async def _named(self, url: str, model: str, key: str | None) -> ModelChoice:
        """Return a model by its name; its server is asked where that was not done before."""
        base, key = base_url(url), self._key(base_url(url), key)
        if not may_be_key(key):
            raise ModelKeyRefused("there is a character in the key that no key has: copy it again")
        if (base, model) not in self._ids:
            await self.list(base, key)
        return self._choice_of(base, model, key)

    def _choice_of(self, url: str, model: str, key: str) -> ModelChoice:
        return ModelChoice(url, self._ids.get((url, model), model), key)

    def _remember(self, listing: Listing) -> Listing:
        for identity in reversed(listing.models):
            self._ids[listing.url, model_name(identity)] = identity
        return listing

    def _key(self, url: str, key: str | None) -> str:
        if key is not None:
            return key.strip()
        return self._choice.key if self._choice and self._choice.url == url else ""


def _with_others(writers: Writers, listing: Listing) -> Writers:
    """Add the models of the server of the one that writes."""
    model, others = writers.model, dict[str, AnswerModel]()
    if isinstance(model, ChatModel):
        for identity in listing.models[:MAX_OFFERED]:
            others.setdefault(model_name(identity), model.named(identity))
    return replace(writers, others=others)
