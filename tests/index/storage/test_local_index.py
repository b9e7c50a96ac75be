"""The index in a folder: results equal brute force, and damage and crashes are survived."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from corpus.errors import IndexMismatch, IndexMissing, StoreError
from index.lexical.bm25 import Scorer
from index.lexical.postings import LexicalQuery, Postings, Statistics
from index.lexical.postings_builder import term_hash
from index.lexical.tokenizer import is_japanese
from index.search import LANGUAGE_SHARE, Ranked, fuse
from index.storage.local_index import CANDIDATE_POOL, LiveIndex, LocalIndex
from index.storage.manifest import INDEX_FORMAT, read_manifest
from index.storage.segment import text_key
from tests.support.paths import ROOT

DIM = 16
NAME = "test-embedder"
WORDS = "whisper model speech audio image scaling law game decoder transformer data".split()
KANJI = "音声認識 画像生成 学習 深層 言語 規模 法則 訓練".split()


def unit(rng: np.random.Generator, n: int) -> np.ndarray:
    return normal(rng.normal(size=(n, DIM)))


def normal(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


class Data:
    """Rows with gaps between them, a vector and a text each; a third is Japanese."""

    def __init__(self, n: int, seed: int = 0) -> None:
        rng, choose = np.random.default_rng(seed), random.Random(seed)
        self.rows = sorted(choose.sample(range(1, 10 * n), n))
        self.vectors = unit(rng, n)
        self.texts = [
            " ".join(choose.choices(KANJI if i % 3 == 0 else WORDS, k=choose.randint(2, 9)))
            for i in range(n)
        ]
        self.query = unit(rng, 1)[0]

    def index(self, part: slice = slice(None)) -> LocalIndex:
        made = LocalIndex(DIM)
        made.add(self.rows[part], self.vectors[part], self.texts[part])
        return made


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def names(folder: Path) -> set[str]:
    """Return the names of the segments of the index in a folder."""
    return {entry["name"] for entry in read_manifest(folder)["segments"]}


def expected(data: Data, text: str, k: int, within: set[int] | None = None) -> list[Ranked]:
    """Compute the search result by brute force, from the description of the search."""
    postings = Postings.of(data.texts)
    query = LexicalQuery.of(text, Statistics.of([(postings, None)]))
    share = Scorer(postings, query).scores(np.arange(len(postings))) / max(query.ceiling, 1e-6)
    coverage = dict(zip(data.rows, map(float, share), strict=True))
    cosine = dict(zip(data.rows, map(float, data.vectors @ data.query), strict=True))
    language = {r: is_japanese(t) for r, t in zip(data.rows, data.texts, strict=True)}
    across = {row: language[row] != is_japanese(text) for row in data.rows}

    candidates: set[int] = set()
    for other in (True, False):
        group = [r for r in data.rows if across[r] == other and (within is None or r in within)]
        candidates |= set(sorted(group, key=lambda row: -cosine[row])[: max(k, CANDIDATE_POOL)])
        sharing = [row for row in group if coverage[row] > 0]
        candidates |= set(
            sorted(sharing, key=lambda row: (-coverage[row], row))[: max(k, CANDIDATE_POOL)]
        )
    rows = sorted(candidates)
    columns = (np.array([values[row] for row in rows]) for values in (cosine, coverage, across))
    score = dict(zip(rows, map(float, fuse(*columns)), strict=True))

    def rank(values: dict[int, float]) -> dict[int, int]:
        return {row: i for i, row in enumerate(sorted(rows, key=lambda r: (-values[r], r)), 1)}

    dense, sparse = rank(cosine), rank(coverage)
    best = sorted(rows, key=lambda row: (-score[row], row))
    chosen: set[int] = set()
    for other in (True, False):
        chosen |= set([row for row in best if across[row] == other][: int(LANGUAGE_SHARE * k)])
    for row in best:
        if len(chosen) < k:
            chosen.add(row)
    return [
        Ranked(r, score[r], cosine[r], coverage[r], dense[r], sparse[r] if coverage[r] else None)
        for r in best
        if r in chosen
    ]


def agree(found: list[Ranked], wanted: list[Ranked]) -> None:
    assert [(r.row, r.dense_rank, r.lexical_rank) for r in found] == [
        (r.row, r.dense_rank, r.lexical_rank) for r in wanted
    ]
    for name in ("score", "cosine", "coverage"):
        values = ([getattr(r, name) for r in ranked] for ranked in (found, wanted))
        np.testing.assert_allclose(*values, rtol=1e-3, atol=1e-4)


def test_vector_search_equals_brute_force() -> None:
    data = Data(400)
    data.texts = ["one language, no word of the question"] * 400
    found = data.index().search(data.query, "whisper", 20)
    best = np.argsort(-(data.vectors @ data.query))[:20]
    assert [r.row for r in found] == [data.rows[i] for i in best]
    assert [r.dense_rank for r in found] == list(range(1, 21))
    assert all(r.lexical_rank is None and r.coverage == 0 for r in found)


def test_shared_terms_rank_equal_vectors() -> None:
    index = LocalIndex(DIM)
    vectors = np.repeat(unit(np.random.default_rng(0), 1), 4, 0)
    index.add([1, 2, 3, 4], vectors, ["model", "whisper", "speech model", "whisper model"])
    found = index.search(vectors[0], "whisper model", 4)
    assert found[0].row == 4 and found[0].lexical_rank == 1
    assert 1 > found[0].coverage > found[1].coverage > 0


def test_fused_score_grows_with_cosine_and_coverage() -> None:
    for across in (True, False):
        same = np.full(3, across)
        low, *higher = fuse(np.array([0.8, 0.9, 0.8]), np.array([0.1, 0.1, 0.2]), same)
        assert min(higher) > low
    # Two texts of one language are nearer to each other than to a translation.
    own, other = fuse(np.array([0.8, 0.8]), np.zeros(2), np.array([False, True]))
    assert other > own


def test_each_language_contributes_candidates() -> None:
    """One good passage in the other language is not crowded out by many in the question's."""
    data = Data(400)
    data.texts = ["whisper model"] * 399 + ["音声認識"]
    data.vectors[:399] = data.query  # nearer, but not by as much as one language is
    data.vectors[399] = normal(data.query + 0.02 * data.vectors[399])
    found = data.index().search(data.query, "speech", 5)
    assert found[0].row == data.rows[399]


