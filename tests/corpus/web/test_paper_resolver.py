"""corpus.web.paper_resolver: metadata of a paper from landing pages and DOI registries."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from corpus.web.paper_resolver import read_csl, read_page
from corpus.web.response import Fetched


def page(head: str, url: str = "https://ex.com/dir/page") -> Fetched:
    return Fetched(url, "text/html", f"<html><head>{head}</head><body></body></html>".encode())


def test_reads_metadata_of_landing_page() -> None:
    found = read_page(
        page(
            '<meta name="citation_title" content="Maps &amp; more">'
            '<meta name="CITATION_AUTHOR" content="Kanda, Ada">'
            '<meta name="citation_author" content="Bo Lee">'
            '<meta name="citation_conference_title" content="MapConf">'
            '<meta name="citation_date" content="2022/3/1">'
            '<meta name="citation_pdf_url" content="../maps.pdf">'
        )
    )
    assert (found.title, found.authors) == ("Maps & more", ("Ada Kanda", "Bo Lee"))
    assert (found.venue, found.published) == ("MapConf", "2022-03-01")
    assert found.pdf == "https://ex.com/maps.pdf"
    for head in ("<title>Log in</title>", '<meta property="og:title" content="Log in">'):
        assert read_page(page(head)) == read_page(Fetched("u", "", b""))
    odd = (
        '<meta name="citation_title" content="T"><meta name="citation_pdf_url" content="http://[">'
    )
    assert read_page(page(odd)).pdf == ""


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from("title author issued link given family date-parts URL".split()),
                inner,
            )
        ),
    )
)
def test_registry_may_send_any_json(data: Any) -> None:
    found = read_csl(data if isinstance(data, dict) else {"title": data, "author": data})
    assert isinstance(found.title, str) and all(isinstance(name, str) for name in found.authors)
