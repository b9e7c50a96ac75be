"""`tenkyo eval`: its measures on hand-made answers, and its runs on the real library."""

import asyncio
import json
import random
import shutil
from dataclasses import replace
from types import SimpleNamespace

import pytest
from questions import Text, articles, clapnq, gold_sentences, read, squad

from corpus.errors import SettingsError
from service.answering.engine import ANSWER_VERSION, Engine
from service.cli import progress
from service.evaluation import metrics, runner
from service.evaluation.metrics import (
    CitationScores,
    EvaluationQuestion,
    judge_citations,
    measure_fractions,
    occurs,
    report,
    same_sentence,
)
from service.evaluation.runner import (
    check_mode,
    conditions,
    judge_answer,
    read_questions,
    run_questions,
    sample_questions,
    settings_for,
)
from service.generation import prompts
from service.settings import Settings
from service.types import Answer, Citation, Claim, Decision, Evidence, Rejected, Verdict, to_json
from service.verification.receipt import tenkyo_version
from service.verification.verifier import VERIFIER_VERSION
from tests.support.commands import run_here, run_process
from tests.support.scripted_model import Script
from training import sources

SURE = Verdict("supported", 1.0, "verbatim")


def cited(quote, source="a", passage="p"):
    return Citation(1, source, passage, quote, 0, len(quote), "https://example.org")


def claim(text, *citations):
    return Claim(text, 0, len(text), citations, SURE)


def record(*claims, withheld=0, judged=(), first=None, total=1.0):
    """Return the record of an answer with these claims; without claims, of an abstention."""
    answer = Answer("i", "c", "Q?", "", "quoted" if claims else "abstained", "", claims)
    answer = replace(answer, rejected=(Rejected("x", "y", SURE),) * withheld)
    judged = [{"recall": j.recall, "citations": j.citations} for j in judged]
    return {"first_claim": first, "total": total, "judged": judged, "answer": to_json(answer)}


def known(answerable=True, **gold):
    return EvaluationQuestion("q", "Q?", answerable, **gold)


# The measures


@pytest.mark.parametrize(
    ("wanted", "text", "there"),
    [
        ("680,000 hours", "on 680,000\n Hours of audio", True),
        ("ＡＢＣ", "the abc", True),
        ("東京 都", "東京都 の人口", True),
        ("30", "308 points", False),
        ("30", "30.5 points", False),
        ("30", "1,30", False),
        ("30", "in 30.", True),
        ("30", "約30人", True),
        ("art", "smart", False),
        ("metre", "two metres", True),
        ("", "anything", False),
    ],
)
def test_occurs_matches_whole_numbers_and_word_beginnings(wanted, text, there):
    assert occurs(wanted, text) is there


def test_right_answers_are_found_in_claims_and_in_quotes():
    said = record(claim("It has four wheels.", cited("A car has 4 wheels.")))
    assert measure_fractions(known(answers=("4",)), said)["in_answer"] == (0, 1)
    assert measure_fractions(known(answers=("five", "4")), said)["in_quotes"] == (1, 1)
    both = known(must_contain=(("four", "4"), ("wheel",)))
    assert measure_fractions(both, said)["in_answer"] == (1, 1)
    assert measure_fractions(known(must_contain=(("four",), ("door",))), said)["in_answer"] == (
        0,
        1,
    )
    assert measure_fractions(known(), said)["in_answer"] == (0, 0)
    assert measure_fractions(known(answers=("4",)), record())["in_answer"] == (0, 1)


