"""The ``tenkyo`` command, run in a process of its own or, faster, in this one."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys

import pytest

from service.cli import main
from tests.support.bundled_models import lend_models
from tests.support.paths import ROOT


def run_process(
    *arguments: object, stdin: str = "", **environ: str
) -> subprocess.CompletedProcess[str]:
    """Run a command as a person does; importing all that it needs takes a second or two."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("TENKYO_")}
    return subprocess.run(
        [sys.executable, "-m", "service.cli.main", *map(str, arguments)],
        cwd=ROOT, capture_output=True, text=True, input=stdin, timeout=120, env=kept | environ,
    )  # fmt: skip


def run_here(
    *arguments: object, stdin: str = "", **environ: str
) -> subprocess.CompletedProcess[str]:
    """Run a command in this process, with its own input, output, arguments and settings.

    It does not load bundled models that are loaded already: a command in its own process does.
    """
    out, err = io.StringIO(), io.StringIO()
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        pytest.raises(SystemExit) as ended,
    ):
        patch.setattr(sys, "argv", ["tenkyo", *map(str, arguments)])
        lend_models(patch)
        patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        for name, value in environ.items():
            patch.setenv(name, value)
        main.main()
    code = ended.value.code or 0
    return subprocess.CompletedProcess(arguments, int(code), out.getvalue(), err.getvalue())
