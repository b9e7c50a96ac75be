"""Whether a request comes from the page in a browser of this machine, whose owner may do more.

There is no sign-in. So what connects the service to another server is done only by a page that

- was loaded from this machine: the connection comes from it, the name in the address is one of its
  own, and nothing shows that a proxy passes on the request of somebody else. Some proxies add no
  header, but speak HTTP/1.0, as nginx before 1.29.7 does unless it is told otherwise; no browser
  does that;
- has the token of this service, which a page of another site cannot read.

The name in the address keeps out pages whose own name was made to lead here (DNS rebinding).
"""

from __future__ import annotations

import hashlib
import hmac
import multiprocessing
from ipaddress import ip_address
from urllib.parse import urlsplit

from fastapi import Request
from starlette.exceptions import HTTPException

TOKEN_HEADER = "x-tenkyo-token"
_PROXIES = ("forwarded", "via", "x-real-ip")


def page_token() -> str:
    """Return the token of this service: random at each start, and the same in all its processes."""
    secret = bytes(multiprocessing.current_process().authkey)  # made by the first, given to others
    return hmac.new(secret, b"the page of Tenkyo", hashlib.sha256).hexdigest()


def is_own_browser(request: Request) -> bool:
    """Return whether a request was made on this machine, to an address of this machine."""
    origin = request.headers.get("origin")
    return (
        request.client is not None
        and _is_loopback(request.client.host)
        and _is_loopback(_host(f"//{request.headers.get('host', '')}"))
        and (origin is None or _is_loopback(_host(origin)))
        and not _is_passed_on(request)
    )


def require_own_page(request: Request) -> None:
    """Refuse a request that does not come from the page in a browser of this machine.

    Raises:
        HTTPException: With status 403.
    """
    given = request.headers.get(TOKEN_HEADER, "")
    known = hmac.compare_digest(given.encode("utf-8", "replace"), page_token().encode())
    if not (known and is_own_browser(request)):
        raise HTTPException(403, "Only the page in this machine's own browser may do that")


def _is_passed_on(request: Request) -> bool:
    names = request.headers.keys()
    says_so = any(name in _PROXIES or name.startswith("x-forwarded-") for name in names)
    return says_so or request.scope.get("http_version") == "1.0"


def _host(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)
