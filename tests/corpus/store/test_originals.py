"""Tests of where the original files of sources are, and of the folder of those that were fetched."""

from __future__ import annotations

import os
from pathlib import Path

from corpus.store.originals import OriginalStore, find_original, is_pdf
from corpus.store.uploads import Upload, UploadStore
from corpus.types import Source

PDF = b"%PDF-1.4\n" + b"x" * 1000
PAPER = Source("paper", "https://ex.org/a.pdf", version="v1")


def test_fetched_pdf_is_kept_for_each_version(tmp_path: Path) -> None:
    kept = OriginalStore(tmp_path / "originals", 10_000)
    assert kept.find(PAPER) is None
    kept.keep(PAPER, PDF)
    later = Source("paper", PAPER.url, version="v2")
    kept.keep(later, PDF + b"y")
    assert kept.find(PAPER).read_bytes() == PDF
    assert kept.find(later).read_bytes() == PDF + b"y"
    assert find_original(PAPER, UploadStore(tmp_path), kept) == kept.find(PAPER)
    kept.forget("paper")
    assert kept.find(PAPER) is None and kept.find(later) is None
    kept.forget("never there")


def test_only_pdfs_within_limit_are_kept(tmp_path: Path) -> None:
    kept = OriginalStore(tmp_path, 1500)
    kept.keep(PAPER, b"<!doctype html><p>Not a PDF")
    kept.keep(PAPER, b"%PDF-1.4" + b"x" * 2000)
    assert kept.find(PAPER) is None
    OriginalStore(tmp_path, 0).keep(PAPER, PDF)
    assert kept.find(PAPER) is None


def test_files_not_read_for_longest_are_deleted_first(tmp_path: Path) -> None:
    kept = OriginalStore(tmp_path, 3 * len(PDF))
    sources = [Source(f"s{n}", "https://ex.org", version="v") for n in range(4)]
    for n, source in enumerate(sources[:3]):
        kept.keep(source, PDF)
        os.utime(kept.find(source), (1000 + n, 1000 + n))
    kept.find(sources[0])  # read now
    kept.keep(sources[3], PDF)
    assert [kept.find(source) is not None for source in sources] == [True, False, True, True]
    OriginalStore(tmp_path, 0).keep(PAPER, PDF)  # no more are wanted
    assert not any(kept.find(source) for source in sources)


def test_ids_and_versions_name_no_path_elsewhere(tmp_path: Path) -> None:
    kept = OriginalStore(tmp_path / "originals", 10_000)
    kept.keep(Source("../../x", "https://ex.org", version="../../../y"), PDF)
    assert [path.name for path in tmp_path.iterdir()] == ["originals"]
    assert len(list(tmp_path.rglob("*"))) == 3


def test_folder_that_cannot_be_written_is_only_warned_of(tmp_path: Path, caplog) -> None:
    (tmp_path / "file").write_text("not a folder")
    OriginalStore(tmp_path / "file", 10_000).keep(PAPER, PDF)
    assert "cannot keep a PDF" in caplog.text


def test_upload_and_local_file_are_where_they_were(tmp_path: Path) -> None:
    uploads, kept = UploadStore(tmp_path / "uploads"), OriginalStore(tmp_path / "originals", 10_000)
    with uploads.receive() as incoming:
        incoming.write(PDF)
        upload = Upload("a b.pdf", incoming.keep())
    path = find_original(Source("u", upload.url, kind="upload"), uploads, kept)
    assert path.read_bytes() == PDF and is_pdf(path)
    local = tmp_path / "論文 #1.pdf"
    local.write_bytes(PDF)
    source = Source("f", local.as_uri(), kind="upload")
    assert find_original(source, uploads, kept) == local
    local.unlink()
    assert find_original(source, uploads, kept) is None and not is_pdf(local)
    uploads.drop_ref(upload.sha256)
    uploads.forget(upload.url)
    assert find_original(Source("u", upload.url, kind="upload"), uploads, kept) is None


def test_digest_has_no_original(tmp_path: Path) -> None:
    kept = OriginalStore(tmp_path, 10_000)
    digest = Source("paper", PAPER.url, kind="digest", version="v1")
    kept.keep(PAPER, PDF)
    assert find_original(digest, UploadStore(tmp_path), kept) is None
