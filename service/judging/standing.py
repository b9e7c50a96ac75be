"""Outcomes of self-tests, kept in a file, so that each model takes the test once."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from service.judging.prompt import PROMPT_VERSION
from service.judging.self_test import SelfTestReport

logger = logging.getLogger(__name__)

_FILE = "judges.json"
_POLL = 1.0  # seconds between two looks whether another process has ended its test


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a self-test ended: right judgements of true and of false items, and when (UTC)."""

    passed: bool
    true_right: int
    false_right: int
    tested_at: str


class Standing:
    """Outcomes by model, in a JSON file of the data folder that several processes may use.

    A file that is damaged or cannot be read counts as empty. Where none can be written, nothing is
    kept, and a warning says so.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / _FILE
        self._lock = folder / f"{_FILE}.lock"

    def get(self, key: str) -> Outcome | None:
        """Return the outcome that is kept under a key; None if there is none."""
        try:
            outcome = Outcome(**self._read()[key])
        except (KeyError, TypeError):
            return None
        wanted = {"passed": bool, "true_right": int, "false_right": int, "tested_at": str}
        good = all(type(getattr(outcome, name)) is kind for name, kind in wanted.items())
        return outcome if good else None

    def keep(self, key: str, report: SelfTestReport) -> None:
        """Keep the outcome of a test, in place of an earlier one."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        right = report.score(True)[0], report.score(False)[0]
        try:
            self._write(self._read() | {key: asdict(Outcome(report.passed, *right, now))})
        except OSError as error:
            _warn(error)

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Wait until no other process tests or keeps an outcome, and hold others off."""
        lock = FileLock(self._lock, thread_local=False)
        while True:
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                lock.acquire(blocking=False)
                break
            except Timeout:
                await asyncio.sleep(_POLL)
            except (OSError, NotImplementedError) as error:  # the latter from some file systems
                _warn(error)
                break
        try:
            yield
        finally:
            lock.release()

    def _read(self) -> dict[str, Any]:
        try:
            value = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            return {}
        return value if isinstance(value, dict) else {}

    def _write(self, value: dict[str, Any]) -> None:
        """Replace the file in one step."""
        handle, name = tempfile.mkstemp(dir=self._path.parent, suffix=".part")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(value, file, ensure_ascii=False, indent=1, sort_keys=True)
            os.replace(name, self._path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


def _warn(error: Exception) -> None:
    why = getattr(error, "strerror", None) or type(error).__name__
    logger.warning(
        "the outcome of a judge's self-test cannot be kept (%s): make TENKYO_DATA_DIR writable, or"
        " the test is taken again after each start",
        why,
    )


def standing_key(address: str, model: str, items: str) -> str:
    """Return the key of a model's outcome: its URL, its name, and what it was tested with.

    Args:
        address: URL of its server, without credentials.
        model: Its name there.
        items: Fingerprint of the items of the test.
    """
    return f"{address} {model} prompt {PROMPT_VERSION} items {items}"
