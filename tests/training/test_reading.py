"""Rows for fitting the reader: their spans answer, and nothing held out is among them."""

import random
from collections import Counter

import pytest

from corpus.text.sentences import sentence_spans, sentences
from training import reading, sources
from training.reading import Asked, ReadingRow, clapnq_questions, rows, squad_questions
from training.sources import PAIRS_HELD, Passage

TEXT = (
    "The Kanda room opened in 1931. It holds 40,000 maps of the city. The room was closed in 1944"
    " and opened again in 1952. Aiko Mori was its first keeper."
)
NEAR = "The Kanda garden has 12 trees. Its keeper was Jiro Abe, and its walls are of stone."
SAME = "In the Kanda district there were 40,000 maps of the city in another room of the keeper."
APART = "The Kanda tower was built in 1960, and its keeper was Saburo Oda, who lived in the city."
PASSAGES = {
    "home": Passage(TEXT, "Kanda_Room", False),
    "near": Passage(NEAR, "Kanda_Room", False),
    "same": Passage(SAME, "Kanda_Room", False),
    "apart": Passage(APART, "Kanda_Room", True),
    "other": Passage("Ships sail in the bay of Shiogama.", "Ships", False),
}
QUERY = {"id": "1", "question": "How many maps does the room hold?", "doc_id": "home", "answers": ["40,000", "40,000 maps"]}  # fmt: skip


def asked(**more) -> Asked:
    (found,) = squad_questions(PASSAGES, [QUERY | more], "set")
    return found


def made(*questions: Asked, times: int = 60) -> list[ReadingRow]:
    """Make the rows of many passes."""
    rng = random.Random(0)
    return [row for _ in range(times) for row in rows(PASSAGES, questions, rng)]


def test_exact_answer_and_its_sentence_are_found() -> None:
    found = asked()
    assert [TEXT[a:b] for a, b in found.exact] == ["40,000"]
    assert [TEXT[a:b] for a, b in found.sentences] == ["It holds 40,000 maps of the city."]
    assert found.answers == ("40,000", "40,000 maps") and found.home == "home"


def test_each_place_of_an_answer_counts() -> None:
    found = asked(answers=["opened"])
    assert [TEXT[a:b] for a, b in found.exact] == ["opened", "opened"]
    assert [TEXT[a:b] for a, b in found.sentences] == [sentences(TEXT)[n] for n in (0, 2)]


@pytest.mark.parametrize("answers", [[], [""], ["a lamp"]])
def test_question_whose_answer_is_not_there_is_left_out(answers) -> None:
    assert list(squad_questions(PASSAGES, [QUERY | {"answers": answers}], "set")) == []


def test_translated_questions_replace_the_others() -> None:
    wording = {"1": "地図は何枚あるか。"}
    (found,) = squad_questions(PASSAGES, [QUERY, QUERY | {"id": "2"}], "set_ja", wording)
    assert found.question == "地図は何枚あるか。" and found.source == "set_ja"


def test_rows_with_spans_have_the_answer_at_them_and_the_others_nowhere() -> None:
    found = made(asked())
    assert {row.source for row in found} == {"set"}
    kinds = Counter()
    for row in found:
        assert all(0 <= a < b <= len(row.text) for a, b in row.spans)
        assert [row.text[a:b] for a, b in row.spans] in ([], ["40,000"])
        if row.spans:
            kinds["whole" if row.text == TEXT else "window"] += 1
            assert row.question == QUERY["question"]
            assert row.text in TEXT
        elif row.question != QUERY["question"]:
            kinds["spoilt"] += 1
            assert row.text == TEXT and row.question.startswith("How many maps ")
        else:
            kinds["bare" if "The Kanda room" in row.text else "near"] += 1
            assert "40,000" not in row.text
    assert kinds["whole"] >= 60 and min(kinds[k] for k in ("window", "bare", "near")) > 5, kinds


def test_windows_are_one_to_four_adjacent_sentences_around_the_answer() -> None:
    windows = {row.text for row in made(asked()) if row.spans and row.text != TEXT}
    spans = sentence_spans(TEXT)
    possible = {TEXT[a:b] for a, _ in spans for _, b in spans if a < b}
    assert windows <= possible and all("40,000" in window for window in windows)
    assert len({len(sentences(window)) for window in windows}) > 1


def test_answer_with_two_places_has_those_of_its_window() -> None:
    for row in made(question := asked(answers=["opened"])):
        if row.question != question.question:
            continue
        shown = [row.text[a:b] for a, b in row.spans]
        assert shown == ["opened"] * row.text.count("opened"), row


def test_bare_passage_keeps_its_neighbours() -> None:
    bare = {row.text for row in made(asked()) if not row.spans and "opened" in row.text}
    kept = [each for each in sentences(TEXT) if "40,000" not in each]
    assert {tuple(sentences(text)) for text in bare} - {tuple(sentences(TEXT))} == {tuple(kept)}


def test_passage_that_still_has_an_answer_is_not_made_bare() -> None:
    """Another wording of the answer stands in a sentence that stays."""
    question = asked(answers=["40,000", "first keeper"])
    found = [row for row in made(question) if row.question == question.question]
    assert all(row.spans or "Kanda room" not in row.text for row in found)


def test_near_passages_are_of_the_article_without_the_answer_and_not_held_out() -> None:
    texts = {row.text for row in made(asked(), times=200)}
    assert NEAR in texts
    assert not texts & {SAME, APART, PASSAGES["other"].text}
    assert SAME in {row.text for row in made(asked(answers=["1931"]), times=200)}


