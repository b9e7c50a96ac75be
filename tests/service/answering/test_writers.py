"""Which model writes an answer: the usual one, one that the question names, or another since."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from corpus.errors import RequestRefused
from service.answering.engine import Engine
from service.answering.writers import Writers
from service.types import Answer
from tests.support.asgi_client import QUESTION
from tests.support.scripted_judge import ScriptedJudge
from tests.support.scripted_model import Script

SAID = "Whisper was trained on 680,000 hours of labelled audio [1]."


def script(name: str, text: str = SAID) -> Script:
    made = Script(text)
    made.name = name
    return made


def test_names_are_those_that_readers_see():
    usual, other = script("/srv/models/big.gguf"), script("small")
    writers = Writers(usual, others={"big": usual, "small": other})
    assert writers.names == ["big", "small"]
    assert writers.writing(None).model is writers.writing("big").model is usual
    assert writers.writing("small").model is other
    assert Writers().names == []


def test_unknown_model_is_refused_with_those_that_there_are():
    writers = Writers(script("big"), others={"small": script("small")})
    for name in ("huge", "", "/srv/models/big.gguf"):
        with pytest.raises(RequestRefused, match="use big, small, or leave it out"):
            writers.writing(name)
    with pytest.raises(RequestRefused, match="connect one"):
        Writers().writing("big")


def test_judge_that_writes_does_not_decide_for_another_writer():
    judge = ScriptedJudge()
    writers = Writers(script("big"), judge, True, {"small": script("small")})
    assert writers.writing(None).judge_writes
    other = writers.writing("small")
    assert other.judge is judge and not other.judge_writes


def test_question_is_answered_by_the_model_that_it_names(library, checker, history):
    engine = Engine(library, checker, history, script("big", "Nothing."))
    engine.writers = Writers(script("big", "Nothing."), others={"small": script("small")})

    async def ask(**of) -> Answer:
        async with aclosing(engine.stream(QUESTION, **of)) as events:
            return [event.data async for event in events][-1]

    assert asyncio.run(ask(model="small")).model == "small"
    assert asyncio.run(ask(model="small", mode="quoted")).mode == "quoted"
    with pytest.raises(RequestRefused, match="no model “none”"):
        asyncio.run(ask(model="none"))


def test_answer_that_has_begun_keeps_its_model(library, checker, history):
    first, second = script("first"), script("second")
    engine = Engine(library, checker, history, first)

    async def run() -> Answer:
        async with aclosing(engine.stream(QUESTION)) as events:
            await anext(events)
            engine.writers = Writers(second)
            return [event.data async for event in events][-1]

    assert asyncio.run(run()).model == "first" and second.messages is None
    assert asyncio.run(engine.answer(QUESTION)).model == "second"


def test_models_are_replaced_one_by_one_too(library, checker, history):
    engine = Engine(library, checker, history)
    assert engine.model is None and engine.judge is None
    engine.model, engine.judge = (model := script("m")), (judge := ScriptedJudge())
    assert engine.writers == Writers(model, judge)
