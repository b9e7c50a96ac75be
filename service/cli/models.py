"""The command group ``tenkyo models``: tests of the models that are set."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import typer

from corpus.errors import ModelUnavailable, SettingsError
from service.cli import output
from service.cli.library import Json
from service.disclosure import model_name
from service.server import bootstrap, judges, language_models

if TYPE_CHECKING:
    from service.judging.self_test import SelfTestReport
    from service.server.judges import ChosenJudge
    from service.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Test the models that are set.")


@app.callback()
def _group() -> None:
    """Make this a group, although it has one command."""


@app.command("test")
def test_models(as_json: Json = False) -> None:
    """Test the embedder, the re-ranker and the judging language model, where one is set.

    The first two search the shipped digests for the shipped questions, beside the bundled embedder.
    The judge rules on fixed sentences of known truth, and the outcome is kept. Exit codes: 0: all
    of them work. 1: the judge did not pass, and rules and checker decide. 2: no model is set that
    could be tested, or one of them gave no reply.
    """
    settings = bootstrap.load_settings()
    result: dict[str, Any] = {"retrieval": _test_retrieval(settings)}
    if result["retrieval"] and not as_json:
        output.print_retrieval(result["retrieval"])
    settings, server = bootstrap.start_local_model(settings)
    chosen = judges.choose_judge(settings, language_models.create_answer_model(settings))
    if chosen is None and not result["retrieval"]:
        raise SettingsError(
            "TENKYO_JUDGE",
            settings.judge,
            "no language model is set that could judge: set TENKYO_JUDGE_URL or TENKYO_LLM_URL"
            " (and TENKYO_JUDGE to auto or llm); to test a model for the search, set"
            " TENKYO_EMBEDDER or TENKYO_RERANKER, or the URL of one",
        )
    if chosen:
        result |= asyncio.run(_run(chosen))
        del server  # it has served until now
        if not as_json:
            output.print_self_test(result)
    if as_json:
        print(json.dumps(result, ensure_ascii=False))
    if chosen:
        raise SystemExit(2 if not result["answered"] else 0 if result["passed"] else 1)


def _test_retrieval(settings: Settings) -> list[dict[str, Any]]:
    """Test the embedder and the re-ranker that are set; none if both are left as they come."""
    from index.inference.model_registry import BUNDLED_EMBEDDER

    reranker = bootstrap.create_reranker(settings)
    own = settings.embedder_url or settings.embedder != BUNDLED_EMBEDDER
    if not (own or reranker):
        return []
    from service.evaluation.retrieval import RetrievalTest

    reports = []
    if own:
        with suppress(ModelUnavailable):  # it is there to compare, on the systems that have it
            bundled = settings.model_copy(update={"embedder": BUNDLED_EMBEDDER, "embedder_url": ""})
            reports.append(RetrievalTest(bootstrap.create_embedder(bundled)).embedder())
    test = RetrievalTest(bootstrap.create_embedder(settings))
    reports.append(test.embedder())
    if reranker:
        reports.append(test.reranker(reranker))
    return [report.to_json() for report in reports]


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
