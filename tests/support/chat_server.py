"""A server of the OpenAI chat-completions API whose models write from the evidence, or go wrong."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Sequence

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, StreamingResponse

from tests.support.judge_server import knows
from tests.support.scripted_judge_model import ScriptedJudgeModel


def first_sentence(prompt: str) -> str:
    """Return the first sentence of the first source of a prompt, and its marker."""
    source = re.search(r"^\[1\] (?:\([^\n]*?\) )?(.+)", prompt, re.MULTILINE)
    text = source.group(1) if source else "OK"
    return re.split(r"(?<=[。.]) *(?=\D)", text)[0].rstrip("。.") + " [1]."


def chat_app(
    models: Sequence[str] = ("scripted",),
    key: str = "",
    wait: float = 0.0,
    judge=knows,
    write: Callable[[str], str] = first_sentence,
) -> FastAPI:
    """Make the server, whose models reply to a prompt with ``write``.

    ``app.state.asked`` lists the models that wrote, and ``app.state.keys`` the keys that came.
    ``wait`` delays each reply by that many seconds. A prompt of a judge is judged by the rule
    ``judge``, which by default knows the self-test.
    """
    app = FastAPI()
    app.state.asked, app.state.keys = [], []
    judging = ScriptedJudgeModel(judge)

    @app.middleware("http")
    async def check_key(request: Request, call_next):
        app.state.keys.append(request.headers.get("authorization", ""))
        if key and app.state.keys[-1] != f"Bearer {key}":
            return JSONResponse({"error": {"message": "Incorrect API key"}}, 401)
        await asyncio.sleep(wait)
        return await call_next(request)

    @app.get("/v1/models")
    async def listed():
        return {"object": "list", "data": [{"id": name} for name in models]}

    @app.post("/v1/chat/completions")
    async def completed(request: Request):
        body = await request.json()
        if body["model"] not in models:
            return JSONResponse({"error": {"message": "model not found"}}, 404)
        prompt = body["messages"][-1]["content"]
        if not body["stream"]:
            text = (await judging.complete(body["messages"], 1000)).text if body["max_tokens"] > 1 else "OK"  # fmt: skip
            usage = {"prompt_tokens": 100, "completion_tokens": 20}
            return {"choices": [{"message": {"content": text}}], "usage": usage}
        app.state.asked.append(body["model"])
        return StreamingResponse(_pieces(write(prompt)), media_type="text/event-stream")

    return app


async def _pieces(text: str):
    for piece in re.findall(r".{1,8}", text, re.DOTALL):
        yield f"data: {json.dumps({'choices': [{'delta': {'content': piece}}]})}\n\n"
        await asyncio.sleep(0.001)
    yield "data: [DONE]\n\n"
