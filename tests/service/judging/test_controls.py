"""Control sentences: what is made of evidence, how, and where it is hidden."""

import random
from pathlib import Path

import pytest

from corpus.library.catalogue import entries
from service.judging.controls import Controls, disguise, make_controls, refers
from service.judging.evidence import number_evidence
from service.judging.falsification import falsified, with_other_numbers
from service.judging.restatement import restated
from service.text.numerals import mentioned
from tests.support.paths import ROOT
from tests.support.scripted_judge_model import evidence_of

ROOM = "The Kanda reading room opened in 1931 and holds 40,000 maps. Its founder was Aiko Mori."
WING = "The map collection moved to the east wing in 2004. The east wing has three floors."
JA = "神田閲覧室は1931年に開かれ、4万枚の地図を所蔵する。月曜日は休館である。"
PLAIN = ["An English sentence of an answer."]


def controls(*texts, seed=0, sentences=PLAIN):
    evidence = number_evidence(evidence_of(*texts), 10_000)
    return make_controls(evidence, sentences, random.Random(seed))


def digests():
    return sorted((ROOT / "corpus" / "library" / "digests").glob("*.md"))


def paragraphs(path: Path):
    return [p for p in path.read_text(encoding="utf-8").split("\n\n") if not p.startswith("#")]


def test_same_seed_gives_same_controls_and_others_differ():
    made = {controls(ROOM, WING, JA, seed=seed) for seed in range(20)}
    assert controls(ROOM, WING, JA, seed=3) == controls(ROOM, WING, JA, seed=3)
    assert len(made) > 5


def test_controls_are_in_the_language_of_the_answer():
    for seed in range(20):
        english = controls(ROOM, WING, JA, seed=seed)
        japanese = controls(ROOM, WING, JA, seed=seed, sentences=["日本語の答えの文です。"])
        assert english.false.isascii() and english.true.isascii()
        assert "。" in japanese.false and "。" in japanese.true


def test_evidence_in_the_other_language_serves_where_there_is_no_other():
    made = controls(ROOM, WING, sentences=["日本語の答えの文です。"])
    assert made.false.isascii() and made.true.isascii()


@pytest.mark.parametrize(
    "texts",
    [
        [],
        ["It is so. They did. This is why."],
        ["Some maps may be old, or they may not be. What is a map? Ada Berg et al. [3]"],
        ["Maps of rivers. 1. Maps. http://example.org/maps is where. A | B | 3"],
    ],
)
def test_evidence_without_plain_sentences_gives_none(texts):
    assert controls(*texts) is None


def test_sentence_of_the_answer_is_not_its_own_control():
    first = "The map collection moved to the east wing in 2004."
    for seed in range(20):
        assert controls(WING, ROOM, seed=seed, sentences=[first]).true != first


@pytest.mark.parametrize("path", digests(), ids=lambda path: path.stem)
def test_false_number_stands_nowhere_in_the_evidence(path):
    texts = paragraphs(path)
    whole = mentioned("\n".join(texts))
    evidence = [s.text for s in number_evidence(evidence_of(*texts), 100_000).sentences]
    made = list(with_other_numbers(evidence, evidence, random.Random(1)))
    for false in made:
        assert false.text != false.original
        assert mentioned(false.text) - mentioned(false.original) - whole, false
        assert not (mentioned(false.text) - mentioned(false.original)) & whole, false
    assert made or not any(c.isdigit() for c in "".join(texts))


def test_library_gives_controls_for_every_paragraph_group():
    assert len(entries()) >= 12  # the digests are of these works
    for path in digests():
        language = "日本語の文です。" if path.stem.endswith("-ja") else "An English sentence."
        made = controls(*paragraphs(path), sentences=[language])
        assert made and made.false != made.true


@pytest.mark.parametrize(
    "sentence",
    [
        "The room holds at least 40 maps.",
        "The room holds more than 40 maps.",
        "The room is between 40 and 50 metres long.",
        "The room is open from 9 to 17 hours.",
        "The room may hold 40 maps.",
        "The room does not hold 40 maps.",
        "The room is open if 40 readers come.",
        "The room holds maps (see table 3).",
        "The room is drawn in figure 3.",
        "The room is named GPT-3.",
        "閲覧室には40枚以上の地図がある。",
        "閲覧室の地図は40枚ではない。",
        "閲覧室には40枚ほどの地図がある。",
        "第3の部屋がある。",
        "部屋は1990年代に開かれた。",
    ],
)
def test_number_that_another_one_would_not_make_false_stays(sentence):
    assert not list(with_other_numbers([sentence], [sentence], random.Random(0)))


@pytest.mark.parametrize(
    ("sentence", "made"),
    [
        ("The room is open.", "The room is not open."),
        ("The maps were drawn by hand.", "The maps were not drawn by hand."),
        ("月曜日は休館である。", "月曜日は休館ではない。"),
        ("地図は東館へ移された。", "地図は東館へ移されなかった。"),
        ("地図は東館へ移されました。", "地図は東館へ移されませんでした。"),
    ],
)
def test_plain_sentence_is_negated(sentence, made):
    assert [f.text for f in falsified([sentence], [sentence], random.Random(0))] == [made]


