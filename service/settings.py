"""The settings, read from environment variables; nothing else reads the environment."""

from __future__ import annotations

import difflib
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, get_args
from urllib.parse import urlsplit

from platformdirs import user_data_path
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from corpus.errors import SettingsError
from index.inference.model_registry import BUNDLED_EMBEDDER

logger = logging.getLogger(__name__)

PREFIX = "TENKYO_"
JUDGE_WINDOW = 8192  # tokens: rules, evidence and verdicts need about as many
MIN_WINDOW = 1500  # tokens; rules, a little evidence and a reply must fit

HERE = Path("data")  # in the folder where the command is run
LIBRARY_FILES = ("tenkyo.db", "index/manifest.json")  # a data folder with a library has one of them

JudgeUse = Literal["auto", "llm", "off"]


def default_data_dir() -> Path:
    """Return the data folder to use where none is set.

    Returns:
        ``data`` here if a library is in it, else the folder for data that the platform gives to
        each user: on Linux ``~/.local/share/tenkyo``.
    """
    if any(os.path.exists(HERE / name) for name in LIBRARY_FILES):
        return HERE
    try:
        folder = user_data_path("tenkyo", appauthor=False)
    except RuntimeError:  # a user without a home, as in some containers
        return HERE
    return folder if folder.is_absolute() else HERE


