"""corpus.readers.extract: the document that each kind of file becomes, and the errors."""

from __future__ import annotations

import io
import itertools
import os
import re
import threading
import time
import zipfile
from copy import deepcopy
from datetime import datetime
from pathlib import Path

import docx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.errors import CorpusError, EmptyDocument, UnreadableText, UnsupportedContent
from corpus.readers.extract import extract
from corpus.types import Document, Source
from tests.support.documents import FULL, column, headings, pdf, read, saved
from tests.support.paths import SHARED

CAT = "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。"


def test_pdf_paragraphs_are_unwrapped_and_headings_found() -> None:
    lines = column([f"{FULL} and a hyphen-", f"ated word. {FULL}", "up to its end."])
    more = column(["A second paragraph, further down the page."], top=640)
    title = [(60.0, 760.0, 20.0, "A Paper on Reading Papers"), (60.0, 735.0, 10.0, "Jane Doe")]
    head = [(60.0, 718.0, 14.0, "1 Introduction")]
    document = read(pdf([[*title, *head, *lines, *more]]))
    assert document.source.title == "A Paper on Reading Papers"
    assert headings(document) == [(1, "1 Introduction")]
    assert document.text == (
        "A Paper on Reading Papers\n\nJane Doe\n\n1 Introduction\n\n"
        f"{FULL} and a hyphenated word. {FULL} up to its end.\n\n"
        "A second paragraph, further down the page."
    )


def test_pdf_reads_left_column_before_right_column() -> None:
    left = column([f"left {i} {'x' * 30}" for i in range(9)])
    right = column([f"right {i} {'x' * 30}" for i in range(9)], x=320)
    text = read(pdf([[*left, *right]])).text
    assert text.index("left 8") < text.index("right 0")


def test_pdf_rows_of_numbers_stay_separate_lines() -> None:
    rows = ["Model   Recall   Precision   All", "small 73.6 72.5 146.1", "large 51.1 50.0 101.1"]
    assert "small 73.6 72.5 146.1\nlarge 51.1" in read(pdf([column([*rows, FULL])])).text


def test_pdf_drops_running_heads_and_keeps_page_spans() -> None:
    pages = [
        [
            (60, 780, 9, "Journal of Results"),
            *column([f"{FULL} {word}", "and ends here.", *[FULL] * 4]),
            (300, 20, 9, f"- {i} -"),
        ]
        for i, word in enumerate(["one", "two", "three", "four"], 1)
    ]
    document = read(pdf(pages))
    assert "Journal" not in document.text and "- 2 -" not in document.text
    assert [page.number for page in document.pages] == [1, 2, 3, 4]
    assert "two" in document.text[document.pages[1].start : document.pages[1].end]


def test_pdf_joins_sentence_across_pages() -> None:
    document = read(pdf([column([FULL, "and the sentence"]), column(["goes on here. Then more."])]))
    assert "and the sentence goes on here." in document.text
    assert document.text[document.pages[1].start :].startswith("goes on")
    broken = read(pdf([column([FULL, "it is hyphen-"]), column(["ated over the page."])]))
    assert "it is hyphenated over the page." in broken.text


def test_pdf_uses_plausible_metadata_only() -> None:
    sane = pdf([column([FULL])], info="/Title (On Reading) /Author (Jane Doe; John Roe and Q Li)")
    source = read(sane).source
    assert (source.title, source.authors) == ("On Reading", ("Jane Doe", "John Roe", "Q Li"))
    silly = pdf([column([FULL])], info="/Title (Microsoft Word - x.doc) /Author (Administrator)")
    assert (read(silly).source.title, read(silly).source.authors) == ("", ())


@pytest.mark.process
def test_pdf_without_text_is_scan_if_it_draws_anything() -> None:
    with pytest.raises(UnreadableText, match="is a scan"):
        read(pdf([[]], draw="0 0 100 100 re f\n"))
    with pytest.raises(EmptyDocument):
        read(pdf([[]]))


