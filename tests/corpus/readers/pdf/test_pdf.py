"""The PDF reader and its parts, on PDFs that are built here."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.errors import EmptyDocument, UnreadableText
from corpus.readers.pdf import ocr
from corpus.readers.pdf.layout import Layout
from corpus.readers.pdf.line import EM_SPACE, PrintedLine
from corpus.readers.pdf.paragraph_joining import LineGroup, join_interrupted_paragraphs
from corpus.readers.pdf.reader import choose_authors
from corpus.readers.pdf.title_page import author_names, printed_venue
from corpus.readers.sandbox import ReaderPool
from corpus.text.blocks import Block
from corpus.text.chunking import split_into_passages
from corpus.text.dehyphenation import SOFT_HYPHEN, Dehyphenator
from corpus.types import Document, Gap, Source, page_at
from index.ingestion.report import Remark, remarks
from tests.support.documents import FULL, Placed, column, headings, pdf, read

NOTE = (60.0, 40.0, 7.0, "1 A note at the foot of the page")
PICTURE = "0 0 100 100 re f\n"


# --- sentences across columns and pages --------------------------------------------------------


def test_sentence_is_joined_across_pages_past_notes_and_captions() -> None:
    first = column(
        [*[FULL] * 5, "The last sentence of the page says that it is not yet at an end and"]
    )
    caption = (60.0, 760.0, 9.0, "Figure 1: What stands above the text.")
    document = read(
        pdf([[*first, NOTE], [caption, *column(["goes on here to its end.", *[FULL] * 5])]])
    )
    text = document.text
    assert "not yet at an end and goes on here to its end." in text
    assert text.index("A note at the foot") < text.index(FULL) < text.index("Figure 1")
    assert [page.number for page in document.pages] == [1, 2]
    second = document.pages[1]
    assert text[second.start :].lstrip().startswith("goes on here")
    assert "Figure 1" in text[second.start :] and "A note" not in text[second.start :]


def test_sentence_is_joined_across_columns() -> None:
    left = column([f"left {i} {'x' * 40}" for i in range(9)])
    note = (60.0, 560.0, 7.0, "1 A note below the left column")
    right = column(
        ["Right it goes on " + "x" * 30, *[f"right {i} {'x' * 30}" for i in range(8)]], x=340
    )
    text = read(pdf([[*left, note, *right]])).text
    assert f"left 8 {'x' * 40} Right it goes on" in text
    assert text.index("right 7") < text.index("A note")


@pytest.mark.parametrize("start", ["A new sentence", "2. A second item", "Figure 2: A caption"])
def test_text_that_is_not_continuation_is_not_joined(start: str) -> None:
    end = "And this is the end of a sentence, which has its stop." if start[0] == "A" else FULL
    first, second = column([*[FULL] * 5, end]), column([f"{start} that {FULL}", *[FULL] * 5])
    text = read(pdf([[*first, NOTE], second])).text
    assert f"\n{start}" in text


def test_columns_drawn_line_by_line_are_separated() -> None:
    left = [f"left {i} has words enough to fill it, so" for i in range(12)]
    right = [f"right {i} has words enough to fill it and" for i in range(12)]
    both = zip(column(left), column(right, x=250), strict=True)
    head = (60.0, 730.0, 10.0, "One line that stands above the two columns and reaches over both")
    text = read(pdf([[head, *(line for pair in both for line in pair)]])).text
    assert text.index("One line") < text.index("left 0")
    assert f"{left[0]} {left[1]}" in text and f"{left[-1]} {right[0]} {right[1]}" in text


def test_table_rows_stay_rows() -> None:
    table = [
        ("Method", "Value of it"),
        ("slow steps", "ten of them"),
        ("fast steps", "two of them"),
    ]
    rows: list[Placed] = []
    for i, (left, right) in enumerate(table):
        y = 700.0 - 12 * i
        rows += [(60.0, y, 10.0, left), (240.0, y, 10.0, right)]
    text = read(pdf([[*rows, *column([FULL] * 4, top=600)]])).text
    assert "slow steps ten of them\nfast steps two of them" in text


@st.composite
def printed_groups(draw: st.DrawFn) -> list[LineGroup]:
    page, groups = 1, []
    for _ in range(draw(st.integers(1, 12))):
        page += draw(st.sampled_from([0, 0, 0, 1, 2]))
        text = draw(
            st.sampled_from(
                ["It goes on", "and on", "to its end.", "Figure 1: A", "1 2 3 4", "hy\xad"]
            )
        )
        x, y = draw(st.sampled_from([60.0, 320.0])), draw(st.sampled_from([700.0, 400.0, 60.0]))
        size = draw(st.sampled_from([10.0, 10.0, 8.0]))
        lines = [
            PrintedLine(text, x, x + 200, y - 12 * i, size) for i in range(draw(st.integers(1, 3)))
        ]
        level = draw(st.sampled_from([0, 0, 0, 0, 1]))
        groups.append(LineGroup(lines, level, draw(st.sampled_from(["\n\n", "\n"])), page))
    return groups


@given(printed_groups())
def test_paragraph_joining_loses_nothing_and_keeps_pages_whole(groups: list[LineGroup]) -> None:
    ordered = join_interrupted_paragraphs(groups, 10.0)
    assert sorted(map(id, ordered)) == sorted(map(id, groups))
    assert [group.page for group in ordered] == sorted(group.page for group in groups)


# --- works cited ---------------------------------------------------------------------------------


def test_reference_list_of_pdf_makes_no_passages() -> None:
    entries = [
        f"Jane Doe. {year}. On reading. In Journal of Reading, pages 1-{year}."
        for year in range(2001, 2006)
    ]
    lines = [
        (60.0, 760.0, 20.0, "A Paper on Papers"),
        *[(60.0, 700.0, 14.0, "1 Introduction"), *column([f"{FULL}."], top=680)],
        *[(60.0, 650.0, 14.0, "References"), *column(entries, top=630)],
        *[(60.0, 500.0, 14.0, "A Appendix"), *column([f"What follows is kept. {FULL}."], top=480)],
    ]
    document = read(pdf([lines]))
    assert headings(document) == [(1, "1 Introduction"), (1, "References"), (1, "A Appendix")]
    assert "Jane Doe. 2003." in document.text
    assert [each.heading for each in split_into_passages(document)][1:] == [
        "1 Introduction",
        "A Appendix",
    ]


def test_chapter_about_references_is_not_reference_list() -> None:
    document = read(
        "# References\n\nA reference borrows a value, and the value must outlive it.",
        "https://ex.com/a.md",
    )
    assert len(split_into_passages(document)) == 1


def test_document_that_is_only_reference_list_is_read() -> None:
    works = "\n".join(f"- Jane Doe. {year}. On reading, part {year}." for year in range(1990, 2020))
    assert split_into_passages(read(f"# References\n\n{works}", "https://ex.com/a.md"))


# --- hyphens, URLs, accents ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("left", "right", "whole", "elsewhere"),
    [
        ("hallu", "cination", "hallucination", ""),
        ("self", "attention", "self-attention", ""),
        ("non", "informative", "non-informative", ""),
        ("automatically", "detected", "automatically-detected", ""),
        ("ground", "truth", "ground-truth", ""),
        ("retrieval", "augmented", "retrieval-augmented", ""),
        ("pre", "trained", "pretrained", ""),
        ("pre", "trained", "pre-trained", "we pre-trained it"),
        ("closed", "source", "closed-source", "a closed shop and its source"),
        ("AutoScholar", "Query", "AutoScholarQuery", "the AutoScholarQuery set"),
        ("GPT", "4o", "GPT-4o", ""),
        ("x", "axis", "x-axis", ""),
        ("φ", "nodes", "φ-nodes", ""),
        ("e", "mail", "email", "by email"),
        ("[1, 3", "5]", "[1, 3-5]", "5 and 35"),
        ("pre", "and post-processing", "pre- and post-processing", ""),
    ],
)
@pytest.mark.parametrize("hyphen", ["-", SOFT_HYPHEN])
def test_hyphens_at_end_of_line(
    left: str, right: str, whole: str, elsewhere: str, hyphen: str
) -> None:
    lines = [f"a {left}{hyphen}", f"{right} b"]
    assert Dehyphenator([*lines, elsewhere]).join(lines) == f"a {whole} b"


@pytest.mark.parametrize(
    ("left", "right", "whole"),
    [
        ("(https://www.example.", "org/) for", "(https://www.example.org/) for"),
        ("https://example.org/a/", "b_c.html is", "https://example.org/a/b_c.html is"),
        ("https://example.org/two-", "words here", "https://example.org/two-words here"),
        ("by https:", "//example.org", "by https://example.org"),
        ("see https://example.org/", "for more", "see https://example.org/ for more"),
        ("is at https://example.org.", "The rest", "is at https://example.org. The rest"),
    ],
)
def test_urls_across_two_lines_are_joined(left: str, right: str, whole: str) -> None:
    assert Dehyphenator([left, right]).join([left, right]) == whole


def test_separate_accents_are_combined_with_letters() -> None:
    # \310 is a dieresis; Helvetica's F is 6.1 points wide at this size, its a 5.6.
    lines = [
        (60.0, 700.0, 10.0, "Farber wrote this"),
        (67.2, 700.0, 10.0, "\\310"),
        *column([FULL] * 3, top=650),
    ]
    assert "Färber wrote this" in read(pdf([lines])).text


# --- the first page ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("printed", "names"),
    [
        (
            ["Jane Doe, John Q. Public and Ana de la Cruz"],
            ["Jane Doe", "John Q. Public", "Ana de la Cruz"],
        ),
        ([f"Jane Doe∗1{EM_SPACE}Jürgen Groß2,3", "1Some Company"], ["Jane Doe", "Jürgen Groß"]),
        (
            ["Jane Doe†‡, Li Wei#", "Weinan E2", "Example University"],
            ["Jane Doe", "Li Wei", "Weinan E"],
        ),
        (["Department of Computer Science", "jane@example.org"], []),
        (["A paper that was read at a conference in May"], []),
        (["Journal of Boats, 2021", "By Jane Doe¹, Li Wei¹,²"], ["Jane Doe", "Li Wei"]),
        (
            ["土木計画論文集 第19巻", "鴨志田 透¹，瀬戸口 麻耶²，Li Wei³", "¹ 北嶺大学"],
            ["鴨志田 透", "瀬戸口 麻耶", "Li Wei"],
        ),
        (["山田太郎（東京大学）・鈴木花子（日本海洋株式会社）"], ["山田太郎", "鈴木花子"]),
        (["研究報告", "港湾局"], []),
    ],
)
def test_authors_are_names_below_title(printed: list[str], names: list[str]) -> None:
    title, *lines = [PrintedLine(text, 0, 100, 0, 10) for text in ["The Title", *printed]]
    assert author_names([title, *lines], [title]) == tuple(names)


# --- unreadable text and OCR ------------------------------------------------------------------------


def words(document: Document) -> str:
    """What is remarked on the pages of a document, in English."""
    return "; ".join(remark.words for remark in remarks(document))


def test_text_in_missing_font_is_kept() -> None:
    """Japanese text in a font that is neither in the file nor, most likely, on this machine."""
    poem = ["吾輩は猫である。", "名前はまだ無い。"]
    pages = [[(60.0, 700.0 - 12 * i, 10.0, "AB") for i in range(len(poem))]]
    data = pdf(pages)
    for line in poem:
        data = data.replace(b"(AB) Tj", f"<{line.encode('utf-16-be').hex()}> Tj".encode(), 1)
    font = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"
    assert font in data
    data = data.replace(
        font,
        b"<< /Type /Font /Subtype /Type0 /BaseFont /No-Such-Mincho /Encoding /UniJIS-UTF16-H"
        b" /DescendantFonts [<< /Type /Font /Subtype /CIDFontType0 /BaseFont /No-Such-Mincho /DW 1000"
        b" /CIDSystemInfo << /Registry (Adobe) /Ordering (Japan1) /Supplement 2 >>"
        b" /FontDescriptor << /Type /FontDescriptor /FontName /No-Such-Mincho /Flags 6 >> >>] >>",
    )
    document = read(data)
    assert document.text.replace("\n", "") == "".join(poem)
    assert document.source.language == "ja"


@pytest.mark.process
def test_garbled_encoding_is_detected(tesseract) -> None:
    tesseract("exit 1")
    russian = "".join(f"\\{code:o}" for code in "Привет всем кто это читает".encode("cp1251"))
    data = pdf([column([FULL]), column([russian] * 9)])
    data = data.replace(b"/BaseFont /Helvetica", b"/BaseFont /Helvetica /Encoding /WinAnsiEncoding")
    with pytest.raises(UnreadableText, match="page 2"):
        read(data)


def test_unreadable_figure_labels_are_left_out() -> None:
    labels = [f"1@>8:?.&1@;{i}>?.@A.1=>2#3%4(56#" for i in range(9)]
    labels = [label.replace("(", "\\(") for label in labels]
    text = read(pdf([[*column([FULL] * 12), *column(labels, top=500)]])).text
    assert FULL in text and "1@>" not in text
    few = read(pdf([[*column([FULL] * 12), *column(labels[:2], top=500)]])).text
    assert "1@>" in few  # two such lines are no evidence


@pytest.fixture
def tesseract(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Install a fake ``tesseract`` that runs the given script."""

    def install(script: str) -> None:
        program = tmp_path / "tesseract"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    return install


