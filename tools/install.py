"""Install packages with pip; if that fails, say in one line which requirement is the cause.

    python tools/install.py -c constraints.txt --editable '.[test]'

Takes the arguments of ``pip install``. Packages come as wheels, so that nothing needs a compiler,
and Python compiles each module at its first use: half of the time, with ten thousand of them.
pip's own report is kept in the environment's folder, as install.log.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path

# What pip says of a requirement that cannot be met, the most telling first.
CAUSES = (
    r"The user requested \(constraint\) (\S.*)",
    r"No matching distribution found for (\S.*)",
    r"(?i)\berror: (\S.*)",
)
EVERY = 5.0  # seconds between the lines that show how far pip is
HELP = "name another version in constraints.txt"


def cause(report: str) -> str:
    """Return what kept pip from installing, from what it printed: a requirement or its error."""
    for pattern in CAUSES[:2]:
        if found := re.findall(pattern, report):
            return f"no build of {found[-1].strip()} for this machine and Python: {HELP}"
    errors = re.findall(CAUSES[2], report)
    return errors[0].strip() if errors else "pip ended without saying why"


def run(command: list[str]) -> tuple[int, str]:
    """Run pip; return its exit code and what it printed, of which a line is shown now and then."""
    report, shown = [], time.monotonic()
    pip = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    )
    for line in pip.stdout or ():
        report.append(line)
        if line.strip() and time.monotonic() - shown > EVERY:
            shown = time.monotonic()
            print(f"  {line.strip()[:90]}", flush=True)
    return pip.wait(), "".join(report)


def main(arguments: list[str]) -> int:
    """Run pip; return 0, or 2 after one line on standard error."""
    pip = [sys.executable, "-m", "pip", "install", "--progress-bar", "off", "--no-compile"]
    code, report = run([*pip, "--only-binary", ":all:", *arguments])
    if code == 0:
        return 0
    log = Path(sys.prefix) / "install.log"
    log.write_text(report, encoding="utf-8")
    print(f"cannot install: {cause(report)} (pip's report: {log})", file=sys.stderr)
    return 2


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
