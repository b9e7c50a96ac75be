"""Fixture: OpenAI's client for a real server."""

import pytest
from openai import OpenAI


@pytest.fixture(scope="module")
def client(url):
    with OpenAI(base_url=f"{url}/v1", api_key="anything", max_retries=0) as client:
        yield client
