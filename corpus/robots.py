"""What a site's robots.txt allows: RFC 9309. Pure: bytes to rules, no network.

The standard library's parser takes the first rule that fits and knows no wildcards. Sites
mean the longest, and ``Disallow: /*.pdf$`` is how many of them speak of their papers.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

MAX_BYTES = 512_000  # RFC 9309 wants 500 KiB at least; what comes after that is not read


@dataclass(frozen=True, slots=True)
class _Rule:
    """``pieces`` are what stands between the wildcards, decoded; ``anchored`` by a final $."""

    allow: bool
    length: int
    pieces: tuple[bytes, ...]
    anchored: bool

    def fits(self, path: bytes) -> bool:
        """Whether the pattern fits; without backtracking, so that no pattern is slow."""
        first, *rest = self.pieces
        if not path.startswith(first):
            return False
        if not rest:
            return not self.anchored or path == first
        at = len(first)
        for piece in rest[:-1] if self.anchored else rest:
            at = path.find(piece, at)
            if at < 0:
                return False
            at += len(piece)
        return not self.anchored or (len(path) - len(rest[-1]) >= at and path.endswith(rest[-1]))


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of one site for one program; ``delay`` is the pause it asks for, in seconds."""

    rules: tuple[_Rule, ...] = ()
    delay: float = 0.0

    def allow(self, path: str) -> bool:
        """Whether a path, with its query, may be fetched: the longest rule decides."""
        decoded = unquote_to_bytes(path or "/")
        fitting = [rule for rule in self.rules if rule.fits(decoded)]
        return max(fitting, key=lambda rule: (rule.length, rule.allow)).allow if fitting else True


def parse(data: bytes, agent: str) -> Rules:
    """The rules for ``agent``, a product token such as ``Tenkyo``, else those for ``*``.

    Lines that are not understood are passed over. A delay that is no number is none.
    """
    ours, everyone = Rules(), Rules()
    named = False
    for agents, group in _groups(data[:MAX_BYTES].decode("utf-8", "replace")):
        if agent.lower() in agents:
            ours, named = _joined(ours, group), True
        if "*" in agents:
            everyone = _joined(everyone, group)
    return ours if named else everyone


def _joined(one: Rules, other: Rules) -> Rules:
    return Rules(one.rules + other.rules, max(one.delay, other.delay))


def _groups(text: str) -> Iterator[tuple[set[str], Rules]]:
    """Each group of rules with the agents that it is for, in lower case."""
    agents: set[str] = set()
    rules: list[_Rule] = []
    delay, open_ = 0.0, False  # whether the last line named an agent
    for key, value in _lines(text):
        if key == "user-agent":
            if not open_:
                yield agents, Rules(tuple(rules), delay)
                agents, rules, delay = set(), [], 0.0
            agents.add(value.split("/")[0].strip().lower())
            open_ = True
        elif key in ("allow", "disallow"):
            open_ = False
            if value:  # an empty one forbids nothing
                rules.append(_rule(key == "allow", value))
        elif key == "crawl-delay":
            open_ = False
            delay = _number(value)
    yield agents, Rules(tuple(rules), delay)


def _lines(text: str) -> Iterator[tuple[str, str]]:
    for line in text.removeprefix("\ufeff").splitlines():
        key, colon, value = line.partition("#")[0].partition(":")
        if colon:
            yield key.strip().lower(), value.strip()


def _rule(allow: bool, pattern: str) -> _Rule:
    anchored = pattern.endswith("$")
    bare = pattern[:-1] if anchored else pattern
    pieces: Sequence[bytes] = [unquote_to_bytes(piece) for piece in bare.split("*")]
    return _Rule(allow, len(pattern), tuple(pieces), anchored)


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        return 0.0
    return number if math.isfinite(number) and number > 0 else 0.0
