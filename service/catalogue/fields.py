"""The fields of a source: authors, date, venue, title, licence, pages, and what cites what.

A field that neither the catalogue has nor the text itself states is empty here, and a reply says
so; nothing is guessed. A file name that stands in for a title is no title. No function here uses a
model.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from corpus.errors import NotFound
from corpus.links import canonical_url, paper
from corpus.store.store import Store
from corpus.text.near_duplicates import identifier, normalized_letters
from corpus.types import Source
from index.inference.parsed_question import Field
from index.search import Hit
from service.catalogue.matching import FoldedText, folded_letters
from service.catalogue.names import catalogue_name, displayed, known_title
from service.catalogue.stated_fields import SEPARATOR, STATED, stated_value
from service.text.alignment import content_words

ENTRY = "entry"  # of the list of references at the end of a text

_MAX_READ = 100  # documents whose text is searched for a citation
_MIN_TITLE = 20  # letters of a title that is recognised in another text
# Cosine, with the bundled embedder, from which a passage in the other language is about a topic: in
# the library that ships, unrelated topics stay below it, and most related ones are above.
_SIMILAR_ACROSS = 0.82
_WORKS_CITED = re.compile(
    r"(?:[\dA-ZIVX.]+\s+)?(?:references?(?: cited)?|bibliography|works cited|literature(?: cited)?"
    r"|参考文献|引用文献|文献|参考資料)\W*",
    re.IGNORECASE,
)
_NUMBERED = re.compile(r"(?m)^[ \t]*(?=\[\d{1,3}\]|\d{1,3}\.\s)")
_MIN_ENTRY = 15  # letters of an entry
_URL = re.compile(r"https?://[^\s<>\"'“”‘’「」（）)\]]+")
_ARXIV = re.compile(r"\barXiv:\s?(\d{4}\.\d{4,5})", re.IGNORECASE)

Search = Callable[[str], Sequence[Hit]]


@dataclass(frozen=True, slots=True)
class FieldValue:
    """What the catalogue has for a field of a source; empty if it has nothing.

    Attributes:
        source: The source.
        field: The field.
        value: Its value as the catalogue has it, or as the text states it; empty for
            ``references`` and ``cited_by``.
        related: For ``references`` and ``cited_by``: the sources that it cites, or that cite it.
        entries: For ``references`` without any of these: the entries of its list of references.
    """

    source: Source
    field: Field
    value: str = ""
    related: tuple[Source, ...] = ()
    entries: tuple[str, ...] = ()

    @property
    def known(self) -> bool:
        """Whether the catalogue has anything."""
        return bool(self.value or self.related or self.entries)


def metadata_value(source: Source, field: str) -> str:
    """Return the value of a field that a source itself has; empty if it is not known.

    Values that would speak to a language model count as not known.
    """
    match field:
        case "authors":
            names = [name for name in source.authors if displayed(name)]
            return SEPARATOR.join(source.authors) if len(names) == len(source.authors) else ""
        case "title":
            value = known_title(source)
        case "published":
            value = source.published
        case "venue":
            value = source.venue
        case "licence":
            value = source.licence
        case "file" | "id":
            name, value = catalogue_name(source)
            return value if name == field else ""
        case _:
            return ""
    return value if displayed(value) else ""


def count_pages(store: Store, source_id: str) -> str:
    """Return the number of the last printed page with text; empty for what has no pages."""
    try:
        pages = store.document(source_id).pages
    except NotFound:
        return ""
    return str(pages[-1].number) if pages else ""


def read_field(store: Store, sources: Sequence[Source], source: Source, field: Field) -> FieldValue:
    """Read a field of a source.

    Args:
        store: The store.
        sources: The sources of the library, among which citing and cited ones are found.
        source: The source.
        field: The field.
    """
    if field == "pages":
        return FieldValue(source, field, count_pages(store, source.id))
    if field == "references":
        related = cited_sources(store, sources, source)
        entries = () if related else reference_entries(store, source.id)
        return FieldValue(source, field, related=related, entries=entries)
    if field == "cited_by":
        return FieldValue(source, field, related=citing_sources(store, sources, source))
    return FieldValue(source, field, metadata_value(source, field) or stated(store, source, field))


def stated(store: Store, source: Source, field: str) -> str:
    """Return what a source's own text says of a field that the catalogue lacks; empty if nothing.

    See ``stated_fields``.
    """
    if field not in STATED or metadata_value(source, field):
        return ""
    try:
        return stated_value(store.document(source.id), field)
    except NotFound:
        return ""


def reference_entries(store: Store, source_id: str) -> tuple[str, ...]:
    """Read the list of references at the end of a text, entry by entry, each on one line.

    Entries that would speak to a language model are left out.
    """
    try:
        document = store.document(source_id)
    except NotFound:
        return ()
    lists = [s for s in document.sections if _WORKS_CITED.fullmatch(s.heading.strip())]
    found: list[str] = []
    for section in lists[-1:]:
        text = document.text[section.start : section.end].partition("\n")[2].strip()
        parts = (_NUMBERED if _NUMBERED.search(text) else re.compile(r"\n+")).split(text)
        found += [" ".join(part.split()) for part in parts]
    return tuple(each for each in found if len(each) >= _MIN_ENTRY and displayed(each))


def cited_sources(store: Store, sources: Sequence[Source], source: Source) -> tuple[Source, ...]:
    """Find the works of a library that a source cites, one text of each.

    These are the works whose links were followed when the source was read, and those of which its
    text has the address or the whole title, as in a list of references.
    """
    text = _CitingText.read(store, source.id)
    return _one_per_work(
        other
        for other in sources
        if other.work_key != source.work_key and (source.id in other.cited_by or text.cites(other))
    )


def citing_sources(store: Store, sources: Sequence[Source], source: Source) -> tuple[Source, ...]:
    """Find the works of a library that cite a source, one text of each; see ``cited_sources``.

    In a library of more than _MAX_READ other texts, only links that were followed count.
    """
    others = [other for other in sources if other.work_key != source.work_key]
    found = [other for other in others if other.id in source.cited_by]
    if len(others) <= _MAX_READ:
        unread = [other for other in others if other not in found]
        found += [o for o in unread if _CitingText.read(store, o.id).cites(source)]
    return _one_per_work(found)


def cites(store: Store, citing: Source, cited: Source) -> bool:
    """Return whether one source cites another, as far as a library's store shows."""
    return citing.id in cited.cited_by or _CitingText.read(store, citing.id).cites(cited)


