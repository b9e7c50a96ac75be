"""Mutants in which a lie stands behind one to four true clauses, in English and Japanese.

The true clauses are sentences of one source, joined grammatically. The lie speaks of the same
subject: another sentence of the source with a changed number or name, what a different source says
of something else, or an invented clause of ``lies_behind.toml``. Each mutant comes with a control,
the same sentence without its lie. The same library gives the same mutants.
"""

from __future__ import annotations

import random
import re
import tomllib
from collections import Counter
from collections.abc import Sequence

from tests.support.joints import Clause, added, clause_of, joined
from tests.support.mutants import NUMBER, Mutant, Statement
from tests.support.paths import ROOT

COUNTS = (1, 2, 3, 4)  # true clauses in front of a lie
LONGEST = {"en": 130, "ja": 65}  # characters of a true clause
LONGEST_LIE = {"en": 90, "ja": 60}
_LEANING = re.compile(
    r"^(?:In the same|In total|The references|The five held-out|The six|The human drivers|Two "
    r"sources|Most figures|Direct reconstruction|Every frame|一方、)"
    r"|likewise|nevertheless|same finding|agrees|as the first of|this smaller|しながら|とも述べる|[:;]"
)
# Their predicates hold of much else, or only of people.
_NOT_LENT = re.compile(r"article|paper|Anyone|Socher|記事|論文")
_BOUND = re.compile(r"or more|more than|over \d|up to|at least|以上|超え")
_INVENTED = tomllib.loads((ROOT / "tests/support/lies_behind.toml").read_text("utf-8"))

Pair = tuple[Statement, Clause]


def invented(language: str) -> list[str]:
    """List the invented clauses of a language."""
    return [clause for group in _INVENTED[language].values() for clause in group]


def lies_behind(
    found: Sequence[Statement], language: str, count: int, most: int, draw: int = 0
) -> list[Mutant]:
    """Make up to ``most`` different lies behind ``count`` true clauses.

    Args:
        found: The statements of the library.
        language: "en" or "ja".
        count: True clauses in front of the lie.
        most: Mutants wanted. A third of the lies is invented, a third is changed, a third borrowed.
        draw: Another number gives other mutants.
    """
    pairs = [
        (s, clause_of(s))
        for s in found
        if s.language == language and not _LEANING.search(s.text.rstrip("."))
    ]
    rng = random.Random(f"behind {language} {count} {draw}")
    made: dict[str, Mutant] = {}
    for _ in range(20 * most):
        chain = _chain(pairs, language, count, rng)
        lie = _lie(("invented", "changed", "borrowed")[len(made) % 3], chain, pairs, rng)
        if lie:
            mutant = _mutant(chain, lie, rng)
            made.setdefault(mutant.claim, mutant)
        if len(made) == most:
            break
    return list(made.values())


def _mutant(chain: Sequence[Pair], lie: Pair, rng: random.Random) -> Mutant:
    """Put a lie behind true clauses, and a stop behind both."""
    (first, *_), clauses = chain[0], [clause for _, clause in chain]
    text, stop = joined(clauses, rng), "。" if first.language == "ja" else "."
    claim = added(text, clauses[-1], lie[1], rng) + stop
    true = tuple(statement for statement, _ in chain)
    return Mutant("behind", first.language, claim, lie[0], None, true, text + stop)


def _chain(pairs: Sequence[Pair], language: str, count: int, rng: random.Random) -> list[Pair]:
    """Choose true clauses of one source, the first with a subject that it often speaks of."""
    short = [p for p in pairs if 12 <= len(p[1].text) <= LONGEST[language]]
    told = Counter((s.source.id, c.subject) for s, c in short if c.subject)
    heads = [p for p in short if _fit(p, told)]
    head = rng.choice(heads)
    others = [p for p in short if p[0].source.id == head[0].source.id and p[1] != head[1]]
    near = [p for p in others if p[1].subject == head[1].subject]
    chosen = [head]
    while len(chosen) < count:
        rest = [p for p in (near if rng.random() < 0.6 else others) if p not in chosen]
        if rest := rest or [p for p in others if p not in chosen]:
            chosen.append(rng.choice(rest))
        else:
            return []
    return chosen


def _fit(pair: Pair, told: Counter[tuple[str, str]]) -> bool:
    """Whether a clause can begin: in English, with a singular subject of two sentences or more."""
    statement, clause = pair
    if statement.language == "ja":
        return bool(clause.subject)
    return told[statement.source.id, clause.subject] >= 2 and not clause.subject.endswith("s")


