"""Narrower errors of the service, which readers are told in words of their own.

See ``corpus.errors`` for the errors that these refine, and ``service/problems.py`` for the status
and the code of each.
"""

from __future__ import annotations

from corpus.errors import NotFound


class ConversationNotFound(NotFound):
    """There is no such conversation, or no more: ask without one, which begins another."""
