"""Questions that sentences answer: in their own words, and none where it would be hollow."""

from __future__ import annotations

import pytest

from service.answering.sentence_questions import in_other_language, sentence_question


@pytest.mark.parametrize(
    ("sentence", "question"),
    [
        (
            "The Kanda map room holds 40,000 old maps of the city, the oldest of them from 1657.",
            "How many old maps of the city does the Kanda map room hold?",
        ),
        (
            "GPT-3 was trained on about 300 billion tokens of text.",
            "How many tokens of text was GPT-3 trained on?",
        ),
        ("The tower of Inubosaki is 31 metres high.", "How high is the tower of Inubosaki?"),
        (
            "The tower of Inubosaki was first lit in 1874.",
            "When was the tower of Inubosaki first lit?",
        ),
        ("The harbour of Otaru opened in 1899.", "When did the harbour of Otaru open?"),
        ("The Tokyo Tower was drawn by Tachu Naito.", "Who drew the Tokyo Tower?"),
        (
            "The opening hours of the Kanda map room are from nine to five.",
            "What are the opening hours of the Kanda map room?",
        ),
        ("BLEU is a measure of translations.", "What is BLEU?"),
        # What leans on other sentences, names nothing or says nothing gives none.
        ("It holds 40,000 maps of the city.", ""),
        ("The paper holds 12 tables of results.", ""),
        ("The tower was built in 1890.", ""),
        ("This model uses 12 layers.", ""),
        ("Robustness is a crucial aspect.", ""),
        ("The idea of ReAct is simple.", ""),
        ("The details of the RL training are described below.", ""),
        ("In 1890 the harbour was built.", ""),
        ("What is BLEU?", ""),
        ("Maps.", ""),
        ("BLEU is a measure " + "of many things " * 30 + ".", ""),
    ],
)
def test_english(sentence: str, question: str) -> None:
    assert sentence_question(sentence, "en") == question


def test_capital_within_sentences_makes_a_name() -> None:
    sentence = "Whisper was opened in 2022."
    assert sentence_question(sentence, "en") == ""
    text = f"{sentence} Many people use Whisper."
    assert sentence_question(sentence, "en", text) == "When was Whisper opened?"


@pytest.mark.parametrize(
    ("sentence", "question"),
    [
        ("神田閲覧室は約4万点の古地図を所蔵している。", "神田閲覧室は何点の古地図を所蔵していますか？"),
        ("犬吠埼灯台の高さは31メートルである。", "犬吠埼灯台の高さは何メートルですか？"),
        ("犬吠埼灯台は1874年に建てられた。", "犬吠埼灯台はいつ建てられましたか？"),
        ("破壊的イノベーションとは、新しい価値基準をもたらす製品のことです。", "破壊的イノベーションとは何ですか？"),
        ("蓄音機は録音を再生する装置の一種である。", "蓄音機とは何ですか？"),
        ("これは1874年に建てられた。", ""),
        ("原著は1947年に出版された。", ""),
        ("本研究は4万点の資料を使用した。", ""),
        ("皿洗いの手間がなくなったとはいえ、手放しでは喜べない。", ""),
        ("簡単に示せることは、これも同じである。", ""),
        ("神田閲覧室は日曜日に休館する。", ""),
    ],
)  # fmt: skip
def test_japanese(sentence: str, question: str) -> None:
    assert sentence_question(sentence, "ja") == question


@pytest.mark.parametrize(
    ("question", "other"),
    [
        ("What is Whisper?", "Whisperとは何ですか？"),
        ("What is Stable Diffusion 2?", "Stable Diffusion 2とは何ですか？"),
        ("Whisperとは何ですか？", "What is Whisper?"),
        # What is no name would have to be translated.
        ("What is the text encoder of Whisper?", ""),
        ("How many hours was Whisper trained on?", ""),
        ("蓄音機とは何ですか？", ""),
        ("Whisperの手法とは何ですか？", ""),
        ("", ""),
    ],
)
def test_only_what_a_name_is_can_be_asked_in_the_other_language(question, other) -> None:
    assert in_other_language(question) == other
