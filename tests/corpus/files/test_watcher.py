"""Folders that are watched: what counts as a change, and `tenkyo ingest --watch` as it runs."""

from __future__ import annotations

import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from corpus.errors import CorpusError
from corpus.files.watcher import SETTLE_SECONDS, FolderChanges, WatchedFolders, poll_times
from corpus.store.store import Store
from index.inference.model_registry import BUNDLED_EMBEDDER
from index.storage.local_index import LocalIndex
from tests.support.paths import ROOT


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.md").write_text("A.")
    (folder / "sub" / "b.md").write_text("B.")
    return folder


class Looking:
    """Looks at some folders, by a clock of its own."""

    def __init__(self, *folders: Path, **options: object) -> None:
        self.clock = Clock()
        self.watched = WatchedFolders(folders, clock=self.clock, **options)

    def poll(self, after: float = SETTLE_SECONDS) -> FolderChanges:
        self.clock.now += after
        return self.watched.poll()

    def settled(self) -> FolderChanges:
        """What has changed, once it has come to rest."""
        assert self.poll() == FolderChanges()
        assert self.watched.is_settling
        changes = self.poll()
        assert not self.watched.is_settling
        return changes


def test_what_is_there_is_named_and_has_not_changed(docs: Path) -> None:
    looking = Looking(docs)
    assert looking.watched.files() == [docs / "a.md", docs / "sub" / "b.md"]
    assert looking.poll() == looking.poll() == FolderChanges() and not looking.watched.is_settling


def test_a_file_is_named_once_when_it_rests(docs: Path) -> None:
    looking = Looking(docs)
    new = docs / "new.md"
    for i in range(5):  # it grows for longer than a file has to rest
        with new.open("a") as file:
            file.write(f"{i} ")
        assert looking.poll(SETTLE_SECONDS * 0.6) == FolderChanges() and looking.watched.is_settling
    assert looking.poll(SETTLE_SECONDS * 0.6) == FolderChanges()
    assert looking.poll(SETTLE_SECONDS * 0.6) == FolderChanges(files=[new])
    assert looking.watched.is_settled(new)
    assert looking.poll() == FolderChanges()
    new.write_text("Changed.")
    assert not looking.watched.is_settled(new)  # what was made of it is not the last word
    assert looking.settled() == FolderChanges(files=[new])


def test_editors_that_save_by_rename(docs: Path) -> None:
    looking = Looking(docs)
    (docs / "a.md").rename(docs / "a.md~")
    (docs / ".a.md.swp").write_text("x")
    assert (
        looking.poll(0.1) == FolderChanges()
    )  # for a moment there is none, and that is no deletion
    (docs / "saved").write_text("A.")  # as long as before
    (docs / "saved").rename(docs / "a.md")
    (docs / "a.md~").unlink()
    assert looking.settled() == FolderChanges(files=[docs / "a.md"])
    passing = docs / "4913"
    passing.write_text("")
    looking.poll(0.1)
    passing.unlink()
    assert looking.poll() == looking.poll() == FolderChanges() and not looking.watched.is_settling


def test_permissions_that_are_mended_are_a_change(docs: Path) -> None:
    (docs / "a.md").chmod(0)
    looking = Looking(docs)
    (docs / "a.md").chmod(0o644)
    assert looking.settled() == FolderChanges(files=[docs / "a.md"])


def test_only_what_an_ingestion_would_take(docs: Path, tmp_path: Path) -> None:
    (tmp_path / "outside.md").write_text("Not yours.")
    data = docs / "data"
    data.mkdir()
    looking = Looking(docs, include=["*.md"], exclude=["sub/draft*"], without=data)
    (docs / ".hidden").mkdir()
    for name in (".hidden/c.md", ".d.md", "e.txt", "sub/draft.md", "data/f.md", "sub/yes.md"):
        (docs / name).write_text("New.")
    (docs / "link.md").symlink_to(tmp_path / "outside.md")
    assert looking.settled() == FolderChanges(files=[docs / "sub" / "yes.md"])


