"""The printed page of a quote: where the quote begins, which may be after its passage does."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from corpus.readers.extract import extract
from corpus.store.store import Store
from corpus.text.chunking import split_into_passages
from corpus.types import Source
from index.ingestion.report import IngestProgress
from index.ingestion.sync import sync
from index.search import Library
from index.storage.local_index import LocalIndex
from service.answering.engine import Engine
from service.answering.evidence import with_pages
from service.answering.factcheck import FactChecker
from service.conversations.markdown import markdown
from service.conversations.store import History
from service.mcp.formatting import format_answer, format_answer_text
from service.receipts.recheck import recheck
from service.types import Evidence
from service.verification import receipt
from tests.support.documents import column, pdf

FIRST = "The harbour office of Shiogama was built of stone in 1931."
SECOND = "The reading room of Kanda holds 40,000 maps of the old city."
PAPER = pdf([column([FIRST]), [], column([SECOND])])  # nothing is printed on page 2
URL = "https://example.org/kanda.pdf"
QUESTION = "How many maps does the reading room of Kanda hold?"


@pytest.fixture
def store(tmp_path):
    return filled(Store(f"sqlite:///{tmp_path / 'tenkyo.db'}"), PAPER)


@pytest.fixture
def library(store, tmp_path, embedder):
    sync(store, embedder, tmp_path / "index", IngestProgress())
    index = LocalIndex.open(tmp_path / "index", embedder.name, store.revision())
    return Library(store, index, embedder)


def filled(store: Store, data: bytes) -> Store:
    document = extract(data, Source("kanda", URL))
    store.put(document, split_into_passages(document))
    return store


def shown(store: Store) -> Evidence:
    ((passage, source),) = store.passages(store.rows()).values()
    return Evidence(1, passage, source, 1.0)


def test_answer_gives_page_of_quote_and_receipt_proves_it(library, checker, verifier):
    history = History(library.store.database)
    answer = asyncio.run(Engine(library, checker, history).answer(QUESTION))
    (cited,) = answer.claims[0].citations
    assert (cited.quote, cited.page) == (SECOND, 3)
    assert answer.evidence[0].passage.page == 1  # it begins there
    assert [page.number for page in answer.evidence[0].pages] == [1, 3]
    assert ", p. 3" in markdown("Maps", [history.answer(answer.id)])
    sealed = receipt.make_receipt(history, answer.id)
    assert all(check.outcome == "ok" for check in recheck(sealed, verifier, library.store))
    sealed["claims"][0]["citations"][0]["page"] = 1
    forged = recheck(receipt.seal(sealed), verifier)
    assert "quotes of claim 1" in [c.name for c in forged if c.outcome == "failed"]
    del sealed["evidence"][0]["pages"]  # as in receipts from before there were any
    earlier = recheck(receipt.seal(sealed), verifier, library.store)
    assert {check.outcome for check in earlier} == {"ok"}


def test_answer_over_mcp_opens_page_of_quote(library, checker):
    history = History(library.store.database)
    answer = asyncio.run(Engine(library, checker, history).answer(QUESTION))
    made = format_answer(answer, "http://t/")
    assert made["claims"][0]["citations"][0]["url"] == f"{URL}#page=3"
    text = format_answer_text(made)
    assert f"{URL}#page=3\n    “{SECOND}” (page 3)" in text and "#page=1" not in text


def test_verified_text_gives_page_of_quote(library, verifier):
    checked = asyncio.run(FactChecker(library, verifier).check_async(f"{FIRST} {SECOND}"))
    assert [claim.citations[0].page for claim in checked.claims] == [1, 3]


def test_page_begins_with_its_first_character(store):
    (evidence,) = with_pages(store, [shown(store)])
    at = evidence.passage.text.index(SECOND)
    assert [evidence.page_at(offset) for offset in (0, at - 1, at)] == [1, 1, 3]


def test_pages_of_another_version_are_not_used(store):
    before = shown(store)
    filled(store, pdf([column([FIRST, SECOND]), column(["It is closed."])]))
    assert with_pages(store, [before]) == (before,)


def test_evidence_without_pages_asks_no_store():
    class NoStore:
        def pages(self, ids):
            raise AssertionError("no passage has a page")

    text = shown(filled(Store("sqlite://"), PAPER))
    plain = replace(text, passage=replace(text.passage, page=None))
    assert with_pages(NoStore(), [plain]) == (plain,)
