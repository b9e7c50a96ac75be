"""corpus.cache and corpus.papers, each by itself."""

from __future__ import annotations

import json
import logging
import os
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.cache import Cache
from corpus.papers import read_csl, read_page
from corpus.response import Fetched

# The cache

PAGE = Fetched("https://ex.com/b", "text/html", b"hello", '"v1"', "Tue, 01 Mar 2022 10:00:00 GMT")
URL = "https://ex.com/../a?b=1"


def test_what_is_kept_comes_back_with_its_particulars(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "fetched")
    assert cache.get(URL) is None
    cache.put(URL, PAGE)
    assert Cache(tmp_path / "fetched").get(URL) == PAGE
    line = json.loads(next(cache.folder.glob("*.json")).read_text())
    assert line["url"] == URL and line["final_url"] == PAGE.url and line["fetched_at"]
    assert len(line["sha256"]) == 64 and line["content_type"] == "text/html"
    later = Fetched("https://ex.com/b", "text/plain", b"hello again")
    cache.put(URL, later)
    assert cache.get(URL) == later and len(list(cache.folder.iterdir())) == 2


@pytest.mark.parametrize("suffix", ["", ".json"])
@pytest.mark.parametrize(
    "damage",
    [b"", b"damaged", b"null", b"[]", b"{}", b'{"url": 1}', b"\xff", b"[" * 100_000, None],
)
def test_a_damaged_entry_is_dropped(tmp_path: Path, suffix: str, damage: bytes | None) -> None:
    cache = Cache(tmp_path)
    cache.put(URL, PAGE)
    cache.put("https://ex.com/other", PAGE)
    (data,) = (p for p in tmp_path.glob("*.json") if json.loads(p.read_text())["url"] == URL)
    path = data if suffix else data.with_suffix("")
    path.unlink() if damage is None else path.write_bytes(damage)
    assert cache.get(URL) is None
    assert len(list(tmp_path.iterdir())) == 2
    assert cache.get("https://ex.com/other") == PAGE


@pytest.mark.parametrize("said", ["no-store", "private, No-Store ,max-age=0", "no-store=x"])
def test_what_a_server_wants_kept_by_nobody_is_not(tmp_path: Path, said: str) -> None:
    cache = Cache(tmp_path)
    for kept in ("", "no-cache, private", "max-age=60"):
        cache.put(URL, replace(PAGE, cache_control=kept))
        assert cache.get(URL) == PAGE
    cache.put(URL, replace(PAGE, data=b"later", cache_control=said))
    assert cache.get(URL) is None and not list(tmp_path.iterdir())


def test_the_entry_of_one_address_is_not_that_of_another(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.put(URL, PAGE)
    for path in list(tmp_path.iterdir()):
        name = path.name.replace(path.name[:64], Cache(tmp_path)._paths("https://ex.com/")[0].name)
        path.rename(tmp_path / name)
    assert cache.get("https://ex.com/") is None


def test_the_oldest_make_room(tmp_path: Path) -> None:
    cache = Cache(tmp_path, max_bytes=10_000)
    generator = random.Random(1)
    for i in range(8):
        cache.put(f"https://ex.com/{i}", Fetched("u", "", generator.randbytes(2000)))
        for path in tmp_path.iterdir():  # all is a minute older
            seconds = path.stat().st_mtime - 60
            os.utime(path, (seconds, seconds))
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 10_000
    kept = [i for i in range(8) if cache.get(f"https://ex.com/{i}")]
    assert kept == [4, 5, 6, 7]
    cache.put("https://ex.com/large", Fetched("u", "", b"x" * 10_001))
    assert cache.get("https://ex.com/large") is None
    assert [i for i in range(8) if cache.get(f"https://ex.com/{i}")] == kept


def test_a_folder_that_cannot_be_written_costs_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    cache = Cache(tmp_path / "file")
    with caplog.at_level(logging.WARNING):
        cache.put(URL, PAGE)
        assert cache.get(URL) is None
    assert "cannot keep" in caplog.text


# What is said of a paper


def page(head: str, url: str = "https://ex.com/dir/page") -> Fetched:
    return Fetched(url, "text/html", f"<html><head>{head}</head><body></body></html>".encode())


def test_a_landing_page_says_what_it_says() -> None:
    said = read_page(
        page(
            '<meta name="citation_title" content="Maps &amp; more">'
            '<meta name="CITATION_AUTHOR" content="Kanda, Ada">'
            '<meta name="citation_author" content="Bo Lee">'
            '<meta name="citation_conference_title" content="MapConf">'
            '<meta name="citation_date" content="2022/3/1">'
            '<meta name="citation_pdf_url" content="../maps.pdf">'
        )
    )
    assert (said.title, said.authors) == ("Maps & more", ("Ada Kanda", "Bo Lee"))
    assert (said.venue, said.published) == ("MapConf", "2022-03-01")
    assert said.pdf == "https://ex.com/maps.pdf"
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
def test_any_json_may_come_from_a_registry(data: Any) -> None:
    said = read_csl(data if isinstance(data, dict) else {"title": data, "author": data})
    assert isinstance(said.title, str) and all(isinstance(name, str) for name in said.authors)
