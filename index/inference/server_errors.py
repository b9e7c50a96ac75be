"""What a model's server says of an error, in words that may be shown: without the key it was sent.

Some servers repeat the key that they refuse, and what they say is logged and shown to readers.
"""

from __future__ import annotations

import re
from urllib.parse import quote

_READ = 5_000  # characters that are looked at
_LONGEST = 200  # characters that are kept
_REAL_KEY = 8  # characters from which a key is taken out of the middle of words, too


def error_message(reply: object, key: str = "") -> str:
    """Return the message of an error reply: on one line, short, without the key.

    Args:
        reply: The reply as decoded from JSON, of any shape.
        key: The key that the server was sent; empty for none.

    Returns:
        The message; empty if the reply has none.
    """
    for name in ("error", "message", "detail"):
        reply = reply.get(name, reply) if isinstance(reply, dict) else reply
    text = " ".join(reply[:_READ].split()) if isinstance(reply, str) else ""
    return _without_key(text, key)[:_LONGEST]


def _without_key(text: str, key: str) -> str:
    for form in {key, quote(key, safe="")} - {""}:
        found = re.escape(form)
        if len(key) < _REAL_KEY:  # such as "none": a part of other words
            found = rf"(?<!\w){found}(?!\w)"
        text = re.sub(found, "…", text, flags=re.IGNORECASE)
    return text
