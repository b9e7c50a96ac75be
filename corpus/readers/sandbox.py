"""Reading in processes of its own, so that a hostile file costs one of them and no more.

    with Workers() as workers:
        document, passages = workers.read(data, source, content_type)

A worker is a fresh interpreter that has imported `corpus` alone. It reads one file after
another within limits of time and memory, is replaced when it fails, and ends when its parent
does, however that ends. The two exchange JSON over pipes: nothing that a worker sends is run.
"""

from __future__ import annotations

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
import traceback
from dataclasses import asdict, replace
from typing import Any, BinaryIO, Self

from corpus.errors import CorpusError, EmptyDocument, UnreadableText, UnsupportedContent
from corpus.types import Document, Gap, Link, PageSpan, Passage, Section, Source

READ_SECONDS = 120.0
READER_MEMORY_BYTES = 2_000_000_000  # bytes of data, not counting the programs and libraries
MAX_DOCUMENT_CHARACTERS = 20_000_000  # of a document's text: some forty books

_ERRORS = {e.__name__: e for e in (EmptyDocument, UnreadableText, UnsupportedContent)}
_LENGTH = struct.Struct("!Q")
_OUT_OF_MEMORY = 77  # exit code of a worker
_log = logging.getLogger(__name__)


class ReaderPool:
    """Processes that read files: as many as there are calls at once, kept for the next ones.

    ``seconds`` and ``memory`` (bytes) are what one file may take; the system must be one that
    can limit memory, as Linux can, or only the time is limited. Safe to share between threads.
    """

    def __init__(self, seconds: float = READ_SECONDS, memory: int = READER_MEMORY_BYTES) -> None:
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
        """A file's document and its passages: ``extract`` and ``split``, in a worker.

        Raises what ``extract`` raises, and CorpusError where the file takes too much time or
        memory, crashes its reader, or has more text than a document would.
        """
        name = _name(source)
        about = {"source": asdict(source), "content_type": content_type, "password": password}
        worker = self._take(name)
        started = time.monotonic()
        try:
            reply = worker.ask(json.dumps(about).encode(), data, self.seconds, self.memory)
        except BaseException:
            self._give_back(worker, of_use=False)
            raise
        self._give_back(worker, of_use=reply is not None)
        if self._closed:
            raise RuntimeError(f"{name} was not read: its workers were ended")
        if reply is None:
            late = time.monotonic() - started >= self.seconds
            raise CorpusError(f"{name} {self._cause(worker.end(), late)}")
        if "error" in reply:
            _log.debug("%s: %s", name, reply["trace"])
            raise _ERRORS.get(reply["error"], CorpusError)(reply["message"])
        return _document(reply["document"], source), [_made(Passage, p) for p in reply["passages"]]

    def close(self) -> None:
        """End the workers, also those that are reading."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
            for worker in self._busy:
                worker.kill()  # the thread that waits for it does the rest
        for worker in idle:
            worker.end()

    def _take(self, name: str) -> _ReaderProcess:
        with self._lock:
            if self._closed:
                raise RuntimeError(f"{name} was not read: its workers were ended")
            # One that was killed while it had nothing to do is nobody's fault.
            alive = [worker for worker in self._idle if worker.process.poll() is None]
            try:
                worker = alive.pop() if alive else _ReaderProcess(self.memory)
            except OSError as error:
                raise CorpusError(
                    f"{name} cannot be read: no process can be started ({error.strerror});"
                    " end other programs, then ingest again"
                ) from error
            dead = set(self._idle) - {*alive, worker}
            self._idle = alive
            self._busy.add(worker)
        for other in dead:
            other.end()
        return worker

    def _give_back(self, worker: _ReaderProcess, of_use: bool) -> None:
        with self._lock:
            self._busy.discard(worker)
            if of_use and not self._closed:
                self._idle.append(worker)
                return
        worker.end()

    def _cause(self, code: int, late: bool) -> str:
        if code == _OUT_OF_MEMORY:
            return f"takes more than {self.memory / 1e9:g} GB of memory to read: split it"
        if late:
            return f"takes more than {self.seconds:g} seconds to read: split it, or save it again"
        how = f"exit code {code}"
        with contextlib.suppress(ValueError):
            how = signal.Signals(-code).name
        # pdfium does not say so when it has no memory left: it crashes.
        return (
            f"crashed its reader ({how}), which may use {self.memory / 1e9:g} GB of memory:"
            " save it again in another program, or split it"
        )


class _ReaderProcess:
    """One process, and the pipes to it."""

    def __init__(self, memory: int) -> None:
        # With the parent's own path, and -P, no module is found that the parent would not find.
        start = f"import sys; sys.path = {sys.path!r}; from corpus.readers.sandbox import serve; serve({memory})"
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-c", start],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for the parent
        )

    def ask(self, about: bytes, data: bytes, seconds: float, most: int) -> dict[str, Any] | None:
        """The reply, of at most so many bytes; None if the process ended or was too slow."""
        timer = threading.Timer(seconds, self.kill)
        timer.start()
        try:
            head = _LENGTH.pack(round(seconds)) + _LENGTH.pack(len(about))
            _send(self.process.stdin, head + about + _LENGTH.pack(len(data)), data)
            return json.loads(_receive(self.process.stdout, most))
        except (OSError, EOFError, ValueError):
            return None
        finally:
            timer.cancel()

    def kill(self) -> None:
        """Kill the process, and with it what a reader may have started."""
        if self.process.returncode is None:
            _kill_group(self.process.pid)

    def end(self) -> int:
        """Kill the process, if it still runs, and return its exit code."""
        self.kill()
        for pipe in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(OSError):  # what was not sent stays so
                pipe.close()
        return self.process.wait()


def serve(memory: int) -> None:
    """What a worker does: read what comes by standard input, reply by standard output."""
    _limit(memory)
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # where a library prints, it does not print into a reply
    requests: queue.SimpleQueue[tuple[dict[str, Any], bytes, int]] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(requests,), daemon=True).start()
    while True:
        about, data, seconds = requests.get()
        if hasattr(signal, "alarm"):  # should the parent be gone, and _listen not get its turn
            signal.alarm(seconds + 10)
        try:
            reply = json.dumps(_answer(about, data)).encode()
            del data
            _send(replies, _LENGTH.pack(len(reply)), reply)
        except MemoryError:
            os._exit(_OUT_OF_MEMORY)
        except BrokenPipeError:
            os._exit(0)
        if hasattr(signal, "alarm"):
            signal.alarm(0)


def _listen(requests: queue.SimpleQueue[tuple[dict[str, Any], bytes, int]]) -> None:
    """Take in requests; when the parent is gone, end this process, whatever it is at."""
    try:
        while True:
            (seconds,) = _LENGTH.unpack(_exactly(sys.stdin.buffer, _LENGTH.size))
            about = json.loads(_receive(sys.stdin.buffer))
            requests.put((about, _receive(sys.stdin.buffer), seconds))
    except MemoryError:
        os._exit(_OUT_OF_MEMORY)
    except EOFError:
        _kill_group(os.getpid())


def _answer(about: dict[str, Any], data: bytes) -> dict[str, Any]:
    from corpus.readers.extract import extract
    from corpus.text.chunking import split_into_passages

    source = _made(Source, about["source"])
    try:
        document = extract(data, source, about["content_type"], about["password"])
        if len(document.text) > MAX_DOCUMENT_CHARACTERS:
            count = f"{len(document.text) / 1e6:.1f} million characters"
            most = f"{MAX_DOCUMENT_CHARACTERS / 1e6:g} million"
            raise CorpusError(f"{_name(source)} has {count}, more than {most}: split it")
        return {
            "document": asdict(document),
            "passages": [asdict(p) for p in split_into_passages(document)],
        }
    except CorpusError as error:
        return _refusal(type(error).__name__, str(error))
    except MemoryError:
        raise
    except Exception as error:  # a file has found a fault in a reader
        fault = f"cannot be read ({type(error).__name__} in its reader)"
        return _refusal("CorpusError", f"{_name(source)} {fault}: save it again in another program")


def _refusal(kind: str, message: str) -> dict[str, Any]:
    return {"error": kind, "message": message, "trace": traceback.format_exc()}


def _limit(memory: int) -> None:
    """Bound this process's memory, where the system can; let it write no core file."""
    try:
        import resource
    except ImportError:
        return
    for which, limit in ((resource.RLIMIT_DATA, memory), (resource.RLIMIT_CORE, 0)):
        with contextlib.suppress(ValueError, OSError):  # a lower limit is set already
            resource.setrlimit(which, (limit, limit))


