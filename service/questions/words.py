"""Words by which a question is recognised, read once from ``words.toml``."""

from __future__ import annotations

import tomllib
from pathlib import Path

_LISTS = tomllib.loads(Path(__file__).with_name("words.toml").read_text(encoding="utf-8"))


def any_of(language: str, name: str) -> str:
    """Return a pattern that matches any word of a list, such as ``english``, ``auxiliaries``.

    Entries are separated by bars if any of them contains a blank, else by blanks.
    """
    listed = str(_LISTS[language][name])
    return "|".join(
        word.strip() for word in (listed.split("|") if "|" in listed else listed.split())
    )
