"""A real HTTP server in a thread, for tests that need a socket."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator

import uvicorn
from fastapi import FastAPI


class _Brisk:
    """The module asyncio, but for sleeps a tenth as long."""

    def __getattr__(self, name: str) -> object:
        return getattr(asyncio, name)

    @staticmethod
    async def sleep(seconds: float) -> None:
        await asyncio.sleep(seconds / 10)


# Where uvicorn ends, it sleeps a tenth of a second at each step: hundreds of tests would wait for it.
uvicorn.server.asyncio = _Brisk()


class PromptServer(uvicorn.Server):
    """A server that ends when it is told to: uvicorn's looks for that ten times a second."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = threading.Event()

    async def main_loop(self) -> None:
        self._loop, self._told = asyncio.get_running_loop(), asyncio.Event()
        self.listening.set()
        while not self._told.is_set():
            await self.on_tick(0)  # which dates the replies
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._told.wait(), 1)

    def end(self) -> None:
        """Have the server end, from another thread."""
        self._loop.call_soon_threadsafe(self._told.set)


@contextlib.contextmanager
def served(app: FastAPI, port: int = 0, patience: float = 2) -> Iterator[str]:
    """Serve an app by uvicorn, by default on a free port; yields its base URL.

    At the end, requests that are still open are cancelled after ``patience`` seconds.
    """
    with socket.socket() as bound:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(("127.0.0.1", port))
        config = uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=patience)
        server = PromptServer(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
        thread.start()
        server.listening.wait()
        try:
            yield f"http://127.0.0.1:{bound.getsockname()[1]}"
        finally:
            server.end()
            thread.join()


@contextlib.contextmanager
def unconnectable() -> Iterator[str]:
    """Yield the base URL of a port at which a connection is never made, nor refused."""
    with contextlib.ExitStack() as sockets:
        bound = sockets.enter_context(socket.socket())
        bound.bind(("127.0.0.1", 0))
        bound.listen(0)
        for _ in range(4):  # more than may wait to be accepted
            waiting = sockets.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(bound.getsockname())
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"
