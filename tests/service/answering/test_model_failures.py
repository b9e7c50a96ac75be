"""What the reader and the log are told when the language model fails while it answers."""

from __future__ import annotations

import ast
import asyncio
import json
import re
from collections.abc import Callable
from pathlib import Path
from traceback import extract_tb

import httpx
import pytest

from corpus.errors import ModelError, ModelUnavailable
from service.answering.model_failures import describe_failure
from service.connection.choice import ModelChoice, with_choice
from service.disclosure import public
from service.generation import llm
from service.generation.llm import ChatModel
from service.server.language_models import create_answer_model
from service.settings import read_settings

Does = httpx.Response | Exception | Callable[[], httpx.Response]

URL = "http://10.0.0.7:9999/v1"
RAW = "sk-raw words of the server"
SAID = f"data: {json.dumps({'choices': [{'delta': {'content': 'The sun is hot [1]. '}}]})}\n\n"
LONG = "x" * 1_100_000

OUTCOMES = {
    "quoted": (
        "The language model failed: {} These are the sources' own words.",
        "言語モデルが使えません。{}資料の文をそのまま示します。",
    ),
    "nothing": (
        "The language model failed: {} No sentence of the sources answers by itself.",
        "言語モデルが使えません。{}そのまま答えになる資料の文もありません。",
    ),
    "cut short": (
        "The language model failed partway: {} The sentences checked by then are shown.",
        "言語モデルが途中で止まりました。{}それまでに確かめた文だけを示します。",
    ),
}
UNREACHABLE = (
    "its server does not answer. Start it, or connect another model under “Change the model” on the"
    " start page, or ask whoever runs this service.",
    "サーバーが応答しません。サーバーを起動するか、最初の画面の「モデルを変更」で別のモデルを接続するか、"
    "管理者に連絡してください。",
)
SLOW = (
    "it took too long. Ask again, or connect a faster model under “Change the model” on the start"
    " page, or ask whoever runs this service to wait longer for it.",
    "時間がかかりすぎました。もう一度質問するか、最初の画面の「モデルを変更」でもっと速いモデルを"
    "接続するか、待ち時間を延ばすよう管理者に連絡してください。",
)
KEY = (
    "its server refuses the key. Connect it again with the right key under “Change the model” on"
    " the start page, or ask whoever runs this service.",
    "サーバーがキーを受け付けません。最初の画面の「モデルを変更」で正しいキーを入れて接続し直すか、"
    "管理者に連絡してください。",
)
ADDRESS = (
    "what answers at its address is no language model. Connect it again under “Change the model” on"
    " the start page, or ask whoever runs this service.",
    "そのアドレスで応答したのは言語モデルではありません。最初の画面の「モデルを変更」で接続し直すか、"
    "管理者に連絡してください。",
)
NAME_OR_ADDRESS = (
    "there is no model of this name at its address. Correct its name, or its address, which mostly"
    " ends in /v1, under “Change the model” on the start page, or ask whoever runs this service.",
    "そのアドレスにその名前のモデルがありません。最初の画面の「モデルを変更」でモデルの名前とアドレス"
    "（多くは末尾が /v1）を直すか、管理者に連絡してください。",
)
UNREADABLE = (
    "its reply cannot be read. Ask again, or connect another model under “Change the model” on the"
    " start page; the log of the service says more.",
    "応答を読み取れません。もう一度質問するか、最初の画面の「モデルを変更」で別のモデルを接続して"
    "ください。詳しくはサービスのログにあります。",
)
BUSY = (
    "its server is overloaded or broken. Ask again in a moment, or ask whoever runs this service to"
    " look at it.",
    "サーバーが混み合っているか、故障しています。しばらくしてもう一度質問するか、"
    "管理者に連絡してください。",
)
REFUSED = (
    "its server refuses the question. Ask again, or connect another model under “Change the model”"
    " on the start page; the log of the service says more.",
    "サーバーが質問を受け付けません。もう一度質問するか、最初の画面の「モデルを変更」で別のモデルを"
    "接続してください。詳しくはサービスのログにあります。",
)
ERROR = (
    "it stopped with an error. Ask again, or connect another model under “Change the model” on the"
    " start page; the log of the service says more.",
    "エラーが起きました。もう一度質問するか、最初の画面の「モデルを変更」で別のモデルを接続して"
    "ください。詳しくはサービスのログにあります。",
)


class Endless(httpx.AsyncByteStream):
    """A stream that is never silent and never ends."""

    async def __aiter__(self):
        while True:
            yield b": still at it\n\n"
            await asyncio.sleep(0)


def refusing(status: int) -> httpx.Response:
    return httpx.Response(status, json={"error": {"message": RAW}}, headers={"retry-after": "60"})


def streamed(text: str = "", stream: httpx.AsyncByteStream | None = None) -> httpx.Response:
    headers = {"content-type": "text/event-stream"}
    if stream:
        return httpx.Response(200, headers=headers, stream=stream)
    return httpx.Response(200, headers=headers, text=text)


