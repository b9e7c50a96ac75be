"""What a Markdown file says about itself before its text: YAML between ---, TOML between +++."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from typing import Any

import yaml

from corpus.text.blocks import CJK, one_line, parse_authors

_YAML = re.compile(
    r"\s*---[ \t]*\n((?:[ \t]*#.*\n)*[A-Za-z_][\w-]*[ \t]*:.*?\n)??(?:---|\.\.\.)[ \t]*(?:\n|\Z)",
    re.DOTALL,
)
_TOML = re.compile(r"\s*\+\+\+[ \t]*\n(.*?\n)??\+\+\+[ \t]*(?:\n|\Z)", re.DOTALL)
_LINE = re.compile(r"([A-Za-z_][\w-]*)[ \t]*:[ \t]+(.*)")
_NOTHING = {"", "null", "~", "[]", "{}"}
_MAX_LENGTH = 20_000
_SEVERAL_NAMES = re.compile(rf"\S \S|{CJK}")


def split_front_matter(text: str) -> tuple[dict[str, list[str]], str]:
    """The front matter of a text as lists of values, its keys in lower case, and the text after it.

    A value that is a mapping, such as an author with an affiliation, gives its name; what lies
    deeper is passed over. YAML with a mistake in it is read line by line, as far as that goes.
    """
    if match := _YAML.match(text):
        found = _from_yaml((match[1] or "")[:_MAX_LENGTH])
    elif match := _TOML.match(text):
        try:
            found = tomllib.loads((match[1] or "")[:_MAX_LENGTH])
        except (ValueError, RecursionError):
            return {}, text
    else:
        return {}, text
    return {str(key).lower(): list(_words(each)) for key, each in found.items()}, text[
        match.end() :
    ]


def author_list(values: list[str]) -> tuple[str, ...]:
    """The people in a list, or in one line of several names; Doe, Jane is one name."""
    if len(values) == 1:
        several = parse_authors(values[0])
        return several if all(map(_SEVERAL_NAMES.search, several)) else tuple(values)
    return tuple(values)


def _from_yaml(text: str) -> dict[Any, Any]:
    try:
        found = yaml.load(text, yaml.BaseLoader)  # strings, lists and mappings, nothing else
    except (yaml.YAMLError, RecursionError, ValueError):
        # Mostly a title with a colon that its writer did not quote.
        lines = filter(None, (_LINE.fullmatch(line.rstrip()) for line in text.splitlines()))
        found = {line[1]: line[2].strip("\"' ") for line in lines}
    return found if isinstance(found, dict) else {}


def _words(value: Any) -> Iterator[str]:
    for each in value if isinstance(value, list) else [value]:
        if isinstance(each, dict):
            parts = (each.get(key) for key in ("given", "given-names", "family", "family-names"))
            each = each.get("name") or " ".join(part for part in parts if isinstance(part, str))
        words = "" if isinstance(each, (dict, list)) else one_line(str(each))
        if words not in _NOTHING:
            yield words
