"""A document as it came over HTTP."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fetched:
    """``url`` is where the redirects ended; what follows ``data`` are headers, as sent."""

    url: str
    content_type: str
    data: bytes
    etag: str = ""
    last_modified: str = ""
    cache_control: str = ""
