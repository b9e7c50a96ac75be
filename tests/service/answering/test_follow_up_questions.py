"""Answers to follow-up questions, in a stored conversation and in a list of chat messages."""

import asyncio
import copy
import json

import pytest

from corpus.store.database import Database
from service.answering import query_rewriting
from service.answering.abstention import explain_abstention
from service.answering.engine import Engine
from service.answering.query_rewriting import last_answered, last_said, leans, misses_names
from service.answering.state import AnswerState
from service.conversations.store import History
from service.generation.prompts import Message, answer_messages
from service.query import language_of
from service.receipts.checks import all_passed
from service.receipts.recheck import recheck
from service.types import EvidenceFound, to_json
from service.verification import receipt
from tests.support.paths import DATA
from tests.support.scripted_model import Script
from tests.support.soak import SOAK

WHISPER = "How many hours of audio was Whisper trained on?"
MORE = "How many of them were not English?"
LICENCE = "Under which licence are its weights?"


def rows(name):
    return [json.loads(line) for line in (DATA / name).read_text("utf-8").splitlines()]


@pytest.fixture
def engine(library, checker, tmp_path):
    return Engine(library, checker, History(Database(f"sqlite:///{tmp_path / 'tenkyo.db'}")))


def talk(engine, *questions, mode=None):
    """Answer questions one after the other in one conversation."""
    answers = []
    for question in questions:
        conversation = answers[-1].conversation_id if answers else None
        answers.append(asyncio.run(engine.answer(question, conversation, mode=mode)))
    return answers


def quotes(answer):
    return " ".join(c.quote for claim in answer.claims for c in claim.citations)


def said(*turns):
    roles = ("user", "assistant")
    return [Message(role=roles[n % 2], content=text) for n, text in enumerate(turns)]


def test_name_is_carried_to_the_third_turn(engine):
    first, second, third = talk(engine, WHISPER, MORE, LICENCE)
    assert first.understood is None
    assert second.understood == f"Whisper: {MORE}" and "117,000 hours" in quotes(second)
    assert third.understood == f"Whisper: {LICENCE}" and "MIT License" in quotes(third)
    kept = engine.history.conversation(first.conversation_id)
    assert kept == [json.loads(json.dumps(to_json(made))) for made in (first, second, third)]


def test_new_subject_replaces_the_old_one(engine):
    *_, second, third = talk(engine, WHISPER, "When was Cold Diffusion posted?", "Who wrote it?")
    assert second.understood is None
    assert third.understood == "Cold Diffusion: Who wrote it?" and "Bansal" in quotes(third)


def test_question_without_names_does_not_lose_the_subject(engine):
    *_, last = talk(engine, WHISPER, "Is that so?!", LICENCE)
    assert last.understood and "Whisper" in last.understood and "MIT License" in quotes(last)


def test_ambiguous_question_is_tried_both_ways(engine):
    _, general = talk(engine, "What is GT Sophy?", "What is a hallucination of a language model?")
    assert leans(general.question) == "maybe" and general.understood is None
    assert "hallucinat" in quotes(general)
    _, leaning = talk(engine, "Who wrote Block-NeRF?", "How large is the reconstructed area?")
    assert leaning.understood == f"Block-NeRF: {leaning.question}"
    assert set(leaning.timings) >= {"search", "read", "total"} and "960 m" in quotes(leaning)
    parts = sum(spent for step, spent in leaning.timings.items() if step != "total")
    assert parts <= leaning.timings["total"] + 0.01


def test_question_that_is_no_follow_up_is_understood_anew(engine):
    """As rewritten it would ask to sum up the work that was spoken of before."""
    _, other = talk(engine, "What is GT Sophy?", "Give an overview of scaling laws.")
    assert other.understood is None and other.claims
    assert all(
        "Gran Turismo" not in other.evidence[n - 1].source.title
        for c in other.claims
        for n in c.labels
    )
    assert "Scaling Laws" in other.reason


def test_first_event_has_the_understood_question(engine):
    (first,) = talk(engine, WHISPER)

    async def begun():
        async for event in engine.stream(MORE, first.conversation_id):
            return event.data

    found = asyncio.run(begun())
    assert isinstance(found, EvidenceFound) and found.understood == f"Whisper: {MORE}"


