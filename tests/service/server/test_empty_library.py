"""Tests of a service over an empty data folder, filled through its API."""

import shutil
import signal
import time

import httpx
import pytest

from corpus.errors import ServiceRefused
from service.client.sync_client import Client
from tests.support.commands import run_here
from tests.support.library_service import MAPS, Server

EN, JA = "How many maps does the Kanda room hold?", "神田の閲覧室には地図が何枚ありますか？"


@pytest.fixture
def server(tmp_path, models, embedder):
    embedder.embed_query("x")  # unpacks the model
    (tmp_path / "data").mkdir()
    server = Server(tmp_path / "data", models)
    yield server
    if server.process and server.process.poll() is None:
        server.process.kill()
        server.process.communicate()


def test_empty_library_is_served_and_filled(server, tmp_path):
    refused = run_here("ask", EN, TENKYO_DATA_DIR=str(server.data))
    assert refused.returncode == 2 and "run `tenkyo ingest` to fill it" in refused.stderr
    url = server.start()
    ready = httpx.get(f"{url}/readyz").json()
    assert (ready["status"], ready["sources"], ready["passages"]) == ("ok", 0, 0)
    with Client(url, timeout=60) as client:
        for question, says in [(EN, "The library is empty"), (JA, "資料がまだありません")]:
            answer = client.answer(question)
            assert answer.abstained and not answer.evidence and answer.abstention is None
            assert answer.reason.startswith(says)
            assert (
                "`" not in answer.reason and "/v1/" not in answer.reason
            )  # the page shows it, too
        assert client.search(EN) == client.sources() == client.examples() == ()
        assert [c.verdict.label for c in client.verify("It holds 40,000 maps.").claims] == [
            "unsupported"
        ]
        with pytest.raises(ServiceRefused):
            client.source("whisper")
        (tmp_path / "maps.md").write_bytes(MAPS)
        assert list(client.watch(client.upload([tmp_path / "maps.md"])))[-1].data.status == "done"
        assert "40,000" in client.answer(EN).text
        assert httpx.get(f"{url}/readyz").json()["sources"] == 1
    assert not server.end(signal.SIGTERM)
    assert "40,000" in run_here("ask", EN, TENKYO_DATA_DIR=str(server.data)).stdout


def test_lost_index_is_rebuilt_at_start(server, tmp_path):
    with Client(server.start(), timeout=60) as client:
        (tmp_path / "maps.md").write_bytes(MAPS)
        list(client.watch(client.upload([tmp_path / "maps.md"])))
    server.end(signal.SIGTERM)
    shutil.rmtree(server.data / "index")
    with Client(server.start(), timeout=60) as client:
        for _ in range(100):
            if client.search(EN):
                break
            time.sleep(0.1)
        assert "40,000" in client.answer(EN).text
