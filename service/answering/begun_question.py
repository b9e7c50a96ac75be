"""How an answer begins: its question as it was asked, and as the conversation before makes it."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from corpus.store.store import Store
from service.answering.query_rewriting import (
    is_better_as_asked,
    last_answered,
    last_said,
    leans,
    misses_names,
    rewrite,
)
from service.answering.state import AnswerState
from service.conversations.store import History
from service.generation.prompts import Message
from service.query import check_question
from service.scope import Scope, find_scope
from service.text.prompt_injection import without_orders


def begin_answer(
    store: Store,
    history: History,
    question: str,
    conversation_id: str | None,
    scope: Scope,
    earlier: Sequence[Message],
) -> AnswerState:
    """Begin the state of an answer; blocks.

    Args:
        store: The sources that may be chosen.
        history: Where the conversation is kept.
        question: The question.
        conversation_id: The conversation that it goes on with; None for a new one.
        scope: The sources and collections to answer from.
        earlier: The messages before the question, of a conversation that is not kept here.

    Raises:
        QuestionRefused: The question is empty or too long.
        NotFound: There is no such conversation, source or collection.
    """
    question, found = check_question(question), find_scope(store, scope)
    if conversation_id is None:
        conversation, last = history.new_conversation(), last_said(earlier)
    else:
        conversation = conversation_id
        last = last_answered(history.conversation(conversation))
    asked = without_orders(question)
    filled, id = rewrite(asked, last), secrets.token_urlsafe(12)

    def begun(understood: str) -> AnswerState:
        state = AnswerState(id, conversation, question)
        state.understood = understood if understood != question else None
        state.scope, state.within = found.scope, found.source_ids
        return state

    state = begun(filled)
    if filled != asked and leans(asked) == "maybe":
        state.as_asked = begun(asked)
    return state


def stands_alone(as_asked: AnswerState, rewritten: AnswerState) -> bool:
    """Return whether a question that may be a follow-up is none, after both were read.

    Args:
        as_asked: What was found for it as it was asked.
        rewritten: What was found for it with what it may leave out.
    """
    if misses_names(rewritten.asked, rewritten.question, rewritten.nearest):
        return True
    return is_better_as_asked(as_asked.answerability, rewritten.answerability)
