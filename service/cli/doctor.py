"""The command ``tenkyo doctor``: what is wrong with this installation, and how to mend it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from corpus.errors import SettingsError
from service.cli import progress
from service.cli.library import Json
from service.server import bootstrap

if TYPE_CHECKING:
    from service.server.checkup import Finding

app = typer.Typer()


@app.command()
def doctor(as_json: Json = False) -> None:
    """Check models, index, database, disk, model servers and port, and say how to mend them.

    Exit codes: 0: nothing is wrong. 1: something is.
    """
    findings = []
    for finding in _findings():
        findings.append(finding)
        if not as_json:
            _print(finding)
    wrong = sum(not each.ok for each in findings)
    if as_json:
        made = {"ok": not wrong, "checks": [asdict(each) for each in findings]}
        print(json.dumps(made, ensure_ascii=False))
    else:
        things = "1 thing is" if wrong == 1 else f"{wrong} things are"
        again = f"{things} wrong: run the first command after →, then `tenkyo doctor` again"
        print(f"\n{again if wrong else 'nothing is wrong'}")
    raise SystemExit(1 if wrong else 0)


def _findings() -> Iterator[Finding]:
    """Yield what each check finds, as soon as it does."""
    from service.server.checkup import Finding, checks, run_check

    try:
        settings = bootstrap.load_settings()
    except SettingsError as error:
        yield Finding("settings", False, str(error), f"unset {error.name}")
        return
    for name, check in checks(settings).items():
        with progress.lines(f"still checking: {name}".format):
            finding = run_check(name, check, settings)
        yield finding


def _print(finding: Finding) -> None:
    print(f"{'ok' if finding.ok else 'wrong':<7}{finding.name:<14}{finding.detail}", flush=True)
    if finding.command:
        print(f"{'':<21}→ {finding.command}", flush=True)