def _lie(how: str, chain: Sequence[Pair], pairs: Sequence[Pair], rng: random.Random) -> Pair | None:
    """Make a lie on the subject of the first clause, and name the sentence that it comes from."""
    if not chain:
        return None
    head, clause = chain[0]
    if how == "invented":
        return head, _invented(head.language, clause.subject, rng)
    make = _changed if how == "changed" else _borrowed
    short = [p for p in pairs if p not in chain and len(p[1].text) <= LONGEST_LIE[head.language]]
    for pair in rng.sample(short, len(short)):
        if lie := make(chain, pair, pairs, rng):
            return pair[0], lie
    return None


def _invented(language: str, subject: str, rng: random.Random) -> Clause:
    text = str(rng.choice(invented(language)))
    if text in _INVENTED[language].get("predicates", ()):
        return Clause(f"{subject} {text}", subject, text)
    return Clause(text)


def _changed(
    chain: Sequence[Pair], pair: Pair, pairs: Sequence[Pair], rng: random.Random
) -> Clause | None:
    """Change a number or a name in what the same source says, in English of the same subject."""
    (statement, clause), (head, first) = pair, chain[0]
    near = clause.subject == first.subject or head.language == "ja"
    if statement.source.id != head.source.id or not near:
        return None
    told = clause.predicate or clause.text
    false = (_other_number if rng.random() < 0.6 else _other_name)(told, rng)
    others = " ".join(s.text for s, _ in pairs if s.source.id == head.source.id)
    new = set(re.findall(r"[^\W_][\w.,]*", false)) - set(re.findall(r"[^\W_][\w.,]*", told))
    number = {token for token in new if re.search(r"\d", token)}
    if false == told or false in others or any(n.strip(".,") in others for n in number):
        return None
    return _about(clause.subject, false) if clause.subject else Clause(false)


def _other_number(text: str, rng: random.Random) -> str:
    """Change a number: a year by up to nine years, another in its first two digits."""
    numbers = list(NUMBER.finditer(text))
    if not numbers or _BOUND.search(text):  # 80 where 10 or more is true may be true as well
        return text
    match = rng.choice(numbers)
    digits = match[0]
    if re.fullmatch(r"(?:19|20)\d\d", digits):
        changed = str(int(digits) - rng.randint(1, 9))
    else:
        at = rng.choice([i for i, d in enumerate(digits) if d.isdigit()][:2])
        other = rng.choice([d for d in "123456789" if d != digits[at]])
        changed = digits[:at] + other + digits[at + 1 :]
    return text[: match.start()] + changed + text[match.end() :]


def _other_name(text: str, rng: random.Random) -> str:
    """Put another name of the same sort and script in the place of a name."""
    swaps: list[tuple[tuple[int, int], str]] = []
    for names in _INVENTED["alike"]:
        for old in names:
            found = re.search(rf"(?<![A-Za-z\d-]){re.escape(old)}(?![a-z\d-]|\.\d)", text)
            alike = [n for n in names if n not in text and n.isascii() == old.isascii()]
            if found and alike:
                swaps.append((found.span(), rng.choice(alike)))
    if not swaps:
        return text
    (start, end), new = rng.choice(swaps)
    return text[:start] + new + text[end:]


def _borrowed(
    chain: Sequence[Pair], pair: Pair, pairs: Sequence[Pair], _rng: random.Random
) -> Clause | None:
    """Say of the subject what is true of something that is never named together with it."""
    (statement, clause), (head, first) = pair, chain[0]
    if not clause.subject or _NOT_LENT.search(clause.subject + first.subject):
        return None
    if statement.language == "en" and clause.subject.endswith("s"):
        return None
    here = _named(first.subject)
    for other, _ in pairs:
        near = other.source.id == head.source.id if head.language == "en" else here in other.text
        if near and _named(clause.subject) in other.text:
            return None
    if here.split()[-1] in clause.text or "は" in clause.predicate:
        return None
    return _about(first.subject, clause.predicate)


def _named(subject: str) -> str:
    """Return the last name in a subject, such as "Whisper" in "The tasks of Whisper"."""
    names = re.findall(r"[A-Z][\w.-]*(?: [A-Z][\w.-]*)*|[\u30a1-\u30fa\u30fc]{3,}\w*", subject)
    return str(names[-1]) if names else subject


def _about(subject: str, predicate: str) -> Clause:
    between = "は、" if re.search(r"[\u3041-\u3096]", predicate) else " "
    return Clause(f"{subject}{between}{predicate}", subject, predicate)
