"""The embedder on a server, against a local one that speaks OpenAI's protocol well or badly."""

from __future__ import annotations

import json
import logging
import math
from pathlib import Path

import huggingface_hub.constants
import numpy as np
import pytest
from fastapi import FastAPI, Response

from corpus.errors import ModelBadOutput, ModelError, ModelUnavailable
from index.inference import http_embedder
from index.inference.batch_scheduler import BatchScheduler
from index.inference.embedding_prompts import CONFIGURATION, Prompts, choose_prompts, prompts_of
from index.inference.http_embedder import HttpEmbedder
from index.inference.shared_models import SERVER_TOKENS, SharedEmbedder
from service.problems import as_problem
from tests.support.live_server import served
from tests.support.model_servers import DIM, embeddings_app, hashed, replying

TEXTS = [f"Passage {n} speaks of {n * 7} maps." for n in range(70)]


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.mark.server
def test_vectors_have_length_one_and_keep_their_order() -> None:
    app = embeddings_app()
    with served(app) as url:
        embedder = HttpEmbedder(f"{url}/v1")
        vectors = embedder.embed_passages(TEXTS)
        assert embedder.dim == DIM and embedder.name == "m"
        np.testing.assert_allclose(vectors, unit(hashed(TEXTS)), atol=1e-6)
        assert vectors.dtype == np.float32
        assert max(map(len, app.state.inputs)) == http_embedder.BATCH
        query = embedder.embed_query("maps")
        np.testing.assert_allclose(query, unit(hashed(["maps"]))[0], atol=1e-6)
        assert embedder.embed_queries([]).shape == embedder.embed_passages([]).shape == (0, DIM)


@pytest.mark.server
def test_texts_of_many_threads_share_requests() -> None:
    app = embeddings_app()
    with served(app) as url:
        shared = SharedEmbedder(HttpEmbedder(f"{url}/v1"), BatchScheduler(), SERVER_TOKENS)
        np.testing.assert_allclose(shared.embed_passages(TEXTS), unit(hashed(TEXTS)), atol=1e-6)
    assert len(app.state.inputs) == math.ceil(len(TEXTS) / http_embedder.BATCH)


@pytest.mark.server
@pytest.mark.parametrize("end", ["/v1", "/v1/", "/v1/embeddings"])
def test_key_and_model_are_sent_to_the_url(end: str) -> None:
    app = embeddings_app(key="secret", models=["first", "second"])
    with served(app) as url:
        HttpEmbedder(url + end, "second", "secret").embed_query("x")
        assert HttpEmbedder(url + end, "", "secret").name == "first"
    assert app.state.models == ["second"]


@pytest.mark.server
def test_prompts_of_the_configuration_go_before_questions_and_passages(tmp_path: Path) -> None:
    prompts = {"prompts": {"query": "search_query: ", "document": "search_document: "}}
    (tmp_path / CONFIGURATION).write_text(json.dumps(prompts))
    app = embeddings_app()
    with served(app) as url:
        embedder = HttpEmbedder(f"{url}/v1", "m", described_by=str(tmp_path))
        embedder.embed_query("Who?")
        embedder.embed_passages(["It was me."])
    assert app.state.inputs == [["search_query: Who?"], ["search_document: It was me."]]


@pytest.mark.parametrize(
    ("prompts", "default", "wanted"),
    [
        ({"query": "q: ", "passage": "p: "}, None, ("q: ", "p: ")),
        ({"query": "q: ", "document": "d: "}, "document", ("q: ", "d: ")),
        ({"query": "q: ", "document": "d: ", "passage": "p: "}, None, ("q: ", "p: ")),
        ({"retrieval.query": "q: ", "retrieval.passage": "p: "}, None, ("q: ", "p: ")),
        ({"Retrieval-query": "q: ", "Retrieval-document": "d: "}, None, ("q: ", "d: ")),
        ({"query": "Instruct: find\nQuery:", "document": ""}, None, ("Instruct: find\nQuery:", "")),
        ({"query": "q: ", "STS": "s: "}, "STS", ("q: ", "s: ")),
        ({"jquery": "q: ", "STS": "s: "}, None, ("", "")),
        ({"query": None, "corpus": None}, None, ("", "")),
        ({}, "query", ("", "")),
    ],
)
def test_prompts_are_found_under_the_names_that_models_use(
    prompts: dict[str, str | None], default: str | None, wanted: tuple[str, str]
) -> None:
    assert choose_prompts(prompts, default) == wanted


