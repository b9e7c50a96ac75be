"""corpus.saved: plain text, and pages saved as text; and what an article in two languages says."""

from __future__ import annotations

import re
from html import escape
from pathlib import Path

import pytest

from corpus.extract import extract
from corpus.links import papers
from corpus.saved import read_text
from corpus.types import Source

ARTICLE = [
    "2202.05263", "2205.15241", "2207.10551", "2208.09392", "2212.04356", "s41586-021-04357-7",
]  # fmt: skip


def body(text: str) -> str:
    return read_text(text).blocks[-1].text


@pytest.mark.parametrize(
    "text",
    [
        "One line.",
        "",
        "Minutes\n\nPosted at the door\n\nWe met.",
        "Posted at\n\nNothing stands above it.",
        "A title\n\nPosted at 2023-01-01\n\nNothing but a title stands above it.",
        f"12\n34\n\n{'A paragraph, and not a button. ' * 9}\n\nPosted on 2023-01-01\n\nMore.",
    ],
)
def test_any_other_text_is_taken_as_it_is(text: str) -> None:
    draft = read_text(text)
    assert [block.text for block in draft.blocks] == [text]
    assert (draft.title, draft.published) == ("", "")


@pytest.mark.parametrize(
    ("dates", "published"),
    [
        ("Posted at", ""),
        ("Posted at 2023-02-10", "2023-02-10"),
        ("Last updated on 2023/2/10", "2023-02-10"),
        ("投稿日 2023年02月10日", "2023-02-10"),
        ("最終更新日：2023-02-10", "2023-02-10"),
    ],
)
def test_a_saved_page_is_read_from_its_title_to_its_end(dates: str, published: str) -> None:
    page = f"12\r\n34\r\n\r\nDelete\r\n\r\nA title\r\n\r\n{dates}\r\n\r\nSee https://ex.com/a.\r\n12\r\n35\r\n\r\n12\r\n34\r\nSign up: https://ex.com/b"
    draft = read_text(page)
    assert (draft.title, draft.published) == ("A title", published)
    assert [(block.text.strip(), block.level) for block in draft.blocks] == [
        ("A title", 1),
        ("See https://ex.com/a.\n12\n35", 0),  # not quite the counters
    ]
    assert [link.url for link in draft.links] == ["https://ex.com/a"]


def english(shared: Path) -> str:
    return (shared / "corpus" / "article.en.md").read_text(encoding="utf-8")


def japanese(shared: Path) -> str:
    return (shared / "corpus" / "article.ja.txt").read_text(encoding="utf-8")


@pytest.mark.shared
def test_the_article_in_english(shared: Path) -> None:
    url = "https://hippocampus-garden.com/deep_learning_2022.md"
    document = extract(english(shared).encode(), Source("en", url))
    assert document.source.title == "Year in Review: Deep Learning in 2022"
    assert (document.source.published, document.source.language) == ("2023-01-17", "en")
    assert [paper.id for paper in papers(document.links)] == ARTICLE


@pytest.mark.shared
def test_the_article_as_it_was_saved_in_japanese(shared: Path) -> None:
    """Saving it as text lost all links but those that are written out, the author and the day."""
    text = japanese(shared)
    draft = read_text(text)
    assert draft.title == "2022年の深層学習ハイライト"
    assert (draft.published, draft.authors) == ("", ())
    written = re.findall(r"arxiv\.org/abs/([\d.]+\d)", text)
    assert [paper.id for paper in papers(draft.links)] == written
    assert [paper_id for paper_id in ARTICLE if paper_id in written] == written
    article = body(text)
    assert article.strip().startswith("ogp.jpg") and "68万時間" in article
    assert article.strip().endswith("続けていきます。")
    for furniture in ("Delete article", "135", "Register as a new user", "More than 1 year"):
        assert furniture in text and furniture not in article


@pytest.mark.shared
def test_both_languages_link_to_the_same_papers(shared: Path) -> None:
    """The Japanese page as a site serves it: its saved text, with the links put back in."""
    found = papers(extract(english(shared).encode(), Source("en", "https://a.org/a.md")).links)
    draft = read_text(japanese(shared))
    titles = {
        "2202.05263": "Block-NeRF: Scalable Large Scene Neural View Synthesis",
        "2205.15241": "Multi-Game Decision Transformers",
        "2208.09392": "Cold Diffusion: Inverting Arbitrary Image Transforms Without Noise",
        "2212.04356": "Robust Speech Recognition via Large-Scale Weak Supervision",
        "s41586-021-04357-7": "Natureに掲載された論文",
    }
    content = "".join(
        f"<p>{escape(part.strip())}</p>\n" for part in draft.blocks[-1].text.split("\n\n")
    )
    content = content.replace("https://arxiv.org/abs/2207.10551", "")
    urls = {paper.id: paper.pdf or paper.url for paper in found}
    content = content.replace(
        "Scaling Laws vs Model", f'<a href="{urls["2207.10551"]}">Scaling Laws</a> vs Model', 1
    )
    for paper_id, title in titles.items():
        assert title in content
        content = content.replace(title, f'<a href="{urls[paper_id]}">{title}</a>', 1)
    page = (
        f'<!doctype html><html lang="ja"><head><title>{draft.title} - Qiita</title>'
        '<meta name="author" content="Shion Honda">'
        '<meta property="article:published_time" content="2023-02-10T09:00:00+09:00"></head>'
        '<body><header><a href="https://arxiv.org/abs/1706.03762">人気の記事</a></header><main>'
        f"<article><h1>{draft.title}</h1>{content}</article></main>"
        '<aside><a href="https://arxiv.org/abs/2005.14165">関連</a></aside></body></html>'
    )
    document = extract(page.encode(), Source("ja", "https://b.org/items/1"), "text/html")
    assert papers(document.links) == found
    source = document.source
    assert (source.title, source.authors) == ("2022年の深層学習ハイライト", ("Shion Honda",))
    assert (source.published, source.language) == ("2023-02-10", "ja")
    assert "Delete article" not in document.text
