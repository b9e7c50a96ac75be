"""Requests to an ASGI app in the same process, without a server."""

import asyncio

import httpx

QUESTION = "How many hours of labelled audio was Whisper trained on?"


def request(app, method, path, **more):
    """Send one request to an app; ``more`` are arguments of httpx. Returns the response."""

    async def run():
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://t") as client:
            return await client.request(method, path, **more)

    return asyncio.run(run())
