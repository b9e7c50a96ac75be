"""What the command line prints of an answer."""

from __future__ import annotations

from typing import Any

import pytest

from corpus.types import Passage, Source
from service.cli.output import print_answer
from service.types import Answer, Citation, Claim, Decision, Evidence, Verdict

TEXT = "It is in Kanda."
SOURCE = Source("s", "https://example.org/a", "A title")
SHOWN = Evidence(1, Passage("p", "s", 0, len(TEXT), TEXT), SOURCE, 1.0)
CONTEXT = "    context: its source supports it, but it does not answer the question"


def answer(*answers: Decision | None, **more: Any) -> Answer:
    """Make an answer with a supported claim for each of the decisions."""
    quote = Citation(1, "s", "p", TEXT, 0, len(TEXT), SOURCE.url)
    verdict = Verdict("supported", 0.9, "rules")
    claims = (Claim(f"No. {n}.", 0, 0, (quote,), verdict, answers=d) for n, d in enumerate(answers))
    given = {"mode": "quoted", "evidence": (SHOWN,)} | more
    return Answer("a", "c", "?", "", model="", claims=tuple(claims), **given)


def test_context_is_marked(capsys: pytest.CaptureFixture[str]) -> None:
    print_answer(answer(Decision(True, 0.9, "r"), Decision(False, 0.1, "r"), None))
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if "No." in line or "context" in line] == [
        "No. 0. [1]",
        "No. 1. [1]",
        CONTEXT,
        "No. 2. [1]",
    ]


def test_catalogue_and_guide(capsys: pytest.CaptureFixture[str]) -> None:
    print_answer(answer(Decision(True, 1.0, "r"), mode="metadata"))
    assert capsys.readouterr().out.startswith("(from the catalogue: ")
    print_answer(answer(mode="guide", evidence=(), reason="Ask about the sources."))
    assert capsys.readouterr().out == "Ask about the sources.\n"


def test_metadata_is_marked_as_from_the_catalogue(capsys: pytest.CaptureFixture[str]) -> None:
    shown = Evidence(1, Passage("p", "s", 0, 4, "Text"), Source("s", "https://a.example"), 0.0)
    quote = Citation(1, "s", "p", "Text", 0, 4, shown.source.url)
    field = Citation(1, "s", "p", "2022", 0, 0, shown.source.url, metadata="published")
    verdict = Verdict("supported", 1.0, "metadata")
    claim = Claim("It is of 2022.", 0, 14, (quote, field), verdict)
    print_answer(Answer("id", "talk", "When?", "", "quoted", "", (claim,), (shown,)))
    printed = capsys.readouterr().out
    assert "“2022” (from the catalogue)\n" in printed and "“Text”\n" in printed