@pytest.mark.parametrize(
    ("citations", "supporting", "expected"),
    [
        (0, [], CitationScores(False, ())),
        (1, [{0}], CitationScores(True, (True,))),
        (1, [], CitationScores(False, (False,))),
        (
            2,
            [{0}],
            CitationScores(True, (True, False)),
        ),  # the first supports it, also without the second
        (2, [{0}, {1}], CitationScores(True, (True, True))),
        (2, [{0, 1}], CitationScores(True, (True, True))),  # only together
        (3, [{0, 1}], CitationScores(True, (True, True, False))),
        (2, [], CitationScores(False, (False, False))),
    ],
)
def test_citations_are_judged_by_the_method_of_alce(citations, supporting, expected):
    """``supporting``: the smallest sets of citations that support the claim."""
    assert (
        judge_citations(citations, lambda some: any(s <= set(some) for s in supporting)) == expected
    )


def test_citation_recall_and_precision_of_one_answer():
    judged = (CitationScores(True, (True, False)), CitationScores(False, (False,)))
    found = measure_fractions(known(), record(claim("A."), claim("B."), judged=judged))
    assert found["citation_recall"] == (1 / 2, 1)
    assert found["citation_precision"] == (1 / 3, 1)
    assert measure_fractions(known(), record())["citation_recall"] == (0, 0)


def test_claims_with_a_tick_are_supported_and_answer():
    yes, no = Decision(True, 0.9, "reading"), Decision(False, 0.1, "reading")
    partial = replace(claim("C."), verdict=Verdict("partial", 0.5, "rules"), answers=yes)
    said = record(replace(claim("A."), answers=yes), replace(claim("B."), answers=no), partial)
    assert measure_fractions(known(answers=("b",)), said)["ticked"] == (1, 1)
    assert measure_fractions(known(answers=("b",)), said)["in_answer"] == (1, 1)
    assert measure_fractions(known(), record(claim("Older.")))["ticked"] == (0, 0)
    assert measure_fractions(known(), record())["ticked"] == (0, 0)
    found = report([known(), known()], [said, record(replace(claim("D."), answers=no))])
    assert found["measures"]["ticked"]["value"] == 1 / 2


@pytest.mark.parametrize("mode", ["guide", "metadata"])
def test_guide_and_catalogue_are_no_abstentions(verifier, mode):
    claims = (claim("By Ada Berg.", cited("Ada Berg")),) if mode == "metadata" else ()
    made = Answer("i", "c", "Q?", "", mode, "", claims, reason="Ask about the sources.")
    said = record() | {"judged": judge_answer(verifier, made), "answer": to_json(made)}
    found = measure_fractions(known(False), said)
    assert found["abstention_recall"] == (0, 1) and found["abstention_precision"] == (0, 0)
    assert measure_fractions(known(), said)["refused"] == (0, 1)
    assert found["citation_recall"] == (0, 0)  # the catalogue is in no passage
    assert report([known()], [said])["modes"] == {mode: 1}


def test_gold_is_matched_by_source_and_by_passage():
    said = record(claim("A.", cited("A.", "a", "p1"), cited("A.", "b", "p2")))
    for gold in ({"sources": ("a",)}, {"passages": ("p1",)}):
        found = measure_fractions(known(**gold), said)
        assert (found["gold_cited"], found["gold_precision"]) == ((1, 1), (1, 2))
    missed = measure_fractions(known(sources=("z",)), said)
    assert (missed["gold_cited"], missed["gold_precision"]) == ((0, 1), (0, 2))
    refused = measure_fractions(known(sources=("a",)), record())
    assert (refused["gold_cited"], refused["gold_precision"]) == ((0, 1), (0, 0))
    assert measure_fractions(known(False, sources=("a",)), said)["gold_cited"] == (0, 0)


def test_sentences_with_half_their_tokens_shared_are_the_same():
    assert same_sentence("one two", "two three")  # 2 · 1 / 4
    assert not same_sentence("one two", "two three four")  # 2 · 1 / 5
    assert same_sentence("東京都", "東京")  # 2 · 1 / 3
    assert not same_sentence("…", "…")


