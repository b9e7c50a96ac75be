"""Tests of the benchmark of a newcomer's questions, with made-up files and scripted answers."""

from __future__ import annotations

import asyncio
import json
from dataclasses import make_dataclass, replace
from pathlib import Path
from types import SimpleNamespace

import newcomer
import pytest
from asking import opened, settings_for
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from newcomer import Question, has, judge

from corpus.errors import QuestionRefused
from index.inference.cross_encoder import CrossEncoder
from index.inference.embedder import SentenceTransformerEmbedder
from service.server.bootstrap import Models
from service.types import Answer, Citation, Claim, Verdict
from tests.support.live_server import served

SUPPORTED = Verdict("supported", 1.0, "test")
QUESTION = Question("q1", "How long is the Oder?", "en", "how many", "answer", (("840 km",),))
Marked = make_dataclass("Marked", ["answers"], bases=(Claim,), frozen=True, kw_only=True)


def claim(text: str, quote: str = "", ticked: bool | None = None) -> Claim:
    cited = Citation(1, "oder", "p", quote or text, 0, 1, "https://example.org")
    if ticked is None:
        return Claim(text, 0, len(text), (cited,), SUPPORTED)
    holds = SimpleNamespace(holds=ticked)
    return Marked(text, 0, len(text), (cited,), SUPPORTED, answers=holds)


def answer(mode: str, *claims: Claim, text: str = "", **more) -> Answer:
    return Answer("a", "c", QUESTION.question, text, mode, "", claims, **more)


@pytest.mark.parametrize(
    ("wanted", "text", "there"),
    [
        ("840 km", "It is 840km long.", True),
        ("840km", "It is 840\n km long.", True),
        ("30", "all 308 of them", False),
        ("30", "30.5 of them", False),
        ("30", "in 2020 30 people", True),
        ("30", "3 0", False),
        ("13 2024", "May 13  2024", True),
        ("Shunyu Yao", "by SHUNYU  YAO et al.", True),
        ("機械 学習", "機械学習の本", True),
        ("ＧＰＴ-3", "GPT-3 と", True),
        ("GPT-3", "GPT-35", False),
        ("", "anything", False),
    ],
)
def test_strings_are_compared_without_blanks_and_numbers_as_a_whole(
    wanted: str, text: str, there: bool
) -> None:
    assert has(wanted, text) is there


@pytest.mark.parametrize(
    ("reply", "mode", "abstention", "fits"),
    [
        ("answer", "quoted", None, True),
        ("answer", "generated", None, True),
        ("answer", "metadata", None, False),
        ("summary", "quoted", None, True),
        ("comparison", "generated", None, True),
        ("comparison", "abstained", None, False),
        ("metadata", "metadata", None, True),
        ("metadata", "quoted", None, False),
        ("guide", "guide", None, True),
        ("guide", "abstained", None, False),
        ("abstain", "abstained", "outside_library", True),
        ("abstain", "abstained", "false_premise", True),
        ("abstain", "quoted", None, False),
        ("false_premise", "abstained", "false_premise", True),
        ("false_premise", "abstained", "not_enough_evidence", False),
        ("false_premise", "quoted", None, False),
    ],
)
def test_kind_of_reply(reply: str, mode: str, abstention: str | None, fits: bool) -> None:
    question = replace(QUESTION, reply=reply, must_contain=())
    assert judge(question, answer(mode, abstention=abstention)).right is fits


def test_every_group_must_be_met_by_sentences_or_quotes() -> None:
    question = replace(QUESTION, must_contain=(("840 km", "840 kilometres"), ("Moravia",)))
    both = answer("quoted", claim("It is 840 kilometres."), claim("x", "It rises in Moravia."))
    assert judge(question, both).right
    found = judge(question, answer("quoted", claim("It is 840 km.")))
    assert found.fits and found.missing == (("Moravia",),) and found.wrong_with_tick
    # Markers and a remark beside claims are no part of them.
    remark = answer("quoted", claim("It is 840 km."), text="x [1]", reason="Moravia")
    assert not judge(question, remark).right
    said = answer("metadata", text="840 km", reason="Moravia")
    assert judge(replace(question, reply="metadata"), said).right


def test_only_wrong_replies_with_a_tick_are_wrong_with_a_tick() -> None:
    def wrong(*claims: Claim) -> bool:
        return judge(QUESTION, answer("quoted", *claims)).wrong_with_tick

    assert wrong(claim("It is long."))  # where claims do not say whether they answer
    assert wrong(claim("It is.", ticked=False), claim("Long.", ticked=True))
    assert not wrong(claim("It is long.", ticked=False))
    assert not wrong(claim("It is 840 km.", ticked=True))
    assert not judge(QUESTION, answer("abstained")).wrong_with_tick
    other = judge(QUESTION, answer("metadata", claim("It is 840 km.", ticked=True)))
    assert other.wrong_with_tick and not other.fits


def test_refused_question_is_not_right_and_the_next_is_asked() -> None:
    class Refusing:
        async def stream(self, *_):
            raise QuestionRefused("the question is empty")
            yield

    found = asyncio.run(newcomer.ask(Refusing(), replace(QUESTION, must_contain=())))
    assert (found.kind, found.right, found.wrong_with_tick) == ("refused", False, False)
    assert "is refused" in newcomer.described(found)


