"""Tests of the OpenAI classes of LangChain and LlamaIndex, and of the MCP client, pointed here.

LangChain and LlamaIndex are not among Tenkyo's dependencies: the tests are skipped without them.
`make soak` installs both.
"""

import asyncio
import json
import subprocess
import warnings

import httpx
import pytest
from mcp import Client

from tests.support.paths import ROOT, TESTS

QUESTION = "How many hours of labelled audio was Whisper trained on?"
ANSWER = "Whisper was trained on 680,000 hours of audio. [1]"
ANY_KEY = "anything"
LLAMAINDEX = ROOT / "build" / "llamaindex" / "bin" / "python"

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


@pytest.mark.process
def test_llamaindex_gets_the_answer_with_citations(url):
    """In an environment of its own: LlamaIndex needs an older openai than these tests."""
    if not LLAMAINDEX.exists():
        pytest.skip("LlamaIndex is not installed in build/llamaindex: `make soak` does so")
    program = [LLAMAINDEX, TESTS / "support" / "llamaindex_client.py", f"{url}/v1", QUESTION]
    done = subprocess.run(program, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    (address,), (title,) = found.pop("chat cites"), found.pop("responses cite")
    assert address.startswith("http") and title
    assert len(found) == 5 and set(found.values()) == {ANSWER}, found


# --- MCP ----------------------------------------------------------------------------------------


def test_mcp_client_gets_the_same_answer(url):
    async def run():
        async with Client(f"{url}/mcp") as client:
            return await client.call_tool("answer", {"question": QUESTION})

    result = asyncio.run(run())
    assert not result.is_error and "680,000 hours of audio" in result.content[0].text
