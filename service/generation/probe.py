"""A probe of a language model's server: whether it can write, and if not, what is wrong with it."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import Any, Literal

import httpx

from index.inference.server_errors import error_message
from service.disclosure import without_paths

Fault = Literal["unreachable", "slow", "not an API", "key", "no model", "refused"]

_MAX_CHARACTERS = 1_000_000  # of a reply that is read; a web page may be longer
_TIMES = 2  # times as long as it may be silent, a server may write
_WORDS = [{"role": "user", "content": "Say OK."}]


@dataclass(frozen=True, slots=True)
class Probe:
    """What a probe of a server found.

    Attributes:
        fault: What is wrong; None if the server wrote something. ``not an API``: something else
            replied, such as a web page. ``key``: it wants another key, or any. ``no model``: it
            has none, or not the one that was asked for. ``refused``: it replied with an error.
        model: The model that was asked.
        models: The models that the server has, as far as it says so.
        status: The HTTP status of the reply that shows the fault; 0 if there was none.
        said: The server's own message of its error, if it sent one; without key and paths.
    """

    fault: Fault | None
    model: str = ""
    models: list[str] = field(default_factory=list)
    status: int = 0
    said: str = ""


def probe(url: str, model: str, key: str, timeout: float) -> Probe:
    """Ask a server of the OpenAI chat-completions API for its models, and one of them for a word.

    Args:
        url: The base URL of the API.
        model: The model to ask; empty for the first.
        key: The API key; empty for none.
        timeout: The seconds for which the server may be silent.
    """
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    limits = httpx.Timeout(timeout, connect=min(timeout, 5.0))
    try:
        with httpx.Client(headers=headers, timeout=limits) as client:
            return _probe(client, url.rstrip("/"), model, key)
    except httpx.ConnectTimeout:
        return Probe("unreachable", model)
    except httpx.TimeoutException:
        return Probe("slow", model)
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError):
        return Probe("unreachable", model)


def _probe(client: httpx.Client, url: str, model: str, key: str) -> Probe:
    listed, reply = _exchange(client, "GET", f"{url}/models")
    if listed.status_code in (401, 403):
        return Probe("key", model, [], listed.status_code)
    models = _names(reply)
    if models == [] and not model:
        return Probe("no model", model, [], listed.status_code)
    model, models = model or (models or ["default"])[0], models or []
    body = {"model": model, "messages": _WORDS, "max_tokens": 1, "stream": False}
    answered, reply = _exchange(client, "POST", f"{url}/chat/completions", body)
    fault = _fault(answered, reply, model, models)
    said = without_paths(error_message(reply, key))
    return Probe(fault, model, models, answered.status_code, said)


def _fault(answered: httpx.Response, reply: Any, model: str, models: list[str]) -> Fault | None:
    """Return what the reply to a request for a completion shows to be wrong."""
    if answered.status_code in (401, 403):
        return "key"
    if isinstance(reply, dict) and isinstance(reply.get("choices"), list) and reply["choices"]:
        return None
    if answered.status_code in (400, 404, 422) and models and model not in models:
        return "no model"
    if answered.status_code >= 500 or (isinstance(reply, dict) and "error" in reply and models):
        return "refused"
    # Anything else may reply with JSON to a path that it does not have.
    known = isinstance(reply, dict) and "error" in reply
    return "refused" if known and answered.status_code not in (404, 405) else "not an API"


def _names(reply: Any) -> list[str] | None:
    """Return the names in a list of models; None for anything else."""
    try:
        return [str(each["id"]) for each in reply["data"]]
    except (TypeError, KeyError):
        return None


def _exchange(
    client: httpx.Client, method: str, url: str, body: dict[str, Any] | None = None
) -> tuple[httpx.Response, Any]:
    """Send a request; return the response, and what its JSON says, or None if it is not JSON."""
    text, deadline = "", time.monotonic() + _TIMES * (client.timeout.read or 0)
    with client.stream(method, url, json=body) as response:
        for piece in response.iter_text():
            text += piece
            if time.monotonic() > deadline:
                raise httpx.ReadTimeout("it writes too slowly")
            if len(text) > _MAX_CHARACTERS:
                return response, None
    try:
        return response, json.loads(text)
    except (ValueError, RecursionError):
        return response, None
