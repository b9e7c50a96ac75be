"""corpus.files.watcher: which changes are reported, and the command `tenkyo ingest --watch`."""

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
from corpus.files import watcher
from corpus.files.watcher import SETTLE_SECONDS, FolderChanges, WatchedFolders, poll_times
from corpus.store.store import Store
from index.inference.model_registry import BUNDLED_EMBEDDER
from index.storage.local_index import LocalIndex
from tests.support.paths import ROOT

SOONER = 0.6  # seconds after which a file is taken to be complete, where a test waits for that


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


class PolledFolders:
    """Some folders that are polled by a simulated clock."""

    def __init__(self, *folders: Path, **options: object) -> None:
        self.clock = Clock()
        self.watched = WatchedFolders(folders, clock=self.clock, **options)

    def poll(self, after: float = SETTLE_SECONDS) -> FolderChanges:
        self.clock.now += after
        return self.watched.poll()

    def settled(self) -> FolderChanges:
        """The changes, once they have settled."""
        assert self.poll() == FolderChanges()
        assert self.watched.is_settling
        changes = self.poll()
        assert not self.watched.is_settling
        return changes


def test_existing_files_are_listed_and_not_reported_as_changes(docs: Path) -> None:
    polled = PolledFolders(docs)
    assert polled.watched.files() == [docs / "a.md", docs / "sub" / "b.md"]
    assert polled.poll() == polled.poll() == FolderChanges() and not polled.watched.is_settling


def test_file_is_reported_once_after_settling(docs: Path) -> None:
    polled = PolledFolders(docs)
    new = docs / "new.md"
    for i in range(5):  # it grows for longer than a file takes to settle
        with new.open("a") as file:
            file.write(f"{i} ")
        assert polled.poll(SETTLE_SECONDS * 0.6) == FolderChanges() and polled.watched.is_settling
    assert polled.poll(SETTLE_SECONDS * 0.6) == FolderChanges()
    assert polled.poll(SETTLE_SECONDS * 0.6) == FolderChanges(files=[new])
    assert polled.watched.is_settled(new)
    assert polled.poll() == FolderChanges()
    new.write_text("Changed.")
    assert not polled.watched.is_settled(new)
    assert polled.settled() == FolderChanges(files=[new])


def test_saving_by_rename_is_one_change(docs: Path) -> None:
    polled = PolledFolders(docs)
    (docs / "a.md").rename(docs / "a.md~")
    (docs / ".a.md.swp").write_text("x")
    assert polled.poll(0.1) == FolderChanges()  # missing for a moment is not deleted
    (docs / "saved").write_text("A.")  # as long as before
    (docs / "saved").rename(docs / "a.md")
    (docs / "a.md~").unlink()
    assert polled.settled() == FolderChanges(files=[docs / "a.md"])
    passing = docs / "4913"
    passing.write_text("")
    polled.poll(0.1)
    passing.unlink()
    assert polled.poll() == polled.poll() == FolderChanges() and not polled.watched.is_settling


def test_fixed_permissions_are_a_change(docs: Path) -> None:
    (docs / "a.md").chmod(0)
    polled = PolledFolders(docs)
    (docs / "a.md").chmod(0o644)
    assert polled.settled() == FolderChanges(files=[docs / "a.md"])


def test_watches_only_files_that_an_ingestion_would_read(docs: Path, tmp_path: Path) -> None:
    (tmp_path / "outside.md").write_text("Not yours.")
    data = docs / "data"
    data.mkdir()
    polled = PolledFolders(docs, include=["*.md"], exclude=["sub/draft*"], without=data)
    (docs / ".hidden").mkdir()
    for name in (".hidden/c.md", ".d.md", "e.txt", "sub/draft.md", "data/f.md", "sub/yes.md"):
        (docs / name).write_text("New.")
    (docs / "link.md").symlink_to(tmp_path / "outside.md")
    assert polled.settled() == FolderChanges(files=[docs / "sub" / "yes.md"])


