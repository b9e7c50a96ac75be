"""corpus.web.http_cache: storing, damage, eviction and `no-store`."""

from __future__ import annotations

import json
import logging
import os
import random
from dataclasses import replace
from pathlib import Path

import pytest

from corpus.web.http_cache import HttpCache
from corpus.web.response import Fetched

PAGE = Fetched("https://ex.com/b", "text/html", b"hello", '"v1"', "Tue, 01 Mar 2022 10:00:00 GMT")
URL = "https://ex.com/../a?b=1"


def test_cache_returns_stored_document_with_headers(tmp_path: Path) -> None:
    cache = HttpCache(tmp_path / "fetched")
    assert cache.get(URL) is None
    cache.put(URL, PAGE)
    assert HttpCache(tmp_path / "fetched").get(URL) == PAGE
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
def test_damaged_entry_is_removed(tmp_path: Path, suffix: str, damage: bytes | None) -> None:
    cache = HttpCache(tmp_path)
    cache.put(URL, PAGE)
    cache.put("https://ex.com/other", PAGE)
    (data,) = (p for p in tmp_path.glob("*.json") if json.loads(p.read_text())["url"] == URL)
    path = data if suffix else data.with_suffix("")
    path.unlink() if damage is None else path.write_bytes(damage)
    assert cache.get(URL) is None
    assert len(list(tmp_path.iterdir())) == 2
    assert cache.get("https://ex.com/other") == PAGE


@pytest.mark.parametrize("header", ["no-store", "private, No-Store ,max-age=0", "no-store=x"])
def test_no_store_response_is_not_cached(tmp_path: Path, header: str) -> None:
    cache = HttpCache(tmp_path)
    for kept in ("", "no-cache, private", "max-age=60"):
        cache.put(URL, replace(PAGE, cache_control=kept))
        assert cache.get(URL) == PAGE
    cache.put(URL, replace(PAGE, data=b"later", cache_control=header))
    assert cache.get(URL) is None and not list(tmp_path.iterdir())


def test_entry_is_returned_for_its_own_url_only(tmp_path: Path) -> None:
    cache = HttpCache(tmp_path)
    cache.put(URL, PAGE)
    for path in list(tmp_path.iterdir()):
        name = path.name.replace(
            path.name[:64], HttpCache(tmp_path)._paths("https://ex.com/")[0].name
        )
        path.rename(tmp_path / name)
    assert cache.get("https://ex.com/") is None


def test_oldest_entries_are_evicted(tmp_path: Path) -> None:
    cache = HttpCache(tmp_path, max_bytes=10_000)
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


def test_unwritable_folder_logs_warning_only(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    cache = HttpCache(tmp_path / "file")
    with caplog.at_level(logging.WARNING):
        cache.put(URL, PAGE)
        assert cache.get(URL) is None
    assert "cannot store" in caplog.text
