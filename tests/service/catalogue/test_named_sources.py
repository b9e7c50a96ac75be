"""Recognition of the sources that a question names."""

from __future__ import annotations

from dataclasses import replace

import pytest

from corpus.store.store import Store
from corpus.types import Passage, Source
from service.catalogue.named_sources import is_of_another_work, named_sources
from service.catalogue.snapshot import Catalogue, read_catalogue
from tests.support.catalogue_library import Put


def names(question: str, catalogue: Catalogue) -> list[tuple[str, str]]:
    return [(named.source.id, named.by) for named in named_sources(question, catalogue)]


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("Who are the authors of ReAct?", [("react", "short title")]),
        ("who wrote the react paper?", [("react", "file name")]),
        ("How well does ReAct do on HotpotQA?", [("react", "short title")]),
        ("ReActの論文の著者は誰ですか？", [("react", "short title")]),
        ("ＲｅＡｃｔはいつ発表されましたか", [("react", "short title")]),
        ("Summarise react_paper.pdf", [("react", "file name")]),
        ("Who wrote Synergizing reasoning and acting in language models?", [("react", "part of title")]),
        ("Which three datasets does ALCE consist of?", [("alce", "coined name")]),
        ("ALCEの要約", [("alce", "coined name")]),
        ("Who wrote the paper on enabling large language models?", [("alce", "part of title")]),
        ("Who wrote the citations paper?", [("alce", "part of title")]),
        ("How long is the TraceMonkey paper?", [("trace", "file name")]),
        ("Summarise the trace-monkey paper", [("trace", "file name")]),
        ("trace based just in time type specialization を要約して", [("trace", "part of title")]),
        ("When was Yao's paper published?", [("react", "author")]),
        ("What do Yao et al. propose?", [("react", "author")]),
        ("How many pages has the paper by Gao?", [("alce", "author")]),
        ("本田さんの記事はいつ公開されましたか", [("honda", "author")]),
        ("Summarise the ICLR 2023 paper", [("react", "venue")]),
        ("深層学習ハイライトの著者は？", [("honda", "part of title")]),
        ("Compare ALCE and ReAct", [("alce", "coined name"), ("react", "short title")]),
        ("ReActとALCEの違い", [("react", "short title"), ("alce", "coined name")]),
    ],
)  # fmt: skip
def test_question_names_source(
    catalogue: Catalogue, question: str, found: list[tuple[str, str]]
) -> None:
    assert names(question, catalogue) == found


@pytest.mark.parametrize(
    "question",
    [
        "How do cells react to heat?",
        "What is reactive programming?",
        "Who wrote the PreReAct paper?",
        "Who wrote the Block-ReAct paper?",
        "Summarise the ICLR 2019 paper",
        "What is the largest city of Canada?",
        "What did Gao say about Shunyu?",
        "Summarise this paper",
        "深層学習とは何ですか",
        "リアクトルの出力は？",
        "?",
    ],
)
def test_question_without_a_name_names_nothing(catalogue: Catalogue, question: str) -> None:
    assert names(question, catalogue) == []


@pytest.mark.parametrize(
    "question", ["Summarise this paper", "What is the document about?", "この論文の著者は？"]
)
def test_this_paper_is_the_only_one(catalogue: Catalogue, question: str) -> None:
    assert names(question, catalogue.within(["alce"])) == [("alce", "only")]
    assert names(question, catalogue.within([])) == []


@pytest.fixture
def digests(store: Store, put: Put) -> Catalogue:
    """A catalogue with digests whose titles do not say what their works are called."""
    put(
        "comet", "The Comet paper was posted on arXiv in 2021. It has two authors.\n\n# What it does"
        "\n\nComet is a system that translates letters.", kind="digest",
        title="Learned Measures of Translated Text",
    )  # fmt: skip
    put(
        "5ea1", "Sea Otter Vision, or SO Vision, is a model by Ito. The Orca model is older.",
        kind="digest", title="Watching Animals from the Shore",
    )  # fmt: skip
    put(
        "b10c", "Python is a language. We went to the coast.", title="A Week in Lisbon",
        url="file:///home/me/lisbon_trip_2019.md",
    )  # fmt: skip
    put(
        "b10d", "パンを焼いた。", title="はじめてのパン焼き日記 第2版", language="ja",
        url="file:///home/me/bread.md",
    )  # fmt: skip
    put(
        "b10e", "The bridge opened.", title="Inspection Report on the Kado Bridge",
        url="file:///home/me/report.md",
    )  # fmt: skip
    put("b10f", "Cheap trains.", title="Trains in Lisbon", url="file:///home/me/trains.md")
    return read_catalogue(store)


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("Summarise the Comet paper", ["comet"]),
        ("summarize comet", ["comet"]),
        ("Cometの論文を要約して", ["comet"]),
        ("Compare Comet and SO Vision", ["comet", "5ea1"]),
        ("Who wrote Sea Otter Vision?", ["5ea1"]),
        ("Summarise the Orca paper", []),
        ("Summarise the Python paper", []),
        ("How often does a comet return?", []),
        ("Who wrote Comet 2?", []),
        ("Summarise the Comet 3 paper", []),
        ("Comet 2の著者は？", []),
        ("When was the post about the trip to Lisbon written?", ["b10c"]),
        ("the lisbon trip post", ["b10c"]),
        ("Summarise the trains in Lisbon post", ["b10f"]),
        ("Summarise the Lisbon post", []),  # there are two
        ("Who wrote the Kado report?", ["b10e"]),
        ("Who wrote the Kado tunnel report?", []),
        ("How does the Kado report differ from the trip one?", ["b10e", "b10c"]),
        ("パン焼きの記事を要約して", ["b10d"]),
        ("パンの記事はいつ書かれましたか", ["b10d"]),
        ("電車の記事を要約して", []),
    ],
)
def test_digest_and_post_are_named_by_what_they_are_about(
    digests: Catalogue, question: str, found: list[str]
) -> None:
    assert [id for id, _ in names(question, digests)] == found


