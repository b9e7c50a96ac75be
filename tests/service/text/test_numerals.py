"""Numbers and units in English and Japanese text, compared by value."""

import pytest

from service.text.number_spelling import in_one_spelling
from service.text.numerals import (
    in_figures,
    is_year,
    mentioned,
    periods,
    spelled,
    stated,
)
from service.text.units import amounts, units


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
        ("twenty-one layers and two hundred and five users", {21, 205}),
        ("half a million, or a dozen", {500000, 12}),
        ("二十万冊と三千人", {200000, 3000}),
        ("二〇二二年、令和4年", {2022}),
        ("数十万人、千葉県、十分な性能", set()),
        ("1e9, 10^6 or 10³ steps", {1e9, 1e6, 1e3}),
        ("2½ km in 2012,2013", {2.5, 2012, 2013}),
        ("9割、3割5分", {90, 35}),
        ("8割る2", {8, 2}),
        ("World War II, Louis XIV and Part I", {2, 14, 1}),
        ("what I said of John X. Smith", set()),
        ("1942年と43年", {1942, 1943}),
        ("1990–95, but 2001-05", {1990, 1995, 2001, 5}),
        ("the twenty-first and the fortieth", {21, 40}),
        ("百人と五百万人", {100, 5000000}),
    ],
)
def test_stated_returns_values_in_digits(text, values):
    assert stated(text) == {float(v) for v in values} or stated(text) >= {float(v) for v in values}
    assert len(stated(text)) == len(values)


def test_long_runs_of_digits_are_fast():
    for text in (
        "1." * 10_000,
        "1" * 20_000,
        "1," * 10_000,
        "1,111" + ",111" * 5000,
        "十" * 20_000,
    ):
        assert len(mentioned(text)) < 10
        units(text), in_figures(text)
    assert not is_year(float("inf"))


def test_one_value_has_three_spellings():
    assert stated("680,000") == stated("68万") == stated("680k")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("four drivers", 4),
        ("四人", 4),
        ("in February", 2),
        ("1.5B", 1.5),
        ("1.5–2 million", 1.5),
        ("5m users", 5e6),
        ("5m tall", 5),
        ("令和4年", 4),
        ("both", 2),
        ("the 1980s", 80),
        ("1980年代", 80),
        ("a decade", 10),
        ("it doubled", 2),
        ("3 p.m.", 15),
        ("午後3時", 15),
        ("15:00", 3),
        ("半減した", 50),
    ],
)
def test_mentioned_includes_values_a_reader_would_accept(text, value):
    assert float(value) in mentioned(text)


@pytest.mark.parametrize("text", ["約68万時間", "about 68 thousand hours", "68 million"])
def test_magnitude_in_words_belongs_to_the_number(text):
    assert 68.0 not in mentioned(text)


def test_month_needs_a_capital_letter():
    assert 5.0 in mentioned("in May") and 5.0 not in mentioned("it may rain")


def test_money_is_read_with_currency_and_magnitude():
    assert units("$3.5M") == units("3.5 million dollars") == {(3.5e6, "dollars")}
    assert units("€5") == {(5.0, "euros")}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("in 1568", [(1568, 1568, 1568)]),
        ("the 1560s", [(1560, 1560, 1569)]),
        ("1560年代", [(1560, 1560, 1569)]),
        ("the 1500s", [(1500, 1500, 1599)]),
        ("the 16th century", [(16, 1500, 1599)]),
        ("the sixteenth century", [(16, 1500, 1599)]),
        ("16世紀", [(16, 1500, 1599)]),
    ],
)
def test_periods_return_first_and_last_year(text, expected):
    assert periods(text) == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("5 kg", "5,000 g"),
        ("2 km", "2000メートル"),
        ("3時間", "180 minutes"),
        ("1.5 GHz", "1,500 MHz"),
        ("2 years", "24か月"),
        ("5年かかった", "60 months"),
    ],
)
def test_equal_amounts_in_two_units_are_equal(one, other):
    assert amounts(units(one)).keys() == amounts(units(other)).keys() != set()


def test_calendar_year_is_not_a_duration():
    assert units("5年に") == units("3日に") == units("3分の1") == frozenset()
    assert units("5年後") == units("5 years") == {(5.0, "years")}
    assert units("5 sq mi") == frozenset() and units("5 square miles") == units("5平方マイル")


def test_numbers_are_rewritten_in_digits():
    assert in_one_spelling("the twenty-first, 令和元年") == "the 21st, 2019年"


def test_spelled_returns_number_words_from_two_on():
    assert spelled("one of four games") == {4.0}
