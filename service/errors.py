"""Narrower errors of the service, which readers are told in words of their own.

See ``corpus.errors`` for the errors that these refine, and ``service/problems.py`` for the status
and the code of each.
"""

from __future__ import annotations

from corpus.errors import Gone, NotFound, RequestRefused


class ConversationNotFound(NotFound):
    """There is no such conversation, or no more: ask without one, which begins another."""


class CollectionNotFound(NotFound):
    """There is no collection of this name: use one of those that the message names."""

    @property
    def public(self) -> str:
        """The message without the command that makes one, where there are none."""
        return str(self).removesuffix("; `tenkyo collections make NAME` makes one")


class LinkNotFound(NotFound):
    """There is no such shared link: check that it is whole."""


class LinkGone(Gone):
    """A shared link has expired or was revoked: ask for a new one."""


class ModelFixed(RequestRefused):
    """Settings decide which language model answers: change them to choose another."""


class ModelKeyRefused(RequestRefused):
    """No server's key has such characters: copy it again."""


class ModelNotConnected(RequestRefused):
    """The language model that was asked for is not connected: choose another one."""
