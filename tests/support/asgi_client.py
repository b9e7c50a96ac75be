"""Requests to an app in this process, without a server."""

import asyncio

import httpx

QUESTION = "How many hours of labelled audio was Whisper trained on?"


def request(app, method, path, **more):
    async def run():
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://t") as client:
            return await client.request(method, path, **more)

    return asyncio.run(run())
