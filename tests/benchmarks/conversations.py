"""How well the third question of a conversation is understood, and the cost for other questions.

    python -m tests.support.digest_library build/digests
    TENKYO_DATA_DIR=build/digests python tests/benchmarks/conversations.py [-v]

Conversations of three questions are asked in quote mode in three ways: each question alone, within
a conversation, and through the OpenAI-compatible API, with the earlier messages. An answer is right
if a quote of it has one of the strings in ``says``. Then each of the library's own questions, which
need no context, is asked after an unrelated one: how many are answered as they are alone.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from corpus.store.database import Database
from service.answering.engine import Engine
from service.conversations.store import History
from service.generation.prompts import Message
from service.server import bootstrap
from service.settings import read_settings
from service.types import Answer

DATA = Path(__file__).parents[1] / "data"
WAYS = ("by itself", "conversation", "what was said")
UNRELATED = {
    "en": ("Who wrote the Block-NeRF paper?", "Which company developed GT Sophy?"),
    "ja": ("Block-NeRFの著者は誰ですか？", "GT Sophyを作ったのはどの会社ですか？"),
}


def rows(name: str) -> list[dict]:
    return [json.loads(line) for line in (DATA / name).read_text("utf-8").splitlines()]


async def ask(engine: Engine, question: str, way: str, before: Sequence[Answer]) -> Answer:
    conversation = before[-1].conversation_id if before and way == "conversation" else None
    said: list[Message] = []
    for each in before if way == "what was said" else ():
        said.append(Message(role="user", content=each.question))
        said.append(Message(role="assistant", content=each.text or each.reason or ""))
    async for event in engine.stream(question, conversation, mode="quoted", earlier=said):
        made = event.data
    return made


def right(answer: Answer, says: Sequence[str]) -> bool:
    quotes = [c.quote for claim in answer.claims for c in claim.citations]
    return any(said in quote for said in says for quote in quotes)


def conversations(engine: Engine) -> None:
    totals: dict[tuple[str, str], Counter[int]] = {}
    for row in rows("conversations.jsonl"):
        for way in WAYS:
            before: list[Answer] = []
            for n, turn in enumerate(row["turns"], 1):
                before.append(asyncio.run(ask(engine, turn["ask"], way, before)))
                ok = right(before[-1], turn["says"])
                totals.setdefault((way, row["language"]), Counter()).update({n: ok})
                if "-v" in sys.argv and not ok and way != "by itself":
                    print(" ", row["id"], n, way, before[-1].understood, "|", before[-1].text[:200])
    count = Counter(row["language"] for row in rows("conversations.jsonl"))
    for (way, language), total in totals.items():
        first, second, third = (f"{total[n]} of {count[language]}" for n in (1, 2, 3))
        print(f"{way:<15}{language}  first {first}, second {second}, third {third}")


def alone(engine: Engine) -> None:
    total: Counter[str] = Counter()
    spent: Counter[str] = Counter()
    for row in rows("library_questions.jsonl"):
        if not row["answerable"]:
            continue
        first, other = UNRELATED[row["language"]]
        unrelated = other if "block-nerf" in row["sources"] else first
        bare = asyncio.run(ask(engine, row["question"], "by itself", ()))
        before = [asyncio.run(ask(engine, unrelated, "by itself", ()))]
        total["of"] += 1
        for way in WAYS[1:]:
            begun = time.perf_counter()
            made = asyncio.run(ask(engine, row["question"], way, before))
            spent[way] += time.perf_counter() - begun
            same = made.text == bare.text
            total[f"{way}: the same"] += same
            total[f"{way}: taken as it was asked"] += made.understood is None
            if not same and "-v" in sys.argv:
                print(f"  {way} {row['id']} {made.understood}\n   - {bare.text}\n   - {made.text}")
    print(dict(total), {way: f"{seconds / total['of']:.3f} s" for way, seconds in spent.items()})


def main() -> None:
    sys.path.insert(0, str(DATA.parents[1]))
    from tests.support.digest_library import check_digests

    engine, _ = bootstrap.create_engine(read_settings())
    check_digests(engine.library.store)
    with tempfile.TemporaryDirectory() as folder:
        engine.history = History(Database(f"sqlite:///{folder}/history.db"))
        conversations(engine)
        alone(engine)


if __name__ == "__main__":
    main()
