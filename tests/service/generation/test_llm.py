"""The client of chat models, with servers that work, misbehave or are unreachable."""

import asyncio
import json

import httpx
import pytest

from corpus.errors import ModelBadOutput, ModelUnavailable
from service.generation.llm import ChatModel

MESSAGES = [{"role": "user", "content": "hello"}]


def frames(*pieces, done=True):
    lines = [json.dumps({"choices": [{"delta": {"content": p}}]}) for p in pieces]
    return "".join(f"data: {line}\n\n" for line in lines) + ("data: [DONE]\n\n" if done else "")


def sse(text, **more):
    return httpx.Response(200, headers={"content-type": "text/event-stream"}, text=text, **more)


def ask(handler, **settings):
    async def run():
        model = ChatModel("http://llm/v1", transport=httpx.MockTransport(handler), **settings)
        try:
            return [piece async for piece in model.stream(MESSAGES)], model.name
        finally:
            await model.aclose()

    return asyncio.run(run())


def test_streams_text_and_sends_the_expected_request():
    seen = {}

    def server(request):
        seen.update(json.loads(request.content), auth=request.headers.get("authorization"))
        return sse(frames("The ", "answer", "。"))

    pieces, name = ask(server, model="m", key="k")
    assert pieces == ["The ", "answer", "。"] and name == "m"
    assert seen["model"] == "m" and seen["stream"] is True and seen["auth"] == "Bearer k"
    assert seen["messages"] == MESSAGES and seen["temperature"] == 0


def test_first_model_is_used_when_none_is_set():
    def server(request):
        if request.url.path.endswith("/models"):
            return httpx.Response(200, json={"data": [{"id": "first"}]})
        assert json.loads(request.content)["model"] == "first"
        return sse(frames("x"))

    assert ask(server) == (["x"], "first")


def test_reply_that_is_not_streamed_is_read():
    answer = {"choices": [{"message": {"content": "whole"}}]}
    assert ask(lambda r: httpx.Response(200, json=answer), model="m")[0] == ["whole"]


@pytest.mark.parametrize("cuts", [1, 3, 7, 1000])
@pytest.mark.parametrize(
    ("reply", "said"),
    [
        ("<think>[1] says so.</think>\n\nIt is so. [1]", "\n\nIt is so. [1]"),
        ("\n<think>\n</think>It is so.", "It is so."),
        ("<think>a < b </thin </think>b", "b"),
        ("  <thin air> is so.", "  <thin air> is so."),
        ("It is <think>so</think>.", "It is <think>so</think>."),
        (" <thi", " <thi"),
    ],
)
def test_thoughts_are_no_part_of_the_text(reply, said, cuts):
    pieces = [reply[at : at + cuts] for at in range(0, len(reply), cuts)]
    assert "".join(ask(lambda request: sse(frames(*pieces)), model="m")[0]) == said


def in_a_field(name):
    return lambda text: f"data: {json.dumps({'choices': [{'delta': {name: text}}]})}\n\n"


@pytest.mark.parametrize(
    "thought",
    [in_a_field("reasoning_content"), in_a_field("reasoning"), lambda text: frames(f"<think>{text}", done=False)],
)  # fmt: skip
def test_model_that_took_all_its_room_to_reason_is_asked_again_with_more(thought):
    room = []

    def server(request):
        room.append(json.loads(request.content)["max_tokens"])
        thoughts = thought("Hm. " * 90)
        if room[-1] < 2000:
            return sse(thoughts + "data: [DONE]\n\n")
        return sse(thoughts + frames("</think>" * ("think>" in thoughts), "It is ", "so."))

    async def run():
        model = ChatModel("http://llm/v1", "m", transport=httpx.MockTransport(server))
        twice = ["".join([piece async for piece in model.stream(MESSAGES)]) for _ in range(2)]
        other = model.named("other")
        await other.stream(MESSAGES).__anext__()
        await model.aclose()
        return twice

    assert asyncio.run(run()) == ["It is so.", "It is so."]
    assert room == [400, 2400, 2400, 400, 2400]


def test_room_for_thoughts_is_none_for_a_longer_answer():
    def server(request):
        return sse(in_a_field("reasoning")("Hm.") + frames(*["It is so. "] * 1000))

    async def run():
        model = ChatModel("http://llm/v1", "m", transport=httpx.MockTransport(server))
        first = [piece async for piece in model.stream(MESSAGES)]
        second = [piece async for piece in model.stream(MESSAGES)]
        await model.aclose()
        return len(first), len(second)

    first, second = asyncio.run(run())
    assert first == 1000 and 50 < second < 200  # the server saw to the length of the first