WORDS = [
    ("1", "1", 100, "The"),
    ("1", "1", 160, "page"),
    ("1", "2", 100, "says"),
    ("1", "2", 170, "this."),
]
TABLE = "\n".join(
    [
        "level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext",
        "4\t1\t1\t1\t1\t0\t100\t100\t300\t30\t-1\t",
        *[
            f"5\t1\t1\t{p}\t{li}\t1\t{x}\t{60 * int(li)}\t50\t30\t95.5\t{word}"
            for p, li, x, word in WORDS
        ],
        "5\t1\t1\t1\t2\t3\t300\t120\t50\t30\t12\t~~",
    ]
)


@pytest.mark.process
def test_scan_is_read_by_tesseract(tesseract) -> None:
    seen = "head -c 3 > $(dirname $0)/seen"
    tesseract(
        f'if [ "$1" = --list-langs ]; then printf "List:\\neng\\njpn\\nosd\\n"; exit; fi\n{seen}\necho "$@" >> $(dirname $0)/seen\ncat <<END\n{TABLE}\nEND'
    )
    document = read(pdf([[], column([FULL])], draw=PICTURE))
    assert document.text.startswith("The page says this.")
    assert FULL in document.text  # a page with readable text is not read by OCR
    written = Path(os.environ["PATH"].split(os.pathsep)[0], "seen").read_text()
    assert written == "P5 stdin stdout -l jpn+eng --dpi 300 tsv\n"


