"""Summaries and comparisons without a model: verbatim sentences, and a remark that says so."""

from __future__ import annotations

import pytest

from corpus.readers.extract import extract
from corpus.store.store import Store
from corpus.text.chunking import split_into_passages
from corpus.types import Source
from service.catalogue.named_sources import named_sources
from service.catalogue.overview import Overview, overview
from service.catalogue.replies import describe
from service.catalogue.snapshot import read_catalogue
from service.messages import reader_message
from tests.support.catalogue_library import Put
from tests.support.paths import SHARED


def check_verbatim(shown: Overview) -> None:
    for draft in shown.drafts:
        (label,) = draft.labels
        assert draft.text in shown.evidence[label - 1].passage.text
    assert [e.label for e in shown.evidence] == list(range(1, len(shown.evidence) + 1))


def test_summary_is_the_abstract_without_orders_to_a_model(papers: Store) -> None:
    shown = overview(papers, [papers.source("react")], "en")
    assert [draft.text for draft in shown.drafts] == [
        "Models reason and act in turn, and each helps the other.",
        "In this paper, we propose ReAct, a way to interleave both.",
        "It beats either alone on two benchmarks of question answering.",
    ]
    assert shown.reason == (
        "Without a language model: the first sentences of the abstract of ReAct, word for word."
    )
    check_verbatim(shown)


def test_summary_without_an_abstract_is_the_lead(papers: Store) -> None:
    shown = overview(papers, [papers.source("honda")], "ja")
    assert [draft.text for draft in shown.drafts] == [
        "この年は画像の拡散モデルが広まりました。",
        "人が頼んだものを描きます。",
    ]
    assert shown.reason == (
        "言語モデルを使わず、「2022年の深層学習ハイライト」の最初の文をそのまま示します。"
    )
    assert "abstract" not in overview(papers, [papers.source("alce")], "en").reason


def test_comparison_shows_each_work(papers: Store) -> None:
    sources = [papers.source(id) for id in ("react", "digest")]
    shown = overview(papers, sources, "en")
    assert [shown.evidence[d.labels[0] - 1].source.id for d in shown.drafts] == [
        *["react"] * 3,
        *["digest"] * 2,
    ]
    assert "compare" in shown.reason and "ReAct and “Year in Review" in shown.reason
    assert "ReActと「Year in Review" in overview(papers, sources, "ja").reason
    check_verbatim(shown)


def test_digest_is_summed_up_by_what_its_work_is(store: Store, put: Put) -> None:
    about = "Comet is a system that translates letters. It was built for a small archive."
    source = put(
        "comet", f"# Publication\n\nThe Comet paper was posted on arXiv on 3 May 2021.\n\n"
        f"# What Comet is\n\n{about}", title="Learned Measures", kind="digest",
    )  # fmt: skip
    assert " ".join(draft.text for draft in overview(store, [source], "en").drafts) == about


def test_sentence_that_announces_the_contents_is_shown(store: Store, put: Put) -> None:
    source = put(
        "bread", "Many people bake at home these days. I had never asked myself why they do. What"
        " could be the reason for it? My oven is old and hard to heat. In this post I compare three"
        " ways to bake bread. Then I had a long rest.", title="Bread",
    )  # fmt: skip
    assert [draft.text for draft in overview(store, [source], "en").drafts] == [
        "Many people bake at home these days.",
        "I had never asked myself why they do.",
        "In this post I compare three ways to bake bread.",
    ]


