"""Tests that run every example of docs/api.md, unchanged, against a real server."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.support.library_service import House
from tests.support.paths import ROOT

pytestmark = [pytest.mark.process, pytest.mark.server, pytest.mark.usefixtures("kept_readers")]

ADDRESS = "http://127.0.0.1:8000"
TEXT = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(sh|python|js)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
RUN = {  # what runs a block; curl fails where the server refuses
    "sh": ["bash", "-euo", "pipefail", "-c"],
    "python": [sys.executable, "-W", "error", "-c"],
    "js": ["node", "--input-type=module", "-e"],
}
CURL = 'curl() { command curl --fail-with-body "$@"; echo; }\n'


@pytest.fixture(scope="module")
def url(tmp_path_factory, library_folder, embedder, checker):
    folder = tmp_path_factory.mktemp("docs") / "data"
    house = House(Path(shutil.copytree(library_folder, folder)), embedder, checker)
    house.web.hold.clear()  # fetching takes a while, so a job can be cancelled
    with house.open():
        yield house.url


@pytest.mark.parametrize(
    ("language", "block"), BLOCKS, ids=[f"{n}-{kind}" for n, (kind, _) in enumerate(BLOCKS)]
)
def test_example_runs(url, tmp_path, language, block):
    program = RUN[language][0]
    needed = {"sh": ("bash", "curl"), "js": ("node",)}.get(language, ())
    for name in needed:
        if not shutil.which(name):
            pytest.skip(f"{name} is not installed")
    script = (CURL if language == "sh" else "") + block.replace(ADDRESS, url)
    done = subprocess.run(
        [program, *RUN[language][1:], script],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr + done.stdout
    assert ADDRESS not in done.stdout and done.stdout.strip(), "an example shows something"
    for file in tmp_path.glob("*.json"):
        assert json.loads(file.read_text())["format"] == "tenkyo-receipt"


def test_every_route_has_examples(url):
    """An example in curl calls each path of the API, and the text names it."""
    calls = " ".join(block for language, block in BLOCKS if language == "sh")
    for path in httpx.get(f"{url}/openapi.json").json()["paths"]:
        called = re.sub(r"\\{.*?\\}", r"[^/\\s'\"]+", re.escape(path)) + r"(?=[\s'\"?])"
        assert re.search(called, calls) or path == "/v1/passages/{passage_id}", path
        assert path.partition("{")[0].rstrip("/") in TEXT
    languages = [language for language, _ in BLOCKS]
    assert (
        languages.count("sh") >= 6 and languages.count("python") >= 6 and languages.count("js") >= 5
    )
