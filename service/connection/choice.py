"""The language model that was chosen on the page, kept in the data folder.

``model.json`` has the address and the name; ``model.key`` has the key, which only its owner may
read, and the address that it is for. The key is written nowhere else, and sent nowhere else.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from corpus.errors import StoreError
from service.settings import Settings

Stamp = tuple[int, int]  # changes with each choice that is kept
_FILE, _KEY = "model.json", "model.key"


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """A model on a server of the OpenAI chat-completions API.

    Attributes:
        url: Base URL of the server, without credentials.
        model: Its name there.
        key: The API key; empty for none.
    """

    url: str
    model: str
    key: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class KeptChoice:
    """The choice as it was kept at one moment; both are None if there was none."""

    choice: ModelChoice | None
    stamp: Stamp | None


class ChoiceFile:
    """The choice in a data folder, which several processes may read.

    A file that is damaged counts as no choice.
    """

    def __init__(self, folder: Path) -> None:
        self._file, self._key = folder / _FILE, folder / _KEY

    def stamp(self) -> Stamp | None:
        """Return what changes when another choice is kept; None if there is none."""
        try:
            return _stamp(self._file.stat())
        except OSError:
            return None

    def look(self) -> KeptChoice:
        """Return the choice with its stamp, which is no newer."""
        stamp = self.stamp()
        return KeptChoice(self.read(), stamp)

    def read(self) -> ModelChoice | None:
        """Return the choice; None if there is none."""
        try:
            value = json.loads(self._file.read_text(encoding="utf-8"))
            url, model = value["url"], value["model"]
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None
        whole = isinstance(url, str) and isinstance(model, str) and url and model
        if not whole or base_url(url) != url:
            return None
        return ModelChoice(url, model, self._key_of(url))

    def _key_of(self, url: str) -> str:
        try:
            value = json.loads(self._key.read_text(encoding="utf-8"))
            fits = value["url"] == url and may_be_key(value["key"])
            return str(value["key"]) if fits else ""
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return ""

    def keep(self, choice: ModelChoice) -> Stamp:
        """Keep a choice in place of the last one, and return its stamp.

        Raises:
            StoreError: The data folder cannot be written.
        """
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            if choice.key:
                _replace(self._key, json.dumps({"url": choice.url, "key": choice.key}))
            stamp = _replace(self._file, json.dumps({"url": choice.url, "model": choice.model}))
            if not choice.key:
                self._key.unlink(missing_ok=True)
            return stamp
        except OSError as error:
            raise _unwritable(error) from error

    def forget(self) -> None:
        """Remove the choice and its key.

        Raises:
            StoreError: The data folder cannot be written.
        """
        try:
            self._file.unlink(missing_ok=True)
            self._key.unlink(missing_ok=True)
        except OSError as error:
            raise _unwritable(error) from error


def base_url(text: str) -> str:
    """Return the base URL that a person means; empty if the text is none.

    Names and passwords in it are refused, since addresses are shown.
    """
    text = text.strip()
    text = text if "://" in text else f"http://{text}"
    try:
        parts = urlsplit(text)
        good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        return ""
    if not good or "@" in parts.netloc or re.search(r"[\s\x00-\x1f\x7f]", text) or len(text) > 500:
        return ""
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def may_be_key(key: object) -> bool:
    """Return whether something can be an API key: no other text can be sent as one."""
    return isinstance(key, str) and key.isascii() and key.isprintable()


def is_fixed(settings: Settings) -> bool:
    """Return whether the environment or the command line says which model to use, or that none."""
    return not {"llm_url", "llm_gguf"}.isdisjoint(settings.model_fields_set)


def with_choice(settings: Settings, choice: ModelChoice | None) -> Settings:
    """Return the settings with a chosen model, unless they have one of their own.

    What they say of a model without a server is left out, above all a key: it belongs to another.
    """
    if choice is None or is_fixed(settings):
        return settings
    update = {"llm_url": choice.url, "llm_model": choice.model, "llm_key": choice.key}
    if not settings.judge_url:  # the judge is on the same server
        update |= {"judge_model": "", "judge_key": ""}
    values = dict(settings) | update
    # What was set stays apart from what was chosen: see ``is_chosen``.
    return Settings.model_construct(_fields_set=set(settings.model_fields_set), **values)


def is_chosen(settings: Settings) -> bool:
    """Return whether settings have the model that was chosen on the page, by ``with_choice``."""
    return bool(settings.llm_url) and not is_fixed(settings)


def with_kept_choice(settings: Settings) -> Settings:
    """Return the settings with the model that was chosen on the page, where they have none."""
    return with_choice(settings, ChoiceFile(settings.data_dir).read())


def _replace(path: Path, text: str) -> Stamp:
    """Write a file that only its owner may read, in one step; return its stamp."""
    handle, name = tempfile.mkstemp(dir=path.parent, suffix=".part")  # with mode 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        stamp = _stamp(os.stat(name))
        os.replace(name, path)
        return stamp
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise


def _stamp(found: os.stat_result) -> Stamp:
    return found.st_mtime_ns, found.st_ino


def _unwritable(error: OSError) -> StoreError:
    return StoreError(
        f"the chosen model cannot be kept ({error.strerror}): make TENKYO_DATA_DIR writable",
        "the choice cannot be kept: the data folder must be writable, and its disk not full",
    )
