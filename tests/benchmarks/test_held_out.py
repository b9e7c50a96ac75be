"""Tests of the benchmark of held-out questions, with made-up passages and scripted answers."""

from __future__ import annotations

import asyncio
import json
from dataclasses import make_dataclass, replace
from pathlib import Path
from types import SimpleNamespace

import held_out
import pytest
import questions
from held_questions import Asked, Passages, choose, written

from corpus.store.store import Store
from corpus.types import Passage, Source
from index.inference.embedder import SentenceTransformerEmbedder
from service.types import Answer, Citation, Claim, Event, Evidence, EvidenceFound, Verdict
from training.sources import Passage as Held

RIVER = "The Oder rises in Moravia. It is 840 km long. It ends in a lagoon."
SUPPORTED = Verdict("supported", 1.0, "test")
Marked = make_dataclass("Marked", ["answers"], bases=(Claim,), frozen=True, kw_only=True)


def claim(text: str, source: str = "oder", start: int = 0, quote: str = "", ticked=None) -> Claim:
    """Return a claim that quotes its own text, or another one, from some place of a source."""
    quote = quote or text
    cited = Citation(1, source, "p", quote, start, start + len(quote), "https://example.org")
    if ticked is None:
        return Claim(text, 0, len(text), (cited,), SUPPORTED)
    holds = SimpleNamespace(holds=ticked)
    return Marked(text, 0, len(text), (cited,), SUPPORTED, answers=holds)


class Scripted:
    """An engine that makes the claims given, and remembers which sources were searched."""

    def __init__(self, *claims: Claim, evidence: tuple[str, ...] = ()) -> None:
        self.claims, self.within = claims, []
        passages = [(Passage(id, id, 0, 1, "x"), Source(id, "https://x.org")) for id in evidence]
        self.evidence = tuple(Evidence(n, p, s, 1.0) for n, (p, s) in enumerate(passages, 1))

    async def stream(self, question, conversation_id, scope, mode):
        self.within.append(scope.source_ids and [*scope.source_ids])
        yield Event("evidence", EvidenceFound("a", "c", question, self.evidence))
        made = mode if self.claims else "abstained"
        given = (question, "", made, "", self.claims, self.evidence)
        yield Event("answer", Answer("a", "c", *given))


def asked(**more) -> Asked:
    return Asked("en→en", "xquad", "How long is the Oder?", "oder", "Oder", **more)


def outcome(question: Asked, *claims: Claim) -> held_out.Outcome:
    engine = Scripted(*claims, evidence=("rhine", "oder"))
    return asyncio.run(held_out.ask(engine, question, "quoted", ["oder", "rhine", "elbe"]))


def passages(texts: dict[str, Held], rows: list[dict]) -> Passages:
    made = Passages.__new__(Passages)
    made.name, made.language, made.passages, made.rows = "xquad", "en", texts, rows
    made.texts = {id: questions.Text(id, each.article, each.text) for id, each in texts.items()}
    return made


@pytest.fixture
def rivers() -> Passages:
    """Two held-out articles and one that is not; only one answer stands in one passage alone."""
    texts = {
        "oder": Held(RIVER, "Oder", True),
        "oder2": Held("Moravia is a region.", "Oder", True),
        "elbe": Held("The Elbe is 1,094 km long.", "Elbe", True),
        "rhine": Held("The Rhine is 1,230 km long.", "Rhine", False),
    }
    wanted = {"oder": ["840 km", "Moravia"], "elbe": ["1,094 km"], "rhine": ["1,230 km"]}
    rows = [
        {"id": f"{id}{n}", "question": f"{id} {n}?", "answers": [answer], "doc_id": id}
        for id, all_ in wanted.items()
        for n, answer in enumerate(all_)
    ]
    return passages(texts, rows)


def test_answer_string_counts_in_text_or_quote_of_any_claim() -> None:
    question = asked(answers=("840 km",))
    seen = outcome(question, claim("It is long."), claim("So it is.", quote="It is 840  km long."))
    assert seen.all == held_out.Seen(shown=True, first=False, elsewhere=False, nothing=False)
    assert seen.found and seen.ticked is None and seen.mode == "quoted"
    assert outcome(question, claim("It is 840 km.")).all.first
    assert not outcome(question, claim("It is 1840 km.")).all.shown


