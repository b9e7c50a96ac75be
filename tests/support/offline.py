"""A fetcher for tests that read documents without a network."""

from __future__ import annotations

from collections.abc import Sequence

import httpx

from corpus.web.fetcher import Fetcher, Limits


def offline_fetcher() -> Fetcher:
    """Make a fetcher whose connections are all refused at once, as without a network."""

    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("there is no network")

    async def resolve(host: str, port: int) -> Sequence[str]:
        return ["93.184.216.34"]

    return Fetcher(
        transport=httpx.MockTransport(refuse), resolve=resolve, limits=Limits(max_wait=0)
    )
