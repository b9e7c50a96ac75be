"""Evaluation runs: read a file of questions, answer them with the engine and store the results.

A run can be interrupted at any time. Each answer is appended to the file of results as one line,
and the next run with the same conditions continues after the last one. ``metrics`` computes the
figures.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, Literal

from corpus.errors import QuestionRefused, SettingsError
from corpus.types import text_hash
from service.answering.engine import ANSWER_VERSION, Engine
from service.evaluation.metrics import SEED, EvaluationQuestion, judge_citations
from service.generation import prompts
from service.judging.record import judge_identity
from service.query import check_question
from service.settings import Settings
from service.types import Answer, Claim, Draft, Evidence, Mode, to_json
from service.verification.receipt import tenkyo_version
from service.verification.verifier import VERIFIER_VERSION, Verifier

ProgressCallback = Callable[[str, int, int], None]  # called with step, number done, total
Conditions = dict[str, str | int]
ResultRecord = dict[str, Any]

_RECORD = b'{"id": '  # the beginning of the line of a result
_MODES: dict[str, Mode] = {"quoted": "quoted", "generated": "generated"}
_LISTS = ("answers", "sources", "passages", "quotes")


# The questions


def read_questions(path: Path) -> list[EvaluationQuestion]:
    """Read the questions of an evaluation from a JSON Lines file (see docs/evaluation.md).

    Raises:
        SettingsError: The file cannot be read or has no questions, or a line is not a question;
            the message names the line and the fix.
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
                raise ValueError(f'the id "{question.id}" is used above: give it another one')
        except ValueError as error:
            raise _refused(path, f"line {number}: {error}") from None
        questions[question.id] = question
    if not questions:
        raise _refused(path, 'it has no questions: write one per line: {"id": …, "question": …}')
    return list(questions.values())


def _question(line: str) -> EvaluationQuestion:
    """Read a question from a line of JSON.

    Raises:
        ValueError: The line is not a question; the message names the fault and the fix.
    """
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise ValueError(
            f"not JSON ({error.msg} at column {error.colno}): write one object per line"
        ) from None
    if not isinstance(row, dict):
        raise ValueError("not a JSON object: write {…}, with id, question and answerable")
    for name, kind, example in (
        ("id", str, '"q1"'),
        ("question", str, '"Who …?"'),
        ("answerable", bool, "true"),
    ):
        if not isinstance(row.get(name), kind):
            raise ValueError(f'"{name}" is missing or of the wrong type: write "{name}": {example}')
    try:
        text = check_question(row["question"])
    except QuestionRefused as error:
        raise ValueError(str(error)) from None
    lists = {name: _strings(name, row.get(name)) for name in _LISTS}
    groups = row.get("must_contain") or []
    if not isinstance(groups, list):
        raise ValueError('"must_contain" is not a list: write [["one", "or this"], ["and this"]]')
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
        raise ValueError(f'"{name}" is not a list of strings: write "{name}": {wanted}')
    return tuple(v for v in value if v.strip())


def sample_questions(
    questions: Sequence[EvaluationQuestion], sample: int | None, limit: int | None
) -> list[EvaluationQuestion]:
    """Return a reproducible random sample of some questions, in their order.

    Args:
        questions: The questions of a file.
        sample: How many to draw at random, always the same ones; None for all.
        limit: How many to keep after that, from the first on; None for all.
    """
    chosen = list(questions)
    if sample is not None and sample < len(chosen):
        picked = sorted(random.Random(SEED).sample(range(len(chosen)), sample))
        chosen = [chosen[i] for i in picked]
    return chosen[:limit]


# The conditions of a run


def settings_for(settings: Settings, mode: Mode) -> Settings:
    """Return the settings for an evaluation in one mode; in quote mode, without a language model.

    Raises:
        SettingsError: The mode needs a language model and none is set.
    """
    if mode == "quoted":
        return settings.model_copy(update={"llm_url": "", "llm_gguf": "", "judge": "off"})
    if not (settings.llm_url or settings.llm_gguf):
        raise SettingsError(
            "--mode",
            mode,
            "there is no language model: set TENKYO_LLM_URL or TENKYO_LLM_GGUF, or use"
            " --mode quoted",
        )
    return settings


def check_mode(mode: str) -> Mode:
    """Return a mode that was named on the command line.

    Raises:
        SettingsError: There is no such mode.
    """
    if mode not in _MODES:
        raise SettingsError("--mode", mode, "there is no such mode: use quoted or generated")
    return _MODES[mode]


def conditions(engine: Engine, settings: Settings, mode: Mode) -> Conditions:
    """Return what the answers depend on besides the questions, such as models and versions.

    Two runs with the same conditions can share a file of results.
    """
    judge = judge_identity(engine.judge) if engine.judge and engine.judge.able else None
    return {
        "mode": mode,
        "model": "" if mode == "quoted" or engine.model is None else engine.model.name,
        "window": settings.llm_window,
        "embedder": engine.library.embedder.name,
        "reranker": engine.library.reranker.name if engine.library.reranker else "",
        "checker": f"{engine.checker.name} {engine.checker.digest[:12]}",
        "library": engine.library.store.revision(),
        "top_k": settings.top_k,
        "evidence_chars": settings.evidence_chars,
        "tenkyo": tenkyo_version(),
        "answering": ANSWER_VERSION,
        "verifier": VERIFIER_VERSION,
        "judge": f"{judge.name} at {judge.host}, prompt {judge.prompt_version}" if judge else "",
        "prompt": "" if mode == "quoted" else prompts.digest()[:12],
    }


