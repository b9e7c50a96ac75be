"""Checks of the models that are set, for ``tenkyo doctor``: to write, to judge, and to search."""

from __future__ import annotations

import asyncio
import sys
from shlex import quote
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from corpus.errors import ModelError, TenkyoError
from service.server import bootstrap, judges, language_models

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


def check_embedder(settings: Settings) -> tuple[str, str]:
    """Check the server of the embedding model: embed a word there."""
    embedder = bootstrap.create_embedder(settings)
    try:
        dim, name = embedder.dim, embedder.name
    except ModelError as error:
        return str(error), mend_embedder(settings, error)
    where = _without_credentials(settings.embedder_url)
    return f"{name} answers at {where} with {dim} dimensions", ""


def check_reranker(settings: Settings) -> tuple[str, str]:
    """Check the re-ranker: score two words."""
    reranker = bootstrap.create_reranker(settings)
    if reranker is None:
        return "none is set", ""
    try:
        reranker.scores("warm", ["warm", "cold"])
    except ModelError as error:
        mend = mend_extra(error) or "unset TENKYO_RERANKER"
        if settings.reranker_url:
            mend = _mend_server(error, "TENKYO_RERANKER", settings.reranker_url)
        return str(error), mend
    where = _without_credentials(settings.reranker_url)
    if not where:
        return f"{reranker.name} is loaded", ""
    return f"{reranker.name} answers at {where}", ""


def mend_extra(error: ModelError) -> str:
    """Return the command that installs the library a model needs, if the error is that."""
    from index.inference.extra_library import ModelLibraryMissing, install_command

    missing = isinstance(error, ModelLibraryMissing)
    return install_command(f"{quote(sys.executable)} -m pip") if missing else ""


def mend_embedder(settings: Settings, error: ModelError) -> str:
    """Return the command that mends an embedding model on a server, given what was wrong."""
    status, model = getattr(error, "status", None), settings.embedder_model
    if status == 404 and model and _is_ollama(settings.embedder_url):
        return f"ollama pull {quote(model)}"
    return _mend_server(error, "TENKYO_EMBEDDER", settings.embedder_url)


def _mend_server(error: ModelError, prefix: str, url: str) -> str:
    if getattr(error, "status", None) in (401, 403):
        return f"export {prefix}_KEY=<your key>"
    down = "cannot be reached" in str(error)
    return _start(url, prefix) if down else f"export {prefix}_URL=<its base URL>"


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
                f"what answers at {where} is no OpenAI-compatible API, but perhaps a web page"
                f" (status {found.status}): the URL of the API usually ends in /v1",
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
    chosen = judges.choose_judge(named, language_models.create_answer_model(named))
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
