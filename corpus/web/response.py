"""The value type of a document that was fetched over HTTP."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fetched:
    """The bytes of a fetched document with its final URL (after redirects) and some headers.

    The fields after ``data`` are response headers as they were sent, "" where missing.
    """

    url: str
    content_type: str
    data: bytes
    etag: str = ""
    last_modified: str = ""
    cache_control: str = ""