def buried(n: int, own: int) -> Data:
    """Passages of which ``own`` are in English, which score below all the Japanese ones."""
    data = Data(n)
    data.texts = ["model"] * own + ["音声認識"] * (n - own)
    data.vectors = normal(data.query + 0.01 * data.vectors)
    return data


def english(data: Data, found: list[Ranked]) -> list[int]:
    """Return the English passages of a search result, in its order."""
    text = dict(zip(data.rows, data.texts, strict=True))
    return [r.row for r in found if not is_japanese(text[r.row])]


@pytest.mark.parametrize("limited", [False, True])
@pytest.mark.parametrize(("k", "places"), [(4, 1), (8, 2), (16, 4)])
def test_each_language_has_its_share_of_results(k: int, places: int, limited: bool) -> None:
    data = buried(60, own=20)
    index, within = data.index(), data.rows[5:] if limited else None
    found = index.search(data.query, "speech", k, within)
    assert len(found) == k and [r.score for r in found] == sorted(r.score for r in found)[::-1]
    best = sorted(range(20), key=lambda i: -float(data.vectors[i] @ data.query))
    wanted = [data.rows[i] for i in best if not limited or i >= 5]
    assert english(data, found) == wanted[:places]
    assert [r.row for r in found[-places:]] == wanted[:places]  # below what scores more


def test_places_that_one_language_cannot_fill_go_to_the_other() -> None:
    data = buried(60, own=1)
    found = data.index().search(data.query, "speech", 16)
    assert len(found) == 16 and english(data, found) == data.rows[:1]


@pytest.mark.parametrize("k", [1, 2, 3])
def test_few_results_are_the_best_of_either_language(k: int) -> None:
    data = buried(60, own=20)
    found = data.index().search(data.query, "speech", k)
    assert len(found) == k and not english(data, found)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("n", [1, 30, 400])
def test_search_fuses_bm25_and_vectors(seed: int, n: int) -> None:
    data = Data(n, seed)
    for text in ("whisper speech", "音声認識のモデル model", "", "nothing"):
        for k in (1, 8, 150):
            agree(data.index().search(data.query, text, k), expected(data, text, k))


@pytest.mark.parametrize("seed", range(3))
def test_search_is_limited_to_given_rows(seed: int) -> None:
    data = Data(400, seed)
    index = data.index()
    for size in (1, 5, 250):
        within = set(random.Random(seed).sample(data.rows, size)) | {0, 999_999}  # not there
        found = index.search(data.query, "whisper 音声", 10, sorted(within))
        assert {r.row for r in found} <= within and len(found) == min(size, 10)
        agree(found, expected(data, "whisper 音声", 10, within))


