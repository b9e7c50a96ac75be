"""The service over a separate data folder, in a thread or a process, for tests of ingestion."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx

from corpus.store.originals import OriginalStore
from corpus.store.store import Store
from corpus.store.uploads import UploadStore
from corpus.web.http_cache import HttpCache
from index.search import Library
from index.storage.local_index import LiveIndex
from index.storage.manifest import read_manifest
from service.answering.engine import Engine
from service.api.app import DEFAULTS, Options, create_app
from service.conversations.store import History
from service.ingestion.job_run import IngestionResources
from service.ingestion.worker import IngestionWorker
from tests.support.live_server import served
from tests.support.paths import ROOT

PUBLIC = "93.184.216.34"
MAPS = b"# Kanda\n\nThe Kanda reading room holds 40,000 maps of the old city."
SHIPS = b"# Ships\n\nThe harbour office of Shiogama lists 312 fishing boats."


def many(sentences: int, what: str = "maps") -> bytes:
    """Make a Markdown text of ``sentences`` sections, of nine sentences each."""
    parts = [
        f"## Room {n}\n\n"
        + f"Reading room {n} keeps {n * 7} {what} of the district number {n}. " * 9
        for n in range(sentences)
    ]
    return ("# Rooms\n\n" + "\n\n".join(parts)).encode()


class Web:
    """A fake internet for the service, as an ASGI app.

    Attributes:
        pages: Content type and body by host and path; all else is 404.
        asked: Host and path of each request.
        hold: While this event is cleared, requests wait.
        held: The number of requests that wait.
    """

    def __init__(self) -> None:
        self.pages: dict[str, tuple[str, bytes]] = {}
        self.asked: list[str] = []
        self.held = 0
        self.hold = threading.Event()
        self.hold.set()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        import asyncio

        host = dict(scope["headers"])[b"host"].decode()
        self.asked.append(host + scope["path"])
        self.held += 1
        try:
            while not self.hold.is_set():
                await asyncio.sleep(0.02)
        finally:
            self.held -= 1
        kind, body = self.pages.get(host + scope["path"], ("", b""))
        headers = [(b"content-type", kind.encode())]
        start = {"type": "http.response.start", "status": 200 if kind else 404, "headers": headers}
        await send(start)
        await send({"type": "http.response.body", "body": body})

    @staticmethod
    async def resolve(host: str, port: int) -> Sequence[str]:
        """Resolve every host to a public address, but for some local names."""
        known = {"router.lan": ["192.168.1.1"], "127.0.0.1": ["127.0.0.1"], "::1": ["::1"]}
        if host == "nowhere.org":
            raise OSError("no such host")
        return known.get(host, [host] if host[0].isdigit() else [PUBLIC])


class House:
    """A data folder with the shipped library, and the service over it with its ingestion worker."""

    def __init__(self, folder: Path, embedder: Any, checker: Any) -> None:
        self.data, self.index, self.web = folder, folder / "index", Web()
        self.store = Store(f"sqlite:///{folder / 'tenkyo.db'}")
        library = Library(self.store, LiveIndex(self.index, embedder.name), embedder)
        self.engine = Engine(library, checker, History(self.store.database))
        transport = httpx.ASGITransport(app=self.web)
        self.means = IngestionResources(
            self.store, embedder, self.index, UploadStore(folder / "uploads"), HttpCache(folder / "fetched"),
            (("transport", transport), ("resolve", self.web.resolve)), OriginalStore(folder / "originals", 1_000_000_000),
        )  # fmt: skip
        self.url = ""

    @contextlib.contextmanager
    def open(self, options: Options = DEFAULTS) -> Iterator[House]:
        """Run the service on a local port."""
        self.runner = IngestionWorker(self.means)
        app = create_app(self.engine, index_dir=self.index, runner=self.runner, options=options)
        with served(app) as self.url:
            try:
                yield self
            finally:
                self.web.hold.set()

    def call(self, method: str, path: str, status: int = 200, **more: Any) -> httpx.Response:
        """Send a request, and check the status and that errors are problem documents."""
        answer = httpx.request(method, self.url + path, timeout=60, **more)
        assert answer.status_code == status, (answer.status_code, answer.text)
        assert status < 400 or answer.headers["content-type"] == "application/problem+json"
        return answer

    def upload(self, *files: tuple[str, bytes], status: int = 202, **fields: str) -> dict:
        """Upload files; returns the job."""
        form = [("files", file) for file in files]
        return self.call("POST", "/v1/documents", status, files=form, data=fields).json()

    def ended(self, job: dict, seconds: float = 120) -> dict:
        """Wait until a job has ended; returns it."""
        return ended(self.url, job, seconds)

    def ask(self, question: str) -> str:
        """Return the text of the answer to a question."""
        made = self.call("POST", "/v1/answers", json={"question": question}).json()
        return made["text"]

    def search(self, question: str) -> list[str]:
        """Return the texts of the five best hits."""
        hits = self.call("GET", "/v1/search", params={"q": question, "k": 5}).json()["hits"]
        return [hit["passage"]["text"] for hit in hits]

    def kept(self) -> set[str]:
        """List the stored upload files."""
        folder = self.data / "uploads"
        return set(os.listdir(folder)) if folder.exists() else set()

    def keeps(self, wanted: set[str] | int) -> bool:
        """Wait until exactly these upload files, or this number of them, are stored."""
        deadline = time.monotonic() + 20
        while (kept := self.kept()) != wanted and len(kept) != wanted:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True

    def settled(self) -> None:
        """Wait until the index is up to date with the store."""
        deadline = time.monotonic() + 60
        while read_manifest(self.index)["corpus_revision"] != self.store.revision():
            assert time.monotonic() < deadline
            time.sleep(0.05)


def ended(url: str, job: dict, seconds: float = 120) -> dict:
    """Poll a job until it has ended; returns it."""
    deadline = time.monotonic() + seconds
    while True:
        now = httpx.get(f"{url}/v1/jobs/{job['id']}", timeout=60).json()
        if now["status"] not in ("queued", "running"):
            return now
        assert time.monotonic() < deadline, now
        time.sleep(0.05)


class Server:
    """``tenkyo serve`` in a process, and other commands on the same data folder."""

    def __init__(self, data: Path, models: Path) -> None:
        self.data = data
        with contextlib.suppress(FileExistsError):
            (data / "models").symlink_to(models)
        self.environ = dict(os.environ, TENKYO_DATA_DIR=str(data), TENKYO_PORT="0")
        self.process: subprocess.Popen | None = None

    def start(self) -> str:
        """Start it; returns its URL when it is ready."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "service.cli.main", "serve"],
            cwd=ROOT, env=self.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        for line in self.process.stdout:
            if "ready" in line:
                return line.split()[-1]
        raise AssertionError(self.process.stderr.read())

    def end(self, how: int) -> str:
        """Send it a signal and wait until it ends; returns its standard error."""
        self.process.send_signal(how)
        _, complaints = self.process.communicate(timeout=60)
        return complaints

    def command(self, *arguments: str | Path) -> subprocess.CompletedProcess:
        """Run a ``tenkyo`` command."""
        command = [sys.executable, "-m", "service.cli.main", *map(str, arguments)]
        return subprocess.run(
            command, cwd=ROOT, env=self.environ, capture_output=True, text=True, timeout=200
        )
