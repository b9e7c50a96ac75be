"""The command group ``tenkyo models``: tests of the language models that are set."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import typer

from corpus.errors import ModelUnavailable, SettingsError
from service.cli import output
from service.cli.library import Json
from service.disclosure import model_name
from service.server import bootstrap, judges

if TYPE_CHECKING:
    from service.judging.self_test import SelfTestReport
    from service.server.judges import ChosenJudge

app = typer.Typer(no_args_is_help=True, help="Test the language models that are set.")


@app.callback()
def _group() -> None:
    """Make this a group, although it has one command."""


@app.command("test")
def test_judge(as_json: Json = False) -> None:
    """Test whether the judging language model may judge claims, and keep the outcome.

    It judges fixed sentences of known truth in both languages. Exit codes: 0: it passed. 1: it
    did not, and rules and checker decide. 2: there is no such model, or it gave no reply.
    """
    settings, server = bootstrap.start_local_model(bootstrap.load_settings())
    chosen = judges.choose_judge(settings, bootstrap.create_answer_model(settings))
    if chosen is None:
        raise SettingsError(
            "TENKYO_JUDGE",
            settings.judge,
            "no language model is set that could judge: set TENKYO_JUDGE_URL or TENKYO_LLM_URL"
            " (and TENKYO_JUDGE to auto or llm)",
        )
    result = asyncio.run(_run(chosen))
    del server  # it has served until now
    if as_json:
        print(json.dumps(result, ensure_ascii=False))
    else:
        output.print_self_test(result)
    raise SystemExit(2 if not result["answered"] else 0 if result["passed"] else 1)


async def _run(chosen: ChosenJudge) -> dict[str, Any]:
    """Take the self-test, then an ordinary call; return what came of both, as JSON."""
    from service.judging.self_test import load_self_test

    judge, group = chosen.judge, load_self_test()[0]
    try:
        await chosen.model.identify()  # raises what is wrong with its server
        report = await judge.prove(again=True)
        if report is None:
            raise ModelUnavailable(
                f"the model {judge.name} could not be tested: set TENKYO_LOG=info to see why"
            )
        sentences = [item.sentence for item in group.items]
        before = group.items[0].before
        call = await judge.judge(group.question, group.evidence(), sentences, before)
    finally:
        await chosen.close()
    return {
        "name": model_name(judge.name),
        "host": judge.host,
        **_report(report),
        "controls": call.failure or "believed",
    }


def _report(report: SelfTestReport) -> dict[str, Any]:
    from service.judging.self_test import load_self_test

    languages = [group.language for group in load_self_test() for _ in group.items]
    return {
        "items": [
            {
                "kind": each.item.kind,
                "language": language,
                "sentence": each.item.sentence,
                "supported": each.item.supported,
                "verdict": each.ruling or each.failure,
                "right": each.right,
            }
            for language, each in zip(languages, report.results, strict=True)
        ],
        "true": report.score(True),
        "false": report.score(False),
        "tokens": report.tokens,
        "seconds": round(report.seconds, 2),
        "answered": report.answered,
        "passed": report.passed,
    }
