"""The judge of the settings: which model judges, and where it is."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from service.generation.llm import ChatModel
    from service.judging.service_judge import ServiceJudge
    from service.judging.types import Judge
    from service.settings import Settings


@dataclass(frozen=True, slots=True)
class ChosenJudge:
    """The judge that settings choose.

    Attributes:
        judge: The judge.
        model: Client of its model.
        writes: Whether that is the client of the answer model.
    """

    judge: ServiceJudge
    model: ChatModel
    writes: bool

    async def close(self) -> None:
        """Close its connections."""
        await self.model.aclose()


def choose_judge(settings: Settings, writer: ChatModel | None) -> ChosenJudge | None:
    """Make the judge of the settings, able if it is known to have passed the self-test.

    Args:
        settings: The settings; a model that runs in the process has its address in them.
        writer: Client of the answer model, which judges where no other is set.

    Returns:
        The judge; None if there is none.
    """
    from service.generation.llm import ChatModel
    from service.judging.service_judge import ServiceJudge
    from service.judging.standing import Standing

    model = writer
    if settings.judge == "off":
        return None
    if settings.judge_url or settings.judge_model:
        wanted = judge_url(settings), settings.judge_model
        if writer is None or wanted != (settings.llm_url, settings.llm_model):
            model = ChatModel(*wanted, judge_key(settings), settings.judge_timeout)
    if model is None:
        return None
    judge = ServiceJudge(
        model,
        settings.judge_tokens,
        settings.judge_timeout,
        Standing(settings.data_dir),
        required=settings.judge == "llm",
    )
    judge.recall()
    return ChosenJudge(judge, model, model is writer)


def judge_host(settings: Settings) -> str:
    """Return the host to which the judge of the settings sends text; empty if there is none."""
    if settings.judge == "off":
        return ""
    if settings.llm_gguf and not (settings.judge_url or settings.llm_url):
        return "127.0.0.1"
    return urlsplit(settings.judge_url or settings.llm_url).netloc.rpartition("@")[2]


async def name_models(settings: Settings) -> Settings:
    """Return the settings with the names of models that their servers choose.

    A command that ends at once takes no self-test; the outcomes of earlier ones are kept by name.
    A server that cannot be reached leaves the settings as they are.
    """
    from corpus.errors import ModelError
    from service.generation.llm import ChatModel

    if settings.judge == "off" or settings.judge_model or not (url := judge_url(settings)):
        return settings
    if not settings.judge_url and settings.llm_model:
        return settings
    model = ChatModel(url, "", judge_key(settings), settings.judge_timeout)
    try:
        await model.identify()
    except ModelError:
        return settings
    finally:
        await model.aclose()
    name = "judge_model" if settings.judge_url else "llm_model"
    return settings.model_copy(update={name: model.name})


def judge_url(settings: Settings) -> str:
    """Return the URL of the server whose model judges; empty if none is set."""
    return settings.judge_url or settings.llm_url


def judge_key(settings: Settings) -> str:
    """Return the API key of that server; that of the answer model goes to its own server only."""
    same = settings.judge_url in ("", settings.llm_url)
    return settings.judge_key or (settings.llm_key if same else "")


def print_untested(judge: Judge | None) -> None:
    """Print one line on standard error if a judge does not judge for want of a self-test."""
    from service.judging.service_judge import ServiceJudge

    if isinstance(judge, ServiceJudge) and judge.status.state == "untested":
        print(
            f"tenkyo: the model {judge.status.name} does not judge, because it has not passed the"
            " self-test yet: run `tenkyo models test`",
            file=sys.stderr,
        )
