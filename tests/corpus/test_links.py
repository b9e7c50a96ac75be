"""corpus.links: recognition of papers and canonical URLs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.links import bare_urls, canonical_url, meant_url, paper, papers
from corpus.types import Link


@pytest.mark.parametrize(
    ("url", "publisher", "id", "canonical"),
    [
        ("https://arxiv.org/abs/2202.05263", "arxiv", "2202.05263", "arxiv.org/abs/2202.05263"),
        ("http://www.arxiv.org/pdf/2202.05263v3.pdf", "arxiv", "2202.05263", "/abs/2202.05263"),
        ("https://arxiv.org/abs/cs/0601001v2", "arxiv", "cs/0601001", "/abs/cs/0601001"),
        ("https://arxiv.org/abs/math.GT/0309136", "arxiv", "math.GT/0309136", "/0309136"),
        ("https://huggingface.co/papers/2212.04356", "arxiv", "2212.04356", "/abs/2212.04356"),
        ("https://doi.org/10.48550/arXiv.2212.04356", "arxiv", "2212.04356", "/abs/2212.04356"),
        ("https://dx.doi.org/10.1145/ABC.1", "doi", "10.1145/abc.1", "https://doi.org/10.1145/"),
        ("https://dl.acm.org/doi/pdf/10.1145/3442188", "doi", "10.1145/3442188", "doi.org/10.1"),
        ("https://openreview.net/pdf?id=aB_-1", "openreview", "aB_-1", "/forum?id=aB_-1"),
        ("https://aclanthology.org/2020.acl-main.447.pdf", "acl", "2020.acl-main.447", "447/"),
        ("https://www.aclweb.org/anthology/P19-1001/", "acl", "P19-1001", "org/P19-1001/"),
        ("https://doi.org/10.18653/v1/p19-1001", "acl", "P19-1001", "org/P19-1001/"),
        ("https://doi.org/10.18653/V1/2020.acl-main.447", "acl", "2020.acl-main.447", "447/"),
        ("https://nature.com/articles/s41586-021-1#Sec2", "nature", "s41586-021-1", "s41586-021-1"),
        ("https://doi.org/10.1038/S41586-021-1", "nature", "s41586-021-1", "/articles/s41586"),
        ("https://ex.com/a/Paper.PDF?b=1", "pdf", "https://ex.com/a/Paper.PDF?b=1", "?b=1"),
    ],
)
def test_recognises_links_to_papers(url: str, publisher: str, id: str, canonical: str) -> None:
    found = paper(url)
    assert found is not None
    assert (found.publisher, found.id) == (publisher, id)
    assert canonical in found.url
    assert canonical_url(url) == found.url
    assert canonical_url(found.url) == found.url
    assert paper(found.url) == found


@pytest.mark.parametrize(
    "url",
    [
        "https://arxiv.org/list/cs.CL/recent",
        "https://huggingface.co/docs",
        "https://notarxiv.org/abs/2202.05263",
        "https://openreview.net/forum",
        "https://example.com/pdf",
        "mailto:a@b.org",
        "file:///a.pdf",
        "https://[::1/a.pdf",
        "https://ex.com:99999/a.pdf",
        "",
    ],
)
def test_other_links_are_not_papers(url: str) -> None:
    assert paper(url) is None


def test_papers_are_listed_once_in_order() -> None:
    urls = [
        "https://arxiv.org/pdf/2205.15241v2",
        "https://example.com/",
        "https://doi.org/10.1038/s41586-021-04357-7",
        "https://arxiv.org/abs/2205.15241",
        "https://www.nature.com/articles/s41586-021-04357-7",
        "https://arxiv.org/abs/2202.05263",
    ]
    found = papers(Link(url, "") for url in urls)
    assert [each.id for each in found] == ["2205.15241", "s41586-021-04357-7", "2202.05263"]
    assert found[0].pdf == "https://arxiv.org/pdf/2205.15241"


@pytest.mark.parametrize(
    ("url", "canonical"),
    [
        ("HTTPS://Ex.COM:443/A?utm_source=x&b=%20c&UTM_campaign=y#f", "https://ex.com/A?b=%20c"),
        ("http://ex.com:80", "http://ex.com/"),
        ("http://ex.com:8080/index.html", "http://ex.com:8080/"),
        ("https://ex.com/a/index.php?x=1", "https://ex.com/a/?x=1"),
        ("https://[2001:DB8::1]:443/", "https://[2001:db8::1]/"),
        ("notes/a.md", "notes/a.md"),
    ],
)
def test_canonical_url_normalises_spelling(url: str, canonical: str) -> None:
    assert canonical_url(url) == canonical


@given(st.text(max_size=40), st.sampled_from(["", "https://ex.com/", "https://arxiv.org/abs/"]))
def test_canonical_url_is_idempotent(text: str, prefix: str) -> None:
    once = canonical_url(prefix + text)
    assert canonical_url(once) == once


def test_bare_urls_exclude_trailing_punctuation() -> None:
    text = "論文はこちら（https://ex.com/a?b=1）。See https://ex.com/b, (http://ex.org/c.)"
    urls = [link.url for link in bare_urls(text)]
    assert urls == ["https://ex.com/a?b=1", "https://ex.com/b", "http://ex.org/c"]


@pytest.mark.parametrize(
    ("place", "url"),
    [
        ("example.org", "https://example.org"),
        ("www.example.org:8443/a.pdf?b=1#c", "https://www.example.org:8443/a.pdf?b=1#c"),
        ("Example.ORG/", "https://Example.ORG/"),
        ("日本語.jp", "https://日本語.jp"),
        ("xn--wgv71a119e.xn--p1ai", "https://xn--wgv71a119e.xn--p1ai"),
        ("paper.pdf", ""),
        ("notes.v2.md", ""),
        ("notes/a.md", ""),
        ("./example.org", ""),
        ("/example.org", ""),
        (".hidden.org", ""),
        ("a..org", ""),
        ("v1.2/a", ""),
        ("my folder.org", ""),
        ("example.org\n", ""),
        ("notes", ""),
        ("", ""),
    ],
)
def test_guesses_url_without_scheme(place: str, url: str) -> None:
    assert meant_url(place) == url
