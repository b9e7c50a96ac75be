"""A stub language model of fixed speed: an OpenAI-compatible server in a separate process.

    python tests/benchmarks/load_model.py --speed 50

Prints its port, and sends ``speed`` tokens a second to each client, however many there are. Its
sentences are made from the sources in the prompt, with the right markers: first the one that shares
most words with the question; then, chosen at random with the prompt as the seed, some verbatim,
most slightly reworded, so that the checker must read them, and a few false ones. ``GET /written``
returns what it wrote for whom, and when the last character of each sentence was sent. ``--stall
0.2`` makes it stop after the second sentence of every fifth answer, with the connection open.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import time
from dataclasses import asdict, dataclass, replace
from typing import Any

from load_check import Sentence, Written

from corpus.text.sentences import sentences
from index.lexical.tokenizer import is_japanese, tokens
from service.generation.citation_parser import SentenceParser

SHARES = {"verbatim": 0.25, "reworded": 0.60, "false": 0.15}
_TOKEN = re.compile(r"\s?[!-~]{1,5}|\s?[^\s!-~]{1,2}|\s")
_SOURCE = re.compile(r"\[(\d+)\] (?:\(((?:[^()]|\([^()]*\))*)\) )?(.*)", re.DOTALL)
_CONNECTIVE = re.compile(r"(?:However|Moreover|In addition|Also|Thus|Therefore|Additionally), (.)")
_CLAUSE = re.compile(r"(.{30,}?), (?:which|who|where|while|but|and|with|including|as) ")
_ENDINGS = (
    ("である。", "です。"),
    ("であった。", "でした。"),
    ("だった。", "でした。"),
    ("ている。", "ています。"),
    ("ていた。", "ていました。"),
    ("された。", "されました。"),
    ("した。", "しました。"),
    ("れる。", "れます。"),
    ("する。", "します。"),
    ("がある。", "があります。"),
)


def reworded(sentence: str, draw: random.Random) -> str:
    """Change a sentence slightly, so that it is not verbatim."""
    if is_japanese(sentence):
        for plain, polite in _ENDINGS:
            if sentence.endswith(plain):
                return sentence.removesuffix(plain) + polite
        return draw.choice(("なお、", "また、", "資料によると、")) + sentence
    if found := _CONNECTIVE.match(sentence):
        return found[1].upper() + sentence[found.end() :]
    if found := _CLAUSE.match(sentence):
        return found[1] + "."
    first, _, rest = sentence.partition(" ")
    small = first.lower() if first in {"The", "A", "An", "It", "In", "This", "These"} else first
    return f"{draw.choice(('In fact,', 'As described,', 'In addition,'))} {small} {rest}"


def falsified(sentence: str, draw: random.Random) -> str:
    """Change the number of a sentence, or negate it; or return one that no source has."""
    if found := re.search(r"(?<![\w.])[1-9]\d*(?![\w.])", sentence):
        other = str(int(found[0]) + draw.randint(3, 40))
        return sentence[: found.start()] + other + sentence[found.end() :]
    for said, turned in ((" is ", " is not "), (" was ", " was not "), ("ている。", "ていない。")):
        if said in sentence:
            return sentence.replace(said, turned, 1)
    if is_japanese(sentence):
        return f"その費用は{draw.randint(200, 900)}万円であった。"
    return f"It was sold for {draw.randint(200, 900)} dollars in Tallinn."


def question_of(prompt: str) -> str:
    return prompt.split("\n\n")[-1].removeprefix("Question: ").removeprefix("質問: ")


def compose(prompt: str, seed: str = "") -> list[tuple[Sentence, str]]:
    """Write three to six sentences for a prompt, each also with its marker."""
    *sources, _ = prompt.split("\n\n")
    draw = random.Random(f"{seed}:{prompt}")
    found = [_SOURCE.match(source) for source in sources]
    able = [(each[1], text) for each in found if each for text in sentences(each[3])]
    draw.shuffle(able)
    asked = set(tokens(question_of(prompt)))
    able.sort(key=lambda each: -len(asked & set(tokens(each[1]))))
    able[1:] = draw.sample(able[1:], len(able[1:]))  # the first is what seems to answer
    wanted, made = draw.randint(3, 6), {}
    for label, sentence in able:
        kind = draw.choices([*SHARES], [*SHARES.values()])[0] if made else "reworded"
        change = {"reworded": reworded, "false": falsified}.get(kind)
        text = change(sentence, draw) if change else sentence
        whole = f"{text[:-1]} [{label}]{text[-1]}"
        if text not in made and _reads_back(whole, text, int(label)):
            made[text] = Sentence(text, kind, None), whole
        if len(made) == wanted:
            break
    return list(made.values())


def _reads_back(whole: str, text: str, label: int) -> bool:
    """Whether any parser reads the text as one sentence: no abbreviations, no brackets."""
    parser = SentenceParser()
    read = [*parser.feed(whole), *parser.finish()]
    plain = 10 <= len(text) <= 300 and text[-1] in ".。" and not re.search(r"[\[\]()（）`*]", text)
    return plain and [(d.text, d.labels) for d in read] == [(text, (label,))]


@dataclass(frozen=True, slots=True)
class Model:
    """The settings of the stub: tokens a second, the share of answers that stall, its seed."""

    speed: float
    stall: float
    seed: str


class Stream:
    """One answer on its way to a client; ``number`` counts answers, and decides which stall."""

    def __init__(
        self, model: Model, number: int, prompt: str, transport: asyncio.Transport
    ) -> None:
        composed = compose(prompt, model.seed)
        self.sentences = [sentence for sentence, _ in composed]
        self.question, self.hung_up = question_of(prompt), None
        self._transport = transport
        self._tokens = [  # (as it travels, which sentence it ends)
            (_chunk(token), n if at == len(tokens) - 1 else None)
            for n, (_, whole) in enumerate(composed)
            for tokens in [_TOKEN.findall(f" {whole}" if n else whole)]
            for at, token in enumerate(tokens)
        ]
        stalls = int((number + 1) * model.stall) > int(number * model.stall)
        self._silent = (min(2, len(composed) - 1) or 1) if stalls else None  # after so many
        self._loop, self._pause = asyncio.get_running_loop(), 1 / model.speed
        self._start, self._sent = self._loop.time(), 0
        self._next()

    @property
    def written(self) -> Written:
        return Written(self.question, tuple(self.sentences), self.hung_up)

    def _next(self) -> None:
        """Schedule the next token at its due time, so that delays do not add up."""
        due = self._start + (self._sent + 1) * self._pause
        self._timer = self._loop.call_at(due, self._write)

    def _write(self) -> None:
        if self._sent == len(self._tokens):
            done = b"data: [DONE]\n\n"
            self._transport.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(done), done))
            return
        chunk, ends = self._tokens[self._sent]
        self._sent += 1
        now = time.monotonic()
        self._transport.write(chunk)
        if ends is not None:
            self.sentences[ends] = replace(self.sentences[ends], out=now)
            if ends + 1 == self._silent:
                return
        self._next()

    def cut(self) -> None:
        """Record that the client disconnected, if not all had been written."""
        self._timer.cancel()
        if self._sent < len(self._tokens):
            self.hung_up = time.monotonic()


def _chunk(token: str) -> bytes:
    delta = json.dumps({"choices": [{"delta": {"content": token}}]}, ensure_ascii=False)
    line = f"data: {delta}\n\n".encode()
    return b"%x\r\n%s\r\n" % (len(line), line)


class Connection(asyncio.Protocol):
    """The HTTP/1.1 that clients of the API need; one request after the other."""

    def __init__(self, model: Model, streams: list[Stream]) -> None:
        self._model, self._streams = model, streams
        self._held, self._stream = b"", None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def connection_lost(self, error: Exception | None) -> None:
        if self._stream:
            self._stream.cut()

    def data_received(self, data: bytes) -> None:
        self._held += data
        while True:
            head, found, rest = self._held.partition(b"\r\n\r\n")
            length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
            size = int(length[1]) if length else 0
            if not found or len(rest) < size:
                return
            self._held = rest[size:]
            self._answer(head.split(b" ", 2)[1].decode(), rest[:size])

    def _answer(self, path: str, body: bytes) -> None:
        if path.endswith("/chat/completions"):
            self._transport.write(
                b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
                b"transfer-encoding: chunked\r\n\r\n"
            )
            prompt = json.loads(body)["messages"][-1]["content"]
            number = len(self._streams)
            self._stream = Stream(self._model, number, prompt, self._transport)
            self._streams.append(self._stream)
            return
        written = [asdict(stream.written) for stream in self._streams]
        given = written if path == "/written" else {"data": [{"id": "stub"}]}
        sent = json.dumps(given, ensure_ascii=False).encode()
        head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
        self._transport.write(head % len(sent) + sent)


async def serve(model: Model) -> None:
    streams: list[Stream] = []
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(model, streams), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--speed", type=float, default=50, help="tokens a second, each client")
    parser.add_argument("--stall", type=float, default=0, help="share of answers that stall")
    parser.add_argument("--seed", default="", help="of the draws")
    given = parser.parse_args()
    asyncio.run(serve(Model(given.speed, given.stall, given.seed)))


if __name__ == "__main__":
    main()