def test_quote_f1_compares_sentences():
    """One of two quoted sentences is gold, and it is one of three gold ones: P 1/2, R 1/3."""
    said = record(claim("x", cited("Cats sleep all day. Birds sing.")))
    gold = ("Cats sleep all day.", "Dogs bark.", "Fish swim.")
    found = measure_fractions(known(quotes=gold), said)["quote_f1"]
    assert found == (pytest.approx(2 * (1 / 2) * (1 / 3) / (1 / 2 + 1 / 3)), 1)
    assert measure_fractions(known(quotes=gold), record())["quote_f1"] == (0, 1)


def test_report_on_five_questions():
    """Three are answerable, one of which is not answered; two are not, one of which is answered."""
    right, wrong = claim("Four.", cited("Four.")), claim("Five.", cited("Five.", "b"))
    sure = (CitationScores(True, (True,)),)
    gold = known(answers=("four",), sources=("a",))
    asked = [gold, gold, gold, known(False), known(False)]
    records = [
        record(right, judged=sure, first=0.1, total=0.2),
        record(wrong, judged=sure, first=0.3, total=0.4, withheld=2),
        record(total=0.6),
        record(wrong, judged=(CitationScores(False, (False,)),), first=0.5, total=0.8),
        record(total=1.0),
    ]
    found = report(asked, records)
    values = {name: m["value"] for name, m in found["measures"].items()}
    assert values == {
        "in_answer": pytest.approx(1 / 3, abs=1e-4),
        "in_quotes": pytest.approx(1 / 3, abs=1e-4),
        "citation_recall": pytest.approx(2 / 3, abs=1e-4),
        "citation_precision": pytest.approx(2 / 3, abs=1e-4),
        "gold_cited": pytest.approx(1 / 3, abs=1e-4),
        "gold_precision": 1 / 2,
        "quote_f1": None,
        "abstention_precision": 1 / 2,
        "abstention_recall": 1 / 2,
        "abstention_f1": 1 / 2,
        "refused": pytest.approx(1 / 3, abs=1e-4),
        "ticked": None,
        "withheld": 2 / 5,
    }
    counted = {name: m["questions"] for name, m in found["measures"].items()}
    assert counted["in_answer"] == 3 and counted["abstention_f1"] == 3 and counted["withheld"] == 5
    assert found["times"]["first_claim"] == {"median": 0.3, "p90": 0.46, "questions": 3}
    assert found["times"]["total"] == {"median": 0.6, "p90": 0.92, "questions": 5}
    assert (found["questions"], found["answerable"]) == (5, 3)
    assert found["modes"] == {"abstained": 2, "quoted": 3}
    assert report(asked, records) == found and json.loads(json.dumps(found)) == found
    titles = [row[0] for row in metrics.rows(found)]
    assert metrics.TITLES["refused"] in titles and metrics.TITLES["quote_f1"] not in titles


def test_interval_of_a_share_agrees_with_the_normal_approximation():
    """Of 50 in 100, the normal approximation is .5 ± 1.96 · sqrt(.25 / 100) = .402 to .598."""
    asked = [known(answers=("four",))] * 100
    right, wrong = record(claim("Four.", cited("4"))), record(claim("Five.", cited("5")))
    found = report(asked, [right] * 50 + [wrong] * 50)["measures"]["in_answer"]
    assert found["low"] == pytest.approx(0.402, abs=0.02)
    assert found["high"] == pytest.approx(0.598, abs=0.02)
    sure = report(asked, [right] * 100)["measures"]["in_answer"]
    assert (sure["value"], sure["low"], sure["high"]) == (1, 1, 1)


# The question file


def lines(path, *rows):
    path.write_text("".join(r if isinstance(r, str) else json.dumps(r) + "\n" for r in rows))
    return path


GOOD = {"id": "1", "question": "Who?", "answerable": True}


