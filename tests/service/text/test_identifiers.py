"""Identifiers in questions: which tokens are one, whether texts have it, and the answer then."""

from __future__ import annotations

import asyncio
import json

import pytest

from corpus.store.store import Store
from corpus.text.chunking import split_into_passages
from corpus.types import Document, Source
from index.ingestion.report import IngestProgress
from index.ingestion.sync import sync
from index.search import Library
from index.storage.local_index import LocalIndex
from service.answering.engine import Engine
from service.answering.evidence_finder import EvidenceFinder
from service.answering.state import AnswerState
from service.conversations.store import History
from service.text.identifiers import identifiers, unnamed
from tests.support.paths import ROOT
from tests.support.scripted_model import Script


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("What is PPR-9099?", ["PPR-9099"]),
        ("PPR-9099とは何ですか？", ["PPR-9099"]),
        ("ＰＰＲ－９０９９とは何ですか？", ["PPR-9099"]),
        ("PPRー9099とは？", ["PPR-9099"]),
        ("Is CVE-2024-1234 fixed, and CVE-2024-1234 only?", ["CVE-2024-1234"]),
        ("Which rooms does ISO 27001 name?", ["ISO 27001"]),
        ("What did arXiv:2212.04356 report?", ["2212.04356"]),
        ("What changed in v2.1 and in 3.12.4?", ["v2.1", "3.12.4"]),
        ("How large is the GPT-3-based GPT7?", ["GPT-3", "GPT7"]),
        ("Compare A100s with the MiG-29s.", ["A100", "MiG-29"]),
        ("How many of the 50 states voted in 2024?", []),
        ("What came of the post-2008 crisis and the mid-1990s?", []),
        ("What is top-5 accuracy in phase-3 trials of type-2 diabetes?", []),
        ("Who won Super Bowl 50, and World War 2, on 5G, in 3D?", []),
        ("How much CO2 and H2O does B2B seq2seq emit per 10km?", []),
        ("What does https://example.org/abc-1234 or a-123@example.org say?", []),
        ("Did the UN 2030 goals follow the 20th century?", []),
    ],
)
def test_identifiers_are_found_in_questions(question, found):
    assert [each.text for each in identifiers(question)] == found


@pytest.mark.parametrize(
    ("question", "text", "missing"),
    [
        ("What is PPR-9099?", "PPR-9088 is a respirator.", ["PPR-9099"]),
        ("What is PPR-9099?", "PPR-90991 and XPPR-9099 are pumps.", ["PPR-9099"]),
        ("What is PPR-9099?", "The ppr9099 is a respirator.", []),
        ("What is PPR9099?", "The PPR 9099 is a respirator.", []),
        ("What is PPR-9099?", "ＰＰＲ－９０９９は呼吸用保護具である。", []),
        ("what is ppr 9099", "PPR-9088 is a respirator.", ["ppr 9099"]),
        ("Is CVE-2024-1234 fixed?", "CVE-2024-1235 is fixed.", ["CVE-2024-1234"]),
        ("Is CVE-2024-1234 fixed?", "CVE‑2024‑1234 is fixed.", []),
        ("What does ISO 27001 ask?", "ISO/IEC 27001:2022 asks for a review.", []),
        ("What does ISO 27001 ask?", "ISO 9001 asks for a review.", ["ISO 27001"]),
        ("How large is GPT-3?", "GPT3 has 175 billion parameters.", []),
        ("How large is GPT-3?", "Generative Pre-trained Transformer 3 is large.", []),
        ("How large is GPT-3?", "GPT-3.5 is large.", ["GPT-3"]),
        ("How large is GPT-7?", "GPT-3 is large.", ["GPT-7"]),
        ("how large is gpt-7?", "GPT-3 is large.", ["gpt-7"]),
        ("What changed in v2.1?", "Version 2.1 is faster.", []),
        ("What changed in v2.1?", "Version 2.2 is faster.", ["v2.1"]),
        ("When did WW2 end?", "World War II ended in 1945.", []),
        ("When did WW2 end?", "第二次世界大戦は1945年に終わった。", []),
        ("Where does COVID-19 come from?", "コロナウイルスはコウモリに由来する。", []),
        ("How far does the F-16 fly?", "The F-15 flies far.", ["F-16"]),
        ("How far does the F-16 fly?", "The jet flies far.", []),  # it may be that very jet
        ("Who is to win Euro-2020?", "Italy won the final.", []),
        ("Is PPR-9099 better than PPR-9088?", "PPR-9088 is a respirator.", ["PPR-9099"]),
    ],
)
def test_identifier_is_searched_in_texts_in_any_spelling(question, text, missing):
    assert list(unnamed(question, [text])) == missing


