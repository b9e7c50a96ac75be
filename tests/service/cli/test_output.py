"""What the command line prints of an answer."""

from __future__ import annotations

import pytest

from corpus.types import Passage, Source
from service.cli.output import print_answer
from service.types import Answer, Citation, Claim, Evidence, Verdict


def test_metadata_is_marked_as_from_the_catalogue(capsys: pytest.CaptureFixture[str]) -> None:
    shown = Evidence(1, Passage("p", "s", 0, 4, "Text"), Source("s", "https://a.example"), 0.0)
    quote = Citation(1, "s", "p", "Text", 0, 4, shown.source.url)
    field = Citation(1, "s", "p", "2022", 0, 0, shown.source.url, metadata="published")
    verdict = Verdict("supported", 1.0, "metadata")
    claim = Claim("It is of 2022.", 0, 14, (quote, field), verdict)
    print_answer(Answer("id", "talk", "When?", "", "quoted", "", (claim,), (shown,)))
    printed = capsys.readouterr().out
    assert "“2022” (from the catalogue)\n" in printed and "“Text”\n" in printed
