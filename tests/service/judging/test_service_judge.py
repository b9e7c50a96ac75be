"""The judge of a service: known outcomes, tests in the background, and what is said of them."""

from __future__ import annotations

import asyncio
import logging

import pytest

from corpus.errors import ModelBadOutput, ModelUnavailable
from service.judging.evidence import number_evidence
from service.judging.judge import ModelJudge
from service.judging.service_judge import ServiceJudge, judge_status, proving
from service.judging.standing import Standing
from tests.support.judge_server import believes, knows
from tests.support.scripted_judge_model import ScriptedJudgeModel, evidence_of

PAUSES = (0.0, 0.0)


class Down(ScriptedJudgeModel):
    """A model whose server is down for some calls of ``identify``."""

    def __init__(self, rule, times):
        super().__init__(rule)
        self.times = times

    async def identify(self):
        self.times -= 1
        if self.times >= 0:
            raise ModelUnavailable("the server is down")


@pytest.fixture
def make(tmp_path):
    def make(model, **how):
        return ServiceJudge(model, 8000, 8.0, Standing(tmp_path), **how)

    return make


def said(judge):
    status = judge.status
    return status.state, status.able, status.true_right, status.false_right


def test_judge_is_untested_then_able_and_its_outcome_is_recalled_without_a_call(make):
    model = ScriptedJudgeModel(knows)
    judge = make(model)
    judge.recall()
    assert said(judge) == ("untested", False, None, None) and not model.calls
    asyncio.run(judge.prove_until_able(PAUSES))
    assert said(judge) == ("able", True, 12, 12) and model.calls
    silent = ScriptedJudgeModel(error=AssertionError("it is asked"))
    later = make(silent)
    later.recall()
    assert said(later) == ("able", True, 12, 12)
    asyncio.run(later.prove())
    assert said(later) == ("able", True, 12, 12) and not silent.calls


def test_judge_that_fails_stays_unable_and_is_not_tested_again(make):
    model = ScriptedJudgeModel(believes)
    judge = make(model)
    report = asyncio.run(judge.prove())
    calls = len(model.calls)
    assert not report.passed and said(judge) == ("failed", False, 12, 0)
    assert judge.status.summary == "failed: 12 of 12 true, 0 of 12 false right"
    assert asyncio.run(judge.prove()) is None and len(model.calls) == calls
    again = make(model)
    again.recall()
    assert said(again) == ("failed", False, 12, 0)


def test_server_that_is_down_is_tried_again_until_it_answers(make):
    model = Down(knows, 3)
    judge, states = make(model), []

    async def run():
        task = asyncio.create_task(judge.prove_until_able((0.01,)))
        while not task.done():
            states.append(judge.status.state)
            await asyncio.sleep(0.002)
        await task

    asyncio.run(run())
    assert "unreachable" in states and said(judge) == ("able", True, 12, 12) and model.times == -1


def test_page_of_a_gateway_is_tried_again_until_there_is_a_reply(make):
    class Starting(ScriptedJudgeModel):
        async def complete(self, *given, **how):
            self.error = ModelBadOutput("a page") if len(self.calls) < 3 else None
            return await super().complete(*given, **how)

    model = Starting(knows)
    judge = make(model)
    asyncio.run(judge.prove())
    assert said(judge) == ("unreachable", False, None, None)
    asyncio.run(judge.prove_until_able(PAUSES))
    assert said(judge) == ("able", True, 12, 12)


def test_outcome_of_another_process_is_found_at_the_next_look(make):
    judge = make(ScriptedJudgeModel(believes))

    async def run():
        task = asyncio.create_task(judge.prove_until_able((0.01,)))
        while judge.status.state != "failed":
            await asyncio.sleep(0.002)
        await make(ScriptedJudgeModel(knows)).prove(again=True)
        await asyncio.wait_for(task, 10)

    asyncio.run(run())
    assert judge.able


def test_judge_that_fails_its_controls_is_withdrawn_until_the_next_start(make):
    model = ScriptedJudgeModel(knows)
    judge = make(model)
    text = "The Kanda reading room opened in 1931 and holds 40,000 maps."
    evidence = number_evidence(evidence_of(text), 1000)

    async def run():
        await judge.prove()
        assert judge.able
        for _ in range(3):  # any other sentence is supported
            assert (await judge.judge("What?", evidence, ["It is a lion."])).failure == "control"
        assert said(judge) == ("withdrawn", False, 12, 12)
        await judge.prove(again=True)
        await judge.prove_until_able(PAUSES)

    asyncio.run(run())
    assert said(judge) == ("withdrawn", False, 12, 12)
    later = make(model)
    later.recall()
    assert said(later) == ("able", True, 12, 12)


@pytest.mark.parametrize(("required", "level"), [(True, "WARNING"), (False, "INFO")])
def test_failure_is_a_warning_only_where_a_judge_is_required(make, caplog, required, level):
    caplog.set_level(logging.INFO)
    judge = make(ScriptedJudgeModel(believes), required=required)
    for _ in range(2):
        asyncio.run(judge.prove())
    make(ScriptedJudgeModel(believes), required=required).recall()  # at the next start
    failures = [r for r in caplog.records if "did not pass the self-test" in r.getMessage()]
    record, again = failures
    assert again.levelname == level
    assert record.levelname == level and "0 of 12 false" in record.getMessage()
    assert "TENKYO_JUDGE_URL" in record.getMessage()


def test_test_that_is_cancelled_ends_and_leaves_the_judge_untested(make):
    class Slow(ScriptedJudgeModel):
        async def complete(self, *given, **how):
            self.calls.append(given)
            await asyncio.sleep(60)

    model = Slow()
    judge = make(model)

    async def run():
        async with proving(judge):
            while not model.calls:
                await asyncio.sleep(0.002)
            assert judge.status.state == "testing" and not judge.able

    asyncio.run(asyncio.wait_for(run(), 10))
    assert judge.status.state == "untested"


def test_status_of_any_judge_is_json_without_paths(make):
    assert judge_status(None) is None
    model = ScriptedJudgeModel(knows)
    model.name = "/models/big.gguf"
    told = judge_status(make(model))
    assert told["name"] == "big" and told["host"] == "judge.example:8080"
    other = ModelJudge(model, 8000, 8.0)
    assert judge_status(other) == told

    async def run():
        async with proving(other), proving(None):
            await asyncio.sleep(0)

    asyncio.run(run())
    assert not model.calls  # only a judge of a service is tested by it
