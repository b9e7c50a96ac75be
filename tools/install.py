"""Install packages with pip; if that fails, say in one line which requirement is the cause.

    python tools/install.py -c constraints.txt --editable '.[test]'

Takes the arguments of ``pip install``. Nothing is compiled: packages come as wheels. pip's own
report is kept in the environment's folder, as install.log.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

# What pip says of a requirement that cannot be met, the most telling first.
CAUSES = (
    r"The user requested \(constraint\) (\S.*)",
    r"No matching distribution found for (\S.*)",
    r"(?i)\berror: (\S.*)",
)
HELP = "name another version in constraints.txt"


def cause(report: str) -> str:
    """Return what kept pip from installing, from what it printed: a requirement or its error."""
    for pattern in CAUSES[:2]:
        if found := re.findall(pattern, report):
            return f"no build of {found[-1].strip()} for this machine and Python: {HELP}"
    errors = re.findall(CAUSES[2], report)
    return errors[0].strip() if errors else "pip ended without saying why"


def main(arguments: list[str]) -> int:
    """Run pip; return 0, or 2 after one line on standard error."""
    pip = [sys.executable, "-m", "pip", "install", "--progress-bar", "off"]
    done = subprocess.run(
        [*pip, "--only-binary", ":all:", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    )
    if done.returncode == 0:
        return 0
    log = Path(sys.prefix) / "install.log"
    log.write_text(done.stdout, encoding="utf-8")
    print(f"cannot install: {cause(done.stdout)} (pip's report: {log})", file=sys.stderr)
    return 2


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