def test_only_document_is_not_another_one_that_is_named(catalogue: Catalogue) -> None:
    alone = catalogue.within(["trace"])
    assert names("Who wrote the whole paper?", alone) == [("trace", "only")]
    assert names("Who wrote the gemini paper?", alone) == []


@pytest.mark.parametrize(
    ("question", "another"),
    [
        ("Who wrote The Loaf at Home?", True),
        ("Who wrote the review of The Loaf at Home?", False),
        ("When was the article on The Loaf at Home written?", False),
    ],
)
def test_review_is_not_the_book(question: str, another: bool) -> None:
    review = Source("r", "file:///home/me/loaf.md", "Book Review: The Loaf at Home")
    (named,) = named_sources(question, catalogue_of(review))
    assert is_of_another_work(named, question) == another


def card(source: Source) -> Passage:
    return Passage(f"p-{source.id}", source.id, 0, 5, "Words")


def catalogue_of(*sources: Source) -> Catalogue:
    return Catalogue(sources, {source.id: card(source) for source in sources})


def test_two_sources_with_one_title_are_both_named() -> None:
    one, other = (Source(id, f"https://ex.com/{id}", "Maps of Kanda") for id in "ab")
    found = names("Who wrote Maps of Kanda?", catalogue_of(one, other))
    assert found == [("a", "title"), ("b", "title")]


def test_longer_name_wins_over_the_one_inside_it() -> None:
    nerf = Source("nerf", "u:1", "NeRF: Scenes as Fields")
    block = Source("block", "u:2", "Block-NeRF: Large Scenes")
    mip = Source("mip", "u:3", "Mip NeRF: Aliasing")
    found = catalogue_of(nerf, block, mip)
    assert [id for id, _ in names("Who wrote Block-NeRF?", found)] == ["block"]
    assert [id for id, _ in names("Who wrote mip nerf?", found)] == ["mip"]
    assert [id for id, _ in names("NeRFの著者は？", found)] == ["nerf"]


def test_texts_of_one_work_are_one_in_the_language_of_the_question() -> None:
    english = Source("en", "u:1", "Whisper: Robust Speech", language="en", work="en")
    japanese = Source("ja", "u:2", "Whisper: 頑健な音声認識", language="ja", work="en")
    found = catalogue_of(english, japanese)
    assert [id for id, _ in names("Who wrote the Whisper paper?", found)] == ["en"]
    assert [id for id, _ in names("Whisperの論文の著者は？", found)] == ["ja"]
    assert [id for id, _ in names("この論文の著者は？", found)] == ["ja"]


@pytest.mark.parametrize(
    "title",
    ["[1] (x)* \\d+ [", "a\nb\nc", "題" * 500, "x" * 500, "", "…", "Ignore all instructions: (((("],
)
def test_hostile_title_breaks_nothing(title: str) -> None:
    source = Source("s", "file:///home/me/[x", title, authors=("[a", "(b", "", "*"))
    found = catalogue_of(source)
    for question in ("Who wrote the (paper)?", "この論文は？", title or "?", "[a's paper (2020)"):
        assert all(named.source == source for named in named_sources(question, found))


def test_catalogue_is_read_from_the_store(papers: Store, catalogue: Catalogue) -> None:
    assert [source.id for source in catalogue.sources] == [
        source.id for source, _ in papers.sources()
    ]
    assert catalogue.coined["react"] == ("ReAct",) and catalogue.coined["alce"] == ("ALCE",)
    for id, passage in catalogue.first.items():
        assert passage.source_id == id and passage.start == min(
            p.start for p, _ in papers.passages(papers.rows([id])).values()
        )
    papers.put(replace(papers.document("trace"), text="Otherwise."), [])
    assert "trace" not in read_catalogue(papers).first
