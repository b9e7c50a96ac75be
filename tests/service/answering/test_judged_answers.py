"""Answers and texts of the real library whose sentences a scripted judge decides about."""

import asyncio
import time
from types import SimpleNamespace

import pytest

from service.answering.engine import Engine
from service.answering.factcheck import FactChecker
from service.answering.statements import statements
from service.conversations.store import History
from service.generation.prompts import answer_messages
from service.judging.prompt import JUDGED_AT_ONCE
from service.judging.types import Judgement
from service.types import Answer, Claim, Verdict
from tests.support.scripted_judge import ScriptedJudge
from tests.support.scripted_model import Script

QUESTION = "How many hours of labelled audio was Whisper trained on?"
OUTSIDE = "What is the capital of Australia?"
HOURS = "Altogether 680,000 hours of recordings went into Whisper."


def answer(library, checker, model, judge, question=QUESTION, *, writes=False) -> Answer:
    history = History(library.store.database)
    engine = Engine(library, checker, history, model, judge=judge, judge_writes=writes)
    return asyncio.run(engine.answer(question))


def test_judge_decides_instead_of_the_checker(library, checker):
    judge = ScriptedJudge({"It is sold in Peru.": Judgement("unsupported", (), (), False)})
    made = answer(library, checker, Script(f"{HOURS[:-1]} [1]. It is sold in Peru [1]."), judge)
    assert [c.text for c in made.claims] == [HOURS]
    assert made.claims[0].verdict.method == "judge: scripted" and made.timings["judge"] >= 0
    assert "680,000" in made.claims[0].citations[0].quote
    assert judge.questions[0] == QUESTION and len(judge.evidence[0].sentences) > 3
    steps = [spent for name, spent in made.timings.items() if name != "total"]
    assert min(steps) >= 0 and sum(steps) <= made.timings["total"] + 0.01


@pytest.mark.parametrize("answers", [True, False])
def test_judge_is_believed_that_a_sentence_answers(library, checker, answers):
    """Where it does, no quotes follow, however little the checker takes it for an answer."""
    asked = "Who developed GT Sophy?"
    said = "The GT Sophy project used more than 1,000 PlayStation 4 consoles."

    class Plain(ScriptedJudge):
        async def judge(self, question, evidence, sentences, before=()):
            number = next(s.number for s in evidence.sentences if "PlayStation 4" in s.text)
            self.says = {said: Judgement("supported", (number,), (), answers)}
            return await super().judge(question, evidence, sentences, before)

    made = answer(library, checker, Script(f"{said[:-1]} [1]."), Plain(), asked)
    assert made.claims[0].text == said
    assert (len(made.claims) == 1) is answers


def test_judge_that_is_not_able_is_not_asked(library, checker):
    judge = ScriptedJudge(able=False)
    made = answer(library, checker, Script(f"{HOURS[:-1]} [1]."), judge, writes=True)
    assert not judge.calls and made.timings.keys() >= {"write"} and "judge" not in made.timings
    model = Script("x")
    answer(library, checker, model, judge, OUTSIDE, writes=True)
    assert model.messages is None  # the gate stays for a model that has not passed the self-test


def test_first_checked_sentence_comes_soon(library, checker):
    """A second and a half after it was written, while the model goes on writing."""

    class Slow:
        name = "slow"
        began = 0.0

        async def stream(self, messages):
            self.began = time.perf_counter()
            yield f"{HOURS[:-1]} [1]. The "
            await asyncio.sleep(3)
            yield "end [1]."

    async def first() -> float:
        model = Slow()
        engine = Engine(
            library, checker, History(library.store.database), model, judge=ScriptedJudge()
        )
        engine.warm_up()
        async for event in engine.stream(QUESTION):
            if event.name == "claim":
                return time.perf_counter() - model.began
        return 99.0

    assert asyncio.run(first()) < 1.5


def test_model_that_passed_gets_all_the_evidence_and_decides(library, checker):
    """Also where the gate would have kept the question from it."""
    model = Script("NO ANSWER")
    made = answer(library, checker, model, ScriptedJudge(), OUTSIDE, writes=True)
    assert model.messages == answer_messages(OUTSIDE, made.evidence)
    assert made.mode == "abstained" and made.abstention == "outside_library" and made.reason
    asked = answer(library, checker, Script("x"), ScriptedJudge(), writes=True)
    assert [e.label for e in asked.evidence] == list(range(1, len(asked.evidence) + 1))
    assert len(asked.evidence) > 3


@pytest.mark.parametrize(("writes", "mode"), [(True, "abstained"), (False, "quoted")])
def test_no_answer_is_believed_of_a_model_that_passed(library, checker, writes, mode):
    made = answer(library, checker, Script("NO ANSWER"), ScriptedJudge(), writes=writes)
    assert made.mode == mode
    assert made.abstention == ("not_enough_evidence" if writes else None)


