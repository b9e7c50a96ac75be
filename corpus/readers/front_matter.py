"""Parser for the front matter of Markdown files: YAML between ``---``, TOML between ``+++``."""

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
    """Split a Markdown text into the metadata of its front matter and the text after it.

    A value that is a mapping, such as an author with an affiliation, becomes its name; deeper
    nesting is ignored. YAML with a syntax error is read line by line, as far as possible.

    Returns:
        The values of each key as a list, keys in lower case (empty without front matter), and
        the text after the front matter.
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
    values = {str(key).lower(): list(_strings(each)) for key, each in found.items()}
    return values, text[match.end() :]


def author_list(values: list[str]) -> tuple[str, ...]:
    """List the authors in a front-matter value, also where one line holds several names.

    A single ``Doe, Jane`` stays one name.
    """
    if len(values) == 1:
        several = parse_authors(values[0])
        return several if all(map(_SEVERAL_NAMES.search, several)) else tuple(values)
    return tuple(values)


def _from_yaml(text: str) -> dict[Any, Any]:
    try:
        found = yaml.load(text, yaml.BaseLoader)  # strings, lists and mappings, nothing else
    except (yaml.YAMLError, RecursionError, ValueError):
        # Most often a title with a colon that is not in quotation marks.
        lines = filter(None, (_LINE.fullmatch(line.rstrip()) for line in text.splitlines()))
        found = {line[1]: line[2].strip("\"' ") for line in lines}
    return found if isinstance(found, dict) else {}


def _strings(value: Any) -> Iterator[str]:
    for each in value if isinstance(value, list) else [value]:
        if isinstance(each, dict):
            parts = (each.get(key) for key in ("given", "given-names", "family", "family-names"))
            each = each.get("name") or " ".join(part for part in parts if isinstance(part, str))
        string = "" if isinstance(each, (dict, list)) else one_line(str(each))
        if string not in _NOTHING:
            yield string