READS = f'[ "$1" = --list-langs ] && echo eng || cat <<END\n{TABLE}\nEND'


@pytest.mark.process
def test_pages_read_by_ocr_are_marked(tesseract) -> None:
    tesseract(READS)
    document = read(pdf([[], column([FULL])], draw=PICTURE))
    assert [(page.number, page.ocr) for page in document.pages] == [(1, True), (2, False)]
    assert remarks(document) == (Remark("read by ocr", "1"),)
    assert words(document) == "page 1 read by OCR"
    marked = [
        page_at(document.pages, passage.start).ocr for passage in split_into_passages(document)
    ]
    assert marked == [passage.page == 1 for passage in split_into_passages(document)]


@pytest.mark.process
def test_pages_that_could_not_be_read_are_reported(tesseract) -> None:
    tesseract("exit 1")
    russian = "".join(f"\\{code:o}" for code in "Привет всем кто это читает".encode("cp1251"))
    full = column([FULL] * 9)
    data = pdf([[], [], column([russian] * 2), *[full] * 6, []], draw=PICTURE)
    data = data.replace(b"/BaseFont /Helvetica", b"/BaseFont /Helvetica /Encoding /WinAnsiEncoding")
    document = read(data)
    assert document.text.startswith(FULL)
    assert [page.number for page in document.pages] == list(range(4, 10))
    mend = "(install Tesseract, or run OCR on it first)"
    assert remarks(document) == (Remark("scan", "1-2, 10"), Remark("fonts", "3"))
    assert words(document) == (
        f"pages 1-2, 10 could not be read: pictures without text {mend}; page 3 could not be read:"
        f" its fonts do not say which characters they draw {mend}"
    )