@pytest.mark.parametrize(
    "question",
    ["Why was Whisper trained on 90,000 hours of audio?", "How many hours did QX-7731 record?"],
)
def test_false_premises_and_unknown_identifiers_do_not_reach_a_model(library, checker, question):
    model = Script("x")
    made = answer(library, checker, model, ScriptedJudge(), question, writes=True)
    assert model.messages is None and made.mode == "abstained"


# Texts

SAYS = "Whisper was trained on 680,000 hours of audio."


def check(library, verifier, judge, text, **more):
    return asyncio.run(FactChecker(library, verifier, judge).check_async(text, **more))


def test_sentences_of_a_text_are_judged_in_groups(library, verifier):
    text = " ".join(
        f"Whisper was trained on 680,000 hours of sound, part {c}." for c in "bcdefghijk"
    )
    judge, reported = ScriptedJudge(), []
    judge.window = 100_000

    async def progress(step, done, total):
        reported.append((done, total))

    checked = check(library, verifier, judge, text, progress=progress)
    assert [len(call) for call in judge.calls] == [JUDGED_AT_ONCE, 2] and judge.most == 1
    assert judge.before[0] == () and len(judge.before[1]) == 3
    assert reported == [(n, 10) for n in range(1, 11)]
    assert {c.verdict.method for c in checked.claims} == {"judge: scripted"}
    labels = {e.label: e.passage.id for e in checked.evidence}
    assert list(labels) == list(range(1, len(labels) + 1))
    for claim in checked.claims:
        assert text[claim.start : claim.end] == claim.text
        assert all(labels[c.label] == c.passage_id for c in claim.citations)


def test_group_has_room_for_the_best_passages_of_each(library, verifier):
    text = f"{SAYS} Cold Diffusion uses blur. Parti draws images. Block-NeRF renders San Francisco."
    small = ScriptedJudge()
    small.window = 3000
    check(library, verifier, small, text)
    assert len(small.calls) > 1 and sum(map(len, small.calls), 0) == 4
    large = ScriptedJudge()
    large.window = 100_000
    check(library, verifier, large, text)
    assert len(large.calls) == 1
    sources = {each.evidence.source.id for each in large.evidence[0].sentences}
    assert len(sources) > 2


def test_group_whose_call_failed_is_decided_by_the_verifier(library, verifier):
    plain = check(library, verifier, None, SAYS + " It cost 90 dollars.")
    judge = ScriptedJudge(failures=["unreachable"])
    checked = check(library, verifier, judge, SAYS + " It cost 90 dollars.")
    for ours, theirs in zip(checked.claims, plain.claims, strict=True):
        assert ours.verdict.label == theirs.verdict.label
        assert ours.citations == theirs.citations
        wanted = theirs.verdict.method
        wanted += "" if wanted == "verbatim" else " (judge: unreachable)"
        assert ours.verdict.method == wanted


@pytest.mark.parametrize(("failure", "calls"), [("timeout", 1), ("unreachable", 1), ("control", 3)])
def test_text_does_not_wait_again_for_a_judge_that_does_not_answer(library, failure, calls):
    class Unsure:
        """A verifier that supports nothing."""

        checker = SimpleNamespace(name="unsure")

        def check(self, draft, evidence, originals):
            verdict = Verdict("unsupported", 1.0, "rules + checker")
            return Claim(draft.text, 0, len(draft.text), (), verdict)

    text = " ".join(f"Whisper was trained on {n} hours of sound." for n in range(101, 118))
    judge = ScriptedJudge(failures=[failure] * 3)
    judge.window = 100_000
    checked = check(library, Unsure(), judge, text)
    assert len(judge.calls) == calls and len(checked.claims) == 17
    assert all(f"(judge: {failure})" in claim.verdict.method for claim in checked.claims)


def test_text_is_checked_alike_without_an_able_judge(library, verifier):
    judge = ScriptedJudge(able=False)
    text = f"{SAYS} It cost 90 dollars."
    checked = check(library, verifier, judge, text)
    assert checked == check(library, verifier, None, text) and not judge.calls
    assert not any("judge" in claim.verdict.method for claim in checked.claims)


def test_sentence_of_a_text_has_those_before_it_in_its_paragraph():
    text = "One is 1. Two is 2. Three is 3. Four is 4. Five is 5.\n\nSix is 6.\nTen is 10.\n# H\nOh is 0."
    before = [draft.before for _, _, draft in statements(text)]
    one, two, three, four = (
        f"{name} is {n}." for n, name in enumerate("One Two Three Four".split(), 1)
    )
    assert before == [
        (),
        (one,),
        (one, two),
        (one, two, three),
        (two, three, four),
        (),
        ("Six is 6.",),
        (),
    ]
