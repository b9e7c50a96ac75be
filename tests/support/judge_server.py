"""An OpenAI-compatible server whose model takes the self-test of judges, well or badly."""

from __future__ import annotations

import asyncio
import time

from fastapi import FastAPI, Request

from service.judging.self_test import load_self_test
from tests.support.scripted_judge_model import ScriptedJudgeModel, verdict

ITEMS = {
    item.sentence: item for group in load_self_test() for item in group.items
}  # of the shipped self-test, by their words


def knows(sentence, evidence):
    """Return the right verdict on a sentence of the self-test; any other is supported."""
    item = ITEMS.get(sentence)
    if item is None:
        return verdict("supported", [1])
    return verdict("supported", item.needs) if item.supported else verdict("unsupported", [])


def believes(sentence, evidence):
    """Return that a sentence is supported, whatever it says."""
    return verdict("supported", [1])


def judge_app(rule=knows, wait=0.0):
    """Make the server; ``app.state.asked`` counts its calls, and ``wait`` delays each reply."""
    app, model = FastAPI(), ScriptedJudgeModel(rule)
    app.state.asked = 0

    @app.get("/v1/models")
    async def models():
        return {"data": [{"id": "scripted"}]}

    @app.post("/v1/chat/completions")
    async def completions(request: Request):
        app.state.asked += 1
        began = time.monotonic()
        made = await model.complete((await request.json())["messages"], 1000)
        await asyncio.sleep(max(0.0, began + wait - time.monotonic()))
        usage = {"prompt_tokens": 100, "completion_tokens": 20}
        return {"choices": [{"message": {"content": made.text}}], "usage": usage}

    return app