def test_padding_of_faiss_is_never_returned() -> None:
    data = Data(3)
    index = data.index()
    assert len(index.search(data.query, "", 50)) == 3
    assert len(index.search(data.query, "whisper", 50, data.rows[:1])) == 1
    assert index.search(data.query, "whisper", 50, [0, 999]) == []
    assert index.search(data.query, "whisper", 50, []) == []
    assert LocalIndex(DIM).search(data.query, "whisper", 5) == []


def test_equal_scores_are_ordered_by_row() -> None:
    index = LocalIndex(DIM)
    vector = unit(np.random.default_rng(0), 1)
    index.add(range(1, 8), np.repeat(vector, 7, 0), ["same words"] * 7)
    assert [r.row for r in index.search(vector[0], "same", 4)] == [1, 2, 3, 4]


def test_removed_rows_are_not_found(tmp_path: Path) -> None:
    data = Data(200)
    index = data.index(slice(0, 150))
    index.remove([*data.rows[:40], *data.rows[60:90], 999_999])
    index.add(data.rows[150:], data.vectors[150:], data.texts[150:])
    left = Data(200)
    for name in ("rows", "texts"):
        values = getattr(data, name)
        setattr(left, name, [*values[40:60], *values[90:]])
    left.vectors = np.concatenate([data.vectors[40:60], data.vectors[90:]])
    assert index.rows().tolist() == left.rows and len(index) == len(left.rows)
    for text in ("whisper", "音声", ""):
        agree(index.search(data.query, text, 12), expected(left, text, 12))
    index.save(tmp_path, NAME, "r")  # which tells whether each half has forgotten them
    assert LocalIndex.open(tmp_path, NAME).rows().tolist() == left.rows
    index.remove(left.rows)
    assert len(index) == 0 and index.search(data.query, "whisper", 3) == []


def test_add_refuses_unordered_rows_and_missing_values() -> None:
    data = Data(5)
    index = data.index()
    more = unit(np.random.default_rng(1), 2)
    for rows in ([data.rows[-1], 10**6], [10**6, 10**6], [10**6 + 1, 10**6]):
        with pytest.raises(ValueError, match="ascending"):
            index.add(rows, more, ["a", "b"])
    for vectors, texts in ((more[:1], ["a", "b"]), (more[:, :3], ["a", "b"]), (more, ["a"])):
        with pytest.raises(ValueError, match="2 rows"):
            index.add([10**6, 10**6 + 1], vectors, texts)
    index.add([], more[:0], [])
    assert len(index) == 5
    agree(index.search(data.query, "whisper", 5), expected(data, "whisper", 5))


def test_vectors_are_returned_by_text_key() -> None:
    data = Data(30)
    data.texts = [f"{text} {i}" for i, text in enumerate(data.texts)]
    index = data.index()
    index.remove(data.rows[:10])
    found = index.vectors(data.rows[5:15])
    assert found.keys() == {text_key(text) for text in data.texts[10:15]}
    for text, vector in zip(data.texts, data.vectors, strict=True):
        if text_key(text) in found:
            np.testing.assert_array_equal(found[text_key(text)], vector)


def test_terms_of_removed_passages_are_deleted_from_disk(tmp_path: Path) -> None:
    data = Data(30)
    data.texts[7] += " confidential"
    index = data.index()
    index.remove([data.rows[7]])
    others = Data(30)
    others.rows, others.vectors, others.texts = (
        values[:7] + values[8:] for values in (data.rows, list(data.vectors), data.texts)
    )
    others.vectors = np.array(others.vectors)
    agree(
        index.search(data.query, "whisper 学習", 9),
        others.index().search(data.query, "whisper 学習", 9),
    )
    index.save(tmp_path, NAME, "r")
    traces = b"confidential", term_hash("confidential").to_bytes(8, sys.byteorder)
    assert not any(trace in data for trace in traces for data in contents(tmp_path).values())
    assert any(
        term_hash("whisper").to_bytes(8, sys.byteorder) in d for d in contents(tmp_path).values()
    )


# The folder


def test_saved_index_opens_unchanged(tmp_path: Path) -> None:
    data = Data(200)
    index = data.index(slice(0, 120))
    index.save(tmp_path / "a" / "index", NAME, "r1")
    again = LocalIndex.open(tmp_path / "a" / "index", NAME, "r1")
    assert again.dim == DIM and again.rows().tolist() == data.rows[:120]
    for made in (index, again):  # and can be added to
        made.add(data.rows[120:], data.vectors[120:], data.texts[120:])
    for text in ("whisper", "音声認識", ""):
        assert again.search(data.query, text, 20) == index.search(data.query, text, 20)
    found = ({k: v.tolist() for k, v in i.vectors(data.rows).items()} for i in (index, again))
    assert next(found) == next(found)
    LocalIndex(DIM).save(tmp_path / "empty", NAME, "r0")
    assert len(LocalIndex.open(tmp_path / "empty", NAME)) == 0