def test_prompts_of_a_hub_id_are_read_from_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    model = tmp_path / "models--owner--name"
    (model / "refs").mkdir(parents=True)
    (model / "refs/main").write_text("c0ffee")
    (model / "snapshots/c0ffee").mkdir(parents=True)
    (model / "snapshots/c0ffee" / CONFIGURATION).write_text('{"prompts": {"query": "q: "}}')
    assert prompts_of("owner/name") == Prompts("q: ", "")
    assert prompts_of("bge-m3:latest") == Prompts() and not caplog.records
    assert prompts_of("owner/unknown") == Prompts()
    (record,) = caplog.records
    assert "owner/unknown" in record.getMessage() and "TENKYO_EMBEDDER" in record.getMessage()


@pytest.mark.parametrize("content", ["{", "[]", '{"prompts": [1]}', '{"prompts": {"query": 1}}'])
def test_configuration_that_is_none_gives_no_prompts_and_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, content: str
) -> None:
    (tmp_path / CONFIGURATION).write_text(content)
    assert prompts_of(str(tmp_path)) == Prompts()
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


def vector(*numbers: float, index: int = 0) -> dict[str, object]:
    return {"index": index, "embedding": numbers}


def raw(text: str) -> FastAPI:
    """Make a server that replies with a text that calls itself JSON."""
    app = FastAPI()
    app.post("/{path:path}")(lambda: Response(text, media_type="application/json"))
    return app


@pytest.mark.server
@pytest.mark.parametrize(
    ("app", "says"),
    [
        (replying("<html>Welcome</html>"), "is a web page: set TENKYO_EMBEDDER_URL"),
        (replying("<html>No such page</html>", 404), "has no /embeddings: set TENKYO_EMBEDDER_URL"),
        (replying("https://example.org/", 307), "has no /embeddings: set TENKYO_EMBEDDER_URL"),
        (replying({"error": {"message": "Invalid key"}}, 401), "another key: set TENKYO_EMBEDDER_KEY (it answered 401: Invalid key)"),
        (replying({"detail": "too long"}, 413), "is such a model (it answered 413: too long)"),
        (replying({"data": []}), "TENKYO_EMBEDDER_MODEL to an embedding model"),
        (replying({"data": [vector(1.0, index=1)]}), "a vector for each of 1 texts"),
        (replying({"data": [vector(1.0), vector(1.0)]}), "a vector for each of 1 texts"),
        (replying({"data": [vector()]}), "a vector for each of 1 texts"),
        (replying({"data": [{"index": 0, "embedding": "AAAA"}]}), "a vector for each of 1 texts"),
        (replying({"data": [{"index": 0, "embedding": ["x", None]}]}), "a vector for each"),
        (replying({"data": [vector(10**400)]}), "a vector for each of 1 texts"),
        (replying({"data": [vector(1.0, index=10**400)]}), "a vector for each of 1 texts"),
        (raw('{"data": [{"index": Infinity, "embedding": [1]}]}'), "a vector for each of 1 texts"),
        (replying([1, 2]), "a vector for each of 1 texts"),
        (replying({"choices": []}), "a vector for each of 1 texts"),
    ],
)  # fmt: skip
def test_server_that_does_not_embed_is_named_with_the_fix(app, says: str) -> None:
    with served(app) as url:
        with pytest.raises(ModelError) as caught:
            HttpEmbedder(f"{url}/v1", "m", "wrong").embed_query("x")
        message = str(caught.value)
        assert message.startswith(f"the embedding model at {url}/v1 ") and says in message
    assert "\n" not in message and "wrong" not in message


