"""Checks of the language models that are set, for ``tenkyo doctor``: one to write, one to judge."""

from __future__ import annotations

import asyncio
from shlex import quote
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from corpus.errors import TenkyoError
from service.server import bootstrap, judges

if TYPE_CHECKING:
    from service.generation.probe import Probe
    from service.settings import Settings

NAMED = 5  # models of a server that a message names


def check_model(settings: Settings) -> tuple[str, str]:
    """Check the model that writes answers: ask its server for a word, if one is set."""
    from service.generation import llama_cpp
    from service.generation.probe import probe

    if settings.llm_url:
        found = probe(settings.llm_url, settings.llm_model, settings.llm_key, settings.llm_timeout)
        judging = not (settings.judge_url or settings.judge_model)
        return _described(found, "TENKYO_LLM", settings.llm_url, settings if judging else None)
    if not settings.llm_gguf:
        return "none is set, so answers quote the sources", ""
    try:
        llama_cpp.check_installed(settings.llm_gguf)
    except TenkyoError as error:
        return str(error), "make serve LLM=local"
    return f"{settings.llm_gguf} runs in Tenkyo's own process", ""


def check_judge(settings: Settings) -> tuple[str, str]:
    """Check the model that judges, where it is not the one that writes."""
    from service.generation.probe import probe

    url = judges.judge_url(settings)
    key = judges.judge_key(settings)
    found = probe(url, settings.judge_model, key, max(settings.judge_timeout, 20.0))
    return _described(found, "TENKYO_JUDGE", url, settings)


def _described(found: Probe, prefix: str, url: str, judging: Settings | None) -> tuple[str, str]:
    """Say what a probe found, and the command that mends it.

    Args:
        found: What it found.
        prefix: What the names of the server's settings begin with.
        url: Its base URL.
        judging: The settings, if this is the model that judges.
    """
    where = _without_credentials(url)
    some = ", ".join(found.models[:NAMED])
    match found.fault:
        case None:
            standing = _standing(judging) if judging else ""
            return f"{found.model} answers at {where}{standing}", ""
        case "unreachable":
            return f"nothing answers at {where}: start it", _start(url, prefix)
        case "slow":
            return f"{where} is too slow: give it more time", f"export {prefix}_TIMEOUT=300"
        case "key":
            return (
                f"{where} refused the key, or wants one (status {found.status})",
                f"export {prefix}_KEY=<your key>",
            )
        case "no model":
            if not found.models:
                return f"{where} has no model: load one there", _pull(url)
            return (
                f"{where} has no model {found.model}, but {some}",
                f"export {prefix}_MODEL={quote(found.models[0])}",
            )
        case "not an API":
            base = where.rstrip("/")
            path = "" if base.endswith("/v1") else "/v1"
            return (
                f"what replies at {where} is not an OpenAI-compatible API, such as a web page"
                f" (status {found.status}): its base mostly ends in /v1",
                f"export {prefix}_URL={quote(_origin(url) + '/v1') if path else '<its base URL>'}",
            )
        case "refused":
            said = f": {found.said}" if found.said else ", and its log says why"
            other = next((name for name in found.models if name != found.model), "")
            again = f"export {prefix}_MODEL={quote(other)}" if other else "tenkyo doctor"
            return f"{found.model} at {where} fails with status {found.status}{said}", again


def _standing(settings: Settings) -> str:
    """Say how the self-test of the judge stands, if there is a judge."""
    named = asyncio.run(judges.name_models(settings))
    chosen = judges.choose_judge(named, bootstrap.create_answer_model(named))
    if chosen is None:
        return ""
    status = chosen.judge.status
    asyncio.run(chosen.close())
    if status.state == "untested":
        return "; it has not taken the self-test of judges: `tenkyo models test`"
    return f"; its self-test as a judge: {status.summary}"


def _without_credentials(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl()


def _origin(url: str) -> str:
    parts = urlsplit(_without_credentials(url))
    return f"{parts.scheme}://{parts.netloc}"


def _is_ollama(url: str) -> bool:
    return ":11434" in urlsplit(url).netloc


def _start(url: str, prefix: str) -> str:
    return "ollama serve" if _is_ollama(url) else f"export {prefix}_URL=<its base URL>"


def _pull(url: str) -> str:
    return "ollama pull qwen2.5:7b" if _is_ollama(url) else f"curl {quote(_origin(url))}/v1/models"
