"""Tests of the comparison with peers: its driver, its protocol, and Tenkyo's side."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import corpora
import peers
import pytest
from environments import PEERS, pins
from sides import SIDES

from tests.support.soak import soak_only

FAKE = f"""import sys; sys.path.insert(0, {str(peers.PEER.parent)!r})
from pathlib import Path
from peer import serve

class Fake:
    def __init__(self):
        print("a library says hello where the answers go")
    def ingest(self, documents):
        self.texts = [text for texts in documents for text in texts]
    def save(self):
        (Path(sys.argv[1]) / "texts").write_text(" ".join(self.texts))
    def open(self):
        self.texts = (Path(sys.argv[1]) / "texts").read_text().split()
    def search(self, question, k):
        print("searching", file=sys.stderr)
        return [(self.texts.index(question), "found")][:k]
    def positions(self, found):
        return [n for n, _ in found]

serve(Fake, "fake", Path(sys.argv[1]))
"""


@pytest.mark.process
def test_driver_and_peer_agree(tmp_path: Path):
    folder = tmp_path / "made" / "fake"
    with peers.Process("fake", [sys.executable, "-c", FAKE, str(folder)]) as side:
        found = side.ask("ingest", documents=[["one", "two"], ["three"]])
        assert found["passages"] == 3 and found["seconds"] >= 0
        assert side.ask("save")["bytes"] == len("one two three")
        assert side.ask("open")["seconds"] >= 0
        found = side.ask("search", questions=["three", "one"], k=10)
        assert found["found"] == [[2], [0]] and len(found["ms"]) == 2
        assert side.ask("memory")["peak"] > 1
        with pytest.raises(RuntimeError, match="fake: ValueError: 'four' is not in list") as raised:
            side.ask("search", questions=["four"], k=10)
        assert ", in search" in str(raised.value)  # the last that it wrote


@pytest.mark.process
def test_side_that_cannot_start_is_error(tmp_path: Path):
    with (
        pytest.raises(RuntimeError, match="other: it ended without an answer\nno such peer"),
        peers.Process("other", [sys.executable, "-c", "raise SystemExit('no such peer')"]),
    ):
        pass


@soak_only
@pytest.mark.process
def test_tenkyo_side_ingests_and_searches(tmp_path: Path, model: Path):
    texts = [["The cat sat on the mat.", "東京は日本の首都です。"], ["Paris lies on the Seine."]]
    command = [sys.executable, str(peers.PEER), peers.OURS, str(model), str(tmp_path / "ours")]
    with peers.Process("ours", command) as side:
        assert side.ask("ingest", documents=texts)["passages"] == 3
        assert side.ask("save")["bytes"] > 3 * 4 * 384
    with peers.Process("ours", command) as side:
        side.ask("open")
        found = side.ask("search", questions=["Which river is in Paris?", "日本の首都は?"], k=2)
        assert [hits[0] for hits in found["found"]] == [2, 1]


@pytest.fixture(scope="session")
def model(models: Path) -> Path:
    from index.inference.model_registry import BUNDLED_EMBEDDER, model_folder

    return Path(model_folder(BUNDLED_EMBEDDER, models))


def test_ratios_are_ours_against_theirs():
    found = {
        "tenkyo": [{"passages/s": 40.0}, {"passages/s": 30.0}, {"passages/s": 20.0}],
        "plain": [{"passages/s": 10.0}, {"passages/s": 15.0}, {"passages/s": 5.0}],
    }
    ours, theirs = peers.table(found, "passages/s", faster=True)
    assert str(ours["passages/s"]) == "30.0 (20.0–40.0)" and "Tenkyo is faster" not in ours
    assert theirs["Tenkyo is faster"] == "4.00 (2.00–4.00) ×"
    _, theirs = peers.table(found, "passages/s", faster=False)
    assert theirs["Tenkyo is faster"] == "0.250 (0.250–0.500) ×"


def test_rounds_are_added_only_to_same_setup(tmp_path: Path):
    file, setup = tmp_path / "found.json", {"passages": 64}
    assert peers.before(file, setup) == {}
    file.write_text(json.dumps({"setup": setup, "rounds": {"plain": [{"passages/s": 14.0}]}}))
    assert peers.before(file, setup) == {"plain": [{"passages/s": 14.0}]}
    with pytest.raises(SystemExit, match="name another file"):
        peers.before(file, {"passages": 65})


def test_every_peer_is_pinned_and_has_side():
    assert SIDES.keys() == peers.NAMES.keys() == {peers.OURS, *PEERS}
    assert all("==" in pin for name in PEERS for pin in pins(name))


def test_answering_passage_is_found_by_position(shared: Path):
    corpus = corpora.searched(shared)
    texts = [text for document in corpus.documents for text in document]
    rows = corpora.read(shared / "data" / "qa" / "jsquad_ja" / "queries.jsonl")
    answers = {row["question"]: row["answers"] for row in rows}
    right = [
        any(answer in texts[n] for n in wanted for answer in answers[question])
        for question, wanted in corpus.asked
    ]
    assert sum(right) / len(right) > 0.99  # a few answers are cut in two
    few = corpus.cut(100)
    assert 100 <= few.passages < 200 and 0 < len(few.asked) < len(corpus.asked) / 5
    assert few.documents == corpus.documents[: len(few.documents)]
    assert {n for _, wanted in few.asked for n in wanted} <= set(range(few.passages))
    assert corpus.cut(corpus.passages) == corpus == corpus.cut(10**9)
    assert corpora.first_ranked([[0], [1], []], [("", {0}), ("", {2}), ("", {3})]) == 1 / 3
