"""Reading of files in separate processes with limits of time and memory.

A hostile or damaged file can crash only the process that reads it.

    with ReaderPool() as readers:
        document, passages = readers.read(data, source, content_type)

A reader process is a fresh interpreter that has imported only ``corpus``. It reads one file
after another, is replaced when it fails, and ends when its parent does, however that ends. The
two exchange JSON over pipes, so nothing that a reader process sends is executed.
"""

from __future__ import annotations

import base64
import contextlib
import json
import logging
import os
import queue
import signal
import struct
import subprocess
import sys
import threading
import time
from dataclasses import asdict, replace
from typing import IO, Any, Self

from corpus.document_errors import DamagedFile, FileTooLarge
from corpus.errors import (
    CorpusError,
    EmptyDocument,
    PasswordNeeded,
    UnreadableText,
    UnsupportedContent,
)
from corpus.readers.reading_tasks import answer, file_name, rebuilt
from corpus.types import Document, Gap, Link, PageSpan, Passage, Section, Source

READ_SECONDS = 120.0
READER_MEMORY_BYTES = 2_000_000_000  # of data, without program and libraries

_READ_ERRORS = (EmptyDocument, PasswordNeeded, UnreadableText, UnsupportedContent)
_ERRORS = {e.__name__: e for e in (*_READ_ERRORS, DamagedFile, FileTooLarge)}
_LENGTH = struct.Struct("!Q")
_OUT_OF_MEMORY = 77  # exit code of a reader process
_log = logging.getLogger(__name__)


