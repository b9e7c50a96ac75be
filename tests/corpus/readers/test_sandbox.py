"""corpus.readers.sandbox: reading in separate processes, which cannot harm the parent."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import docx
import pytest

from corpus.errors import CorpusError, EmptyDocument, UnreadableText, UnsupportedContent
from corpus.readers.extract import extract
from corpus.readers.sandbox import ReaderPool
from corpus.store.store import Store
from corpus.text.chunking import split_into_passages
from corpus.types import Document, Passage, Source
from corpus.web.fetcher import Fetcher
from index.ingestion.ingest import Ingestion
from index.ingestion.report import IngestProgress, Progress
from tests.support.paths import ROOT

pytestmark = pytest.mark.process

SMALL = b"# Kanda\n\nThe reading room holds 40,000 maps, see https://example.org/maps."
HEAVY = b"The *reading* **room** [holds](http://a.b/c) `40,000` maps. " * 100_000  # half a minute
LONG = b"The reading room holds 40,000 maps. " * 550_000  # takes longer than the tests that end it


@pytest.fixture(scope="module")
def workers() -> Iterator[ReaderPool]:
    with ReaderPool() as made:
        yield made


def source(name: str) -> Source:
    return Source(f"id of {name}", f"file:///books/{name}", authors=("A", "B"), kind="upload")


def read(workers: ReaderPool, data: bytes, name: str) -> tuple[Document, list[Passage]]:
    return workers.read(data, source(name))


def processes(parent: int) -> set[int]:
    """Return the ids of a process's living children."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == parent and fields[0] != "Z":
            found.add(int(path.parent.name))
    return found


needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="there is no /proc")


def word_file() -> bytes:
    file = docx.Document()
    file.add_heading("題名", 1)
    file.add_paragraph("A paragraph. " * 200)
    out = io.BytesIO()
    file.save(out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.md", SMALL),
        ("b.html", b"<html lang=en><title>T</title><body><h1>H</h1><p>" + b"Text here. " * 300),
        ("c.docx", word_file()),
        ("d.txt", "二つ目の文書です。\U0001f600\0".encode("utf-16")),
    ],
)
def test_reader_process_returns_same_as_extract(
    workers: ReaderPool, name: str, data: bytes
) -> None:
    document = extract(data, source(name))
    assert read(workers, data, name) == (document, split_into_passages(document))


@pytest.mark.shared
def test_reader_process_reads_pdf(workers: ReaderPool, shared: Path) -> None:
    data = (shared / "pdfs" / "tracemonkey.pdf").read_bytes()
    document = extract(data, source("t.pdf"))
    found = read(workers, data, "t.pdf")
    assert found == (document, split_into_passages(document)) and len(found[0].pages) == 14


def test_reader_process_raises_same_errors_as_extract(workers: ReaderPool) -> None:
    cases = {
        "empty.md": (b"", EmptyDocument, "is empty"),
        "picture.pdf": (b"\x89PNG\r\n\x1a\n", UnsupportedContent, "looks like a PNG picture"),
        "cut.docx": (word_file()[:900], UnsupportedContent, "damaged ZIP"),
    }
    for name, (data, kind, says) in cases.items():
        with pytest.raises(kind, match=says) as caught:
            read(workers, data, name)
        assert type(caught.value) is kind and f"file:///books/{name}" in str(caught.value)


@pytest.mark.shared
def test_password_reaches_reader_process(workers: ReaderPool, shared: Path) -> None:
    data = (shared / "pdfs" / "aes-256.pdf").read_bytes()
    with pytest.raises(UnreadableText, match="give its password"):
        workers.read(data, source("a.pdf"))
    with pytest.raises(UnreadableText, match="does not open it"):
        workers.read(data, source("a.pdf"), password="wrong")
    # A password that is not valid Unicode, as a command line may contain it.
    with pytest.raises(CorpusError, match=r"a\.pdf cannot be read \(UnicodeEncodeError"):
        workers.read(data, source("a.pdf"), password="\udcff")


def test_reader_process_is_reused_and_replaced_if_killed() -> None:
    with ReaderPool() as workers:
        read(workers, SMALL, "a.md")
        (first,) = workers._idle
        read(workers, SMALL, "b.md")
        assert workers._idle == [first]
        first.process.kill()
        first.process.wait()
        read(workers, SMALL, "c.md")
        assert len(workers._idle) == 1 and workers._idle != [first]


def test_error_names_file_that_takes_too_long() -> None:
    with ReaderPool(seconds=3) as workers:
        started = time.monotonic()
        with pytest.raises(CorpusError, match=r"slow\.md takes more than 3 seconds") as caught:
            read(workers, LONG, "slow.md")
        assert time.monotonic() - started < 6 and "split it" in str(caught.value)
        assert workers._idle == [] and not workers._busy
        read(workers, SMALL, "a.md")


def test_error_names_document_with_too_much_text() -> None:
    says = r"a\.txt has 20.1 million characters, more than 20 million: split it"
    with ReaderPool(seconds=250) as workers, pytest.raises(CorpusError, match=says):
        read(workers, b"The room holds maps. " * 957_143, "a.txt")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the memory of a process")