@pytest.mark.parametrize(
    "sentence",
    [
        "Some maps are old.",
        "All maps are old.",
        "The room that is open is large.",
        "The room is not open.",
        "The room is also open.",
        "一部の地図は古いものである。",
        "地図は古くない。",
    ],
)
def test_sentence_whose_negation_may_be_true_too_is_not_negated(sentence):
    assert not list(falsified([sentence], [sentence], random.Random(0)))


def test_name_becomes_one_of_which_nothing_alike_is_said():
    evidence = [
        "A catalogue of rivers came from Ada Berg.",
        "Readers remember the late Ada Berg fondly.",
        "Lamps burned oil, says Otto Lind.",
        "Today the harbour honours Otto Lind yearly.",
    ]
    made = {f.text for f in falsified(evidence[:1], evidence, random.Random(0))}
    assert made == {"A catalogue of rivers came from Otto Lind."}
    alike = [*evidence, "Another catalogue of rivers came from Otto Lind."]
    assert not list(falsified(alike[:1], alike, random.Random(0)))
    both = [*evidence, "Later Otto Lind met Ada Berg there."]
    assert not list(falsified(both[:1], both, random.Random(0)))


def test_name_of_a_kind_of_thing_takes_no_place_of_a_name():
    """What was made with ChatGPT was made with LLMs."""
    evidence = [
        "A catalogue of rivers came from ChatGPT.",
        "Readers remember what ChatGPT wrote.",
        "Lamps burn where LLMs work.",
        "Today the harbour honours LLMs yearly.",
    ]
    assert not list(falsified(evidence[:1], evidence, random.Random(0)))
    renamed = [text.replace("LLMs", "Galactica") for text in evidence]
    assert list(falsified(evidence[:1], renamed, random.Random(0)))


def test_what_stands_in_brackets_is_not_made_false():
    """A note in brackets may be left out afterwards, and with it what was false."""
    evidence = [
        "A catalogue of rivers came out (by Ada Berg, 1934; it is old).",
        "Readers remember the late Ada Berg fondly.",
        "Lamps burned oil, says Otto Lind.",
        "Today the harbour honours Otto Lind yearly.",
    ]
    assert not list(falsified(evidence[:1], evidence, random.Random(0)))


class Always(random.Random):
    """Randomness that uses every rule."""

    def random(self):
        return 0.0


@pytest.mark.parametrize(
    ("sentence", "made"),
    [
        ("The room holds 40 maps (guide, page 3).", "The room holds 40 maps."),
        ("In 2004, the maps moved to the east wing.", "The maps moved to the east wing in 2004."),
        ("In 2004, the maps moved, and the room closed.", "In 2004, the maps moved, and the room closed."),
        ("According to the guide, the room is open.", "The room is open, according to the guide."),
        ("The wing has three floors.", "The wing has 3 floors."),
        ("The room holds 2.8 million maps.", "The room holds 2,800,000 maps."),
        ("However, the room is not open.", "The room isn't open."),
        ("月曜日は休館である(案内)。", "月曜日は休館です。"),
        ("4万枚の地図を所蔵する。", "40,000枚の地図を所蔵します。"),
        ("案内によると、約3万枚の地図がある。", "案内によれば、およそ30,000枚の地図があります。"),
        ("館長は目録を書いている。", "館長は目録を書いています。"),
        ("館長はその本を読んだ。", "館長はその本を読んだ。"),
        ("地図は東館へ移されました。", "地図は東館へ移されました。"),
        ("彼は地図を用いて示す。", "彼は地図を使って示します。"),
    ],
)  # fmt: skip
def test_restatement_says_the_same_in_other_words(sentence, made):
    assert restated(sentence, Always()) == made


@pytest.mark.parametrize("path", digests(), ids=lambda path: path.stem)
def test_restatement_keeps_the_numbers(path):
    for text in paragraphs(path):
        for sentence in number_evidence(evidence_of(text), 100_000).sentences:
            made = restated(sentence.text, Always())
            note = sentence.text.rpartition(" (")[0] or sentence.text
            assert mentioned(made) <= mentioned(sentence.text), made
            assert mentioned(note) - {1.0} <= mentioned(made) | mentioned(sentence.text), made


def test_controls_are_put_at_every_place_and_the_sentences_stay_in_order():
    sentences = ["The first sentence stands alone.", "The second sentence stands alone."]
    places = set()
    for seed in range(200):
        mixed = disguise(sentences, Controls("False.", "True."), random.Random(seed))
        assert mixed.sentences[mixed.false_at] == "False."
        assert mixed.sentences[mixed.true_at] == "True."
        assert [s for s in mixed.sentences if s in sentences] == sentences
        places.add((mixed.false_at, mixed.true_at))
    assert places == {(a, b) for a in range(4) for b in range(4) if a != b}


@pytest.mark.parametrize(
    "leaning", ["It holds 40,000 maps.", "その地図は古い。", "1931年に開かれた。"]
)
def test_no_control_stands_before_a_sentence_that_refers_to_the_one_before(leaning):
    assert refers(leaning)
    sentences = ["The Kanda reading room is open.", leaning, leaning]
    for seed in range(100):
        mixed = disguise(sentences, Controls("False.", "True."), random.Random(seed)).sentences
        at = mixed.index(leaning)
        assert mixed[at - 1] == sentences[0] and mixed[at + 1] == leaning
