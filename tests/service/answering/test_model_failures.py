"""What the reader and the log are told when the language model fails while it answers."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest

from corpus.errors import ModelError, ModelUnavailable
from service.answering.model_failures import describe_failure
from service.connection.choice import ModelChoice, with_choice
from service.disclosure import public
from service.generation.llm import ChatModel
from service.server.language_models import create_answer_model
from service.settings import read_settings

URL = "http://10.0.0.7:9999/v1"
RAW = "sk-raw words of the server"
SAID = f"data: {json.dumps({'choices': [{'delta': {'content': 'The sun is hot [1]. '}}]})}\n\n"


def refusing(status: int) -> httpx.Response:
    return httpx.Response(status, json={"error": {"message": RAW}}, headers={"retry-after": "60"})


def streamed(text: str) -> httpx.Response:
    return httpx.Response(200, headers={"content-type": "text/event-stream"}, text=text)


FAILURES = [
    # what the server does, and what the reader is told in English and in Japanese
    (refusing(401), "the right key", "正しいキー"),
    (refusing(403), "the right key", "正しいキー"),
    (refusing(404), "Correct its name, or its address", "モデルの名前とアドレス"),
    (refusing(429), "Ask again in a moment", "しばらくして"),
    (refusing(503), "Ask again in a moment", "しばらくして"),
    (refusing(400), "Ask again, or connect another", "別のモデルを接続"),
    (httpx.Response(200, text=f"<html>{RAW}</html>"), "Connect it again", "接続し直す"),
    (httpx.Response(200, json={"error": RAW}), "the log of the service", "サービスのログ"),
    (streamed(""), "its reply cannot be read. Ask again", "応答を読み取れません"),
    (streamed(SAID + "data: {garbled\n\n"), "cannot be read. Ask again", "応答を読み取れません"),
    (streamed("data: " + "x" * 1_100_000), "cannot be read. Ask again", "応答を読み取れません"),
    (httpx.Response(200, text="x" * 1_100_000), "cannot be read. Ask", "応答を読み取れません"),
    (
        httpx.Response(200, text='{"choices": [{"mess'),
        "cannot be read. Ask",
        "応答を読み取れません",
    ),
    (httpx.Response(200, text=""), "its reply cannot be read. Ask again", "応答を読み取れません"),
    (httpx.ReadTimeout(RAW), "connect a faster model", "もっと速いモデル"),
    (httpx.ConnectError(RAW), "Start it", "サーバーを起動"),
]


def failure(does: httpx.Response | Exception, model: ChatModel) -> ModelError:
    def handle(request: httpx.Request) -> httpx.Response:
        if isinstance(does, Exception):
            raise does
        return does

    async def run() -> None:
        model._client = httpx.AsyncClient(transport=httpx.MockTransport(handle))
        async for _ in model.stream([]):
            pass

    with pytest.raises(ModelError) as raised:
        asyncio.run(run())
    return raised.value


@pytest.mark.parametrize(("does", "english", "japanese"), FAILURES)
def test_reader_is_told_what_to_do_and_nothing_of_the_server(does, english, japanese):
    error = failure(does, ChatModel(URL, "m"))
    for language, fix in (("en", english), ("ja", japanese)):
        for outcome in ("quoted", "nothing", "cut short"):
            said = describe_failure(error, outcome, language)
            assert fix in said and "\n" not in said, said
            for hidden in ("10.0.0.7", "9999", "http", "sk-raw", "words of", "TENKYO", "{"):
                assert hidden not in said
            stored = {"mode": "abstained", "reason": said}
            assert public(stored)["reason"] == said
    assert describe_failure(error, "quoted", "en").endswith("These are the sources' own words.")


def test_error_of_a_model_of_ones_own_is_shown_in_short():
    said = describe_failure(ModelUnavailable("the parrot at http://x is asleep: wake it"), "quoted", "en")  # fmt: skip
    assert said.startswith("The language model failed: the parrot is asleep. Ask again")


@pytest.mark.parametrize("does", [refusing(401), refusing(404), FAILURES[6][0], FAILURES[-1][0]])
def test_log_names_the_page_for_a_model_that_was_connected_there(does):
    choice = ModelChoice(URL, "m", "key")
    for environ, chosen in (({}, True), ({"TENKYO_LLM_URL": URL, "TENKYO_LLM_MODEL": "m"}, False)):
        model = create_answer_model(with_choice(read_settings(environ), choice))
        assert model is not None
        said = str(failure(does, model))
        assert ("“Change the model” on the page" in said) is chosen, said
        assert ("TENKYO_LLM_URL" in said) is not chosen, said
