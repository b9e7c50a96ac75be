"""Tests of the OpenAI classes of LangChain and LlamaIndex, and of the MCP client, pointed here.

LangChain and LlamaIndex are not among Tenkyo's dependencies: the tests are skipped without them.
`make soak` installs LangChain.
"""

import asyncio
import warnings

import httpx
import pytest
from mcp import Client

QUESTION = "How many hours of labelled audio was Whisper trained on?"
ANSWER = "Whisper was trained on 680,000 hours of audio. [1]"
ANY_KEY = "anything"

pytestmark = pytest.mark.filterwarnings("default")  # theirs are none of ours


def imported(module, package):
    """Import a module of a framework, or skip the test, saying what to install."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip(module, reason=f"not installed here: pip install {package}")


# --- LangChain ----------------------------------------------------------------------------------


@pytest.fixture
def chat_openai(url):
    """Make a ChatOpenAI that asks the service."""
    made = imported("langchain_openai", "langchain-openai").ChatOpenAI

    def make(**more):
        return made(base_url=f"{url}/v1", api_key=ANY_KEY, model="tenkyo", max_retries=0, **more)

    return make


def test_langchain_chat_completions(chat_openai):
    assert chat_openai().invoke(QUESTION).content == ANSWER
    joined = None
    for chunk in chat_openai().stream(QUESTION):
        joined = chunk if joined is None else joined + chunk
    assert joined.content == ANSWER


def test_langchain_responses_have_citations(chat_openai):
    model = chat_openai(use_responses_api=True)
    streamed = None
    for chunk in model.stream(QUESTION):
        streamed = chunk if streamed is None else streamed + chunk
    for message in (model.invoke(QUESTION), streamed):
        (block,) = [block for block in message.content if block["type"] == "text"]
        assert block["text"] == ANSWER
        (cited,) = block["annotations"]
        assert block["text"][cited["start_index"] : cited["end_index"]] == "[1]"
        assert cited["url"].startswith("http") and cited["title"]
        assert message.usage_metadata["total_tokens"] > 0


def test_langchain_continues_previous_response(chat_openai, url):
    model = chat_openai(use_responses_api=True, use_previous_response_id=True)
    first = model.invoke("Who developed Whisper?")
    assert first.response_metadata["id"].startswith("resp_")
    said = [("user", "Who developed Whisper?"), first, ("user", "When was it published?")]
    second = model.invoke(said)
    ids = [message.response_metadata["id"].removeprefix("resp_") for message in (first, second)]
    kept = [httpx.get(f"{url}/v1/answers/{each}").json() for each in ids]
    assert kept[0]["conversation_id"] == kept[1]["conversation_id"]
    assert "Whisper" in kept[1]["understood"]


def test_langchain_raises_what_is_refused(chat_openai):
    import openai

    with pytest.raises(openai.BadRequestError, match="leave tools out"):
        chat_openai(use_responses_api=True).bind(tools=[{"type": "web_search"}]).invoke(QUESTION)


# --- LlamaIndex ---------------------------------------------------------------------------------


@pytest.fixture
def openai_like(url):
    made = imported("llama_index.llms.openai_like", "llama-index-llms-openai-like").OpenAILike
    return made(
        api_base=f"{url}/v1", api_key=ANY_KEY, model="tenkyo", is_chat_model=True, max_retries=0
    )


def test_llamaindex_completes_and_chats(openai_like):
    from llama_index.core.llms import ChatMessage

    assert openai_like.complete(QUESTION).text == ANSWER
    assert "".join(piece.delta for piece in openai_like.stream_complete(QUESTION)) == ANSWER
    asked = [ChatMessage(role="user", content=QUESTION)]
    reply = openai_like.chat(asked)
    assert reply.message.content == ANSWER
    assert reply.raw.choices[0].message.annotations[0].url_citation.url.startswith("http")


def test_llamaindex_responses(url):
    made = imported(
        "llama_index.llms.openai_like", "llama-index-llms-openai-like"
    ).OpenAILikeResponses
    model = made(api_base=f"{url}/v1", api_key=ANY_KEY, model="tenkyo", max_retries=0)
    reply = model.complete(QUESTION)
    assert reply.text == ANSWER
    assert reply.additional_kwargs["annotations"][0].title
    assert "".join(piece.delta or "" for piece in model.stream_complete(QUESTION)) == ANSWER


# --- MCP ----------------------------------------------------------------------------------------


def test_mcp_client_gets_the_same_answer(url):
    async def run():
        async with Client(f"{url}/mcp") as client:
            return await client.call_tool("answer", {"question": QUESTION})

    result = asyncio.run(run())
    assert not result.is_error and "680,000 hours of audio" in result.content[0].text