def test_read_questions_returns_known_fields(tmp_path):
    row = GOOD | {"answers": ["a", ""], "must_contain": [["b", "c"]], "sources": ["s"], "topic": 3}
    read = read_questions(lines(tmp_path / "q", row, "\n"))
    assert read == [
        EvaluationQuestion(
            "1", "Who?", True, answers=("a",), must_contain=(("b", "c"),), sources=("s",)
        )
    ]


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ("{nope}\n", "not JSON"),
        ("[1]\n", "not a JSON object"),
        ({"question": "Who?", "answerable": True}, '"id"'),
        (GOOD | {"id": "2", "answerable": "yes"}, '"answerable": true'),
        (GOOD | {"id": "2", "question": " "}, "empty"),
        (GOOD | {"id": "2", "answers": "x"}, '"answers": ["…"]'),
        (GOOD | {"id": "2", "must_contain": ["x"]}, '[["…"]]'),
        (GOOD | {"id": "2", "must_contain": 5}, "must_contain"),
        (GOOD, "another"),
    ],
)
def test_error_names_the_bad_line_and_its_fix(tmp_path, bad, says):
    with pytest.raises(SettingsError) as caught:
        read_questions(lines(tmp_path / "q", GOOD, "\n", bad))
    assert "line 3: " in str(caught.value) and says in str(caught.value)


def test_file_without_questions_is_refused(tmp_path):
    for path in (tmp_path / "none", tmp_path, lines(tmp_path / "empty", "\n")):
        with pytest.raises(SettingsError):
            read_questions(path)


def test_sample_is_reproducible_and_in_order():
    asked = [EvaluationQuestion(str(i), "Q?", True) for i in range(100)]
    some = sample_questions(asked, 20, None)
    assert some == sample_questions(asked, 20, None) and len(some) == 20 and some != asked[:20]
    assert [int(q.id) for q in some] == sorted(int(q.id) for q in some)
    assert (
        sample_questions(asked, 20, 5) == some[:5] and sample_questions(asked, 500, None) == asked
    )


# A run

ASKED = [
    EvaluationQuestion("w", "How many hours of labelled audio was Whisper trained on?", True,
             answers=("680,000",), sources=("whisper", "article-en", "article-ja")),
    EvaluationQuestion("c", "What is the capital of Australia?", False),
    EvaluationQuestion("g", "Which game did GT Sophy race in?", True, must_contain=(("Gran Turismo",),)),
]  # fmt: skip


def quiet(*_):
    pass


def evaluate(engine, asked, out, mode="quoted", **settings):
    made_with = conditions(engine, Settings(**settings), mode)
    return asyncio.run(run_questions(engine, asked, mode, made_with, out, quiet))


def test_interrupted_run_is_resumed(library, checker, history, tmp_path):
    engine, out = Engine(library, checker, history), tmp_path / "results.jsonl"
    first = evaluate(engine, ASKED[:2], out)
    found = report(ASKED[:2], first)
    assert found["measures"]["in_answer"]["value"] == 1
    assert found["measures"]["gold_cited"]["value"] == 1
    assert found["measures"]["abstention_f1"]["value"] == 1
    assert found["measures"]["citation_recall"]["value"] == 1
    assert 0 < first[0]["first_claim"] <= first[0]["total"] and first[1]["first_claim"] is None
    whole = out.read_bytes()
    with out.open("ab") as file:
        file.write('{"id": "g", "quest本'.encode()[:-1])  # killed in the middle of a line
    steps = []
    made_with = first[0]["conditions"]
    second = asyncio.run(
        run_questions(engine, ASKED, "quoted", made_with, out, lambda *s: steps.append(s))
    )
    assert steps == [("asking", 2, 3), ("asking", 3, 3)]
    assert json.loads(json.dumps(first)) == second[:2]
    assert out.read_bytes().startswith(whole) and len(out.read_text().splitlines()) == 3
    ids = [record["answer"]["id"] for record in second]
    assert [r["answer"]["id"] for r in evaluate(engine, ASKED, out)] == ids
    changed = [replace(ASKED[1], question="What is the capital of Peru?")]
    assert evaluate(engine, changed, out)[0]["answer"]["id"] not in ids


