"""index.tokens and index.lexical: BM25, against one written down from its formula."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.lexical import LexicalIndex
from index.tokens import is_japanese, tokens


def bm25(documents: Sequence[str], query: str) -> list[float]:
    """Okapi BM25 with Lucene's idf, k1 = 1.2, b = 0.75; slow and plain."""
    bags = [tokens(document) for document in documents]
    average = max(sum(map(len, bags)) / max(len(bags), 1), 1)
    scores = []
    for bag in bags:
        score = 0.0
        for term in tokens(query):
            containing = sum(term in other for other in bags)
            idf = math.log(1 + (len(bags) - containing + 0.5) / (containing + 0.5))
            count = bag.count(term)
            score += idf * count * 2.2 / (count + 1.2 * (0.25 + 0.75 * len(bag) / average))
        scores.append(score)
    return scores


def index(*batches: Sequence[str]) -> LexicalIndex:
    made = LexicalIndex()
    for batch in batches:
        made.add(batch)
    return made


def through_a_file(made: LexicalIndex) -> LexicalIndex:
    file = io.BytesIO()
    np.savez(file, **made.arrays())
    file.seek(0)
    return LexicalIndex.from_arrays(dict(np.load(file)))


words = st.sampled_from(
    ["whisper", "model", "models", "680,000", "音声認識", "認識", "の", "3.5", "!"]
)
text = st.lists(words, max_size=12).map(" ".join)
texts = st.lists(text, max_size=8)


@settings(max_examples=150, deadline=None)
@given(texts, texts, text)
def test_scores_are_bm25(first: list[str], second: list[str], query: str) -> None:
    made = index(first, second)
    assert len(made) == len(first + second)
    scores = made.scores(query)
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores, bm25(first + second, query), rtol=1e-5)


@settings(max_examples=100, deadline=None)
@given(texts, texts, text, st.randoms())
def test_what_is_kept_scores_as_if_alone(first, second, query, random) -> None:
    mask = np.array([random.random() < 0.5 for _ in first], bool)
    made = index(first)
    made.keep(mask)
    left = [text for text, kept in zip(first, mask, strict=True) if kept]
    np.testing.assert_allclose(made.scores(query), bm25(left, query), rtol=1e-5)
    made.add(second)
    np.testing.assert_allclose(made.scores(query), bm25(left + second, query), rtol=1e-5)


@settings(max_examples=60, deadline=None)
@given(texts, texts, text)
def test_a_saved_index_is_the_same_and_grows(first, second, query) -> None:
    made = index(first)
    again = through_a_file(made)
    np.testing.assert_array_equal(made.scores(query), again.scores(query))
    made.add(second)
    again.add(second)
    np.testing.assert_array_equal(made.scores(query), again.scores(query))


def test_a_rare_word_and_a_short_document_weigh_more() -> None:
    made = index(["the whisper", "the model", "the model is the larger one of the two models"])
    rare, common = made.scores("whisper"), made.scores("model")
    assert rare[0] > common[1] > common[2] > 0 and rare[1] == rare[2] == 0


@settings(max_examples=20, deadline=None)
@given(texts, text)
def test_the_ceiling_is_what_scores_approach(documents: list[str], query: str) -> None:
    made = index([*documents, query])
    assert (made.scores(query) <= made.ceiling(query) + 1e-4).all()
    repeated = index([*documents, *[f"{query} " * 200] * 3])
    if tokens(query):
        assert repeated.scores(query)[-1] == pytest.approx(repeated.ceiling(query), rel=0.03)


def test_an_index_of_nothing() -> None:
    for empty in (index(), index([]), index([""]), through_a_file(index())):
        assert not empty.scores("whisper").any()
    gone = index(["whisper"])
    gone.keep(np.array([False]))
    assert len(gone) == 0 and gone.scores("whisper").shape == (0,)


def test_japanese_is_found_by_each_part_of_a_compound() -> None:
    made = index(["音声認識モデル", "画像生成", "スケーリング則"])
    for query in ("音声", "認識", "モデル", "音声の認識"):
        assert made.scores(query).argmax() == 0 and made.scores(query)[0] > 0
    assert made.scores("画像")[0] == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Whisper was open-sourced", ["whisper", "was", "open", "sourced"]),
        ("models, parties, a bus, the glass", ["model", "party", "a", "bus", "the", "glass"]),
        ("Whisper's and Whisper’s model", ["whisper", "and", "whisper", "model"]),
        ("680,000 hours", ["680000", "hour"]),
        ("1,550,000.5 of 2,048", ["1550000.5", "of", "2048"]),
        ("sections 1,2 and 2022,2023", ["section", "1", "2", "and", "2022", "2023"]),
        ("12,3456", ["12", "3456"]),
        ("3.5 % of v2.0.1.", ["3.5", "of", "v", "2.0.1"]),
        ("６８０，０００時間", ["680000", "時間"]),
        ("音声認識", ["音声", "声認", "認識"]),
        ("は 々", ["は", "々"]),
        ("ｽｹｰﾘﾝｸﾞ則", ["スケ", "ケー", "ーリ", "リン", "ング", "グ則"]),
        ("GPT-3はOpenAIの", ["gpt", "3", "は", "openai", "の"]),
        ("Ångström naïve", ["ångström", "naïve"]),
        ("_ … !", []),
    ],
)
def test_tokens(text: str, expected: list[str]) -> None:
    assert tokens(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("これは文です", True),
        ("Whisperは音声認識モデルである", True),
        ("Whisper is a model, 音声 in Japanese, and it is open", False),
        ("Whisper", False),
        ("123", False),
        ("", False),
    ],
)
def test_is_japanese(text: str, expected: bool) -> None:
    assert is_japanese(text) is expected
