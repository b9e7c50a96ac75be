"""Tests of the load benchmark: which faults it detects, and how its stub model behaves."""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import AsyncIterator

import load_check
import load_model
import load_readers
import pytest
from load_check import Sentence, Written

from service.generation import prompts
from service.generation.citation_parser import SentenceParser

TEXT = "The reading room opened in 1931. It holds 40,000 maps of the coast. The maps are old."
PROMPT = (
    "[1] (Kanda) The reading room of Kanda opened in 1931. However, it was closed for years.\n\n"
    "[2] (Maps) The maps were moved to the east wing, which had been built for them. Some of the"
    " maps are older than the room.\n\n"
    "[3] (神田) 神田閲覧室は1931年に開かれ、四万枚の地図を所蔵している。地図は東館へ移された。\n\n"
    "Question: How many maps are there?"
)


def decided(number: int, sentence: str, name: str = "claim") -> dict:
    start = TEXT.index(sentence)
    cited = {"passage_id": "p", "quote": sentence, "start": 100 + start}
    cited["end"] = cited["start"] + len(sentence)
    held = {"text": sentence, "start": start, "end": start + len(sentence), "citations": [cited]}
    held["verdict"] = {"label": "supported", "method": "rules"}
    return {"name": name, "number": str(number), "at": 10.0 + number, "data": held}


@pytest.fixture
def stream() -> list[dict]:
    """Return the events of a correct answer of three sentences."""
    claims = [decided(n, f"{s.strip()}.") for n, s in enumerate(TEXT.split(".")[:3], 2)]
    evidence = {"evidence": [{"passage": {"id": "p", "text": TEXT, "start": 100}}]}
    answer = {"claims": [copy.deepcopy(c["data"]) for c in claims], "rejected": [], "text": TEXT}
    return [
        {"name": "evidence", "number": "1", "at": 10.5, "data": evidence},
        *claims,
        {"name": "answer", "number": "5", "at": 16.0, "data": answer},
    ]


def judged(stream: list[dict]) -> load_check.Judged:
    said = [
        Sentence(f"{s.strip()}.", "verbatim", 11.9 + n) for n, s in enumerate(TEXT.split(".")[:3])
    ]
    given = {"question": "?", "asked": 9.0, "status": 200, "events": stream}
    return load_check.judge(load_check.Read.of(given), Written("?", tuple(said)))


def test_correct_answer_has_no_faults(stream: list[dict]) -> None:
    found = judged(stream)
    assert found.faults == []
    assert found.added == pytest.approx([0.1, 0.1, 0.1])


def lost(stream: list[dict]) -> None:
    del stream[2]


def doubled(stream: list[dict]) -> None:
    stream.insert(3, copy.deepcopy(stream[2]))


def turned(stream: list[dict]) -> None:
    stream[2]["data"], stream[3]["data"] = stream[3]["data"], stream[2]["data"]


def invented(stream: list[dict]) -> None:
    stream[2]["data"]["text"] = "It was sold."


def misquoted(stream: list[dict]) -> None:
    stream[2]["data"]["citations"][0]["start"] += 1


def elsewhere(stream: list[dict]) -> None:
    stream[2]["data"]["citations"][0]["passage_id"] = "another reader's"


def withheld_in_the_end(stream: list[dict]) -> None:
    stream[-1]["data"]["claims"].pop()


def displaced(stream: list[dict]) -> None:
    for held in (stream[2]["data"], stream[-1]["data"]["claims"][1]):
        held["start"] -= 1


def cut_off(stream: list[dict]) -> None:
    stream.pop()


def misnumbered(stream: list[dict]) -> None:
    stream[3]["number"] = "3"


def before_its_time(stream: list[dict]) -> None:
    stream[1]["at"] = 11.0


@pytest.mark.parametrize(
    ("broken", "expected"),
    [
        (lost, "lost: It holds 40,000 maps of the coast."),
        (doubled, "decided 2 times: It holds 40,000 maps of the coast."),
        (turned, "in another order: "),
        (invented, "never written: It was sold."),
        (misquoted, "does not stand in its passage: It holds"),
        (elsewhere, "cites what is no evidence: another reader's"),
        (withheld_in_the_end, "the answer holds other claims than the events"),
        (displaced, "not at its place in the answer: It holds"),
        (cut_off, "the answer does not come last, and once"),
        (misnumbered, "the events are numbered 1 2 3 3 5"),
        (before_its_time, "decided 0.900 s before it was written"),
    ],
)
def test_each_fault_of_answer_is_detected(stream: list[dict], broken, expected: str) -> None:
    broken(stream)
    assert any(fault.startswith(expected) for fault in judged(stream).faults)