# The run


async def run_questions(
    engine: Engine,
    questions: Sequence[EvaluationQuestion],
    mode: Mode,
    made_with: Conditions,
    out: Path | None,
    progress: ProgressCallback,
) -> list[ResultRecord]:
    """Answer questions, and return one record for each, in their order; see ``metrics``.

    Args:
        engine: What answers.
        questions: The questions to answer.
        mode: ``quoted`` or ``generated``.
        made_with: The ``conditions`` of the run.
        out: A file to which each record is appended as soon as it is done. Questions that it has
            already are not asked again. None to store nothing.
        progress: Called with the step, the number of questions done and their total.

    Raises:
        SettingsError: ``out`` cannot be used, or was made with other conditions.
    """
    fingerprint = text_hash(json.dumps(made_with, sort_keys=True))[:12]
    done = read_results(out, made_with) if out else {}
    missing = [q for q in questions if (q.id, q.question) not in done]
    progress("asking", len(questions) - len(missing), len(questions))
    if missing:
        engine.warm_up()
    for number, question in enumerate(missing, len(questions) - len(missing) + 1):
        record: ResultRecord = {"id": question.id, "question": question.question}
        record |= {"fingerprint": fingerprint, "conditions": made_with}
        record |= await _ask(engine, question, mode)
        done[question.id, question.question] = record
        if out:
            _write(out, "ab", (json.dumps(record, ensure_ascii=False) + "\n").encode())
        progress("asking", number, len(questions))
    return [done[q.id, q.question] for q in questions]


async def _ask(engine: Engine, question: EvaluationQuestion, mode: Mode) -> ResultRecord:
    """Answer one question, measure the time in seconds and judge its claims."""
    started = time.perf_counter()
    first: float | None = None
    answer: Answer | None = None
    async with aclosing(engine.stream(question.question, mode=mode)) as events:
        async for event in events:
            if isinstance(event.data, Claim) and first is None:
                first = round(time.perf_counter() - started, 4)
            elif isinstance(event.data, Answer):
                answer = event.data
    assert answer is not None, "a stream ends with its answer"
    total = round(time.perf_counter() - started, 4)
    judged = judge_answer(engine.verifier, answer)
    return {"first_claim": first, "total": total, "judged": judged, "answer": to_json(answer)}


def judge_answer(verifier: Verifier, answer: Answer) -> list[dict[str, Any]]:
    """Judge the citations of each claim of an answer with our own verifier.

    The verifier reads the whole cited passages, not only the quotes. It compares a claim with
    one or two sentences of one passage at a time, so it does not see what two passages support
    only together.

    Returns:
        ``metrics.CitationScores`` as JSON, one for each claim; [] for an answer from the
        catalogue, which no passage supports.
    """
    if answer.mode == "metadata":
        return []
    shown = {e.label: e for e in answer.evidence}
    judged = []
    for claim in answer.claims:
        cited = [shown[label] for label in claim.labels]
        supports = partial(_supports, verifier, claim, cited)
        judged.append(asdict(judge_citations(len(cited), supports)))
    return judged


def _supports(
    verifier: Verifier, claim: Claim, cited: Sequence[Evidence], positions: Sequence[int]
) -> bool:
    """Return whether the cited passages at some positions together support a claim."""
    evidence = [cited[i] for i in positions]
    draft = Draft(claim.text, tuple(e.label for e in evidence))
    return verifier.check(draft, evidence).verdict.label == "supported"


def read_results(path: Path, made_with: Conditions) -> dict[tuple[str, str], ResultRecord]:
    """Read the records of a file of results, by question id and question.

    A last line that an interruption cut short is removed from the file. There are no records
    if the file does not exist.

    Raises:
        SettingsError: The file is not one of results, or was made with other conditions.
    """
    try:
        data = path.read_bytes() if path.exists() else b""
        end = data.rfind(b"\n") + 1
        whole = data[:end].decode()
    except (OSError, UnicodeDecodeError) as error:
        raise _unusable(path, f"cannot be read ({error})") from None
    records: dict[tuple[str, str], ResultRecord] = {}
    for number, line in enumerate(whole.split("\n")[:-1], 1):
        try:
            record = json.loads(line)
            found = record["conditions"]
            records[record["id"], record["question"]] = record
            record["answer"]["claims"], record["judged"]  # what only a record has
        except (ValueError, KeyError, TypeError):
            raise _unusable(path, f"line {number} is not a result of `tenkyo eval`") from None
        if found != made_with:
            other = ", ".join(
                f"{name} was {found.get(name)!r} and is {value!r}"
                for name, value in made_with.items()
                if found.get(name) != value
            )
            raise _unusable(path, f"line {number} was made with other settings ({other})")
    if rest := data[end:]:
        if not (rest.startswith(_RECORD) or _RECORD.startswith(rest)):
            raise _unusable(path, "its last line is not a result of `tenkyo eval`")
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