def test_spoilt_question_has_another_name_but_its_own_question_word() -> None:
    question = asked(question="How many maps does Jiro Abe hold?")
    spoilt = {row.question for row in made(question, times=300)} - {question.question}
    assert spoilt and not any(row.spans for row in made(question) if row.question in spoilt)
    for each in spoilt:
        assert each.startswith("How many maps does ") and "Jiro" not in each
    named = asked(question="Jiro Abe holds how many maps?")
    spoilt = {row.question for row in made(named, times=300)} - {named.question}
    assert spoilt and all("Jiro" not in each for each in spoilt)


def test_unanswerable_question_has_no_spans() -> None:
    found = made(Asked("Who swept the room?", "home", (), source="unanswerable"))
    assert found and not any(row.spans for row in found)
    assert {len(sentences(row.text)) for row in found} >= {1, 2, 3, 4}
    assert all(row.text in TEXT for row in found)


def test_title_is_there_most_of_the_time_and_is_that_of_the_text() -> None:
    found = made(asked(), times=200)
    assert {row.title for row in found} == {"", "Kanda Room"}
    share = sum(bool(row.title) for row in found) / len(found)
    assert abs(share - reading.TITLED) < 0.1


def test_clapnq_sentences_are_found_in_their_passage(monkeypatch) -> None:
    listed = [
        {"id": "1", "question": "a", "passage": TEXT, "answerable": True,
         "selected_sentences": [["It holds 40,000 maps of the city."], []]},
        {"id": "2", "question": "b", "passage": TEXT, "answerable": False, "selected_sentences": []},
        {"id": "3", "question": "c", "passage": TEXT, "answerable": True,
         "selected_sentences": [["It is not there."]]},
        {"id": "4", "question": "d", "passage": TEXT, "answerable": False, "selected_sentences": []},
    ]  # fmt: skip
    monkeypatch.setattr(sources, "clapnq", lambda shared: listed)
    wording = {each: f"{each} in Japanese" for each in "123"}
    for given, ids in ((None, ["1", "2", "4"]), (wording, ["1", "2"])):
        found = list(clapnq_questions(None, given))
        assert [each.home for each in found] == ids  # 3 is said to be answered, by nothing
        shown = [[TEXT[a:b] for a, b in each.sentences] for each in found]
        assert shown[:2] == [["It holds 40,000 maps of the city."], []]


@pytest.fixture(scope="module")
def collected(request):
    shared = request.getfixturevalue("shared")
    return reading.collect(shared)


@pytest.mark.shared
def test_nothing_that_is_held_out_is_fitted(shared, collected) -> None:
    passages, fitted, held = collected
    assert len(fitted) > 10_000 and len(held) > 2000
    assert not any(passages[each.home].held for each in fitted)
    assert all(passages[each.home].held for each in held)
    titles = {passages[each.home].article.replace("_", " ") for each in fitted}
    assert not titles & {title.replace("_", " ") for title in sources.EVAL_TITLES}
    pairs = {row["id"] for name in reading.PAIRS for row in sources.handwritten(name)}
    apart = {key for key in pairs if sources.held("pairs" + key, PAIRS_HELD)}
    assert apart and not apart & {each.home for each in fitted}
    questions = {each.question for each in fitted}
    asked_of_all = {q["question"] for q in sources.xquad(shared)[1]}
    held_out = {q.question for q in held if q.source == "xquad"}
    assert held_out <= asked_of_all and not held_out & questions


@pytest.mark.shared
def test_rows_of_the_sets_have_right_spans_and_no_text_that_is_held_out(collected) -> None:
    passages, fitted, _ = collected
    few = random.Random(1).sample(fitted, 400)
    found = list(rows(passages, few, random.Random(1)))
    held = {passage.text for passage in passages.values() if passage.held}
    answers = {(each.question, each.source): each for each in few}
    assert len(found) > 500 and not any(row.text in held for row in found)
    for row in found:
        assert all(0 <= a < b <= len(row.text) for a, b in row.spans)
        each = answers.get((row.question, row.source))
        if each and each.exact and row.spans:
            assert any(row.text[a:b] in each.answers for a, b in row.spans)
        if each and each.exact and not row.spans:
            assert not any(answer in row.text for answer in each.answers)


def test_question_has_its_twin_in_the_language_of_the_text() -> None:
    across = Asked("Where is it?", "home", (), twin="どこですか。")
    assert reading._twin(across, "神田にあります。") == "どこですか。"
    assert reading._twin(across, "It is in Kanda.") == "Where is it?"
    assert reading._twin(Asked("Where is it?", "home", ()), "神田にあります。") == ""


def test_texts_that_deny_have_the_spans_that_do() -> None:
    text = "The mill is old. It never closed. It grinds rye and a little wheat for the village."
    asked = Asked("Why did the mill close?", "home", (), source="premise", denied=((17, 33),))
    passages = {"home": Passage(text, "The mill", False)}
    found = [row for n in range(20) for row in rows(passages, [asked], random.Random(n))]
    denying = {row.text[a:b] for row in found for a, b in row.denied}
    assert denying == {"It never closed."} and not any(row.spans for row in found)
    assert any(not row.denied and "never" not in row.text for row in found)
    assert len({len(row.text) for row in found if row.denied}) > 1