def test_manifest_describes_index(tmp_path: Path) -> None:
    Data(7).index().save(tmp_path, NAME, "r1")
    manifest = read_manifest(tmp_path)
    segments = manifest.pop("segments")
    assert manifest == {
        "format": INDEX_FORMAT, "embedder": NAME, "dim": DIM, "count": 7, "corpus_revision": "r1", "recall": 1,
    }  # fmt: skip
    assert [segment["japanese"] for segment in segments] == [False, True]
    old = names(tmp_path)
    Data(8).index().save(tmp_path, NAME, "r2")
    assert not old & names(tmp_path)
    assert {p.name for p in tmp_path.iterdir()} == {"manifest.json", *names(tmp_path)}


def test_missing_index_is_reported(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(IndexMissing, match="`tenkyo ingest`"):
            LocalIndex.open(folder, NAME)
        with pytest.raises(IndexMissing):
            len(LiveIndex(folder, NAME))


def test_index_of_other_embedder_format_or_revision_is_refused(tmp_path: Path) -> None:
    Data(5).index().save(tmp_path, NAME, "r1")
    with pytest.raises(IndexMismatch, match=rf"{NAME}, but .*other.*`tenkyo reindex`"):
        LocalIndex.open(tmp_path, "other")
    with pytest.raises(IndexMismatch, match="revision r1, but corpus revision r2 is wanted"):
        LocalIndex.open(tmp_path, NAME, "r2")
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(read_manifest(tmp_path) | {"format": INDEX_FORMAT + 1}))
    with pytest.raises(
        IndexMismatch, match=f"format {INDEX_FORMAT + 1}, but format {INDEX_FORMAT}"
    ):
        LocalIndex.open(tmp_path, NAME)


@pytest.mark.parametrize("cut", [0, 1, 10, 0.3, 0.99, None])
@pytest.mark.parametrize("part", ["rows", "vectors", "words-terms"])
def test_damaged_files_are_refused(tmp_path: Path, part: str, cut: float | None) -> None:
    Data(50).index().save(tmp_path, NAME, "r1")
    path = next(tmp_path.rglob(f"{part}.npy"))
    whole = path.read_bytes()
    if cut is None:
        path.unlink()
    else:
        path.write_bytes(whole[: int(cut * len(whole)) if 0 < cut < 1 else cut])
    for opening in (LocalIndex.open, lambda *names: len(LiveIndex(*names))):
        with pytest.raises(IndexMismatch, match=r"cannot be read.*`tenkyo reindex`"):
            opening(tmp_path, NAME)


def test_flipped_byte_is_detected(tmp_path: Path) -> None:
    Data(50).index().save(tmp_path, NAME, "r1")
    for path, whole in contents(tmp_path).items():
        if path.suffix == ".npy":
            half = len(whole) // 2
            path.write_bytes(whole[:half] + bytes([whole[half] ^ 255]) + whole[half + 1 :])
            with pytest.raises(IndexMismatch, match="cannot be read"):
                LocalIndex.open(tmp_path, NAME)
            path.write_bytes(whole)
    assert len(LocalIndex.open(tmp_path, NAME)) == 50


def test_files_of_another_index_are_refused(tmp_path: Path) -> None:
    Data(50).index().save(tmp_path / "a", NAME, "r1")
    Data(50, 1).index().save(tmp_path / "b", NAME, "r1")
    mine, other = (next((tmp_path / name).rglob("vectors.npy")) for name in "ab")
    mine.write_bytes(other.read_bytes())
    with pytest.raises(IndexMismatch, match="cannot be read"):
        LocalIndex.open(tmp_path / "a", NAME)
    path = tmp_path / "b" / "manifest.json"
    path.write_text(json.dumps(read_manifest(tmp_path / "b") | {"count": 51}))
    with pytest.raises(IndexMismatch, match="51 passages"):
        LocalIndex.open(tmp_path / "b", NAME)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "5",
        "null",
        '"format"',
        "{}",
        '{"format": 1}',
        b"\xff\xfe\x00garbage",
        {"segments": 5},
        {"segments": [{}]},
        {"segments": [{"name": 1, "files": {}}]},
        {"segments": []},
        {"dim": "many"},
    ],
    ids=repr,
)
def test_unreadable_manifest_is_refused(tmp_path: Path, text: str | bytes | dict) -> None:
    Data(5).index().save(tmp_path, NAME, "r1")
    if isinstance(text, dict):
        text = json.dumps(read_manifest(tmp_path) | text)
    data = text if isinstance(text, bytes) else text.encode()
    (tmp_path / "manifest.json").write_bytes(data)
    with pytest.raises(IndexMismatch, match="`tenkyo reindex`"):
        LocalIndex.open(tmp_path, NAME)


