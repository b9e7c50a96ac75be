"""What readers on other machines are shown in place of this one's paths and system errors. Pure.

The owner's command line shows where a file lies; whatever leaves by HTTP, MCP, a shared link, an
export or a receipt goes through here. Stored values stay as they are.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from corpus.types import Source

PAGE = "/sources/"  # of a source, on this service
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")
_OURS = r"(?!/(?:v1|sources|shared|mcp|openapi\.json|readyz|healthz|llms\.txt)\b)"
_FILE_ADDRESS = re.compile(r"file:/+[^\s“”\"'（）()「」<>,;、。]*", re.IGNORECASE)
_PATH = re.compile(
    rf"(?<![\w/:.~\\<-]){_OURS}(?:~|\.{{1,2}}|[A-Za-z]:)?[\\/](?:[^\\/\s“”\"'「」（）<>]+[\\/])+"
    r"[^\\/\s“”\"'「」（）()<>,;:、。]*"
)
_ERRORS = sorted({os.strerror(n) for n in errno.errorcode}, key=len, reverse=True)
_SYSTEM = re.compile(
    r"\s*[:(（]?\s*(?:\[(?:Errno|WinError) -?\d+\](?:[^:;,()（）]*)"
    rf"|(?:{'|'.join(re.escape(said) for said in _ERRORS if ' ' in said)}))\s*[)）]?",
    re.IGNORECASE,
)
_ASIDE = re.compile(r"\s*[(（][^()（）]*[)）]")
_ADDRESS = re.compile(
    r"(?: at| from)? ?\b[a-z][a-z0-9+.-]*://[^\s“”\"'（）()「」<>,;、。]*", re.IGNORECASE
)
# What answers say of a model, and said in versions up to 0.1 of other documents.
_FAILED = re.compile(
    r"^(The language model failed(?: on the way)? \("
    r"|言語モデルが(?:使えません|途中で止まりました)（)(.*)(?=\); |）。)",
    re.DOTALL,
)
_TELLING = frozenset({"url", "replaces", "mode", "place"})
_UNREAD = re.compile(r"(?: Not read in the original: |原文を読めなかった資料: ).*", re.DOTALL)


def page_of(source_id: str) -> str:
    """The path of the service's own page of a source."""
    return PAGE + quote(source_id, safe="")


def is_local(place: str) -> bool:
    """Whether an address or a path leads into this machine's files."""
    return place[:5].lower().startswith(("file:", "/", "~", "\\")) or bool(_DRIVE.match(place))


def file_name(place: str) -> str:
    """The last part of a path or an address, as it is read."""
    path = unquote(urlsplit(place).path) if "://" in place or place[:5] == "file:" else place
    return re.split(r"[\\/]", path.rstrip("\\/"))[-1]


def name_of(source: Source) -> str:
    """What to call a source: its title, or the name of its file, or its address, or its id."""
    if source.title:
        return source.title
    return (file_name(source.url) if is_local(source.url) else source.url) or source.id


def model_name(name: str) -> str:
    """What to call a model: its name, or, where that is a path or an address, a part of it."""
    if name.startswith(("http://", "https://")):
        return "default"
    if is_local(name) or name.startswith(("./", "../")) or "\\" in name or name.endswith(".gguf"):
        return file_name(name).removesuffix(".gguf") or "default"
    return name


def without_paths(text: str, place: str = "") -> str:
    """A text with the names of files in place of their paths, and without system errors.

    ``place``: a path that stands in it as it is, even with blanks.
    """
    if place and is_local(place):
        text = text.replace(place, file_name(place))
    shown = _SYSTEM.sub("", _names_for_paths(text)).strip(" :;,")
    return shown or ("a system error" if text else "")


def in_short(message: str) -> str:
    """What an error's message says is wrong: no address, no detail in brackets, no fix."""
    while (shorter := _ASIDE.sub("", message)) != message:
        message = shorter
    return without_paths(_ADDRESS.sub("", message.split(": ")[0]))


def _names_for_paths(text: str) -> str:
    text = _FILE_ADDRESS.sub(lambda found: file_name(found[0]), text)
    return _PATH.sub(lambda found: file_name(found[0]), text)


def public(value: Any) -> Any:
    """A JSON value as readers elsewhere may have it; the same again for what is one already.

    It is told by its names what a value is: a source or citation has a ``url``, an answer a
    ``mode``, a document that could not be read a ``place`` and a ``reason``.
    """
    match value:
        case dict():
            shown = {name: public(item) for name, item in value.items()}
            return shown if _TELLING.isdisjoint(shown) else _named(shown)
        case list() | tuple():
            return [public(item) for item in value]
    return value


def _named(shown: dict[str, Any]) -> dict[str, Any]:
    url, place = shown.get("url"), shown.get("place")
    source_id = shown.get("source_id") or shown.get("id")
    known = isinstance(url, str) and isinstance(source_id, str)
    if known and is_local(url) and url != (page := page_of(source_id)):
        shown["url"] = page
        if shown.get("title") == "":
            shown["title"] = file_name(url)
    if isinstance(shown.get("replaces"), str) and is_local(shown["replaces"]):
        shown["replaces"] = page_of(source_id or "")
    if "mode" in shown:
        shown |= _answer(shown)
    if isinstance(place, str):
        if is_local(place):
            shown["place"] = file_name(place)
        if isinstance(shown.get("reason"), str):
            shown["reason"] = without_paths(shown["reason"], place)
    return shown


def _answer(shown: Mapping[str, Any]) -> dict[str, Any]:
    """The model and the reason of an answer, which an earlier version may have made."""
    changed: dict[str, Any] = {}
    if isinstance(model := shown.get("model"), str):
        changed["model"] = model_name(model)
    if isinstance(reason := shown.get("reason"), str):
        reason = _FAILED.sub(lambda found: found[1] + in_short(found[2]), reason)
        if shown["mode"] == "abstained" and shown.get("abstention") != "false_premise":
            reason = _names_for_paths(_UNREAD.sub("", reason))  # titles, and what has none
        changed["reason"] = reason
    return changed
