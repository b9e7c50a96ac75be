"""A file of questions through the engine, and what became of each; ``measures`` counts.

A run can be interrupted at any time: what is done is in the file of results, one line a
question, and the next run with the same conditions goes on after it.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

from corpus.errors import QuestionRefused, SettingsError
from corpus.types import text_hash
from service.answering.engine import ANSWER_VERSION, Engine
from service.evaluation.metrics import SEED, EvaluationQuestion, judge_statement
from service.generation import prompts
from service.query import check_question
from service.settings import Settings
from service.types import Answer, Claim, Draft, Mode, to_json
from service.verification.receipt import tenkyo_version
from service.verification.verifier import VERIFIER_VERSION, Verifier

ProgressCallback = Callable[
    [str, int, int], None
]  # what is being done, how much of it, of how much

_RECORD = b'{"id": '  # how the line of a result begins
_LISTS = ("answers", "sources", "passages", "quotes")


# The questions


def read_questions(path: Path) -> list[EvaluationQuestion]:
    """The questions of a file of JSON lines; docs/evaluation.md describes them.

    Raises SettingsError, naming the line and what to do about it, for the first line that is
    no question, and for a file that cannot be read or holds none.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise _refused(path, f"cannot be read ({reason}): name a file of JSON lines") from None
    questions: dict[str, EvaluationQuestion] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            question = _question(line)
            if question.id in questions:
                raise ValueError(f'the id "{question.id}" was there before: give it another')
        except ValueError as error:
            raise _refused(path, f"line {number}: {error}") from None
        questions[question.id] = question
    if not questions:
        raise _refused(path, 'it holds no question: write one a line, as {"id": …, "question": …}')
    return list(questions.values())


def _question(line: str) -> EvaluationQuestion:
    """A question from its line; ValueError says what is wrong with it and how to mend it."""
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise ValueError(
            f"not JSON ({error.msg} at column {error.colno}): write one object a line"
        ) from None
    if not isinstance(row, dict):
        raise ValueError("not a JSON object: write {…}, with id, question and answerable")
    for name, kind, example in (
        ("id", str, '"q1"'),
        ("question", str, '"Who …?"'),
        ("answerable", bool, "true"),
    ):
        if not isinstance(row.get(name), kind):
            raise ValueError(f'"{name}" is missing or of another kind: write "{name}": {example}')
    try:
        text = check_question(row["question"])
    except QuestionRefused as error:
        raise ValueError(str(error)) from None
    lists = {name: _strings(name, row.get(name)) for name in _LISTS}
    groups = row.get("must_contain") or []
    if not isinstance(groups, list):
        raise ValueError('"must_contain" is no list: write [["one", "or this"], ["and this"]]')
    return EvaluationQuestion(
        id=row["id"],
        question=text,
        answerable=row["answerable"],
        must_contain=tuple(_strings("must_contain", group) for group in groups),
        language=str(row.get("language") or ""),
        **lists,
    )


def _strings(name: str, value: Any) -> tuple[str, ...]:
    value = [] if value is None else value
    if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
        wanted = '[["…"]]' if name == "must_contain" else '["…"]'
        raise ValueError(f'"{name}" is no list of strings: write "{name}": {wanted}')
    return tuple(v for v in value if v.strip())


def sample_questions(
    questions: Sequence[EvaluationQuestion], sample: int | None, limit: int | None
) -> list[EvaluationQuestion]:
    """A random ``sample`` of the questions, always the same one, in their order; of that, or
    of all, the first ``limit``.
    """
    chosen = list(questions)
    if sample is not None and sample < len(chosen):
        picked = sorted(random.Random(SEED).sample(range(len(chosen)), sample))
        chosen = [chosen[i] for i in picked]
    return chosen[:limit]


# What an answer depends on


def settings_for(settings: Settings, mode: str) -> Settings:
    """The settings to run a mode with: no language model is started to quote.

    SettingsError if there is no such mode, or it needs a model and none is set.
    """
    if mode not in ("quoted", "generated"):
        raise SettingsError("--mode", mode, "there is no such mode: use quoted or generated")
    if mode == "quoted":
        return settings.model_copy(update={"llm_url": "", "llm_gguf": ""})
    if not (settings.llm_url or settings.llm_gguf):
        raise SettingsError(
            "--mode",
            mode,
            "there is no language model: set TENKYO_LLM_URL or TENKYO_LLM_GGUF, or use"
            " --mode quoted",
        )
    return settings


def conditions(engine: Engine, settings: Settings, mode: Mode) -> dict[str, str | int]:
    """All that an answer depends on besides its question: two runs with the same are one."""
    return {
        "mode": mode,
        "model": "" if mode == "quoted" or engine.model is None else engine.model.name,
        "window": settings.llm_window,
        "embedder": engine.library.embedder.name,
        "checker": f"{engine.checker.name} {engine.checker.digest[:12]}",
        "library": engine.library.store.revision(),
        "top_k": settings.top_k,
        "evidence_chars": settings.evidence_chars,
        "tenkyo": tenkyo_version(),
        "answering": ANSWER_VERSION,
        "verifier": VERIFIER_VERSION,
        "prompt": "" if mode == "quoted" else prompts.digest()[:12],
    }


