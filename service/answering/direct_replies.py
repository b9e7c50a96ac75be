"""Replies that are known before anything is read: how to use the service, and the catalogue's.

Also the overview of works that a question asks to summarise or to compare: without a language model
its sentences are the answer, with one they are the evidence that it reads.
"""

from __future__ import annotations

from dataclasses import dataclass

from index.search import Library
from service.answering.state import AnswerState
from service.catalogue.guide import guide
from service.catalogue.named_sources import named_sources
from service.catalogue.overview import Overview, overview
from service.catalogue.replies import CatalogueReply, describe, list_works
from service.catalogue.requests import listing_request, requested_fields
from service.catalogue.snapshot import Catalogue, LatestCatalogue
from service.query import language_of
from service.questions.kinds import QuestionKind, question_kind
from service.types import Decision, Event, Mode
from service.verification.methods import METADATA

# A question that names a source and asks for a field of it needs less to be taken for one about
# the document: "Who wrote ReAct?" looks like one about a person.
NAMED = 0.25
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

    def __init__(self, library: Library) -> None:
        self._library = library
        self._catalogue = LatestCatalogue(library.store)

    def __call__(self, state: AnswerState) -> DirectReply | None:
        """Answer from the catalogue or with the guide; None where something must be read.

        What the catalogue does not know, a text still may: then the state's ``reason`` says so in
        case nothing answers. For a summary or comparison of works that the question names, the
        state gets their ``overview``.
        """
        kind = question_kind(state.asked, self._library.embedder)
        state.kind = kind
        catalogue = self._catalogue().within(state.within)
        if kind.group in ("greeting", "help"):
            state.reason = guide(catalogue, state.language)
            return DirectReply("guide", ())
        reply = self._from_catalogue(state, kind, catalogue)
        if reply and reply.claims:
            return self._recorded(state, reply)
        state.unknown = reply.reason if reply else ""
        if kind.group in ("summary", "comparison"):
            state.overview = self._overview(state, kind, catalogue)
        return None

    def _from_catalogue(
        self, state: AnswerState, kind: QuestionKind, catalogue: Catalogue
    ) -> CatalogueReply | None:
        asked, store = state.asked, self._library.store
        language = language_of(state.question)
        if kind.group == "catalogue" and (listing := listing_request(asked)):
            return list_works(
                catalogue,
                listing,
                language,
                lambda text: self._library.search(text, LISTED, state.within),
            )
        if kind.group_probability("catalogue") < NAMED:
            return None
        fields = requested_fields(asked)
        named = [each.source for each in named_sources(asked, catalogue)] if fields else []
        if not named:
            return None
        state.within = [source.id for source in named]
        return describe(store, catalogue, named, fields, language)

    def _recorded(self, state: AnswerState, reply: CatalogueReply) -> DirectReply:
        state.evidence = reply.evidence
        state.decide_answers = lambda _: Decision(True, 1.0, METADATA)
        events = tuple(state.record(draft, claim) for draft, claim in reply.decided)
        state.reason = reply.reason or None
        return DirectReply("metadata", events)

    def _overview(
        self, state: AnswerState, kind: QuestionKind, catalogue: Catalogue
    ) -> Overview | None:
        named = [each.source for each in named_sources(state.asked, catalogue)]
        least = 2 if kind.group == "comparison" else 1
        if len(named) < least:
            return None
        found = overview(self._library.store, named, state.language)
        return found if found.drafts else None