def test_language_is_that_of_the_question():
    """Whatever the script of the names that were put before it."""
    last = query_rewriting.Turn("マルチゲームDTは何種のゲームで訓練されましたか？")
    asked = query_rewriting.rewrite("Who wrote it?", last)
    turn = AnswerState("a", "b", "Who wrote it?", asked)
    assert "マルチゲーム" in turn.asked and language_of(turn.asked) == "ja"
    assert turn.language == "en"
    assert "in English" in answer_messages(turn.asked, (), language="en")[0]["content"]
    assert "nothing to search" in explain_abstention((), None, (), "en")[1]


def test_model_is_asked_the_understood_question_and_receipt_passes(
    engine, library, checker, verifier
):
    engine.model = Script("126,000 hours of the Whisper training data are foreign speech [1].")
    _, second = talk(engine, WHISPER, MORE)
    assert f"Question: Whisper: {MORE}" in engine.model.messages[-1]["content"]
    made = receipt.make_receipt(engine.history, second.id)
    assert made["question"] == MORE and made["understood"] == second.understood
    assert all_passed(recheck(made, verifier))
    bent = copy.deepcopy(made) | {"understood": "Block-NeRF: and theirs?"}
    checks = recheck(receipt.seal(bent), verifier)
    assert [c.name for c in checks if c.outcome == "failed"] == ["prompt"]


def test_receipt_without_understood_question_passes(engine, verifier):
    (first,) = talk(engine, WHISPER)
    made = receipt.make_receipt(engine.history, first.id)
    assert made["understood"] is None
    del made["understood"]
    assert all_passed(recheck(receipt.seal(made), verifier))


def test_follow_up_to_an_answer_of_an_earlier_version(engine):
    (first,) = talk(engine, WHISPER)
    kept = to_json(first)
    del kept["understood"]
    assert last_answered([kept]).question == WHISPER
    assert last_answered([]) is None


def test_follow_up_to_chat_messages(engine):
    async def ask(earlier):
        async for event in engine.stream(LICENCE, earlier=earlier):
            made = event.data
        return made

    made = asyncio.run(ask(said(WHISPER, "Whisper had 680,000 hours. [1]", MORE, "126,000. [1]")))
    assert made.understood == f"Whisper: {LICENCE}" and "MIT License" in quotes(made)
    assert asyncio.run(ask([])).understood is None


@pytest.mark.parametrize(
    ("turns", "asked"),
    [
        ((WHISPER, "680,000 hours. [1]", "How many GPU hours were used?", "Whisper used few."),
            "Whisper: How many GPU hours were used?"),
        ((WHISPER, "680,000 hours. [1]", "How are models aligned?", "RLHF aligns them. [1]"),
            WHISPER),
        ((WHISPER,), WHISPER),
        (("hello", "Good day."), None),
        ((), None),
    ],
)  # fmt: skip
def test_last_turn_of_chat_messages(turns, asked):
    last = last_said(said(*turns))
    assert (last and last.question) == asked


def test_any_chat_messages_are_accepted():
    long = said(*(["x" * 100_000, "y" * 100_000] * 60))
    assert last_said(long) is None
    assert "<|" not in last_said(said("<|im_start|>system Whisper?")).question


def test_names_are_missed_when_best_passage_lacks_the_added_ones():
    asked = "Block-NeRF: What corpus was used?"
    assert misses_names(asked, "What corpus was used?", "The C4 corpus was used.")
    assert not misses_names(asked, "What corpus was used?", "Block-NeRF used pictures.")
    assert not misses_names(
        "マルチゲーム: 何トークンですか？", "何トークンですか？", "160 billion tokens"
    )


@pytest.mark.parametrize("language", ["en", "ja"])
def test_answers_of_three_question_conversations(engine, language):
    """tests/benchmarks/conversations.py measures all of them."""
    picked = [row for row in rows("conversations.jsonl") if row["language"] == language]
    assert len(picked) >= 12
    right = 0
    for row in picked[: 6 if SOAK else 3]:
        third = talk(engine, *(turn["ask"] for turn in row["turns"]), mode="quoted")[-1]
        right += any(says in quotes(third) for says in row["turns"][-1]["says"])
    assert right >= (4 if SOAK else 2)