@pytest.mark.process
def test_scan_with_text_cover_page_is_refused(tesseract) -> None:
    tesseract("exit 1")
    with pytest.raises(UnreadableText, match=r"is a scan, pictures without text \(page 2\)"):
        read(pdf([column([FULL]), [], []], draw=PICTURE))


@pytest.mark.process
def test_reader_process_returns_gaps_and_ocr_pages(tesseract) -> None:
    tesseract(
        f'[ "$1" != --list-langs ] || exec echo eng; [ -f $0.done ] || cat <<END\n{TABLE}\nEND\ntouch $0.done'
    )
    data, source = pdf([[], [], column([FULL])], draw=PICTURE), Source("s", "a.pdf")
    with ReaderPool() as workers:
        document, _ = workers.read(data, source)
    assert [(page.number, page.ocr) for page in document.pages] == [(1, True), (3, False)]
    assert document.gaps == (Gap(2, "ocr found nothing"),)


@pytest.mark.process
def test_page_without_ocr_text_or_damaged_page_is_reported(tesseract) -> None:
    tesseract('[ "$1" = --list-langs ] && echo eng')
    data = pdf([[], [], column([FULL])], draw=PICTURE)
    at = data.index(b"/Type /Page /Parent", data.index(b"/Type /Page /Parent") + 9)
    document = read(data[:at] + b"/Type /Pane /Parent" + data[at + 19 :])
    assert remarks(document) == (Remark("ocr found nothing", "1"), Remark("damaged page", "2"))
    assert words(document) == (
        "page 1 could not be read: OCR finds no text there (scan it anew, larger);"
        " page 2 could not be read: damaged (save the file again)"
    )


