"""What somebody new sees first: a question about the text that ships whole, and its author's words."""

import asyncio
import shutil
from pathlib import Path

import pytest

from corpus.library.catalogue import entries, suggestions
from corpus.store.store import Store
from index.ingestion.ingest import Ingestion
from index.ingestion.report import IngestProgress
from index.ingestion.work_linking import update_index
from index.search import Library
from index.storage.local_index import LocalIndex
from service.answering.engine import Engine
from service.answering.suggestions import Suggestions
from service.conversations.bibtex import bibtex
from service.conversations.markdown import markdown
from service.conversations.store import History

pytestmark = [pytest.mark.model, pytest.mark.process]


@pytest.fixture(scope="module")
def engine(tmp_path_factory, library_folder, embedder, checker, offline) -> Engine:
    """Over the library that `tenkyo ingest` makes without a network."""
    folder = tmp_path_factory.mktemp("whole") / "data"
    data = Path(shutil.copytree(library_folder, folder))
    store = Store(f"sqlite:///{data / 'tenkyo.db'}")
    with Ingestion(store) as ingestion:
        asyncio.run(ingestion.library([e for e in entries() if e.text_path], offline))
    update_index(store, embedder, data / "index", IngestProgress())
    index = LocalIndex.open(data / "index", embedder.name)
    return Engine(Library(store, index, embedder), checker, History(store.database))


@pytest.mark.timeout(300)
@pytest.mark.parametrize("language", ["en", "ja"])
def test_first_answer_quotes_the_author(engine: Engine, language: str) -> None:
    first, *_ = Suggestions(engine).examples(language)
    assert first == getattr(suggestions()[0], language)
    answer = asyncio.run(engine.answer(first, mode="quoted"))
    claim = answer.claims[0]
    citation = claim.citations[0]
    assert citation.source_id == "article-en" and claim.answers and claim.answers.holds
    assert "it is easy to expand the scene and update specific sub-scenes" in citation.quote
    text = engine.library.store.document("article-en").text
    assert text[citation.start : citation.end] == citation.quote

    (source,) = {e.source for e in answer.evidence if e.source.id == "article-en"}
    assert (source.kind, source.authors, source.licence) == (
        "article",
        ("Shion Honda",),
        "CC BY 4.0",
    )
    (made,) = engine.history.conversation(answer.conversation_id)
    (footnote, *_) = (
        line
        for line in markdown("T", [made]).splitlines()
        if line.startswith("[^") and "expand" in line
    )
    for known in ("Shion Honda", "2023-01-17", "CC BY 4.0", "<https://hippocampus-garden.com/deep"):
        assert known in footnote
    entry = bibtex([made])
    assert "author = {Shion Honda}" in entry and "copyright = {CC BY 4.0}" in entry