def _kill_group(leader: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        if hasattr(os, "killpg"):
            os.killpg(leader, signal.SIGKILL)
        else:
            os.kill(leader, signal.SIGTERM)  # Windows ends it at once


def _name(source: Source) -> str:
    return source.url or source.title or "the file"


def _send(pipe: BinaryIO, *parts: bytes) -> None:
    for part in parts:
        pipe.write(part)
    pipe.flush()


def _receive(pipe: BinaryIO, most: int = 1 << 62) -> bytes:
    (length,) = _LENGTH.unpack(_exactly(pipe, _LENGTH.size))
    if length > most:
        raise EOFError
    return _exactly(pipe, length)


def _exactly(pipe: BinaryIO, length: int) -> bytes:
    data = pipe.read(length)
    if len(data) < length:
        raise EOFError
    return data


def _document(made: dict[str, Any], source: Source) -> Document:
    # Which source it is, is not for a worker to say.
    filled = replace(_made(Source, made["source"]), id=source.id, url=source.url)
    parts = (("sections", Section), ("pages", PageSpan), ("links", Link), ("gaps", Gap))
    lists = {name: tuple(_made(kind, part) for part in made[name]) for name, kind in parts}
    return Document(filled, made["text"], **lists)


def _made(kind: type, values: dict[str, Any]) -> Any:
    return kind(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})
