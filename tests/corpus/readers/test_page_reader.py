"""Tests of drawing pages of PDFs, and of finding words on them, in processes of their own."""

from __future__ import annotations

import io

import PIL.Image
import pypdfium2
import pytest

from corpus.errors import PageNotDrawn, PageNotFound
from corpus.readers.page_reader import PageReader
from corpus.readers.pdf.drawing import MAX_PIXELS
from corpus.readers.pdf.page_tasks import answer_page_task
from corpus.types import text_hash
from tests.support.documents import column, pdf
from tests.support.paths import SHARED

pytestmark = pytest.mark.process

WORDS = "Whales sing below the ice."
PDF = pdf([column([WORDS]), column(["The second page."])])


@pytest.fixture(scope="module")
def pages():
    with PageReader() as reader:
        yield reader


def opened(image: bytes) -> PIL.Image.Image:
    return PIL.Image.open(io.BytesIO(image))


def test_page_is_drawn_as_wide_as_asked(pages) -> None:
    image = opened(pages.draw(PDF, "a.pdf", 1, 600))
    assert image.format == "WEBP" and image.size == (600, 800)
    assert image.convert("L").getextrema()[0] < 60 < 250 < image.convert("L").getextrema()[1]
    assert pages.draw(PDF, "a.pdf", 2, 600) != pages.draw(PDF, "a.pdf", 1, 600)


def test_box_is_where_words_are_drawn(pages) -> None:
    """All that is dark in the image is in the box."""
    printed = pages.locate(PDF, "a.pdf", 0, len(WORDS))
    assert (printed.pages, printed.ratio) == (2, pytest.approx(4 / 3))
    assert printed.version == text_hash(f"{WORDS}\n\nThe second page.")
    (box,) = printed.boxes
    image = opened(pages.draw(PDF, "a.pdf", box.page, 1200)).convert("L")
    left, top, right, bottom = image.point(lambda v: 255 * (v < 128)).getbbox()
    assert left / 1200 == pytest.approx(box.left, abs=0.003)
    assert right / 1200 == pytest.approx(box.left + box.width, abs=0.003)
    assert top / 1600 == pytest.approx(box.top, abs=0.003)
    assert bottom / 1600 == pytest.approx(box.top + box.height, abs=0.003)


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_box_follows_page_that_is_turned_and_cut(pages, turn: int) -> None:
    """The sizes of objects change with the entries, and PDFium rebuilds the table."""
    entry = b"/CropBox [30 500 500 780] /Rotate %d /MediaBox" % turn
    turned = PDF.replace(b"/MediaBox", entry)
    (box,) = pages.locate(turned, "a.pdf", 0, len(WORDS)).boxes
    image = opened(pages.draw(turned, "a.pdf", 1, 1000)).convert("L")
    dark = image.point(lambda v: 255 * (v < 128)).getbbox()
    found = (box.left, box.top, box.left + box.width, box.top + box.height)
    for at, (measured, whole) in enumerate(zip(dark, image.size * 2, strict=True)):
        assert measured / whole == pytest.approx(found[at], abs=0.006)


@pytest.mark.parametrize("number", [0, 3, 99_999])
def test_number_that_no_page_has_is_refused(pages, number: int) -> None:
    with pytest.raises(PageNotFound, match="has no page") as refused:
        pages.draw(PDF, "a.pdf", number, 600)
    assert refused.value.code == "beyond"


def test_huge_page_becomes_image_of_bounded_size(pages) -> None:
    huge = PDF.replace(b"[0 0 600 800]", b"[0 0 14400 14400]")
    width, height = opened(pages.draw(huge, "a.pdf", 1, 3000)).size
    assert width * height <= 1.01 * MAX_PIXELS and width == 3000
    tall = PDF.replace(b"[0 0 600 800]", b"[0 0 600 6000]")
    width, height = opened(pages.draw(tall, "a.pdf", 1, 3000)).size
    assert width * height <= 1.01 * MAX_PIXELS and height == pytest.approx(10 * width, rel=0.01)
    thread = PDF.replace(b"[0 0 600 800]", b"[0 0 1 14000]")
    with pytest.raises(PageNotDrawn, match="save the PDF again"):
        pages.draw(thread, "a.pdf", 1, 3000)


