"""The word for each reason why a document could not be fetched or read."""

from __future__ import annotations

from typing import get_args

import pytest

from corpus.document_errors import (
    AddressInvalid,
    DamagedFile,
    DocumentProblem,
    FetchForbidden,
    FileTooLarge,
    HostNotNamed,
    PageWithoutText,
    PrivateAddress,
    RedirectFailed,
    ResponseTooLarge,
    problem_of,
)
from corpus.errors import (
    AddressRefused,
    CorpusError,
    EmptyDocument,
    FetchFailed,
    PasswordNeeded,
    UnreadableText,
    UnsupportedContent,
)
from corpus.readers.sandbox import ReaderPool
from corpus.types import Source

URL = "https://example.org/a"


def failed(status: int | None) -> FetchFailed:
    return FetchFailed(URL, "no", status)


CASES: list[tuple[CorpusError, str]] = [
    (PasswordNeeded("x"), "password"),
    (UnreadableText("x"), "unreadable"),
    (EmptyDocument("x"), "empty"),
    (UnsupportedContent("x"), "unsupported"),
    (PageWithoutText("x"), "page without text"),
    (DamagedFile("x"), "damaged"),
    (FileTooLarge("x"), "too large"),
    (ResponseTooLarge(URL, 5), "too large"),
    (AddressRefused(URL, "no"), "address"),
    (AddressInvalid(URL, "no"), "address"),
    (PrivateAddress(URL, "no"), "private address"),
    (FetchForbidden(URL, "no"), "not allowed"),
    (RedirectFailed(URL, "no"), "redirects"),
    (HostNotNamed(URL, "no"), ""),
    (failed(401), "not allowed"),
    (failed(403), "not allowed"),
    (failed(404), "not found"),
    (failed(410), "not found"),
    (failed(429), "busy"),
    (failed(503), "busy"),
    (failed(None), "unreachable"),
    (failed(200), ""),
    (CorpusError("x"), ""),
]


@pytest.mark.parametrize(("error", "problem"), CASES)
def test_each_reason_has_a_word(error: CorpusError, problem: str) -> None:
    assert problem_of(error) == problem


def test_no_word_is_left_without_a_reason() -> None:
    """Some are given before anything is read: those of files that are refused, and of papers."""
    refused = {"wrong password", "file name", "no pdf", "limit"}
    assert {problem for _, problem in CASES} | refused == set(get_args(DocumentProblem))


def test_what_a_fallback_fails_with_keeps_the_first_reason() -> None:
    with pytest.raises(CorpusError) as caught:
        try:
            raise failed(404)
        except CorpusError as error:
            raise CorpusError("the original is gone, and so is its page") from error
    assert problem_of(caught.value) == "not found"


@pytest.mark.parametrize(
    ("first", "problem"),
    [(RedirectFailed(URL, "no"), "redirects"), (failed(None), "unreachable")],
)
def test_site_whose_robots_txt_cannot_be_read_has_the_word_for_that(first, problem) -> None:
    with pytest.raises(FetchFailed) as caught:
        try:
            raise first
        except FetchFailed as failure:
            raise failed(failure.status) from failure
    assert problem_of(caught.value) == problem


@pytest.mark.process
@pytest.mark.parametrize(
    ("name", "data"),
    [("cut.pdf", b"%PDF-1.4 cut short"), ("cut.docx", b"PK\x03\x04 word/document.xml")],
)
def test_damage_that_a_reader_process_finds_keeps_its_word(name: str, data: bytes) -> None:
    with ReaderPool() as readers, pytest.raises(CorpusError) as caught:
        readers.read(data, Source("x", f"file:///{name}", ""))
    assert problem_of(caught.value) == ("damaged" if name == "cut.pdf" else "unsupported")
