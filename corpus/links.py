"""Recognition of links to papers and canonical spellings of URLs, without network access."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal
from urllib.parse import SplitResult, parse_qsl, unquote, urlencode, urlsplit, urlunsplit

from corpus.types import Link

Publisher = Literal["arxiv", "acl", "openreview", "nature", "doi", "pdf"]


@dataclass(frozen=True, slots=True)
class Paper:
    """A scholarly paper that a link leads to.

    ``url`` is its canonical page, ``id`` its identifier with the publisher (an arXiv number such
    as 2202.05263, a DOI, the URL itself for a plain PDF), ``pdf`` the URL of its full text, empty
    where not known.
    """

    url: str
    id: str
    publisher: Publisher
    pdf: str = ""


_ARXIV_ID = r"(\d{4}\.\d{4,5}|[a-z-]+(?:\.[A-Za-z]{2})?/\d{7})(?:v\d+)?"
_ARXIV_PATH = re.compile(rf"/(?:abs|pdf|html|format|ps|overview|papers)/{_ARXIV_ID}(?:\.pdf)?/?")
_ARXIV_HOSTS = {"arxiv.org", "export.arxiv.org", "ar5iv.org", "ar5iv.labs.arxiv.org",
                "alphaxiv.org", "huggingface.co"}  # fmt: skip
_ARXIV_DOI = re.compile(rf"10\.48550/arxiv\.{_ARXIV_ID}", re.IGNORECASE)
_ACL_ID = r"([A-Z]\d{2}-\d{4}|\d{4}\.[\w-]+\.\d+)"
_ACL_PATH = re.compile(rf"/(?:anthology/)?{_ACL_ID}(?:\.pdf)?/?")
_ACL_DOI = re.compile(rf"10\.18653/v1/{_ACL_ID}", re.IGNORECASE)
_NATURE_PATH = re.compile(r"/articles/([\w.-]+?)(?:\.pdf)?/?")
_NATURE_DOI = re.compile(r"10\.1038/((?:s\d{5}-|nature|n[a-z]+\.)[\w.-]+)", re.IGNORECASE)
_DOI_PATH = re.compile(r"/(?:.*/)?(10\.\d{4,9}/[^\s?#]+?)(?:\.pdf)?/?")
_TRACKING = re.compile(r"utm_\w+|fbclid|gclid|mc_[ce]id", re.IGNORECASE)
_INDEX = re.compile(r"/index\.(?:html?|php)$")
_BARE_URL = re.compile(r"https?://[^\s<>\"'()（）「」、。\\]+[^\s<>\"'()（）「」、。.,;:!?\\]")
_HOST = re.compile(r"(?:[^\W_][\w-]*\.)+(?P<last>[^\W\d_]{2,}|xn--[\w-]+)(?::\d+)?(?=[/?#]|\Z)")
_SUFFIXES = frozenset(
    "csv doc docx epub htm html jats json markdown md pdf ppt pptx rst rtf tex text txt xhtml xml"
    " zip".split()
)
_PORTS = {"http": 80, "https": 443}


def bare_urls(text: str) -> Iterator[Link]:
    """Find the web addresses that are written out in a text, without trailing punctuation."""
    for match in _BARE_URL.finditer(text):
        yield Link(match[0], match[0])


def papers(links: Iterable[Link]) -> list[Paper]:
    """List the papers among some links, each once, in the order of their first link."""
    unique: dict[str, Paper] = {}
    for link in links:
        if known := paper(link.url):
            unique.setdefault(known.url, known)
    return list(unique.values())


def paper(url: str) -> Paper | None:
    """Recognise a URL that leads to a paper; version numbers (arXiv's v2) are dropped.

    Known are arXiv and its mirrors, the ACL Anthology, OpenReview, Nature, DOIs, and any path
    that ends in ``.pdf``.

    Returns:
        The paper, or None for every other URL.
    """
    parts = _split(url)
    if parts is None:
        return None
    host, path, query = parts.hostname or "", unquote(parts.path), dict(parse_qsl(parts.query))
    site = host.removeprefix("www.")
    if site in _ARXIV_HOSTS and (match := _ARXIV_PATH.fullmatch(path)):
        return _arxiv(match[1])
    if site in ("aclanthology.org", "aclweb.org") and (match := _ACL_PATH.fullmatch(path)):
        return _acl(match[1])
    if site == "openreview.net" and path in ("/forum", "/pdf") and query.get("id"):
        page = "https://openreview.net/{}?" + urlencode({"id": query["id"]})
        return Paper(page.format("forum"), query["id"], "openreview", page.format("pdf"))
    if site == "nature.com" and (match := _NATURE_PATH.fullmatch(path)):
        return _nature(match[1])
    if (site in ("doi.org", "dx.doi.org") or "/doi/" in path) and (
        match := _DOI_PATH.fullmatch(path)
    ):
        return _doi(match[1])
    if path.lower().endswith(".pdf"):
        plain = _tidy(url)
        return Paper(plain, plain, "pdf", plain)
    return None


def canonical_url(url: str) -> str:
    """Normalise a URL, so that different spellings of one page's address compare equal.

    Scheme and host are in lower case, without default port, fragment, tracking parameters and
    trailing ``index.html``; every link to a paper becomes that of the paper's page. Anything but
    an http or https URL is returned as it is. Idempotent.
    """
    known = paper(url)
    return known.url if known else _tidy(url)


def meant_url(place: str) -> str:
    """Guess the https URL that somebody meant by an address without a scheme.

    ``example.org/a`` looks like a URL and ``notes/a.md`` does not; a lone name with the suffix of
    a document (``paper.pdf``) is taken for a file.

    Returns:
        The URL with ``https://``, or "" where the text looks like a path.
    """
    host = _HOST.match(place)
    if host is None or (host.end() == len(place) and host["last"].lower() in _SUFFIXES):
        return ""
    return f"https://{place}"


def _tidy(url: str) -> str:
    parts = _split(url)
    if parts is None:
        return url
    port = "" if parts.port in (None, _PORTS[parts.scheme]) else f":{parts.port}"
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    # Parameters are filtered as they stand: to decode and encode them again may change them.
    kept = (p for p in parts.query.split("&") if not _TRACKING.fullmatch(p.partition("=")[0]))
    path = _INDEX.sub("/", parts.path) or "/"
    return urlunsplit((parts.scheme, f"{host}{port}", path, "&".join(kept), "")).strip()


def _split(url: str) -> SplitResult | None:
    """Split an http(s) URL with a host into its parts; None for anything else."""
    try:
        parts = urlsplit(url.strip())
        usable = parts.scheme in _PORTS and parts.hostname and parts.port != 0
    except ValueError:  # an unclosed bracket, a port that is not a number
        return None
    return parts if usable else None


def _arxiv(name: str) -> Paper:
    return Paper(f"https://arxiv.org/abs/{name}", name, "arxiv", f"https://arxiv.org/pdf/{name}")


def _acl(name: str) -> Paper:
    page = f"https://aclanthology.org/{name}"
    return Paper(f"{page}/", name, "acl", f"{page}.pdf")


def _nature(name: str) -> Paper:
    page = f"https://www.nature.com/articles/{name}"
    return Paper(page, name, "nature", f"{page}.pdf")


def _doi(name: str) -> Paper:
    if match := _ARXIV_DOI.fullmatch(name):
        return _arxiv(match[1])
    if match := _ACL_DOI.fullmatch(name):
        return _acl(match[1][0].upper() + match[1][1:])
    if match := _NATURE_DOI.fullmatch(name):
        return _nature(match[1].lower())
    name = name.lower()  # DOIs do not distinguish case
    return Paper(f"https://doi.org/{name}", name, "doi")