SHEETS = {
    "mask": "PPR-9088 is a respirator. PPR-9088 filters 99 percent of dust and weighs 210 grams.",
    "hole": "CVE-2023-4411 is a flaw in the login form. CVE-2023-4411 was fixed in version 2.1.4.",
    "norm": "ISO/IEC 27001 is a standard for information security. It was published in 2005.",
    "pump": "水中ポンプKTZ-450は毎分1200リットルの水をくみ上げる。重さは34キログラムである。",
}


@pytest.fixture(scope="module")
def sheets(tmp_path_factory, embedder):
    folder = tmp_path_factory.mktemp("sheets")
    store = Store(f"sqlite:///{folder / 'tenkyo.db'}")
    for name, text in SHEETS.items():
        document = Document(Source(name, f"https://example.org/{name}", f"Sheet {name}"), text)
        store.put(document, split_into_passages(document))
    sync(store, embedder, folder / "index", IngestProgress())
    return Library(store, LocalIndex.open(folder / "index", embedder.name), embedder)


@pytest.mark.parametrize("written", [None, "PPR-9088 is a respirator [1]."])
@pytest.mark.parametrize(
    ("question", "names"),
    [
        ("What is PPR-9088?", None),
        ("What is PPR9088?", None),
        ("What is PPR-9099?", "“PPR-9099”"),
        ("ＰＰＲ－９０９９とは何ですか？", "「PPR-9099」"),
        ("In which version was CVE-2023-4411 fixed?", None),
        ("In which version was CVE-2023-4412 fixed?", "“CVE-2023-4412”"),
        ("What is ISO 27001?", None),
        ("What is ISO 27017?", "“ISO 27017”"),
        ("KTZ-450は毎分何リットルの水をくみ上げますか？", None),
        ("KTZ-550は毎分何リットルの水をくみ上げますか？", "「KTZ-550」"),
    ],
)
def test_source_about_a_similar_identifier_gives_an_abstention(
    sheets, checker, question, names, written
):
    model = Script(written) if written else None
    engine = Engine(sheets, checker, History(sheets.store.database), model)
    made = asyncio.run(engine.answer(question))
    assert made.abstained == (names is not None), made.reason
    if names:
        assert names in made.reason and not made.claims and made.abstention
        assert model is None or model.messages is None  # the model is not called


def test_identifier_elsewhere_in_the_source_does_not_cause_an_abstention(
    tmp_path, embedder, checker
):
    """The manual names its product on the first page only."""
    store = Store(f"sqlite:///{tmp_path / 'tenkyo.db'}")
    parts = ["This manual is about the oven RX-3100.", *["Clean it with a dry cloth. " * 30] * 12]
    text = "\n\n".join([*parts, "The door opens to the left. Its fuse is rated at 16 amperes."])
    document = Document(Source("oven", "https://example.org/oven", "Manual"), text)
    store.put(document, split_into_passages(document))
    sync(store, embedder, tmp_path / "index", IngestProgress())
    library = Library(store, LocalIndex.open(tmp_path / "index", embedder.name), embedder)
    engine = Engine(library, checker, History(store.database), top_k=1)
    for name, refused in (("RX-3100", False), ("RX-3200", True)):
        made = asyncio.run(engine.answer(f"How many amperes is the fuse of the {name} rated at?"))
        assert ("RX-3200" in (made.reason or "")) == refused == made.abstained


def test_no_question_about_the_shipped_library_lacks_its_identifier(library, checker):
    """Only the questions with an identifier are asked: no others can fail for it."""
    asked = [
        row["question"]
        for name in ("library_questions", "library_questions_oblique")
        for line in (ROOT / "tests" / "data" / f"{name}.jsonl").read_text("utf-8").splitlines()
        if identifiers((row := json.loads(line))["question"])
    ]
    finder, lacking = EvidenceFinder(library, checker, {}), {}
    for question in asked:
        state = AnswerState("", "", question)
        finder.read(state, finder.search(state))
        if not state.plausible or state.premise is not None:
            lacking[question] = state.unnamed or state.premise
    assert len(asked) >= 5
    assert not lacking
