"""Give the engine a language model of your own: any class with a name and a stream of text.

Usage: python examples/own_model.py QUESTION DATA_FOLDER

This one quotes the first source and adds an invention. The verifier lets the first sentence
through and withholds the second.
"""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path

from corpus.text.sentences import sentences
from service.answering.engine import Engine
from service.conversations.store import History
from service.generation.prompts import Message
from service.server import bootstrap
from service.settings import Settings


class FirstSource:
    """An AnswerModel that needs no weights: it writes what source [1] says, and one thing more."""

    name = "first-source"

    async def stream(self, messages: Sequence[Message]) -> AsyncGenerator[str, None]:
        """Write an answer to the last message, which has the numbered sources and the question."""
        first = messages[-1]["content"].split("\n\n")[0]  # [1] (title) text
        text = re.sub(r"^\[1\] (\([^()]*\) )?", "", first)
        yield f"{sentences(text)[0].rstrip('. ')} [1]. "
        yield "It was built by 312 elephants in 1066 [1]."


async def ask(question: str, data: Path) -> None:
    """Answer one question with the model above, and print what was shown and what withheld."""
    settings = Settings(data_dir=data)
    library, checker = bootstrap.open_library(settings), bootstrap.create_checker(settings)
    engine = Engine(library, checker, History(library.store.database), FirstSource())
    answer = await engine.answer(question)
    print(f"{answer.mode}: {answer.text or answer.reason}")
    for rejected in answer.rejected:
        print(f"withheld: {rejected.text} ({rejected.reason})")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    asyncio.run(ask(sys.argv[1], Path(sys.argv[2])))
