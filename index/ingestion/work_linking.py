"""Linking of sources that are texts of one work: copies, versions and translations.

It runs after each ingestion. Each new or changed source is compared with a few others: those that
share hashes of its words, those with the same title, and those in another language whose passages
are nearest to some of its own. The cost grows with the number of new sources and with the size of
the index, not with their product.

A missed link only counts one work twice; a wrong link hides a witness. So a link needs most of a
text, in its words or in their order, and never the topic alone. What was decided with a source is
deleted with it, and the other texts of its work are compared again.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from corpus.store.store import Store
from corpus.store.work_links import WorkLink
from corpus.text.chunking import text_width
from corpus.text.near_duplicates import (
    Reason,
    WorkText,
    normalized_letters,
    same_name,
    same_work_reason,
)
from corpus.text.sentences import sentences
from corpus.types import Passage, Source
from index.inference.embedder import Embedder
from index.ingestion.report import IngestProgress
from index.ingestion.sync import open_any, sync
from index.ingestion.translation_detection import Alignment, TextParts, align
from index.storage.local_index import LocalIndex

MIN_SHARED_HASHES = 2  # hashes of a sketch that make a candidate; by chance two texts share none
WORD_CANDIDATES = 20  # sources with shared hashes that are compared
PROBE_PASSAGES = 24  # passages of a source whose nearest in other languages are searched
ALIGNED_SOURCES = 3  # sources in other languages that are aligned with it
# Covered, ordered and agreed shares that an alignment of passages must reach, each at least, before
# sentences are aligned.
PASSAGE_THRESHOLDS = (0.35, 0.7, 0.3)
# In units of corpus.text.chunking.text_width; what is shorter is a name or a number.
MIN_SENTENCE_WIDTH = 25
MAX_ALIGNED_SENTENCES = 2000  # sentences of a text that are aligned


def update_index(
    store: Store, embedder: Embedder, folder: Path, progress: IngestProgress
) -> tuple[int, dict[str, WorkLink]]:
    """Update the index to match the store, then link sources that are texts of one work.

    Every ingestion and removal ends with this.

    Returns:
        How many passages were embedded, and the links by source id.

    Raises:
        IndexMismatch: The index is damaged, or of another embedder or format.
        StoreError: The index folder cannot be written.
    """
    embedded = sync(store, embedder, folder, progress)
    return embedded, link_works(store, embedder, folder, progress)


def link_works(
    store: Store,
    embedder: Embedder,
    folder: Path,
    progress: IngestProgress,
    source_ids: Iterable[str] | None = None,
) -> dict[str, WorkLink]:
    """Compare new and changed sources with others, and link those that are texts of one work.

    To be called after ``sync``.

    Sources that are new or changed since they were last compared are compared with the others,
    oldest first. A source counts as changed when another text of its work changed or was deleted.

    Args:
        store: The store.
        embedder: Embeds sentences, to detect translations.
        folder: The index folder. Without an index, only words and titles are compared.
        progress: Is told how many sources were compared.
        source_ids: The sources to compare; None for all.

    Returns:
        By source id, the link of each of these sources that is another text of a work, also if it
        was made before.
    """
    given = None if source_ids is None else set(source_ids)
    pending = [id for id in store.works.pending() if given is None or id in given]
    if pending:
        linker = _Linker(store, embedder, open_any(folder, embedder))
        for done, source_id in enumerate(pending, 1):
            linker.link(source_id)
            progress.set_compared(done, len(pending))
    return {link.source_id: link for link in store.works.links(given)}


@dataclass(frozen=True, slots=True)
class _LoadedSource:
    """A source with its passages, by row, ascending."""

    source: Source
    passages: Mapping[int, Passage]

    @property
    def text(self) -> WorkText:
        return WorkText.of(self.source, list(self.passages.values()))


class _Linker:
    """Comparison of sources, one by one, with those that were compared before."""

    def __init__(self, store: Store, embedder: Embedder, index: LocalIndex | None) -> None:
        self._store, self._embedder, self._index = store, embedder, index
        self._sources = {source.id: source for source, _ in store.sources()}
        rows = store.works.rows()
        self._rows = {id: rows[id] for id in rows if id in self._sources}

    def link(self, source_id: str) -> None:
        new = self._read(source_id)
        if new is None:
            return
        text = new.text
        found: dict[str, Reason] = {}
        for other in self._likely_copies(text):
            read = self._read(other)
            if read and (reason := same_work_reason(text, read.text)):
                found[other] = reason
        twins: dict[tuple[str, str], float] = {}
        for other in self._likely_translations(new, known=found):
            read = self._read(other)
            if read and (translated := self._translated_passages(new, read)):
                found[other] = "translation"
                twins |= translated
        self._store.works.save(text, found, twins)
        self._sources[source_id] = new.source
        self._rows[source_id] = list(new.passages)

    def _read(self, source_id: str) -> _LoadedSource | None:
        """A source as it is now; None if it is gone."""
        found = sorted(self._store.passages(self._store.rows([source_id])).items())
        if not found:
            return None
        return _LoadedSource(found[0][1][1], {row: passage for row, (passage, _) in found})

    def _likely_copies(self, text: WorkText) -> list[str]:
        """Compared sources that share words with a text, or have its title."""
        near = self._store.works.candidates(text, MIN_SHARED_HASHES, WORD_CANDIDATES)
        named = [id for id in self._rows if same_name(self._sources[id], text.source)]
        return [id for id in dict.fromkeys([*near, *named]) if id != text.source.id]

    def _likely_translations(self, new: _LoadedSource, known: Mapping[str, Reason]) -> list[str]:
        """Compared sources of other languages with the nearest passages, the most likely first."""
        if self._index is None or not new.source.language:
            return []
        owner = {
            row: id
            for id, rows in self._rows.items()
            if id not in known and self._sources[id].language not in ("", new.source.language)
            for row in rows
        }
        rows = list(new.passages)
        probes = [
            rows[i]
            for i in np.linspace(0, len(rows) - 1, min(PROBE_PASSAGES, len(rows))).astype(int)
        ]
        near = self._index.nearest(self._index.matrix(probes), list(owner))
        return [id for id, _ in Counter(owner[row] for row in near).most_common(ALIGNED_SOURCES)]

    def _translated_passages(
        self, a: _LoadedSource, b: _LoadedSource
    ) -> dict[tuple[str, str], float]:
        """The passages of a text and of its translation that match; none if it is not one.

        Passages show cheaply whether it may be a translation, since the index holds their vectors.
        Their sentences, which have to be embedded, decide.
        """
        coarse = align(self._passages(a), self._passages(b))
        shares = (coarse.covered, coarse.ordered, coarse.agreed)
        if any(share < least for share, least in zip(shares, PASSAGE_THRESHOLDS, strict=True)):
            return {}
        of_a, parts_a = self._sentences(a, b.text.letters)
        of_b, parts_b = self._sentences(b, a.text.letters)
        found = align(parts_a, parts_b)
        if not found.translated:
            return {}
        return _twins(found, of_a, of_b, parts_a, parts_b)

    def _passages(self, read: _LoadedSource) -> TextParts:
        texts = tuple(passage.text for passage in read.passages.values())
        if self._index is None:
            return TextParts((), np.zeros((0, self._embedder.dim), np.float32))
        vectors = self._index.matrix(list(read.passages))
        return TextParts(texts if len(vectors) == len(texts) else (), vectors)

    def _sentences(self, read: _LoadedSource, other: str) -> tuple[list[str], TextParts]:
        """The sentences of a text, and the id of the passage of each.

        Sentences that the letters of the ``other`` text contain are left out: what texts in two
        languages share unchanged is quoted, not translated.
        """
        found = [
            (passage.id, sentence)
            for passage in read.passages.values()
            for sentence in sentences(passage.text)
            if text_width(sentence) >= MIN_SENTENCE_WIDTH
            and normalized_letters(sentence) not in other
        ][:MAX_ALIGNED_SENTENCES]
        texts = tuple(sentence for _, sentence in found)
        return [id for id, _ in found], TextParts(texts, self._embedder.embed_passages(texts))


def _twins(
    found: Alignment, of_a: Sequence[str], of_b: Sequence[str], a: TextParts, b: TextParts
) -> dict[tuple[str, str], float]:
    """The share of each passage's sentences that a passage of the other text translates.

    The keys are pairs of passage ids (passage, translating passage), in both directions.
    """
    twins: dict[tuple[str, str], float] = {}
    for mine, other, parts, flip in ((of_a, of_b, a, False), (of_b, of_a, b, True)):
        widths = parts.widths
        whole: defaultdict[str, float] = defaultdict(float)
        for id, wide in zip(mine, widths, strict=True):
            whole[id] += wide
        for pair in found.pairs:
            here, there = pair[::-1] if flip else pair
            key = (mine[here], other[there])
            twins[key] = twins.get(key, 0.0) + widths[here] / whole[mine[here]]
    return twins
