"""Fact-checking of any text with the real library: which sentences are claims, and verdicts."""

import asyncio
import contextlib
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.errors import CorpusError, NotFound, TextRefused
from corpus.readers.sandbox import ReaderPool
from service.answering.factcheck import (
    MAX_SENTENCES,
    MAX_TEXT_CHARACTERS,
    FactChecker,
    check_text,
    document_text,
)
from service.answering.statements import MAX_SENTENCE_CHARACTERS, statements
from service.scope import EVERYWHERE, scope_of

ESSAY = """---
title: On Whisper
---

# Whisper, a summary

Whisper was trained on 680,000 hours of audio [1]. Whisper was trained on 90,000 hours of audio. [2]

- Whisper is sold in bottles of two litres.
-
- How was it trained?

Whisperは68万時間の音声で学習した。何時間ですか。
"""


def check(library, verifier, text, scope=EVERYWHERE):
    return asyncio.run(FactChecker(library, verifier).check_async(text, scope))


@pytest.fixture(scope="module")
def checked(library, verifier):
    return check(library, verifier, ESSAY)


def said(text):
    return [text[start:end] for start, end, _ in statements(text)]


def test_claim_offsets_match_the_text(checked):
    assert [c.text for c in checked.claims] == [
        "Whisper was trained on 680,000 hours of audio [1].",
        "Whisper was trained on 90,000 hours of audio.",
        "Whisper is sold in bottles of two litres.",
        "Whisperは68万時間の音声で学習した。",
    ]
    assert all(ESSAY[c.start : c.end] == c.text for c in checked.claims)


def test_verdicts_of_a_checked_text(checked):
    true, false, invented, japanese = checked.claims
    assert [c.verdict.label for c in (true, japanese)] == ["supported"] * 2
    assert true.citations and not true.reason
    assert false.verdict.label != "supported" and false.reason and false.citations
    assert invented.verdict.label in ("unsupported", "partial", "contradicted") and invented.reason


def test_passages_are_numbered_by_first_use_and_quotes_are_verbatim(library, checked):
    labels = {e.label: e.passage.id for e in checked.evidence}
    assert list(labels) == list(range(1, len(labels) + 1))
    used = []
    for claim in checked.claims:
        for citation in (*claim.citations, *claim.disputed_by):
            assert labels[citation.label] == citation.passage_id
            text = library.store.document(citation.source_id).text
            assert text[citation.start : citation.end] == citation.quote
            used.append(citation.label)
    assert list(dict.fromkeys(used)) == list(labels)
    assert len(set(labels.values())) == len(labels)


def test_only_requested_sources_are_searched(library, verifier):
    text = "Whisper was trained on 680,000 hours of audio."
    found = check(library, verifier, text, scope_of(["article-ja"]))
    assert {e.source.id for e in found.evidence} <= {"article-ja"}
    with pytest.raises(NotFound, match="tenkyo sources"):
        check(library, verifier, "Whisper.", scope_of(["nope"]))


@pytest.mark.parametrize(
    ("text", "claims"),
    [
        ("# One\n\nTwo is two.", ["Two is two."]),
        ("Title\n=====\nTwo is two.\nSub\n---\nThree is odd.", ["Two is two.", "Three is odd."]),
        ("**Results**\n\n**Two is two.**", ["**Two is two.**"]),
        ("Two is two.\n---\n- Three is odd\n---\nSub  \r\n---\n", ["Two is two.", "Three is odd"]),
        ("---\na: b\n---\nTwo is two.", ["Two is two."]),
        ("```py\nx = 1.\n```\nTwo is two.", ["Two is two."]),
        ("```\nnever closed. It goes on.", []),
        ("<!-- Not this. -->\nTwo is two.", ["Two is two."]),
        ("1. Two is two.\n2) Three is odd.\n> * Four is even.", ["Two is two.", "Three is odd.", "Four is even."]),
        ("Two is two. [1] Three is odd.【2】", ["Two is two.", "Three is odd."]),
        ("A is B.[^1]\n\n[^1]: A note about it.\n[x]: http://example.org/", ["A is B."]),
        ("Is two two? Two is two! “Is it?”", ["Two is two!"]),
        ("何枚ですか。四万枚です。静か。ありますか？", ["四万枚です。", "静か。"]),
        ("- \n*\n1.\n---\n…\n2022", []),
        ("He asked “why?” and left.", ["He asked “why?” and left."]),
        ("| a | b |\n|---|---|\n| Two | is two |", ["| a | b |", "| Two | is two |"]),
        ("😀 A is B.\n\n𠮷は漢字である。", ["😀 A is B.", "𠮷は漢字である。"]),
    ],
)  # fmt: skip
def test_which_sentences_are_claims(text, claims):
    assert said(text) == claims


