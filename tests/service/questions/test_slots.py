"""Whether a text can fill the slot of a question, and how much of it is an echo."""

from __future__ import annotations

import pytest

from service.questions.slots import echoes, fills_slot

DATASETS = "How many datasets does ALCE consist of?"
PAGES = "修道士たちは何ページ書き写しましたか？"
BRIDGE = "When was the bridge built?"
JAPANESE_BRIDGE = "橋が完成したのはいつですか？"
HAMLET = "Who wrote Hamlet?"
KOJIKI = "古事記を編纂したのは誰ですか？"
BELL = "Where was the bell cast?"


@pytest.mark.parametrize(
    ("kind", "question", "text"),
    [
        ("number", DATASETS, "It has three datasets."),
        ("number", DATASETS, "ALCE has 3 of them."),
        ("number", DATASETS, "There are none."),
        ("number", "How many people live in Ghent?", "About 1,500 people live there."),
        ("number", "How many people live in Ghent?", "It had 1500 inhabitants."),
        ("number", PAGES, "写したのは三百ページである。"),
        ("number", PAGES, "It was 200 pages."),
        ("number", "参加者の割合は？", "およそ半数が参加した。"),
        ("time", BRIDGE, "It opened in 1932."),
        ("time", BRIDGE, "They finished it on 3 May."),
        ("time", BRIDGE, "Work on it took three years."),
        ("time", BRIDGE, "昭和七年のことである。"),
        ("time", JAPANESE_BRIDGE, "翌年に完成した。"),
        ("time", JAPANESE_BRIDGE, "It was completed in spring."),
        ("person", HAMLET, "Shakespeare wrote it."),
        ("person", HAMLET, "It was the work of a monk."),
        ("person", HAMLET, "シェイクスピアの作である。"),
        ("person", KOJIKI, "太安万侶が編纂した。"),
        ("person", KOJIKI, "編纂したのは鈴木さんだ。"),
        ("place", BELL, "The bell was cast in Ghent."),
        ("place", BELL, "鐘は大阪市で鋳造された。"),
        ("reason", "Why did the mill close?", "The mill closed."),
        ("choice", "Which gas is released?", "No figure, no name."),
    ],
)
def test_text_that_can_answer_fills_slot(kind: str, question: str, text: str) -> None:
    assert fills_slot(kind, question, text)


@pytest.mark.parametrize(
    ("kind", "question", "text"),
    [
        ("number", DATASETS, "ALCE has datasets, which Section 3 describes."),
        ("number", DATASETS, "It was released in 2023."),
        ("number", DATASETS, "It was released in May 2023."),
        ("number", DATASETS, "The datasets are used with GPT-3 [12]."),
        ("number", "How many of the 40 patients recovered?", "There were 40 patients."),
        ("number", PAGES, "修道士は一般にページを書き写した。"),
        ("number", PAGES, "2019年5月に第3章を写した。"),
        ("time", BRIDGE, "The bridge was built of steel."),
        ("time", BRIDGE, "They may have built it."),
        ("time", "What happened in 1932, and when?", "It happened in 1932."),
        ("time", JAPANESE_BRIDGE, "橋は鉄でできている。"),
        ("person", HAMLET, "However, Hamlet was written quickly."),
        ("person", "who wrote hamlet", "Hamlet is a play."),
        ("person", KOJIKI, "古事記はよく読まれている。"),
        ("place", BELL, "The bell was cast of bronze."),
    ],
)
def test_echo_or_number_of_something_else_does_not_fill_slot(
    kind: str, question: str, text: str
) -> None:
    assert not fills_slot(kind, question, text)


@pytest.mark.parametrize("kind", ["number", "time", "person", "place"])
@pytest.mark.parametrize("text", ["", "🦊", "。", "\n"])
def test_text_without_words_fills_no_slot(kind: str, text: str) -> None:
    assert not fills_slot(kind, "Who?", text)


@pytest.mark.parametrize("kind", ["number", "time", "person", "place"])
@pytest.mark.timeout(10)
def test_long_text_is_read_in_time(kind: str) -> None:
    for text in ("1," * 20_000, "漢" * 40_000, "A" * 40_000, "in " * 15_000, "第1" * 20_000):
        assert fills_slot(kind, "?", text) in (True, False)


@pytest.mark.parametrize(
    ("question", "text", "share"),
    [
        (HAMLET, "Hamlet was written.", 0.5),
        ("Which datasets does ALCE use?", "ALCE datasets", 1.0),
        (HAMLET, "Bees sleep.", 0.0),
        (HAMLET, "", 0.0),
        ("蜂は眠りますか？", "蜂", 1.0),
    ],
)
def test_share_of_text_that_question_has(question: str, text: str, share: float) -> None:
    assert echoes(question, text) == share
