"""Replies for which no text is read for the question: the guide, and those of the catalogue.

Also the overview of works that a question asks to summarise or to compare: without a language model
its sentences are the answer, with one they are the evidence that it reads.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from corpus.store.latest import Latest
from corpus.types import Source
from index.inference.cross_encoder import Checker
from index.inference.parsed_question import FIELDS, Field, ParsedQuestion, QuotedNames
from index.search import Library
from service.answering.compared_sides import (
    COMPARES,
    compared_sides,
    compared_spans,
    finds_both,
)
from service.answering.described_source import described_source
from service.answering.state import AnswerState
from service.catalogue.guide import guide
from service.catalogue.matching import folded_letters
from service.catalogue.named_sources import NamedSource, is_of_another_work, named_sources
from service.catalogue.names import NameKind
from service.catalogue.overview import Overview, overview
from service.catalogue.replies import CatalogueReply, describe, list_works
from service.catalogue.requests import (
    ListingRequest,
    asks_for_the_newest,
    speaks_of_a_document,
    topic_of,
)
from service.catalogue.snapshot import Catalogue, read_catalogue
from service.messages import list_titles, reader_message
from service.questions.comparisons import Span, side_name
from service.questions.greetings import without_greeting
from service.questions.parts import question_parts
from service.questions.presuppositions import presupposition
from service.scope import has_only_empty_collections
from service.text.alignment import content_words
from service.text.prompt_injection import speaks_to_a_model
from service.types import Decision, Event, Mode
from service.verification.methods import METADATA

# Probability from which a question that names or describes a work asks for its metadata, and for a
# field of these; and from which a question for metadata of no work asks for a list. Most questions
# that the parser is fitted on ask for facts; most that speak of a work do not.
METADATA_FROM = 0.1
PRINTED: tuple[Field, ...] = ("authors", "published", "venue", "title", "pages")
# Names of a work itself, not of its author, nor words that describe it.
OWN_NAMES: tuple[NameKind, ...] = ("title", "short title", "file name", "coined name")
# Of single words, only greetings and words such as "help" get the guide: 「東京」 is searched for.
# Hiragana are left out: where Japanese has none, there is no particle or verb.
ONE_WORD = re.compile(r"\W*[^\W\u3041-\u3096]+(?:[.+#'’-][^\W\u3041-\u3096]+)*\W*")
HELP = re.compile(r"\W*(?:help|guide|ヘルプ)\W*", re.IGNORECASE)
LISTED = 50  # passages that are searched for the documents on a topic


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
        catalogue = self._catalogue().within(state.within)
        if asked and (alone := _named_alone(asked, catalogue)):
            state.overview = self._overview_of(state, alone)
            return None
        if not asked or ONE_WORD.fullmatch(asked):
            return self._guide(state, catalogue) if _is_help(asked) else None
        named = named_sources(asked, catalogue)
        (parsed,) = self._parse([(asked, named)])
        state.intent = parsed.intent
        if parsed.intent == "guide":
            if not speaks_to_a_model(asked):
                return self._guide(state, catalogue)
            state.intent = "elsewhere"  # Show me your instructions
        parts = [parsed]
        if len(several := question_parts(asked)) > 1:
            parts = self._parse([(part, named_sources(part, catalogue)) for part in several])
        if parsed.intent != "documents":
            named = named or self._described(state, asked, parsed)
        if parsed.intent == "documents" or (not named and _may_list(parsed)):
            reply: CatalogueReply | None = self._listing(state, parsed, catalogue)
        else:
            reply = self._description(state, [parsed, *parts], catalogue, named)
            if reply and not reply.claims and len(parts) == 1 and _is_printed(parsed):
                state.reason, state.abstention = reply.reason, "not_enough_evidence"
                return DirectReply("abstained", ())
        if reply and reply.claims:
            return self._recorded(state, reply, parts)
        state.unknown = reply.reason if reply else ""
        if named and parsed.intent == "summary":
            state.overview = self._overview_of(state, [each.source for each in named])
        elif parsed.intent == "comparison" and not presupposition(asked):  # Why is A dearer than B?
            self._compare(state, parts, parsed, named, catalogue)
        return None

    def _guide(self, state: AnswerState, catalogue: Catalogue) -> DirectReply:
        state.reason = guide(catalogue, state.language)
        return DirectReply("guide", ())

    def _parse(self, asked: Sequence[tuple[str, Sequence[NamedSource]]]) -> list[ParsedQuestion]:
        """Parse questions, each with the sources that it names: their names get quotation marks."""
        made = []
        for question, named in asked:
            spans = {(n.start, n.start + len(n.words)) for n in named if n.by in OWN_NAMES}
            made.append(QuotedNames.of(question, sorted(spans)))
        parsed = self._checker.parse([each.text for each in made])
        return [each.unquoted(found) for each, found in zip(made, parsed, strict=True)]

    def _listing(
        self, state: AnswerState, parsed: ParsedQuestion, catalogue: Catalogue
    ) -> CatalogueReply:
        """List the documents of the library, or those on the question's topic."""
        topic = topic_of(parsed.phrase("topic"))
        asked = ListingRequest(topic, asks_for_the_newest(parsed.question))
        search = self._library.search
        return list_works(
            catalogue, asked, state.language, lambda text: search(text, LISTED, state.within)
        )

    def _description(
        self,
        state: AnswerState,
        parsed: Sequence[ParsedQuestion],
        catalogue: Catalogue,
        named: tuple[NamedSource, ...],
    ) -> CatalogueReply | None:
        """State the fields of the named sources that a question, or a part of it, asks for."""
        sources = [each.source for each in named if not is_of_another_work(each, state.asked)]
        asking = [each for each in parsed if _asks_for_metadata(each)]
        if not sources or not asking:
            return None
        state.within = [source.id for source in sources]
        fields = [field for field in FIELDS if any(field in each.fields for each in asking)]
        topic = [word.shown for word in content_words(asking[0].phrase("topic"))]
        return describe(self._library.store, catalogue, sources, fields, state.language, topic)

    def _described(
        self, state: AnswerState, asked: str, parsed: ParsedQuestion
    ) -> tuple[NamedSource, ...]:
        """Find the work that a question describes, if what it asks for is asked of works only."""
        span = parsed.slot("work")
        if not span or not (_asks_for_metadata(parsed) or parsed.intent == "summary"):
            return ()
        source = described_source(asked[slice(*span)], self._library, state.within)
        # The words of the whole question, since what the slot left out describes the work too.
        return (NamedSource(source, "part of title", state.asked, 0),) if source else ()

    def _compare(
        self,
        state: AnswerState,
        parts: Sequence[ParsedQuestion],
        parsed: ParsedQuestion,
        named: Sequence[NamedSource],
        catalogue: Catalogue,
    ) -> None:
        """Record the two sides of a comparison, or the overview of two works."""
        asked = parsed.question
        certain = parsed.probability("comparison") >= COMPARES and finds_both(parsed)
        works: list[Source | None] = [each.source for each in named]
        spans = compared_spans(parsed)
        if spans and not _compared_in_a_part(asked, spans, parts):
            of_sides: list[Source | None] = [None] * len(spans)
            if certain:
                works = of_sides = [self._work_of(state, asked, span, named) for span in spans]
            state.sides = compared_sides(asked, spans, catalogue, of_sides, certain)
            if certain or state.sides:
                state.compared = tuple(side_name(asked, span) for span in spans)
        found = {work.id: work for work in works if work}
        if len(found) > 1 and not state.sides:
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

    def _recorded(
        self, state: AnswerState, reply: CatalogueReply, parts: Sequence[ParsedQuestion]
    ) -> DirectReply:
        """Record a reply of the catalogue, and say which parts of the question are for texts."""
        state.evidence = reply.evidence
        state.decide_answers = lambda _: Decision(True, 1.0, METADATA)
        events = tuple(state.record(draft, claim) for draft, claim in reply.decided)
        state.reason = reply.reason or None
        left = [p.question for p in parts if p.intent != "documents" and not _asks_for_metadata(p)]
        if left and len(parts) > 1:
            apart = reader_message("part_apart", state.language, list_titles(left, state.language))
            state.reason = state.reason or apart
        return DirectReply("metadata", events)

    def _overview_of(self, state: AnswerState, works: list[Source]) -> Overview | None:
        """Return the overview of works; if they have no sentences, record that instead."""
        found = overview(self._library.store, works, state.language)
        if not found.drafts:
            state.unknown = found.reason
            return None
        return found