PAGE = httpx.Response(200, text=f"<html>{RAW}</html>")
DOWN = httpx.ConnectError(RAW)
FAILURES: dict[
    str, tuple[Does, tuple[str, str]]
] = {  # by what the server does: that, and what the reader is told
    "no connection": (DOWN, UNREACHABLE),
    "no route": (httpx.ConnectTimeout(RAW), UNREACHABLE),
    "lost connection": (httpx.ReadError(RAW), UNREACHABLE),
    "silence": (httpx.ReadTimeout(RAW), SLOW),
    "endless stream": (lambda: streamed(stream=Endless()), SLOW),
    "no key": (refusing(401), KEY),
    "wrong key": (refusing(403), KEY),
    "page": (PAGE, ADDRESS),
    "other JSON": (httpx.Response(200, json=[RAW]), ADDRESS),
    "redirect": (refusing(308), ADDRESS),
    "no such method": (refusing(405), ADDRESS),
    "not found": (refusing(404), NAME_OR_ADDRESS),
    "empty stream": (streamed(), UNREADABLE),
    "garbled after a sentence": (streamed(f"{SAID}data: {{garbled\n\n"), UNREADABLE),
    "line without end": (streamed(f"data: {LONG}"), UNREADABLE),
    "too much": (httpx.Response(200, text=LONG), UNREADABLE),
    "half a reply": (httpx.Response(200, text='{"choices": [{"mess'), UNREADABLE),
    "empty reply": (httpx.Response(200, text=""), UNREADABLE),
    "too many requests": (refusing(429), BUSY),
    "broken": (refusing(500), BUSY),
    "overloaded": (refusing(503), BUSY),
    "bad request": (refusing(400), REFUSED),
    "no credit": (refusing(402), REFUSED),
    "too long": (refusing(413), REFUSED),
    "error for a reply": (httpx.Response(200, json={"error": RAW}), ERROR),
    "error in a stream": (streamed(f"{SAID}data: {json.dumps({'error': RAW})}\n\n"), ERROR),
}


def failure(does: Does, model: ChatModel) -> ModelError:
    def handle(request: httpx.Request) -> httpx.Response:
        if isinstance(does, Exception):
            raise does
        return does if isinstance(does, httpx.Response) else does()

    async def run() -> None:
        model._client = httpx.AsyncClient(transport=httpx.MockTransport(handle))
        async for _ in model.stream([]):
            pass

    with pytest.raises(ModelError) as raised:
        asyncio.run(run())
    return raised.value


def failing(case: str) -> ModelError:
    seconds = 0.01 if case == "endless stream" else 60
    return failure(FAILURES[case][0], ChatModel(URL, "m", timeout=seconds))


def assert_told(error: ModelError, told: tuple[str, str]) -> None:
    for outcome, around in OUTCOMES.items():
        for language, words, fault in zip(("en", "ja"), around, told, strict=True):
            said = describe_failure(error, outcome, language)
            assert said == words.format(fault)
            assert public({"mode": "abstained", "reason": said})["reason"] == said
        assert not re.search("[A-Za-z]", said.replace("/v1", "")), said


@pytest.mark.parametrize("case", FAILURES)
def test_reader_is_told_what_to_do_and_nothing_of_the_server(case):
    assert_told(failing(case), FAILURES[case][1])


def test_no_kind_of_error_is_left_out():
    """Each place where the client raises an error is one where a case above comes from."""
    file = Path(llm.__file__)
    raises = {
        node.lineno: range(node.lineno, (node.end_lineno or 0) + 1)
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Raise) and node.exc
    }
    met = set()
    for case in FAILURES:
        frames = extract_tb(failing(case).__traceback__)
        line = [frame.lineno for frame in frames if frame.filename == str(file)][-1]
        met |= {first for first, lines in raises.items() if line in lines}
    assert met == set(raises) and len(met) > 5


def test_every_status_is_said_in_the_readers_language():
    for status in range(300, 600):
        said = describe_failure(ModelUnavailable(RAW, status), "quoted", "ja")
        assert not re.search("[A-Za-z]", said.replace("/v1", "")), (status, said)


def test_error_of_a_model_of_ones_own_is_for_the_log():
    assert_told(ModelUnavailable("the parrot at http://x is asleep: wake it"), ERROR)


@pytest.mark.parametrize("does", [refusing(401), refusing(404), PAGE, DOWN])
def test_log_names_the_page_for_a_model_that_was_connected_there(does):
    choice = ModelChoice(URL, "m", "key")
    for environ, chosen in (({}, True), ({"TENKYO_LLM_URL": URL, "TENKYO_LLM_MODEL": "m"}, False)):
        model = create_answer_model(with_choice(read_settings(environ), choice))
        assert model is not None
        said = str(failure(does, model))
        assert ("“Change the model” on the page" in said) is chosen, said
        assert ("TENKYO_LLM_URL" in said) is not chosen, said
