"""The settings, read from environment variables; nothing else reads the environment."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from corpus.errors import SettingsError
from index.inference.model_registry import BUNDLED_EMBEDDER

PREFIX = "TENKYO_"


class Settings(BaseModel):
    """All settings; each is an environment variable ``TENKYO_<NAME>``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    data_dir: Path = Field(
        default=Path("data"), description="folder of the database, index and models"
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
        default=BUNDLED_EMBEDDER, description="embedding model: bundled:…, a folder or a hub id"
    )
    judge: str = Field(
        default="",
        description="model that verifies claims: a folder or hub id; empty: the bundled one",
    )
    llm_url: str = Field(
        default="", description="OpenAI-compatible base URL, such as …/v1; empty: none"
    )
    llm_model: str = Field(default="", description="model to use at that URL; empty: its first")
    llm_key: str = Field(default="", description="API key for that URL", repr=False)
    llm_gguf: str = Field(
        default="", description="GGUF file, or hub reference, to run in the process"
    )
    llm_window: int = Field(
        default=4096, ge=1500, description="context window of the model, in tokens"
    )
    llm_timeout: float = Field(
        default=60, gt=0, description="seconds to wait for more of the model's text"
    )
    top_k: int = Field(default=8, ge=1, le=50, description="passages of evidence in an answer")
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
    def address(self) -> str:
        """Return the address to print: the public one, or that on this machine."""
        host = "127.0.0.1" if self.host in ("", "0.0.0.0", "::") else self.host
        return self.public_url or f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

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

        They are those of ``hosts``, that of ``public_url``, and ``host`` if it is a name; None
        allows any.
        """
        names = [name.strip() for name in self.hosts.split(",") if name.strip()]
        if self.public_url:
            names.append(urlsplit(self.public_url).hostname or "")
        if any(char.isalpha() for char in self.host) and ":" not in self.host:
            names.append(self.host)
        return None if "*" in names else names

    @property
    def cache_dir(self) -> Path:
        """Return the folder of what was fetched from the web."""
        return self.data_dir / "fetched"


def read_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from environment variables; an empty one counts as not set.

    Args:
        environ: The environment; None for that of this process.

    Raises:
        SettingsError: A ``TENKYO_`` variable is not a setting (the error names the nearest one),
            or its value is invalid.
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
    try:
        return Settings.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        meaning = Settings.model_fields[name].description
        raise SettingsError(
            PREFIX + name.upper(), given[name], f"{first['msg']} ({meaning})"
        ) from None
