"""Idempotency keys: a request that is sent twice under one key is carried out once.

It follows the IETF's draft-ietf-httpapi-idempotency-key-header. Only successful replies are
stored: a request that failed may be sent again under its key.
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from fastapi import Request

from corpus.errors import RequestRefused
from service.concurrency.process_locks import ProcessLocks
from service.conversations.store import ReplyStore, StoredReply
from service.verification.receipt import canonical

IDEMPOTENCY_HEADER = "Idempotency-Key"
_KEY = re.compile(r"[\x21-\x7e]{1,255}")


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """A client's key for one request, and a fingerprint of that request, both as SHA-256.

    ``key`` hashes the path and the key as sent, ``request`` what the request asks for.
    """

    key: str
    request: str

    def check(self, request: str) -> None:
        """Check that an earlier request under this key was the same one.

        Raises:
            RequestRefused: It was another one.
        """
        if request != self.request:
            raise RequestRefused(
                f"this {IDEMPOTENCY_HEADER} came with another request before: send a new key with"
                " a new request, and an old key only to repeat its request"
            )


def read_idempotency_key(request: Request, asked: Mapping[str, Any]) -> IdempotencyKey | None:
    """Read the idempotency key of a request.

    Args:
        request: The request.
        asked: Its body, without fields that only say how the reply is to be sent.

    Returns:
        The key; None if the request has none.

    Raises:
        RequestRefused: The header is empty, too long, or not visible ASCII.
    """
    value = request.headers.get(IDEMPOTENCY_HEADER)
    if value is None:
        return None
    plain = value[1:-1] if len(value) > 1 and value[0] == value[-1] == '"' else value
    if not _KEY.fullmatch(plain):
        raise RequestRefused(
            f"the {IDEMPOTENCY_HEADER} is empty, too long or has blanks in it: send up to 255"
            " visible ASCII characters, such as a UUID"
        )
    path = request.url.path.encode()
    return IdempotencyKey(
        hashlib.sha256(path + b"\0" + plain.encode()).hexdigest(),
        hashlib.sha256(canonical(dict(asked))).hexdigest(),
    )


class IdempotentCall:
    """Runs a request once for each idempotency key, and gives its stored reply afterwards.

    It blocks, and runs one request at a time, whatever their keys: it is for short work.

    Args:
        locks: The locks shared with other processes that serve the same history, if any.
    """

    def __init__(self, locks: ProcessLocks | None = None) -> None:
        self._lock, self._locks = threading.Lock(), locks

    def __call__(
        self,
        replies: ReplyStore,
        key: IdempotencyKey | None,
        make: Callable[[], Any],
        **belongs_to: str,
    ) -> Any:
        """Return the reply stored for a key, or make and store one.

        Args:
            replies: Where replies are stored.
            key: The request's key; None to make the reply without storing it.
            make: Carries out the request; returns its reply as JSON.
            **belongs_to: ``answer_id`` or ``conversation_id``, with which the reply is deleted.
        """
        if key is None:
            return make()
        process_lock = self._locks.held(key.key) if self._locks else nullcontext()
        with self._lock, process_lock:
            if stored := replies.find(key.key):
                key.check(stored.request)
                return stored.body
            reply = make()
            replies.keep(key.key, StoredReply(key.request, reply, **belongs_to))
            return reply
