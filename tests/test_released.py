"""What version 0.1.0 wrote: its data folder opens, its receipts verify; see data/released."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import httpx
import pytest

from corpus.store.store import Store
from corpus.store.uploads import Upload, UploadStore
from corpus.web.fetcher import Fetcher, Limits
from index.ingestion.ingest import Ingestion
from index.ingestion.report import IngestProgress, Item
from index.ingestion.sync import check_index, sync
from index.search import Library
from index.storage.local_index import LocalIndex
from service.answering.engine import Engine
from service.conversations.store import History
from service.verification import receipt
from service.verification.recheck import recheck
from service.verification.verifier import VERIFIER_VERSION

RELEASED = Path(__file__).parent / "data" / "released"
RECEIPTS = sorted(RELEASED.glob("receipt.*.json"))
# With the verifier of that version all is as it was; with a later one, what differs is noted.
SAME_VERIFIER = VERIFIER_VERSION == 1
FINE = {"ok"} if SAME_VERIFIER else {"ok", "note"}
PAGE = "https://example.org/reading-room.html"


@pytest.fixture
def folder(tmp_path) -> Path:
    """The data folder of that version."""
    with zipfile.ZipFile(RELEASED / "data.zip") as archive:
        archive.extractall(tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture
def store(folder) -> Store:
    return Store(f"sqlite:///{folder / 'tenkyo.db'}")


def passages(store: Store) -> dict[str, str]:
    """The text of each passage by its id."""
    return {passage.id: passage.text for passage, _ in store.passages(store.rows()).values()}


def ingest(store: Store, folder: Path) -> list[Item]:
    """Ingest once more what is in the folder."""

    def reply(request: httpx.Request) -> httpx.Response:
        body = (RELEASED / "documents" / "reading-room.html").read_bytes()
        kind = {"content-type": "text/html; charset=utf-8"}
        return httpx.Response(200, headers=kind, stream=httpx.ByteStream(body))

    async def resolve(host: str, port: int) -> list[str]:
        return ["93.184.216.34"]

    uploads, files = UploadStore(folder / "uploads"), []
    for name in ("maps.md", "snow.ja.md", "keepers.ja.txt"):
        with uploads.receive() as incoming:
            incoming.write((RELEASED / "documents" / name).read_bytes())
            files.append(Upload(name, incoming.keep()))
    limits = Limits(max_wait=0)
    fetcher = Fetcher(transport=httpx.MockTransport(reply), resolve=resolve, limits=limits)
    with Ingestion(store) as ingestion:
        items = asyncio.run(ingestion.uploads(files, uploads))
        return items + asyncio.run(ingestion.places([PAGE], fetcher))


@pytest.mark.parametrize("path", RECEIPTS, ids=lambda path: path.name)
def test_a_receipt_verifies_as_if_it_were_made_today(path, store, verifier):
    found = receipt.read_receipt(path.read_bytes())
    for library in (None, store):
        outcomes = {check.outcome for check in recheck(found, verifier, library)}
        assert outcomes <= FINE


def test_the_receipts_are_of_every_kind():
    found = [json.loads(path.read_text(encoding="utf-8")) for path in RECEIPTS]
    assert {each["mode"] for each in found} == {"quoted", "generated", "abstained"}
    assert any(each["rejected"] for each in found) and len(found) == 4
    assert all("rules_sha256" in each["checker"] for each in found)


def test_a_receipt_by_rules_that_are_not_known_is_noted(verifier):
    found = json.loads((RELEASED / "receipt.generated.ja.json").read_text(encoding="utf-8"))
    found["checker"]["rules_sha256"] = "0" * 64
    found["rejected"][0]["verdict"]["score"] -= 0.2
    checks = recheck(receipt.seal(found), verifier)
    noted = [check.name for check in checks if check.outcome == "note"]
    assert noted == ["verifier", "verdict on withheld 1"]
    assert "failed" not in {check.outcome for check in checks}


@pytest.mark.skipif(not SAME_VERIFIER, reason="with a later verifier it is noted")
def test_a_verdict_that_was_bent_fails(verifier):
    """That version's receipts are held to as strictly as today's."""
    found = json.loads((RELEASED / "receipt.generated.ja.json").read_text(encoding="utf-8"))
    found["rejected"][0]["verdict"]["score"] -= 0.2
    checks = recheck(receipt.seal(found), verifier)
    assert [c.name for c in checks if c.outcome == "failed"] == ["verdict on withheld 1"]


def test_a_receipt_made_of_the_old_history_is_the_one_that_was_made_then(store):
    for path in RECEIPTS:
        then = json.loads(path.read_text(encoding="utf-8"))
        made = receipt.make_receipt(History(store.database), then["id"])
        assert json.loads(json.dumps(made)) == then


def test_the_command_verifies_a_receipt_in_the_old_folder(folder, models):
    (folder / "models").symlink_to(models)
    clean = {k: v for k, v in os.environ.items() if not k.startswith("TENKYO_")}
    done = subprocess.run(
        [sys.executable, "-m", "service.cli.main", "verify", *map(str, RECEIPTS), "--json"],
        capture_output=True,
        text=True,
        timeout=120,
        env=clean | {"TENKYO_DATA_DIR": str(folder)},
    )
    assert done.returncode == 0, done.stderr
    files = json.loads(done.stdout)["files"]
    outcomes = {check["outcome"] for file in files for check in file["checks"]}
    assert len(files) == 4 and outcomes <= FINE


def test_the_folder_opens_and_answers(folder, store, embedder, checker):
    index = LocalIndex.open(folder / "index", embedder.name, store.revision())
    library, history = Library(store, index, embedder), History(store.database)
    (best, *_) = library.search("Who wrote the first catalogue?", 3)
    assert "Ada Berg" in best.passage.text
    engine = Engine(library, checker, history)
    for question, says in (
        ("How many maps does the Kanda reading room hold?", "40,000 maps"),
        ("記録室の鍵は何本ありますか？", "鍵は7本ある"),
    ):
        answer = asyncio.run(engine.answer(question))
        assert answer.mode == "quoted" and says in answer.text
        assert receipt.make_receipt(history, answer.id)["format_version"] == 2


def test_what_is_ingested_again_is_read_once_more_and_keeps_its_ids(
    folder, store, embedder, monkeypatch
):
    before, revision = passages(store), store.revision()
    assert {item.outcome for item in ingest(store, folder)} == {"unchanged"}
    assert passages(store) == before and store.revision() == revision and len(before) == 8
    monkeypatch.setattr(Ingestion, "_read", lambda *_: pytest.fail("it is read a third time"))
    assert {item.outcome for item in ingest(store, folder)} == {"unchanged"}
    assert sync(store, embedder, folder / "index", IngestProgress()) == 0
    check_index(folder / "index", embedder.name)
