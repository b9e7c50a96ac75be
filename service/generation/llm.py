"""Clients of language models: the ``AnswerModel`` protocol, and OpenAI-compatible servers."""

from __future__ import annotations

import asyncio
import copy
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import aclosing, contextmanager
from typing import Any, Protocol
from urllib.parse import urlsplit

import httpx

from corpus.errors import ModelBadOutput, ModelUnavailable
from index.inference.server_errors import error_message
from service.disclosure import without_login, without_paths
from service.generation.completion import NO_SCHEMA, Completion, read_usage, schema_option
from service.generation.failures import (
    IN_SETTINGS,
    ModelTooSlow,
    ModelUnreachable,
    Remedies,
    unreadable_reply,
)
from service.generation.prompts import ANSWER_TOKENS, Message, estimate_tokens
from service.generation.thoughts import THOUGHT_TOKENS, ThoughtFilter

LONGEST_LINE = 1_000_000  # characters of one line of a stream; more is not a chat API
_IN_ALL = 10  # times as long as it may be silent, a server may write
_MENDABLE = frozenset({429, 500, 502, 503, 504})
_WAIT_AT_MOST = 5.0  # seconds before the one retry


class AnswerModel(Protocol):
    """A language model that continues some messages; what it writes is checked by others."""

    @property
    def name(self) -> str:
        """The model's name, as answers give it."""
        ...

    def stream(self, messages: Sequence[Message]) -> AsyncGenerator[str, None]:
        """Yield the model's text as it comes, in pieces of any length.

        Raises ModelUnavailable or ModelBadOutput, also after some pieces. Closing the
        iterator ends the request, so that the model stops.
        """
        ...


