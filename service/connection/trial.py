"""Trying a language model before it is connected: does it write, how fast, in which languages?"""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing
from dataclasses import dataclass
from typing import Literal

from corpus.errors import ModelError
from corpus.types import Passage, Source
from service.connection.choice import ModelChoice
from service.generation.failures import ModelUnreachable
from service.generation.llm import ChatModel
from service.generation.probe import Probe, probe
from service.generation.prompts import answer_messages, estimate_tokens
from service.generation.thoughts import without_thoughts
from service.judging.service_judge import JudgeStatus, ServiceJudge
from service.judging.standing import Standing
from service.query import language_of
from service.types import Evidence

_SILENT = 60.0  # seconds: a model may first have to be loaded
_WRITES = 20.0  # seconds of writing that are looked at
_TASKS = {  # by language: a question, and the invented text that answers it
    "en": (
        "How many lanterns hang in the hall?",
        "The hall of Amberley has 312 lanterns. They are lit on the first evening of March.",
    ),
    "ja": (
        "広間には灯籠がいくつありますか？",
        "雨晴の広間には灯籠が312基あります。三月の最初の夕べに灯がともされます。",
    ),
}

TrialFault = Literal["unreachable", "slow", "web page", "key refused", "no model", "refused"]
_FAULTS: dict[str, TrialFault] = {
    "unreachable": "unreachable",
    "slow": "slow",
    "not an API": "web page",
    "key": "key refused",
    "no model": "no model",
    "refused": "refused",
}


@dataclass(frozen=True, slots=True)
class WritingTrial:
    """How a model wrote an answer in each language.

    Attributes:
        fault: What is wrong; None if it wrote.
        said: The server's own message of its error, if it sent one; without key and paths.
        first: Seconds until its first word, once it is loaded.
        rate: Tokens a second after that, roughly.
        answers: By language: whether it answered in it, rightly, from the text that it was given.
    """

    fault: TrialFault | None
    said: str = ""
    first: float = 0.0
    rate: float = 0.0
    answers: dict[str, bool] | None = None


async def try_writing(choice: ModelChoice, silent: float = _SILENT) -> WritingTrial:
    """Let a model answer a question in English and one in Japanese.

    Args:
        choice: The model.
        silent: Seconds for which its server may be silent.
    """
    found: Probe = await asyncio.to_thread(probe, choice.url, choice.model, choice.key, silent)
    if found.fault:
        return WritingTrial(_FAULTS[found.fault], found.said)
    model = ChatModel(choice.url, choice.model, choice.key, silent)
    answers, tokens, firsts, seconds = {}, 0, [], 0.0
    try:
        for language in _TASKS:
            text, first, took = await _write(model, language)
            answers[language] = _is_right(text, language)
            tokens, seconds = tokens + estimate_tokens(text), seconds + took
            firsts.append(first)
    except ModelError as error:
        if isinstance(error, ModelUnreachable):
            return WritingTrial("unreachable")
        return WritingTrial("refused" if getattr(error, "status", None) else "slow")
    finally:
        await model.aclose()
    rate = tokens / seconds if seconds > 0 else float(tokens)
    return WritingTrial(None, "", round(min(firsts), 2), round(rate, 1), answers)


async def try_judging(
    choice: ModelChoice, window: int, timeout: float, standing: Standing
) -> JudgeStatus:
    """Let a model take the self-test of judges, and keep the outcome.

    Args:
        choice: The model.
        window: How many tokens it reads and writes in all.
        timeout: Seconds that a call may take.
        standing: Where the outcome is kept.
    """
    model = ChatModel(choice.url, choice.model, choice.key, timeout)
    try:
        judge = ServiceJudge(model, window, timeout, standing)
        await judge.prove(again=True)
        return judge.status
    finally:
        await model.aclose()


async def _write(model: ChatModel, language: str) -> tuple[str, float, float]:
    """Let it answer; return the text, the seconds before its first word, and those after it."""
    question, text = _TASKS[language]
    source = Source("trial", "https://example.org/trial", "")
    given = Evidence(1, Passage("trial", "trial", 0, len(text), text), source, 1.0)
    began = time.monotonic()
    first, written = 0.0, ""
    async with aclosing(model.stream(answer_messages(question, [given]))) as pieces:
        async for piece in pieces:
            now = time.monotonic()
            first = first or now - began
            written += piece
            if now - began - first > _WRITES:
                break
    took = time.monotonic() - began
    return written, first or took, took - first if first else 0.0


def _is_right(text: str, language: str) -> bool:
    said = without_thoughts(text)
    return "312" in said and language_of(said) == language
