"""Tests of /docs: everything that the page needs comes from the service, and no script is in it."""

import asyncio
import re
from importlib.resources import files

import httpx
import pytest

from service.answering.engine import Engine
from service.api.app import create_app
from service.conversations.store import History


@pytest.fixture(scope="module")
def get(library, library_folder, checker):
    engine = Engine(library, checker, History(library.store.database))
    app = create_app(engine, index_dir=library_folder / "index")

    def get(path):
        async def run():
            transport = httpx.ASGITransport(app=app)
            async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
                return await client.get(path)

        return asyncio.run(run())

    return get


def test_page_needs_nothing_from_elsewhere(get):
    page = get("/docs")
    assert page.status_code == 200 and page.headers["content-type"].startswith("text/html")
    assert "script-src 'self'" in page.headers["content-security-policy"]
    needed = re.findall(r'(?:href|src)="([^"]+)"', page.text)
    assert len(needed) == 6 and all(re.match(r"/\w", path) for path in needed)
    for path in needed:
        assert get(path).status_code == 200, path
    assert "//" not in page.text.replace("</", "<")


def test_page_has_no_script_or_style_within_it(get):
    """The Content-Security-Policy forbids them: a browser would ignore them."""
    page = get("/docs").text
    assert re.findall(r"<script[^>]*>([^<]*)</script>", page) == ["", ""]
    assert "<style" not in page and not re.search(r"\son\w+=|\sstyle=", page)


def test_page_is_started_without_addresses_of_others(get):
    script = get("/static/docs/docs.js").text
    assert 'url: "/openapi.json"' in script and "validatorUrl: null" in script


@pytest.mark.parametrize("name", ["swagger-ui-bundle.js", "swagger-ui.css"])
def test_files_are_those_of_the_package(get, name):
    packaged = (files("fastapi_swagger") / "resources" / name).read_bytes()
    assert get(f"/docs/swagger/{name}").content == packaged


def test_nothing_but_the_files_is_served(get):
    for path in ("/docs/swagger/..%2f__init__.py", "/docs/swagger/main.py", "/docs/none"):
        assert get(path).status_code == 404, path