def test_error_names_file_that_takes_too_much_memory() -> None:
    with ReaderPool(memory=200_000_000) as workers:
        with pytest.raises(CorpusError, match=r"large\.md takes more than 0.2 GB") as caught:
            read(workers, b"x " * 45_000_000, "large.md")
        assert "split it" in str(caught.value)
        with pytest.raises(CorpusError, match=r"larger\.md takes more than 0.2 GB"):
            read(workers, bytes(300_000_000), "larger.md")
        read(workers, SMALL, "a.md")


def test_bug_in_reader_is_error_of_file_and_logs_traceback(
    workers: ReaderPool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", "corpus.readers.sandbox")
    no_text: str = None  # type: ignore[assignment]  # no caller passes this
    with pytest.raises(CorpusError, match=r"a\.md cannot be read \(TypeError in its reader\)"):
        workers.read(SMALL, source("a.md"), no_text)
    assert "Traceback" in caplog.text and "TypeError" in caplog.text
    assert read(workers, SMALL, "a.md")[1]  # the process is still usable


@needs_proc
def test_crash_of_reader_process_fails_only_one_file(tmp_path: Path, offline: Fetcher) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    for name, data in (("a.md", SMALL), ("b.md", HEAVY), ("c.md", SMALL), ("d.md", SMALL)):
        (folder / name).write_bytes(data)
    before, done = processes(os.getpid()), threading.Event()

    def kill() -> None:
        done.wait(30)
        for process in processes(os.getpid()) - before:
            os.kill(process, signal.SIGSEGV)

    def on_progress(now: Progress) -> None:
        if now.documents == 3:
            done.set()

    killer = threading.Thread(target=kill)
    killer.start()
    store = Store(f"sqlite:///{tmp_path / 'data' / 'tenkyo.db'}")
    with Ingestion(store, IngestProgress(on_progress)) as ingestion:
        items = asyncio.run(ingestion.places([str(folder)], offline))
    killer.join()
    assert [item.outcome for item in items] == ["read", "failed", "read", "read"]
    assert "b.md crashed its reader (SIGSEGV), which may" in items[1].reason
    assert [unread.place for unread in store.unread()] == [str(folder / "b.md")]
    assert processes(os.getpid()) == before


def test_pool_can_be_used_by_many_threads(workers: ReaderPool) -> None:
    names = [f"{i}.md" for i in range(12)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda name: read(workers, SMALL + name.encode(), name), names))
    assert [
        document.text[-len(n) :] for (document, _), n in zip(found, names, strict=True)
    ] == names
    assert len(workers._idle) <= 4


def test_close_ends_busy_reader_processes() -> None:
    workers = ReaderPool()
    read(workers, SMALL, "a.md")
    (worker,) = workers._idle
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(read, workers, LONG, "slow.md")
        while not workers._busy:
            time.sleep(0.01)
        workers.close()
        with pytest.raises(RuntimeError, match="is closed"):
            reading.result(timeout=10)
    assert worker.process.returncode is not None
    with pytest.raises(RuntimeError, match="is closed"):
        read(workers, SMALL, "a.md")


@needs_proc
@pytest.mark.parametrize("busy", [False, True])
def test_reader_process_ends_with_its_parent(busy: bool) -> None:
    script = (
        "import sys; from tests.corpus.readers.test_sandbox import *\n"
        "workers = ReaderPool(); read(workers, SMALL, 'a.md'); print('ready', flush=True)\n"
        f"read(workers, LONG, 'b.md') if {busy} else sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout.readline() == b"ready\n"
        (worker,) = processes(parent.pid)
        time.sleep(0.5)
        assert Path(f"/proc/{worker}").exists()
        parent.kill()
    deadline = time.monotonic() + 10
    while Path(f"/proc/{worker}").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not Path(f"/proc/{worker}").exists()


@needs_proc
def test_interrupted_ingestion_does_not_wait_for_reader_processes(tmp_path: Path) -> None:
    (tmp_path / "slow.md").write_bytes(LONG)
    script = (
        "import signal, sys; from tests.corpus.readers.test_sandbox import *\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "store = Store(f'sqlite:///{sys.argv[1]}/tenkyo.db')\n"
        "tally = IngestProgress(lambda now: print('ready', flush=True))\n"
        "with Ingestion(store, tally) as ingestion:\n"
        "    asyncio.run(ingestion.places([sys.argv[1] + '/slow.md'], Fetcher()))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as parent:  # fmt: skip
        assert parent.stdout.readline() == b"ready\n"
        while not (found := processes(parent.pid)):
            time.sleep(0.02)
        time.sleep(0.5)
        started = time.monotonic()
        parent.send_signal(signal.SIGINT)
        _, err = parent.communicate(timeout=30)
        assert time.monotonic() - started < 10 and b"KeyboardInterrupt" in err
    assert not any(Path(f"/proc/{worker}").exists() for worker in found)
    assert Store(f"sqlite:///{tmp_path}/tenkyo.db").unread() == []


def test_reader_process_imports_only_corpus() -> None:
    script = (
        "import sys; import corpus.readers.sandbox; print(*sys.modules); print('|')\n"
        "import corpus.readers.extract, corpus.text.chunking; print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=True
    )
    parent, worker = (set(part.split()) for part in done.stdout.split("|"))
    assert "corpus.readers.extract" not in parent and "corpus.readers.extract" in worker
    heavy = {"index", "service", "numpy", "faiss", "torch", "openvino", "sqlalchemy", "httpx"}
    assert not heavy & worker
    # The libraries of some formats are imported with the first file of that format.
    assert not {"docx", "pptx", "pypdfium2"} & worker
