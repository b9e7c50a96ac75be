"""Servers of models, found and listed, on real servers that go wrong in the ways servers do."""

from __future__ import annotations

import asyncio
import socket
import time

import pytest
from fastapi import FastAPI

from service.connection.choice import base_url
from service.connection.servers import find_servers, list_models, writing_models
from tests.support.chat_server import chat_app
from tests.support.live_server import served
from tests.support.model_servers import replying

pytestmark = pytest.mark.server

PAGE = "<html><body>It works!</body></html>"


def listed(app: FastAPI, path: str = "/v1", key: str = "", timeout: float = 5.0):
    with served(app, patience=0.1) as url:  # a slow one is not waited for at the end
        return url, asyncio.run(list_models(url + path, key, timeout))


@pytest.mark.parametrize(
    ("app", "key", "fault"),
    [
        (chat_app(["a", "b"]), "", None),
        (chat_app(["a"], key="k"), "k", None),
        (chat_app(["a"], key="k"), "", "key wanted"),
        (chat_app(["a"], key="k"), "wrong", "key refused"),
        (chat_app(["a"]), "鍵", "key refused"),  # no header can have it
        (chat_app([]), "", "no models"),
        (replying({"data": None}), "", "no models"),  # Ollama without a model
        (chat_app(["tenkyo", "tenkyo-quotes"]), "", "itself"),
        (replying(PAGE), "", "web page"),
        (replying(PAGE, 404), "", "web page"),
        (replying({"ok": 1}), "", "web page"),
        (replying("/login", 302), "", "web page"),  # it is not followed
        (chat_app(["a"], wait=2.0), "", "slow"),
    ],
)
def test_what_is_wrong_with_a_server_is_found(app, key, fault):
    _, found = listed(app, key=key, timeout=1.0)
    assert found.fault == fault, found
    assert bool(found.models) == (fault is None)


def test_address_without_v1_is_completed():
    url, found = listed(chat_app(["a"]), path="/")
    assert (found.url, found.models) == (f"{url}/v1", ("a",))


def test_slow_server_is_not_waited_for():
    began = time.monotonic()
    assert listed(replying({}, wait=1.5), timeout=0.3)[1].fault == "slow"
    assert time.monotonic() - began < 10


def test_nothing_answers():
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # and does not listen
        url = f"http://127.0.0.1:{bound.getsockname()[1]}/v1"
        assert asyncio.run(list_models(url)).fault == "unreachable"


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("localhost:11434/v1/", "http://localhost:11434/v1"),
        (" https://models.example/v1 ", "https://models.example/v1"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("https://models.example/v1?a=b#c", "https://models.example/v1"),
        ("", ""), ("ftp://x/v1", ""), ("http://", ""), ("http://[::1", ""), ("file:///etc/passwd", ""),
        ("http://user:secret@models.example/v1", ""), ("http://a b/v1", ""), ("http://a:0/v1", ""),
        ("http://a\nb/v1", ""), ("x" * 600, ""),
    ],
)  # fmt: skip
def test_address_is_read_as_people_write_it(text, url):
    assert base_url(text) == url
    if not url:
        assert asyncio.run(list_models(text)).fault == "address"


def test_models_that_do_not_write_are_left_out():
    names = ["qwen2.5:7b", "nomic-embed-text", "bge-m3", "/srv/models/whisper.gguf", "qwen2.5:7b"]
    assert writing_models(names) == ("qwen2.5:7b",)
    assert writing_models(["nomic-embed-text"]) == ("nomic-embed-text",)


def test_servers_are_found_at_the_ports_that_are_given():
    with (
        served(chat_app(["a", "b"])) as ollama,
        served(chat_app(["c"], key="k")) as locked,
        served(replying(PAGE)) as page,
        served(chat_app(["tenkyo", "tenkyo-quotes"])) as ourselves,
        socket.socket() as closed,
    ):
        closed.bind(("127.0.0.1", 0))
        urls = {"Ollama": ollama, "vLLM": locked, "llama.cpp": page, "LM Studio": ourselves}
        ports = {name: int(url.rpartition(":")[2]) for name, url in urls.items()}
        found = asyncio.run(find_servers(ports | {"nothing": closed.getsockname()[1]}))
        assert [(each.program, each.listing.models, each.listing.fault) for each in found] == [
            ("Ollama", ("a", "b"), None),
            ("vLLM", (), "key wanted"),
        ]
        assert found[0].listing.url == f"{ollama}/v1"
