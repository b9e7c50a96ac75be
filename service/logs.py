"""Log lines on standard error, each with the id of the request that it is about."""

from __future__ import annotations

import logging
from contextvars import ContextVar

_current: ContextVar[str] = ContextVar("request_id", default="")


def current() -> str:
    """The id of the request that is being answered; empty outside of one."""
    return _current.get()


def begin(request_id: str) -> None:
    """Name the request that is answered from here on, in this task alone.

    It is never reset: a request has a task, and so a context, to itself.
    """
    _current.set(request_id)


class InLogLines(logging.Filter):
    """Gives every record ``request``, the request's id in brackets after a blank, or nothing."""

    def filter(self, record: logging.LogRecord) -> bool:
        request_id = current()
        record.request = f" [{request_id}]" if request_id else ""
        return True


def log_to_standard_error(level: str) -> None:
    """Log lines of ``level`` and above to standard error, with the request's id."""
    handler = logging.StreamHandler()
    handler.addFilter(InLogLines())
    line = "%(levelname)s %(name)s%(request)s: %(message)s"
    logging.basicConfig(level=level.upper(), format=line, handlers=[handler])