def test_save_interrupted_before_manifest_leaves_old_index(tmp_path: Path) -> None:
    old, new = Data(50), Data(60, 1)
    old.index().save(tmp_path, NAME, "r1")
    wanted = old.index().search(old.query, "whisper", 5)
    no_json: str = object()  # type: ignore[assignment]  # ends the save once its files are there
    with pytest.raises(TypeError):
        new.index().save(tmp_path, no_json, "r2")
    assert len(list(tmp_path.rglob("vectors.npy"))) == 4  # in two languages each
    assert LocalIndex.open(tmp_path, NAME, "r1").search(old.query, "whisper", 5) == wanted
    new.index().save(tmp_path, NAME, "r3")
    assert len(list(tmp_path.rglob("vectors.npy"))) == 2


@pytest.mark.process
def test_process_killed_while_saving_leaves_an_index(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from tests.index.storage.test_local_index import Data, NAME\n"
        "made = [Data(n).index() for n in (300, 301)]\n"
        "for i in range(10 ** 6): made[i % 2].save(Path(sys.argv[1]), NAME, str(i))"
    )
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], env=os.environ | {"PYTHONPATH": path}
    )
    deadline = time.monotonic() + 60
    while not (tmp_path / "manifest.json").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    for _ in range(20):
        time.sleep(0.02)
        process.send_signal(signal.SIGSTOP)  # as good as dead: nothing more is written
        index = LocalIndex.open(tmp_path, NAME)
        assert len(index) == 300 + int(read_manifest(tmp_path)["corpus_revision"]) % 2
        process.send_signal(signal.SIGCONT)
    process.kill()
    process.wait()
    assert len(LocalIndex.open(tmp_path, NAME)) in (300, 301)


def test_unwritable_folder_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("here")
    with pytest.raises(StoreError, match=r"cannot write the index .*`tenkyo reindex`"):
        Data(2).index().save(tmp_path / "file" / "index", NAME, "r")


@pytest.mark.process
@pytest.mark.skipif(sys.platform == "win32", reason="no limit on the size of files")
@pytest.mark.parametrize("limit", [1500, 3200])  # of 3.3 kB of vectors
def test_full_disk_leaves_old_index(tmp_path: Path, limit: int) -> None:
    """Also where only the last bytes, written when a file is closed, find no room."""
    Data(30).index().save(tmp_path, NAME, "r1")
    before = contents(tmp_path)
    script = (
        "import resource, sys; from pathlib import Path; from tests.index.storage.test_local_index import *\n"
        "made = LocalIndex(32)\n"
        "made.add(range(25), np.ones((25, 32), np.float32), [''] * 25)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)\n"
        "try: made.save(Path(sys.argv[1]), NAME, 'r2')\n"
        "except StoreError as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path), str(limit)],
        capture_output=True, text=True, cwd=ROOT, check=True,
    )  # fmt: skip
    assert "File too large" in done.stdout and "its disk is not full" in done.stdout
    assert contents(tmp_path) == before
    assert len(list(tmp_path.iterdir())) == 3  # the manifest, and a folder for each language


def test_live_index_sees_later_saves(tmp_path: Path) -> None:
    live = LiveIndex(tmp_path, NAME)
    for n in (5, 9, 3):
        data = Data(n, n)
        data.index().save(tmp_path, NAME, "r")
        assert len(live) == n
        agree(live.search(data.query, "whisper", 4), expected(data, "whisper", 4))
        agree(
            live.search(data.query, "model", 4, data.rows[:2]),
            expected(data, "model", 4, set(data.rows[:2])),
        )
    data.index().save(tmp_path, "other", "r")
    with pytest.raises(IndexMismatch, match="other"):
        live.search(data.query, "whisper", 4)


def test_index_is_readable_while_it_is_written(tmp_path: Path) -> None:
    made = [Data(n).index() for n in (2000, 2001)]
    made[0].save(tmp_path, NAME, "r")
    stop = threading.Event()

    def save() -> None:
        while not stop.is_set():
            for index in made:
                index.save(tmp_path, NAME, "r")

    thread = threading.Thread(target=save)
    thread.start()
    try:
        sizes = {len(LiveIndex(tmp_path, NAME)) for _ in range(150)}
    finally:
        stop.set()
        thread.join()
    assert sizes <= {2000, 2001}
