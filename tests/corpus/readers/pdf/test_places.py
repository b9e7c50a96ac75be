"""Tests that the boxes of a span of a PDF's text have the words of the span in them.

With ``-s``, the share of docs/ingestion.md is printed.
"""

from __future__ import annotations

import random
import re
import unicodedata

import pypdfium2
import pytest

from corpus.errors import CorpusError
from corpus.readers.pdf import ocr
from corpus.readers.pdf.line import inked
from corpus.readers.pdf.places import CharacterPlaces, locate_characters
from corpus.readers.pdf.reader import read_pdf
from corpus.text.blocks import join_blocks
from corpus.text.sentences import sentences
from tests.support.documents import FULL, column, pdf
from tests.support.paths import SHARED
from tests.support.soak import SOAK

PDFS = SHARED / "pdfs"
PASSWORDS = {
    "aes-256.pdf": "foo",
    "encrypted.pdf": "pass123",
    "libreoffice-writer-password.pdf": "openpassword",
    "password-example.pdf": "test",
}
UNREADABLE = {  # damaged, empty, or a scan
    "Pages-tree-refs.pdf", "blank_page.pdf", "bug1020226.pdf", "non_text_searchable.pdf",
    "ocr_test.pdf", "zero_bytes.pdf",
}  # fmt: skip
LEAST = 0.98  # of the sentences
DRAWN = 300 if SOAK else 100  # sentences of each file, at most
SHORTEST = 20  # characters of a sentence
# Bullets of Word's fonts, and glyphs without a character, as the reader has them.
SIGNS = dict.fromkeys(map(ord, "\uf0b7\uf0a7\uf0d8\uf0fc\uf076\uf06e"), "•") | dict.fromkeys(
    (0xFFFD, 2, 3), ""
)


def text_of(data: bytes, password: str = "") -> str:
    return join_blocks(read_pdf(data, "a.pdf", password).blocks)[0]


def plain(text: str) -> str:
    """The characters of a text without spaces, hyphens, ligatures and small capitals."""
    text = unicodedata.normalize("NFKD", text.translate(SIGNS))
    return re.sub(r"[\s\xad\u2010\u2011\ufffe-]+", "", text).casefold()


class Printed:
    """A PDF whose words are read back by PDFium's own extraction, rectangle by rectangle."""

    def __init__(self, data: bytes, places: CharacterPlaces, password: str = "") -> None:
        self.pdf = pypdfium2.PdfDocument(data, password=password or None)
        self.places = places
        self._pages: dict[int, pypdfium2.PdfTextPage] = {}

    def under(self, start: int, end: int) -> str:
        return "".join(
            self.page(box.page).get_text_bounded(box.left, box.bottom, box.right, box.top)
            for box in self.places.boxes(start, end)
        )

    def page(self, number: int) -> pypdfium2.PdfTextPage:
        if number not in self._pages:  # its text is laid out once for all of its boxes
            self._pages[number] = self.pdf[number - 1].get_textpage()
        return self._pages[number]


@pytest.mark.process  # it looks for Tesseract
@pytest.mark.shared
def test_words_under_boxes_are_those_of_quote() -> None:
    if not PDFS.is_dir():
        pytest.skip("there is no ../shared/pdfs")
    right, drawn, wrong = 0, 0, []
    for path in sorted(PDFS.glob("*.pdf")):
        data, password = path.read_bytes(), PASSWORDS.get(path.name, "")
        try:
            places = locate_characters(data, path.name, password)
        except CorpusError:
            assert path.name in UNREADABLE
            continue
        text = text_of(data, password)
        assert places.lines, f"{path.name}: the lines are not those of the text"
        found = [each for each in sentences(text) if len(each) >= SHORTEST] or sentences(text)
        chosen = random.Random(path.name).sample(found, min(DRAWN, len(found)))
        printed = Printed(data, places, password)
        for sentence in chosen:
            start = text.index(sentence)
            under = printed.under(start, start + len(sentence))
            if plain(under) == plain(sentence):
                right += 1
            else:
                wrong.append((path.name, sentence, under))
        drawn += len(chosen)
    print(f"\n{right} of {drawn} sentences: {right / drawn:.4f}")
    assert drawn > (1500 if SOAK else 500) and right / drawn >= LEAST, wrong


def test_quote_across_lines_columns_and_pages_has_box_for_each_line() -> None:
    first = column([FULL] * 30 + [f"{FULL[:-8]} well-", "known hyphen at the end of the page and"])
    data = pdf([first, column(["goes on over here. Then it ends."])])
    text = text_of(data)
    quote = "well-known hyphen at the end of the page and goes on over here."
    if quote not in text:
        quote = quote.replace("well-", "well")
    places = locate_characters(data, "a.pdf")
    start = text.index(quote)
    boxes = places.boxes(start, start + len(quote))
    assert [box.page for box in boxes] == [1, 1, 2]
    assert plain(Printed(data, places).under(start, start + len(quote))) == plain(quote)
    above, below = boxes[:2]
    assert below.top < above.bottom and above.left > 300 and below.left < 65


def test_each_word_has_its_own_place() -> None:
    data = pdf([column(["Ada wrote of tides; Bob wrote of stars.", FULL, FULL])])
    text = text_of(data)
    places = locate_characters(data, "a.pdf")
    printed = Printed(data, places)
    for found in re.finditer(r"\w+", text):
        assert printed.under(*found.span()).strip() == found[0]
    assert places.boxes(3, 4) == []  # a space
    assert places.boxes(5, 5) == [] and places.boxes(10_000, 10_010) == []


def test_without_lines_of_text_there_are_no_boxes() -> None:
    assert CharacterPlaces("", [0, 1, 2], (), []).boxes(0, 2) == []


def test_words_read_by_ocr_have_places() -> None:
    head = "level page_num block_num par_num line_num word_num left top width height conf text"
    rows = ["5 1 1 1 1 1 100 200 80 20 90 ab-c", "5 1 1 1 1 2 200 200 50 20 90 de"]
    table = "\n".join(line.replace(" ", "\t") for line in (head, *rows))
    (line,) = ocr._lines(table, 2.0, 800.0)
    assert line.text == "ab-c de" and len(line.glyphs) == len(inked(line.text)) == 5
    assert line.glyphs[0][1:] == pytest.approx((50, 690, 50 + 40 / 3, 700))
    assert line.glyphs[-1][1:] == pytest.approx((112.5, 690, 125, 700))