def test_next_sections_are_summed_up_by_their_first_sentences(store: Store, put: Put) -> None:
    text = (
        "My oven is old and hard to heat. I bake bread in it every single week. It has a floor of old grey stone.\n\n# Heat\n\n"
        "It takes an hour to get hot enough. Then it stays so.\n\n# Comments\n\nThank you for this great post on ovens.\n\n# Again\n\n"
        "My oven is old and hard to heat.\n\n# Steam\n\nA pan of water on the"
        " floor gives the steam.\n\n# Cost\n\nA loaf costs me about two euros.\n\n# Verdict\n\n"
        "I would buy the same old oven again.\n\n# References\n\nA book on ovens has all of that in it."
    )
    source = put("oven", text, title="An old oven")
    shown = overview(store, [source], "en")
    assert [draft.text for draft in shown.drafts] == [
        "My oven is old and hard to heat.",
        "I bake bread in it every single week.",
        "It has a floor of old grey stone.",
        "It takes an hour to get hot enough.",
        "A pan of water on the floor gives the steam.",
    ]
    assert "and of some of its sections" in shown.reason
    check_verbatim(shown)
    beside = overview(store, [source, put("b", "Bread needs flour and time.", title="Bread")], "en")
    assert len(beside.drafts) == 4  # of each of several works only the first


def test_headings_bylines_and_tables_are_no_lead(store: Store, put: Put) -> None:
    put(
        "s",
        "Maps of Kanda\n\nAda Lovelace, Alan Turing, Grace Hopper, University of Kanda.\n\n"
        "Contact: ada@example.org for any question about this.\n\n"
        "Figure 1: The maps that lie in the cellar of the old house.\n\n"
        "Year | Maps | Rooms. \n\nThe maps lie in the cellar of the house. They were drawn by hand"
        " in the year of the flood. Nobody had asked for them. A fourth sentence says no more.",
        title="Maps of Kanda",
    )
    shown = overview(store, [store.source("s")], "en")
    assert [draft.text for draft in shown.drafts] == [
        "The maps lie in the cellar of the house.",
        "They were drawn by hand in the year of the flood.",
        "Nobody had asked for them.",
    ]


def test_text_without_sentences_has_no_summary(store: Store, put: Put) -> None:
    put("s", "Year | Maps\n1900 | 12\n1901 | 13", title="Maps")
    shown = overview(store, [store.source("s")], "en")
    assert not shown.drafts and not shown.evidence
    assert shown.reason == "“Maps” has no sentences that could be shown as a summary."


def test_long_abstract_is_cut_at_five_sentences(store: Store, put: Put) -> None:
    said = " ".join(f"The map number {n} lies in the cellar of the house." for n in range(9))
    put("s", f"# 概要\n\n{said}\n\n# 結論\n\nThat is all that there is to say here.", title="Maps")
    assert len(overview(store, [store.source("s")], "en").drafts) == 5


@pytest.mark.shared
@pytest.mark.skipif(
    not (SHARED / "pdfs" / "react_paper.pdf").is_file(), reason="../shared/pdfs is absent"
)
def test_printed_paper_is_described_and_summarised(store: Store) -> None:
    data = (SHARED / "pdfs" / "react_paper.pdf").read_bytes()
    url = "upload:0123456789abcdef/react_paper.pdf"
    document = extract(data, Source("react", url, kind="upload"))
    store.put(document, split_into_passages(document))
    catalogue = read_catalogue(store)
    (named,) = named_sources("Who are the authors of the ReAct paper?", catalogue)
    fields = ("authors", "venue", "published")
    reply = describe(store, catalogue, [named.source], fields, "en")
    assert [claim.text for claim in reply.claims] == [
        "ReAct was written by Shunyu Yao, Jeffrey Zhao, Dian Yu, Nan Du, Izhak Shafran, Karthik"
        " Narasimhan, and Yuan Cao.",
        "ReAct is dated 27 November 2022.",
    ]
    assert "where ReAct was published: nothing was found on its first page" in reply.reason
    shown = overview(store, [named.source], "en")
    check_verbatim(shown)
    assert 3 <= len(shown.drafts) <= 5
    assert shown.drafts[0].text.startswith("While large language models (LLMs) have demonstrated")


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize(
    "name",
    [
        "overview_abstract",
        "overview_lead",
        "overview_sections",
        "overview_side_by_side",
        "compared",
    ],
)
def test_remark_is_true_where_a_reader_chose_quotes_though_a_model_is_connected(name, language):
    said = reader_message(name, language, "A", "B")
    assert "A" in said and "connected" not in said and "接続" not in said, said
    assert ("Without a language model" in said) if language == "en" else ("言語モデル" in said)
