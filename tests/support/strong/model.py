"""A strong model that is stood in for by the rows of tests/data/strong, as writer and as judge.

    model = StrongModel(rows, words)
    with served(model.app()) as url:
        model.drafts[question.text] = true_draft(question)
        …

It is an OpenAI-compatible server. As the writer it streams the draft that was set for a question.
As the judge it says of a sentence what the blind judge said, provided that all quotes on which that
rests stand among the evidence; of any other sentence, such as a control, it judges honestly.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from service.judging.prompt import MOST_NUMBERS
from tests.support.strong.comparison import nearest
from tests.support.strong.prompts import (
    Numbered,
    read_answer_prompt,
    read_judge_prompt,
    squeezed,
)
from tests.support.strong.rows import Judged, Lie, Question, Quote, Rows, Sentence, Twin

NAME = "strong"
_PIECE = 12  # characters that are streamed at once
_LEAST_PART = 12  # characters of a part of a sentence by which it is recognised


@dataclass(frozen=True, slots=True)
class Line:
    """A sentence of a draft, and the quotes whose sources it is to cite."""

    text: str
    quotes: tuple[Quote, ...]


def true_draft(question: Question) -> list[Line]:
    """Return the true answer to a question."""
    return [Line(each.text, each.quotes) for each in question.sentences]


def twin_draft(question: Question, twins: Iterable[Twin], odd: bool) -> list[Line]:
    """Return an answer with false twins at its even or odd places, true sentences at the others."""
    draft = true_draft(question)
    for twin in twins:
        if twin.place % 2 == odd:
            draft[twin.place] = Line(twin.text, draft[twin.place].quotes)
    return draft


def lie_draft(question: Question, lies: Iterable[Lie]) -> list[Line]:
    """Return an answer of lies behind true clauses, which cites what the true answer cites."""
    quotes = tuple(quote for sentence in question.sentences for quote in sentence.quotes)
    return [Line(lie.text, quotes) for lie in lies]


@dataclass(frozen=True, slots=True)
class _Known:
    judged: Judged
    bases: tuple[tuple[Quote, ...], ...]  # any of which is enough, if all of it is there


def _known(each: Sentence | Twin | Lie) -> _Known:
    written = each.quotes if isinstance(each, Sentence) else ()
    return _Known(each.judge, tuple(basis for basis in (each.judge.quotes, written) if basis))


@dataclass
class StrongModel:
    """The model: ``app`` makes its server.

    Attributes:
        rows: What it knows.
        words: The words of each quote in the rows.
        flip: Share of verdicts, those on controls too, that are turned round at random.
        seed: Of that randomness.
        reply_delay: Seconds before a judge's reply.
        drafts: What it writes to each question.
        written: When the first sentence of the last draft was sent (``time.perf_counter``).
        unknown: Sentences that it was to judge and that no row has, each with its verdict.
    """

    rows: Rows
    words: Mapping[Quote, str]
    flip: float = 0.0
    seed: int = 0
    reply_delay: float = 0.0
    drafts: dict[str, Sequence[Line]] = field(default_factory=dict)
    written: float = 0.0
    unknown: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._rng = random.Random(self.seed)
        true = [s for q in self.rows.questions.values() for s in q.sentences]
        false = [each for group in self.rows.twins.values() for each in group]
        false += [each for group in self.rows.lies.values() for each in group]
        self._known = {squeezed(each.text): _known(each) for each in (*true, *false)}

    def app(self) -> FastAPI:
        """Make the server."""
        app = FastAPI()

        @app.get("/v1/models")
        async def models() -> dict[str, object]:
            return {"data": [{"id": NAME}]}

        @app.post("/v1/chat/completions")
        async def completions(request: Request) -> Response:
            asked = await request.json()
            content = asked["messages"][-1]["content"]
            if asked.get("stream"):
                lines = self._draft(content)
                if lines is None:
                    return JSONResponse({"error": "no draft is set for this question"}, 400)
                return StreamingResponse(self._stream(lines), media_type="text/event-stream")
            reply = self.judge(content)
            if reply is None:
                return JSONResponse({"error": "this is not the prompt of a judge"}, 400)
            await asyncio.sleep(self.reply_delay)
            return JSONResponse({"choices": [{"message": {"content": reply}}]})

        return app

    def write(self, content: str) -> str | None:
        """Return the draft for the question of a prompt, with markers; None if none is set."""
        lines = self._draft(content)
        return None if lines is None else "".join(lines)

    def _draft(self, content: str) -> list[str] | None:
        question = max((q for q in self.drafts if content.endswith(q)), key=len, default=None)
        if question is None:
            return None
        sources = read_answer_prompt(content)
        return [self._marked(line, sources) + " " for line in self.drafts[question]]

    def _marked(self, line: Line, sources: Numbered) -> str:
        found = [sources.find(self.words[quote]) or () for quote in line.quotes]
        labels = sorted({label for each in found for label in each})
        markers = "".join(f"[{label}]" for label in labels)
        return f"{line.text[:-1]} {markers}{line.text[-1]}" if markers else line.text

    async def _stream(self, lines: Sequence[str]) -> AsyncIterator[str]:
        for n, line in enumerate(lines):
            for start in range(0, len(line), _PIECE):
                delta = {"choices": [{"delta": {"content": line[start : start + _PIECE]}}]}
                yield f"data: {json.dumps(delta)}\n\n"
            if n == 0:
                self.written = time.perf_counter()
        yield "data: [DONE]\n\n"

    def judge(self, content: str) -> str | None:
        """Return the verdicts that a prompt asks for, as JSON; None if it asks for none."""
        prompt = read_judge_prompt(content)
        if prompt is None:
            return None
        verdicts = [
            {"sentence": n, **self._flipped(self._verdict(text, prompt.evidence), text, prompt)}
            for n, text in enumerate(prompt.sentences, 1)
        ]
        return json.dumps({"verdicts": verdicts}, ensure_ascii=False)

    def _verdict(self, sentence: str, evidence: Numbered) -> dict[str, object]:
        known = self._recall(sentence)
        if known is None:
            numbers, supported = nearest(sentence, evidence.texts)
            ruling = "supported" if supported else "unsupported"
            self.unknown.append((sentence, ruling))
            return _verdict(ruling, list(numbers) if supported else [])
        judged, partial = known.judged, []
        for basis in known.bases:
            found = [evidence.find(self.words[quote]) for quote in basis]
            numbers = sorted({number for each in found for number in each or ()})
            if None not in found:
                return _verdict(judged.verdict, numbers, judged.words, judged.answers)
            partial = partial or numbers
        words = judged.words if judged.verdict != "supported" else ()
        return _verdict("unsupported", partial, words, judged.answers)

    def _recall(self, sentence: str) -> _Known | None:
        """What is known of a sentence, or of that of which it is a part, a true one first."""
        words = squeezed(sentence)
        if words in self._known or len(words) < _LEAST_PART:
            return self._known.get(words)
        return next((known for text, known in self._known.items() if words in text), None)

    def _flipped(self, verdict: dict[str, object], sentence: str, prompt) -> dict[str, object]:
        """The verdict, or at random its contrary."""
        if self._rng.random() >= self.flip:
            return verdict
        if verdict["verdict"] == "supported":
            return verdict | {"verdict": "unsupported"}
        numbers = verdict["evidence"] or list(nearest(sentence, prompt.evidence.texts)[0])
        return verdict | {"verdict": "supported", "evidence": numbers, "unsupported_words": []}


def _verdict(
    ruling: str, numbers: Sequence[int], words: Sequence[str] = (), answers: bool = True
) -> dict[str, object]:
    return {
        "evidence": list(numbers)[:MOST_NUMBERS],
        "unsupported_words": list(words),
        "verdict": ruling,
        "answers": answers,
    }
