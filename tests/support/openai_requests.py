"""Requests to the two OpenAI-compatible APIs: what their tests share."""

import httpx
import openai
import pytest
from hypothesis import strategies as st

from tests.support.asgi_client import QUESTION

AUSTRALIA = "What is the capital of Australia?"
JAPANESE = "Whisperは何時間の音声で学習しましたか？"
ASKED = [{"role": "user", "content": QUESTION}]
CHAT = {"model": "tenkyo", "messages": ASKED}
RESPONSE = {"model": "tenkyo", "input": QUESTION}
BOTH = [("/chat/completions", CHAT), ("/responses", RESPONSE)]

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)  # fmt: skip
"""Any small JSON value."""


def check_refusal(client, path, body, status, param, code, says):
    """Check that a request gets an error as OpenAI's, also by its client, streamed or not."""
    for stream in (False, True):
        response = httpx.post(f"{client.base_url}{path[1:]}", json={"stream": stream} | body)
        assert response.status_code == status, response.text
        error = response.json()["error"]
        assert set(error) == {"message", "type", "param", "code"}
        assert (error["param"], error["code"]) == (param, code) and says in error["message"]
        assert error["type"] == "invalid_request_error"
    with pytest.raises(openai.APIStatusError) as caught:
        client.post(path, body=body, cast_to=object)
    assert caught.value.status_code == status and caught.value.code == code


def read_until_it_breaks(url, path, body):
    """Return the text of a stream that ends with an error, and whether it ended as HTTP ends."""
    text = ""
    with httpx.stream("POST", f"{url}/v1{path}", json=body, timeout=30) as response:
        try:
            for piece in response.iter_text():
                text += piece
        except httpx.RemoteProtocolError:  # the server closed the connection
            return text, False
    return text, True
