"""Large indexes: approximate segments, filters, deletions, and what a change writes to disk."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from corpus.errors import IndexMismatch
from index.search import Ranked
from index.storage.ann import APPROXIMATE_FROM
from index.storage.local_index import LiveIndex, LocalIndex
from index.storage.manifest import read_manifest
from index.storage.segment import EXACT_SEARCH_UP_TO

DIM, NAME = 32, "test-embedder"
N = APPROXIMATE_FROM + 2000  # passages; of them
JAPANESE = range(0, N, 10)
WORDS = "whisper model speech audio image scaling law game decoder transformer data".split()


class Large:
    """Passages whose vectors lie around 500 centres, one centre for each source."""

    def __init__(self) -> None:
        rng = np.random.default_rng(3)
        centres = rng.normal(size=(500, DIM))
        self.vectors = unit(centres[np.arange(N) % 500] + 0.4 * rng.normal(size=(N, DIM)))
        self.asked = unit(centres[:60] + 0.4 * rng.normal(size=(60, DIM)))
        self.rows = np.arange(1, 2 * N, 2)
        self.texts = [f"{WORDS[i % 11]} {WORDS[i % 7]} {i % 97}" for i in range(N)]
        for i in JAPANESE:
            self.texts[i] = f"音声認識 {i % 97}"

    def index(self, kept: np.ndarray | None = None) -> LocalIndex:
        kept = np.arange(N) if kept is None else kept
        made = LocalIndex(DIM)
        made.add(self.rows[kept], self.vectors[kept], [self.texts[i] for i in kept])
        return made

    def nearest(self, vector: np.ndarray, among: np.ndarray, k: int = 10) -> set[int]:
        return set(self.rows[among[np.argsort(-(self.vectors[among] @ vector))[:k]]].tolist())

    def recall(self, index: LocalIndex, among: np.ndarray, filtered: bool) -> float:
        within = self.rows[among].tolist() if filtered else None
        found = [set(index.dense(vector, 10, within)) for vector in self.asked]
        assert all(rows <= set(self.rows[among].tolist()) for rows in found)
        wanted = [self.nearest(vector, among) for vector in self.asked]
        return np.mean([len(f & w) / len(w) for f, w in zip(found, wanted, strict=True)])


def unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def large() -> Large:
    return Large()


@pytest.fixture(scope="module")
def folder(large: Large, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A saved index of all passages; tests that change it use a copy."""
    folder = tmp_path_factory.mktemp("large")
    large.index().save(folder, NAME, "r1")
    return folder


def test_recall_is_measured_and_recorded_in_manifest(large: Large, folder: Path) -> None:
    entry, small = read_manifest(folder)["segments"]
    assert "approximate" not in small and small["japanese"]
    assert entry["approximate"]["recall"] >= 0.98
    index = LocalIndex.open(folder, NAME)
    assert len(index) == N and index.recall == entry["approximate"]["recall"]
    assert large.recall(index, np.arange(N), filtered=False) >= 0.98


@pytest.mark.parametrize("share", [0.001, 0.05, 0.5, 0.99])
def test_filtered_search_keeps_recall(large: Large, folder: Path, share: float) -> None:
    some = np.flatnonzero(np.random.default_rng(1).random(N) < share)
    index = LocalIndex.open(folder, NAME)
    assert large.recall(index, some, filtered=True) >= (
        0.98 if len(some) > EXACT_SEARCH_UP_TO else 1
    )


def far(large: Large, vector: np.ndarray, centres: int) -> np.ndarray:
    """Return the passages, of one language, around the centres furthest from a vector."""
    at = np.arange(N)
    cosine = [(large.vectors[at % 500 == centre] @ vector).mean() for centre in range(500)]
    return at[np.isin(at % 500, np.argsort(cosine)[:centres]) & (at % 10 != 0)]


