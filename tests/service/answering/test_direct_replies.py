"""Replies that need no reading: the guide, the catalogue's, and overviews."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from corpus.store.store import Store
from index.inference.cross_encoder import Checker
from service.answering import direct_replies
from service.answering.direct_replies import DirectReplies
from service.answering.state import AnswerState
from service.questions.kinds import QuestionKind
from tests.support.catalogue_library import put_papers, putter

FACT = QuestionKind("choice", "fact", 0.9, {"choice": 0.9})


def kind(name: str, group: str = "", probability: float = 0.9) -> QuestionKind:
    return QuestionKind(name, group or name, probability, {name: probability})


class Asked:
    """Asks questions whose kinds are given; ``classified`` are the texts that were to be one."""

    def __init__(self, store: Store, checker: Checker, monkeypatch: pytest.MonkeyPatch) -> None:
        library = SimpleNamespace(store=store, embedder=None, search=lambda *_: [])
        self.replies = DirectReplies(library, checker)  # type: ignore[arg-type]
        self.classified: list[str] = []
        self.kind = FACT
        monkeypatch.setattr(direct_replies, "question_kind", self.classify)

    def classify(self, text: str, embedder: None) -> QuestionKind:
        self.classified.append(text)
        return self.kind

    def __call__(self, question: str, given: QuestionKind) -> AnswerState:
        """Return the state of the answer; its text is the mode of the reply, empty for none."""
        self.kind = given
        state = AnswerState("a", "c", question)
        made = self.replies(state)
        state.text = made.mode if made else ""
        return state


@pytest.fixture
def ask(tmp_path: Path, checker: Checker, monkeypatch: pytest.MonkeyPatch) -> Asked:
    store = Store(f"sqlite:///{tmp_path / 'tenkyo.db'}")
    put = putter(store)
    put_papers(put)
    put(
        "c0ffee", "A sourdough starter needs flour and water. It is fed each day.",
        title="Review: The Loaf at Home", url="file:///home/me/sourdough_notes.md",
        published="2021-05-06", authors=("Ann Baker",),
    )  # fmt: skip
    return Asked(store, checker, monkeypatch)


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
    assert ask(message, kind("greeting")).text == "guide"
    assert ask(message, FACT).text == ("guide" if message != "hi" else "")


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
    state = ask(message, kind("authors", "catalogue"))
    assert state.text == "metadata" and "Shunyu Yao" in said(state)[0]


def test_question_behind_a_greeting_is_what_is_classified(ask: Asked) -> None:
    state = ask("Hello, what does ALCE measure?", FACT)
    assert state.text == "" and ask.classified == ["what does ALCE measure?"]
    ask("Hello world programs: who wrote the first?", FACT)
    assert ask.classified[-1] == "Hello world programs: who wrote the first?"


@pytest.mark.parametrize(
    ("question", "says"),
    [
        ("Who wrote ReAct?", "Shunyu Yao"),  # looks like a question about a person
        ("when was the sourdough post written", "6 May 2021"),
        ("how long is the react paper", "2 pages"),
    ],
)
def test_question_for_nothing_but_a_field_needs_no_other_sign(
    ask: Asked, question: str, says: str
) -> None:
    state = ask(question, kind("person", "fact"))
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
    state = ask(question, kind("person", "fact"))
    assert state.text == "" and not state.claims and state.overview is None


def test_field_without_its_usual_words_is_known_by_the_kind(ask: Asked) -> None:
    state = ask("what day is the ReAct paper from?", kind("date", "catalogue"))
    assert said(state) == ["ReAct is dated 27 November 2022."]


@pytest.mark.parametrize(
    ("question", "given"),
    [
        ("list everything you have", kind("documents", "catalogue")),
        ("what have you got there", QuestionKind("list", "fact", 0.3, {"documents": 0.6})),
        ("何がありますか？", QuestionKind("list", "fact", 0.3, {"documents": 0.6})),
    ],
)
def test_documents_are_listed_whatever_the_words(
    ask: Asked, question: str, given: QuestionKind
) -> None:
    assert len(said(ask(question, given))) == 6


@pytest.mark.parametrize(
    ("question", "title"),
    [
        ("anything about citations?", "Text with Citations"),
        ("anything on citations in this library", "Text with Citations"),
        ("what do you have by tianyu gao?", "Text with Citations"),
        ("show me the citations stuff", "Text with Citations"),
        ("do you have anything by Tianyu Gao?", "Text with Citations"),
        ("Which papers did Howard Yen write?", "Text with Citations"),
    ],
)
def test_documents_are_listed_by_topic_and_author(ask: Asked, question: str, title: str) -> None:
    (text,) = said(ask(question, kind("documents", "catalogue")))
    assert title in text


def test_documents_on_a_named_work_are_listed(ask: Asked) -> None:
    state = ask("What do you have on ReAct?", kind("documents", "catalogue"))
    assert state.text == "metadata" and "ReAct" in said(state)[0]


@pytest.mark.parametrize(
    ("question", "left"),
    [
        ("Who wrote ReAct and which datasets does it use?", "Which datasets does ReAct use?"),
        ("Who wrote ReAct and when was it published?", ""),
    ],
)
def test_part_that_is_not_for_the_catalogue_is_named(ask: Asked, question: str, left: str) -> None:
    state = ask(question, kind("authors", "fact"))
    assert state.text == "metadata" and "Shunyu Yao" in said(state)[0]
    assert (f"ask “{left}” by itself" in (state.reason or "")) is bool(left)


def test_question_that_may_ask_for_documents_and_says_more_is_no_list(ask: Asked) -> None:
    unsure = QuestionKind("list", "fact", 0.3, {"list": 0.3, "documents": 0.6})
    assert ask("what have bakers got there", unsure).text == ""
    assert ask("What do you have by Tianyu Gao?", unsure).text == "metadata"


@pytest.mark.parametrize(
    ("question", "works"),
    [
        ("sum up ReAct", {"react"}),
        ("the sourdough notes in brief", {"c0ffee"}),
        ("Compare ALCE and ReAct", {"alce", "react"}),
        ("Compare ALCE and GPT-5", set()),
        ("Summarise the BERT paper", set()),
        ("What is ReAct?", set()),
    ],
)
def test_overview_of_named_works(ask: Asked, question: str, works: set[str]) -> None:
    state = ask(question, FACT)
    shown = state.overview.evidence if state.overview else ()
    assert {each.source.id for each in shown} == works and not state.claims


def test_help_is_known_by_a_question_without_content(ask: Asked) -> None:
    unsure = QuestionKind("definition", "fact", 0.1, {"help": 0.7, "definition": 0.3})
    assert ask("what can you do", unsure).text == "guide"
    assert ask("what can you bake", unsure).text == ""


def test_what_only_a_work_itself_can_say_is_unknown_rather_than_read(ask: Asked) -> None:
    state = ask("When was the TraceMonkey paper published?", kind("date", "catalogue"))
    assert state.text == "abstained" and state.abstention == "not_enough_evidence"
    assert state.reason and "no date" in state.reason
    # "Type" is a word of its title, and "compiler" is not.
    assert ask("When was TraceMonkey type published?", kind("date", "catalogue")).text
    state = ask("When was the compiler of TraceMonkey published?", kind("date", "catalogue"))
    assert not state.text and state.unknown


@pytest.mark.parametrize(
    ("question", "given", "mode"),
    [
        ("Who wrote the paper on drawings that people ask for?", kind("authors", "catalogue"),
         "metadata"),
        ("Who wrote the memo on drawings?", FACT, "metadata"),
        ("Who wrote the carols?", FACT, ""),
        ("How much flour does the starter of the memo need?", FACT, ""),
    ],
)  # fmt: skip
def test_work_is_described_only_where_something_is_asked_of_works(
    ask: Asked, monkeypatch: pytest.MonkeyPatch, question: str, given: QuestionKind, mode: str
) -> None:
    digest = ask.replies._library.store.source("digest")
    monkeypatch.setattr(direct_replies, "described_source", lambda *_: digest)
    state = ask(question, given)
    assert state.text == mode
    assert not mode or "Shion Honda" in state.claims[0].text


def test_described_work_is_summed_up(ask: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    digest = ask.replies._library.store.source("digest")
    monkeypatch.setattr(direct_replies, "described_source", lambda *_: digest)
    state = ask("Sum up the one on pictures that people want", kind("summary"))
    assert state.overview and "diffusion models" in state.overview.drafts[0].text


@pytest.fixture
def notes(tmp_path: Path, checker: Checker, monkeypatch: pytest.MonkeyPatch) -> Asked:
    store = Store(f"sqlite:///{tmp_path / 'tenkyo.db'}")
    put = putter(store)
    for year in (2021, 2022):
        put(f"en{year}", "The plums were late.", title="Garden notes", published=f"{year}-11-01")
        put(f"ja{year}", "梅を漬けた。", title=f"梅酒の覚え書き {year}", published=f"{year}-12-01")
    put("other", "It rained.", title="Weather", published="2021-01-01")
    return Asked(store, checker, monkeypatch)


@pytest.mark.parametrize(
    ("question", "within"),
    [
        ("plums in the garden notes: 2021 against 2022", [("en2021",), ("en2022",)]),
        ("梅酒、2022年と2021年で漬ける時間はどう違う？", [("ja2022",), ("ja2021",)]),
    ],
)
def test_sides_of_a_comparison_are_the_works_of_two_years(notes, question, within) -> None:
    state = notes(question, FACT)
    assert [side.within for side in state.sides] == within
    assert state.compared == tuple(side.name for side in state.sides)


def test_two_works_are_compared_in_some_respect_or_shown_side_by_side(ask) -> None:
    state = ask("Compare the datasets of ALCE and ReAct", kind("comparison"))
    assert [side.within for side in state.sides] == [("alce",), ("react",)]
    assert not ask("Compare ALCE and ReAct", kind("comparison")).sides


def test_question_of_which_one_part_compares_is_left_to_its_parts(notes) -> None:
    compared = "Is the plum cheaper than the pear?"
    assert len(notes(compared, FACT).sides) == 2
    assert not notes(f"{compared[:-1]}, and when does the shop open?", FACT).sides
    question = "How many maps has the Kanda room, and how many has the Sawa room?"
    assert len(notes(question, FACT).sides) == 2  # one in each part


def test_years_of_no_work_are_not_compared_as_works(notes) -> None:
    for question in (
        "Was there more snow in 2021 or in 2022?",
        "How late were the plums, 2019 against 2022?",
    ):
        sides = notes(question, FACT).sides
        assert len(sides) == 2 and [side.within for side in sides] == [None, None]