def test_conditions_include_the_versions(library, checker, history):
    engine = Engine(library, checker, history)
    made_with = conditions(engine, Settings(), "quoted")
    assert made_with["library"] == library.store.revision() and made_with["prompt"] == ""
    assert made_with["tenkyo"] == tenkyo_version()
    assert made_with["verifier"] == VERIFIER_VERSION
    assert made_with["answering"] == ANSWER_VERSION


def test_conditions_include_the_prompt_with_a_model(library, checker, history, monkeypatch):
    engine = Engine(library, checker, history, Script("NO ANSWER"))
    before = conditions(engine, Settings(), "generated")
    assert len(before["prompt"]) == 12
    monkeypatch.setitem(prompts._RULES, "ja", "別の指示")
    assert conditions(engine, Settings(), "generated")["prompt"] != before["prompt"]


def test_conditions_include_a_judge_that_is_able(library, checker, history):
    engine = Engine(library, checker, history, Script("NO ANSWER"))
    judge = engine.judge = SimpleNamespace(name="big", host="h:1", able=False)
    assert conditions(engine, Settings(), "generated")["judge"] == ""
    judge.able = True
    assert conditions(engine, Settings(), "generated")["judge"].startswith("big at h:1, prompt ")


def test_quoted_run_has_no_judge():
    set_up = Settings(llm_url="http://m/v1", judge="llm", judge_url="http://j/v1")
    assert settings_for(set_up, "quoted").judge == "off"
    assert settings_for(set_up, "generated") == set_up


@pytest.mark.parametrize("name", ["VERIFIER_VERSION", "ANSWER_VERSION"])
def test_results_of_another_version_are_refused(
    library, checker, history, tmp_path, monkeypatch, name
):
    engine, out = Engine(library, checker, history), tmp_path / "results.jsonl"
    evaluate(engine, ASKED[1:2], out)
    before = getattr(runner, name)
    monkeypatch.setattr(runner, name, 99)
    with pytest.raises(SettingsError, match=rf"was {before} and is 99.*another file"):
        evaluate(engine, ASKED[1:2], out)


def test_results_of_other_settings_and_other_files_are_refused_unchanged(
    library, checker, history, tmp_path
):
    engine, out = Engine(library, checker, history), tmp_path / "results.jsonl"
    evaluate(engine, ASKED[1:2], out)
    with pytest.raises(SettingsError, match=r"top_k was 10 and is 3.*another file"):
        evaluate(engine, ASKED, out, top_k=3)
    for text in ("notes without an end", "notes\nmore", '{"id": "1", "question": "Who?"}\n'):
        out.write_text(text)
        with pytest.raises(SettingsError, match="another file"):
            evaluate(engine, ASKED, out)
        assert out.read_text() == text


def test_run_with_a_language_model(library, checker, history):
    engine = Engine(library, checker, history, Script("Whisper cost 90 dollars [1]. "
                    "Whisper was trained on 680,000 hours of audio [1]."))  # fmt: skip
    made = evaluate(engine, ASKED[:1], None, "generated", llm_model="script")
    found = report(ASKED[:1], made)
    assert found["modes"] == {"generated": 1} and found["measures"]["withheld"]["value"] == 1
    assert made[0]["conditions"]["model"] == "script"


def test_generated_mode_needs_a_language_model():
    with pytest.raises(SettingsError, match="TENKYO_LLM_URL"):
        settings_for(Settings(), "generated")
    with pytest.raises(SettingsError, match="generated"):
        check_mode("loud")
    assert settings_for(Settings(llm_url="http://x/v1"), "quoted").llm_url == ""