@pytest.mark.server
def test_key_that_a_server_repeats_is_not_in_the_message() -> None:
    app = replying({"error": {"message": "bad key sk-very-secret"}}, 401)
    with served(app) as url, pytest.raises(ModelUnavailable, match="401: bad key …") as caught:
        HttpEmbedder(f"{url}/v1", "m", "sk-very-secret").embed_query("x")
    assert "secret" not in str(caught.value)


@pytest.mark.server
def test_server_without_models_or_without_the_one_named() -> None:
    with served(embeddings_app(models=[])) as url:
        with pytest.raises(ModelUnavailable, match=r"has no models: .* TENKYO_EMBEDDER_MODEL"):
            HttpEmbedder(f"{url}/v1").embed_query("x")
        with pytest.raises(ModelUnavailable, match=r"TENKYO_EMBEDDER_MODEL .* try pulling it"):
            HttpEmbedder(f"{url}/v1", "other").embed_query("x")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://someone:word@127.0.0.1:9/v1", "http://127.0.0.1:9/v1"),
        ("http://127.0.0.1:9/v1?key=word", "http://127.0.0.1:9/v1"),
        (f"http://{'a' * 70}.test/v1", f"http://{'a' * 70}.test/v1"),  # too long for a name
    ],
)
def test_server_that_is_down_is_named_without_secrets_and_system_errors(
    url: str, shown: str
) -> None:
    with pytest.raises(ModelUnavailable) as caught:
        HttpEmbedder(url, "m").embed_query("x")
    assert str(caught.value) == (
        f"the embedding model at {shown} cannot be reached: start it, or correct"
        " TENKYO_EMBEDDER_URL"
    )


@pytest.mark.server
def test_server_that_is_slow_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_embedder, "TIMEOUT", 0.2)
    with (
        served(replying({}, wait=1.0), patience=0.1) as url,
        pytest.raises(ModelUnavailable, match=r"no answer within 0\.2 s: see whether"),
    ):
        HttpEmbedder(f"{url}/v1", "m").embed_query("x")


@pytest.mark.server
def test_overloaded_server_is_asked_again_for_a_while() -> None:
    app = replying({"error": "slow down"}, 429, **{"retry-after": "0"})
    with served(app) as url, pytest.raises(ModelUnavailable, match=r"overloaded.*429: slow down"):
        HttpEmbedder(f"{url}/v1", "m").embed_query("x")
    assert app.state.asked == 1 + http_embedder.RETRIES


@pytest.mark.server
def test_dimension_that_changes_is_an_error() -> None:
    dims = iter([8, 16])
    app = embeddings_app(lambda texts: hashed(texts, next(dims)))
    with served(app) as url:
        embedder = HttpEmbedder(f"{url}/v1", "m")
        embedder.embed_query("x")
        with pytest.raises(
            ModelBadOutput, match=r"16 dimensions, before with 8.*`tenkyo reindex`"
        ) as caught:
            embedder.embed_query("y")
    assert str(caught.value).startswith(f"the embedding model at {url}/v1 now answers")
    problem = json.loads(bytes(as_problem(caught.value).body))  # what a reader gets
    assert problem["detail"].endswith("must restart it and run `tenkyo reindex`")
    assert url not in problem["detail"]


@pytest.mark.server
def test_dimension_that_changes_between_the_requests_of_one_call_is_an_error() -> None:
    dims = iter([8, 16, 16])
    with (
        served(embeddings_app(lambda texts: hashed(texts, next(dims)))) as url,
        pytest.raises(ModelBadOutput, match=r"16 dimensions, before with 8"),
    ):
        HttpEmbedder(f"{url}/v1", "m").embed_passages(TEXTS)


@pytest.mark.server
def test_number_too_large_is_an_error() -> None:
    app = embeddings_app(lambda texts: np.full((len(texts), 3), 1e300))
    with served(app) as url, pytest.raises(ModelBadOutput, match="a vector for each"):
        HttpEmbedder(f"{url}/v1", "m").embed_query("x")
