"""Replies for which no text is read for the question: the guide, and those of the catalogue.

Also the overview of works that a question asks to summarise or to compare: without a language model
its sentences are the answer, with one they are the evidence that it reads.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace

from corpus.store.latest import Latest
from corpus.types import Source
from index.inference.cross_encoder import Checker
from index.inference.parsed_question import ParsedQuestion
from index.search import Library
from service.answering.compared_sides import (
    COMPARES,
    compared_sides,
    compared_spans,
    finds_both,
)
from service.answering.described_source import described_source
from service.answering.state import AnswerState
from service.catalogue.fields import FIELDS, Field
from service.catalogue.guide import guide
from service.catalogue.matching import folded_letters
from service.catalogue.named_sources import NamedSource, is_of_another_work, named_sources
from service.catalogue.overview import Overview, overview
from service.catalogue.replies import CatalogueReply, describe, list_works
from service.catalogue.requests import (
    further_words,
    listing_request,
    requested_fields,
    speaks_of_a_document,
)
from service.catalogue.snapshot import Catalogue, read_catalogue
from service.messages import list_titles, reader_message
from service.questions.comparisons import Span, side_name
from service.questions.greetings import without_greeting
from service.questions.kinds import GROUPS, QuestionKind, question_kind
from service.questions.parts import question_parts
from service.scope import has_only_empty_collections
from service.text.alignment import content_words
from service.types import Decision, Event, Mode
from service.verification.methods import METADATA

# Probability from which a question is of a group if it also names a source: "Who wrote ReAct?"
# looks like a question about a person.
NAMED = 0.25
# Probability from which a question is of the kind "help" or "documents" if it has no content words
# but those of such a question.
PLAIN = 0.5
# The least probability of the kind of metadata that a question asks for, of which it is known that
# it asks for some.
LEAST_LIKELY = 0.05
FIELD_OF_KIND = {"date": "published"}  # for kinds of question whose field has another name
PRINTED: tuple[Field, ...] = ("authors", "published", "venue", "title", "pages")
LISTED = 50  # passages that are searched for the documents on a topic
# The kinds of questions were not fitted on single words: 「東京」 gets a probability of a half of
# being a greeting. So one word greets, or asks for help, only if that is about as certain as for
# "hello".
ONE_WORD = re.compile(r"\W*[\w.+#'’-]+\W*")
SURE = 0.9


@dataclass(frozen=True, slots=True)
class DirectReply:
    """A reply that needs no reading.

    Attributes:
        mode: What the answer is made of.
        events: What the state recorded.
    """

    mode: Mode
    events: tuple[Event, ...]


class DirectReplies:
    """Makes the replies that need no reading, for one library. Safe to share between threads."""

    def __init__(self, library: Library, checker: Checker) -> None:
        self._library, self._checker = library, checker
        self._catalogue = Latest(library.store, read_catalogue)

    def __call__(self, state: AnswerState) -> DirectReply | None:
        """Answer from the catalogue or with the guide; None where something must be read.

        What the catalogue does not know, a text may still say: then ``unknown`` of the state has
        the reason in case nothing answers. For a summary or comparison of works that the question
        names, the state gets their ``overview``.
        """
        if has_only_empty_collections(self._library.store, state.scope):
            state.reason = reader_message(f"empty_{state.scope.chosen}", state.language)
            return DirectReply("abstained", ())
        asked = without_greeting(unicodedata.normalize("NFKC", state.asked))
        kind = _trusted(question_kind(asked or state.asked, self._library.embedder), asked)
        state.kind = kind
        catalogue = self._catalogue().within(state.within)
        if asked and (alone := _named_alone(asked, catalogue)):
            state.overview = self._overview_of(state, alone)
            return None
        if not asked or _asks_for_the_guide(asked, kind):
            state.reason = guide(catalogue, state.language)
            return DirectReply("guide", ())
        (parsed,) = self._checker.parse([asked])
        named = named_sources(asked, catalogue)
        lists = kind.name == "documents" or not named  # "What do you have on Whisper?"
        reply = self._listing(state, kind, catalogue) if lists else None
        if reply is None:
            named = named or self._described(state, asked, parsed)
            reply = self._description(state, kind, catalogue, named, parsed.intent)
        if reply and reply.claims:
            return self._recorded(state, reply)
        if reply and self._is_printed_or_unknown(state, kind, named, parsed.intent):
            state.reason, state.abstention = reply.reason, "not_enough_evidence"
            return DirectReply("abstained", ())
        state.unknown = reply.reason if reply else ""
        if named and "summary" in (parsed.intent, kind.group):
            state.overview = self._overview_of(state, [each.source for each in named])
        elif kind.name != "reason":  # Why is A better than B?
            self._compare(state, asked, kind, parsed, named, catalogue)
        return None

    def _listing(
        self, state: AnswerState, kind: QuestionKind, catalogue: Catalogue
    ) -> CatalogueReply | None:
        """List the documents of the library if the question asks for that."""
        certain = kind.name == "documents"
        if kind.probabilities.get("documents", 0.0) >= PLAIN:
            certain = certain or not further_words(state.asked)
            certain = certain or listing_request(state.asked) is not None
        if not certain and kind.group != "catalogue":
            return None
        listing = listing_request(state.asked, certain)
        if listing is None:
            return None
        search = self._library.search
        return list_works(
            catalogue, listing, state.language, lambda text: search(text, LISTED, state.within)
        )

    def _description(
        self,
        state: AnswerState,
        kind: QuestionKind,
        catalogue: Catalogue,
        named: Sequence[NamedSource],
        intent: str,
    ) -> CatalogueReply | None:
        """State the fields of the named sources that the question asks for."""
        fields = _asked_fields(state.asked, kind, intent)
        sources = [each.source for each in named if not is_of_another_work(each, state.asked)]
        if not sources or not fields:
            return None
        more = further_words(state.asked, [each.words for each in named])
        if more and kind.group_probability("catalogue") < NAMED:
            return None
        state.within = [source.id for source in sources]
        return describe(self._library.store, catalogue, sources, fields, state.language, more)

    def _described(
        self, state: AnswerState, asked: str, parsed: ParsedQuestion
    ) -> tuple[NamedSource, ...]:
        """Find the work that a question describes, if what it asks for is asked of works only."""
        span = parsed.slot("work")
        if not span or parsed.intent not in ("summary", "metadata"):
            return ()
        source = described_source(asked[slice(*span)], self._library, state.within)
        # The words of the whole question, since what the slot left out describes the work too.
        return (NamedSource(source, "part of title", state.asked, 0),) if source else ()

    def _compare(
        self,
        state: AnswerState,
        asked: str,
        kind: QuestionKind,
        parsed: ParsedQuestion,
        named: Sequence[NamedSource],
        catalogue: Catalogue,
    ) -> None:
        """Record the two sides of a comparison, or the overview of two works."""
        compares = parsed.probability("comparison") >= COMPARES or kind.group == "comparison"
        certain = compares and finds_both(parsed)
        works: list[Source | None] = [each.source for each in named]
        spans = compared_spans(parsed)
        if spans and not _compared_in_a_part(asked, spans):
            of_sides: list[Source | None] = [None] * len(spans)
            if certain:
                works = of_sides = [self._work_of(state, asked, span, named) for span in spans]
            state.sides = compared_sides(asked, spans, catalogue, of_sides, certain)
            if certain or state.sides:
                state.compared = tuple(side_name(asked, span) for span in spans)
        found = {work.id: work for work in works if work}
        if compares and len(found) > 1 and not state.sides:
            state.overview = self._overview_of(state, list(found.values()))

    def _work_of(
        self, state: AnswerState, asked: str, span: Span, named: Sequence[NamedSource]
    ) -> Source | None:
        """Find the work that is one side of a comparison; None for what is no document."""
        phrase = asked[slice(*span)]
        for each in named:
            if span[0] <= each.start < span[1]:
                return each.source
        if not speaks_of_a_document(phrase):
            return None
        return described_source(phrase, self._library, state.within)

    def _is_printed_or_unknown(
        self, state: AnswerState, kind: QuestionKind, named: Sequence[NamedSource], intent: str
    ) -> bool:
        """Return whether a question asks for nothing but what only the catalogue can know.

        Who wrote a work, when and where it was published is printed on it. A sentence of its text
        with such words is about something else, most often about a work that it cites.
        """
        fields = _asked_fields(state.asked, kind, intent)
        more = further_words(state.asked, [each.words for each in named])
        titles = {word.text for each in named for word in content_words(each.source.title)}
        rest = [word for each in more for word in content_words(each) if word.text not in titles]
        return bool(fields) and set(fields) <= set(PRINTED) and not rest

    def _recorded(self, state: AnswerState, reply: CatalogueReply) -> DirectReply:
        state.evidence = reply.evidence
        state.decide_answers = lambda _: Decision(True, 1.0, METADATA)
        events = tuple(state.record(draft, claim) for draft, claim in reply.decided)
        state.reason = reply.reason or None
        if left := self._parts_for_texts(state.asked):
            apart = reader_message("part_apart", state.language, list_titles(left, state.language))
            state.reason = state.reason or apart
        return DirectReply("metadata", events)

    def _parts_for_texts(self, asked: str) -> list[str]:
        """Return those of several questions that are not for the catalogue."""
        parts = question_parts(asked)
        if len(parts) < 2:
            return []
        kinds = {part: question_kind(part, self._library.embedder) for part in parts}
        return [
            part
            for part, kind in kinds.items()
            if not _asked_fields(part, kind)
            and not listing_request(part, kind.group == "catalogue")
        ]

    def _overview_of(self, state: AnswerState, works: list[Source]) -> Overview | None:
        """Return the overview of works; if they have no sentences, record that instead."""
        found = overview(self._library.store, works, state.language)
        if not found.drafts:
            state.unknown = found.reason
            return None
        return found


def _compared_in_a_part(asked: str, spans: Sequence[Span]) -> bool:
    """Return whether a question has several parts, and one of them alone compares two things."""
    parts = question_parts(asked)
    names = [asked[slice(*span)] for span in spans]
    return len(parts) > 1 and any(all(name in part for name in names) for part in parts)


def _named_alone(question: str, catalogue: Catalogue) -> list[Source]:
    """Return the sources that a question names without saying anything else: "Whisper"."""
    named = named_sources(f"「{question}」", catalogue)  # in brackets, any word may be a name
    letters = folded_letters(question)
    return [n.source for n in named if n.by != "only" and folded_letters(n.words) == letters]


def _trusted(kind: QuestionKind, question: str) -> QuestionKind:
    """Return the kind of a question; that of a single word is a fact unless it surely greets."""
    greets = kind.group in ("greeting", "help") and kind.probability > SURE
    greets = greets or not without_greeting(f"{question}!")
    if greets or not ONE_WORD.fullmatch(question) or re.search(r"[\u3041-\u3096]", question):
        return kind
    return replace(kind, name="definition", group="fact")


def _asked_fields(asked: str, kind: QuestionKind, intent: str = "") -> tuple[Field, ...]:
    """Return the fields of a work that a question asks for: by its words, or else by its kind."""
    if fields := requested_fields(asked):
        return fields
    name = kind.name if kind.group == "catalogue" else ""
    if not name and intent == "metadata":
        likely = {each: kind.probabilities.get(each, 0.0) for each in GROUPS["catalogue"]}
        name = max(likely, key=likely.__getitem__)
        name = name if likely[name] >= LEAST_LIKELY else ""
    return tuple(field for field in FIELDS if FIELD_OF_KIND.get(name, name) == field)


def _asks_for_the_guide(asked: str, kind: QuestionKind) -> bool:
    """Return whether a message is a greeting, or asks what the service can do."""
    if kind.group in ("greeting", "help"):
        return True
    return kind.probabilities.get("help", 0.0) >= PLAIN and not further_words(asked)
