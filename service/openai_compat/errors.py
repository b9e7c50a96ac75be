"""Errors in the shape that OpenAI's clients read: ``{"error": {message, type, param, code}}``.

The statuses are those of our own API, except that 422 becomes 400, as OpenAI has it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from corpus.errors import ChatRefused, NotNow, TenkyoError

logger = logging.getLogger(__name__)

Statuses = Sequence[tuple[type[TenkyoError], int, str]]
Handler = Callable[[Request], Coroutine[Any, Any, Response]]
UNFINISHED = "the answer could not be finished: ask again; the log has the reason"
RESPONSES_PATH = "/v1/responses"
_TEXT = {"type": "string"}
_TEXT_OR_NULL = {"type": ["string", "null"]}
ERROR_SCHEMA = {  # for /openapi.json
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "param", "code"],
            "properties": {
                "message": _TEXT,
                "type": _TEXT,
                "param": _TEXT_OR_NULL,
                "code": _TEXT_OR_NULL,
            },
        }
    },
}
_CHAT_BODY = '{"model": "tenkyo", "messages": [{"role": "user", …}]}'
_RESPONSES_BODY = '{"model": "tenkyo", "input": "…"}'


def with_openai_errors(handler: Handler, statuses: Statuses) -> Handler:
    """Wrap a handler so that its errors become responses in OpenAI's shape."""

    async def handle(request: Request) -> Response:
        headers: dict[str, str] = {}
        path = request.url.path
        try:
            return await handler(request)
        except TenkyoError as error:
            status, body = status_and_body(error, statuses, question_field(path))
            if isinstance(error, NotNow):
                headers["Retry-After"] = str(error.retry_after)
        except RequestValidationError as error:
            status, body = 400, _validation_error(error, path)
        except HTTPException as error:
            detail = f"{error.detail}: send less"  # the only one is 413
            status, body = (
                error.status_code,
                error_body(error.status_code, detail, "request_refused"),
            )
        except Exception:
            logger.exception("a request in OpenAI's format failed")
            status, body = 500, error_body(500, UNFINISHED, "internal_error")
        return JSONResponse(body, status, headers)

    return handle


def question_field(path: str) -> str:
    """Return the name of the field that has the question, in requests to a path."""
    return "input" if path == RESPONSES_PATH else "messages"


def status_and_body(
    error: TenkyoError, statuses: Statuses, field: str
) -> tuple[int, dict[str, Any]]:
    """Return the HTTP status and the body for an error; ``field`` is that of the question."""
    if isinstance(error, ChatRefused):
        return error.status, error_body(error.status, str(error), error.code, error.param)
    kind, status = next((kind, status) for kind, status, _ in statuses if isinstance(error, kind))
    status = 400 if status == 422 else status
    code = "".join(f"_{c.lower()}" if c.isupper() else c for c in kind.__name__)[1:]
    if error.public != str(error):
        logger.warning("a request in OpenAI's format failed: %s", error)
    return status, error_body(status, error.public, code, field if status == 400 else None)


def error_body(status: int, message: str, code: str, param: str | None = None) -> dict[str, Any]:
    """Return the body of an error."""
    kind = "invalid_request_error" if status < 500 else "server_error"
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def _validation_error(error: RequestValidationError, path: str) -> dict[str, Any]:
    first = error.errors()[0]
    if first["type"] == "json_invalid":
        example = _RESPONSES_BODY if path == RESPONSES_PATH else _CHAT_BODY
        return error_body(400, f"the body is not JSON: send {example}", "invalid_json")
    where = ".".join(str(part) for part in first["loc"][1:]) or "body"
    detail = f"{where}: {first['msg']}; see /openapi.json for what is expected"
    return error_body(400, detail, "invalid_value", where)
