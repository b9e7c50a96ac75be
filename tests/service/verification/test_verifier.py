"""The verifier: verdicts on sentences that evidence supports, and on others."""

import pytest

from corpus.types import Passage, Source
from service.types import Draft, Evidence
from service.verification.citation_selection import find_verbatim

SOURCES = {
    "room": (
        "The Kanda reading room opened in 1931 and holds 40,000 maps. Its founder was Aiko Mori."
        " It is closed on Mondays."
    ),
    "wing": "The map collection moved to the east wing in 2004. The east wing has three floors.",
    "ja": "神田閲覧室は1931年に開かれ、4万枚の地図を所蔵する。月曜日は休館である。",
}


def evidence(*names):
    found = []
    for label, name in enumerate(names, 1):
        text = SOURCES[name]
        source = Source(name, f"https://example.org/{name}", "Kanda", language="en")
        passage = Passage(f"{name:0>16}", name, 100, 100 + len(text), text)
        found.append(Evidence(label, passage, source, 1.0))
    return tuple(found)


def check(verifier, text, labels, *names):
    return verifier.check(Draft(text, labels), evidence(*names))


def quotes(result):
    return [(c.source_id, c.quote) for c in result.citations]


def test_verbatim_sentence_is_supported(verifier):
    text = "The map collection moved to the east wing in 2004."
    result = check(verifier, text, (2,), "room", "wing")
    assert quotes(result) == [("wing", text)] and result.verdict.method == "verbatim"


@pytest.mark.parametrize("part", ["the east wing", "The map", "floors."])
def test_part_of_a_sentence_is_not_a_verbatim_quote(part):
    assert find_verbatim(Draft(part, (1,)), evidence("wing")) == []


def test_sentence_is_found_after_a_longer_one_that_contains_it():
    text = "It is not so that maps moved. Then: maps moved."
    source = Source("s", "https://example.org/s")
    shown = Evidence(1, Passage("p" * 16, "s", 0, len(text) + 12, text + " maps moved."), source, 1)
    assert find_verbatim(Draft("maps moved.", (1,)), (shown,)) == []
    split = text + "\n\nmaps moved."
    shown = Evidence(1, Passage("p" * 16, "s", 0, len(split), split), source, 1)
    ((_, start, end),) = find_verbatim(Draft("maps moved.", (1,)), (shown,))
    assert split[start:end] == "maps moved." and start == len(text) + 2


def test_supported_claim_keeps_its_citation_with_exact_quote(verifier):
    result = check(verifier, "The Kanda reading room has 40,000 maps.", (1,), "room", "wing")
    assert result.verdict.label == "supported"
    citation = result.citations[0]
    assert citation.source_id == "room" and "40,000 maps" in citation.quote
    text = SOURCES["room"]
    assert text[citation.start - 100 : citation.end - 100] == citation.quote
    assert citation.before + citation.quote + citation.after == text


@pytest.mark.parametrize("labels", [(2,), (), (9,), (2, 9)])
def test_wrong_missing_or_invented_citation_is_replaced_by_supporting_one(verifier, labels):
    result = check(verifier, "The reading room opened in 1931.", labels, "room", "wing")
    assert [source for source, _ in quotes(result)] == ["room"]


@pytest.mark.parametrize(
    "text",
    [
        "The Kanda reading room holds 50,000 maps.",
        "The Kanda reading room opened in 1941.",
        "The reading room was founded by Kenji Sato.",
        "The reading room was designed by a pupil of Le Corbusier.",
        "Tickets to the reading room are sold out for months.",
        "神田閲覧室は5万枚の地図を所蔵している。",
    ],
)
def test_unsupported_sentence_is_withheld_with_a_reason(verifier, text):
    result = check(verifier, text, (1,), "room", "wing")
    assert result.reason and result.verdict.label in ("partial", "contradicted", "unsupported")


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("神田閲覧室は4万枚の地図を所蔵しています。", ("ja",)),
        ("The Kanda reading room holds 40,000 maps.", ("room", "ja")),
    ],
)
def test_numbers_are_compared_by_value(verifier, text, names):
    assert check(verifier, text, (1,), *names).verdict.label == "supported"


def test_reason_names_a_missing_number(verifier):
    result = check(verifier, "The map collection moved to the east wing in 2005.", (1,), "wing")
    assert result.verdict.label == "contradicted" and "2004" in result.reason


def test_claim_without_evidence_is_unsupported(verifier):
    result = check(verifier, "The room opened in 1931.", (1,))
    assert result.verdict.label == "unsupported" and result.reason and not result.citations
