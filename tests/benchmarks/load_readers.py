"""Readers in a separate process: they ask questions over SSE, or send plain requests.

The plan is JSON on standard input; what was read is JSON on standard output. Nothing is evaluated
here, since this process must be fast while it reads.

    {"port": 8000, "ask": [["first reader's first question", …], …], "leave": 0}
    {"port": 8000, "send": [["GET", "/v1/search?q=…", null], …], "clients": 8, "seconds": 10}
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import asdict, replace
from typing import Any

from load_check import Read, Seen

MOST_RETRIES = 40  # of a question that is refused with Retry-After
LONGEST_WAIT = 5.0  # seconds before one
SILENCE = 170.0  # seconds without a byte, after which a stream counts as broken off


class Exchange:
    """A connection to the service, for one request after the other."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._reader: asyncio.StreamReader | None = None

    async def send(self, method: str, path: str, body: Any = None, accept: str = "*/*") -> int:
        """Send a request and return the status; ``headers`` are then set, and the body is unread."""
        if self._reader is None:
            opened = await asyncio.open_connection("127.0.0.1", self._port, limit=2**22)
            self._reader, self._writer = opened
        sent = b"" if body is None else json.dumps(body).encode()
        head = (
            f"{method} {path} HTTP/1.1\r\nhost: 127.0.0.1:{self._port}\r\naccept: {accept}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(sent)}\r\n\r\n"
        )
        self._writer.write(head.encode() + sent)
        first, *lines = (await self._reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        self.headers = {
            name.lower(): value for name, _, value in (line.partition(": ") for line in lines)
        }
        return int(first.split()[1])

    async def body(self) -> AsyncIterator[bytes]:
        """Yield the body of the response in pieces; EOFError if it breaks off."""
        if "chunked" not in self.headers.get("transfer-encoding", ""):
            yield await self._reader.readexactly(int(self.headers.get("content-length", 0)))
            return
        while size := int(await self._reader.readuntil(b"\r\n"), 16):
            piece = await self._reader.readexactly(size + 2)
            yield piece[:-2]
        await self._reader.readexactly(2)

    async def whole(self) -> bytes:
        return b"".join([piece async for piece in self.body()])

    def close(self) -> None:
        if self._reader is not None:
            self._writer.close()
            self._reader = None


async def frames(body: AsyncIterator[bytes]) -> AsyncIterator[Seen]:
    held = b""
    async for piece in body:
        held += piece
        *whole, held = held.split(b"\n\n")
        for frame in whole:
            lines = (line.partition(": ") for line in frame.decode().split("\n"))
            fields = {name: value for name, _, value in lines}
            at, data = time.monotonic(), fields.get("data", "null")
            yield Seen(fields.get("event", ""), fields.get("id", ""), at, json.loads(data))


async def ask(port: int, question: str, leave: int) -> Read:
    """Ask a question and read to the end or, with ``leave``, that number of events."""
    exchange, events = Exchange(port), []
    read = Read(question, time.monotonic(), 0)
    try:
        async with asyncio.timeout(SILENCE) as silence:
            loop = asyncio.get_running_loop()
            body = {"question": question}
            status = await exchange.send("POST", "/v1/answers", body, "text/event-stream")
            after = exchange.headers.get("retry-after", "")
            read = replace(read, status=status, retry_after=after, replied=time.monotonic())
            if status != 200:
                await exchange.whole()
                return read
            async for event in frames(exchange.body()):
                events.append(event)
                silence.reschedule(loop.time() + SILENCE)
                if len(events) == leave:
                    read = replace(read, left=True)
                    break
    except (OSError, EOFError, ValueError) as error:  # EOFError: asyncio's IncompleteReadError
        read = replace(read, failed=f"{type(error).__name__} {error}".strip())
    finally:
        exchange.close()
    return replace(read, events=tuple(events))


async def reader(port: int, questions: list[str], leave: int, retries: int) -> list[Read]:
    """Ask questions one after the other, retrying after Retry-After where refused."""
    reads = []
    for question in questions:
        for _ in range(1 + retries):
            reads.append(await ask(port, question, leave))
            if not reads[-1].retry_after:
                break
            await asyncio.sleep(min(float(reads[-1].retry_after), LONGEST_WAIT))
    return reads


async def asked(plan: dict) -> list[dict]:
    leave, retries = plan.get("leave", 0), plan.get("retries", MOST_RETRIES)
    readers = (reader(plan["port"], each, leave, retries) for each in plan["ask"])
    return [asdict(read) for reads in await asyncio.gather(*readers) for read in reads]


async def sent(plan: dict) -> dict:
    """Send requests from several clients, each its next one after the reply to its last."""
    waiting: Iterator[list] = iter(plan["send"])
    ends = time.monotonic() + plan.get("seconds", 1e9)
    took: list[float] = []
    statuses: dict[str, int] = {}

    async def client() -> None:
        exchange = Exchange(plan["port"])
        for method, path, body in waiting:
            begun = time.monotonic()
            if begun > ends:
                break
            status = await exchange.send(method, path, body)
            await exchange.whole()
            took.append(time.monotonic() - begun)
            statuses[str(status)] = statuses.get(str(status), 0) + 1
        exchange.close()

    begun = time.monotonic()
    await asyncio.gather(*(client() for _ in range(plan["clients"])))
    return {"took": took, "statuses": statuses, "seconds": time.monotonic() - begun}


def main() -> None:
    plan = json.load(sys.stdin)
    json.dump(asyncio.run(asked(plan) if "ask" in plan else sent(plan)), sys.stdout)


if __name__ == "__main__":
    main()
