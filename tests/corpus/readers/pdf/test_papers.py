"""Four real papers in ../shared: what is read from them, against their printed pages."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from functools import cache
from pathlib import Path

import pytest

from corpus.readers.extract import extract
from corpus.store.store import Store
from corpus.text.chunking import split_into_passages
from corpus.types import Document, Source
from index.ingestion.report import IngestProgress
from index.ingestion.sync import sync
from index.search import Library
from index.storage.local_index import LocalIndex
from tests.support.paths import CACHE, DATA, SHARED

PDFS = SHARED / "pdfs"
pytestmark = pytest.mark.shared

PAPERS = {
    "ALCE.pdf": (
        "Enabling Large Language Models to Generate Text with Citations",
        "Tianyu Gao, Howard Yen, Jiatong Yu, Danqi Chen",
        "Abstract | 1 Introduction | 2 Task Setup and Datasets | 3 Automatic Evaluation"
        " | 4 Modeling | 5 Experiments | 6 Human Evaluation | 7 Related Work | 8 Conclusion"
        " | Limitation | Acknowledgments | References | A Generating Claims for ELI5"
        " | B Implementation Details | C ALCE Catches Shortcut Cases"
        " | D Citation Recall Discussion | E Human Evaluation | F More Experiments | G Prompts"
        " | H Examples",
        range(12, 14),
    ),
    "react_paper.pdf": (
        "ReAct: Synergizing Reasoning and Acting in Language Models",
        "Shunyu Yao, Jeffrey Zhao, Dian Yu, Nan Du, Izhak Shafran, Karthik Narasimhan, Yuan Cao",
        "Abstract | 1 Introduction | 2 ReAct: Synergizing Reasoning + Acting"
        " | 3 Knowledge-Intensive Reasoning Tasks | 4 Decision Making Tasks | 5 Related Work"
        " | 6 Conclusion | Acknowledgments | References | A Prompts | B Trajectories"
        " | C More Analysis | D HotpotQA Finetuning Details",
        range(11, 14),
    ),
    "pasa.pdf": (
        "PaSa: An LLM Agent for Comprehensive Academic Paper Search",
        "Yichen He, Guanhua Huang, Peiyuan Feng, Yuan Lin, Yuchen Zhang, Hang Li, Weinan E",
        "Abstract | 1 Introduction | 2 Related Work | 3 Datasets | 4 Methodology | 5 Experiments"
        " | 6 Conclusion | References | A Implementation Details of the Crawler"
        " | B Implementation Details of the Selector | C Selector Test Dataset | D Dataset Examples"
        " | E Prompt Templates",
        range(10, 10),
    ),
    "2020.acl-main.447.pdf": (
        "S2ORC: The Semantic Scholar Open Research Corpus",
        "Kyle Lo, Lucy Lu Wang, Mark Neumann, Rodney Kinney, Daniel Weld",
        "Abstract | 1 Introduction | 2 Constructing the corpus | 3 The S2ORC dataset | 4 Evaluation"
        " | 5 Pretraining BERT on S2ORC | 6 Applications of S2ORC | 7 Related work | 8 Conclusion"
        " | Acknowledgements | References | A Background & Terminology | B PDF filters"
        " | C The paper clustering problem | D S2ORC evaluation criteria"
        " | E Training corpus sizes for other language models"
        " | F Numeric representations in S2ORC-SciBERT",
        range(10, 13),
    ),
}
"""For each file: title, authors, headings of level 1, pages with nothing but references."""


@cache
def paper(name: str) -> Document:
    return extract((PDFS / name).read_bytes(), Source(name, name, kind="paper"))


def folded(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("name", PAPERS)
def test_title_authors_and_section_headings_of_papers(name: str) -> None:
    title, authors, headings, _ = PAPERS[name]
    document = paper(name)
    assert document.source.title == title
    assert ", ".join(document.source.authors) == authors
    found = [section.heading for section in document.sections if section.level == 1]
    assert " | ".join(found) == headings


def test_printed_sentences_are_found_on_their_pages() -> None:
    """Sentences read from pictures of the pages, many of them across columns or pages.

    For copyright reasons, only their page, length and hash are stored.
    """
    wanted = json.loads((DATA / "paper_sentences.json").read_text())
    assert len(wanted) >= 100
    found = [sentence for sentence in wanted if _page_of(sentence) == sentence["page"]]
    assert len(found) >= 0.99 * len(wanted)


def _page_of(sentence: dict) -> int:
    """Return the page with a sentence of the given length and hash, or 0."""
    document, length = paper(sentence["file"]), sentence["characters"]
    text = folded(document.text)
    for start in (match.start() for match in re.finditer(r"\S+", text)):
        words = text[start : start + length]
        if hashlib.sha256(words.encode()).hexdigest() == sentence["sha256"]:
            before = [p for p in document.pages if len(folded(document.text[: p.start])) <= start]
            return before[-1].number
    return 0


@pytest.mark.parametrize("name", PAPERS)
def test_reference_list_makes_no_passages(name: str) -> None:
    document = paper(name)
    passages = split_into_passages(document)
    lists_only = PAPERS[name][3]
    assert not [passage for passage in passages if passage.page in lists_only]
    assert not [passage for passage in passages if "References" in passage.heading.split(" › ")]
    assert "References" in document.text  # the text and links of the reference list are kept
    last = document.sections[-1]
    assert any(
        passage.start >= last.start for passage in passages
    )  # and there are passages of the appendices
    if name != "react_paper.pdf":
        assert any("doi.org" in link.url or "arxiv.org" in link.url for link in document.links)


@pytest.mark.parametrize("name", PAPERS)
def test_running_heads_of_papers_are_left_out(name: str) -> None:
    text = paper(name).text
    first = text[: paper(name).pages[0].end]
    assert "Published as a conference paper" not in text
    assert "Proceedings of" not in first and "Association for Computational" not in first
    assert not re.search(r"(?m)^49\d\d$", text)
    for page in paper(name).pages:
        words = text[page.start : page.end].split()
        assert words[-1] != str(page.number)


def test_no_reference_entry_is_among_first_hits(tmp_path: Path, embedder) -> None:
    store = Store(f"sqlite:///{tmp_path / 'tenkyo.db'}")
    for name in PAPERS:
        store.put(paper(name), split_into_passages(paper(name)))
    folder = CACHE / f"papers-{store.revision()[:12]}"  # embedding takes a quarter of a minute
    for old in set(CACHE.glob("papers-*")) - {folder}:
        shutil.rmtree(old, ignore_errors=True)
    sync(store, embedder, folder, IngestProgress())
    library = Library(store, LocalIndex.open(folder, embedder.name), embedder)
    asked = [json.loads(line) for line in (DATA / "paper_questions.jsonl").read_text().splitlines()]
    assert len(asked) == 10
    answered = 0
    for question in asked:
        hits = library.search(question["question"], 5)
        assert len(hits) == 5
        for hit in hits:
            cited = next(s for s in paper(hit.source.url).sections if s.heading == "References")
            assert not cited.start <= hit.passage.start < cited.end
        places = {(hit.source.url, hit.passage.page) for hit in hits}
        answered += any((question["file"], page) in places for page in question["pages"])
    assert answered >= 9
