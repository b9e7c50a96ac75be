"""The parser of a model's words: sentences, markers, and any way of cutting the stream."""

import time
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.citations import SentenceParser
from service.types import Draft


def parse(chunks):
    parser = SentenceParser()
    done = [draft for chunk in chunks for draft in parser.feed(chunk)]
    return done + parser.finish()


def pairs(text):
    return [(d.text, d.labels) for d in parse([text])]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "It holds maps [1]. They moved [2][3].",
            [("It holds maps.", (1,)), ("They moved.", (2, 3))],
        ),
        (
            "It holds maps.[1] They moved. [2, 3]",
            [("It holds maps.", (1,)), ("They moved.", (2, 3))],
        ),
        ("地図がある [1]。東館だ。【2】", [("地図がある。", (1,)), ("東館だ。", (2,))]),
        ("地図がある［1、3］。", [("地図がある。", (1, 3))]),
        ("「来た。見た。」と言った[1]。", [("「来た。見た。」と言った。", (1,))]),
        ("It is 3.5 M.[1] Next one.", [("It is 3.5 M.", (1,)), ("Next one.", ())]),
        (
            "See Dr. Smith et al. for e.g. this [1].",
            [("See Dr. Smith et al. for e.g. this.", (1,))],
        ),
        ("One [Source 3]. Two [sources 1 and 2].", [("One.", (3,)), ("Two.", (1, 2))]),
        ("- First [1]\n- Second [2]\n", [("First", (1,)), ("Second", (2,))]),
        ("1. First [1]\n2. Second [2]", [("First", (1,)), ("Second", (2,))]),
        ("First.\n[1]\nSecond.\n[2]", [("First.", (1,)), ("Second.", (2,))]),
        ("In [2022] and x[i] it was `a[1]`.", [("In [2022] and x[i] it was `a[1]`.", ())]),
        ("**Bold** claim [1].", [("Bold claim.", (1,))]),
        ("An open bracket [", [("An open bracket [", ())]),
        ("Twice [1][1].", [("Twice.", (1,))]),
        ("[1]", []),
        ("", []),
    ],
)
def test_sentences_and_markers(text, expected):
    assert pairs(text) == expected


PIECES = st.sampled_from(
    ["[", "]", "【", "】", "1", "23", ", ", "Source ", ". ", "。", "！", "\n", "```", "`", "A b", "語",
     "「", "」", "e.g. ", "Dr. ", "3.5", " ", "[1]", "[2, 3]", "?", '"', "*"]
)  # fmt: skip


@given(st.lists(PIECES, max_size=30).map("".join), st.data())
@example("It is so [1", None)
@example("A [1].\n\n[2] B", None)
def test_any_cutting_of_the_stream_parses_alike(text, data):
    whole = parse([text])
    assert parse(list(text)) == whole
    if data is not None:
        cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=5)))
        edges = [0, *cuts, len(text)]
        assert parse([text[a:b] for a, b in pairwise(edges)]) == whole


@given(st.lists(PIECES, max_size=30).map("".join))
def test_no_letter_is_lost_and_no_label_invented(text):
    drafts = parse([text])
    assert all(isinstance(d, Draft) and any(c.isalnum() for c in d.text) for d in drafts)
    assert all(str(label) in text for d in drafts for label in d.labels)
    assert "".join(text.split()).count("語") == sum(d.text.count("語") for d in drafts)


@pytest.mark.parametrize("unit", ["[", "[1", "a.", "「", "語。", "[1] ", "word ", "(.", "\n["])
def test_time_grows_in_step_with_the_input(unit):
    def seconds(n):
        text = unit * (n // len(unit))
        best = float("inf")
        for _ in range(3):
            start = time.perf_counter()
            parse([text])
            best = min(best, time.perf_counter() - start)
        return best

    assert seconds(80_000) < 12 * max(seconds(20_000), 0.002)