class ChatModel:
    """Any server of the OpenAI chat-completions API: llama.cpp, Ollama, vLLM, hosted ones.

    ``timeout`` is how many seconds the server may be silent; ten times as long, it may write: one
    that says a word now and then must not keep its reader, and a place, for ever. One client for
    the life of the process; ``aclose`` ends it. ``transport`` replaces the network, for tests, and
    ``remedies`` is what errors name as the fix.
    """

    def __init__(
        self,
        url: str,
        model: str = "",
        key: str = "",
        timeout: float = 60.0,
        transport: httpx.AsyncBaseTransport | None = None,
        remedies: Remedies = IN_SETTINGS,
    ) -> None:
        self._remedies = remedies
        self._url = url.rstrip("/")
        self._shown = without_login(self._url)
        self._model, self._key = model, key
        self._timeout = timeout
        self._takes_schema = True  # until the server refuses one
        self._reasons = False  # until it has thought
        self._client = httpx.AsyncClient(
            timeout=httpx.Timeout(timeout, connect=min(timeout, 5.0)),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=100),
            headers={"Authorization": f"Bearer {key}"} if key else {},
            transport=transport,
        )

    @property
    def name(self) -> str:
        """The model's name; "default" until the server was asked."""
        return self._model or "default"

    @property
    def host(self) -> str:
        """Host and port of the server, without path and credentials."""
        return urlsplit(self._url).netloc.rpartition("@")[2]

    @property
    def address(self) -> str:
        """URL of the server without credentials and query, as it may be kept in a file."""
        return f"{self.host}{urlsplit(self._url).path}"

    def named(self, model: str) -> ChatModel:
        """Return a client of another model of the same server, with the same connections."""
        other = copy.copy(self)
        other._model, other._reasons = model, False
        return other

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def identify(self) -> None:
        """Ask the server for its model's name, where none was set.

        Raises ModelUnavailable if the server cannot be reached.
        """
        with self._reached():
            self._model = self._model or await self._first_model()

    async def stream(self, messages: Sequence[Message]) -> AsyncGenerator[str, None]:
        """Yield the text of a chat completion as the server streams it, without thoughts.

        A model that reasons gets more room from its second answer on, and at once if it took all of
        it for its first one.
        """
        with self._reached():
            self._model = self._model or await self._first_model()
            for reasons in dict.fromkeys((self._reasons, True)):
                thoughts = ThoughtFilter()
                async with aclosing(self._streamed(messages, reasons, thoughts)) as pieces:
                    async for piece in pieces:
                        yield piece
                self._reasons = self._reasons or thoughts.thought
                if thoughts.answered or not thoughts.thought:
                    return

    async def _streamed(
        self, messages: Sequence[Message], reasons: bool, thoughts: ThoughtFilter
    ) -> AsyncGenerator[str, None]:
        """Yield one completion, with room for thoughts, of which ``thoughts`` then has word."""
        body = {
            "model": self._model,
            "messages": list(messages),
            "stream": True,
            "temperature": 0,
            "max_tokens": ANSWER_TOKENS + THOUGHT_TOKENS * reasons,
        }
        request = self._client.build_request("POST", f"{self._url}/chat/completions", json=body)
        response, written = await self._send(request), ""
        try:
            async for piece in self._pieces(response, thoughts):
                if said := thoughts.feed(piece):
                    yield said
                    written += said
                if reasons and estimate_tokens(written) > ANSWER_TOKENS:
                    return
            if rest := thoughts.end():
                yield rest
        finally:
            await response.aclose()

    async def complete(
        self,
        messages: Sequence[Message],
        max_tokens: int,
        schema: dict[str, Any] | None = None,
        timeout: float | None = None,
    ) -> Completion:
        """Return a whole chat completion, which is not streamed.

        A server that refuses a schema is asked again without one, and from then on only so.

        Args:
            messages: What the model is to continue.
            max_tokens: How long the reply may be.
            schema: JSON schema that the reply must follow, on servers that can see to it.
            timeout: Seconds that the server may be silent; by default as long as in a stream.

        Raises:
            ModelUnavailable: The server cannot be reached, refuses or is silent for too long.
            ModelBadOutput: What it sent is not a chat completion.
        """
        with self._reached():
            self._model = self._model or await self._first_model()
            body: dict[str, Any] = {
                "model": self._model,
                "messages": list(messages),
                "stream": False,
                "temperature": 0,
                "max_tokens": max_tokens,
            }
            if schema is None or not self._takes_schema:
                return await self._completed(body, timeout)
            try:
                return await self._completed(body | schema_option(schema), timeout)
            except ModelUnavailable as error:
                if error.status not in NO_SCHEMA:
                    raise
            completion = await self._completed(body, timeout)
            self._takes_schema = False  # the schema was what it refused
            return completion

    async def _completed(self, body: dict[str, Any], timeout: float | None) -> Completion:
        silent = self._timeout if timeout is None else timeout
        limits = httpx.Timeout(silent, connect=min(silent, 5.0))
        request = self._client.build_request(
            "POST", f"{self._url}/chat/completions", json=body, timeout=limits
        )
        response = await self._send(request)
        try:
            data = await _limited(response)
        finally:
            await response.aclose()
        text = self._content(data, "message")
        return Completion(text, *read_usage(data, body["messages"], text))

    @contextmanager
    def _reached(self) -> Iterator[None]:
        """What the network may raise, as what is wrong and how to mend it."""
        try:
            yield
        except (httpx.ReadTimeout, httpx.WriteTimeout, httpx.PoolTimeout):
            raise ModelTooSlow(
                f"the language model at {self._shown} was silent for {self._timeout:g} s: raise"
                " TENKYO_LLM_TIMEOUT, or see whether it is overloaded"
            ) from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ModelUnreachable(
                f"the language model at {self._shown} cannot be reached"
                f" ({str(error) or type(error).__name__}): {self._remedies.unreachable}"
            ) from error

    async def _send(self, request: httpx.Request) -> httpx.Response:
        """One of the two retries of this project; the other is in the fetcher."""
        response = await self._client.send(request, stream=True)
        if response.status_code in _MENDABLE:
            wait = _seconds(response.headers.get("retry-after", ""))
            if wait <= _WAIT_AT_MOST:
                await response.aclose()
                await asyncio.sleep(wait)
                response = await self._client.send(request, stream=True)
        if response.is_success:
            return response
        detail = await self._detail(response)
        raise ModelUnavailable(
            f"the language model at {self._shown} answered {response.status_code}{detail}:"
            f" {self._remedies.refused}",
            response.status_code,
            _seconds(response.headers.get("retry-after", "")),
        )

    async def _pieces(
        self, response: httpx.Response, thoughts: ThoughtFilter
    ) -> AsyncGenerator[str, None]:
        """The text of a stream of server-sent events, or of one whole JSON answer."""
        if "event-stream" not in response.headers.get("content-type", ""):
            yield self._content(await _limited(response), "message", thoughts)
            return
        finished, until = False, time.monotonic() + _IN_ALL * self._timeout
        async for line in _lines(response):
            if time.monotonic() > until:
                raise ModelTooSlow(
                    f"the language model at {self._shown} wrote for more than"
                    f" {_IN_ALL * self._timeout:g} s: see whether it is overloaded, or raise"
                    " TENKYO_LLM_TIMEOUT"
                )
            if not line.startswith("data:"):
                continue
            data = line.removeprefix("data:").strip()
            if data == "[DONE]":
                return
            piece = self._content(data, "delta", thoughts)
            finished = True
            if piece:
                yield piece
        if not finished:
            raise ModelBadOutput(
                f"the language model at {self._shown} sent an empty stream: see its log"
            )

    def _content(self, data: str, part: str, thoughts: ThoughtFilter | None = None) -> str:
        try:
            value = json.loads(data)
            if "error" in value:
                raise ModelUnavailable(
                    f"the language model at {self._shown} failed: {self._said(value)}"
                )
            choices = value["choices"]
            said = choices[0][part] if choices else {}
            content = said.get("content")
            if thoughts and (said.get("reasoning_content") or said.get("reasoning")):
                thoughts.thought = True
            if content is None or isinstance(content, str):
                return content or ""
        except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError):
            pass
        raise unreadable_reply(data, part == "delta", self._shown, self._remedies)

    async def _first_model(self) -> str:
        request = self._client.build_request("GET", f"{self._url}/models")
        response = await self._client.send(request, stream=True)
        try:
            return str(json.loads(await _limited(response))["data"][0]["id"])
        except (ValueError, KeyError, TypeError, IndexError, RecursionError, ModelBadOutput):
            return "default"
        finally:
            await response.aclose()

    async def _detail(self, response: httpx.Response) -> str:
        try:
            said = self._said(json.loads(await _limited(response)))
            return f" ({said})" if said else ""
        except (ValueError, RecursionError, ModelBadOutput, httpx.HTTPError):
            return ""
        finally:
            await response.aclose()

    def _said(self, reply: object) -> str:
        """Return the server's own message of an error, as it may be logged and shown."""
        return without_paths(error_message(reply, self._key))


async def _lines(response: httpx.Response) -> AsyncIterator[str]:
    """Lines of a response, none longer than LONGEST_LINE: a stream can be anything."""
    rest = ""
    async for text in response.aiter_text():
        *whole, rest = (rest + text).split("\n")
        for line in whole:
            yield line.rstrip("\r")
        if len(rest) > LONGEST_LINE:
            raise ModelBadOutput("the language model sent a line without end: see its log")
    if rest:
        yield rest


async def _limited(response: httpx.Response) -> str:
    text = ""
    async for piece in response.aiter_text():
        text += piece
        if len(text) > LONGEST_LINE:
            raise ModelBadOutput("the language model sent more than an answer: see its log")
    return text


def _seconds(retry_after: str) -> float:
    try:
        return max(0.0, float(retry_after))
    except ValueError:
        return 1.0