def test_pdf_reader_is_thread_safe() -> None:
    data, texts = pdf([column([FULL])] * 5), []
    threads = [threading.Thread(target=lambda: texts.append(read(data).text)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(texts) == 6 and len(set(texts)) == 1


@pytest.mark.parametrize("keep", [8, 40, 200, 500])
def test_truncated_pdf_is_reported_as_damaged(keep: int) -> None:
    with pytest.raises(CorpusError, match=r"page\.pdf is a damaged PDF"):
        read(pdf([column([FULL])])[:keep], "https://ex.com/page.pdf")


# --- HTML -------------------------------------------------------------------------------------

PAGE = """<!doctype html><html lang="en-GB"><head><base href="/b/">
<title>Year in Review - A Blog</title><script>var nav = 1</script>
<meta name="citation_author" content="Doe, Jane"><meta name="citation_author" content="Q Li">
<meta property="article:published_time" content="2023-01-17T22:01:03Z"></head><body>
<nav>Home</nav><header>Site</header><main><article><header><h1>Year in Review</h1></header>
<p>One <b>bold</b>
word, <a href="c?x=1#f">a link</a>.<!-- gone --><br>Next line</p><p hidden>gone</p>
<h2>A list</h2><ul><li>a<li><p>b</p><ul><li>c</li></ul></ul><ol><li>x</li><li>y</li></ol>
<table><tr><th>k<th>v<tr><td><p>1</p><td>2 <i>3</i></table>
<pre>def f():
    pass</pre><div style="display: none">gone</div><p>日本
語と<ruby>漢<rt>かん</rt></ruby>字</p></article></main><aside>Ads</aside><footer>©</footer>"""


def test_html_is_read_without_boilerplate() -> None:
    document = read(PAGE)
    assert document.text == (
        "Year in Review\n\nOne bold word, a link.\nNext line\n\nA list\n\n- a\n- b\n  - c\n\n"
        "1. x\n2. y\n\nk | v\n1 | 2 3\n\ndef f():\n    pass\n\n日本語と漢字"
    )
    assert headings(document) == [(1, "Year in Review"), (2, "A list")]
    assert [(link.url, link.text) for link in document.links] == [
        ("https://ex.com/b/c?x=1#f", "a link")
    ]
    source = document.source
    assert (source.title, source.authors) == ("Year in Review", ("Jane Doe", "Q Li"))
    assert (source.published, source.language) == ("2023-01-17", "en")


def test_html_layout_tables_are_not_data_tables() -> None:
    page = "<html><table><tr><td><h1>T</h1><p>one</p><table><tr><td>a<td>b</table></table>"
    assert read(page).text == "T\n\none\n\na | b"


def test_html_redirect_page_names_its_target() -> None:
    head = "<html><head><title>Moved</title><meta http-equiv=refresh content='0; url=/b?x=1'>"
    with pytest.raises(
        EmptyDocument, match=r"leads to https://ex\.com/b\?x=1: ingest that address"
    ):
        read(f"{head}<body>Moved. <a href=/b>Go there</a>", "https://ex.com/a")
    assert read(f"{head}<p>{CAT * 10}", "https://ex.com/a").text == CAT * 10


def test_html_ignores_canonical_and_alternate_links() -> None:
    """A page's canonical address and its other languages are no links of its text."""
    other = "<link rel=canonical href=/a><link rel=alternate hreflang=ja href=/ja>"
    document = read(f"<html><head>{other}<p>See <a href=/b>b</a>.", "https://ex.com/a?utm=1")
    assert [link.url for link in document.links] == ["https://ex.com/b"]
    assert document.source.url == "https://ex.com/a?utm=1"


def test_html_metadata_from_json_ld() -> None:
    data = '{"@graph":[{"author":[{"name":"Jane"},"Q"],"datePublished":"2022-11-30"}]}'
    broken = '<script type="application/ld+json">{"author":</script>'
    page = f'<html>{broken}<script type="application/ld+json">{data}</script><p>x</p>'
    source = read(page).source
    assert (source.authors, source.published) == (("Jane", "Q"), "2022-11-30")


def test_given_metadata_is_not_overwritten() -> None:
    given_source = Source("s", "u", title="Mine", authors=("Me",), published="1999", language="fr")
    source = extract(PAGE.encode(), given_source).source
    assert (source.title, source.authors) == ("Mine", ("Me",))
    assert (source.published, source.language) == ("1999", "fr")


@pytest.mark.parametrize("nested", ["<div>", "<ul><li>", "<table><tr><td>", "<b>", "<p><span>"])
def test_deeply_nested_html_is_read(nested: str) -> None:
    assert "hello" in read(f"<html><body>{nested * 20_000}hello").text


def test_html_beyond_libxml2_text_limit_is_read() -> None:
    assert read("<html><p>" + "word " * 2_200_000).text.count("word") == 2_200_000


# --- Markdown ---------------------------------------------------------------------------------

NOTES = """---
title: "深層学習: まとめ"
date: 2023-01-17T22:01:03.284Z
authors:
  - Jane Doe
  - 'Q Li'
tags: [a, b]
lang: ja
---
# Top

*Since* **NeRF** was [introduced](paper.md), `code` <kbd>K</kbd> ![alt text](x.png)
and soft breaks. See https://ex.com/x.

研究者は**「強調」**を
使う。

## List

1. one
2. two
   - inner

| a | b |
|---|---|
| 1 | *2* |

```python
x = "**kept**"
```

<div align="center"><h3>Raw</h3><a href="y.html">why</a></div>
"""


def test_markdown_is_read_as_rendered() -> None:
    document = read(NOTES, "https://ex.com/dir/notes.md")
    assert document.text == (
        "Top\n\nSince NeRF was introduced, code K alt text and soft breaks. See https://ex.com/x."
        "\n\n研究者は「強調」を使う。\n\nList\n\n1. one\n2. two\n  - inner\n\na | b\n1 | 2\n\n"
        'x = "**kept**"\n\nRaw\n\nwhy'
    )
    assert headings(document) == [(1, "Top"), (2, "List"), (3, "Raw")]
    assert [link.url for link in document.links] == [
        "https://ex.com/dir/paper.md",
        "https://ex.com/x",
        "https://ex.com/dir/y.html",
    ]
    source = document.source
    assert (source.title, source.authors) == ("深層学習: まとめ", ("Jane Doe", "Q Li"))
    assert (source.published, source.language) == ("2023-01-17", "ja")


def test_markdown_is_detected_by_type_or_front_matter() -> None:
    assert read("**a**", content_type="text/markdown; charset=utf-8").text == "a"
    assert read("---\ntitle: T\n---\n**a**").source.title == "T"
    assert read("**a**").text == "**a**"


# --- DOCX -------------------------------------------------------------------------------------


def word_file() -> docx.document.Document:
    document = docx.Document()
    document.core_properties.title, document.core_properties.author = "報告", "Jane Doe; Q Li"
    document.core_properties.created = datetime(2022, 11, 28)
    document.core_properties.modified = datetime(2022, 11, 30, 9, 30)
    document.add_heading("Findings", level=2)
    document.add_paragraph("First paragraph.")
    table = document.add_table(rows=2, cols=2)
    for cell, text in zip(itertools.chain(*(r.cells for r in table.rows)), "abcd", strict=True):
        cell.text = text
    document.add_paragraph("one", style="List Bullet")
    document.add_paragraph("two", style="List Bullet")
    document.add_paragraph("After the list.")
    return document


def test_docx_keeps_order_of_paragraphs_and_tables() -> None:
    document = read(saved(word_file()), "report.docx")
    assert document.text == (
        "Findings\n\nFirst paragraph.\n\na | b\nc | d\n\n- one\n- two\n\nAfter the list."
    )
    assert headings(document) == [(2, "Findings")]
    assert (document.source.title, document.source.authors) == ("報告", ("Jane Doe", "Q Li"))
    assert document.source.published == "2022-11-30"


@pytest.mark.parametrize(
    ("created", "modified", "published"),
    [
        (datetime(2013, 12, 23, 23, 15), datetime(2013, 12, 23, 23, 15), ""),  # the template's
        (datetime(1980, 1, 1), datetime(1970, 1, 1), ""),  # a clock that was never set
        (datetime(2013, 12, 23, 23, 15), datetime(2024, 5, 6), "2024-05-06"),
        (datetime(2024, 5, 6), datetime(1980, 1, 1), "2024-05-06"),
    ],
)
def test_docx_date_is_day_it_was_last_saved(
    created: datetime, modified: datetime, published: str
) -> None:
    made = word_file()
    made.core_properties.created, made.core_properties.modified = created, modified
    assert read(saved(made), "report.docx").source.published == published


def test_docx_with_many_paragraphs_is_read_quickly() -> None:
    made = docx.Document()
    plain = made.add_paragraph("One.")
    made.element.body.extend(deepcopy(plain._p) for _ in range(5000))
    data, started = saved(made), time.process_time()
    assert extract(data, Source("s", "report.docx")).text.count("One.") == 5001
    assert time.process_time() - started < 3  # searching the styles for each takes twice as long


def zipped(**members: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name.replace("__", "/") + ".xml", data)
    return file.getvalue()


def test_docx_zip_bomb_or_damage_is_refused() -> None:
    with pytest.raises(CorpusError, match="unpack to 50 MB"):
        read(zipped(word__document=b"0" * 50_000_000), "a.docx")
    with pytest.raises(CorpusError, match="damaged Word file"):
        read(zipped(word__document=b"<w/>"), "a.docx")
    with pytest.raises(UnsupportedContent, match="an Excel file"):
        read(zipped(xl__workbook=b"<p/>"), "a.xlsx")
    with pytest.raises(UnsupportedContent, match="damaged ZIP"):
        read(saved(word_file())[:2000], "a.docx")


# --- plain text, encodings, detection -----------------------------------------------------------


@pytest.mark.parametrize(
    "encoding",
    ["utf-8", "utf-8-sig", "cp932", "euc_jp", "iso2022_jp", "utf-16", "utf-16-be", "utf-32"],
)
def test_japanese_text_in_common_encodings(encoding: str) -> None:
    document = read(f"{CAT}\r\nABC\r\n".encode(encoding))
    assert document.text == f"{CAT}\nABC"
    assert document.source.language == "ja"


@pytest.mark.parametrize(
    ("text", "encoding", "language"),
    [
        ("Le café est situé à côté de la forêt, où l'été naît.", "cp1252", "en"),
        ("Привет, как дела? Это русский текст для проверки.", "cp1251", ""),
        ("안녕하세요 이것은 한국어 텍스트입니다.", "euc_kr", ""),
    ],
)
def test_undeclared_encoding_is_guessed(text: str, encoding: str, language: str) -> None:
    document = read((text + "\n").encode(encoding) * 5)
    assert document.text.startswith(text)
    assert document.source.language == language


def test_declared_encoding_is_used() -> None:
    meta = '<html><meta charset="Shift_JIS"><p>表示能力</p>'.encode("cp932")
    assert read(meta).text == "表示能力"
    header = read("<p>naïve</p>".encode("cp1252"), content_type="text/html; charset=iso-8859-1")
    assert header.text == "naïve"


def test_text_is_normalized() -> None:
    raw = "e\u0301\xa0x \t \r\n\n\n\nb\x07\u200b\x0cc\ufeff\u3000½ﬁ\ud800 \ud83d\ude00"
    assert read(raw.encode("utf-8", "surrogatepass")).text == "é x\n\nb\nc\u3000½ﬁ 😀"


@pytest.mark.parametrize(
    "blank", ["", " \n\t\n", "<html><body>&nbsp;<script>x</script>", "<!--x-->"]
)
def test_whitespace_only_file_is_empty(blank: str) -> None:
    with pytest.raises(EmptyDocument):
        read(blank, content_type="text/html")


@pytest.mark.parametrize(
    ("data", "url", "message"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0", "https://ex.com/a.pdf", "named .pdf but looks like a PNG"),
        (b"\x7fELF\2\1\1\0\0\0", "paper.pdf", "named .pdf but looks like a program"),
        (b"hello there", "notes.docx", "named .docx but looks like plain text"),
        (b"<!doctype html><p>Log in", "https://ex.com/a.pdf?x=1", "looks like an HTML page"),
        (b"%PDF-1.4 ...", "notes.docx", "named .docx but looks like a PDF"),
        (b"abc\0\1\2def", "notes.txt", "binary data"),
        (bytes(range(1, 256)) * 20, "notes.txt", "binary data"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "https://ex.com/x", "Office file"),
    ],
)
def test_file_that_contradicts_its_name_is_refused(data: bytes, url: str, message: str) -> None:
    with pytest.raises(UnsupportedContent, match=re.escape(message)) as caught:
        read(data, url)
    assert url in str(caught.value) and "\n" not in str(caught.value)


def test_content_is_decisive_over_type_and_name() -> None:
    assert read(pdf([column([FULL])]), "https://arxiv.org/pdf/2202.05263", content_type="text/html")
    assert read("<!DOCTYPE html><p>a", "https://ex.com/x", content_type="text/plain").text == "a"


# --- anything at all ---------------------------------------------------------------------------

SEEDS = [
    pdf([column([FULL] * 3)] * 2),
    PAGE.encode(),
    NOTES.encode(),
    saved(word_file()),
    CAT.encode("cp932") * 3,
    CAT.encode("utf-16"),
]
URLS = ["a.pdf", "a.docx", "a.html", "a.md", "a.txt", "https://ex.com/"]


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_bytes_give_document_or_corpus_error(data: st.DataObject) -> None:
    if data.draw(st.booleans()):
        raw = bytearray(data.draw(st.sampled_from(SEEDS)))
        for _ in range(data.draw(st.integers(1, 6))):
            at = data.draw(st.integers(0, len(raw) - 1))
            end = at + data.draw(st.sampled_from([0, 1, 1, 20, 400]))
            raw[at:end] = data.draw(st.binary(max_size=12))
            if not raw:
                break
    else:
        start = data.draw(st.sampled_from([b"", b"%PDF-1.4\n", b"PK\x03\x04", b"<html>", b"---\n"]))
        raw = bytearray(start + data.draw(st.binary(max_size=300)))
    try:
        read(bytes(raw), data.draw(st.sampled_from(URLS)))
    except CorpusError as error:
        assert str(error) and "\n" not in str(error)


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=200), st.sampled_from([*URLS, "<html>"]))
def test_any_text_gives_document_or_corpus_error(text: str, url: str) -> None:
    raw = text.encode("utf-8", "surrogatepass")
    try:
        read(b"<html>" + raw if url == "<html>" else raw, url)
    except CorpusError as error:
        assert str(error) and "\n" not in str(error)