@dataclass(frozen=True, slots=True)
class _CitingText:
    """A text, with the addresses in it and its letters, in which titles are looked for."""

    urls: frozenset[str]
    letters: str

    @classmethod
    def read(cls, store: Store, source_id: str) -> _CitingText:
        try:
            text = store.document(source_id).text
        except NotFound:
            return cls(frozenset(), "")
        urls = {canonical_url(url.rstrip(".,;:")) for url in _URL.findall(text)}
        urls |= {f"https://arxiv.org/abs/{number}" for number in _ARXIV.findall(text)}
        return cls(frozenset(urls), normalized_letters(text))

    def cites(self, source: Source) -> bool:
        known = identifier(source) or (canonical_url(source.url) if paper(source.url) else "")
        if known and known in self.urls:
            return True
        if source.url.startswith("http") and canonical_url(source.url) in self.urls:
            return True
        title = normalized_letters(known_title(source))
        weight = sum(2 if c >= "\u3041" else 1 for c in title)
        return weight >= _MIN_TITLE and title in self.letters


def _one_per_work(sources: Iterable[Source]) -> tuple[Source, ...]:
    chosen: dict[str, Source] = {}
    for source in sources:
        chosen.setdefault(source.work_key, source)
    return tuple(chosen.values())


# Lists of documents


def works_of(sources: Sequence[Source], language: str) -> list[Source]:
    """Choose one text of each work, in a language where there is one, in the order given."""
    texts: dict[str, list[Source]] = {}
    for source in sources:
        texts.setdefault(source.work_key, []).append(source)
    return [
        min(each, key=lambda s: (s.language != language, s.kind == "digest"))
        for each in texts.values()
    ]


def documents_on(
    topic: str, sources: Sequence[Source], language: str, search: Search
) -> list[Source]:
    """Find the works about a topic, best first.

    Works whose title and authors have the topic's words come first, then those with a found passage
    that has all of them. A passage in another language than the question cannot share its words:
    there the similarity of the embeddings decides.

    Args:
        topic: The topic, in English or Japanese.
        sources: The sources to choose from.
        language: The language of the question; of several texts of a work, the one in it is meant.
        search: Finds the passages that fit a text best, best first.
    """
    titled = [s for s in sources if _speaks_of("\n".join((known_title(s), *s.authors)), topic)]
    allowed = {source.id for source in sources}
    said: list[Source] = []
    for hit in search(topic):
        across = hit.source.language not in ("", language) and hit.cosine >= _SIMILAR_ACROSS
        fits = across or _speaks_of(f"{hit.passage.heading}\n{hit.passage.text}", topic)
        if fits and hit.source.id in allowed:
            said.append(hit.source)
    listed = {source.id: source for source in [*titled, *said]}
    return works_of(list(listed.values()), language)


def newest_first(sources: Sequence[Source]) -> list[Source]:
    """Order sources by date, the newest first; those without a date come last, in their order."""
    return sorted(sources, key=lambda source: source.published, reverse=True)


def _speaks_of(text: str, topic: str) -> bool:
    """Return whether a text has every content word of a topic."""
    wanted = {word.text for word in content_words(topic)}
    if any(c >= "\u3041" for c in topic):
        folded = folded_letters(text)
        return all(folded_letters(word) in folded for word in wanted or {topic})
    if not wanted:
        return any(FoldedText.of(text).find(folded_letters(topic)))
    return wanted <= {word.text for word in content_words(text)}
