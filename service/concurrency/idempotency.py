"""Requests that may be sent twice and are done once: the Idempotency-Key header.

After the IETF's draft-ietf-httpapi-idempotency-key-header. Only what succeeded is kept: a
request that failed may be sent again under its key.
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
    """A client's key at one address, and the request that it stands for, both as SHA-256."""

    key: str
    request: str

    def check(self, request: str) -> None:
        """RequestRefused if another request came under the same key before."""
        if request != self.request:
            raise RequestRefused(
                f"this {IDEMPOTENCY_HEADER} came with another request before: send a new key with a new"
                " request, and the old one only to repeat the old"
            )


def read_idempotency_key(request: Request, asked: Mapping[str, Any]) -> IdempotencyKey | None:
    """The key of a request that asks for something, None if it brings none.

    ``asked`` is its body, without what only says how the reply is to be sent.
    """
    given = request.headers.get(IDEMPOTENCY_HEADER)
    if given is None:
        return None
    plain = given[1:-1] if len(given) > 1 and given[0] == given[-1] == '"' else given
    if not _KEY.fullmatch(plain):
        raise RequestRefused(
            f"the {IDEMPOTENCY_HEADER} is empty, too long or has blanks in it: send up to 255 visible ASCII"
            " characters, such as a UUID"
        )
    at = request.url.path.encode()
    return IdempotencyKey(
        hashlib.sha256(at + b"\0" + plain.encode()).hexdigest(),
        hashlib.sha256(canonical(dict(asked))).hexdigest(),
    )


class IdempotentCall:
    """Does what has a key once, and gives the same reply again. For what is quickly done: one
    waits for the other, whatever their keys. Blocks. ``locks``: those that this process shares
    with others that serve the same history.
    """

    def __init__(self, locks: ProcessLocks | None = None) -> None:
        self._lock, self._locks = threading.Lock(), locks

    def __call__(
        self,
        replies: ReplyStore,
        key: IdempotencyKey | None,
        make: Callable[[], Any],
        **names: str,
    ) -> Any:
        """The JSON that ``make`` gives, or gave for this key.

        ``names`` is the answer_id or conversation_id with which the reply is to go.
        """
        if key is None:
            return make()
        elsewhere = self._locks.held(key.key) if self._locks else nullcontext()
        with self._lock, elsewhere:
            if kept := replies.find(key.key):
                key.check(kept.request)
                return kept.body
            made = make()
            replies.keep(key.key, StoredReply(key.request, made, **names))
            return made