def test_what_is_deleted_and_what_is_moved(docs: Path) -> None:
    looking = Looking(docs)
    (docs / "sub").rename(docs / "moved")
    (docs / "a.md").unlink()
    changes = looking.settled()
    assert changes.files == [docs / "moved" / "b.md"]
    assert changes.gone == {p: p.resolve() for p in (docs / "a.md", docs / "sub" / "b.md")}
    (docs / "a.md").write_text("A.")
    assert looking.settled() == FolderChanges(files=[docs / "a.md"])


def test_a_folder_that_goes_and_comes_back(docs: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    looking = Looking(docs, tmp_path / "other")
    docs.rename(tmp_path / "elsewhere")
    changes = looking.settled()
    assert list(changes.away) == [docs] and "does not exist" in changes.away[docs]
    assert not changes.files and not changes.gone
    (tmp_path / "other" / "c.md").write_text("C.")
    assert looking.settled() == FolderChanges(files=[tmp_path / "other" / "c.md"])

    docs.mkdir()  # such as where a disk is to be mounted: the folder is still away
    assert looking.settled() == FolderChanges()
    docs.rmdir()
    (tmp_path / "elsewhere" / "a.md").write_text("Changed meanwhile.")
    (tmp_path / "elsewhere").rename(docs)
    (docs / "sub" / "b.md").unlink()
    b = docs / "sub" / "b.md"
    assert looking.poll() == FolderChanges()
    assert looking.poll() == FolderChanges(back=[docs])
    assert looking.poll() == FolderChanges(files=[docs / "a.md"], gone={b: b.resolve()})


def test_a_folder_that_is_emptied_by_unmounting_it(docs: Path, tmp_path: Path) -> None:
    looking = Looking(docs)
    docs.rename(tmp_path / "disk")
    docs.mkdir()  # at once: the folder is there, and another one
    changes = looking.settled()
    assert "not the folder it was" in changes.away[docs] and not changes.gone
    docs.rmdir()
    (tmp_path / "disk").rename(docs)
    assert looking.settled() == FolderChanges(back=[docs])
    assert looking.poll() == looking.poll() == FolderChanges()


def test_folders_that_cannot_be_watched(docs: Path, tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="nowhere does not exist"):
        WatchedFolders([docs, tmp_path / "nowhere"])
    with pytest.raises(CorpusError, match=r"a\.md is a file"):
        WatchedFolders([docs / "a.md"])


def test_notices_come_soon_and_go_on_after_a_folder_was_away(docs: Path, tmp_path: Path) -> None:
    """The system's own notices: far sooner than the looks that come without one."""
    watched = WatchedFolders([docs])
    seen: queue.Queue[FolderChanges] = queue.Queue()
    over = threading.Event()

    def keep_looking() -> None:
        for _ in poll_times(watched):
            if over.is_set():
                return
            if (changes := watched.poll()) != FolderChanges():
                seen.put(changes)

    thread = threading.Thread(target=keep_looking)
    thread.start()
    try:
        time.sleep(1)
        (docs / "sub" / "deep").mkdir()
        (docs / "sub" / "deep" / "c.md").write_text("C.")
        assert seen.get(timeout=6).files == [docs / "sub" / "deep" / "c.md"]
        docs.rename(tmp_path / "elsewhere")
        assert list(seen.get(timeout=6).away) == [docs]
        (tmp_path / "elsewhere").rename(docs)
        assert seen.get(timeout=6).back == [docs]
        (docs / "a.md").write_text("Changed.")
        assert seen.get(timeout=6).files == [docs / "a.md"]
    finally:
        over.set()
        thread.join()


# The command


class Watching:
    """`tenkyo ingest --watch … --json`, and the lines that it prints."""

    def __init__(self, data: Path, *arguments: str | Path) -> None:
        self.data = data
        environ = {k: v for k, v in os.environ.items() if not k.startswith("TENKYO_")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "service.cli.main", "ingest", "--watch", *map(str, arguments)],
            cwd=ROOT,
            env=environ | {"TENKYO_DATA_DIR": str(data)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # Where the tests run in the background, it would be ignored.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        self._lines: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        for line in self.process.stdout:
            self._lines.put(line)

    def line(self) -> str:
        return self._lines.get(timeout=60)

    def json(self) -> dict:
        return json.loads(self.line())

    def quiet(self, seconds: float) -> bool:
        time.sleep(seconds)
        return self._lines.empty()

    def end(self, by: signal.Signals = signal.SIGINT) -> tuple[int, str]:
        """Ctrl-C: the exit code, and what was said on stderr."""
        self.process.send_signal(by)
        try:
            err = self.process.stderr.read()
            return self.process.wait(timeout=30), err
        finally:
            self.process.kill()
            self._reader.join()
            self.process.stdout.close()
            self.process.stderr.close()

    def store(self) -> Store:
        return Store(f"sqlite:///{self.data / 'tenkyo.db'}")


@pytest.fixture
def watch(tmp_path: Path, models: Path) -> Iterator[Callable[..., Watching]]:
    started: list[Watching] = []

    def watch(*arguments: str | Path, data: Path = tmp_path / "data") -> Watching:
        data.mkdir()
        (data / "models").symlink_to(models)
        started.append(Watching(data, *arguments))
        return started[-1]

    yield watch
    for each in started:
        if each.process.returncode is None:
            each.end()


@pytest.mark.process
def test_what_is_added_and_changed_is_ingested(
    docs: Path, tmp_path: Path, watch: Callable[..., Watching]
) -> None:
    more = tmp_path / "more"
    more.mkdir()
    watching = watch(docs, more, "--json")
    report = watching.json()
    assert (report["sources"], report["embedded"], report["failed"]) == (2, 2, [])

    new = more / "new.md"
    with new.open("w") as file:  # written for longer than a file has to rest
        for i in range(8):
            file.write(f"Sentence {i} of the new file.\n\n")
            file.flush()
            time.sleep(0.3)
    noticed = watching.json()
    assert (noticed["path"], noticed["outcome"], noticed["passages"]) == (str(new), "read", 1)
    store = watching.store()
    assert "Sentence 7" in store.document(noticed["source_id"]).text

    (docs / "saved").write_text("# Kanda\n\nThe reading room holds 40,000 maps.")
    (docs / "saved").rename(docs / "a.md")
    noticed = watching.json()
    assert (noticed["path"], noticed["title"]) == (str(docs / "a.md"), "Kanda")
    (docs / "a.md").write_text("")
    noticed = watching.json()
    assert noticed["outcome"] == "failed" and "empty" in noticed["reason"]
    assert [each.place for each in store.unread()] == [str(docs / "a.md")]

    (docs / "a.md").unlink()
    gone = watching.json()
    assert (gone["outcome"], gone["title"]) == ("gone", "Kanda")
    assert f"`tenkyo remove {gone['source_id']}`" in gone["reason"]
    assert "40,000 maps" in store.document(gone["source_id"]).text and store.unread() == []

    docs.rename(tmp_path / "elsewhere")
    assert (noticed := watching.json())["outcome"] == "away" and noticed["path"] == str(docs)
    (tmp_path / "elsewhere").rename(docs)
    assert watching.json()["outcome"] == "back"
    (docs / "sub" / "b.md").touch()
    assert watching.quiet(4)  # nothing has changed in it

    code, err = watching.end()
    *lines, last = err.splitlines()  # before the last, how far it was where that took long
    assert code == 0 and last.startswith("tenkyo: stopped watching: ") and "Traceback" not in err
    assert not any(line.startswith("tenkyo") for line in lines)
    index = LocalIndex.open(watching.data / "index", BUNDLED_EMBEDDER, store.revision())
    assert index.rows().tolist() == store.rows()
    assert len(store.sources()) == 3


@pytest.mark.process
def test_the_library_itself_is_not_watched(docs: Path, watch: Callable[..., Watching]) -> None:
    """An ingestion writes to the data folder: where it is watched too, that must not go round."""
    shutil.rmtree(docs / "sub")
    watching = watch(docs, data=docs / "data")
    lines = [watching.line() for _ in range(6)]
    assert "read" in lines[1] and f"watching {docs}" in lines[-1]
    (docs / "c.md").write_text("C is new.")
    assert watching.line() == f"read     {docs / 'c.md'}, 1 passage\n"
    assert watching.quiet(4)
    assert watching.end(signal.SIGTERM)[0] == 0
