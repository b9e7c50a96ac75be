"""The language models of the settings, connected: which model writes, and which one judges."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from service.server.judges import choose_judge

if TYPE_CHECKING:
    from service.answering.engine import Engine
    from service.answering.writers import Writers
    from service.connection.choice import KeptChoice
    from service.connection.connection import ModelConnection
    from service.generation.llm import ChatModel
    from service.settings import Settings


def create_answer_model(settings: Settings) -> ChatModel | None:
    """Make the client of the language model that writes answers, if its URL is set."""
    from service.connection.choice import is_chosen
    from service.generation.failures import IN_SETTINGS, ON_PAGE
    from service.generation.llama_cpp import LOCAL, LocalModel
    from service.generation.llm import ChatModel

    if not settings.llm_url:
        return None
    local = settings.llm_gguf and settings.llm_url.startswith(LOCAL)
    kind = LocalModel if local else ChatModel
    server = settings.llm_url, settings.llm_model, settings.llm_key, settings.llm_timeout
    return kind(*server, remedies=ON_PAGE if is_chosen(settings) else IN_SETTINGS)


def connect_models(settings: Settings) -> tuple[Writers, Callable[[], Awaitable[None]]]:
    """Make the clients of the models that write and judge, and a function that closes them."""
    from service.answering.writers import Writers

    model = create_answer_model(settings)
    chosen = choose_judge(settings, model)

    async def close() -> None:
        if chosen and not chosen.writes:
            await chosen.close()
        if model:
            await model.aclose()

    judge = chosen.judge if chosen else None
    return Writers(model, judge, chosen is not None and chosen.writes), close


def create_connection(settings: Settings, engine: Engine, kept: KeptChoice) -> ModelConnection:
    """Make what exchanges an engine's language model while it is served.

    Args:
        settings: As the environment and the command line give them.
        engine: The engine.
        kept: The choice with which it was made; another process may have changed it since.
    """
    from service.connection.connection import ModelConnection

    shared = settings.workers > 1
    return ModelConnection(engine, settings, connect_models, shared=shared, kept=kept)
