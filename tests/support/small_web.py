"""A web server on 127.0.0.1 with pages that the test defines."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.support.documents import pdf

LONG = "Whisper learned from 680,000 hours of audio, as its authors write in the paper. " * 30


class Web(ThreadingHTTPServer):
    """A server for any host, with a record of the requests.

    Attributes:
        pages: By host and path: (status, headers, body), a function of the request's headers that
            returns these, or a list of them, one for each request.
        asked: (seconds, host and path, headers) of each request.
        most_at_once: For each host, the most requests that were open at the same time.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.pages: dict[str, Any] = {}
        self.asked: list[tuple[float, str, dict[str, str]]] = []
        self.sent = 0  # bytes of bodies
        self.open: dict[str, int] = {}
        self.most_at_once: dict[str, int] = {}
        self.lock = threading.Lock()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print nothing if a client disconnects."""

    def requests(self, *, robots: bool = False) -> list[str]:
        """List host and path of the requests, by default without those for robots.txt."""
        return [page for _, page, _ in self.asked if robots or not page.endswith("/robots.txt")]


class _Answers(BaseHTTPRequestHandler):
    server: Web

    def do_GET(self) -> None:
        web, host = self.server, self.headers["host"]
        with web.lock:
            headers = {name.lower(): value for name, value in self.headers.items()}
            web.asked.append((time.monotonic(), host + self.path, headers))
            web.open[host] = web.open.get(host, 0) + 1
            web.most_at_once[host] = max(web.open[host], web.most_at_once.get(host, 0))
        try:
            page = web.pages.get(host + self.path, (404, {}, b"no such page"))
            if isinstance(page, list):  # one response after the other; the last is repeated
                page = page.pop(0) if len(page) > 1 else page[0]
            status, extra, body = page(headers) if callable(page) else page
            self.send_response(status)
            for name, value in extra.items():
                self.send_header(name, value)
            self.end_headers()
            for piece in [body] if isinstance(body, bytes) else body:
                self.wfile.write(piece)
                web.sent += len(piece)
        finally:
            with web.lock:
                web.open[host] -= 1

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def serving() -> Iterator[Web]:
    """Run a server in a thread."""
    with Web() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def html(body: str, head: str = "", **headers: str) -> tuple[int, dict[str, str], bytes]:
    """Make an HTML page; ``headers`` are named with underscores."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    text = f"<!doctype html><html><head>{head}</head><body><main>{body}</main></body></html>"
    return 200, {"content-type": "text/html; charset=utf-8", **named}, text.encode()


def links(*urls: str) -> str:
    """Make the body of a page that links to papers."""
    listed = "".join(f'<li><a href="{url}">a paper</a></li>' for url in urls)
    return f"<h1>Year in review</h1><p>{LONG}</p><ul>{listed}</ul>"


def paper_pdf(text: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    """Make a PDF of nine sentences."""
    lines = [(60, 700 - 20 * i, 11, f"{text} Sentence number {i} of the paper.") for i in range(9)]
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return 200, {"content-type": "application/pdf", **named}, pdf([lines])
