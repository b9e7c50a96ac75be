"""Titles of conversations: the subject of the first question."""

from __future__ import annotations

from typing import Any

import pytest

from service.conversations.titles import subject_title, title_of


def answered(title: str = "A long title of a work that names nothing in short") -> dict[str, Any]:
    return {
        "evidence": [{"source": {"id": "s", "title": title}}],
        "claims": [{"citations": [{"source_id": "s"}]}],
    }


@pytest.mark.parametrize(
    ("question", "title"),
    [
        ("How many hours of audio was Whisper trained on?", "Whisper: hours of audio"),
        ("Can you tell me which languages Whisper supports?", None),
        ("Which languages does Whisper support?", "Whisper: languages"),
        ("What is the word error rate of Whisper?", "Word error rate of Whisper"),
        ("Please tell me about Block-NeRF.", "Block-NeRF"),
        ("What does Whisper say about timestamps?", "Whisper: timestamps"),
        ("What is BLEU?", "BLEU"),
        ("Who is Ada Lovelace?", "Ada Lovelace"),
        ("How much memory does GPT-3 need?", "GPT-3: memory"),
        ("Hi, could you please explain the attention mechanism?", "Attention mechanism"),
        ("Well, summarise the findings of Whisper", "Findings of Whisper"),
        ("Show me the licence of BLEU", "Licence of BLEU"),
        ("Let me know what BLEU is", "Let me know what BLEU is"),
        ("Which tasks might Whisper solve?", "Whisper: tasks"),
        ("Which languages doesn't Whisper support?", "Whisper: languages"),
        ("Tell me about it.", "Tell me about it."),
        ("State of the art in translation", "State of the art in translation"),
        # Of other forms, and those that point at something, the question is the title.
        ("What is it?", "What is it?"),
        ("What is this about?", "What is this about?"),
        ("Why do models hallucinate?", "Why do models hallucinate?"),
        ("How many hours of audio were used?", "How many hours of audio were used?"),
        ("Whisper license", "Whisper license"),
        ("?!", "?!"),
        ("Whisperとは何ですか？", "Whisper"),
        ("Whisperの学習時間は何時間ですか？", "Whisperの学習時間"),
        ("神田の地図について教えてください。", "神田の地図"),
        ("注意機構とは？", "注意機構"),
        (
            "Retrieval-Augmented Generation (RAG) とは何ですか？",
            "Retrieval-Augmented Generation (RAG)",
        ),
        ("閲覧室の休館日はいつですか", "閲覧室の休館日"),
        ("閲覧室の職員は何人いますか？", "閲覧室の職員"),
        ("閲覧室には何人いますか？", "閲覧室には何人いますか？"),
        ("閲覧室はいつ休みですか？", "閲覧室はいつ休みですか？"),
        ("なぜモデルは嘘をつくのですか？", "なぜモデルは嘘をつくのですか？"),
        ("何ですか？", "何ですか？"),
    ],
)
def test_title_is_the_subject_of_the_question(question: str, title: str | None) -> None:
    expected = title or "Can you tell me which languages Whisper supports?"
    assert subject_title(question, answered()) == expected
    assert subject_title(question, {}) == expected  # an answer without sources


def test_cited_source_names_what_a_question_only_points_at() -> None:
    question = "How many hours of audio was it trained on?"
    assert subject_title(question, answered("Whisper: robust speech")) == "Whisper: hours of audio"
    assert subject_title(question, answered()) == question  # its title is no name
    asked = "What does the paper say about timestamps?"
    assert subject_title(asked, answered("Whisper – an overview")) == "Whisper: timestamps"
    assert subject_title(asked, answered()) == "Timestamps"


@pytest.mark.parametrize(
    ("question", "title"),
    [
        ("Whisper license", "Whisper license"),
        ("x" * 60, "x" * 60),
        ("x" * 61, "x" * 59 + "…"),
        (
            "Is the Evolved Transformer better than the vanilla Transformer, and does it last?",
            "Is the Evolved Transformer better than the vanilla…",
        ),
        (
            "Which gets the better score on what we don't know so well, isn't it?",
            "Which gets the better score on what we don't know so well…",
        ),
        ("二〇二二年の論文は何ですか？", "二〇二二年の論文は何ですか？"),
        (
            "スケーリング則とモデル構造の論文で、事前学習に使われたコーパスは何でしょうか？",
            "スケーリング則とモデル構造の論文で、事前学習に使われた…",
        ),
        ("漢" * 31, "漢" * 29 + "…"),
        ("a\n\n b", "a b"),
    ],
)
def test_question_is_shortened_to_title(question: str, title: str) -> None:
    assert title_of(question) == title
    assert len(title_of(question * 50)) <= 60