# The run


async def run_questions(
    engine: Engine,
    questions: Sequence[EvaluationQuestion],
    mode: Mode,
    made_with: dict[str, str | int],
    out: Path | None,
    progress: ProgressCallback,
) -> list[dict[str, Any]]:
    """One record a question, in their order; see ``measures`` for what is in it.

    With ``out``, those that are in that file already are not asked again, and each other one
    is appended as it is done. Raises SettingsError if the file was made with other conditions.
    """
    fingerprint = text_hash(json.dumps(made_with, sort_keys=True))[:12]
    done = read_results(out, made_with) if out else {}
    missing = [q for q in questions if (q.id, q.question) not in done]
    progress("asking", len(questions) - len(missing), len(questions))
    if missing:
        engine.warm_up()
    for number, question in enumerate(missing, len(questions) - len(missing) + 1):
        record = {"id": question.id, "question": question.question}
        record |= {"fingerprint": fingerprint, "conditions": made_with}
        record |= await _ask(engine, question, mode)
        done[question.id, question.question] = record
        if out:
            _write(out, "ab", (json.dumps(record, ensure_ascii=False) + "\n").encode())
        progress("asking", number, len(questions))
    return [done[q.id, q.question] for q in questions]


async def _ask(engine: Engine, question: EvaluationQuestion, mode: Mode) -> dict[str, Any]:
    """The answer to a question, how long it took in seconds, and its claims judged."""
    started = time.perf_counter()
    first, answer = None, None
    async with aclosing(engine.stream(question.question, mode=mode)) as events:
        async for event in events:
            if isinstance(event.data, Claim) and first is None:
                first = round(time.perf_counter() - started, 4)
            elif isinstance(event.data, Answer):
                answer = event.data
    total = round(time.perf_counter() - started, 4)
    judged = judge_answer(engine.verifier, answer)
    return {"first_claim": first, "total": total, "judged": judged, "answer": to_json(answer)}


def judge_answer(verifier: Verifier, answer: Answer) -> list[dict[str, Any]]:
    """A Judgement for each claim, as JSON, by our own verifier.

    It reads the cited passages, not the quotes alone. It knows only one or two sentences of
    one passage at a time, so what two passages support only together it does not see.
    """
    shown = {e.label: e for e in answer.evidence}
    judged = []
    for claim in answer.claims:
        cited = [shown[c.label] for c in claim.citations]

        def supports(positions: Sequence[int], claim=claim, cited=cited) -> bool:
            evidence = [cited[i] for i in positions]
            draft = Draft(claim.text, tuple(e.label for e in evidence))
            return verifier.check(draft, evidence).verdict.label == "supported"

        judged.append(asdict(judge_statement(len(cited), supports)))
    return judged


def read_results(path: Path, made_with: dict[str, str | int]) -> dict[tuple[str, str], dict]:
    """The records of a file by id and question; none if there is no such file yet.

    A last line that an interruption cut short is removed from the file. Raises SettingsError
    if the file is something else, or was made with other conditions.
    """
    try:
        data = path.read_bytes() if path.exists() else b""
        end = data.rfind(b"\n") + 1
        whole = data[:end].decode()
    except (OSError, UnicodeDecodeError) as error:
        raise _unusable(path, f"cannot be read ({error})") from None
    records = {}
    for number, line in enumerate(whole.split("\n")[:-1], 1):
        try:
            record = json.loads(line)
            found = record["conditions"]
            records[record["id"], record["question"]] = record
            record["answer"]["claims"], record["judged"]  # what a record of another file lacks
        except (ValueError, KeyError, TypeError):
            raise _unusable(path, f"line {number} is no result of `tenkyo eval`") from None
        if found != made_with:
            other = ", ".join(
                f"{name} was {found.get(name)!r} and is {value!r}"
                for name, value in made_with.items()
                if found.get(name) != value
            )
            raise _unusable(path, f"line {number} was made with other settings ({other})")
    if rest := data[end:]:
        if not (rest.startswith(_RECORD) or _RECORD.startswith(rest)):
            raise _unusable(path, "its last line is no result of `tenkyo eval`")
        _write(path, "wb", data[:end])
    return records


def _write(path: Path, mode: Literal["ab", "wb"], data: bytes) -> None:
    try:
        with path.open(mode) as file:
            file.write(data)
    except OSError as error:
        raise _unusable(path, f"cannot be written ({error.strerror})") from None


def _refused(path: Path, reason: str) -> SettingsError:
    return SettingsError("QUESTIONS", path, reason)


def _unusable(path: Path, reason: str) -> SettingsError:
    return SettingsError("--out", path, f"{reason}: name another file, or remove this one")
