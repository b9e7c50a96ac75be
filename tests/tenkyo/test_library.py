"""Tests of ``import tenkyo``: a library in this process, for asyncio and without it."""

from __future__ import annotations

import asyncio
import inspect
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import tenkyo
from corpus.errors import IndexMismatch, IndexMissing, NotFound, QuestionRefused, SettingsError
from index.search import Hit
from service.answering.factcheck import Checked
from service.ingestion.pipeline import IngestResult
from service.types import Answer
from tests.support.bundled_models import lend_models
from tests.support.library_service import MAPS, SHIPS
from tests.support.paths import ROOT

MANY_MAPS, MANY_BOATS = "How many maps does the Kanda room hold?", "How many boats has Shiogama?"


@pytest.fixture
def data(tmp_path: Path, models: Path, kept_readers: None, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data folder, but for the models, which are lent; ``filled`` loads its own."""
    lend_models(monkeypatch)
    return with_models(tmp_path / "library", models)


def with_models(folder: Path, models: Path) -> Path:
    models.mkdir(parents=True, exist_ok=True)
    folder.mkdir()
    (folder / "models").symlink_to(models)
    return folder


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory, models: Path) -> Iterator[tenkyo.Tenkyo]:
    """An open library with one document, from which no test removes it."""
    folder = tmp_path_factory.mktemp("filled")
    (folder / "maps.md").write_bytes(MAPS)
    with tenkyo.open(with_models(folder / "library", models)) as library:
        library.ingest(folder / "maps.md")
        yield library


@pytest.fixture
def maps(tmp_path: Path) -> Path:
    path = tmp_path / "maps.md"
    path.write_bytes(MAPS)
    return path


@pytest.fixture
def ships(tmp_path: Path) -> Path:
    path = tmp_path / "ships.md"
    path.write_bytes(SHIPS)
    return path


def outcomes(result: IngestResult) -> list[str]:
    return [item.outcome for item in result.items]


# What both do


def test_library_is_filled_searched_asked_and_verified(data, maps, ships):
    with tenkyo.open(data) as library:
        with pytest.raises(IndexMissing):
            library.ask(MANY_MAPS)
        result = library.ingest(maps)
        assert isinstance(result, IngestResult) and outcomes(result) == ["read"]
        hit, *_ = library.search(MANY_MAPS, 3)
        assert isinstance(hit, Hit) and "40,000 maps" in hit.passage.text
        answer = library.ask(MANY_MAPS)
        assert isinstance(answer, Answer) and answer.mode == "quoted" and answer.claims[0].ticked
        assert answer.claims[0].citations[0].quote in MAPS.decode()
        checked = library.verify("The Kanda reading room holds 40,000 maps. It holds 12 maps.")
        assert isinstance(checked, Checked)
        assert [c.verdict.label == "supported" for c in checked.claims] == [True, False]
        library.ingest(ships)  # is found by the same library, open since before
        assert "312" in library.ask(MANY_BOATS).text
        only = [hit.source.id]
        assert {each.source.id for each in library.search(MANY_BOATS, source_ids=only)} == {*only}


def test_collections_are_filled_and_asked_in(data, maps, ships):
    with tenkyo.open(data) as library:
        library.ingest(maps, collection="Maps")
        library.ingest(ships, collection="Sea")
        assert "40,000" in library.ask(MANY_MAPS, collections=["maps"]).text
        assert not library.ask(MANY_MAPS, collections=["Sea"]).claims
        titles = {hit.source.title for hit in library.search(MANY_MAPS, collections=["Sea"])}
        assert titles == {"Ships"}
        (claim,) = library.verify("The room holds 40,000 maps.", collections=["Sea"]).claims
        assert claim.verdict.label != "supported"
        for call in (library.ask, library.search, library.verify):
            with pytest.raises(NotFound, match="'Maps', 'Sea'"):
                call("How many maps?", collections=["Land"])


def test_follow_up_goes_on_with_conversation(filled):
    first = filled.ask(MANY_MAPS)
    second = filled.ask("And of which city?", conversation_id=first.conversation_id)
    assert second.conversation_id == first.conversation_id and second.understood


def test_errors_are_those_of_the_other_interfaces(filled):
    for call in (filled.ask, filled.search, filled.verify):
        with pytest.raises(NotFound):
            call("How many maps?", source_ids=["no-such-source"])
        with pytest.raises(tenkyo.TenkyoError, match="empty"):
            call(" ")
    with pytest.raises(NotFound):
        filled.ask("And then?", conversation_id="no-such-conversation")


def test_document_that_cannot_be_read_is_an_item_with_the_reason(filled, maps):
    places = (each for each in [maps, "/no/such/file.pdf", "http://127.0.0.1:9/page"])
    result = filled.ingest(places)
    failed = {item.place: item.reason for item in result.items if item.outcome == "failed"}
    assert len(result.items) == 3 and len(failed) == 2
    assert "not on the public internet" in failed["http://127.0.0.1:9/page"]
    assert "40,000" in filled.ask(MANY_MAPS).text


def test_progress_is_reported_and_may_stop_the_ingestion(filled, ships):
    seen = []

    def refuse(progress):
        raise ValueError("enough")

    with pytest.raises(ValueError, match="enough"):
        filled.ingest(ships, on_progress=refuse)
    assert outcomes(filled.ingest(ships, on_progress=seen.append))[0] in ("read", "unchanged")
    assert seen[-1].documents == 1 and "312" in filled.ask(MANY_BOATS).text


# Event loops and threads


def test_sync_library_works_where_an_event_loop_runs(filled, data):
    """As in a notebook."""

    async def cell() -> str:
        with tenkyo.open(data) as library, pytest.raises(IndexMissing):
            library.search(MANY_MAPS)
        assert filled.search(MANY_MAPS) and filled.verify("It holds 40,000 maps.").claims
        return filled.ask(MANY_MAPS).text

    assert "40,000" in asyncio.run(cell())


def test_several_threads_share_a_library(filled):
    with ThreadPoolExecutor(4) as threads:
        texts = list(threads.map(lambda _: filled.ask(MANY_MAPS).text, range(4)))
    assert len(texts) == 4 and all("40,000" in text for text in texts)


def test_async_library_answers_at_once_and_while_it_ingests(data, maps, ships):
    async def main() -> None:
        async with tenkyo.open_async(data) as library:
            first = asyncio.create_task(library.ingest(maps))
            await asyncio.sleep(0)
            assert "40,000" in (await library.ask(MANY_MAPS)).text  # waits for the first index
            assert first.done()
            ingested, *answers = await asyncio.gather(
                library.ingest([ships]), library.ask(MANY_MAPS), library.search(MANY_MAPS)
            )
            assert outcomes(ingested) == ["read"] and all(answers)
            assert "312" in (await library.ask(MANY_BOATS)).text
            assert (await library.verify("Shiogama lists 312 fishing boats.")).claims

    asyncio.run(main())


def test_cancelled_ingestion_keeps_what_was_read_until_another_completes_it(data, maps, tmp_path):
    folder = tmp_path / "notes"
    folder.mkdir()
    for n in range(12):
        (folder / f"{n:02}.md").write_text(f"# Shelf {n}\n\nShelf {n} has {n + 100} maps.")

    async def main() -> None:
        async with tenkyo.open_async(data) as library:
            await library.ingest(maps)
            loop, read, cancelled = asyncio.get_running_loop(), asyncio.Event(), threading.Event()

            def on_progress(progress):
                if progress.documents:
                    loop.call_soon_threadsafe(read.set)
                    assert cancelled.wait(60)

            ingestion = asyncio.create_task(library.ingest(folder, on_progress=on_progress))
            await read.wait()
            ingestion.cancel()
            await asyncio.sleep(0.1)
            cancelled.set()
            with pytest.raises(asyncio.CancelledError):
                await ingestion
            with pytest.raises(IndexMismatch):
                await library.search("maps")
            assert outcomes(await library.ingest(maps)) == ["unchanged"]
            assert len(await library.search("maps", 20)) > 1
            assert set(outcomes(await library.ingest(folder))) == {"read", "unchanged"}

    asyncio.run(main())


@pytest.mark.process
def test_interrupted_call_leaves_the_library_usable(data, maps):
    """By Ctrl-C, in a process of its own, whose main thread gets the signal."""
    script = (
        "import os, signal, sys, tenkyo\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a job of a shell ignores it
        "def interrupt(progress): os.kill(os.getpid(), signal.SIGINT)\n"
        "with tenkyo.open(sys.argv[1]) as library:\n"
        "    try: library.ingest(sys.argv[2], on_progress=interrupt)\n"
        "    except KeyboardInterrupt: print('interrupted')\n"
        "    library.ingest(sys.argv[2])\n"
        "    print(library.ask(sys.argv[3]).text)\n"
    )
    done = run("-c", script, data, maps, MANY_MAPS)
    assert done.stdout.startswith("interrupted\n") and "40,000" in done.stdout, done
    assert not done.stderr


def test_closed_library_says_so(tmp_path):
    running = {*threading.enumerate()}
    library = tenkyo.open(tmp_path / "d")
    library.close()
    library.close()  # has no effect
    with pytest.raises(RuntimeError, match=re.escape("tenkyo.open()")):
        library.ask("How many maps?")

    async def main() -> None:
        closed = tenkyo.open_async(tmp_path / "d")
        await closed.aclose()
        for work in (closed.ask("How many?"), closed.ingest("a.md"), closed.verify("It is.")):
            with pytest.raises(RuntimeError, match="is closed"):
                await work

    asyncio.run(main())
    assert {*threading.enumerate()} <= running


# The data folder, and what is imported


def test_data_folder_is_the_given_one_or_that_of_the_command(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "user"))

    def folder(*given: str | Path) -> Path:
        with tenkyo.open(*given) as library:
            assert tenkyo.open_async(*given).data == library.data
            return library.data

    assert folder() == tmp_path / "user/tenkyo"
    (tmp_path / "data").mkdir()
    (tmp_path / "data/tenkyo.db").touch()
    assert folder() == tmp_path / "data"
    monkeypatch.setenv("TENKYO_DATA_DIR", str(tmp_path / "set"))
    assert folder() == tmp_path / "set"
    assert folder("mine") == folder(Path("mine")) == tmp_path / "mine"
    library = tenkyo.open_async("mine")
    monkeypatch.chdir("/")
    assert library.data == tmp_path / "mine"


def test_wrong_setting_is_refused_when_opened(monkeypatch):
    monkeypatch.setenv("TENKYO_PROT", "8000")
    with pytest.raises(SettingsError, match="TENKYO_PORT"):
        tenkyo.open()


def test_list_without_places_ingests_nothing(tmp_path):
    """Not the library that ships, which is fetched from the web."""
    with tenkyo.open(tmp_path / "d") as library:
        assert library.ingest(tmp_path.glob("*.pdf")) == IngestResult([], 0)
    assert not (tmp_path / "d").exists()


def test_question_is_checked_before_models_are_loaded(tmp_path):
    with tenkyo.open(tmp_path / "d") as library, pytest.raises(QuestionRefused):
        library.search(" ")
    assert not (tmp_path / "d").exists()


@pytest.mark.parametrize("name", ["ingest", "search", "ask", "verify"])
def test_both_libraries_have_the_same_documented_methods(name):
    blocking, awaited = getattr(tenkyo.Tenkyo, name), getattr(tenkyo.AsyncTenkyo, name)
    assert inspect.signature(blocking) == inspect.signature(awaited)
    assert blocking.__doc__ == awaited.__doc__ and blocking.__doc__
    assert inspect.iscoroutinefunction(awaited) and not inspect.iscoroutinefunction(blocking)


@pytest.mark.process
def test_import_is_light_and_prints_nothing():
    done = run("-c", "import sys, tenkyo; print(*sys.modules)")
    assert not done.stderr and "tenkyo.library" in done.stdout.split()
    heavy = {"torch", "faiss", "fastapi", "openvino", "sqlalchemy", "sentence_transformers"}
    assert not heavy & set(done.stdout.split())


def examples() -> Iterator[str]:
    text = (ROOT / "docs/python.md").read_text(encoding="utf-8")
    yield from re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


@pytest.mark.process
@pytest.mark.parametrize("number", range(len([*examples()])))
def test_every_example_of_the_docs_runs(data, tmp_path, number):
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes/maps.md").write_bytes(MAPS)
    data.rename(tmp_path / "my-library")
    with tenkyo.open(tmp_path / "my-library") as library:
        library.ingest(tmp_path / "notes")
    done = run("-c", [*examples()][number], folder=tmp_path)
    assert "40,000" in done.stdout and not done.stderr, done


def run(*arguments: object, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run Python as a person does."""
    kept = {name: each for name, each in os.environ.items() if not name.startswith("TENKYO_")}
    done = subprocess.run(
        [sys.executable, "-W", "error", *map(str, arguments)],
        cwd=folder, capture_output=True, text=True, timeout=120, env=kept | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done
