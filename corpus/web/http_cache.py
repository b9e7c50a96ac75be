"""An HTTP cache on disk: fetched documents, revalidated so that unchanged ones are not sent again.

Each URL has two files: the bytes, and a line of JSON about them. Both are named by the hash of the
URL, so no URL can name a file elsewhere.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from corpus.types import text_hash
from corpus.web.response import Fetched

MAX_CACHE_BYTES = 1_000_000_000

_log = logging.getLogger(__name__)


class HttpCache:
    """A folder of fetched documents with a limited total size.

    A folder that cannot be read or written only causes a logged warning. Safe to share between
    threads and processes: files are replaced atomically, and an entry whose bytes do not match
    their recorded hash is dropped.

    Args:
        folder: the folder; it is created when something is stored.
        max_bytes: the total size, beyond which the oldest entries are evicted.
    """

    def __init__(self, folder: Path, max_bytes: int = MAX_CACHE_BYTES) -> None:
        self.folder, self._max_bytes = folder, max_bytes

    def get(self, url: str) -> Fetched | None:
        """Return the stored document of a URL, or None; a damaged entry is removed."""
        data_path, line_path = self._paths(url)
        try:
            entry = json.loads(line_path.read_bytes())
            data = data_path.read_bytes()
            intact = entry["url"] == url and hashlib.sha256(data).hexdigest() == entry["sha256"]
            names = ("final_url", "content_type", "etag", "last_modified")
            final_url, *others = (str(entry[name]) for name in names)
        except FileNotFoundError:
            intact = False
        except OSError as error:
            _log.warning("cannot read %s of the cache: %s", data_path, error.strerror)
            return None
        except (ValueError, KeyError, TypeError, RecursionError):
            intact = False
        if not intact:
            self._drop(data_path, line_path)
            return None
        content_type, etag, last_modified = others
        return Fetched(final_url, content_type, data, etag, last_modified)

    def put(self, url: str, fetched: Fetched) -> None:
        """Store the fetched document of a URL, replacing an earlier one.

        Nothing is stored if the server says ``no-store``. Other Cache-Control directives do not
        matter: this cache always revalidates with the server.
        """
        data_path, line_path = self._paths(url)
        if len(fetched.data) > self._max_bytes or _forbids_storing(fetched):
            self._drop(data_path, line_path)
            return
        entry = {
            "url": url,
            "final_url": fetched.url,
            "sha256": hashlib.sha256(fetched.data).hexdigest(),
            "etag": fetched.etag,
            "last_modified": fetched.last_modified,
            "fetched_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "content_type": fetched.content_type,
        }
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            _write(data_path, fetched.data)
            _write(line_path, json.dumps(entry, ensure_ascii=False).encode() + b"\n")
            self._evict()
        except OSError as error:
            _log.warning("cannot store %s in %s: %s", url, self.folder, error.strerror)
            self._drop(data_path, line_path)

    def forget(self, url: str) -> None:
        """Remove the cached documents of a URL and of all URLs that redirected to it."""
        self._drop(*self._paths(url))
        for line_path in self.folder.glob("*.json"):
            with contextlib.suppress(OSError, ValueError, RecursionError, AttributeError):
                if json.loads(line_path.read_bytes()).get("final_url") == url:
                    self._drop(line_path.with_suffix(""), line_path)

    def _paths(self, url: str) -> tuple[Path, Path]:
        name = text_hash(url)
        return self.folder / name, self.folder / f"{name}.json"

    def _evict(self) -> None:
        """Delete the oldest files until the folder is within its limit."""
        files = []
        for entry in os.scandir(self.folder):
            with contextlib.suppress(FileNotFoundError):  # another process has deleted it
                files.append((entry.stat().st_mtime, entry.stat().st_size, entry.path))
        total = sum(size for _, size, _ in files)
        for _, size, path in sorted(files):
            if total <= self._max_bytes:
                return
            total -= size
            self._drop(Path(path))

    @staticmethod
    def _drop(*paths: Path) -> None:
        for path in paths:
            with contextlib.suppress(OSError):
                path.unlink()


def _forbids_storing(fetched: Fetched) -> bool:
    directives = fetched.cache_control.lower().split(",")
    return any(each.partition("=")[0].strip() == "no-store" for each in directives)


def _write(path: Path, data: bytes) -> None:
    """Write a file atomically."""
    handle, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.replace(name, path)
    except BaseException:
        HttpCache._drop(Path(name))
        raise