def test_filter_far_from_question_keeps_recall(large: Large, folder: Path) -> None:
    """As sources on another topic lie."""
    index, recalls = LocalIndex.open(folder, NAME), []
    for vector in large.asked[:8]:
        some = far(large, vector, 150)
        assert len(some) > EXACT_SEARCH_UP_TO
        found = index.dense(vector, 100, large.rows[some].tolist())
        assert len(found) == 100 and set(found) <= set(large.rows[some].tolist())
        wanted = large.nearest(vector, some)
        recalls.append(len(wanted & set(found[:10])) / 10)
    assert np.mean(recalls) >= 0.98


def test_deletion_masks_passages_without_rewriting_segment(
    large: Large, folder: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "index"
    shutil.copytree(folder, copy)
    live = LiveIndex(copy, NAME)
    assert len(live) == N
    index = LocalIndex.open(copy, NAME)
    gone = np.flatnonzero(np.arange(N) % 500 < 5)  # all that is near to some of the questions
    index.remove(large.rows[gone].tolist())
    index.save(copy, NAME, "r2")
    before, after = contents(folder), contents(copy)
    kept = {entry["name"]: entry["files"] for entry in read_manifest(copy)["segments"]}
    assert read_manifest(folder)["segments"][0]["name"] in kept
    new = sum(len(data) for path, data in after.items() if path not in before)
    assert new < sum(map(len, before.values())) / 5  # the small segment of the other language
    left = np.setdiff1d(np.arange(N), gone)
    again, scratch = LocalIndex.open(copy, NAME), large.index(left)
    for made in (index, again, live):
        assert len(made) == len(left)
    for made in (index, again):
        assert made.rows().tolist() == large.rows[left].tolist()
        assert large.recall(made, left, filtered=False) >= 0.98
        assert large.recall(made, left[: len(left) // 2], filtered=True) >= 0.98
    for text in ("whisper 7", "音声 12", "96"):  # and no longer counts for how rare a word is
        for made in (index, again, live):
            assert_same_coverage(
                made.search(large.asked[9], text, 20), scratch.search(large.asked[9], text, 20)
            )
    assert again.vectors(large.rows[gone].tolist()) == {}
    assert len(again.matrix(large.rows[:6].tolist())) == 1


def test_term_statistics_follow_each_deletion(large: Large, folder: Path, tmp_path: Path) -> None:
    """Also in an index that was searched before, and so has cached its term statistics."""
    copy, left = tmp_path / "index", np.arange(N)
    shutil.copytree(folder, copy)
    live, index = LiveIndex(copy, NAME), LocalIndex.open(copy, NAME)
    with_7 = np.flatnonzero((np.arange(N) % 97 == 7) & (np.arange(N) % 10 > 0))
    for part, gone in enumerate((with_7[:70], with_7[70:140])):  # so few that none is rewritten
        for made in (index, live):
            made.search(large.asked[9], "whisper 7", 20)
        left = np.setdiff1d(left, gone)
        index.remove(large.rows[gone].tolist())
        index.save(copy, NAME, f"r{part}")
        assert any("dead" in entry for entry in read_manifest(copy)["segments"])
        wanted = large.index(left).search(large.asked[9], "whisper 7", 20)
        for made in (index, live):
            assert_same_coverage(made.search(large.asked[9], "whisper 7", 20), wanted)


def test_addition_writes_only_new_passages(large: Large, folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "index"
    shutil.copytree(folder, copy)
    index = LocalIndex.open(copy, NAME)
    rows = range(2 * N, 2 * N + 60)
    index.add(rows, large.asked, ["a passage that says something new"] * 60)
    index.save(copy, NAME, "r2")
    before, after = contents(folder), contents(copy)
    assert before.keys() - after.keys() == {"manifest.json"} - after.keys()
    new = sum(len(data) for path, data in after.items() if path not in before)
    assert new < 40_000
    found = LocalIndex.open(copy, NAME).search(large.asked[0], "something new", 3)
    assert found[0].row == rows[0] and found[0].cosine == pytest.approx(1)


def test_row_below_existing_ones_is_added(large: Large, folder: Path, tmp_path: Path) -> None:
    """The rows above it are removed and added again, so the large segment has deleted ones."""
    shutil.copytree(folder, tmp_path / "index")
    index, last = LocalIndex.open(tmp_path / "index", NAME), np.arange(N - 9, N)
    late_ones = [2 * N - 18, 2 * N - 16]  # those that are there are odd
    for late in late_ones:
        above = last[large.rows[last] > late]
        rows = large.rows[above].tolist()
        index.remove(rows)
        vectors = np.concatenate([large.asked[:1], large.vectors[above]])
        index.add([late, *rows], vectors, ["a late one", *(large.texts[i] for i in above)])
        index.save(tmp_path / "index", NAME, f"r{late}")
        index = LocalIndex.open(tmp_path / "index", NAME)
    rows = sorted([*large.rows.tolist(), *late_ones])
    assert index.rows().tolist() == rows
    for at in last:  # each is found once, by its new place
        assert index.dense(large.vectors[at], 1) == [large.rows[at]]
        found = index.search(large.vectors[at], large.texts[at], 50)
        assert [r.row for r in found].count(large.rows[at]) == 1
    assert len(index.matrix(rows[-11:])) == 11 and index.lexical("late", 3) == late_ones


def test_mostly_deleted_segment_is_rewritten(large: Large, folder: Path, tmp_path: Path) -> None:
    index = LocalIndex.open(folder, NAME)
    index.remove(large.rows[: N // 2].tolist())
    index.save(tmp_path, NAME, "r2")
    assert not any("approximate" in entry for entry in read_manifest(tmp_path)["segments"])
    found = LocalIndex.open(tmp_path, NAME)
    assert large.recall(found, np.arange(N // 2, N), filtered=False) > 0.99  # rounded to float16
    assert len(LocalIndex.open(folder, NAME)) == N


def test_damaged_approximate_index_is_refused(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "index")
    (path,) = (tmp_path / "index").rglob("near.faiss")
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(IndexMismatch, match="cannot be read"):
        LocalIndex.open(tmp_path / "index", NAME)


def test_stored_vectors_are_returned(large: Large, folder: Path) -> None:
    index = LocalIndex.open(folder, NAME)
    some = np.random.default_rng(2).permutation(N)[:300]
    np.testing.assert_allclose(
        index.matrix([*large.rows[some].tolist(), 0]), large.vectors[some], atol=1e-3
    )
    assert index.nearest(large.vectors[some[:5]], large.rows.tolist()) == [
        int(large.rows[i]) for i in some[:5]
    ]


def test_vectors_are_complete_after_short_reads(
    large: Large, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Linux reads at most 2 GB at a time."""
    shutil.copytree(folder, tmp_path / "index")
    index, preadv = LocalIndex.open(tmp_path / "index", NAME), os.preadv
    some = np.arange(3, 400)
    monkeypatch.setattr(
        os, "preadv", lambda file, into, offset: preadv(file, [data[:100] for data in into], offset)
    )
    found = index.matrix(large.rows[some].tolist())
    np.testing.assert_allclose(found, large.vectors[some], atol=1e-3)
    for path in (tmp_path / "index").rglob("vectors.npy"):
        os.truncate(path, 9000)
    with pytest.raises(OSError, match="ends too early"):
        index.matrix(large.rows[some].tolist())


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def assert_same_coverage(found: list[Ranked], wanted: list[Ranked]) -> None:
    """Assert that passages in both results have the same coverage in both."""
    coverage = {ranked.row: ranked.coverage for ranked in wanted}
    both = [ranked for ranked in found if ranked.row in coverage]
    assert len(both) > len(wanted) / 2
    for ranked in both:
        assert ranked.coverage == pytest.approx(coverage[ranked.row], rel=1e-4)
