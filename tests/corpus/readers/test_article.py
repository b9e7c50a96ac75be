"""One article in two languages: its title, author, date, and the papers that it links to."""

from __future__ import annotations

import re
from html import escape
from pathlib import Path

import pytest

from corpus.links import papers
from corpus.readers.extract import extract
from corpus.text.chunking import split_into_passages
from corpus.types import Source

TITLE = "2022年の深層学習ハイライト"
ARTICLE = [
    "2202.05263", "2205.15241", "2207.10551", "2208.09392", "2212.04356", "s41586-021-04357-7",
]  # fmt: skip


def english(shared: Path) -> str:
    return (shared / "corpus" / "article.en.md").read_text(encoding="utf-8")


def japanese(shared: Path) -> str:
    return (shared / "corpus" / "article.ja.txt").read_text(encoding="utf-8")


@pytest.mark.shared
def test_english_article_metadata_and_links(shared: Path) -> None:
    url = "https://hippocampus-garden.com/deep_learning_2022.md"
    document = extract(english(shared).encode(), Source("en", url))
    assert document.source.title == "Year in Review: Deep Learning in 2022"
    assert (document.source.published, document.source.language) == ("2023-01-17", "en")
    assert [paper.id for paper in papers(document.links)] == ARTICLE


@pytest.mark.shared
def test_japanese_article_saved_as_text(shared: Path) -> None:
    """The saved text has lost author, date, and all links but those that are written out."""
    text = japanese(shared)
    document = extract(text.encode(), Source("ja", "file:///article.ja.txt"))
    written = re.findall(r"arxiv\.org/abs/([\d.]+\d)", text)
    assert [paper.id for paper in papers(document.links)] == written
    assert written and [name for name in ARTICLE if name in written] == written
    assert (document.source.published, document.source.authors) == ("", ())
    assert document.source.language == "ja"


@pytest.mark.shared
def test_navigation_of_saved_page_is_in_no_passage(shared: Path) -> None:
    """Lines of the article are in passages; lines of the site's navigation are in none."""
    document = extract(japanese(shared).encode(), Source("ja", "file:///article.ja.txt"))
    lines = japanese(shared).split("\n")
    first, last = lines.index("はじめに"), lines.index("135", len(lines) // 2)
    pictures = {"ogp.jpg", "image.png"}
    own = [line for line in lines[first:last] if line.strip() and line not in pictures]
    site = [line for line in [*lines[:first], *lines[last:]] if line.strip() and line != TITLE]
    assert len(own) == 48 and len(site) == 23 and "  3. You can use dark theme" in site
    passages = split_into_passages(document)
    assert document.source.title == TITLE
    found = [line for passage in passages for line in passage.text.split("\n")]
    assert not {line.strip() for line in [*site, *pictures]} & {line.strip() for line in found}
    covered = "".join("".join(passage.text.split()) for passage in passages)
    assert [line for line in own if "".join(line.split()) not in covered] == []
    # Nothing else is in them, and nothing twice.
    assert sorted(covered) == sorted("".join("".join(own).split()))


@pytest.mark.shared
def test_both_languages_link_to_same_papers(shared: Path) -> None:
    """The Japanese page as a site would serve it: its saved text with the links put back."""
    found = papers(extract(english(shared).encode(), Source("en", "https://a.org/a.md")).links)
    text = japanese(shared)
    text = text[text.index("はじめに") : text.index("続けていきます。") + 8]
    titles = {
        "2202.05263": "Block-NeRF: Scalable Large Scene Neural View Synthesis",
        "2205.15241": "Multi-Game Decision Transformers",
        "2208.09392": "Cold Diffusion: Inverting Arbitrary Image Transforms Without Noise",
        "2212.04356": "Robust Speech Recognition via Large-Scale Weak Supervision",
        "s41586-021-04357-7": "Natureに掲載された論文",
    }
    content = "".join(f"<p>{escape(part.strip())}</p>\n" for part in text.split("\n\n"))
    content = content.replace("https://arxiv.org/abs/2207.10551", "")
    urls = {paper.id: paper.pdf or paper.url for paper in found}
    content = content.replace(
        "Scaling Laws vs Model", f'<a href="{urls["2207.10551"]}">Scaling Laws</a> vs Model', 1
    )
    for paper_id, title in titles.items():
        assert title in content
        content = content.replace(title, f'<a href="{urls[paper_id]}">{title}</a>', 1)
    page = (
        f'<!doctype html><html lang="ja"><head><title>{TITLE} - Qiita</title>'
        '<meta name="author" content="Shion Honda">'
        '<meta property="article:published_time" content="2023-02-10T09:00:00+09:00"></head>'
        '<body><header><a href="https://arxiv.org/abs/1706.03762">人気の記事</a></header><main>'
        f"<article><h1>{TITLE}</h1>{content}</article></main>"
        '<aside><a href="https://arxiv.org/abs/2005.14165">関連</a></aside></body></html>'
    )
    document = extract(page.encode(), Source("ja", "https://b.org/items/1"), "text/html")
    assert papers(document.links) == found
    source = document.source
    assert (source.title, source.authors) == (TITLE, ("Shion Honda",))
    assert (source.published, source.language) == ("2023-02-10", "ja")
    assert "人気の記事" not in document.text and "68万時間" in document.text
