"""Tests of what stands in for a strong model: its rows, its server as writer and judge, scores."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import strong as benchmark

from corpus.types import Passage, Source
from index.inference.cross_encoder import CrossEncoder
from index.search import Library
from service.answering.engine import Engine
from service.conversations.store import History
from service.generation.llm import ChatModel
from service.generation.prompts import answer_messages
from service.judging.controls import make_controls
from service.judging.evidence import number_evidence
from service.judging.prompt import judge_messages
from service.judging.types import JudgeCall
from service.text.prompt_injection import neutral
from service.types import Answer, Citation, Claim, Evidence, Rejected, Verdict
from tests.support.live_server import served
from tests.support.scripted_model import Script
from tests.support.strong import rows, scoring
from tests.support.strong.collection import texts
from tests.support.strong.comparison import nearest
from tests.support.strong.judge import MeasuredJudge
from tests.support.strong.model import StrongModel, lie_draft, true_draft, twin_draft
from tests.support.strong.rows import Question, Quote, Rows
from tests.support.strong.tables import Results, tables

ROOM = 100_000  # tokens


@pytest.fixture(scope="module")
def strong() -> Rows:
    """The rows on the library."""
    return rows.load().of(["library"])


@pytest.fixture(scope="module")
def words(strong: Rows, library: Library) -> dict[Quote, str]:
    return rows.words_of(rows.quotes_of(strong), texts(library.store))


def evidence_for(library: Library, *quotes: Quote, besides: int = 2) -> tuple[Evidence, ...]:
    """Return the passages that have some quotes, and some of other sources."""
    found = list(library.store.passages(library.store.rows()).values())
    having, others = [], []
    for passage, source in found:
        here = [q for q in quotes if q.source == source.id]
        if any(q.start < passage.end and passage.start < q.end for q in here):
            having.append((passage, source))
        elif not here:
            others.append((passage, source))
    chosen = having + others[:besides]
    return tuple(Evidence(n, p, s, 1.0) for n, (p, s) in enumerate(chosen, 1))


def answered(question: Question, said: dict[str, str], evidence: tuple[Evidence, ...] = ()):
    """Return an answer in which each sentence got a label."""
    claims, rejected = [], []
    for text, label in said.items():
        verdict = Verdict(label, 1.0, "test")
        if label == "supported":
            claims.append(Claim(text, 0, len(text), (), verdict))
        else:
            rejected.append(Rejected(text, "why", verdict))
    given = (question.text, "", "generated", "", tuple(claims), evidence, tuple(rejected))
    return Answer("a", "c", *given)


def test_every_row_is_complete():
    strong = rows.load()
    assert len(strong.questions) == 60 and len(strong.lies) == 50
    assert all(len(lies) == 4 for lies in strong.lies.values())
    for question in strong.questions.values():
        places = [twin.place for twin in strong.twins[question.id]]
        assert places == list(range(len(question.sentences)))
        assert all(sentence.judge.verdict == "supported" for sentence in question.sentences)
        assert all(place in places for fact in question.needs for place in fact.sentences)
        assert all(fact.sentences and all(fact.alternatives) for fact in question.needs)
    false = [
        each for group in (strong.twins, strong.lies) for part in group.values() for each in part
    ]
    assert len(false) == 408 and all(each.judge.verdict != "supported" for each in false)


def test_changed_source_is_noticed(strong: Rows, library: Library):
    known = texts(library.store)
    changed = known | {"whisper": " " + known["whisper"]}
    with pytest.raises(rows.ChangedText, match=r"whisper \[\d+:\d+\] is not what was quoted"):
        rows.words_of(rows.quotes_of(strong), changed)


def test_writer_cites_sources_that_have_the_quotes(strong: Rows, words, library: Library):
    question = strong.questions["lib01"]
    quotes = [quote for sentence in question.sentences for quote in sentence.quotes]
    evidence = evidence_for(library, *quotes)[::-1]
    evidence = tuple(replace(each, label=n) for n, each in enumerate(evidence, 1))
    prompt = answer_messages(question.text, evidence, ROOM)[-1]["content"]
    model = StrongModel(strong, words, drafts={question.text: true_draft(question)})
    written = model.write(prompt)
    having = {e.label for e in evidence if words[question.sentences[0].quotes[0]] in e.passage.text}
    assert f"cut in half each time the data grow sixteenfold [{min(having)}]. Tra" in written
    assert model.write(prompt.replace(question.text, "Another question?")) is None


def judged(model: StrongModel, question: Question, evidence, *sentences: str) -> list[dict]:
    numbered = number_evidence(evidence, ROOM)
    prompt = judge_messages(question.text, numbered, sentences)[-1]["content"]
    return json.loads(model.judge(prompt))["verdicts"]


def test_judge_repeats_what_was_recorded_only_where_all_quotes_are(
    strong: Rows, words, library: Library
):
    model, question = StrongModel(strong, words), strong.questions["lib01"]
    true, twin = question.sentences[0], strong.twins["lib01"][0]
    lie = strong.lies[1][0]
    evidence = evidence_for(library, *true.quotes)
    said = judged(model, question, evidence, true.text, twin.text, lie.text)
    assert [each["verdict"] for each in said] == ["supported", "contradicted", "unsupported"]
    numbered = {s.number: s.text for s in number_evidence(evidence, ROOM).sentences}
    assert {numbered[n] for n in said[0]["evidence"]} == {words[quote] for quote in true.quotes}
    assert said[1]["unsupported_words"] == ["eightfold"]
    # One of the two sentences that bear it is missing.
    less = [replace(e, passage=_without(e.passage, words[true.quotes[1]])) for e in evidence]
    said = judged(model, question, less, true.text, twin.text)
    assert [each["verdict"] for each in said] == ["unsupported", "unsupported"]
    assert len(said[0]["evidence"]) == 1 and said[1]["evidence"] == []


def _without(passage: Passage, words: str) -> Passage:
    text = passage.text.replace(words, "")
    return replace(passage, text=text, end=passage.start + len(text))


def test_quotes_are_found_across_sentences_that_were_split_otherwise(strong: Rows, words):
    question = strong.questions["lib01"]
    true = question.sentences[0]
    whole = words[true.quotes[0]]
    half = whole.index(" ", len(whole) // 2)
    parts = [whole[:half].replace(" ", "  "), whole[half:].strip()]
    text = ".\n\n".join(parts) + "\n\n" + words[true.quotes[1]]
    source = Source("whisper", "https://example.org", "Whisper")
    evidence = [Evidence(1, Passage("p", "whisper", 0, len(text), text), source, 1.0)]
    model = StrongModel(strong, words)
    assert judged(model, question, evidence, true.text)[0]["verdict"] == "unsupported"
    evidence[0] = replace(
        evidence[0], passage=replace(evidence[0].passage, text=text.replace(".\n\n", "\n\n", 1))
    )
    said = judged(model, question, evidence, true.text)[0]
    assert said["verdict"] == "supported" and said["evidence"] == [1, 2, 3]


def test_controls_are_judged_honestly(library: Library):
    found = list(library.store.passages(library.store.rows()).values())
    judged = 0
    for seed in range(30):
        rng = random.Random(seed)
        passages = enumerate(rng.sample(found, 8), 1)
        evidence = number_evidence([Evidence(n, p, s, 1.0) for n, (p, s) in passages], ROOM)
        controls = make_controls(evidence, ["A sentence."], rng)
        shown = {each.number: neutral(each.text) for each in evidence.sentences}
        if controls:
            judged += 1
            assert nearest(controls.true, shown)[1], controls.true
            assert not nearest(controls.false, shown)[1], controls.false
    assert judged > 20


@pytest.mark.parametrize(("flip", "failure"), [(0.0, None), (1.0, "control")])
def test_judge_over_http_is_believed_unless_it_errs(
    strong: Rows, words, library: Library, flip: float, failure: str | None
):
    question = strong.questions["lib01"]
    sentences = [each.text for each in question.sentences]
    quotes = [quote for each in question.sentences for quote in each.quotes]
    evidence = number_evidence(evidence_for(library, *quotes), ROOM)

    async def ask(url: str) -> JudgeCall:
        client = ChatModel(f"{url}/v1")
        try:
            judge = MeasuredJudge(client, ROOM, 30.0, proven=True)
            call = await judge.judge(question.text, evidence, sentences)
            assert judge.able and judge.calls == [call]
            return call
        finally:
            await client.aclose()

    model = StrongModel(strong, words, flip=flip)
    with served(model.app()) as url:
        call = asyncio.run(ask(url))
    assert call.failure == failure and len(model.unknown) == 2
    if failure is None:
        assert [each.ruling for each in call.judgements] == ["supported"] * len(sentences)


def test_same_verdicts_are_flipped_with_the_same_seed(strong: Rows, words, library: Library):
    question = strong.questions["lib01"]
    true = question.sentences[0]
    evidence = evidence_for(library, *true.quotes)

    def said(seed: int) -> list[str]:
        model = StrongModel(strong, words, flip=0.3, seed=seed)
        return [judged(model, question, evidence, true.text)[0]["verdict"] for _ in range(200)]

    assert said(1) == said(1) != said(2)
    assert 30 < said(1).count("unsupported") < 90


def test_real_engine_with_a_recorded_writer(
    strong: Rows, words, library: Library, checker: CrossEncoder, history: History
):
    question = strong.questions["lib01"]
    model = StrongModel(strong, words, drafts={question.text: true_draft(question)})

    async def ask(url: str) -> Answer:
        client = ChatModel(f"{url}/v1")
        try:
            return await Engine(library, checker, history, client).answer(question.text)
        finally:
            await client.aclose()

    with served(model.app()) as url:
        answer = asyncio.run(ask(url))
    assert model.written > 0
    outcomes = [
        scoring.outcome("true", question, place, "true", each.text, answer)
        for place, each in enumerate(question.sentences)
    ]
    assert all(each.label not in ("", "not asked", "not decided") for each in outcomes)
    assert all(scoring.has_evidence(each, answer, words) for each in question.sentences)


def test_benchmark_asks_every_row(
    strong: Rows, words, library: Library, checker: CrossEncoder, history: History, tmp_path: Path
):
    one, found = strong.of(["library"], limit=1), Results()
    model = StrongModel(one, words)

    async def ask(url: str) -> None:
        client = ChatModel(f"{url}/v1")
        try:
            engine = Engine(library, checker, history, client)
            await benchmark.ask_all(benchmark.Bench(engine, model), one, found, recorded=True)
        finally:
            await client.aclose()

    with served(model.app()) as url:
        asyncio.run(ask(url))
    runs = Counter(each.run for each in found.outcomes)
    assert runs == {"true": 3, "twins": 3, "lies": 4 * len(one.lies)} and one.lies
    assert found.answers == 3 + len(one.lies) and len(found.seconds) == 1
    assert len(found.facts) == len(one.questions["lib01"].needs)
    benchmark.write_rows(tmp_path / "rows.jsonl", found)
    lines = (tmp_path / "rows.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) == len(found.outcomes) + len(found.facts)
    assert json.loads(lines[0])["text"] == one.questions["lib01"].sentences[0].text


def test_benchmark_counts_what_a_real_writer_writes(
    strong: Rows, words, library: Library, checker: CrossEncoder, history: History
):
    one, found = strong.of(["library"], limit=1), Results()
    engine = Engine(library, checker, history, Script("Nobody has ever read 3,456 maps [1]."))
    bench = benchmark.Bench(engine, StrongModel(one, words))
    asyncio.run(benchmark.ask_all(bench, one, found, recorded=False))
    said = [each for each in found.outcomes if each.text.startswith("Nobody")]
    assert [(each.run, each.shown) for each in said] == [("real", False)]
    assert found.answers == 1 and len(found.facts) == len(one.questions["lib01"].needs)


def test_twins_stand_at_every_other_place(strong: Rows):
    question, twins = strong.questions["lib01"], strong.twins["lib01"]
    true = [line.text for line in true_draft(question)]
    even, odd = ([line.text for line in twin_draft(question, twins, odd)] for odd in (False, True))
    assert even == [twins[0].text, true[1], twins[2].text]
    assert odd == [true[0], twins[1].text, true[2]]
    assert [line.text for line in lie_draft(question, strong.lies[1])] == [
        lie.text for lie in strong.lies[1]
    ]


def test_outcomes_of_sentences_that_were_split(strong: Rows):
    question = strong.questions["lib01"]
    both = answered(question, {"It was so.": "supported", "And so on.": "supported"})
    half = answered(question, {"It was so.": "supported", "And so on.": "partial"})
    other = answered(question, {"It was so.": "supported", "And so off.": "partial"})
    shown = answered(question, {"It was so.": "partial", "And so off.": "supported"})

    def of(answer: Answer, text: str, kind: str, true: str = "") -> scoring.Outcome:
        return scoring.outcome("x", question, 0, kind, text, answer, true=true)

    true, twin = "It was so. And so on.", "It was so. And so off."
    assert of(both, true, "true").shown
    assert not of(half, true, "true").shown and of(half, true, "true").label == "partial"
    assert not of(other, twin, "number", true).shown  # what is shown is its true part
    assert of(shown, twin, "number", true).shown
    assert of(answered(question, {}), true, "true").label == "not asked"
    assert of(half, "Else.", "true").label == "not decided"


def test_facts_are_reached_by_sentences_and_by_quotes_in_the_answer(
    strong: Rows, words, library: Library
):
    question = strong.questions["lib01"]
    draft = true_draft(question)
    quote = question.needs[1].alternatives[0][0]
    evidence = evidence_for(library, quote)

    def claim(text: str) -> Claim:
        place = (quote.start, quote.end, "https://example.org")
        cited = Citation(1, quote.source, "p", words[quote], *place)
        return Claim(text, 0, len(text), (cited,), Verdict("supported", 1.0, "test"))

    def by(*claims: Claim) -> list[str]:
        answer = replace(answered(question, {}, evidence), claims=claims)
        return [each.by for each in scoring.facts(question, draft, answer, words)]

    assert by() == ["", ""]
    assert by(claim(draft[1].text)) == ["", "sentence"]
    assert by(claim(words[quote])) == ["", "quote"]
    assert by(claim("Something else that rests on it.")) == ["", "citation"]


def test_tables_count_each_kind(strong: Rows):
    question = strong.questions["lib01"]
    results = Results(answers=2)
    answer = answered(question, {"A.": "supported", "B.": "contradicted", "C.": "supported"})
    for run, kind, text in (
        ("true", "true", "A."),
        ("true", "true", "B."),
        ("twins", "time", "C."),
    ):
        results.outcomes.append(scoring.outcome(run, question, 0, kind, text, answer))
    facts = (("sentence", "library"), ("citation", "library"))
    results.facts = [scoring.FactOutcome("lib01", "f", "en→en", *each[::-1]) for each in facts]
    results.calls = [JudgeCall((), "control", 100, 20, 1.0), JudgeCall((), None, 300, 20, 2.0)]
    results.calls += [JudgeCall(failure="control")] * 2
    found = {table.title: table.rows for table in tables(results)}
    shown = {row[""]: str(row["all"]) for row in found["What is shown"]}
    assert shown["true sentences shown"].startswith("1 of 2: 50.0 %")
    assert shown["true sentences called contradicted"].startswith("1 of 2")
    assert shown["false sentences shown"].startswith("1 of 1: 100.0 %")
    assert shown["needed facts that reach the reader"].startswith("1 of 2")
    assert shown["answers with every needed fact"].startswith("0 of 1")
    assert "lies behind true clauses, shown" not in shown
    costs = {row[""]: row["figure"] for row in found["The judge's calls"]}
    assert costs["calls an answer"] == 2 and costs["tokens read an answer"] == 200
    assert costs["why"] == "no control can be made 2, control 1"
