"""The files in ../shared/pdfs: what is read from each must match the table in docs/ingestion.md.

python tests/corpus/readers/pdf/test_pdf_files.py    prints the table as it should be
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

import pypdfium2
import pytest

from corpus.errors import CorpusError
from corpus.readers.extract import extract
from corpus.readers.pdf import ocr
from corpus.text.chunking import split_into_passages
from corpus.types import Document, Source
from tests.support.paths import ROOT, SHARED

PDFS = SHARED / "pdfs"
GUIDE = ROOT / "docs" / "ingestion.md"
pytestmark = pytest.mark.shared

PASSWORDS = {
    "aes-256.pdf": "foo",
    "encrypted.pdf": "pass123",
    "libreoffice-writer-password.pdf": "openpassword",
    "password-example.pdf": "test",
}
KINDS = {
    "2020.acl-main.447.pdf": "paper, two columns",
    "ALCE.pdf": "paper, two columns",
    "Pages-tree-refs.pdf": "a tree of pages that leads to itself",
    "aes-256.pdf": "encrypted",
    "blank_page.pdf": "an empty page",
    "bug1020226.pdf": "184 bytes, without pages",
    "dummy_jap.docx": "Word, Japanese",
    "encrypted.pdf": "encrypted",
    "flag_day.html": "a saved encyclopedia page",
    "invisible_text_layer.pdf": "a heading, and text that is drawn in no colour",
    "issue16538.pdf": "Japanese, TeX",
    "issue6387.pdf": "Japanese, vertical, spaced in nine ways",
    "jo.pdf": "Japanese, vertical, in a font that is not embedded",
    "libreoffice-writer-password.pdf": "encrypted",
    "multicolumn.pdf": "two columns and a table",
    "non_text_searchable.pdf": "a scan",
    "ocr_test.pdf": "a scan",
    "owner_protected.pdf": "encrypted with an empty password",
    "pasa.pdf": "paper, two columns",
    "password-example.pdf": "encrypted",
    "react_paper.pdf": "paper; letters in figures without a character map",
    "sample_pdf_1.pdf": "text and a table; one of four pages is empty",
    "simple1.pdf": "four lines",
    "tracemonkey.pdf": "paper, two columns, with program text",
    "zen_of_python_corrupted.pdf": "a damaged cross-reference table",
    "zero_bytes.pdf": "nothing",
}
SCANS = ("non_text_searchable.pdf", "ocr_test.pdf")


@cache
def document(name: str, password: str = "") -> Document:
    return extract((PDFS / name).read_bytes(), Source(name, name), password=password)


def row(name: str, password: str = "") -> str:
    """Make the row of the table for a file."""
    shown = f"`{name}`" + (", with its password" if password else "") + f" | {KINDS[name]}"
    try:
        read = document(name, password)
    except CorpusError as error:
        return f"| {shown} | refused: it {str(error).removeprefix(name).strip()} | | | |"
    count, pages = len(split_into_passages(read)), len(read.pages) or ""
    return f"| {shown} | {read.source.title} | {pages} | {count} | {read.source.language} |"


def cases() -> list[tuple[str, str]]:
    names = sorted(path.name for path in PDFS.iterdir())
    return sorted([(name, "") for name in names] + list(PASSWORDS.items()))


def marked(*case: str) -> object:
    """Mark a case that may start Tesseract, which is a process."""
    return pytest.param(*case, marks=[pytest.mark.process] if case[0] in SCANS else [])


@pytest.mark.parametrize("name", [marked(name) for name, _ in cases()] if PDFS.exists() else [])
def test_docs_table_row_matches_result_of_file(name: str) -> None:
    if name in SCANS and ocr.languages():
        pytest.skip("Tesseract is installed, so scans are read: the table is of a machine without")
    lines = GUIDE.read_text(encoding="utf-8").splitlines()
    assert row(name) in lines
    if name in PASSWORDS:
        assert row(name, PASSWORDS[name]) in lines


@pytest.mark.process
@pytest.mark.parametrize(
    ("name", "words"),
    [(SCANS[0], "it cannot be rendered as plain text"), (SCANS[1], "JSON and Markdown")],
)
def test_scans_are_read_if_tesseract_is_installed(name: str, words: str) -> None:
    if not ocr.languages():
        pytest.skip("Tesseract is not installed")
    assert words in document(name).text


def test_docs_table_lists_exactly_the_files() -> None:
    listed = re.findall(r"(?m)^\| `([^`]+)`", GUIDE.read_text(encoding="utf-8"))
    assert sorted(listed) == [name for name, _ in cases()]


@pytest.mark.parametrize(
    ("name", "password"), [marked(*each) for each in cases()] if PDFS.exists() else []
)
def test_passages_are_slices_of_text_on_their_pages(name: str, password: str) -> None:
    """PDFium, read independently, has the first words of a passage on its page."""
    try:
        read = document(name, password)
    except CorpusError:
        return
    passages = split_into_passages(read)
    assert passages
    assert all(read.text[each.start : each.end] == each.text for each in passages)
    if not name.endswith(".pdf") or (name in SCANS and ocr.languages()):
        return
    with pypdfium2.PdfDocument(PDFS / name, password=password or None) as pdf:
        wanted = {each.page for each in passages}
        pages = {n: letters(pdf[n - 1].get_textpage().get_text_range()) for n in wanted}
    lost = [
        (each.page, each.text[:40])
        for each in passages
        if letters(each.text.split("\n")[0])[:7] not in pages[each.page]
    ]
    assert len(lost) <= 0.01 * len(passages), lost


def letters(text: str) -> str:
    """Return only the letters and digits of a text, without accents."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    return "".join(char for char in plain if char.isalnum())


if __name__ == "__main__":
    print("| File | What it is | Title, or why it is refused | Pages | Passages | Language |")
    print("| --- | --- | --- | --- | --- | --- |")
    for each in cases():
        print(row(*each))