def test_markup_and_markers_are_removed_from_claims():
    text = "The [Kanda room](http://example.org/) **holds** `40,000` maps [1, 2] in [three](x) rooms.[^a]"
    ((_, _, draft),) = statements(text)
    assert draft.text == "The Kanda room holds 40,000 maps in three rooms."
    assert draft.labels == ()


@pytest.mark.parametrize("text", ["", " \n\t", "\x00\x07", "…?!", "\ud800"])
def test_text_without_words_is_refused(text):
    with pytest.raises(TextRefused, match="empty: give"):
        check_text(text)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("x " * (MAX_TEXT_CHARACTERS // 2) + "x", "20,000"),
        ("Two is two. " * (MAX_SENTENCES + 1), "201 sentences"),
        ("two " * (MAX_SENTENCE_CHARACTERS // 4 + 1) + ".", "full stop"),
    ],
)
def test_too_long_text_is_refused_with_advice(text, says):
    with pytest.raises(TextRefused, match=says):
        check_text(text)


def test_longest_allowed_text_is_accepted():
    text = ("Two is two. " * MAX_SENTENCES).ljust(MAX_TEXT_CHARACTERS)
    assert check_text(text) == text


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            ["A is B", "何か", ". ", "。", "? ", "\n", "\n\n", "# ", "- ", "1. ", "[1]", "【2】", "**", "`", "```", "~~~",
             "<!--", "-->", "---", "===", "[x](y)", "(Mori, 2022)", "\ud800", "\x00", "\u2028", "😀", "「", "」", "| "]
        ),
        max_size=25,
    ).map("".join)
)  # fmt: skip
def test_statements_of_any_text_are_in_order(text):
    try:
        found = statements(text)
    except TextRefused:
        return
    at = 0
    for start, end, draft in found:
        assert at <= start < end <= len(text) and draft.text
        assert text[start:end] == text[start:end].strip()
        at = end


@pytest.mark.parametrize(
    "piece", ["[", "<!--", "```\n", "**", "「", "a.b", "[1]", "- ", "(", "|", "#\n", "---\n", "x\n", "[^", "`", " ", "x "]
)  # fmt: skip
def test_time_grows_linearly_with_the_text(piece):
    started = time.perf_counter()
    with contextlib.suppress(TextRefused):
        statements("A is B. " + piece * (100_000 // len(piece)))
    assert time.perf_counter() - started < 5


@pytest.mark.process
@pytest.mark.parametrize(
    ("name", "data", "holds"),
    [
        ("a.md", b"# Kanda\r\n\n**Two** is two.", "**Two**"),
        ("a.txt", "神田は東京にある。".encode("cp932"), "神田は"),
        ("a.html", b"<!doctype html><title>T</title><p>Two is <b>two</b>.</p>", "Two is two."),
    ],
)
def test_text_is_read_from_files(name, data, holds):
    with ReaderPool() as workers:
        assert holds in document_text(name, data, workers)


@pytest.mark.process
def test_documents_are_read_in_a_worker_and_texts_are_not():
    page = b"<!doctype html><title>T</title><p>Two is <b>two</b>.</p>"
    with (
        ReaderPool(seconds=0.01) as workers,
        pytest.raises(CorpusError, match=r"^a\.html takes more"),
    ):
        document_text("a.html", page, workers)
    assert (
        document_text("a.md", b"**Two** is two.", workers) == "**Two** is two."
    )  # they have ended
