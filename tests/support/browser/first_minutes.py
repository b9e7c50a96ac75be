"""What a newcomer adds, asks and is answered in the tour of the page, in each language."""

from __future__ import annotations

import re
from contextlib import closing
from dataclasses import dataclass

from pypdfium2 import PdfDocument

from tests.support.browser.driver import Page
from tests.support.chat_server import first_sentence


@dataclass(frozen=True, slots=True)
class Script:
    """One language's part of the tour.

    Attributes:
        locale: Of the browser.
        scheme: Its colours, light or dark.
        title: Of the PDF that is added.
        pages: Paragraphs of its pages, after the title.
        question: Asked about it.
        written: What the model writes, the last sentence of it false, and words of the PDF on which each sentence rests.
        quote: Words that are boxed on the page.
        again: Asked in the collection.
        collection: Its name.
    """

    locale: str
    scheme: str
    title: str
    pages: tuple[tuple[str, ...], ...]
    question: str
    written: tuple[tuple[str, str], ...]
    quote: str
    again: str
    collection: str


ENGLISH = Script(
    locale="en-GB",
    scheme="light",
    title="The Kanda Map Archive: Annual Report",
    pages=(
        (
            "The Kanda Map Archive collects maps of the city and of its rivers, and opens them to everybody. "
            "This report says what was collected, what was repaired, and who came to read.",
            "Visitors from twelve countries came in the course of the year. Most of them looked for the "
            "street in which their family once lived.",
        ),
        (
            "The archive in Kanda holds 4,711 hand-drawn maps of the city. The oldest of them was drawn in "
            "1657 by the surveyor Hojo Ujinaga. Each map lies flat in a drawer of paulownia wood.",
            "In this year 212 maps were repaired. The paper for the repairs is made by hand in Echizen.",
            "The reading room is open from Tuesday to Saturday, and closed on Mondays.",
        ),
        ("The archive thanks all who gave it maps.",),
    ),
    question="How many hand-drawn maps does the archive in Kanda hold, and who drew the oldest?",
    written=(
        ("The archive holds 4,711 hand-drawn maps", "4,711 hand-drawn"),
        ("The oldest of them was drawn in 1657 by Hojo Ujinaga", "Hojo Ujinaga"),
        ("In this year, 512 maps were repaired", "212 maps were"),
    ),
    quote="4,711 hand-drawn maps",
    again="When is the reading room of the archive open?",
    collection="Maps",
)
JAPANESE = Script(
    locale="ja-JP",
    scheme="dark",
    title="函館写真資料室 年次報告",
    pages=(
        (
            "函館写真資料室は、町と港の写真を集め、だれにでも公開しています。"
            "この報告書では、一年間に集めた写真、修復した写真、そして利用者についてまとめます。",
            "この一年に、九つの県から利用者が訪れました。多くの人が、かつて家族の働いた船を探していました。",
        ),
        (
            "函館写真資料室は、ガラス乾板の写真を5,320枚所蔵しています。"
            "最も古い写真は、写真師の田本研造が1868年に撮影したものです。乾板は一枚ずつ中性紙の封筒に納めています。",
            "この一年に、340枚の写真を修復しました。作業には二人の技術者が当たりました。",
            "閲覧室は水曜日から日曜日まで開いており、月曜日と火曜日は休みです。",
        ),
        ("写真を寄贈してくださった皆様に感謝します。",),
    ),
    question="函館写真資料室はガラス乾板の写真を何枚所蔵していますか？最も古い写真はだれが撮影しましたか？",
    written=(
        ("ガラス乾板の写真の所蔵数は5,320枚です", "5,320枚"),
        ("最も古い写真は、田本研造が1868年に撮影しました", "田本研造"),
        ("この一年に、620枚の写真を修復しました", "340枚"),
    ),
    quote="5,320枚",
    again="函館写真資料室の閲覧室はいつ開いていますか？",
    collection="写真",
)
SCRIPTS = {"en": ENGLISH, "ja": JAPANESE}

STYLE = """
@page { size: A5; margin: 18mm } h1 { font: 600 20pt 'Noto Serif CJK JP', serif; margin: 0 0 12mm }
p { font: 12pt/1.8 'Noto Serif CJK JP', serif; margin: 0 0 5mm } section { break-after: page }
"""


def report(page: Page, script: Script) -> bytes:
    """Print the PDF of a script with a blank page of the browser, as a person makes a PDF."""
    lang = script.locale[:2]
    sheets = ["".join(f"<p>{words}</p>" for words in paragraphs) for paragraphs in script.pages]
    sheets[0] = f"<h1>{script.title}</h1>{sheets[0]}"
    body = "".join(f"<section>{sheet}</section>" for sheet in sheets)
    page.set_content(
        f'<html lang="{lang}"><title>{script.title}</title><style>{STYLE}</style>{body}'
    )
    printed = page.pdf(prefer_css_page_size=True)
    with closing(PdfDocument(printed)) as pdf:
        words = pdf[0].get_textpage().get_text_range()
    # Without a font a browser prints boxes, and the tour would fail only where it is answered.
    assert script.title.split()[0] in words, (
        "Chromium has no such font: apt-get install fonts-noto-cjk"
    )
    return printed


def write(prompt: str) -> str:
    """Reply as the language model of the tour: about the PDFs, or with the first sentence read."""
    sources = re.split(r"^\[(\d+)\] ", prompt, flags=re.MULTILINE)
    texts = list(zip(sources[1::2], sources[2::2], strict=True))
    for script in SCRIPTS.values():
        if script.question not in prompt:
            continue
        found = [
            (said, next((label for label, text in texts if words in text), None))
            for said, words in script.written
        ]
        stop = "。" if script is JAPANESE else "."
        return "\n".join(f"{said} [{label}]{stop}" for said, label in found if label)
    return first_sentence(prompt)