def test_report_counts_refused_lost_and_shared_answers(stream: list[dict]) -> None:
    """A refusal is not a fault, a lost answer is, and for shared answers there is no delay."""

    def read(question: str, status: int = 200, **more) -> load_check.Read:
        events = stream if status == 200 else []
        given = {"question": question, "asked": 9.0, "status": status, "events": events}
        return load_check.Read.of(given | more)

    said = tuple(Sentence(f"{s.strip()}.", "false", 11.9) for s in TEXT.split(".")[:3])
    texts = [Written("a", said), Written("b", said), Written("lost", said)]
    reads = [
        read("a"), read("b"), read("b"), read("c", 503, retry_after="2"), read("d", 503),
        read("e", 0, failed="ConnectionResetError"),
    ]  # fmt: skip
    made = load_check.report(reads, texts)
    assert made.refused == 1
    assert made.errors == {"status 503": 1, "ConnectionResetError": 1}
    assert dict(made.faults) == {"the model was asked 1 times for one answer": 1}
    assert len(made.added) == 3
    assert [each.shown_false for each in made.judged] == [3, 3, 3]
    assert load_check.differing(made, made) == (0, 3)


def test_sse_frames_are_read_however_they_are_split() -> None:
    sent = (
        'event: claim\nid: 2\ndata: {"text": "東館"}\n\nevent: answer\nid: 3\ndata: {}\n\n'.encode()
    )

    async def read(size: int) -> list[tuple]:
        async def pieces() -> AsyncIterator[bytes]:
            for at in range(0, len(sent), size):
                yield sent[at : at + size]

        return [(e.name, e.number, e.data) async for e in load_readers.frames(pieces())]

    expected = [("claim", "2", {"text": "東館"}), ("answer", "3", {})]
    assert all(asyncio.run(read(size)) == expected for size in (1, 7, 1000))


def test_stub_text_is_deterministic_and_parsed_sentence_by_sentence() -> None:
    texts, kinds = set(), set()
    for n in range(60):
        asked = PROMPT + str(n)
        made = load_model.compose(asked)
        assert made == load_model.compose(asked)
        parser = SentenceParser()
        read = [d.text for d in (*parser.feed(" ".join(w for _, w in made)), *parser.finish())]
        assert read == [sentence.text for sentence, _ in made] and len(read) >= 3
        for sentence, whole in made:
            pieces = load_model._TOKEN.findall(whole)
            assert "".join(pieces) == whole
            assert (sentence.text in PROMPT) == (sentence.kind == "verbatim"), sentence
            texts.add(sentence.text)
            kinds.add(sentence.kind)
    assert kinds == set(load_model.SHARES)
    assert "The maps were moved to the east wing." in texts
    assert "地図は東館へ移されました。" in texts


def test_stub_understands_prompts_of_engine() -> None:
    asked = prompts.answer_messages("地図は何枚ですか。", [])[-1]["content"]
    assert load_model.question_of(asked) == "地図は何枚ですか。"
    assert load_model.question_of(PROMPT) == "How many maps are there?"


@pytest.mark.server
def test_stub_records_sentences_times_and_disconnects() -> None:
    """Over real connections: a complete answer, and one that stalls until its client disconnects."""

    async def run() -> list[dict]:
        streams: list[load_model.Stream] = []
        model, loop = load_model.Model(5000, 0.5, ""), asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: load_model.Connection(model, streams), "127.0.0.1", 0
        )
        port = server.sockets[0].getsockname()[1]
        body = {"messages": [{"role": "user", "content": PROMPT}]}
        whole, cut = load_readers.Exchange(port), load_readers.Exchange(port)
        await whole.send("POST", "/v1/chat/completions", body)
        text = await whole.whole()
        assert text.endswith(b"data: [DONE]\n\n")
        await cut.send("POST", "/v1/chat/completions", body)
        while streams[-1].sentences[1].out is None:
            await anext(cut.body())
        cut.close()
        while streams[-1].hung_up is None:
            await asyncio.sleep(0)
        await whole.send("GET", "/written")
        written = json.loads(await whole.whole())
        whole.close()
        server.close()
        await server.wait_closed()
        return written

    first, second = map(Written.of, asyncio.run(run()))
    assert first.question == "How many maps are there?" and first.hung_up is None
    times = [sentence.out for sentence in first.sentences]
    assert None not in times and times == sorted(times)
    assert [sentence.out is None for sentence in second.sentences][:3] == [False, False, True]
    assert second.hung_up is not None


@pytest.mark.server
def test_reader_distinguishes_refusal_complete_and_broken_stream() -> None:
    refusal = b"HTTP/1.1 503 Busy\r\nretry-after: 0\r\ncontent-length: 2\r\n\r\n{}"
    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    frame = b"event: evidence\nid: 1\ndata: {}\n\n"
    whole = head + b"%x\r\n%s\r\n0\r\n\r\n" % (len(frame), frame)
    replies = iter((refusal, whole, whole[:-5]))

    async def reply(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"}")
        writer.write(next(replies))
        writer.close()

    async def run() -> list[load_check.Read]:
        server = await asyncio.start_server(reply, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            return await load_readers.reader(port, ["?", "?"], 0, retries=1)

    refused, first, broken = asyncio.run(run())
    assert (refused.status, refused.retry_after, refused.events) == (503, "0", ())
    assert refused.asked <= refused.replied
    assert [e.name for e in first.events] == ["evidence"] and not first.failed
    assert [e.name for e in broken.events] == ["evidence"] and "IncompleteRead" in broken.failed
