"""A program that asks a service by LlamaIndex's OpenAI classes and prints the replies as JSON.

    build/llamaindex/bin/python tests/support/llamaindex_client.py http://127.0.0.1:8000/v1 QUESTION

It runs in an environment of its own: LlamaIndex needs an older openai than the tests.
"""

from __future__ import annotations

import json
import sys

from llama_index.core.llms import ChatMessage
from llama_index.llms.openai_like import OpenAILike, OpenAILikeResponses


def ask(url: str, question: str) -> dict[str, object]:
    """Ask in each way that LlamaIndex has; returns texts, and what was cited."""
    settings = {
        "api_base": url,
        "api_key": "anything",
        "model": "tenkyo",
        "max_retries": 0,
        "timeout": 200.0,  # seconds; a busy machine reads slowly
    }
    chat = OpenAILike(**settings, is_chat_model=True)
    responses = OpenAILikeResponses(**settings)
    replied = chat.chat([ChatMessage(role="user", content=question)])
    written = responses.complete(question)
    return {
        "chat": replied.message.content,
        "chat cites": [
            each.url_citation.url for each in replied.raw.choices[0].message.annotations
        ],
        "chat, completed": chat.complete(question).text,
        "chat, streamed": "".join(each.delta for each in chat.stream_complete(question)),
        "responses": written.text,
        "responses cite": [each.title for each in written.additional_kwargs["annotations"]],
        "responses, streamed": "".join(
            each.delta or "" for each in responses.stream_complete(question)
        ),
    }


if __name__ == "__main__":
    print(json.dumps(ask(*sys.argv[1:])))