def test_answer_from_another_passage_is_told_apart() -> None:
    question = asked(answers=("840 km",))
    seen = outcome(question, claim("840 km", "rhine")).all
    assert seen.shown and seen.elsewhere
    assert not outcome(question, claim("a", "rhine"), claim("b", "oder")).all.elsewhere
    assert outcome(question).all == held_out.Seen(False, False, False, nothing=True)


def test_without_answer_strings_a_gold_sentence_or_passage_must_be_cited() -> None:
    start, end = RIVER.index("It is"), RIVER.index(" It ends")
    question = asked(spans=((start, end),))
    assert outcome(question, claim(RIVER[start:end], start=start)).all.shown
    assert outcome(question, claim(RIVER[: end - 2])).all.shown  # the sentence and one before
    assert not outcome(question, claim(RIVER[:start])).all.shown
    assert not outcome(question, claim(RIVER[start:end], "rhine", start)).all.shown
    assert outcome(asked(), claim(RIVER[:start])).all.shown
    assert not outcome(asked(), claim(RIVER[start:end], "rhine", start)).all.shown


def test_only_claims_with_a_tick_are_counted_beside_all() -> None:
    question = asked(answers=("840 km",))
    found = outcome(question, claim("840 km", ticked=False), claim("Long.", "rhine", ticked=True))
    assert found.all == held_out.Seen(True, True, elsewhere=False, nothing=False)
    assert found.ticked == held_out.Seen(False, False, elsewhere=True, nothing=False)
    found = outcome(question, claim("840 km", ticked=False))
    assert found.ticked == held_out.Seen(False, False, False, nothing=True)


def test_own_questions_are_those_on_held_out_articles(rivers: Passages) -> None:
    own = list(rivers.own())
    assert [(each.gold, each.answers) for each in own] == [
        ("oder", ("840 km",)),
        ("oder", ("Moravia",)),
        ("elbe", ("1,094 km",)),
    ]
    assert all(each.answerable and each.set == "xquad, en→en" for each in own)


def test_answer_that_its_passage_lacks_is_not_looked_for(rivers: Passages) -> None:
    more = {"question": "Which river ends in a lagoon?", "answers": ["Odra"], "doc_id": "oder"}
    rivers.rows = [more]
    (question,) = rivers.own()
    assert question.answers == () and rivers.near() == []
    assert outcome(question, claim("It ends in a lagoon.")).all.shown


def test_near_questions_leave_out_their_passage_unless_a_neighbour_answers(
    rivers: Passages,
) -> None:
    near = rivers.near()
    assert {each.answers for each in near} == {("840 km",), ("1,094 km",)}  # not Moravia
    assert near == rivers.near() and len(rivers.near(1)) == 1
    question = next(each for each in near if each.gold == "oder")
    assert question.without and not question.answerable
    engine = Scripted()
    asyncio.run(held_out.ask(engine, question, "quoted", ["oder", "oder2", "elbe"]))
    asyncio.run(held_out.ask(engine, asked(), "quoted", ["oder", "oder2", "elbe"]))
    assert engine.within == [["oder2", "elbe"], None]