def test_blank_page_is_not_gap() -> None:
    white = "1 g 0 0 600 800 re f 0 g\n"
    assert remarks(read(pdf([[], column([FULL])], draw=white))) == ()


@pytest.mark.process
def test_ocr_stops_before_reader_process_time_limit(tesseract, monkeypatch) -> None:
    monkeypatch.setattr(ocr, "FILE_SECONDS", 0.5)
    tesseract('[ "$1" = --list-langs ] && echo eng || exec sleep 20')
    started = time.monotonic()
    document = read(pdf([[], [], column([FULL])], draw=PICTURE))
    assert time.monotonic() - started < 5
    assert document.gaps == (Gap(1, "ocr found nothing"), Gap(2, "ocr out of time"))
    assert words(document).endswith(
        "page 2 could not be read: OCR of the pages before it took all the time there is"
        " (split the file)"
    )


@pytest.mark.process
@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("exit 1", "is a scan, pictures without text .page 1.: install Tesseract"),
        ("echo deu", "install Tesseract"),
        ('[ "$1" = --list-langs ] && echo eng || exit 1', "OCR finds no text"),
        ('[ "$1" = --list-langs ] && echo eng || exec sleep 20', "OCR finds no text"),
    ],
)
def test_failing_or_hanging_tesseract_is_reported(
    tesseract, monkeypatch, script: str, words: str
) -> None:
    monkeypatch.setattr(ocr, "PAGE_SECONDS", 1)
    tesseract(script)
    with pytest.raises(UnreadableText, match=words):
        read(pdf([[]], draw=PICTURE))
    with pytest.raises(EmptyDocument):  # nothing is drawn, so there is nothing to read
        read(pdf([[]]))


# --- what the first page says of the work ---------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "venue", "year"),
    [
        ("Journal of Small Harbours, Volume 14, Issue 2, 2021",) * 2 + ("2021",),
        ("Transactions of the Northern Society for Boats",) * 2 + ("",),
        ("Published as a conference paper at BOATS 2023", "BOATS 2023", "2023"),
        ("港湾計画研究会論文集 第19巻 2024年",) * 2 + ("2024",),
        ("The workshop was closed in 2021", "", ""),
        ("¹ Institute of the Journal of Boats, Kent", "", ""),
    ],
)
def test_venue_is_line_of_names_on_first_page(line: str, venue: str, year: str) -> None:
    lines = [PrintedLine(text, 0, 100, 0, 10) for text in ("Ada Byron¹", line)]
    assert printed_venue(lines) == (venue, year)


def test_year_beside_copyright_sign_dates_a_work() -> None:
    texts = ("Proceedings of the Boat Society, pages 1–9", "July 5, Kent. © 2019 Boat Society")
    lines = [PrintedLine(text, 0, 100, 0, 10) for text in texts]
    assert printed_venue(lines) == (texts[0], "2019")


@pytest.mark.parametrize(
    ("stated", "printed", "authors"),
    [
        ("(anonymous)", ("Ada Byron",), ("Ada Byron",)),
        ("unspecified", (), ()),
        ("jsmith", (), ()),
        ("Registered Owner", ("Ada Byron",), ("Ada Byron",)),
        ("Ada Byron", ("Ada Byron", "Bo Lind"), ("Ada Byron", "Bo Lind")),
        ("Ada King Byron; Bo Lind", ("Ada Byron", "Bo Lind"), ("Ada King Byron", "Bo Lind")),
        ("Clara Wood", (), ("Clara Wood",)),
    ],
)
def test_properties_of_file_name_authors_only_where_plausible(
    stated: str, printed: tuple[str, ...], authors: tuple[str, ...]
) -> None:
    layout = Layout([Block(", ".join(printed), page=1)], authors=printed)
    assert choose_authors(stated, layout) == authors
