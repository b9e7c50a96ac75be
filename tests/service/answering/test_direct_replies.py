"""Replies that need no reading: the guide, the catalogue's, and overviews."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from _pytest.mark import ParameterSet

from corpus.store.store import Store
from index.inference.cross_encoder import Checker
from index.inference.parsed_question import FIELDS, ParsedQuestion
from service.answering import direct_replies
from service.answering.direct_replies import DirectReplies
from service.answering.state import AnswerState
from tests.support.catalogue_library import put_papers, putter


def not_yet(*values: str) -> ParameterSet:
    """Mark what the parser that ships does not know yet; strict, to notice when a better one does."""
    reason = "the parser has seen too little"
    return pytest.param(*values, marks=pytest.mark.xfail(strict=True, reason=reason))


class Asked:
    """Asks questions of a library; ``parsed`` are the texts that the parser was given."""

    def __init__(self, store: Store, checker: Checker) -> None:
        self._checker, self.parsed = checker, list[str]()
        library = SimpleNamespace(store=store, embedder=None, search=lambda *_: [])
        self.replies = DirectReplies(library, self)  # type: ignore[arg-type]

    def parse(self, questions: Sequence[str]) -> list[ParsedQuestion]:
        self.parsed += questions
        return self._checker.parse(questions)

    def __call__(self, question: str) -> AnswerState:
        """Return the state of the answer; its text is the mode of the reply, empty for none."""
        state = AnswerState("a", "c", question)
        made = self.replies(state)
        state.text = made.mode if made else ""
        return state


@pytest.fixture
def ask(tmp_path: Path, checker: Checker) -> Asked:
    store = Store(f"sqlite:///{tmp_path / 'tenkyo.db'}")
    put = putter(store)
    put_papers(put)
    put(
        "c0ffee", "A sourdough starter needs flour and water. It is fed each day.",
        title="Review: The Loaf at Home", url="file:///home/me/sourdough_notes.md",
        published="2021-05-06", authors=("Ann Baker",),
    )  # fmt: skip
    return Asked(store, checker)


def said(state: AnswerState) -> list[str]:
    return [claim.text for claim in state.claims]


@pytest.mark.parametrize(
    "message",
    [
        "hi",
        "Good evening!",
        "こんにちは。",
        "thanks a lot!",
        "Hello, I'm new here.",
        "よろしくお願いします。",
    ],
)
def test_greeting_alone_gets_the_guide(ask: Asked, message: str) -> None:
    assert ask(message).text == "guide"


@pytest.mark.parametrize(
    "message",
    [
        "Hello! Who wrote ReAct?",
        "good morning, hi there! who wrote ReAct?",
        "Thanks. And who wrote ReAct?",
        "hey, I'm new here. who wrote ReAct?",
        "こんにちは。ReActの著者は誰ですか？",
    ],
)
def test_question_behind_a_greeting_is_answered(ask: Asked, message: str) -> None:
    state = ask(message)
    assert state.text == "metadata" and "Shunyu Yao" in said(state)[0]


def test_question_behind_a_greeting_is_what_is_parsed(ask: Asked) -> None:
    state = ask("Hello, what does ALCE measure?")
    assert state.text == "" and ask.parsed == ['what does "ALCE" measure?']
    ask("Hello world programs: who wrote the first?")
    assert ask.parsed[-1] == "Hello world programs: who wrote the first?"


@pytest.mark.parametrize(
    ("question", "says"),
    [
        ("Who wrote ReAct?", "Shunyu Yao"),
        ("when was the sourdough post written", "6 May 2021"),
        ("how long is the react paper", "2 pages"),
    ],
)
def test_field_of_a_named_work_is_stated(ask: Asked, question: str, says: str) -> None:
    state = ask(question)
    assert state.text == "metadata" and says in said(state)[0]


@pytest.mark.parametrize(
    "question",
    [
        "Who wrote the code of ReAct?",
        "Who wrote the GPT-5 paper?",
        "Who wrote ReAct 2?",
        "Who wrote The Loaf at Home?",  # the book, of which there is a review
        "Which licence did the ReAct authors breach?",
    ],
)
def test_question_for_something_else_is_left_to_reading(ask: Asked, question: str) -> None:
    state = ask(question)
    assert state.text == "" and not state.claims and state.overview is None


def test_field_is_known_without_its_usual_words(ask: Asked) -> None:
    state = ask("what day is the ReAct paper from?")
    assert said(state) == ["ReAct is dated 27 November 2022."]


@pytest.mark.parametrize(
    "question", ["list everything you have", "what have you got there", "何がありますか？"]
)
def test_documents_are_listed_whatever_the_words(ask: Asked, question: str) -> None:
    assert len(said(ask(question))) == 6


@pytest.mark.parametrize(
    ("question", "title"),
    [
        ("anything about citations?", "Text with Citations"),
        ("anything on citations in this library", "Text with Citations"),
        ("what do you have by tianyu gao?", "Text with Citations"),
        not_yet("show me the citations stuff", "Text with Citations"),
        ("do you have anything by Tianyu Gao?", "Text with Citations"),
        ("Which papers did Howard Yen write?", "Text with Citations"),
    ],
)
def test_documents_are_listed_by_topic_and_author(ask: Asked, question: str, title: str) -> None:
    (text,) = said(ask(question))
    assert title in text


def test_documents_on_a_named_work_are_listed(ask: Asked) -> None:
    state = ask("What do you have on ReAct?")
    assert state.text == "metadata" and "ReAct" in said(state)[0]


@pytest.mark.parametrize(
    ("question", "left"),
    [
        ("Who wrote ReAct and which datasets does it use?", "Which datasets does ReAct use?"),
        ("Who wrote ReAct and when was it published?", ""),
    ],
)
def test_part_that_is_not_for_the_catalogue_is_named(ask: Asked, question: str, left: str) -> None:
    state = ask(question)
    assert state.text == "metadata" and "Shunyu Yao" in said(state)[0]
    assert (f"ask “{left}” by itself" in (state.reason or "")) is bool(left)


def test_question_that_may_ask_for_documents_and_says_more_is_no_list(ask: Asked) -> None:
    assert ask("what have bakers got against rye").text == ""
    assert ask("What do you have by Tianyu Gao?").text == "metadata"


@pytest.mark.parametrize(
    ("question", "works"),
    [
        ("sum up ReAct", {"react"}),
        ("the sourdough notes in brief", {"c0ffee"}),
        ("Compare ALCE and ReAct", {"alce", "react"}),
        ("Compare the sourdough post with the citations paper", {"c0ffee", "alce"}),
        ("Compare ALCE and GPT-5", set()),
        ("Summarise the BERT paper", set()),
        ("What is ReAct?", set()),
    ],
)
def test_overview_of_named_works(ask: Asked, question: str, works: set[str]) -> None:
    state = ask(question)
    shown = state.overview.evidence if state.overview else ()
    assert {each.source.id for each in shown} == works and not state.claims


def test_help_is_told_from_a_question_with_like_words(ask: Asked) -> None:
    assert ask("what can you do").text == "guide"
    assert ask("what can you bake").text == ""


def test_what_only_a_work_itself_can_say_is_unknown_rather_than_read(ask: Asked) -> None:
    state = ask("When was the TraceMonkey paper published?")
    assert state.text == "abstained" and state.abstention == "not_enough_evidence"
    assert state.reason and "no date" in state.reason
    assert not ask("When was the compiler of TraceMonkey published?").text


@pytest.mark.parametrize(
    ("question", "mode"),
    [
        not_yet("Who wrote the paper on drawings that people ask for?", "metadata"),
        ("Who wrote the memo on drawings?", "metadata"),
        ("Who wrote the carols?", ""),
        ("How much flour does the starter of the memo need?", ""),
    ],
)
def test_work_is_described_only_where_something_is_asked_of_works(
    ask: Asked, monkeypatch: pytest.MonkeyPatch, question: str, mode: str
) -> None:
    digest = ask.replies._library.store.source("digest")
    monkeypatch.setattr(direct_replies, "described_source", lambda *_: digest)
    state = ask(question)
    assert state.text == mode
    assert not mode or "Shion Honda" in state.claims[0].text


def test_named_work_is_described_only_if_a_field_is_likely(
    ask: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ask("Who wrote ReAct?").text == "metadata"
    parse, no_field = ask.parse, np.full(len(FIELDS), -4.0, np.float32)
    monkeypatch.setattr(
        ask, "parse", lambda asked: [replace(p, field_logits=no_field) for p in parse(asked)]
    )
    assert not ask("Who wrote ReAct?").text


def test_described_work_is_summed_up(ask: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    digest = ask.replies._library.store.source("digest")
    monkeypatch.setattr(direct_replies, "described_source", lambda *_: digest)
    state = ask("Sum up the one on pictures that people want")
    assert state.overview and "diffusion models" in state.overview.drafts[0].text


@pytest.fixture
def notes(tmp_path: Path, checker: Checker) -> Asked:
    store = Store(f"sqlite:///{tmp_path / 'tenkyo.db'}")
    put = putter(store)
    for year in (2021, 2022):
        put(f"en{year}", "The plums were late.", title="Garden notes", published=f"{year}-11-01")
        put(f"ja{year}", "梅を漬けた。", title=f"梅酒の覚え書き {year}", published=f"{year}-12-01")
    put("other", "It rained.", title="Weather", published="2021-01-01")
    return Asked(store, checker)


@pytest.mark.parametrize(
    ("question", "within"),
    [
        ("plums in the garden notes: 2021 against 2022", [("en2021",), ("en2022",)]),
        ("梅酒、2022年と2021年で漬ける時間はどう違う？", [("ja2022",), ("ja2021",)]),
    ],
)
def test_sides_of_a_comparison_are_the_works_of_two_years(notes, question, within) -> None:
    state = notes(question)
    assert [side.within for side in state.sides] == within
    assert state.compared == tuple(side.name for side in state.sides)


def test_two_works_are_compared_in_some_respect_or_shown_side_by_side(ask) -> None:
    state = ask("Compare the datasets of ALCE and ReAct")
    assert [side.within for side in state.sides] == [("alce",), ("react",)]
    assert not ask("Compare ALCE and ReAct").sides


def test_question_of_which_one_part_compares_is_left_to_its_parts(notes) -> None:
    compared = "Is the plum cheaper than the pear?"
    assert len(notes(compared).sides) == 2
    assert not notes(f"{compared[:-1]}, and when does the shop open?").sides
    question = "How many maps has the Kanda room, and how many has the Sawa room?"
    assert len(notes(question).sides) == 2  # one in each part


def test_years_of_no_work_are_not_compared_as_works(notes) -> None:
    for question in (
        "Was there more snow in 2021 or in 2022?",
        "How late were the plums, 2019 against 2022?",
    ):
        sides = notes(question).sides
        assert len(sides) == 2 and [side.within for side in sides] == [None, None]


def test_reason_of_a_difference_is_asked_of_both_together(notes: Asked) -> None:
    assert len(notes("Is the ferry cheaper than the barge?").sides) == 2
    assert not notes("Why is the ferry cheaper than the barge?").sides
    assert not notes("なぜ渡し船は艀より安いのですか？").sides


def test_fields_of_all_parts_are_stated(ask: Asked) -> None:
    state = ask("Hi! Who wrote ReAct, how does it work, and when was it published?")
    assert ["Shunyu Yao" in said(state)[0], "2022" in said(state)[1]] == [True, True]
    assert state.reason and "How does" in state.reason and "published" not in state.reason
