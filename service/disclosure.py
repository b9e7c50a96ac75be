"""Removal of local paths and system errors from what leaves this machine. Pure functions.

The owner's command line shows where a file lies. Whatever leaves by HTTP, MCP, a shared link, an
export or a receipt goes through ``public`` or ``without_paths``. Stored values stay as they are.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from corpus.types import Source

PAGE = "/sources/"  # path of the service's own page of a source
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
    rf"|(?:{'|'.join(re.escape(text) for text in _ERRORS if ' ' in text)}))\s*[)）]?",
    re.IGNORECASE,
)
_ASIDE = re.compile(r"\s*[(（][^()（）]*[)）]")
_ADDRESS = re.compile(
    r"(?: at| from)? ?\b[a-z][a-z0-9+.-]*://[^\s“”\"'（）()「」<>,;、。]*", re.IGNORECASE
)
# Reasons in answers: that the model failed, and, up to version 0.1, which documents did.
_FAILED = re.compile(
    r"^(The language model failed(?: on the way| partway)? \("
    r"|言語モデルが(?:使えません|途中で止まりました)（)(.*)(?=\); |）。)",
    re.DOTALL,
)
_SENSITIVE_FIELDS = frozenset({"url", "replaces", "mode", "place"})
_UNREAD = re.compile(r"(?: Not read in the original: |原文を読めなかった資料: ).*", re.DOTALL)


def page_of(source_id: str) -> str:
    """Return the path of the service's own page of a source."""
    return PAGE + quote(source_id, safe="")


def is_local(place: str) -> bool:
    """Return whether an address or path names a file of this machine."""
    return place[:5].lower().startswith(("file:", "/", "~", "\\")) or bool(_DRIVE.match(place))


def file_name(place: str) -> str:
    """Return the last part of a path or address, decoded."""
    path = unquote(urlsplit(place).path) if "://" in place or place[:5] == "file:" else place
    return re.split(r"[\\/]", path.rstrip("\\/"))[-1]


def name_of(source: Source) -> str:
    """Name a source for readers: by its title, file name, address or id, whichever it has first."""
    if source.title:
        return source.title
    return (file_name(source.url) if is_local(source.url) else source.url) or source.id


def model_name(name: str) -> str:
    """Name a model for readers: a path becomes its last part, and an address ``default``."""
    if name.startswith(("http://", "https://")):
        return "default"
    if is_local(name) or name.startswith(("./", "../")) or "\\" in name or name.endswith(".gguf"):
        return file_name(name).removesuffix(".gguf") or "default"
    return name


def without_login(url: str) -> str:
    """Return a URL without the name and password in it."""
    return re.sub("//[^/?#]*@", "//", url)


def without_paths(text: str, place: str = "") -> str:
    """Replace paths in a text by file names, and remove operating system errors.

    Args:
        text: The text.
        place: A path that the text may contain as it is, with blanks too.
    """
    if place and is_local(place):
        text = text.replace(place, file_name(place))
    shown = _SYSTEM.sub("", _names_for_paths(text)).strip(" :;,")
    return shown or ("a system error" if text else "")


def in_short(message: str) -> str:
    """Shorten an error message to what is wrong: no address, no bracketed detail, no fix."""
    while (shorter := _ASIDE.sub("", message)) != message:
        message = shorter
    return without_paths(_ADDRESS.sub("", message.split(": ")[0]))


def _names_for_paths(text: str) -> str:
    text = _FILE_ADDRESS.sub(lambda found: file_name(found[0]), text)
    return _PATH.sub(lambda found: file_name(found[0]), text)


def public(value: Any) -> Any:
    """Copy a JSON value without local paths and system errors. Idempotent.

    Objects are recognised by their fields: a source or citation has a ``url``, an answer a
    ``mode``, and a document that could not be read a ``place`` and a ``reason``.
    """
    match value:
        case dict():
            shown = {name: public(item) for name, item in value.items()}
            return shown if _SENSITIVE_FIELDS.isdisjoint(shown) else _without_local_names(shown)
        case list() | tuple():
            return [public(item) for item in value]
    return value


def _without_local_names(shown: dict[str, Any]) -> dict[str, Any]:
    url, place = shown.get("url"), shown.get("place")
    source_id = shown.get("source_id") or shown.get("id")
    if (
        isinstance(url, str)
        and isinstance(source_id, str)
        and is_local(url)
        and url != (page := page_of(source_id))
    ):
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
    """Return the model and reason of an answer that an earlier version may have stored."""
    changed: dict[str, Any] = {}
    if isinstance(model := shown.get("model"), str):
        changed["model"] = model_name(model)
    if isinstance(reason := shown.get("reason"), str):
        reason = _FAILED.sub(lambda found: found[1] + in_short(found[2]), reason)
        if shown["mode"] == "abstained" and shown.get("abstention") != "false_premise":
            reason = _names_for_paths(_UNREAD.sub("", reason))  # a title may be a path
        changed["reason"] = reason
    return changed
