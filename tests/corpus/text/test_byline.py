"""Authors and date in the line below a title."""

from __future__ import annotations

import pytest

from corpus.readers.markdown import read_markdown
from corpus.text.blocks import Block
from corpus.text.byline import read_byline, read_date_line


@pytest.mark.parametrize(
    ("line", "authors", "published"),
    [
        ("By Ada Byron and Mary Somerville, 5 May 1843", ("Ada Byron", "Mary Somerville"), "1843-05-05"),
        ("by Maria de la Cruz (2020-05-01)", ("Maria de la Cruz",), "2020-05-01"),
        ("Authors: A. B. Smith, C. Jones & D. Lee", ("A. B. Smith", "C. Jones", "D. Lee"), ""),
        ("Published on June 7, 1999", (), "1999-06-07"),
        ("森 一郎・川田 花 著、2001年2月3日", ("森 一郎", "川田 花"), "2001-02-03"),
        ("著者：ジョン・スミス", ("ジョン・スミス",), ""),
        ("By the river there is a mill.", (), ""),
        ("By Design", (), ""),
        ("By 2020", (), ""),
        ("名著", (), ""),
        ("By far the best, 3 June 2020", (), ""),
        ("We met on 3 June 2020.", (), ""),
    ],
)  # fmt: skip
def test_line_below_the_title(line: str, authors: tuple[str, ...], published: str) -> None:
    read = read_markdown(f"# Title\n\n{line}\n\nBy Another Person\n\nText.")
    if authors or published:
        assert (read.authors or ("Another Person",), read.published) == (
            authors or ("Another Person",),
            published,
        )
    else:
        assert (read.authors, read.published) == ((), "")


def test_front_matter_comes_before_the_line() -> None:
    read = read_markdown(
        "---\nauthor: Jo Ito\ndate: 2020-01-02\n---\n# T\n\nBy Ada Byron, 1843-05-05"
    )
    assert (read.authors, read.published) == (("Jo Ito",), "2020-01-02")


def test_line_without_a_title_or_below_another_heading_is_none() -> None:
    assert read_byline([Block("By Ada Byron")]) == ((), "")
    assert read_byline([Block("T", 1), Block("Part", 2), Block("By Ada Byron")]) == ((), "")


def test_date_alone_on_the_first_page() -> None:
    front = [Block("On Mills", page=1), Block("Ada Byron", page=1), Block("June 7, 1999", page=1)]
    assert read_date_line(front) == "1999-06-07"
    assert read_date_line([*front[:2], Block("Seen on June 7, 1999", page=1)]) == ""
    assert read_date_line([front[0], Block("Abstract", 1, 1), front[2]]) == ""
    assert read_date_line([front[0], Block("June 7, 1999", page=2)]) == ""
