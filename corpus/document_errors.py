"""Narrower errors of documents that cannot be fetched or read, and a code for each kind of them.

The code goes with the message into reports and the store, so that a program can say the same in
its own words, such as the page in Japanese. Printed pages that cannot be read have such codes too.
See ``corpus.errors`` for the errors that these refine.
"""

from __future__ import annotations

from typing import Literal

from corpus.errors import (
    AddressRefused,
    CorpusError,
    EmptyDocument,
    FetchFailed,
    PasswordNeeded,
    UnreadableText,
    UnsupportedContent,
)

DocumentProblem = Literal[
    "",
    "password",
    "wrong password",
    "unreadable",
    "empty",
    "unsupported",
    "damaged",
    "too large",
    "file name",
    "page without text",
    "address",
    "private address",
    "not found",
    "not allowed",
    "busy",
    "redirects",
    "unreachable",
    "no pdf",
    "limit",
]
GapProblem = Literal[
    "scan", "ocr found nothing", "ocr out of time", "fonts", "damaged page", "slide of pictures"
]
INSTALL_OCR = "install Tesseract, or run OCR on it first"
NO_CHARACTERS = "its fonts do not say which characters they draw"
# Why a printed page cannot be read, with the fix in brackets.
GAP_REASONS: dict[GapProblem, str] = {
    "scan": f"pictures without text ({INSTALL_OCR})",
    "ocr found nothing": "OCR finds no text there (scan it anew, larger)",
    "ocr out of time": "OCR of the pages before it took all the time there is (split the file)",
    "fonts": f"{NO_CHARACTERS} ({INSTALL_OCR})",
    "damaged page": "damaged (save the file again)",
    "slide of pictures": "pictures without text (save the slides as a PDF)",
}


class DamagedFile(CorpusError):
    """A file is damaged: save it again, or find another copy."""


class FileTooLarge(CorpusError):
    """A file has more in it than can be read, or takes too long to read: split it."""


class PageWithoutText(UnsupportedContent):
    """A web page has no text for who has no browser: save it in one, and ingest the file."""


class AddressInvalid(FetchFailed):
    """What was given is not a URL: correct it."""


class FetchForbidden(FetchFailed):
    """A site does not let programs fetch a page: save it in a browser, and ingest the file."""


class RedirectFailed(FetchFailed):
    """A site redirects too often, or to what is no address: find the page in a browser."""


class RedirectInvalid(RedirectFailed):
    """A site redirects to what is no address."""

    def __init__(self, url: str, error: Exception) -> None:
        super().__init__(url, f"it redirects to an invalid URL ({error}): check the address")


class HostNotNamed(FetchFailed):
    """A link leads to another host than those that were named: name it too, with ``--host``."""


class ResponseTooLarge(FetchFailed):
    """What an address gives is larger than ``most`` bytes: save a part of it as a file."""

    def __init__(self, url: str, most: int) -> None:
        super().__init__(url, f"it is larger than {most / 1e6:g} MB", 200)


class PrivateAddress(AddressRefused):
    """An address leads into a private network; in one's own network: ``--trust-private``."""


_PROBLEMS: tuple[tuple[type[CorpusError], DocumentProblem], ...] = (  # the first that matches
    (PasswordNeeded, "password"),
    (UnreadableText, "unreadable"),
    (EmptyDocument, "empty"),
    (PageWithoutText, "page without text"),
    (UnsupportedContent, "unsupported"),
    (DamagedFile, "damaged"),
    (FileTooLarge, "too large"),
    (ResponseTooLarge, "too large"),
    (PrivateAddress, "private address"),
    (AddressRefused, "address"),
    (AddressInvalid, "address"),
    (FetchForbidden, "not allowed"),
    (RedirectFailed, "redirects"),
    (HostNotNamed, ""),
)


def problem_of(error: CorpusError) -> DocumentProblem:
    """Name the reason why a document could not be read; empty if only its message tells it."""
    for kind, problem in _PROBLEMS:
        if isinstance(error, kind):
            return problem
    if not isinstance(error, FetchFailed):
        first = error.__context__  # such as why the original failed, in place of which came this
        return problem_of(first) if isinstance(first, CorpusError) else ""
    match error.status:
        case None:
            first = error.__cause__  # such as why a site's robots.txt could not be read
            return problem_of(first) if isinstance(first, FetchFailed) else "unreachable"
        case 404 | 410:
            return "not found"
        case 408 | 425 | 429:
            return "busy"
        case status if status >= 500:
            return "busy"
        case status if status >= 400:
            return "not allowed"
    return ""
