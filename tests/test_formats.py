"""corpus.extract on PowerPoint, EPUB, JATS and saved text: real files, built here."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import datetime
from pathlib import Path

import pptx
import pytest
from pptx.util import Inches

from corpus.errors import CorpusError, EmptyDocument, UnreadableText, UnsupportedContent
from corpus.extract import extract
from corpus.passages import split
from corpus.types import Document, Source, text_hash

SHARED = Path(__file__).parents[1] / ".." / "shared"


def read(data: bytes | str, url: str, **options: str) -> Document:
    raw = data.encode() if isinstance(data, str) else data
    document = extract(raw, Source("s", url), **options)
    check(document)
    return document


def check(document: Document) -> None:
    """What holds for every document: each passage is a span of its text, on the right page."""
    text = document.text
    assert document.source.version == text_hash(text)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]|[^\S\n]\n|\n{3}", text)
    for section in document.sections:
        assert text.startswith(section.heading, section.start)
    passages = split(document)
    assert passages
    for passage in passages:
        assert text[passage.start : passage.end] == passage.text
        if document.pages:
            on = [page.number for page in document.pages if page.start <= passage.start < page.end]
            assert on == [passage.page]


def headings(document: Document) -> list[tuple[int, str]]:
    return [(section.level, section.heading) for section in document.sections]


def links(document: Document) -> list[tuple[str, str]]:
    return [(link.url, link.text) for link in document.links]


def zipped(members: dict[str, bytes | str]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


def rezipped(data: bytes, changes: dict[str, bytes | str]) -> bytes:
    """The same archive with some parts put in place of its own, or added."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return zipped({name: archive.read(name) for name in archive.namelist()} | changes)


# --- PowerPoint --------------------------------------------------------------------------------


def deck() -> pptx.presentation.Presentation:
    show = pptx.Presentation()
    show.core_properties.title, show.core_properties.author = "Reading slides", "Jane Doe; Q Li"
    show.core_properties.created = datetime(2022, 11, 30)
    first = show.slides.add_slide(show.slide_layouts[0])
    first.shapes.title.text, first.placeholders[1].text = "Reading\vslides", "A talk"
    second = show.slides.add_slide(show.slide_layouts[1])
    right, left, top = [second.shapes.add_textbox(Inches(x), Inches(y), Inches(3), Inches(0.5))
                        for x, y in ((5, 5), (1, 5.1), (1, 1.2))]  # fmt: skip
    right.text_frame.text, left.text_frame.text, top.text_frame.text = "right", "left", "above"
    second.shapes.title.text = "Findings"
    body = second.placeholders[1].text_frame
    body.text = "One point"
    deeper = body.add_paragraph()
    deeper.text, deeper.level = "and its detail", 1
    run = left.text_frame.paragraphs[0].add_run()
    run.text, run.hyperlink.address = " paper", "https://arxiv.org/abs/2202.05263"
    second.notes_slide.notes_text_frame.text = "Say it slowly. See https://ex.com/x."
    third = show.slides.add_slide(show.slide_layouts[6])
    table = third.shapes.add_table(2, 2, Inches(1), Inches(3), Inches(5), Inches(1)).table
    for at, text in enumerate(["Model", "Recall", "small", "73.6"]):
        table.cell(at // 2, at % 2).text = text
    box = third.shapes.add_textbox(Inches(1), Inches(1), Inches(5), Inches(1))
    box.text_frame.text = "No title"
    group = third.shapes.add_group_shape()
    inner = group.shapes.add_textbox(Inches(1), Inches(5), Inches(2), Inches(1))
    inner.text_frame.text = "grouped"
    return show


def saved(show: pptx.presentation.Presentation) -> bytes:
    file = io.BytesIO()
    show.save(file)
    return file.getvalue()


def test_slides_are_read_as_one_reads_them() -> None:
    document = read(saved(deck()), "talk.pptx")
    assert document.text == (
        "Reading slides\n\nA talk\n\n"
        "Findings\n\nabove\n\n- One point\n  - and its detail\n\nleft paper\n\nright\n\n"
        "Say it slowly. See https://ex.com/x.\n\n"
        "No title\n\nModel | Recall\nsmall | 73.6\n\ngrouped"
    )
    assert headings(document) == [(1, "Reading slides"), (1, "Findings"), (1, "No title")]
    assert [page.number for page in document.pages] == [1, 2, 3]
    assert links(document) == [
        ("https://arxiv.org/abs/2202.05263", "paper"),
        ("https://ex.com/x", "https://ex.com/x"),
    ]
    source = document.source
    assert (source.title, source.authors) == ("Reading slides", ("Jane Doe", "Q Li"))
    assert (source.published, source.language) == ("2022-11-30", "en")


def test_a_deck_that_says_nothing_about_itself() -> None:
    show = pptx.Presentation()
    show.slides.add_slide(show.slide_layouts[0]).shapes.title.text = "深層学習"
    show.slides[0].placeholders[1].text = "入門のための資料です。"
    source = read(saved(show), "https://ex.com/x").source
    assert (source.title, source.authors, source.published) == ("深層学習", (), "")
    assert source.language == "ja"
