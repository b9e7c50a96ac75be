"""Servers of language models: where some are, whether an address is one, and what it has."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

import httpx

from service.connection.choice import base_url, may_be_key
from service.disclosure import model_name

Fault = Literal[
    "address", "unreachable", "slow", "web page", "key wanted", "key refused", "no models", "itself"
]

USUAL_PORTS: Mapping[str, int] = {
    "Ollama": 11434,
    "llama.cpp": 8080,
    "LM Studio": 1234,
    "vLLM": 8000,
}  # on this machine, as these programs come

_FOUND_WITHIN = 2.0  # seconds in which a server of this machine says what it has
_LISTED_WITHIN = 12.0  # seconds in which any other one does
_MAX_CHARACTERS = 1_000_000  # of a reply that is read; a web page may be longer
_OURS = {"tenkyo", "tenkyo-quotes"}  # the models that Tenkyo itself offers
# Parts of the names of models that do not write.
_NOT_WRITING = re.compile(
    r"embed|rerank|\bbge\b|\bgte\b|whisper|transcribe|tts|dall-e|moderation|\bimage\b|\bclip\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Listing:
    """What a server says of its models.

    Attributes:
        url: The base URL under which it said so, without credentials.
        models: The names of those that may write, in its order; empty where it has a fault.
        fault: What is wrong; None if it has models. ``address``: the text is no URL. ``web page``:
            something else replied. ``itself``: that is Tenkyo.
        status: The HTTP status of the reply; 0 if there was none.
    """

    url: str
    models: tuple[str, ...] = ()
    fault: Fault | None = None
    status: int = 0


@dataclass(frozen=True, slots=True)
class FoundServer:
    """A server that was found on this machine; ``program`` is what usually listens there."""

    program: str
    listing: Listing


def writing_models(names: list[str]) -> tuple[str, ...]:
    """Leave out models whose names say that they do not write, but not all of them."""
    names = list(dict.fromkeys(names))
    writing = [name for name in names if not _NOT_WRITING.search(model_name(name))]
    return tuple(writing or names)


async def list_models(text: str, key: str = "", timeout: float = _LISTED_WITHIN) -> Listing:
    """Ask a server which models it has; also below ``/v1`` where an address lacks that.

    Args:
        text: The address, as a person may write it.
        key: The API key; empty for none.
        timeout: Seconds in which it must reply.
    """
    url = base_url(text)
    if not url:
        return Listing("", fault="address")
    if not may_be_key(key):
        return Listing(url, fault="key refused")
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    found = Listing(url, fault="unreachable")
    try:
        limits = httpx.Timeout(timeout, connect=min(timeout, 5.0))
        async with asyncio.timeout(timeout):
            async with httpx.AsyncClient(headers=headers, timeout=limits) as client:
                found = await _list(client, url, key)
                if found.fault == "web page" and not urlsplit(url).path.endswith("/v1"):
                    below = await _list(client, f"{url}/v1", key)
                    found = below if below.fault != "web page" else found
    except httpx.ConnectTimeout:
        pass
    except (TimeoutError, httpx.TimeoutException):
        return Listing(url, fault="slow")
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError):
        pass
    return found


async def find_servers(ports: Mapping[str, int] = USUAL_PORTS) -> list[FoundServer]:
    """Look for servers at their usual ports of this machine, all at once.

    Tenkyo itself, which may listen at one of them, is left out, and so are web pages.

    Args:
        ports: The port of each program.
    """
    listings = await asyncio.gather(
        *(list_models(f"http://127.0.0.1:{port}/v1", "", _FOUND_WITHIN) for port in ports.values())
    )
    shown = {None, "key wanted", "no models", "slow"}
    return [
        FoundServer(program, listing)
        for program, listing in zip(ports, listings, strict=True)
        if listing.fault in shown
    ]


async def _list(client: httpx.AsyncClient, url: str, key: str) -> Listing:
    status, reply = await _get(client, f"{url}/models")
    if status in (401, 403):
        return Listing(url, (), "key refused" if key else "key wanted", status)
    names = _names(reply)
    if names is None:
        return Listing(url, (), "web page", status)
    if set(names) >= _OURS:
        return Listing(url, (), "itself", status)
    models = writing_models(names)
    return Listing(url, models, None if models else "no models", status)


def _names(reply: Any) -> list[str] | None:
    """Return the names in a list of models; None for anything else. Ollama's empty list is null."""
    try:
        return [str(each["id"])[:300] for each in reply["data"] or []]
    except (TypeError, KeyError):
        return None


async def _get(client: httpx.AsyncClient, url: str) -> tuple[int, Any]:
    """Return the status of a reply, and what its JSON says, or None if it is not JSON."""
    text = ""
    async with client.stream("GET", url) as response:
        async for piece in response.aiter_text():
            text += piece
            if len(text) > _MAX_CHARACTERS:
                return response.status_code, None
    try:
        return response.status_code, json.loads(text)
    except (ValueError, RecursionError):
        return response.status_code, None
