"""Suggestions: questions to ask next that the library answers, made without a language model.

Candidates are the questions that ship with the library and those that sentences near the evidence
answer, in the sources' own words. Only where there are too few of them are headings put into a
question. One is kept only if the engine, asked, would answer it: rather none than a hollow one.
"""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any

import numpy as np
from cachetools import FIFOCache

from corpus.errors import NotFound
from corpus.library.catalogue import suggestions
from corpus.text.sentences import sentence_spans
from corpus.types import Source, text_hash
from service.answering.engine import Engine
from service.answering.sentence_questions import in_other_language, sentence_question
from service.conversations.titles import title_of
from service.query import language_of
from service.scope import EVERYWHERE, WHOLE_LIBRARY, FoundScope, Scope, find_scope, scope_of
from service.text.prompt_injection import speaks_to_a_model

MAX_SUGGESTIONS = 3
QUESTIONS_EXCLUDED = 20  # last questions of a conversation that are not suggested again
MAX_OWN = 2  # of the first examples, about the reader's own sources where there are shipped ones
MAX_CANDIDATES_TRIED = 10  # each takes about as long as finding the evidence of an answer
SOURCES_SUGGESTED_FROM = 4  # sources of an answer, those that it cites first
_BEFORE, _AFTER = 4_000, 10_000  # characters around the evidence whose sentences give questions
_MAX_SAID = 4  # questions made from the sentences of a source
_TRIED_OF_ONE = 3  # of them, to find a first example
_REMEMBERED = 2_000  # questions of which it is known whether they are answered
_SAME = 0.955  # cosine from which two questions ask about the same
_ASKS = {
    "en": "What does “{title}” say about “{heading}”?",
    "ja": "「{title}」は「{heading}」について何と述べていますか？",
}
# Headings that name a part of a text, and not its topic.
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
        self._known: FIFOCache[tuple[int, str, str], bool] = FIFOCache(_REMEMBERED)
        self._lock = threading.Lock()  # one reading at a time: answers must not wait for these

    def related(self, answer_id: str) -> list[str]:
        """Return at most MAX_SUGGESTIONS questions near an answer, nearest first, in its language.

        The sources and collections in which it was asked answer them. Questions that its
        conversation had already are left out, as are those that ask the same as another.
        """
        history = self._engine.history
        answer = history.answer(answer_id)
        try:
            found = find_scope(self._engine.library.store, _scope_of(answer))
        except NotFound:  # what was asked in is deleted
            return []
        language = language_of(answer["question"])
        earlier = [answer.get("understood") or answer["question"]]
        turns = history.conversation(answer["conversation_id"])
        earlier += [turn["question"] for turn in turns[-QUESTIONS_EXCLUDED:]]
        cited = [c["source_id"] for claim in answer["claims"] for c in claim["citations"]]
        cited = cited or [e["source"]["id"] for e in answer["evidence"]]  # of what it speaks
        present = self._sources(found.source_ids)
        near = [each for each in dict.fromkeys(cited) if each in present][:SOURCES_SUGGESTED_FROM]
        said = [each for one in near for each in self._said(one, language, answer)]
        first = [*_curated(near, language), *said]
        kept = self._kept(first, earlier, found)
        left = MAX_CANDIDATES_TRIED - len(first)
        if len(kept) < MAX_SUGGESTIONS and left > 0:
            headed = list(self._headed(near, present, language))
            more = self._kept(headed, [*earlier, *kept], found, left)
            kept += more[: MAX_SUGGESTIONS - len(kept)]
        return kept

    def examples(self, language: str) -> list[str]:
        """Return at most MAX_SUGGESTIONS questions to begin with, each about another source.

        Those of sources that do not ship with Tenkyo come first, at most MAX_OWN of them where
        there are others.
        """
        present = self._sources()
        curated = list(_curated(present, language, once=True))
        kept = self._about_own(present, language, MAX_OWN if curated else MAX_SUGGESTIONS)
        for candidate in curated[:MAX_CANDIDATES_TRIED]:
            if len(kept) < MAX_SUGGESTIONS and self._answers(candidate):
                kept.append(candidate)
        return kept

    def _about_own(self, present: dict[str, Source], language: str, most: int) -> list[str]:
        """Return questions about sources that do not ship with Tenkyo, the newest first.

        Those in the language of the questions come before the others: few questions can be made of
        sentences in another one.
        """
        shipped = {each.source for each in suggestions()}
        own = [each for each in present.values() if each.id not in shipped]
        own.sort(key=lambda each: each.retrieved_at, reverse=True)
        own.sort(key=lambda each: each.language != language)
        kept: list[str] = []
        left = MAX_CANDIDATES_TRIED
        for source in own[:MAX_CANDIDATES_TRIED]:
            if len(kept) == most:
                break
            said = islice(self._said(source.id, language), _TRIED_OF_ONE)
            headed = self._headed([source.id], present, language, once=True)
            for candidate in islice(chain(said, headed), left):
                left -= 1
                if self._answers(candidate):
                    kept.append(candidate)
                    break
        return kept

    def _kept(
        self,
        candidates: Sequence[str],
        earlier: Sequence[str],
        scope: FoundScope,
        most: int = MAX_CANDIDATES_TRIED,
    ) -> list[str]:
        """Return the candidates nearest to the first earlier question that the scope answers."""
        if not candidates:
            return []
        embed = self._engine.library.embedder.embed_queries
        vectors, asked = embed(candidates), embed(earlier)
        kept: list[str] = []
        for at in np.argsort(-(vectors @ asked[0]), kind="stable")[:most]:
            fresh = float((asked @ vectors[at]).max()) < _SAME
            if fresh and len(kept) < MAX_SUGGESTIONS and self._answers(candidates[at], scope):
                kept.append(candidates[at])
                asked = np.vstack([asked, vectors[at]])
        return kept

    def _answers(self, question: str, scope: FoundScope = WHOLE_LIBRARY) -> bool:
        within = "" if scope.source_ids is None else text_hash("\n".join(scope.source_ids))
        # Counted on when a new source's index is there, unlike the revision of the passages.
        key = (self._engine.library.store.change_count(), within, question)
        with contextlib.suppress(KeyError):
            return self._known[key]  # without waiting for others' readings
        with self._lock:
            if key not in self._known:
                self._known[key] = self._engine.can_answer(question, scope)
            return self._known[key]

    def _sources(self, within: Collection[str] | None = None) -> dict[str, Source]:
        wanted = None if within is None else set(within)
        every = (source for source, _ in self._engine.library.store.sources())
        return {each.id: each for each in every if wanted is None or each.id in wanted}

    def _said(
        self, source_id: str, language: str, answer: Mapping[str, Any] | None = None
    ) -> Iterator[str]:
        """Make questions of the sentences of a source, the nearest to the evidence first.

        Args:
            source_id: The source.
            language: ``en`` or ``ja``, the language of the questions. Sentences in the other one
                give only those that can be put into it.
            answer: The answer as JSON, whose quotes give no question; None: from the beginning.
        """
        evidence = [e["passage"] for e in answer["evidence"]] if answer else []
        places = [passage["start"] for passage in evidence if passage["source_id"] == source_id]
        claims = answer["claims"] if answer else []
        quotes = [c["quote"] for claim in claims for c in claim["citations"] if c["quote"]]
        at = places[0] if places else 0
        text = self._engine.library.store.document(source_id).text
        text = text[max(0, at - _BEFORE) : at + _AFTER]
        spans = sorted(sentence_spans(text), key=lambda span: abs(span[0] - min(at, _BEFORE)))
        made = 0
        for sentence in (text[start:end] for start, end in spans):
            if made == _MAX_SAID:
                return
            if speaks_to_a_model(sentence):
                continue
            if any(quote in sentence or sentence in quote for quote in quotes):
                continue
            written = language_of(sentence)
            question = sentence_question(sentence, written, text)
            if question := question if written == language else in_other_language(question):
                made += 1
                yield question

    def _headed(
        self,
        source_ids: Sequence[str],
        present: dict[str, Source],
        language: str,
        once: bool = False,
    ) -> Iterator[str]:
        """Make questions of the headings of sources that do not ship with questions.

        Args:
            source_ids: The sources.
            present: All sources of the library by id.
            language: ``en`` or ``ja``, the language of the questions.
            once: Whether to make only one for each source.
        """
        shipped = {each.source for each in suggestions()}
        store = self._engine.library.store
        for source_id in source_ids:
            source = present[source_id]
            if source_id in shipped or not source.title or speaks_to_a_model(source.title):
                continue
            name = title_of(source.title)
            headings = [section.heading for section in store.document(source_id).sections]
            topics = [topic for h in headings if (topic := _topic(h, source.title, language))]
            for topic in topics[: 1 if once else MAX_CANDIDATES_TRIED]:
                yield _ASKS[language].format(title=name, heading=topic)


def _scope_of(answer: Mapping[str, Any]) -> Scope:
    """Return where an answer, as JSON, was asked; those of early versions do not say it."""
    asked = answer.get("scope")
    return scope_of(asked["source_ids"], asked["collections"]) if asked else EVERYWHERE


def _curated(source_ids: Collection[str], language: str, once: bool = False) -> Iterator[str]:
    """Yield the questions that ship about some sources; ``once``: only one for each."""
    seen: set[str] = set()
    for each in suggestions():
        if each.source in source_ids and not (once and each.source in seen):
            seen.add(each.source)
            yield getattr(each, language)


def _topic(heading: str, title: str, language: str) -> str:
    """Return the topic that a heading names, without its number; empty if it names none.

    A heading that gives orders to a language model counts as naming none. One in English can stand
    in a question in Japanese, but not the other way round.
    """
    topic = _NUMBERED.sub("", heading).strip()
    if not 3 <= len(topic) <= 60 or topic == title or _GENERAL.fullmatch(topic.rstrip(":：")):
        return ""
    usable = language in ("ja", language_of(topic)) and not speaks_to_a_model(topic)
    return topic if usable else ""
