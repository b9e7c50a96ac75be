"""The questions in a question."""

import json
import re

import pytest

from service.questions.parts import question_parts
from service.text.alignment import content_words
from tests.support.paths import ROOT

DEVELOPMENT = ROOT / "training/data/question_parts.jsonl"
HELD_OUT = ROOT / "tests/data/question_parts.jsonl"
ASKED = re.compile(
    r"\b(?:who|whom|whose|what|when|where|why|how|which)\b"
    r"|いつ|どこ|どう|どの|どれ|どちら|どんな|誰|何|なぜ|いくら|いくつ",
    re.IGNORECASE,
)


@pytest.mark.parametrize(
    ("question", "parts"),
    [
        (
            "When was the museum opened and how much is a ticket?",
            ["When was the museum opened?", "How much is a ticket?"],
        ),
        (
            "Who built the mill and why did it close?",
            ["Who built the mill?", "Why did the mill close?"],
        ),
        (
            "How did the captain die and where is he buried?",
            ["How did the captain die?", "Where is the captain buried?"],
        ),
        ("What is Block-NeRF? And who wrote it?", ["What is Block-NeRF?", "Who wrote Block-NeRF?"]),
        ("When was it built, and by whom?", ["When was it built?", "By whom was it built?"]),
        (
            "When and where was the treaty signed?",
            ["When was the treaty signed?", "Where was the treaty signed?"],
        ),
        ("Tell me who won and when it ended.", ["Tell me who won.", "Tell me when it ended."]),
        (
            "What does ALCE measure, and what is its largest dataset?",
            ["What does ALCE measure?", "What is ALCE's largest dataset?"],
        ),
        ("いつ開館し、入場料はいくらですか", ["いつ開館しましたか", "入場料はいくらですか"]),
        (
            "美術館はいつ開館し、入場料はいくらでしたか？",
            ["美術館はいつ開館しましたか？", "美術館の入場料はいくらでしたか？"],
        ),
        ("誰が作り、いつ公開されましたか", ["誰が作りましたか", "いつ公開されましたか"]),
        (
            "ReActはどこで発表され、誰が書きましたか。",
            ["ReActはどこで発表されましたか。", "ReActは誰が書きましたか。"],
        ),
        (
            "浸透圧とは何ですか。それを誰が測りましたか。",
            ["浸透圧とは何ですか。", "浸透圧を誰が測りましたか。"],
        ),
        (
            "沈没船を見つけたのは誰で、いつですか？",
            ["沈没船を見つけたのは誰ですか？", "沈没船を見つけたのはいつですか？"],
        ),
        (
            "空はなぜ青く、夕焼けはなぜ赤いのですか。",
            ["空はなぜ青いですか。", "夕焼けはなぜ赤いのですか。"],
        ),
    ],
)
def test_question_with_several_is_divided(question, parts):
    assert list(question_parts(question)) == parts


@pytest.mark.parametrize(
    "question",
    [
        "What is the difference between a will and a trust?",
        "Why do people who live alone and who work at night sleep badly?",
        "How long did the siege, which began in May and which ended in rain, last?",
        "Is it clear who won and what was lost?",
        "Which city hosted the games in 1964 and which in 1968?",
        "Which model performed best, and by how much?",
        "When it rains, how does the pump start?",
        "When the engine is cold, what does the pump do?",
        "Tell me, what is ReAct?",
        "What happens in winter and when the engine is cold?",
        "Did he explain how and why?",
        "Is it new? Or is it old?",
        "List and describe three reasons why revolutions broke out.",
        "What happens when the fuse blows and when the power returns?",
        "Who wrote “What is it and why is it here”?",
        "The paper has two authors. Who are they?",
        "ReAct",
        "",
        "When was it built? " * 5,
        "Why was it built? And when? " + "It is a long story. " * 40 + "And when?",
        "XとYは何ですか",
        "塩と胡椒はどう違いますか？",
        "夏は長い？短い？",
        "脂肪酸に比べて、どのような理由で反応が見られますか？",
        "どの工程で、何を、どのように確認しますか？",
        "昼は働き夜は学校に通った作家は誰ですか。",
        "それは新しいですか、それとも何年も前のものですか。",
    ],
)
def test_one_question_gives_itself(question):
    assert question_parts(question) == (question,)


def test_pronoun_is_left_where_its_subject_is_unsure():
    first, second = question_parts("Who invented the loom, and did he ever sell it?")
    assert (first, second) == ("Who invented the loom?", "Did he ever sell it?")
    assert (
        question_parts("What does the tall king of the hill eat, and why is it so?")[1]
        == "Why is it so?"
    )


def right(part, gold):
    """Whether both ask by the same word, and at least three quarters of the words are there."""
    ours, theirs = ({w.text.lower() for w in content_words(text)} for text in (part, gold))
    asked = [[word.lower() for word in ASKED.findall(text)][:1] for text in (part, gold)]
    return asked[0] == asked[1] and len(ours & theirs) >= 0.75 * len(theirs)


def figures(path):
    """The shares of: single questions left whole, double ones divided, and their parts right."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    single = [row for row in rows if len(row["parts"]) == 1]
    double = [row for row in rows if len(row["parts"]) > 1]
    whole = sum(len(question_parts(row["question"])) == 1 for row in single)
    found = [(question_parts(row["question"]), row["parts"]) for row in double]
    divided = [(ours, gold) for ours, gold in found if len(ours) == len(gold)]
    good = sum(right(*pair) for ours, gold in divided for pair in zip(ours, gold, strict=True))
    return whole / len(single), len(divided) / len(double), good / sum(len(g) for _, g in found)


@pytest.mark.skipif(not DEVELOPMENT.exists(), reason="there are no questions to develop on")
def test_questions_are_divided_as_well_as_when_the_rules_were_written():
    whole, divided, good = figures(DEVELOPMENT)
    assert whole >= 0.97  # measured: 1.00
    assert divided >= 0.78  # measured: .87
    assert good >= 0.62  # measured: .71


def test_held_out_questions_are_divided():
    whole, divided, good = figures(HELD_OUT)
    print(f"left whole {whole:.2f}, divided {divided:.2f}, parts right {good:.2f}")
    assert whole >= 0.95  # measured: 1.00
    assert divided >= 0.65  # measured: .72