def test_judge_answer_reads_the_cited_passages(library, verifier):
    hits = library.search("How many hours of audio was Whisper trained on?", 1)
    other = library.search("Which drivers did GT Sophy beat?", 1)
    evidence = [Evidence(n, h.passage, h.source, 0) for n, h in enumerate([*hits, *other], 1)]
    said = claim("Whisper was trained on 680,000 hours of audio.", cited("x"),
                 replace(cited("y"), label=2))  # fmt: skip
    answer = Answer("i", "c", "Q?", "", "generated", "m", (said,), tuple(evidence))
    judged = judge_answer(verifier, answer)
    assert judged == [{"recall": True, "citations": (True, False)}]


# The question files made from public sets


def test_whole_articles_are_left_out():
    texts = [Text(f"{title}{i}", title, "x") for title in "abc" for i in range(4)]
    assert len(articles(texts, 9, random.Random(1))) == 2
    assert articles(texts, 3, random.Random(1)) == set()


def test_gold_sentence_is_the_only_one_with_the_answer():
    text = "雨が降る。東京で雪が降る。"
    assert gold_sentences(text, ["東京", "東京で"]) == ["東京で雪が降る。"]
    assert gold_sentences(text, ["降る"]) == gold_sentences(text, ["風"]) == []


def test_question_files_from_public_sets(shared):
    folder = shared / "data" / "qa"
    folder_of = {"jsquad": "jsquad_ja", "xquad": "xquad_en"}
    for name, language, passages, size in (
        ("jsquad", "ja", sources.jsquad(shared)[0], 15),
        ("xquad", "en", sources.xquad(shared)[0], 10),
    ):
        held = {id for id, passage in passages.items() if passage.held}
        bench = squad(name, language, folder / folder_of[name], size, held)
        there = {text.id: text for text in bench.texts}
        yes = [q for q in bench.questions if q["answerable"]]
        assert (len(yes), len(bench.questions)) == (60, 80)
        assert {q["sources"][0] for q in yes} <= held
        for question in yes:
            text = there[question["sources"][0]].text
            assert any(a in text for a in question["answers"])
            assert all(q in text for q in question["quotes"])
        assert sum(bool(q["quotes"]) for q in yes) > 30
        no = {q["id"] for q in bench.questions if not q["answerable"]}
        asked = read(folder / folder_of[bench.name] / "queries.jsonl")
        assert not {row["doc_id"] for row in asked if row["id"] in no} & set(there)
    bench = clapnq(folder / "clapnq_en.jsonl")
    assert sum(q["answerable"] for q in bench.questions) * 2 == len(bench.questions) == 300


# The command


@pytest.mark.process
def test_eval_command(library_folder, models, tmp_path, monkeypatch):
    data = tmp_path / "data"
    shutil.copytree(library_folder, data)
    (data / "models").symlink_to(models)
    asked = lines(tmp_path / "q.jsonl", {"id": "1", "question": ASKED[0].question,
                                         "answerable": True, "answers": ["680,000"]})  # fmt: skip
    environ = {"TENKYO_DATA_DIR": str(data), "COLUMNS": "100"}
    done = run_process("eval", asked, "--out", tmp_path / "out.jsonl", "--json", **environ)
    assert len((tmp_path / "out.jsonl").read_text().splitlines()) == 1
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["measures"]["in_answer"]["value"] == 1
    monkeypatch.setattr(progress, "EVERY", 0.01)
    done = run_here("eval", asked, **environ)
    assert done.returncode == 0, done.stderr
    assert set(done.stderr.splitlines()) >= {"asking: 0 of 1"}  # as plain lines, before its end
    monkeypatch.setattr(progress, "EVERY", 120.0)
    table = done.stdout
    assert "right, in the answer" in table and "1.000" in table
    for bad in ((tmp_path / "none",), (asked, "--mode", "loud"), (asked, "--mode", "generated")):
        refused = run_here("eval", *bad, **environ)
        assert refused.returncode == 2 and refused.stderr.startswith("tenkyo: ")
        assert refused.stderr.count("\n") == 1