def test_deleted_and_moved_files_are_reported(docs: Path) -> None:
    polled = PolledFolders(docs)
    (docs / "sub").rename(docs / "moved")
    (docs / "a.md").unlink()
    changes = polled.settled()
    assert changes.files == [docs / "moved" / "b.md"]
    assert changes.gone == {p: p.resolve() for p in (docs / "a.md", docs / "sub" / "b.md")}
    (docs / "a.md").write_text("A.")
    assert polled.settled() == FolderChanges(files=[docs / "a.md"])


def test_folder_that_disappears_and_returns(docs: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    polled = PolledFolders(docs, tmp_path / "other")
    docs.rename(tmp_path / "elsewhere")
    changes = polled.settled()
    assert list(changes.away) == [docs] and "does not exist" in changes.away[docs]
    assert not changes.files and not changes.gone
    (tmp_path / "other" / "c.md").write_text("C.")
    assert polled.settled() == FolderChanges(files=[tmp_path / "other" / "c.md"])

    docs.mkdir()  # an empty mount point: the folder is still away
    assert polled.settled() == FolderChanges()
    docs.rmdir()
    (tmp_path / "elsewhere" / "a.md").write_text("Changed meanwhile.")
    (tmp_path / "elsewhere").rename(docs)
    (docs / "sub" / "b.md").unlink()
    b = docs / "sub" / "b.md"
    assert polled.poll() == FolderChanges()
    assert polled.poll() == FolderChanges(back=[docs])
    assert polled.poll() == FolderChanges(files=[docs / "a.md"], gone={b: b.resolve()})


def test_unmounted_folder_counts_as_away_not_emptied(docs: Path, tmp_path: Path) -> None:
    polled = PolledFolders(docs)
    docs.rename(tmp_path / "disk")
    docs.mkdir()  # a folder of the same name, but another one
    changes = polled.settled()
    assert "not the folder it was" in changes.away[docs] and not changes.gone
    docs.rmdir()
    (tmp_path / "disk").rename(docs)
    assert polled.settled() == FolderChanges(back=[docs])
    assert polled.poll() == polled.poll() == FolderChanges()


def test_refuses_folders_that_cannot_be_watched(docs: Path, tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="nowhere does not exist"):
        WatchedFolders([docs, tmp_path / "nowhere"])
    with pytest.raises(CorpusError, match=r"a\.md is a file"):
        WatchedFolders([docs / "a.md"])


def test_notifications_are_prompt_and_resume_after_folder_returns(
    docs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the system's notifications, changes are seen far sooner than by scans at intervals."""
    monkeypatch.setattr(watcher, "SETTLE_SECONDS", SOONER)
    monkeypatch.setattr(watcher, "NOTICE_SECONDS", SOONER / 2)
    watched = WatchedFolders([docs])
    seen: queue.Queue[FolderChanges] = queue.Queue()
    over = threading.Event()

    def keep_polling() -> None:
        for _ in poll_times(watched):
            if over.is_set():
                return
            if (changes := watched.poll()) != FolderChanges():
                seen.put(changes)

    thread = threading.Thread(target=keep_polling)
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
        (docs / "end.md").write_text("")  # wakes the thread before its next full scan
        thread.join()


# The command

COMMAND = (
    "from corpus.files import watcher\n"
    f"watcher.SETTLE_SECONDS, watcher.NOTICE_SECONDS = {SOONER}, {SOONER / 2}\n"
    "from service.cli.main import main; main()"
)


class WatchCommand:
    """A running `tenkyo ingest --watch`, and the lines that it prints."""

    def __init__(self, data: Path, *arguments: str | Path) -> None:
        self.data = data
        environ = {k: v for k, v in os.environ.items() if not k.startswith("TENKYO_")}
        self.process = subprocess.Popen(
            [sys.executable, "-c", COMMAND, "ingest", "--watch", *map(str, arguments)],
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

    def quiet(self) -> bool:
        time.sleep(2 * SOONER + 1)  # until a change would have been noticed, and then read
        return self._lines.empty()

    def end(self, by: signal.Signals = signal.SIGINT) -> tuple[int, str]:
        """Press Ctrl-C; return the exit code and the standard error output."""
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
def watch(tmp_path: Path, models: Path) -> Iterator[Callable[..., WatchCommand]]:
    started: list[WatchCommand] = []

    def watch(*arguments: str | Path, data: Path = tmp_path / "data") -> WatchCommand:
        data.mkdir()
        (data / "models").symlink_to(models)
        started.append(WatchCommand(data, *arguments))
        return started[-1]

    yield watch
    for each in started:
        if each.process.returncode is None:
            each.end()


@pytest.mark.process
def test_watch_command_ingests_added_and_changed_files(
    docs: Path, tmp_path: Path, watch: Callable[..., WatchCommand]
) -> None:
    more = tmp_path / "more"
    more.mkdir()
    command = watch(docs, more, "--json")
    report = command.json()
    assert (report["sources"], report["embedded"], report["failed"]) == (2, 2, [])

    new = more / "new.md"
    with new.open("w") as file:  # written for longer than a file takes to settle
        for i in range(8):
            file.write(f"Sentence {i} of the new file.\n\n")
            file.flush()
            time.sleep(SOONER / 3)
    noticed = command.json()
    assert (noticed["path"], noticed["outcome"], noticed["passages"]) == (str(new), "read", 1)
    store = command.store()
    assert "Sentence 7" in store.document(noticed["source_id"]).text

    (docs / "saved").write_text("# Kanda\n\nThe reading room holds 40,000 maps.")
    (docs / "saved").rename(docs / "a.md")
    noticed = command.json()
    assert (noticed["path"], noticed["title"]) == (str(docs / "a.md"), "Kanda")
    (docs / "a.md").write_text("")
    noticed = command.json()
    assert noticed["outcome"] == "failed" and "empty" in noticed["reason"]
    assert [each.place for each in store.unread()] == [str(docs / "a.md")]

    (docs / "a.md").unlink()
    gone = command.json()
    assert (gone["outcome"], gone["title"]) == ("gone", "Kanda")
    assert f"`tenkyo remove {gone['source_id']}`" in gone["reason"]
    assert "40,000 maps" in store.document(gone["source_id"]).text and store.unread() == []

    docs.rename(tmp_path / "elsewhere")
    assert (noticed := command.json())["outcome"] == "away" and noticed["path"] == str(docs)
    (tmp_path / "elsewhere").rename(docs)
    assert command.json()["outcome"] == "back"
    (docs / "sub" / "b.md").touch()
    assert command.quiet()  # nothing has changed in it

    code, err = command.end()
    *lines, last = err.splitlines()  # before the last come lines of progress, if any
    assert code == 0 and last.startswith("tenkyo: stopped watching: ") and "Traceback" not in err
    assert not any(line.startswith("tenkyo") for line in lines)
    index = LocalIndex.open(command.data / "index", BUNDLED_EMBEDDER, store.revision())
    assert index.rows().tolist() == store.rows()
    assert len(store.sources()) == 3


@pytest.mark.process
def test_data_folder_is_not_watched(docs: Path, watch: Callable[..., WatchCommand]) -> None:
    """An ingestion writes to its data folder, which must not trigger another ingestion."""
    shutil.rmtree(docs / "sub")
    command = watch(docs, data=docs / "data")
    lines = [command.line() for _ in range(6)]
    assert "read" in lines[1] and f"watching {docs}" in lines[-1]
    (docs / "c.md").write_text("C is new.")
    assert command.line() == f"read     {docs / 'c.md'}, 1 passage\n"
    assert command.quiet()
    assert command.end(signal.SIGTERM)[0] == 0
