"""Compatibility with version 0.1.0: its data folder opens, its receipts verify (data/released)."""

from __future__ import annotations

import asyncio
import json
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
from service.receipts.recheck import recheck
from service.verification import receipt
from service.verification.verifier import VERIFIER_VERSION
from tests.support.commands import run_here

RELEASED = Path(__file__).parent / "data" / "released"
RECEIPTS = sorted(RELEASED.glob("receipt.*.json"))
# With the verifier of that version nothing differs; with a later one, differences are notes.
SAME_VERIFIER = VERIFIER_VERSION == 1
FINE = {"ok"} if SAME_VERIFIER else {"ok", "note"}
PAGE = "https://example.org/reading-room.html"


@pytest.fixture
def folder(tmp_path) -> Path:
    """A copy of the data folder of version 0.1.0."""
    with zipfile.ZipFile(RELEASED / "data.zip") as archive:
        archive.extractall(tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture
def store(folder) -> Store:
    return Store(f"sqlite:///{folder / 'tenkyo.db'}")


def passages(store: Store) -> dict[str, str]:
    """Map the ids of all passages to their texts."""
    return {passage.id: passage.text for passage, _ in store.passages(store.rows()).values()}


def ingest(store: Store, folder: Path) -> list[Item]:
    """Ingest again the documents of the folder."""

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
    fetcher = Fetcher(
        transport=httpx.MockTransport(reply), resolve=resolve, limits=Limits(max_wait=0)
    )
    with Ingestion(store) as ingestion:
        items = asyncio.run(ingestion.uploads(files, uploads))
        return items + asyncio.run(ingestion.places([PAGE], fetcher))


@pytest.mark.parametrize("path", RECEIPTS, ids=lambda path: path.name)
def test_released_receipt_verifies(path, store, verifier):
    found = receipt.read_receipt(path.read_bytes())
    for library in (None, store):
        outcomes = {check.outcome for check in recheck(found, verifier, library)}
        assert outcomes <= FINE


def test_released_receipts_cover_every_kind():
    found = [json.loads(path.read_text(encoding="utf-8")) for path in RECEIPTS]
    assert {each["mode"] for each in found} == {"quoted", "generated", "abstained"}
    assert any(each["rejected"] for each in found) and len(found) == 4
    assert all("rules_sha256" in each["checker"] for each in found)


def test_receipt_with_unknown_rules_gets_note(verifier):
    found = json.loads((RELEASED / "receipt.generated.ja.json").read_text(encoding="utf-8"))
    found["checker"]["rules_sha256"] = "0" * 64
    found["rejected"][0]["verdict"]["score"] -= 0.2
    checks = recheck(receipt.seal(found), verifier)
    noted = [check.name for check in checks if check.outcome == "note"]
    assert noted == ["verifier", "verdict on withheld 1"]
    assert "failed" not in {check.outcome for check in checks}


@pytest.mark.skipif(not SAME_VERIFIER, reason="a later verifier only adds a note")
def test_altered_verdict_fails(verifier):
    """Receipts of version 0.1.0 are checked as strictly as today's."""
    found = json.loads((RELEASED / "receipt.generated.ja.json").read_text(encoding="utf-8"))
    found["rejected"][0]["verdict"]["score"] -= 0.2
    checks = recheck(receipt.seal(found), verifier)
    assert [c.name for c in checks if c.outcome == "failed"] == ["verdict on withheld 1"]


def test_receipts_from_released_history_are_identical(store):
    for path in RECEIPTS:
        then = json.loads(path.read_text(encoding="utf-8"))
        made = receipt.make_receipt(History(store.database), then["id"])
        assert json.loads(json.dumps(made)) == then


def test_verify_command_works_with_released_data_folder(folder, models):
    (folder / "models").symlink_to(models)
    done = run_here("verify", *RECEIPTS, "--json", TENKYO_DATA_DIR=str(folder))
    assert done.returncode == 0, done.stderr
    files = json.loads(done.stdout)["files"]
    outcomes = {check["outcome"] for file in files for check in file["checks"]}
    assert len(files) == 4 and outcomes <= FINE


def test_released_data_folder_opens_and_answers(folder, store, embedder, checker):
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


def test_reingestion_of_released_folder_reads_once_and_keeps_ids(
    folder, store, embedder, monkeypatch
):
    before, revision = passages(store), store.revision()
    assert {item.outcome for item in ingest(store, folder)} == {"unchanged"}
    assert passages(store) == before and store.revision() == revision and len(before) == 8
    monkeypatch.setattr(Ingestion, "_read", lambda *_: pytest.fail("it is read a third time"))
    assert {item.outcome for item in ingest(store, folder)} == {"unchanged"}
    assert sync(store, embedder, folder / "index", IngestProgress()) == 0
    check_index(folder / "index", embedder.name)
