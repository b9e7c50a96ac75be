"""Authors, venue and date between the title of a paper and its abstract."""

import pytest

from corpus.readers.markdown import read_markdown
from corpus.text.title_block import TitleBlock, read_title_block


def read(front: str, then: str = "## Abstract") -> TitleBlock:
    return read_title_block(read_markdown(f"# A title\n\n{front}\n\n{then}\n\nWe did it.").blocks)


@pytest.mark.parametrize(
    ("front", "authors", "venue", "published"),
    [
        (
            "Ada Byron, Charles Babbage\n\nProceedings of the 3rd Workshop on Engines, London, 5 May 1943",
            ("Ada Byron", "Charles Babbage"),
            "Proceedings of the 3rd Workshop on Engines, London, 5 May 1943",
            "1943-05-05",
        ),
        (
            "Ada Byron and Charles Babbage\n\n*Journal of Engines* 14(2), March 1943. Licence: CC BY 4.0.",
            ("Ada Byron", "Charles Babbage"),
            "Journal of Engines 14(2), March 1943",
            "1943-03",
        ),
        ("Ada Byron¹, Charles Babbage²\n\n¹ University of Kent", ("Ada Byron", "Charles Babbage"), "", ""),
        ("Ada Byron, Kent Engine Society\n\n1943", ("Ada Byron",), "", ""),
        (
            "榎並千歳(南沢工芸短期大学)、戸倉周平(戸倉測量事務所)\n\n地域歩行研究 第8巻第1号 2020年6月",
            ("榎並千歳", "戸倉周平"),
            "地域歩行研究 第8巻第1号 2020年6月",
            "2020-06",
        ),
        ("Ada Byron, Natural History Museum, London\n\nMay 1943", ("Ada Byron",), "", "1943-05"),
        ("Ada Byron, University of Kent, Canterbury, UK\n\nVersion of 1943", ("Ada Byron",), "", ""),
        ("We built an engine in May 1943.", (), "", ""),
        ("[Build Status](https://a.org) [Code Coverage](https://b.org) Docs", (), "", ""),
    ],
)  # fmt: skip
def test_title_block_of_a_paper(front, authors, venue, published) -> None:
    assert read(front) == TitleBlock(authors, venue, published)


@pytest.mark.parametrize("then", ["### Abstract", "**Abstract.** We did it.", "## 要旨"])
def test_abstract_may_be_a_heading_or_begin_a_paragraph(then) -> None:
    assert read("Ada Byron", then).authors == ("Ada Byron",)


@pytest.mark.parametrize(
    ("front", "then"),
    [
        ("Ada Byron", "## What we did"),  # a post
        ("Ada Byron", "We did it."),
        ("It landed on July 20, 1969.", "## Introduction"),
        ("Getting Started", "## Summary"),
        ("Ada Byron\n\n" + "It is a long story. " * 20, "## Abstract"),
        ("\n\n".join(["Ada Byron"] * 7), "## Abstract"),
    ],
)
def test_nothing_is_read_where_it_is_no_paper(front, then) -> None:
    assert read(front, then) == TitleBlock()


def test_markdown_has_what_is_printed_and_front_matter_goes_before_it() -> None:
    text = "# A title\n\nAda Byron\n\n*Annals of Engines*, 1943\n\n## Abstract\n\nWe did it.\n"
    found = read_markdown(text)
    assert (found.authors, found.venue) == (("Ada Byron",), "Annals of Engines, 1943")
    assert found.published == "1943"
    found = read_markdown(f"---\nauthor: Mary Somerville\ndate: 1950-01-02\n---\n{text}")
    assert (found.authors, found.published) == (("Mary Somerville",), "1950-01-02")
