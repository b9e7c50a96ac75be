"""Logging to standard error, with the id of the request in every line."""

from __future__ import annotations

import logging
from contextvars import ContextVar

_current: ContextVar[str] = ContextVar("request_id", default="")


def current_request_id() -> str:
    """Return the id of the request that is being handled; empty outside of one."""
    return _current.get()


def set_request_id(request_id: str) -> None:
    """Set the id of the request that this task handles, for its log lines and error replies.

    It is never reset: each request has a task, and so a context, of its own.
    """
    _current.set(request_id)


class RequestIdFilter(logging.Filter):
    """A log filter that adds the request's id to each record, as `` [id]`` or nothing."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Set ``record.request``; let every record pass."""
        request_id = current_request_id()
        record.request = f" [{request_id}]" if request_id else ""
        return True


def log_to_standard_error(level: str) -> None:
    """Start logging messages of at least ``level`` to standard error."""
    handler = logging.StreamHandler()
    handler.addFilter(RequestIdFilter())
    line = "%(levelname)s %(name)s%(request)s: %(message)s"
    logging.basicConfig(level=level.upper(), format=line, handlers=[handler])