# --- real files --------------------------------------------------------------------------------


def real(name: str, password: str = "") -> Document:
    return read((SHARED / "pdfs" / name).read_bytes(), name, password=password)


@pytest.mark.shared
def test_real_paper_in_two_columns() -> None:
    document = real("ALCE.pdf")
    text = document.text
    title = "Enabling Large Language Models to Generate Text with Citations"
    assert document.source.title == title
    assert "generate text with citations, improving their factual correctness" in text
    assert (1, "1 Introduction") in headings(document)
    assert (2, "3.4 ALCE is Robust to Shortcut Cases") in headings(document)
    assert len(document.pages) == 23
    order = ["Abstract", "1 Introduction", "2 Task Setup", "References", "A Generating Claims"]
    places = [text.index(f"\n{heading}") for heading in order]
    assert places == sorted(places)


@pytest.mark.shared
def test_real_paper_with_unreadable_figure_labels() -> None:
    document = real("react_paper.pdf")
    assert "4XHVWLRQ" not in document.text  # "Question" as glyph numbers
    assert "Published as a conference paper" not in document.text
    assert document.source.published == "2022-11-27"  # from arXiv's stamp in the margin


@pytest.mark.shared
def test_vertical_japanese_is_read_right_to_left() -> None:
    text = real("jo.pdf").text
    # Without an installed font, PDFium alone would drop the first lines; these it keeps.
    poem = [
        "あらゆる透明な幽霊の複合体",
        "風景やみんなといっしょに",
        "心象スケッチです",
        "修羅の十億年",
    ]
    places = [text.index(line) for line in poem]
    assert places == sorted(places)
    assert "取引できない商品」がマクロ経済変数" in real("issue16538.pdf").text


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "password", "words"),
    [
        ("aes-256.pdf", "foo", "Secret!"),
        ("libreoffice-writer-password.pdf", "openpassword", "Lorem ipsum"),
        ("password-example.pdf", "test", "Backup4all"),
        ("encrypted.pdf", "pass123", ""),
    ],
)
def test_encrypted_file_needs_its_password(name: str, password: str, words: str) -> None:
    for wrong in ("", "wrong"):
        with pytest.raises(UnreadableText, match=r"is encrypted.*--password"):
            real(name, wrong)
    assert words in real(name, password).text


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("zero_bytes.pdf", EmptyDocument),
        ("blank_page.pdf", EmptyDocument),
        ("bug1020226.pdf", CorpusError),
    ],
)
def test_unreadable_file_error_gives_reason(name: str, error: type[CorpusError]) -> None:
    with pytest.raises(error, match=re.escape(name)):
        real(name)


@pytest.mark.shared
def test_saved_encyclopedia_page() -> None:
    document = real("flag_day.html")
    assert document.source.title == "National Flag of Canada Day"
    assert (2, "History") in headings(document)
    assert "Next time | February 15, 2025" in document.text
    assert "Random article" not in document.text and "[edit]" not in document.text


@pytest.mark.process
@pytest.mark.shared
def test_every_shared_file_is_read_or_refused() -> None:
    folders = [SHARED / "pdfs", SHARED / "corpus", SHARED / "corpus" / "posts"]
    files = [Path(entry) for folder in folders for entry in os.scandir(folder) if entry.is_file()]
    assert len(files) > 50
    for file in files:
        try:
            read(file.read_bytes(), file.name)
        except CorpusError as error:
            assert file.suffix == ".pdf" and file.name in str(error)
