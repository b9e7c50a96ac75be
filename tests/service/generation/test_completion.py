"""Whole replies of chat models: structured output, usage and servers that refuse a schema."""

import asyncio
import json

import httpx
import pytest

from corpus.errors import ModelBadOutput, ModelUnavailable
from service.generation.llm import ChatModel
from service.generation.prompts import estimate_tokens

MESSAGES = [{"role": "user", "content": "hello"}]
SCHEMA = {"type": "object", "properties": {}, "required": []}


def answer(text="{}", **more):
    return httpx.Response(200, json={"choices": [{"message": {"content": text}}], **more})


def complete(handler, times=1, url="http://llm/v1", **settings):
    async def run():
        model = ChatModel(url, "m", transport=httpx.MockTransport(handler))
        try:
            return [await model.complete(MESSAGES, 77, **settings) for _ in range(times)]
        finally:
            await model.aclose()

    return asyncio.run(run())


def test_request_has_schema_and_limits():
    seen = {}

    def server(request):
        seen.update(json.loads(request.content))
        return answer("x", usage={"prompt_tokens": 5, "completion_tokens": 2})

    (got,) = complete(server, schema=SCHEMA)
    assert (got.text, got.prompt_tokens, got.completion_tokens) == ("x", 5, 2)
    assert seen["temperature"] == 0 and seen["max_tokens"] == 77 and seen["stream"] is False
    assert seen["messages"] == MESSAGES
    form = seen["response_format"]
    assert form["type"] == "json_schema" and form["json_schema"]["strict"] is True
    assert form["json_schema"]["schema"] == SCHEMA and form["json_schema"]["name"]


def test_without_schema_nothing_is_said_of_the_form():
    def server(request):
        assert "response_format" not in json.loads(request.content)
        return answer("x")

    assert complete(server)[0].text == "x"


@pytest.mark.parametrize("status", [400, 404, 415, 422, 501])
def test_server_that_refuses_schema_is_asked_without_it_from_then_on(status):
    asked = []

    def server(request):
        asked.append("response_format" in json.loads(request.content))
        return httpx.Response(status) if asked[-1] else answer("x")

    assert [got.text for got in complete(server, times=2, schema=SCHEMA)] == ["x", "x"]
    assert asked == [True, False, False]


def test_refusal_that_has_another_cause_is_not_remembered():
    """A prompt that is too long is refused with and without a schema."""
    asked = []

    def server(request):
        asked.append("response_format" in json.loads(request.content))
        return answer("x") if len(asked) > 2 else httpx.Response(400)

    async def run():
        model = ChatModel("http://llm/v1", "m", transport=httpx.MockTransport(server))
        with pytest.raises(ModelUnavailable, match="400"):
            await model.complete(MESSAGES, 9, SCHEMA)
        await model.complete(MESSAGES, 9, SCHEMA)
        await model.aclose()

    asyncio.run(run())
    assert asked == [True, False, True]


def test_other_error_is_not_tried_without_schema():
    asked = []

    def server(request):
        asked.append(1)
        return httpx.Response(401)

    with pytest.raises(ModelUnavailable, match="401"):
        complete(server, schema=SCHEMA)
    assert len(asked) == 1


@pytest.mark.parametrize("usage", [None, {}, {"prompt_tokens": "5"}, {"prompt_tokens": -1}, [1]])
def test_usage_that_the_server_does_not_say_is_estimated(usage):
    (got,) = complete(lambda request: answer("four words of text", usage=usage))
    assert got.prompt_tokens == estimate_tokens("hello")
    assert got.completion_tokens == estimate_tokens("four words of text")


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (httpx.Response(200, text="<html>"), ModelBadOutput),
        (httpx.Response(200, json={"choices": [{"message": {"content": 5}}]}), ModelBadOutput),
        (httpx.Response(200, text="x" * 1_100_000), ModelBadOutput),
        (httpx.Response(200, json={"error": {"message": "no memory"}}), ModelUnavailable),
    ],
)
def test_reply_that_is_no_chat_completion_is_an_error(response, error):
    with pytest.raises(error):
        complete(lambda request: response)


def test_unreachable_server_is_an_error():
    def server(request):
        raise httpx.ConnectError("refused")

    with pytest.raises(ModelUnavailable, match="cannot be reached"):
        complete(server)


def test_host_and_address_have_no_credentials():
    model = ChatModel("https://user:secret@llm.example:8443/v1/?key=abc")
    assert model.host == "llm.example:8443"
    assert model.address == "llm.example:8443/v1/"
    asyncio.run(model.aclose())
