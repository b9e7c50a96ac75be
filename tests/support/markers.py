"""A pytest plugin that lets only marked tests start processes and servers."""

from __future__ import annotations

import functools
import socket
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest

GUARDED = {"process": (subprocess.Popen, "__init__"), "server": (socket.socket, "listen")}
EXEMPT = ("model", "browser")
"""Tests with these markers are never among the fast ones, so they may start anything."""


class MarkerGuard:
    """Fails a test that starts a process or a server without the marker for it."""

    def __init__(self) -> None:
        self._running: pytest.Item | None = None
        for marker, (owner, name) in GUARDED.items():
            setattr(owner, name, self._guarded(marker, getattr(owner, name)))

    def _guarded(self, marker: str, start: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(start)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            if (item := self._running) and not any(
                item.get_closest_marker(name) for name in (marker, *EXEMPT)
            ):
                pytest.fail(f"{item.nodeid} starts a {marker}: mark it @pytest.mark.{marker}")
            return start(*args, **kwargs)

        return guarded

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self._running = item
        try:
            return (yield)
        finally:
            self._running = None
