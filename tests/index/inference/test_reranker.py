"""Re-rankers: in this process, on a server of either protocol, and those that fail."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from corpus.errors import ModelError, ModelUnavailable
from index.inference import reranker as module
from index.inference.reranker import CrossEncoderReranker, HttpReranker, ToleratedReranker
from index.types import Floats
from tests.support.live_server import served, unconnectable
from tests.support.model_servers import replying, rerank_app, shared_words
from tests.support.small_models import damage, write_small_reranker

TEXTS = ["Ships lie in the harbour.", "Kanda holds maps of the city.", "A city."]
QUESTION = "Which maps of the city does Kanda hold?"


@pytest.mark.server
@pytest.mark.parametrize("protocol", ["documents", "texts"])
@pytest.mark.parametrize(("path", "end"), [("/rerank", ""), ("/v1/rerank", "/v1"), ("/rerank", "/rerank")])  # fmt: skip
def test_scores_come_in_the_order_of_the_texts(protocol: str, path: str, end: str) -> None:
    app = rerank_app(protocol, key="secret", path=path)
    with served(app) as url:
        reranker = HttpReranker(url + end, "big", "secret")
        for _ in range(2):
            assert reranker.scores(QUESTION, TEXTS).tolist() == shared_words(QUESTION, TEXTS)
        assert reranker.scores(QUESTION, []).shape == (0,)
    # What a server refuses is sent once only.
    assert len(app.state.bodies) == (2 if protocol == "documents" else 3)
    last = app.state.bodies[-1]
    assert last["query"] == QUESTION and last[protocol] == TEXTS
    if protocol == "documents":
        assert (last["model"], last["top_n"]) == ("big", 3)


def scored(*scores: float) -> list[dict[str, float]]:
    return [{"index": n, "relevance_score": score} for n, score in enumerate(scores)]


@pytest.mark.server
@pytest.mark.parametrize(
    ("app", "says"),
    [
        (replying({"results": scored(0.5)}), "scored 1 of 3 passages: set TENKYO_RERANKER_URL"),
        (replying(scored(0.5, 0.4)), "scored 2 of 3 passages"),
        (replying({"results": [{"index": n + 1, "score": 1} for n in range(3)]}), "scored 2 of 3"),
        (replying({"results": [{"index": 0, "score": "high"}]}), "scored 0 of 3 passages"),
        (replying({"results": [{"index": 0}]}), "scored 0 of 3 passages"),
        (replying({"results": scored(1e300, 0.5, 0.4)}), "scored 2 of 3 passages"),
        (replying({"results": scored(10**400, 0.5, 0.4)}), "scored 0 of 3 passages"),
        (replying({"data": []}), "scored 0 of 3 passages"),
        (replying(7), "scored 0 of 3 passages"),
        (replying("<html>Welcome</html>"), "is a web page: set TENKYO_RERANKER_URL"),
        (replying("<html>No</html>", 404), "has no /rerank: set TENKYO_RERANKER_URL"),
        (replying({"message": "no token"}, 403), "another key: set TENKYO_RERANKER_KEY (it answered 403: no token)"),
        (replying({"error": "no such model"}, 422), "TENKYO_RERANKER is such a model (it answered 422: no such model)"),
        (replying({}, 503), "overloaded or broken"),
    ],
)  # fmt: skip
def test_server_that_does_not_rerank_is_named_with_the_fix(app, says: str) -> None:
    with served(app) as url:
        with pytest.raises(ModelError) as caught:
            HttpReranker(url, "m").scores(QUESTION, TEXTS)
        message = str(caught.value)
        assert message.startswith(f"the re-ranker at {url} ") and says in message
    assert "\n" not in message


def test_server_that_is_down_is_named_with_the_fix() -> None:
    with pytest.raises(ModelUnavailable, match=r"cannot be reached: .* TENKYO_RERANKER_URL$"):
        HttpReranker("http://127.0.0.1:9").scores(QUESTION, TEXTS)


@pytest.mark.server
def test_server_without_a_connection_in_time_is_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TIMEOUT", 0.2)
    with unconnectable() as url, pytest.raises(ModelUnavailable, match="cannot be reached: start"):
        HttpReranker(url).scores(QUESTION, TEXTS)


@pytest.mark.server
def test_server_that_is_slow_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TIMEOUT", 0.2)
    with (
        served(replying({}, wait=1.0), patience=0.1) as url,
        pytest.raises(ModelUnavailable, match=r"no answer within 0\.2 s"),
    ):
        HttpReranker(url).scores(QUESTION, TEXTS)


class Scripted:
    """A re-ranker that fails while it is told to."""

    name = "scripted"

    def __init__(self) -> None:
        self.fails, self.asked = False, 0

    def scores(self, question: str, texts: Sequence[str]) -> Floats:
        self.asked += 1
        if self.fails:
            raise ModelUnavailable("it is down: start it")
        return np.array(shared_words(question, texts), np.float32)


def test_order_is_by_score_and_that_of_the_search_among_equals() -> None:
    reranker = ToleratedReranker(Scripted())
    assert reranker.order("city", ["a", "city", "b", "the city"]) == [1, 3, 0, 2]
    assert reranker.order("city", []) == [] and reranker.order("city", ["x"]) == [0]


def test_search_goes_on_without_one_that_fails_and_tries_it_later(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    model = Scripted()
    reranker = ToleratedReranker(model, rest=60)
    model.fails = True
    for _ in range(3):
        assert reranker.order(QUESTION, TEXTS) == [0, 1, 2]
    assert model.asked == 1  # two questions do not wait for it
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage() == ("answering without the re-ranker for 60 s: it is down: start it")
    model.fails = False
    now[0] += 61
    assert reranker.order(QUESTION, TEXTS) == [1, 0, 2]


@pytest.mark.filterwarnings("default")
def test_cross_encoder_of_a_folder(tmp_path: Path) -> None:
    from sentence_transformers import CrossEncoder

    folder = write_small_reranker(tmp_path / "model")
    reranker = CrossEncoderReranker(str(folder))
    texts = [f"w{n} w{n + 1} w{3 * n}" for n in range(9)]
    scores = reranker.scores("w1 w2", texts)
    expected = CrossEncoder(str(folder)).predict([("w1 w2", text) for text in texts])
    np.testing.assert_allclose(scores, expected, atol=1e-6)
    assert scores.dtype == np.float32 and np.ptp(scores) > 0.01
    assert reranker.name == str(folder) and reranker.scores("w1", []).shape == (0,)


@pytest.mark.filterwarnings("default")
def test_model_that_is_no_reranker_is_named_with_the_fix(tmp_path: Path) -> None:
    write_small_reranker(tmp_path / "three", labels=3)
    (tmp_path / "empty").mkdir()
    for name in ("three", "empty", "missing"):
        with pytest.raises(ModelUnavailable, match="set TENKYO_RERANKER to a folder") as caught:
            CrossEncoderReranker(str(tmp_path / name)).scores("w1", ["w1", "w2"])
        assert "\n" not in str(caught.value) and name in str(caught.value)


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("how", ["cut off", "of another size"])
def test_search_goes_on_without_a_damaged_one(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, how: str
) -> None:
    folder = damage(write_small_reranker(tmp_path / "model"), how)
    reranker = ToleratedReranker(CrossEncoderReranker(str(folder)))
    assert reranker.order("w1", ["w2", "w1 w3"]) == [0, 1]
    (record,) = [each for each in caplog.records if each.name == module.__name__]
    assert "set TENKYO_RERANKER to a folder" in record.getMessage()
    assert "\n" not in record.getMessage()