def test_model_that_only_reasons_gives_nothing():
    assert ask(lambda request: sse(frames("<think>", "and so on")), model="m")[0] == []


def test_retries_once_on_temporary_errors():
    calls = []

    def server(request):
        calls.append(1)
        if len(calls) == 1:
            return httpx.Response(503, headers={"retry-after": "0"})
        return sse(frames("x"))

    assert ask(server, model="m")[0] == ["x"] and len(calls) == 2


@pytest.mark.parametrize(
    ("response", "error", "says"),
    [
        (httpx.Response(401, json={"error": {"message": "bad key"}}), ModelUnavailable, "bad key"),
        (httpx.Response(404, text="<html>"), ModelUnavailable, "TENKYO_LLM_URL"),
        (httpx.Response(429, headers={"retry-after": "60"}), ModelUnavailable, "429"),
        (httpx.Response(200, text="<html>hello</html>"), ModelBadOutput, "chat completion"),
        (httpx.Response(200, json=["x"]), ModelBadOutput, "chat completion"),
        (
            httpx.Response(200, json={"choices": [{"message": {"content": 5}}]}),
            ModelBadOutput,
            "chat",
        ),
        (sse("data: {broken\n\n"), ModelBadOutput, "chat completion"),
        (sse(""), ModelBadOutput, "empty stream"),
        (sse("data: " + "x" * 1_100_000), ModelBadOutput, "without end"),
        (
            sse('data: {"error": {"message": "out of memory"}}\n\n'),
            ModelUnavailable,
            "out of memory",
        ),
    ],
)
def test_invalid_replies_give_one_clear_error(response, error, says):
    with pytest.raises(error) as caught:
        ask(lambda request: response, model="m")
    assert says in str(caught.value) and "\n" not in str(caught.value)


LEAKY = {"error": {"message": "bad key sk-very-secret; see /srv/models/secret/small.gguf"}}


@pytest.mark.parametrize(
    "response",
    [
        lambda: httpx.Response(401, json=LEAKY),
        lambda: httpx.Response(200, json=LEAKY),
        lambda: sse(f"data: {json.dumps(LEAKY)}\n\n"),
    ],
)
def test_words_of_a_server_are_passed_on_without_key_and_paths(response):
    with pytest.raises(ModelUnavailable, match=r"bad key …; see small\.gguf") as caught:
        ask(lambda request: response(), model="m", key="sk-very-secret")
    assert "secret" not in str(caught.value)


def test_login_in_the_address_is_not_in_messages():
    async def run():
        model = ChatModel("http://me:word@127.0.0.1:9/v1", "m")
        try:
            await model.complete(MESSAGES, 5)
        finally:
            await model.aclose()

    with pytest.raises(ModelUnavailable, match=r"at http://127\.0\.0\.1:9/v1 ") as caught:
        asyncio.run(run())
    assert "word" not in str(caught.value)


@pytest.mark.parametrize(
    ("failure", "says"),
    [
        (httpx.ConnectError("connection refused"), "cannot be reached"),
        (httpx.ConnectTimeout(""), r"cannot be reached \(ConnectTimeout\): start it"),
        (httpx.ReadTimeout("slow"), "TENKYO_LLM_TIMEOUT"),
        (httpx.RemoteProtocolError("gone"), "cannot be reached"),
    ],
)
def test_unreachable_or_slow_server_gives_one_clear_error(failure, says):
    def server(request):
        raise failure

    with pytest.raises(ModelUnavailable, match=says):
        ask(server, model="m")


def test_endless_reply_is_given_up():
    """Each piece comes in time; the reply as a whole must end all the same."""

    class Dripping(httpx.AsyncByteStream):
        async def __aiter__(self):
            while True:
                yield b": still at it\n\n"
                await asyncio.sleep(0)

    headers = {"content-type": "text/event-stream"}
    with pytest.raises(ModelUnavailable, match=r"wrote for more than 0\.1 s"):
        ask(
            lambda r: httpx.Response(200, headers=headers, stream=Dripping()),
            model="m",
            timeout=0.01,
        )
