"""How well follow-up questions are understood, in the library as shipped.

    python tests/benchmarks/followups.py [CONVERSATIONS.jsonl]

The second question of each conversation is asked in four ways: unchanged, after the whole first
question, as service.answering.query_rewriting completes it, and so only where the checker finds no
better answer to the unchanged one. The rules were made with the rows of ``set`` "tuned"; those of
"held" were written afterwards. ``kind`` "alone" is a new subject, for which nothing may be added. A
passage is right if it is of a source in ``sources`` and has the words ``says``; an answer in quote
mode is right if one of its citations is.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from pathlib import Path

from service.answering.engine import Engine
from service.answering.evidence_finder import EvidenceFinder
from service.answering.query_rewriting import Turn, is_better_as_asked, leans, rewrite
from service.answering.state import AnswerState
from service.server import bootstrap
from service.settings import read_settings

DATA = Path(__file__).parents[1] / "data"
WAYS = ("as asked", "whole", "filled", "decided")


def answerability(engine: Engine, question: str) -> float:
    """Return the calibrated log-odds that what is found for a question answers it."""
    finder, state = (
        EvidenceFinder(engine.library, engine.checker, {}),
        AnswerState("", "", question),
    )
    finder.read(state, finder.search(state))
    return state.answerability


def last_turn(engine: Engine, question: str) -> Turn:
    made = asyncio.run(engine.answer(question, mode="quoted"))
    titles = {e.label: e.source.title for e in made.evidence}
    cited = [titles[c.label] for claim in made.claims for c in claim.citations]
    return Turn(question, tuple(cited))


def ways(engine: Engine, row: dict) -> dict[str, str]:
    """Return the question of a row in each of the four ways."""
    last, asked = last_turn(engine, row["first"]), row["then"]
    filled = decided = rewrite(asked, last)
    if filled != asked and leans(asked) == "maybe":
        certain = answerability(engine, asked), answerability(engine, filled)
        decided = asked if is_better_as_asked(*certain) else filled
    return dict(zip(WAYS, (asked, f"{last.question} {asked}", filled, decided), strict=True))


def measure(engine: Engine, row: dict, question: str) -> Counter[str]:
    """Measure one question: is a right passage first, or among five, and is the answer right?"""
    hits = engine.library.search(question, 5)
    source = [hit.source.id in row["sources"] for hit in hits]
    passage = [ok and row["says"] in hit.passage.text for ok, hit in zip(source, hits, strict=True)]
    made = asyncio.run(engine.answer(question, mode="quoted"))
    cited = (c for claim in made.claims for c in claim.citations)
    answered = any(c.source_id in row["sources"] and row["says"] in c.quote for c in cited)
    return Counter(
        {
            "source@1": source[0],
            "source@5": any(source),
            "passage@1": passage[0],
            "passage@5": any(passage),
            "answered": answered,
        }
    )


def main(path: Path) -> None:
    engine, _ = bootstrap.create_engine(read_settings())
    totals: dict[tuple[str, str, str], Counter[str]] = {}
    for row in map(json.loads, path.read_text("utf-8").splitlines()):
        group = (row["set"], "alone" if row["kind"] == "alone" else "leaning")
        known: dict[str, Counter[str]] = {}
        for way, question in ways(engine, row).items():
            known[question] = known.get(question) or measure(engine, row, question)
            total = totals.setdefault((*group, way), Counter())
            total.update(known[question])
            total["of"] += 1
    for (chosen, group, way), total in sorted(totals.items()):
        of = total.pop("of")
        print(f"{chosen:<6}{group:<9}{way:<10}of {of:<4}", dict(total))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else DATA / "followups.jsonl")