class ReaderPool:
    """A thread-safe pool of processes that read files within limits of time and memory.

    It has as many processes as there are calls at once, and reuses them.
    """

    def __init__(self, seconds: float = READ_SECONDS, memory: int = READER_MEMORY_BYTES) -> None:
        """Make a pool; processes are started when they are needed.

        Args:
            seconds: The time that one file may take.
            memory: The bytes that one file may take. Not enforced where the system cannot limit
                a process's memory; Linux can.
        """
        self.seconds, self.memory = seconds, memory
        self._lock = threading.Lock()
        self._idle: list[_ReaderProcess] = []
        self._busy: set[_ReaderProcess] = set()
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read(
        self, data: bytes, source: Source, content_type: str = "", password: str = ""
    ) -> tuple[Document, list[Passage]]:
        """Read a file in a separate process, and cut its text into passages.

        Args:
            data: The bytes of the file.
            source: Where it is from.
            content_type: The HTTP header ``Content-Type``, if there was one.
            password: Opens an encrypted PDF.

        Returns:
            What ``extract`` and ``split_into_passages`` return.

        Raises:
            CorpusError: What ``extract`` raises; or the file takes too much time or memory,
                crashes its reader process, or has more than 20 million characters.
            RuntimeError: The pool is closed.
        """
        request = {"source": asdict(source), "content_type": content_type, "password": password}
        reply = self.ask(file_name(source), request | {"task": "read"}, data)
        return _document(reply["document"], source), [
            rebuilt(Passage, p) for p in reply["passages"]
        ]

    def unlock(self, data: bytes, name: str, password: str) -> bytes:
        """Remove the encryption of a PDF in a separate process, as ``unlock_pdf`` does.

        Raises:
            PasswordNeeded: The password does not open it.
            CorpusError: It is damaged, or takes too much time or memory.
            RuntimeError: The pool is closed.
        """
        reply = self.ask(name, {"task": "unlock", "password": password}, data)
        return base64.b64decode(reply["unlocked"])

    def ask(self, name: str, request: dict[str, Any], data: bytes) -> dict[str, Any]:
        """Have a separate process do something with a file, and return its reply.

        Args:
            name: What error messages call the file.
            request: The ``task``, and what it needs to know, as JSON has it.
            data: The bytes of the file.

        Raises:
            CorpusError: The task raised it; or it takes too much time or memory, or crashes its
                process.
            RuntimeError: The pool is closed.
        """
        process = self._take(name)
        request, started = request | {"name": name}, time.monotonic()
        try:
            reply = process.ask(json.dumps(request).encode(), data, self.seconds, self.memory)
        except BaseException:
            self._give_back(process, usable=False)
            raise
        self._give_back(process, usable=reply is not None)
        if self._closed:
            raise RuntimeError(f"{name} was not read: the reader pool is closed")
        if reply is None:
            late = time.monotonic() - started >= self.seconds
            raise self._failure(name, process.end(), late)
        if "error" in reply:
            _log.debug("%s: %s", name, reply["trace"])
            raise _ERRORS.get(reply["error"], CorpusError)(reply["message"])
        return reply

    def close(self) -> None:
        """End all reader processes, also those that are reading."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
            for process in self._busy:
                process.kill()  # the thread that waits for it does the rest
        for process in idle:
            process.end()

    def _take(self, name: str) -> _ReaderProcess:
        with self._lock:
            if self._closed:
                raise RuntimeError(f"{name} was not read: the reader pool is closed")
            # The system may have killed idle processes: they are replaced without an error.
            alive = [idle for idle in self._idle if idle.is_alive()]
            try:
                process = alive.pop() if alive else _ReaderProcess(self.memory)
            except OSError as error:
                raise CorpusError(
                    f"{name} cannot be read: no process can be started ({error.strerror});"
                    " end other programs, then ingest again"
                ) from error
            dead = set(self._idle) - {*alive, process}
            self._idle = alive
            self._busy.add(process)
        for other in dead:
            other.end()
        return process

    def _give_back(self, process: _ReaderProcess, usable: bool) -> None:
        with self._lock:
            self._busy.discard(process)
            if usable and not self._closed:
                self._idle.append(process)
                return
        process.end()

    def _failure(self, name: str, code: int, late: bool) -> CorpusError:
        if code == _OUT_OF_MEMORY:
            most = f"{self.memory / 1e9:g} GB of memory"
            return FileTooLarge(f"{name} takes more than {most} to read: split it")
        if late:
            most = f"{self.seconds:g} seconds"
            advice = "split it, or save it again"
            return FileTooLarge(f"{name} takes more than {most} to read: {advice}")
        how = f"exit code {code}"
        with contextlib.suppress(ValueError):
            how = signal.Signals(-code).name
        # PDFium reports no error when it runs out of memory: it crashes.
        return DamagedFile(
            f"{name} crashed its reader ({how}), which may use {self.memory / 1e9:g} GB of memory:"
            " save it again in another program, or split it"
        )


class _ReaderProcess:
    """One reader process, and the pipes to it."""

    def __init__(self, memory: int) -> None:
        # With the parent's own path, and -P, no module is found that the parent would not find.
        code = f"import sys; sys.path = {sys.path!r}; from {__name__} import serve; serve({memory})"
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for the parent
        )
        assert self.process.stdin is not None and self.process.stdout is not None
        self._requests, self._replies = self.process.stdin, self.process.stdout

    def is_alive(self) -> bool:
        """Whether the process still runs."""
        return self.process.poll() is None

    def ask(
        self, request: bytes, data: bytes, seconds: float, max_bytes: int
    ) -> dict[str, Any] | None:
        """Have a file read; None if the process ended, was too slow or replied too much."""
        timer = threading.Timer(seconds, self.kill)
        timer.start()
        try:
            head = _LENGTH.pack(round(seconds)) + _LENGTH.pack(len(request))
            _send(self._requests, head + request + _LENGTH.pack(len(data)), data)
            reply: dict[str, Any] = json.loads(_receive(self._replies, max_bytes))
            return reply
        except (OSError, EOFError, ValueError):
            return None
        finally:
            timer.cancel()

    def kill(self) -> None:
        """Kill the process, and programs that it may have started."""
        if self.process.returncode is None:
            _kill_group(self.process.pid)

    def end(self) -> int:
        """Kill the process, if it still runs, and return its exit code."""
        self.kill()
        for pipe in (self._requests, self._replies):
            with contextlib.suppress(OSError):  # from unsent bytes
                pipe.close()
        return self.process.wait()


def serve(memory: int) -> None:
    """Run a reader process: read files from standard input, reply on standard output.

    Args:
        memory: The bytes of data that this process may have.
    """
    _limit(memory)
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints goes to stderr, not into a reply
    requests: queue.SimpleQueue[tuple[dict[str, Any], bytes, int]] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(requests,), daemon=True).start()
    while True:
        request, data, seconds = requests.get()
        if hasattr(signal, "alarm"):  # if the parent has ended and _listen cannot run
            signal.alarm(seconds + 10)
        try:
            reply = json.dumps(answer(request, data)).encode()
            del data
            _send(replies, _LENGTH.pack(len(reply)), reply)
        except MemoryError:
            os._exit(_OUT_OF_MEMORY)
        except BrokenPipeError:
            os._exit(0)
        if hasattr(signal, "alarm"):
            signal.alarm(0)


def _listen(requests: queue.SimpleQueue[tuple[dict[str, Any], bytes, int]]) -> None:
    """Receive requests; when the parent has ended, kill this process at once."""
    try:
        while True:
            (seconds,) = _LENGTH.unpack(_exactly(sys.stdin.buffer, _LENGTH.size))
            request = json.loads(_receive(sys.stdin.buffer))
            requests.put((request, _receive(sys.stdin.buffer), seconds))
    except MemoryError:
        os._exit(_OUT_OF_MEMORY)
    except EOFError:
        _kill_group(os.getpid())


def _limit(memory: int) -> None:
    """Limit this process's memory, where the system can, and prevent core dumps."""
    try:
        import resource
    except ImportError:
        return
    for which, limit in ((resource.RLIMIT_DATA, memory), (resource.RLIMIT_CORE, 0)):
        with contextlib.suppress(ValueError, OSError):  # a lower limit is already set
            resource.setrlimit(which, (limit, limit))


def _kill_group(leader: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        if hasattr(os, "killpg"):
            os.killpg(leader, signal.SIGKILL)
        else:
            os.kill(leader, signal.SIGTERM)  # Windows ends it at once


def _send(pipe: IO[bytes], *parts: bytes) -> None:
    for part in parts:
        pipe.write(part)
    pipe.flush()


def _receive(pipe: IO[bytes], max_bytes: int = 1 << 62) -> bytes:
    (length,) = _LENGTH.unpack(_exactly(pipe, _LENGTH.size))
    if length > max_bytes:
        raise EOFError
    return _exactly(pipe, length)


def _exactly(pipe: IO[bytes], length: int) -> bytes:
    data = pipe.read(length)
    if len(data) < length:
        raise EOFError
    return data


def _document(made: dict[str, Any], source: Source) -> Document:
    # A reader process must not decide which source it was.
    filled = replace(rebuilt(Source, made["source"]), id=source.id, url=source.url)
    parts = (("sections", Section), ("pages", PageSpan), ("links", Link), ("gaps", Gap))
    lists = {name: tuple(rebuilt(kind, part) for part in made[name]) for name, kind in parts}
    return Document(filled, made["text"], **lists)
