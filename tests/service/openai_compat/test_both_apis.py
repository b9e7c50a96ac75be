"""What holds for chat completions and for responses alike."""

import asyncio
import time

import httpx
import pytest

from tests.support.openai_requests import BOTH
from tests.support.switched_model import Slow


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("path", "body"), BOTH)
def test_disconnect_stops_work_within_a_second(url, model, path, body, stream):
    model.now = slow = Slow()

    async def leave():
        async with httpx.AsyncClient(timeout=30) as client:
            sending = client.post(f"{url}/v1{path}", json=body | {"stream": stream})
            asking = asyncio.ensure_future(sending)
            while slow.started is None:
                assert not asking.done()
                await asyncio.sleep(0.02)
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
        return time.monotonic()

    left = asyncio.run(leave())
    while slow.stopped is None and time.monotonic() < left + 5:
        time.sleep(0.01)
    assert slow.stopped is not None and slow.stopped - left < 1


@pytest.mark.parametrize(("path", "field"), [(path, list(body)[1]) for path, body in BOTH])
def test_body_that_is_not_json_is_told_what_to_send(url, path, field):
    headers = {"content-type": "application/json"}
    response = httpx.post(f"{url}/v1{path}", content=b"no", headers=headers)
    error = response.json()["error"]
    assert response.status_code == 400 and error["code"] == "invalid_json"
    assert f'"{field}"' in error["message"]
