"""Numbers in both languages, by value."""

import pytest

from service.numbers import mentioned, spelled, stated


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("680,000 hours", {680000}),
        ("68万時間", {680000}),
        ("680k", {680000}),
        ("1億2,000万円", {120000000}),
        ("2.8 million images", {2800000}),
        ("280万枚", {2800000}),
        ("1.3B parameters", {1.3e9}),
        ("860M UNet", {860e6}),
        ("41億ステップ", {4.1e9}),
        ("126 %", {126}),
        ("５０％", {50}),
        ("10 Feb 2022", {10, 2022}),
        ("2022年2月10日", {2022, 2, 10}),
        ("GPT-3 and ViT-L/14", {3, 14}),
        ("wav2vec 2.0", {2}),
        ("no numbers", set()),
    ],
)
def test_values_stated(text, values):
    assert stated(text) == {float(v) for v in values} or stated(text) >= {float(v) for v in values}
    assert len(stated(text)) == len(values)


def test_one_value_in_three_spellings():
    assert stated("680,000") == stated("68万") == stated("680k")


@pytest.mark.parametrize(
    ("text", "value"),
    [("four drivers", 4), ("四人", 4), ("in February", 2), ("1.5B", 1.5), ("about 68万", 68)],
)
def test_values_that_a_reader_would_accept(text, value):
    assert float(value) in mentioned(text)


def test_words_count_as_stated_numbers_from_two_on():
    assert spelled("one of four games") == {4.0}