def test_questions_that_cannot_be_judged_are_named(tmp_path: Path) -> None:
    file = tmp_path / "q.jsonl"
    row = {"id": "q1", "question": "?", "language": "en", "asks": "who", "reply": "answer"}
    row |= {"must_contain": [["a", "b"], "c"], "sources": ["x.pdf"]}
    file.write_text(json.dumps(row) + "\n\n", encoding="utf-8")
    (read,) = newcomer.read_questions(file)
    assert read == Question("q1", "?", "en", "who", "answer", (("a", "b"), ("c",)))
    file.write_text(json.dumps(row) + "\n" + json.dumps(row | {"reply": "x"}), encoding="utf-8")
    with pytest.raises(SystemExit, match="line 2: write as reply one of answer, summary"):
        newcomer.read_questions(file)
    file.write_text(json.dumps(row | {"must_contain": [[]]}), encoding="utf-8")
    with pytest.raises(SystemExit, match="line 1: a group of must_contain is empty"):
        newcomer.read_questions(file)


def test_sources_are_paths_or_a_file_of_them(tmp_path: Path) -> None:
    wanted = [str(tmp_path / "a.pdf"), "/b.md", "https://example.org/c"]
    names = ["a.pdf", "/b.md", "https://example.org/c"]
    (tmp_path / "list.txt").write_text("# papers\n" + "\n".join(names) + "\n\n", encoding="utf-8")
    (tmp_path / "list.json").write_text(json.dumps(names), encoding="utf-8")
    assert newcomer.read_sources(names, tmp_path) == wanted
    for name in ("list.txt", "list.json"):
        assert newcomer.read_sources([str(tmp_path / name)], tmp_path) == wanted


def test_tables_count_by_what_is_asked() -> None:
    who = replace(QUESTION, asks="who", language="ja", must_contain=())
    found = [
        judge(QUESTION, answer("quoted", claim("It is 840 km.")), 0.5),
        judge(QUESTION, answer("quoted", claim("It is long.")), 0.3),
        judge(who, answer("abstained"), 0.1),
    ]
    made = {table.title: table.rows for table in newcomer.tables(found)}
    assert list(made) == ["By asks", "By reply", "By language", "In all"]
    rows = {row["asks"]: row for row in made["By asks"]}
    assert str(rows["how many"]["right"]).startswith("1 of 2: 50.0 %")
    assert str(rows["how many"]["wrong with a tick"]).startswith("1 of 2")
    assert str(rows["who"]["right"]).startswith("0 of 1")
    (total,) = made["In all"]
    assert str(total["right"]).startswith("1 of 3: 33.3 % (6.1–79.2)")
    assert str(total["wrong kind of reply"]).startswith("1 of 3")
    assert total["seconds at the median"] == 0.3


def test_description_says_what_is_shown_and_what_is_missing() -> None:
    claims = (
        claim("It is long.", "It is  long and wide.", ticked=True),
        claim("So.", ticked=False),
    )
    text = newcomer.described(judge(QUESTION, answer("quoted", *claims)))
    assert text.splitlines() == [
        "q1 How long is the Oder?",
        "  WRONG, with a tick: how many, should be answer, is quoted",
        "  ✓ It is long.",
        "    “It is long and wide.”",
        "  – So.",
        "  lacks 840 km",
    ]
    (record,) = newcomer.records([judge(QUESTION, answer("quoted", *claims))])
    assert record["wrong with a tick"] and record["lacks"] == (("840 km",),)


def writer() -> FastAPI:
    """Make a model that writes the same sentence in answer to everything."""
    app = FastAPI()

    @app.get("/v1/models")
    async def models():
        return {"data": [{"id": "scripted"}]}

    @app.post("/v1/chat/completions")
    async def completions():
        line = {"choices": [{"delta": {"content": "The river Oder is 840 km long [1]."}}]}
        lines = iter([f"data: {json.dumps(line)}\n\n", "data: [DONE]\n\n"])
        return StreamingResponse(lines, media_type="text/event-stream")

    return app


def test_files_are_ingested_once_and_asked_about(
    tmp_path: Path, embedder: SentenceTransformerEmbedder, checker: CrossEncoder
) -> None:
    post = tmp_path / "oder.md"
    post.write_text("# The Oder\n\nThe Oder is a river. It is 840 km long.\n", encoding="utf-8")
    folder = newcomer.ingest([str(post)], tmp_path / "out", embedder)
    assert newcomer.ingest([str(post)], tmp_path / "out", embedder) == folder

    async def ask(url: str = "") -> newcomer.Judged:
        async with opened(settings_for(folder, url, ""), Models(embedder, checker)) as engine:
            return await newcomer.ask(engine, QUESTION)

    found = asyncio.run(ask())
    assert found.answer and found.answer.evidence and found.seconds > 0
    assert found.kind != "generated"
    with served(writer()) as url:
        found = asyncio.run(ask(f"{url}/v1"))
    assert (found.kind, found.right) == ("generated", True)
    post.write_text("# The Oder\n\nIt is long.\n", encoding="utf-8")
    assert newcomer.ingest([str(post)], tmp_path / "out", embedder) != folder
    with pytest.raises(SystemExit, match="cannot be ingested"):
        newcomer.ingest([str(tmp_path / "none.md")], tmp_path / "out", embedder)