class Settings(BaseModel):
    """All settings; each is an environment variable ``TENKYO_<NAME>``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    data_dir: Path = Field(
        default_factory=default_data_dir,
        description="folder of the database, index and models; empty: `data` where the command is"
        " run, if it has a library, else the user's data folder",
    )
    host: str = Field(default="127.0.0.1", description="address that the service listens on")
    port: int = Field(default=8000, ge=0, le=65535, description="port that the service listens on")
    hosts: str = Field(
        default="",
        description="host names that requests may use, comma-separated, besides localhost and IP"
        " addresses; *: any",
    )
    open: bool = Field(
        default=False, description="1: allow listening beyond this machine, without any sign-in"
    )
    public_url: str = Field(
        default="",
        pattern=r"^(https?://[^/?#\s]+/?)?$",
        description="address at which readers reach the service; empty: its host and port",
    )
    database_url: str = Field(
        default="", description="URL of the database; empty: SQLite in the data folder"
    )
    embedder: str = Field(
        default=BUNDLED_EMBEDDER,
        description="embedding model: bundled:…, a folder or a hub id; with TENKYO_EMBEDDER_URL,"
        " where the prompts of that model are read",
    )
    embedder_url: str = Field(
        default="",
        description="OpenAI-compatible base URL of an embedding model, such as …/v1; empty: none",
    )
    embedder_model: str = Field(
        default="", description="embedding model to use at that URL; empty: its first"
    )
    embedder_key: str = Field(default="", description="API key for that URL", repr=False)
    reranker: str = Field(
        default="",
        description="re-ranker: a folder or hub id; with TENKYO_RERANKER_URL, the model to use"
        " there; empty: none",
    )
    reranker_url: str = Field(
        default="", description="base URL of a server that speaks /rerank; empty: none"
    )
    reranker_key: str = Field(default="", description="API key for that URL", repr=False)
    checker: str = Field(
        default="",
        description="classifier that checks claims: a folder or hub id; empty: the bundled one",
    )
    llm_url: str = Field(
        default="", description="OpenAI-compatible base URL, such as …/v1; empty: none"
    )
    llm_model: str = Field(default="", description="model to use at that URL; empty: its first")
    llm_key: str = Field(default="", description="API key for that URL", repr=False)
    llm_gguf: str = Field(
        default="",
        description="GGUF file, `owner/repository/file.gguf` of the hub, `bundled:smollm2-135m`"
        " or `auto`, to run in the process; empty: none",
    )
    llm_window: int = Field(
        default=4096, ge=MIN_WINDOW, description="context window of the model, in tokens"
    )
    llm_timeout: float = Field(
        default=60, gt=0, description="seconds to wait for more of the model's text"
    )
    judge: JudgeUse = Field(
        default="auto",
        description="whether a language model judges claims, once it has passed the self-test;"
        " auto: if one is set; llm: one must be set; off: never",
    )
    judge_url: str = Field(
        default="",
        description="OpenAI-compatible base URL of the judge; empty: the answer model judges",
    )
    judge_model: str = Field(
        default="", description="model that judges; empty: the first at that URL"
    )
    judge_key: str = Field(default="", description="API key of the judge's URL", repr=False)
    judge_timeout: float = Field(
        default=8, gt=0, description="seconds for one judging call; then the checker decides"
    )
    judge_window: int = Field(
        default=0,
        ge=0,
        description="context window of the judge, in tokens; 0: TENKYO_LLM_WINDOW where that is"
        " set and the server is the same, else 8,192",
    )
    top_k: int = Field(default=10, ge=1, le=50, description="passages of evidence in an answer")
    evidence_chars: int = Field(
        default=5000,
        ge=500,
        description="characters of evidence; a Japanese character counts as 2.5",
    )
    readers: int = Field(
        default=100,
        ge=1,
        description="answers made at once; as many requests may wait, others are refused",
    )
    workers: int = Field(default=1, ge=1, le=64, description="processes that serve the library")
    kept: int = Field(
        default=1000,
        ge=0,
        description="questions whose answers are cached, in each process; 0: none",
    )
    keep_originals: int = Field(
        default=1000,
        ge=0,
        description="megabytes of fetched PDFs to keep, to show their pages; 0: none",
    )
    log: str = Field(
        default="warning",
        pattern="^(debug|info|warning|error)$",
        description="least severe messages to log: debug, info, warning or error",
    )

    @property
    def database(self) -> str:
        """Return the URL of the database."""
        return self.database_url or f"sqlite:///{self.data_dir.resolve() / 'tenkyo.db'}"

    @property
    def local_address(self) -> str:
        """Return the address at which this machine reaches the service."""
        host = "127.0.0.1" if self.host in ("", "0.0.0.0", "::") else self.host
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    @property
    def address(self) -> str:
        """Return the address to print: the public one, or that on this machine."""
        return self.public_url or self.local_address

    @property
    def index_dir(self) -> Path:
        """Return the folder of the search index."""
        return self.data_dir / "index"

    @property
    def models_dir(self) -> Path:
        """Return the folder of unpacked models."""
        return self.data_dir / "models"

    @property
    def uploads_dir(self) -> Path:
        """Return the folder of uploaded files."""
        return self.data_dir / "uploads"

    @property
    def host_names(self) -> list[str] | None:
        """Return the host names that requests may use besides localhost and IP addresses.

        Those of ``hosts`` and ``public_url``, and ``host`` if it is a name; None allows any.
        """
        names = [name.strip() for name in self.hosts.split(",") if name.strip()]
        if self.public_url:
            names.append(urlsplit(self.public_url).hostname or "")
        if any(char.isalpha() for char in self.host) and ":" not in self.host:
            names.append(self.host)
        return None if "*" in names else names

    @property
    def judge_tokens(self) -> int:
        """Return the context window of the judge, in tokens.

        One that is set for the answer model holds for the judge, too, if it is the same server.
        """
        same = not self.judge_url or self.judge_url == self.llm_url
        if self.judge_window or (same and "llm_window" in self.model_fields_set):
            return self.judge_window or self.llm_window
        return JUDGE_WINDOW

    @property
    def cache_dir(self) -> Path:
        """Return the folder of what was fetched from the web."""
        return self.data_dir / "fetched"


def completes_in_bash() -> bool:
    """Return whether bash runs this process for what the Tab key completes, as its script says."""
    return os.environ.get("_TENKYO_COMPLETE") == "complete_bash"


def read_settings(
    environ: Mapping[str, str] | None = None, options: Mapping[str, str] | None = None
) -> Settings:
    """Read the settings from environment variables; an empty one counts as not set.

    Args:
        environ: The environment; None for that of this process.
        options: Settings that were given on the command line, by their names here; they take the
            place of variables.

    Raises:
        SettingsError: A ``TENKYO_`` variable is not a setting (the error names the nearest one),
            its value is invalid, or the settings contradict each other.
    """
    environ = os.environ if environ is None else environ
    given = {
        name.removeprefix(PREFIX).lower(): value
        for name, value in environ.items()
        if name.startswith(PREFIX) and value
    }
    for name in given:
        if name not in Settings.model_fields:
            near = difflib.get_close_matches(name, Settings.model_fields, 1, 0.5)
            hint = f"did you mean {PREFIX}{near[0].upper()}?" if near else "see docs/operations.md"
            expected = f"there is no such setting; {hint}"
            raise SettingsError(PREFIX + name.upper(), given[name], expected)
    given = _with_options(_with_checker(given), options or {})
    try:
        settings = Settings.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        meaning = Settings.model_fields[name].description
        raise SettingsError(
            PREFIX + name.upper(), given[name], f"{first['msg']} ({meaning})"
        ) from None
    _check_servers(settings)
    _check_judge(settings)
    return settings


def _with_checker(given: dict[str, str]) -> dict[str, str]:
    """Read a classifier in ``judge``, which was the name of ``checker``, as that."""
    value = given.get("judge", "auto")
    if value in get_args(JudgeUse):
        return given
    # "OFF", "0" or "false" must not be taken for a classifier, and leave a judge on.
    if "checker" in given or not ({"/", "\\"} & set(value) or Path(value).is_dir()):
        raise SettingsError(
            "TENKYO_JUDGE", value, "use auto, llm or off; the classifier is TENKYO_CHECKER's"
        )
    logger.warning(
        "TENKYO_JUDGE=%s is taken as TENKYO_CHECKER, the new name of that setting: rename it"
        " (TENKYO_JUDGE is now auto, llm or off)",
        value,
    )
    return {name: each for name, each in given.items() if name != "judge"} | {"checker": value}


def _with_options(given: dict[str, str], options: Mapping[str, str]) -> dict[str, str]:
    """Let options take the place of variables.

    The address of another model leaves out what the variables say of theirs; above all its key,
    which must not be sent to another server.
    """
    url = options.get("llm_url")
    of_another = set() if url is None else {"llm_gguf"}
    if url is not None and given.get("llm_url", url) != url:
        of_another |= {"llm_model", "llm_key"}
        if "judge_url" not in given:  # the judge is on the same server
            of_another |= {"judge_model", "judge_key"}
    return {n: each for n, each in given.items() if n not in of_another} | dict(options)


def _check_servers(settings: Settings) -> None:
    """Raise SettingsError for a URL or key that cannot be one, or a key or name without a URL."""
    for model in ("llm", "judge", "embedder", "reranker"):
        url, key = getattr(settings, f"{model}_url"), getattr(settings, f"{model}_key")
        if url and not _is_url(url):
            expected = "use a URL such as http://127.0.0.1:8080/v1"
            raise SettingsError(f"{PREFIX}{model.upper()}_URL", url, expected)
        if not (key.isascii() and key.isprintable()):
            expected = "there is a character in it that no key has: copy it again"
            raise SettingsError(f"{PREFIX}{model.upper()}_KEY", key, expected)
    for name in ("embedder_model", "embedder_key", "reranker_key"):
        url = name.partition("_")[0] + "_url"
        if (given := getattr(settings, name)) and not getattr(settings, url):
            expected = f"there is no server for it: set {PREFIX}{url.upper()} too"
            raise SettingsError(PREFIX + name.upper(), given, expected)


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _check_judge(settings: Settings) -> None:
    """Raise SettingsError if the judge that is asked for has no server, or too small a window."""
    if settings.judge == "off":
        return
    if 0 < settings.judge_window < MIN_WINDOW:
        raise SettingsError(
            "TENKYO_JUDGE_WINDOW", settings.judge_window, f"use {MIN_WINDOW} or more, or 0"
        )
    if settings.judge_model and not (settings.judge_url or settings.llm_url):
        expected = "there is no server to ask for it: set TENKYO_JUDGE_URL too"
        raise SettingsError("TENKYO_JUDGE_MODEL", settings.judge_model, expected)
    model = settings.judge_url or settings.llm_url or settings.llm_gguf
    if settings.judge == "llm" and not model:
        raise SettingsError(
            "TENKYO_JUDGE",
            settings.judge,
            "there is no language model to judge: set TENKYO_JUDGE_URL or TENKYO_LLM_URL, or"
            " TENKYO_JUDGE=auto",
        )
