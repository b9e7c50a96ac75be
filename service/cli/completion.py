"""What the Tab key completes in a shell, besides commands and options: names of collections."""

from __future__ import annotations

import contextlib
import io
import re

from corpus.errors import TenkyoError


def collection_names() -> list[str]:
    """Return the names of all collections; typer leaves those that begin with what is typed.

    None where there is no library yet, or it cannot be opened; nothing is printed, since a shell
    would show it amid what is typed.
    """
    from service.server.bootstrap import open_store_if_any
    from service.settings import read_settings

    with contextlib.redirect_stderr(io.StringIO()), contextlib.suppress(TenkyoError):
        if store := open_store_if_any(read_settings()):
            return [_typed(each.name) for each in store.collections.all()]
    return []


def _typed(name: str) -> str:
    """Return a name as it is typed: bash, other than zsh and fish, does not protect its blanks."""
    from service.settings import completes_in_bash

    return re.sub(r"([^\w.,:/@%+=-])", r"\\\1", name) if completes_in_bash() else name