def test_written_questions_are_told_apart_by_pair_and_article(
    rivers: Passages, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert list(written([rivers], tmp_path)) == []
    rows = [
        {"doc_id": "oder", "label": "unanswerable", "question": "オーデル川の幅は?"},
        {"doc_id": "rhine", "label": "answerable", "question": "ライン川の長さは?"},
        {"doc_id": "none", "label": "answerable", "question": "?"},
    ]
    lines = [json.dumps(row) + "\n" for row in rows]
    (tmp_path / "near_unanswerable_ja_en.jsonl").write_text("".join(lines), encoding="utf-8")
    found = list(written([rivers], tmp_path))
    assert [(each.gold, each.answerable, each.without) for each in found] == [
        ("oder", False, False),
        ("rhine", True, False),
    ]
    kinds = ["held-out articles", "other articles"]
    assert [each.set for each in found] == [f"near, written, ja→en, {kind}" for kind in kinds]
    assert "1 rows are on passages of other sets" in capsys.readouterr().err


def test_limit_draws_the_same_questions_of_each_set(rivers: Passages) -> None:
    sets = {"xquad": rivers, "jsquad": rivers}
    some = choose(["xquad", "near-xquad"], sets, 1)
    assert [each.set for each in some] == ["xquad, en→en", "near, xquad"]
    assert some == choose(["xquad", "near-xquad"], sets, 1)
    assert len(choose(["xquad", "near-xquad"], sets, None)) == 5


@pytest.mark.shared
def test_all_held_out_questions_are_asked(shared: Path) -> None:
    sets = {name: Passages(name, shared) for name in ("xquad", "jsquad")}
    names = ["xquad", "jsquad", "ja-en", "en-ja", "near-xquad", "near-jsquad"]
    counts: dict[str, int] = {}
    for each in choose(names, sets, None):
        counts[each.set] = counts.get(each.set, 0) + 1
        assert each.gold in sets[each.folder].texts
        text = sets[each.folder].texts[each.gold].text
        assert all(0 <= start < end <= len(text) for start, end in each.spans)
    own = {"xquad, en→en": 265, "jsquad, ja→ja": 234, "near, xquad": 40, "near, jsquad": 40}
    assert own.items() <= counts.items()
    # More may be written for the other language.
    assert counts["ja→en"] >= 168 and counts["en→ja"] >= 199


def test_tables_count_each_set_and_claims_with_a_tick_apart() -> None:
    question, near = asked(answers=("840 km",)), asked(answerable=False)
    near = replace(near, set="near, xquad", without=True)
    found = [
        replace(outcome(question, claim("840 km")), seconds=(0.1, 0.2)),
        replace(outcome(question), seconds=(0.3, 0.4)),
        replace(outcome(near), seconds=(9.0, 9.0)),
        replace(outcome(near, claim("It is.")), seconds=(9.0, 9.0)),
    ]
    made = {table.title: table.rows for table in held_out.tables(found)}
    assert list(made) == [
        "Where the question has an answer: all claims",
        "Where the question has none: all claims",
        "Seconds at the median",
    ]
    (row,) = made["Where the question has an answer: all claims"]
    assert row["questions"] == "en→en" and row["n"] == 2
    assert str(row["answer shown"]).startswith("1 of 2: 50.0 %")
    assert str(row["wrongly abstained"]).startswith("1 of 2: 50.0 %")
    (row,) = made["Where the question has none: all claims"]
    assert str(row["abstained"]).startswith("1 of 2: 50.0 %")
    (row,) = made["Seconds at the median"]
    assert row == {"answers": 2, "evidence": pytest.approx(0.2), "answer": pytest.approx(0.3)}

    marked = [outcome(near, claim("It is.", ticked=False)), outcome(near)]
    made = {table.title: table.rows for table in held_out.tables(marked)}
    (row,) = made["Where the question has none: all claims"]
    assert str(row["abstained"]).startswith("1 of 2")
    (row,) = made["Where the question has none: claims with a tick"]
    assert str(row["abstained"]).startswith("2 of 2")


def test_rows_are_written_as_json(tmp_path: Path) -> None:
    found = [outcome(asked(answers=("840 km",)), claim("840 km", ticked=True)), outcome(asked())]
    held_out.write_rows(tmp_path / "rows.jsonl", found)
    lines = (tmp_path / "rows.jsonl").read_text(encoding="utf-8").splitlines()
    first = json.loads(lines[0])
    assert first["asked"]["gold"] == "oder" and first["ticked"]["shown"] is True
    cited = {"text": "840 km", "quotes": [["oder", "840 km"]], "ticked": True}
    assert first["claims"] == [cited]
    assert json.loads(lines[1])["all"]["nothing"] is True


def test_data_folder_is_kept_until_texts_are_split_otherwise(
    tmp_path: Path, embedder: SentenceTransformerEmbedder
) -> None:
    texts = [questions.Text("oder", "Oder", RIVER)]
    bench = questions.Bench("xquad", "en", texts, [])
    folder = held_out.prepare(bench, tmp_path, embedder)
    (folder / "mark").touch()
    assert held_out.prepare(bench, tmp_path, embedder) == folder and (folder / "mark").exists()
    more = replace(bench, texts=[*texts, questions.Text("elbe", "Elbe", "The Elbe is long.")])
    assert held_out.prepare(more, tmp_path, embedder) == folder
    assert not (folder / "mark").exists() and not list(tmp_path.glob("*.part"))
    store = Store(f"sqlite:///{folder / 'tenkyo.db'}")
    assert {source.id for source, _ in store.sources()} == {"oder", "elbe"}
