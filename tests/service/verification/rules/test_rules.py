"""The rules: their examples, the exact conflict that decides alone, and what both rest on."""

import pytest

from service.text.alignment import content_words, coverage_share, order_share
from service.verification.rules.finding import Finding
from service.verification.rules.pair import Pair
from service.verification.rules.registry import RULES, exact_conflict, findings

EXAMPLES = [(rule.name, *example) for rule in RULES for example in rule.examples]


@pytest.mark.parametrize(("rule", "claim", "quote", "expected"), EXAMPLES)
def test_rule_finds_what_its_examples_say(rule, claim, quote, expected):
    found = findings(claim, quote)
    if expected is None:
        assert found == []
    else:
        here = [(f.kind, f.claimed, f.found, f.decides) for f in found if f.rule == rule]
        assert (expected.kind, expected.claimed, expected.found, expected.decides) in here


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_each_rule_has_examples_of_both_kinds_in_both_languages(rule):
    for differs in (True, False):
        claims = [claim for claim, _, found in rule.examples if bool(found) == differs]
        assert any(claim.isascii() for claim in claims) or rule.name == "subjects"
        assert any(not claim.isascii() for claim in claims)


def test_exact_conflict_is_the_finding_that_decides():
    for _, claim, quote, expected in EXAMPLES:
        found = exact_conflict(claim, quote)
        if expected is None or not expected.decides:
            assert found is None, (claim, found)
        else:
            assert found is not None and found.decides and found.contradicts


@pytest.mark.parametrize("text", ["", "。", "!", "は", "より", "than", "9" * 400, "Yes."])
def test_any_text_has_no_finding_against_itself(text):
    assert findings(text, text) == []


def test_name_in_context_is_accepted_unless_it_replaces_another():
    quote = "It was trained on 680,000 hours of audio."
    claim = "By 2022, Whisper was trained on 680,000 hours."
    assert findings(claim, quote, "Whisper", "2022") == []
    (found,) = findings(claim, quote, "", "2022")
    assert (found.kind, found.claimed, found.contradicts) == ("name", "Whisper", False)
    (found,) = findings("In 2022 Whisper was trained.", "In 2022 Parti was trained.", "Whisper")
    assert (found.claimed, found.found, found.contradicts) == ("Whisper", "Parti", True)


def test_about_allows_a_rounded_number():
    quote = "The library has 20,536 books."
    assert findings("The library has about 20,500 books.", quote) == []
    assert findings("The library has 20,500 books.", quote)


def test_year_is_printed_without_separators():
    quote = "The library on the hill opened in 1931."
    assert findings("The library on the hill opened in 2004.", quote)[0].claimed == "2004"


@pytest.mark.parametrize(
    ("claim", "quote"),
    [
        # a noun for a wider one
        ("二人の人が街路で歩き回っている。", "コートを着た男性が街路で歩き回っている。"),
        (
            "On their own word they were sent home by train.",
            "In the end we were sent home by train.",
        ),
        # a pronoun for whom the claim names
        ("Mia Berg ran the reading room of maps.", "She ran the reading room of maps."),
        # a longer form of the same name
        ("Tim was a keeper of old maps.", "Timothy Simon was a keeper of old maps."),
        # a genitive
        ("Berg was Chef de Mission of Team Norway.", "Berg was Team Norway's Chef de Mission."),
    ],
)
def test_similar_subjects_and_places_have_no_finding(claim, quote):
    assert not [f for f in findings(claim, quote) if f.kind in ("subject", "roles")]


def test_much_longer_quote_is_not_a_near_copy():
    claim = "Ada beat Ben in Oslo."
    assert [f.kind for f in findings(claim, "Ben beat Ada in Oslo.")] == ["roles"]
    around = "Before the thaw each hall had its own team, with its own coach and colours. " * 2
    assert findings(claim, f"{around}Ben met Ada in Oslo, and was beat in the end.") == []


def test_year_of_publication_may_be_stated():
    assert findings("In 2022 it was found that maps fade.", "Maps fade.", published="2022-12") == []


def test_coverage_and_order_shares():
    assert coverage_share("The maps moved", "Many maps have moved east") == 1.0
    assert order_share(content_words("moved maps"), content_words("maps moved")) == 0.5
    assert coverage_share("", "maps") == 0.0
    assert [w.text for w in content_words("It was not 1,000 km")] == ["¬", "1000", "km"]


VERBATIM = (
    "The standard is not ISO 9001, of which IATF 16949 is a part, but IATF 16949, which needs 9001"
)


@pytest.mark.parametrize(
    ("claim", "quote"),
    [
        (f"{VERBATIM}.", f"{VERBATIM}."),
        (f"{VERBATIM}.", f"{VERBATIM}, as the handbook says."),
        (f"{VERBATIM}.", f"{VERBATIM} (section 2)."),
        (f"{VERBATIM}.", f"It is known.  {VERBATIM}."),
        (
            "館は9001や16949ではなく16949と9001に従う。",
            "館は9001や16949ではなく16949と9001に従う(手引)。",
        ),
    ],
)
def test_verbatim_copy_without_its_end_has_no_finding(claim, quote):
    assert Pair(claim, quote).verbatim
    assert findings(claim, quote) == []


@pytest.mark.parametrize(
    ("claim", "quote"),
    [
        ("The hall opened in 1931.", "It is not so that the hall opened in 1931."),
        ("The hall holds 5 books.", "The hall holds 5,000 books."),
        ("The hall is open.", "The hall is open, except in winter."),
        ("館は開いている。", "館は開いているとは言えない。"),
    ],
)
def test_part_of_a_sentence_is_no_verbatim_copy(claim, quote):
    assert not Pair(claim, quote).verbatim


def test_one_vague_difference_keeps_another_from_deciding():
    """Where a name differs too, the quote may speak of something else."""
    quote = "The hall in Oslo has 40 reading places for maps."
    assert exact_conflict("The hall in Oslo has 50 reading places for maps.", quote)
    claim = "The hall in Bergen and Narvik has 50 reading places for maps."
    assert [f.decides for f in findings(claim, quote)] == [False, False, False]
    assert exact_conflict(claim, quote) is None


def test_name_that_stands_in_the_quote_elsewhere_does_not_conflict():
    quote = "Whisper was developed by OpenAI, and DeepMind made Gato in 2022."
    assert exact_conflict("Whisper was developed by DeepMind in 2022.", quote) is None


def test_findings_name_their_rule():
    (found,) = findings("It has five layers.", "It has seven layers.")
    assert found == Finding("number", "5", "7", decides=True, rule="numbers")


def test_abbreviation_in_place_of_a_name_is_no_exact_conflict():
    """A name in capitals may stand for a longer one; that another one differs is for a model."""
    quote = "The Lintel index is twice as fast as the trees of KGX."
    said = "The Lintel index is twice as fast as the trees of {}."
    assert exact_conflict(said.format("KestrelGrex"), quote) is None
    assert exact_conflict(said.format("Brannoch"), quote) is not None
