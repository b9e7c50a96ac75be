"""Requests of the client for conversations and ratings: one function for each route. No I/O."""

from __future__ import annotations

from typing import Literal

from service.client.requests import Call, escaped, without_none
from service.conversations.conversations import Conversation, Page
from service.conversations.feedback import Feedback, Rating
from service.conversations.shares import Shared
from service.schemas import Questions, SentShare, WholeConversation

Format = Literal["markdown", "bibtex"]


def conversations(
    limit: int = 20, cursor: str | None = None, *, query: str | None = None
) -> Call[Page]:
    """List conversations, the latest first.

    Args:
        limit: How many to return at most.
        cursor: ``next`` of the page before.
        query: Words that title, questions or answers have.
    """
    optional = without_none({"cursor": cursor, "q": query})
    return Call("GET", "/v1/conversations", Page, {"limit": limit, **optional})


def conversation(conversation_id: str) -> Call[WholeConversation]:
    """Get a conversation with its answers."""
    return Call("GET", _path(conversation_id), WholeConversation)


def rename(conversation_id: str, title: str) -> Call[Conversation]:
    """Set a conversation's title; an empty one restores that made from its first answer."""
    return Call("PATCH", _path(conversation_id), Conversation, body={"title": title})


def delete_conversation(conversation_id: str) -> Call[None]:
    """Delete a conversation with its answers."""
    return Call("DELETE", _path(conversation_id), type(None))


def share(conversation_id: str, expires_in: int | None = None) -> Call[SentShare]:
    """Make a link to the present answers of a conversation; None never expires."""
    path = f"{_path(conversation_id)}/share"
    return Call("POST", path, SentShare, body=without_none({"expires_in": expires_in}))


def shared(token: str) -> Call[Shared]:
    """Get what a shared link shows."""
    return Call("GET", f"/v1/shared/{escaped(token)}", Shared)


def export(conversation_id: str, format: Format = "markdown") -> Call[str]:
    """Export a conversation as Markdown with footnotes, or its cited sources as BibTeX."""
    return Call("GET", f"{_path(conversation_id)}/export", str, {"format": format})


def export_answer(answer_id: str, format: Format = "markdown") -> Call[str]:
    """Export an answer as Markdown with footnotes, or its cited sources as BibTeX."""
    return Call("GET", f"/v1/answers/{escaped(answer_id)}/export", str, {"format": format})


def feedback(
    answer_id: str, rating: Rating, reason: str = "", *, claim: int | None = None
) -> Call[Feedback]:
    """Rate an answer, or its claim with index ``claim``, counted from 0."""
    body = {"answer_id": answer_id, "rating": rating, "reason": reason}
    return Call("POST", "/v1/feedback", Feedback, body=body | without_none({"claim": claim}))


def related(answer_id: str) -> Call[tuple[str, ...]]:
    """Suggest questions to ask after an answer, all of which the library answers."""
    return Call("GET", f"/v1/answers/{escaped(answer_id)}/related", Questions, part="questions")


def examples(language: Literal["en", "ja"] = "en") -> Call[tuple[str, ...]]:
    """Suggest questions to begin with, all of which the library answers."""
    return Call("GET", "/v1/examples", Questions, {"language": language}, part="questions")


def _path(id: str) -> str:
    return f"/v1/conversations/{escaped(id)}"
