"""Suggestions: questions to ask next that the library answers, made without a language model.

Candidates are the questions that ship with the library, and, for any other source, its
headings put into a question. One is kept only if the engine, asked, would answer it.
"""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Collection, Iterator, Sequence

import numpy as np
from cachetools import FIFOCache

from corpus.library.catalogue import suggestions
from corpus.types import Source
from service.answering.engine import Engine
from service.conversations.conversations import title_of
from service.query import language_of
from service.text.prompt_injection import speaks_to_a_model

MAX_SUGGESTIONS = 3  # questions
QUESTIONS_EXCLUDED = 20  # questions of a conversation, the last, that are not suggested again
MAX_CANDIDATES_TRIED = 10  # candidates; asking takes about as long as finding an answer's evidence
SOURCES_SUGGESTED_FROM = 4  # of an answer, those that it cites first, about which is asked
_REMEMBERED = 2_000  # whether a question is answered, until the library changes
_SAME = 0.955  # cosine from which two questions ask the same, more or less
_ASKS = {
    "en": "What does “{title}” say about “{heading}”?",
    "ja": "「{title}」は「{heading}」について何と述べていますか？",
}
# Headings that say where in a text one is, and not what stands there.
_GENERAL = re.compile(
    r"abstract|introduction|background|related works?|methods?|results?|discussions?|conclusions?"
    r"|summary|references|bibliography|acknowledge?ments?|appendix.*|contents|publication|question"
    r"|training|closing|limitations?|future work|main (results?|findings?)|.*\bhow far\b.*|notes?"
    r"|概要|記事の概要|要旨|はじめに|序論|背景|関連研究|手法|方法|結果|考察|結論|結び|おわりに|まとめ"
    r"|参考文献|謝辞|付録.*|目次|課題|今後の課題",
    re.IGNORECASE,
)


_NUMBERED = re.compile(r"^(?:[\d.．]+\s+|[IVX]+\.\s+|[A-Z](?:\.\d+|\.|\d+)+\s+|第?\d+[章節]\s*)")


class Suggestions:
    """Suggests questions to ask first, or after an answer.

    Blocks: some tenths of a second for a new question, nothing for one that was tried since the
    library changed. Safe to share between threads.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._known: FIFOCache[tuple[str, str], bool] = FIFOCache(_REMEMBERED)
        self._lock = threading.Lock()  # one reading at a time: answers must not wait for these

    def related(self, answer_id: str) -> list[str]:
        """Return at most MAX_SUGGESTIONS questions near an answer, nearest first, in its language.

        None that was asked in its conversation, and none that asks the same as another.
        """
        history = self._engine.history
        answer = history.answer(answer_id)
        language = language_of(answer["question"])
        told = [answer.get("understood") or answer["question"]]
        turns = history.conversation(answer["conversation_id"])
        told += [turn["question"] for turn in turns[-QUESTIONS_EXCLUDED:]]
        cited = [c["source_id"] for claim in answer["claims"] for c in claim["citations"]]
        cited += [e["source"]["id"] for e in answer["evidence"]]
        present = self._sources()
        near = [each for each in dict.fromkeys(cited) if each in present][:SOURCES_SUGGESTED_FROM]
        found = [*_curated(near, language), *self._headed(near, present, language)]
        return self._kept(found, told)

    def examples(self, language: str) -> list[str]:
        """Return at most MAX_SUGGESTIONS questions to begin with, each about another work."""
        present = self._sources()
        curated = list(_curated(present, language, once=True))
        some = sorted(present, key=lambda each: present[each].language != language)[
            :MAX_CANDIDATES_TRIED
        ]
        found = curated or list(self._headed(some, present, language, once=True))
        kept: list[str] = []
        for candidate in found[:MAX_CANDIDATES_TRIED]:
            if len(kept) < MAX_SUGGESTIONS and self._answers(candidate):
                kept.append(candidate)
        return kept

    def _kept(self, candidates: Sequence[str], told: Sequence[str]) -> list[str]:
        """The nearest of some questions to the first of those told that are answered."""
        if not candidates:
            return []
        embed = self._engine.library.embedder.embed_queries
        vectors, asked = embed(candidates), embed(told)
        kept: list[str] = []
        for at in np.argsort(-(vectors @ asked[0]), kind="stable")[:MAX_CANDIDATES_TRIED]:
            fresh = float((asked @ vectors[at]).max()) < _SAME
            if fresh and len(kept) < MAX_SUGGESTIONS and self._answers(candidates[at]):
                kept.append(candidates[at])
                asked = np.vstack([asked, vectors[at]])
        return kept

    def _answers(self, question: str) -> bool:
        key = (self._engine.library.store.revision(), question)
        with contextlib.suppress(KeyError):
            return self._known[key]  # without waiting for others' readings
        with self._lock:
            if key not in self._known:
                self._known[key] = self._engine.can_answer(question)
            return self._known[key]

    def _sources(self) -> dict[str, Source]:
        return {source.id: source for source, _ in self._engine.library.store.sources()}

    def _headed(
        self,
        source_ids: Sequence[str],
        present: dict[str, Source],
        language: str,
        once: bool = False,
    ) -> Iterator[str]:
        """Headings of sources that do not ship with questions, as questions."""
        shipped = {each.source for each in suggestions()}
        store = self._engine.library.store
        for source_id in source_ids:
            source = present[source_id]
            if source_id in shipped or not source.title or speaks_to_a_model(source.title):
                continue
            name = title_of(source.title)
            headings = [section.heading for section in store.document(source_id).sections]
            matters = [m for h in headings if (m := _matter(h, source.title, language))]
            for matter in matters[: 1 if once else MAX_CANDIDATES_TRIED]:
                yield _ASKS[language].format(title=name, heading=matter)


def _curated(source_ids: Collection[str], language: str, once: bool = False) -> Iterator[str]:
    """The questions that ship about some sources; ``once``: one of each."""
    seen: set[str] = set()
    for each in suggestions():
        if each.source in source_ids and not (once and each.source in seen):
            seen.add(each.source)
            yield getattr(each, language)


def _matter(heading: str, title: str, language: str) -> str:
    """Return the topic that a heading names, without its number; empty if it names none.

    Nor does one that speaks to the model that may be asked. A heading in English can stand in a
    question in Japanese, not the other way round.
    """
    plain = _NUMBERED.sub("", heading).strip()
    told = 3 <= len(plain) <= 60 and plain != title and not _GENERAL.fullmatch(plain.rstrip(":："))
    told = told and not speaks_to_a_model(plain)
    return plain if told and language in ("ja", language_of(plain)) else ""
