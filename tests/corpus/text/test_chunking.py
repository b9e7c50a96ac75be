"""corpus.text.chunking: passages cover their document, exactly and in order."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.library.catalogue import CatalogueEntry, entries
from corpus.readers.extract import extract
from corpus.text.chunking import MAX_WIDTH, split_into_passages
from corpus.text.sentences import sentence_spans
from corpus.types import Document, PageSpan, Section, Source

SOURCE = Source("s", "https://example.org/s")


def width(text: str) -> float:
    return sum(2.2 if ord(char) >= 0x2E80 else 1.0 for char in text)


def check(document: Document) -> None:
    """Assert every invariant of the passages of a document."""
    passages = split_into_passages(document)
    bodies = [(0, document.sections[0].start if document.sections else len(document.text))]
    for section in document.sections:
        assert document.text.startswith(section.heading, section.start)
        bodies.append((section.start + len(section.heading), section.end))

    for p in passages:
        assert document.text[p.start : p.end] == p.text == p.text.strip() != ""
        assert p.source_id == document.source.id
        assert width(p.text) <= MAX_WIDTH + 1e-6
        assert any(start <= p.start and p.end <= end for start, end in bodies)
        assert p.heading == heading_above(document, p.start)
        pages = [page.number for page in document.pages if page.start <= p.start]
        assert p.page == (pages[-1] if pages else None)

    assert all(a.end <= b.start for a, b in pairwise(passages))
    assert len({p.id for p in passages}) == len(passages)
    covered = {i for p in passages for i in range(p.start, p.end)}
    for start, end in bodies:
        assert all(i in covered or document.text[i].isspace() for i in range(start, end))
        for a, b in sentence_spans(document.text[start:end]):
            if width(document.text[start + a : start + b]) <= MAX_WIDTH:
                assert any(p.start <= start + a and start + b <= p.end for p in passages)


def heading_above(document: Document, at: int) -> str:
    chain: dict[int, str] = {}
    for section in document.sections:
        if section.start <= at:
            chain = {level: text for level, text in chain.items() if level < section.level}
            chain[section.level] = section.heading
    return " › ".join(chain.values())


PROSE = ["Whisper is a model. ", "It costs 3.5 dollars! ", "これは文です。", "「はい。」と言った。"]
HARD = [
    "x" * 900,
    "長い文、" * 200,
    "word " * 300,
    " " * 700,
    "\u3000" * 300,
    "。",
    "A:\n- one\n- two\n",
]
sentence = st.sampled_from(PROSE + HARD) | st.text(max_size=20)
body = st.lists(st.lists(sentence, max_size=6).map("".join), max_size=3).map("\n\n".join)


@st.composite
def documents(draw: st.DrawFn) -> Document:
    text, sections = draw(body), []
    for number in range(draw(st.integers(0, 3))):
        heading = f"{draw(st.sampled_from(['Data', 'データ', 'On. Stops']))} {number}"
        start, text = len(text), f"{text}{heading}\n\n{draw(body)}\n\n"
        sections.append(Section(heading, draw(st.integers(1, 3)), start, len(text)))
    cuts = sorted(draw(st.sets(st.integers(1, max(1, len(text))), max_size=4)))
    pages = [
        PageSpan(number, a, b)
        for number, (a, b) in enumerate(zip([0, *cuts], [*cuts, len(text)], strict=True), 3)
    ]
    return Document(SOURCE, text, tuple(sections), tuple(pages) if draw(st.booleans()) else ())


@settings(max_examples=60, deadline=None)
@given(documents())
def test_passages_of_any_document_keep_all_invariants(document: Document) -> None:
    check(document)


@pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry.source.id)
def test_passages_of_shipped_digests_keep_all_invariants(entry: CatalogueEntry) -> None:
    source, data = entry.digest()
    document = extract(data, source, "text/markdown")
    assert len(split_into_passages(document)) >= 3
    check(document)


def test_passage_ids_depend_on_text_and_offsets_only() -> None:
    document = Document(SOURCE, "One. Two.\n\n" + "Three is here. " * 80)
    ids = [p.id for p in split_into_passages(document)]
    assert len(ids) > 1 and ids == [p.id for p in split_into_passages(document)]
    retitled = replace(document, source=replace(SOURCE, title="Another", retrieved_at="now"))
    assert ids == [p.id for p in split_into_passages(retitled)]
    others = [
        replace(document, source=replace(SOURCE, id="t")),
        replace(document, text=document.text + "More."),
    ]
    for other in others:
        assert not set(ids) & {p.id for p in split_into_passages(other)}


def test_passages_break_between_paragraphs() -> None:
    paragraph = " ".join(["A sentence" + " of some length" * 8 + "."] * 5)
    text = f"{paragraph}\n\n{paragraph}"
    assert [p.text for p in split_into_passages(Document(SOURCE, text))] == [paragraph] * 2


def test_long_sentence_is_cut_after_comma() -> None:
    text = "とても長い文で、" * 200 + "終わる。"
    *others, _last = split_into_passages(Document(SOURCE, text))
    assert len(others) > 1 and all(p.text.endswith("、") for p in others)


def test_text_without_sentences_has_no_passages() -> None:
    assert split_into_passages(Document(SOURCE, "Title\n\n", (Section("Title", 1, 0, 7),))) == []
    assert split_into_passages(Document(SOURCE, " \n ")) == []
