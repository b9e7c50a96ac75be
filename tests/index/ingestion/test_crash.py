"""`tenkyo ingest`, killed at any moment, out of room, out of permission: nothing is lost.

`make soak` does the same to the posts of ../shared, with more kills.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from corpus.store.store import Store
from corpus.text.chunking import with_headings
from index.inference.embedder import SentenceTransformerEmbedder
from index.inference.model_registry import BUNDLED_EMBEDDER
from index.storage.local_index import LocalIndex
from index.storage.manifest import read_manifest
from index.storage.segment import text_key
from tests.support.paths import ROOT
from tests.support.soak import SOAK, soak_only

pytestmark = pytest.mark.process


def environ(**settings: str) -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if not k.startswith("TENKYO_")} | settings


class Tenkyo:
    """The command line on a data folder of its own."""

    def __init__(self, data: Path, models: Path) -> None:
        self.data, self.index = data, data / "index"
        data.mkdir()
        (data / "models").symlink_to(models)

    def start(self, *arguments: str | Path) -> subprocess.Popen:
        return subprocess.Popen(
            [sys.executable, "-m", "service.cli.main", *map(str, arguments)],
            cwd=ROOT,
            env=environ(TENKYO_DATA_DIR=str(self.data)),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # Where the tests run in the background, it would be ignored.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    def ingest(self, folder: Path) -> dict:
        """Run an ingestion to its end, and return its report."""
        started = time.monotonic()
        process = self.start("ingest", folder, "--json")
        out, err = process.communicate(timeout=1800 if SOAK else 280)
        assert process.returncode == 0, err
        self.took = time.monotonic() - started
        return json.loads(out)

    def store(self) -> Store:
        return Store(f"sqlite:///{self.data / 'tenkyo.db'}")

    def state(self) -> tuple[dict, dict[str, np.ndarray], dict[str, list[float]]]:
        """All there is: documents with their passages, vectors and words by passage.

        Raises where the index is not of what the database holds.
        """
        store = self.store()
        index = LocalIndex.open(self.index, BUNDLED_EMBEDDER, store.revision())
        rows = store.rows()
        assert index.rows().tolist() == rows
        documents, ids, vectors = {}, [], {}
        for source, count in store.sources():
            document = store.document(source.id)
            documents[source.url] = [replace(document, source=replace(source, retrieved_at="")), {}]
            assert count == len(store.rows([source.id]))
        for row, (passage, source) in sorted(store.passages(rows).items()):
            documents[source.url][1][passage.id] = passage
            text = documents[source.url][0].text
            assert text[passage.start : passage.end] == passage.text
            ids.append(passage.id)
            (found,) = index.vectors([row]).items()
            key = text_key(with_headings(passage.text, passage, source))
            assert found[0] == key
            vectors[passage.id] = found[1]
        words = {}
        for question in ("the model and its data", "日本語の文書", "本"):
            found = index.search(np.zeros(index.dim, np.float32), question, len(rows))
            coverage = {ranked.row: ranked.coverage for ranked in found}
            scores = [coverage[row] for row in sorted(rows)]
            words[question] = [score for _, score in sorted(zip(ids, scores, strict=True))]
        return documents, vectors, words

    def assert_equals(self, other: Tenkyo) -> None:
        mine, theirs = self.state(), other.state()
        assert mine[0] == theirs[0]
        assert mine[1].keys() == theirs[1].keys()
        for passage, vector in mine[1].items():  # computed in bfloat16, in other batches
            np.testing.assert_allclose(vector, theirs[1][passage], atol=0.02)
        for question, scores in mine[2].items():
            np.testing.assert_allclose(scores, theirs[2][question], rtol=1e-4)


@pytest.fixture(scope="module")
def unpacked(models: Path, embedder: SentenceTransformerEmbedder) -> Path:
    embedder.embed_query("x")
    return models


@pytest.fixture(scope="module")
def docs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("docs")
    for i in range(6):
        text = f"Reading room {i} holds {i * 1000} maps of the city, and {i} of the sea. "
        parts = [f"## Floor {n}\n\n" + text.replace("maps", f"maps ({n})") * 8 for n in range(3)]
        (folder / f"{i:02}.md").write_text(f"# Room {i}\n\n" + "\n\n".join(parts))
    return folder


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory, unpacked: Path, docs: Path) -> Tenkyo:
    """A data folder into which the documents were ingested without interruption."""
    scratch = Tenkyo(tmp_path_factory.mktemp("scratch") / "data", unpacked)
    scratch.ingest(docs)
    return scratch


def kill_repeatedly(scratch: Tenkyo, docs: Path, folder: Path, kills: int) -> None:
    """Kill ingestions at random moments; the next one must end as the one of ``scratch`` did."""
    took, passages = scratch.took, len(scratch.state()[1])
    choose = random.Random(seed := os.environ.get("SOAK", "1"))
    print(f"SOAK={seed}")  # to repeat the same moments
    for i in range(kills):
        killed = Tenkyo(folder / f"killed-{i}", scratch.data / "models")
        for _ in range(1 + i % 2):
            process = killed.start("ingest", docs, "--json")
            # Every other one early, when documents are read: most of the time goes to embedding.
            time.sleep(choose.uniform(0.2, took / (1 + 3 * (i % 2))))
            process.send_signal(signal.SIGKILL)
            process.communicate()
        report = killed.ingest(docs)
        assert report["passages"] == passages and report["failed"] == []
        killed.assert_equals(scratch)
        named = [entry["name"] for entry in read_manifest(killed.index)["segments"]]
        assert {path.name for path in killed.index.iterdir()} == {"manifest.json", *named}
    assert scratch.ingest(docs)["embedded"] == 0


def test_ingestion_killed_at_any_moment_loses_nothing(
    tmp_path: Path, scratch: Tenkyo, docs: Path
) -> None:
    kill_repeatedly(scratch, docs, tmp_path, 2 if SOAK else 1)


@pytest.mark.parametrize("after", [0.0, 1.0] if SOAK else [0.0])
def test_ctrl_c_keeps_what_was_read(
    tmp_path: Path, scratch: Tenkyo, docs: Path, after: float
) -> None:
    """Ctrl-C after something was read prints one line, and what was read is stored."""
    stopped = Tenkyo(tmp_path / "stopped", scratch.data / "models")
    store, process = stopped.store(), stopped.start("ingest", docs)
    while not store.sources():
        time.sleep(0.01)
        assert process.poll() is None
    time.sleep(after)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130 and out == "" and "Traceback" not in err
    assert [line for line in err.splitlines() if "interrupted" in line] == err.splitlines()[-1:]
    assert store.sources()
    report = stopped.ingest(docs)
    assert report["failed"] == [] and report["sources"] == 6
    stopped.assert_equals(scratch)


@pytest.mark.shared
@soak_only
@pytest.mark.timeout(7200)
def test_ingestion_of_posts_killed_at_any_moment_loses_nothing(
    tmp_path: Path, unpacked: Path, shared: Path
) -> None:
    scratch = Tenkyo(tmp_path / "scratch", unpacked)
    scratch.ingest(shared / "corpus" / "posts")
    kill_repeatedly(scratch, shared / "corpus" / "posts", tmp_path, 20)
    assert len(scratch.state()[0]) == 55


# A disk that is full or read-only: in a mount of this test's own

STEPS = """
mount -t tmpfs -o size={size} tenkyo {data} && ln -s {models} {data}/models
{python} -m service.cli.main ingest {docs}; echo "full: $?" >&2
mount -o remount,ro {data}
{python} -m service.cli.main ingest {docs}; echo "read-only: $?" >&2
mount -o remount,rw,size=64m {data}
{python} -m service.cli.main ingest {docs} --json && cp -a {data}/index {data}/*.db {kept}
"""


def test_full_and_read_only_disks_are_reported(tmp_path: Path, scratch: Tenkyo, docs: Path) -> None:
    if subprocess.run(["unshare", "-rm", "mount", "-t", "tmpfs", "none", "/mnt"]).returncode:
        pytest.skip("no mount of one's own can be made here")
    kept = Tenkyo(tmp_path / "kept", scratch.data / "models")
    data = tmp_path / "data"
    data.mkdir()
    steps = STEPS.format(
        size="150k",
        data=data,
        kept=kept.data,
        docs=docs,
        models=scratch.data / "models",
        python=sys.executable,
    )
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", steps],
        cwd=ROOT,
        env=environ(TENKYO_DATA_DIR=str(data)),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert "Traceback" not in done.stderr
    told = [
        line for line in done.stderr.splitlines() if line.startswith(("tenkyo", "full", "read-"))
    ]
    full, full_code, locked, locked_code = told[:4]
    assert "database or disk is full" in full and full_code == "full: 2"
    assert "check that its folder can be written" in locked and locked_code == "read-only: 2"
    report = json.loads(done.stdout.splitlines()[-1])
    assert report["failed"] == [] and report["sources"] == 6
    kept.assert_equals(scratch)
