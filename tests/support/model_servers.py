"""Servers of embedding models and re-rankers, in the protocols that Tenkyo speaks, well or badly."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable, Sequence

import numpy as np
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse

from index.lexical.tokenizer import tokens

DIM = 64


def hashed(texts: Sequence[str], dim: int = DIM) -> np.ndarray:
    """Embed texts without a model: each dimension counts the tokens that hash to it."""
    vectors = np.full((len(texts), dim), 0.01, np.float32)
    for vector, text in zip(vectors, texts, strict=True):
        for token in tokens(text):
            vector[zlib.crc32(token.encode()) % dim] += 1
    return vectors


def shared_words(query: str, texts: Sequence[str]) -> list[float]:
    """Score texts by how many tokens they share with a question."""
    return [float(len(set(tokens(query)) & set(tokens(text)))) for text in texts]


def embeddings_app(
    embed: Callable[[list[str]], np.ndarray] = hashed, key: str = "", models: Sequence[str] = ("m",)
) -> FastAPI:
    """Make a server of OpenAI's ``/v1/embeddings``.

    ``app.state.inputs`` and ``.models`` record what it was asked; it answers in another order than
    it was asked, as the protocol allows.
    """
    app = FastAPI()
    app.state.inputs, app.state.models = [], []

    def refusal(request: Request) -> JSONResponse | None:
        if key and request.headers.get("authorization") != f"Bearer {key}":
            return JSONResponse({"error": {"message": "Incorrect API key"}}, 401)
        return None

    @app.get("/v1/models")
    def listed(request: Request):
        return refusal(request) or {"data": [{"id": name} for name in models]}

    @app.post("/v1/embeddings")
    async def embeddings(request: Request):
        body = await request.json()
        if refused := refusal(request):
            return refused
        if body["model"] not in models:
            return JSONResponse({"error": {"message": "model not found, try pulling it"}}, 404)
        if len(body["input"]) > 32:
            return JSONResponse({"error": "batch size > maximum allowed batch size 32"}, 422)
        app.state.inputs.append(body["input"])
        app.state.models.append(body["model"])
        vectors = await asyncio.to_thread(embed, body["input"])
        data = [{"index": n, "embedding": v.tolist()} for n, v in enumerate(vectors)]
        return {"object": "list", "model": body["model"], "data": data[::-1]}

    return app


def rerank_app(
    protocol: str,
    score: Callable[[str, list[str]], list[float]] = shared_words,
    key: str = "",
    path: str = "/rerank",
) -> FastAPI:
    """Make a server of ``/rerank``: ``documents`` as Cohere, Jina and vLLM, or ``texts`` as TEI.

    ``app.state.bodies`` records what it was asked, also what it refused.
    """
    app = FastAPI()
    app.state.bodies = []

    @app.post(path)
    async def rerank(request: Request):
        body = await request.json()
        app.state.bodies.append(body)
        if key and request.headers.get("authorization") != f"Bearer {key}":
            return JSONResponse({"message": "invalid api token"}, 401)
        if protocol not in body:
            return JSONResponse({"error": f"missing field `{protocol}`"}, 422)
        scores = await asyncio.to_thread(score, body["query"], body[protocol])
        ranked = sorted(range(len(scores)), key=lambda n: -scores[n])
        if protocol == "texts":
            return [{"index": n, "score": scores[n]} for n in ranked]
        results = [{"index": n, "relevance_score": scores[n]} for n in ranked[: body["top_n"]]]
        return {"results": results}

    return app


def replying(reply: object, status: int = 200, wait: float = 0.0, **headers: str) -> FastAPI:
    """Make a server that gives the same reply to whatever it is asked; a text is a web page."""
    app = FastAPI()
    app.state.asked = 0

    @app.api_route("/{path:path}", methods=["GET", "POST"])
    async def any_path():
        app.state.asked += 1
        await asyncio.sleep(wait)
        if 300 <= status < 400:
            return RedirectResponse(str(reply), status)
        if isinstance(reply, str):
            return HTMLResponse(reply, status, headers)
        return JSONResponse(reply, status, headers)

    return app
