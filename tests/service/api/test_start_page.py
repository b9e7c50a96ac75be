"""What the first view of the page shows is in the page: library, model, and example questions."""

from __future__ import annotations

import json
import re
import time

import httpx
import pytest

from service.answering.engine import Engine
from service.api import start_page
from service.api.app import Options, create_app
from tests.support.asgi_client import request
from tests.support.live_server import served
from tests.support.scripted_model import Script

ELEMENT = re.compile(r'<script type="application/json" id="start">(.*?)</script>', re.DOTALL)


def values_in(html: str):
    (found,) = ELEMENT.findall(html)
    return json.loads(found)


@pytest.mark.server
def test_page_has_library_model_and_examples(library, library_folder, checker, history):
    engine = Engine(library, checker, history, Script("x"))
    app = create_app(engine, index_dir=library_folder / "index", options=Options(ahead=True))
    with served(app) as url:
        deadline = time.monotonic() + 120
        while len((shown := values_in(httpx.get(f"{url}/", timeout=60).text))["examples"]) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        assert shown == httpx.get(f"{url}/page/start").json()
        for language, questions in shown["examples"].items():
            path = f"{url}/v1/examples?language={language}"
            assert questions == httpx.get(path, timeout=60).json()["questions"] != []
        assert shown["ready"] == httpx.get(f"{url}/readyz").json()
        assert (shown["models"], shown["adds"]) == (["script"], False)
        sources = {s.title: s.retrieved_at for s, _ in library.store.sources()}
        times = [sources[each["title"]] for each in shown["newest"]]
        assert len(times) == 4 and times == sorted(sources.values(), reverse=True)[:4]


def test_example_that_the_page_has_found_is_not_tried_again(
    library, library_folder, checker, history
):
    engine, tried = Engine(library, checker, history), []
    engine.can_answer = lambda question: tried.append(question) or True
    app = create_app(engine, index_dir=library_folder / "index")
    shown = values_in(request(app, "GET", "/").text)["examples"]
    for language in ("en", "ja"):
        asked = request(app, "GET", f"/v1/examples?language={language}").json()["questions"]
        assert asked == shown[language]
    assert len(tried) == len(set(tried)) == 6


def test_page_does_not_wait_for_examples(library, library_folder, checker, history, monkeypatch):
    engine = Engine(library, checker, history)
    monkeypatch.setattr(start_page, "EXAMPLES_WAITED", 0.0)
    engine.can_answer = lambda question: time.sleep(0.2) or True
    shown = values_in(
        request(create_app(engine, index_dir=library_folder / "index"), "GET", "/").text
    )
    assert shown["examples"] == {} and shown["ready"]["sources"] == 14


def test_title_cannot_end_the_element(library, library_folder, checker, history, monkeypatch):
    evil = '</script><script>alert(1)</script><!-- & "\u2028'
    monkeypatch.setattr(start_page, "name_of", lambda source: evil)
    app = create_app(Engine(library, checker, history), index_dir=library_folder / "index")
    html = request(app, "GET", "/").text
    assert "alert(1)</script>" not in html and html.count("<!-- &") == 0
    assert values_in(html)["newest"][0]["title"] == evil


def test_page_without_an_index_is_shown_all_the_same(library, checker, history, tmp_path):
    app = create_app(Engine(library, checker, history), index_dir=tmp_path)
    reply = request(app, "GET", "/")
    assert reply.status_code == 200 and values_in(reply.text)["ready"] is None


def test_shared_conversation_shows_nothing_of_the_library(
    library, library_folder, checker, history
):
    app = create_app(Engine(library, checker, history), index_dir=library_folder / "index")
    html = request(app, "GET", "/shared/token").text
    assert (
        not ELEMENT.search(html) and "no-store" in request(app, "GET", "/").headers["cache-control"]
    )