@pytest.mark.parametrize("data", [b"%PDF-1.4 and nothing more", PDF[:400], b"", b"\x00" * 5000])
def test_damaged_file_is_refused_with_advice(pages, caplog, data: bytes) -> None:
    for ask in (
        lambda: pages.draw(data, "a.pdf", 1, 600),
        lambda: pages.locate(data, "a.pdf", 0, 5),
    ):
        with pytest.raises(PageNotDrawn, match="save the PDF again") as refused:
            ask()
        assert refused.value.code == "broken"
        assert f"was not drawn: {refused.value.__cause__}" in caplog.text
        caplog.clear()
    assert pages.draw(PDF, "a.pdf", 1, 600)  # the next one is drawn


@pytest.mark.shared
def test_encrypted_file_is_refused_with_advice(pages) -> None:
    path = SHARED / "pdfs/password-example.pdf"
    if not path.exists():
        pytest.skip("there is no ../shared/pdfs")
    for ask in (pages.draw, pages.locate):
        with pytest.raises(PageNotDrawn, match="password, which is not kept") as refused:
            ask(path.read_bytes(), "a.pdf", 1, 600)
        assert refused.value.code == "locked"


def test_text_that_cannot_be_read_has_pages_without_boxes(pages) -> None:
    blank = pdf([[], []])
    printed = pages.locate(blank, "a.pdf", 0, 5)
    assert (printed.pages, printed.version, printed.boxes) == (2, "", ())


def test_measuring_reads_no_text(pages) -> None:
    printed = pages.measure(PDF, "a.pdf", 2)
    assert (printed.pages, printed.ratio) == (2, pytest.approx(4 / 3))
    assert (printed.version, printed.boxes) == ("", ())
    with pytest.raises(PageNotDrawn, match="save the PDF again"):
        pages.measure(b"%PDF-1.4 and nothing more", "a.pdf", 1)


def test_page_is_opened_once_for_all_boxes_on_it(monkeypatch) -> None:
    opened: list[int] = []
    get = pypdfium2.PdfDocument.get_page

    def noted(self: pypdfium2.PdfDocument, index: int) -> pypdfium2.PdfPage:
        opened.append(index)
        return get(self, index)

    data = pdf([column([WORDS] * 9), column([WORDS] * 9)])
    task = {"name": "a.pdf", "task": "locate", "start": 0, "end": 10**6, "page": 1}
    answer_page_task(task, data)
    monkeypatch.setattr(pypdfium2.PdfDocument, "__getitem__", noted)
    boxes = answer_page_task(task, data)["boxes"]  # the places are known by now
    assert (len(boxes), opened) == (18, [0, 1])


def test_drawing_stays_within_limits_of_time_and_memory() -> None:
    shape = "0 0 m 600 800 600 0 0 800 c S " * 200_000
    with PageReader(seconds=0.5) as slow, pytest.raises(PageNotDrawn):
        slow.draw(pdf([column([WORDS])], draw=shape), "a.pdf", 1, 3000)
    with PageReader(memory=60_000_000) as small, pytest.raises(PageNotDrawn):
        small.draw(PDF.replace(b"[0 0 600 800]", b"[0 0 14400 14400]"), "a.pdf", 1, 3000)


def test_fonts_of_this_machine_are_drawn_after_text_was_located(pages) -> None:
    """Reading replaces fonts that are not in a file by boxes; drawing must not."""
    pages.locate(PDF, "a.pdf", 0, 5)
    image = opened(pages.draw(PDF, "a.pdf", 1, 1200)).convert("L")
    (box,) = pages.locate(PDF, "a.pdf", 0, 5).boxes
    word = image.crop(
        tuple(
            round(each)
            for each in (
                box.left * 1200,
                box.top * 1600,
                (box.left + box.width) * 1200,
                (box.top + box.height) * 1600,
            )
        )
    )
    dark = sum(value < 128 for value in word.get_flattened_data()) / (word.width * word.height)
    assert 0.05 < dark < 0.6
