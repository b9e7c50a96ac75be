"""A newcomer's first minutes: on the tests' own service, and after `make serve` in an empty folder.

``make pictures`` makes the pictures of README.md of it, ``make soak`` the second one.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from service.api.app import Options
from service.connection.connection import ModelConnection
from service.server.language_models import connect_models
from service.settings import Settings
from tests.support.browser.first_minutes import SCRIPTS, write
from tests.support.browser.made_service import Start, watch_start
from tests.support.browser.tour import MODEL, SIZE, Step, Tour, table
from tests.support.chat_server import chat_app
from tests.support.library_service import House
from tests.support.live_server import served
from tests.support.paths import ROOT
from tests.support.soak import SOAK

PICTURES = os.environ.get("PICTURES")
SHOWN = {
    ("en", "withheld"): "page.png",
    ("en", "open the quote"): "page-source.png",
    ("ja", "look into the history"): "page-ja.png",
}
"""Which photographs are the pictures of README.md."""
LARGEST = 300_000  # bytes of a picture
SILENT = 10.0  # seconds for which a newcomer looks at nothing new


@pytest.fixture(scope="module")
def model() -> Iterator[str]:
    """The URL of the language model of the tour."""
    with served(chat_app([MODEL], write=write)) as url:
        yield url


@pytest.fixture
def fresh(library_folder, tmp_path, embedder, checker) -> Iterator[str]:
    """The URL of a service with the library, without conversations or a language model."""
    house = House(Path(shutil.copytree(library_folder, tmp_path / "data")), embedder, checker)
    house.engine.warm_up()
    connection = ModelConnection(house.engine, Settings(data_dir=house.data), connect_models)
    with house.open(Options(connection=connection, ahead=True)):
        yield house.url


def toured(
    visit, url: str, language: str, model: str, folder: Path, before: Sequence[Step] = ()
) -> Path:
    """Do the tour; prints its table, after steps before it, and returns the folder of its photographs."""
    script = SCRIPTS[language]
    reader = visit(
        url, start=False, locale=script.locale, color_scheme=script.scheme, viewport=SIZE,
        reduced_motion="reduce",
    )  # fmt: skip
    shutil.rmtree(folder, ignore_errors=True)
    tour = Tour(reader, language, model, folder)
    steps = [*before, *tour.run()]
    tour.forget_the_model()
    print(f"\n{language}, photographs in {folder}\n{table(steps)}")
    return folder


@pytest.mark.parametrize("language", SCRIPTS if SOAK or PICTURES else ["ja"])
def test_newcomer_does_all_steps(fresh, model, visit, shots, language):
    folder = toured(visit, fresh, language, model, shots / f"tour-{language}")
    for (of, step), name in SHOWN.items():
        if PICTURES and of == language:
            (taken,) = folder.glob(f"*-{step}.png")
            assert taken.stat().st_size < LARGEST, f"{taken} is too large for README.md"
            shutil.copy(taken, Path(PICTURES) / name)


@pytest.fixture
def made(tmp_path) -> Iterator[Start]:
    """What `make serve` starts in a clean clone; its set-up needs a package index."""
    clone = tmp_path / "tenkyo"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
    unset = ("TENKYO_", "HF_HUB_OFFLINE", "VIRTUAL_ENV", "MAKE", "MFLAGS", "XDG_DATA_HOME")
    environ = {k: v for k, v in os.environ.items() if not k.startswith(unset)}
    process = subprocess.Popen(
        ["make", "serve"], cwd=clone, env=environ | {"TENKYO_PORT": "0"}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip
    try:
        yield watch_start(process.stdout)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.communicate(timeout=60)


@pytest.mark.process
@pytest.mark.skipif(not SOAK, reason="sets a clean clone up, some minutes: make soak")
@pytest.mark.timeout(3600)
def test_newcomer_does_all_steps_after_make_serve(made, model, visit, shots):
    assert made.silence <= SILENT, f"nothing was said for {made.silence:.0f} s after: {made.before}"
    before = [Step("make serve", made.seconds)]
    for language in SCRIPTS:
        toured(visit, made.url, language, model, shots / f"tour-clone-{language}", before)


def test_service_is_found_by_the_line_that_says_where_it_serves():
    times = iter([0.0, 3.0, 15.0, 16.0, 20.0])
    said = [
        "Requirement already satisfied: pip in /x\n",
        "  15 s: Requirement already satisfied\n",
        "There are no sources yet, but Tenkyo is ready soon\n",
        "Tenkyo is ready: http://127.0.0.1:8123\n",
        "more\n",
    ]
    start = watch_start(said, lambda: next(times))
    assert start == Start("http://127.0.0.1:8123", 20.0, 12.0, said[0])
    with pytest.raises(AssertionError, match="No space left"):
        watch_start(["Requirement already satisfied\n", "No space left\n"])