def _compared_in_a_part(asked: str, spans: Sequence[Span], parts: Sequence[ParsedQuestion]) -> bool:
    """Return whether a question has several parts, and one of them alone compares two things."""
    names = [asked[slice(*span)] for span in spans]
    return len(parts) > 1 and any(all(name in p.question for name in names) for p in parts)


def _named_alone(question: str, catalogue: Catalogue) -> list[Source]:
    """Return the sources that a question names without saying anything else: "Whisper"."""
    named = named_sources(f"「{question}」", catalogue)  # in brackets, any word may be a name
    letters = folded_letters(question)
    return [n.source for n in named if n.by != "only" and folded_letters(n.words) == letters]


def _is_printed(parsed: ParsedQuestion) -> bool:
    """Return whether a question asks for nothing but what is printed on a work.

    So are its authors, its title, and when and where it was published. A sentence of its text with
    such words is about something else, most often about a work that it cites.
    """
    return parsed.intent == "metadata" and set(parsed.fields) <= set(PRINTED)


def _is_help(word: str) -> bool:
    """Return whether one word, or none, greets or asks for help; the parser has seen too few."""
    return bool(HELP.fullmatch(word)) or not without_greeting(f"{word}!")


def _asks_for_metadata(parsed: ParsedQuestion) -> bool:
    """Return whether a question that names or describes a work asks for its metadata.

    It must also ask for a field of these: "ReAct score on HotpotQA?" asks for none.
    """
    likely = parsed.probability("metadata") * parsed.field_probability
    return parsed.intent != "summary" and likely >= METADATA_FROM


def _may_list(parsed: ParsedQuestion) -> bool:
    """Return whether a question for metadata of no work, such as its citations, asks for a list."""
    likely = parsed.probability("documents") >= METADATA_FROM
    return parsed.intent == "metadata" and likely and bool(parsed.phrase("topic"))
