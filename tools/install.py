"""Install packages with pip; if that fails, print one line that names the cause.

    python tools/install.py -c constraints.txt --editable '.[test]'
    python tools/install.py --venv .venv

Takes the arguments of ``pip install``; or makes a virtual environment, by the Python that runs it.
Only wheels are installed, so nothing needs a compiler. Modules are compiled to bytecode at their
first use, which halves the time of an installation. If it fails, pip's full output is in
install.log in the folder of the environment.
"""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import time
from pathlib import Path

# How pip reports a requirement that cannot be met, the most specific first.
CAUSES = (
    r"The user requested \(constraint\) (\S.*)",
    r"No matching distribution found for (\S.*)",
    r"(?i)\berror: (\S.*)",
)
EVERY = 5.0  # seconds between lines of progress
HELP = "set another version in constraints.txt"


def cause(report: str) -> str:
    """Find the cause of a failure in pip's output: a requirement, or else an error."""
    for pattern in CAUSES[:2]:
        if found := re.findall(pattern, report):
            return f"no build of {found[-1].strip()} for this machine and Python: {HELP}"
    errors = re.findall(CAUSES[2], report)
    return errors[0].strip() if errors else "pip failed without saying why"


def run(command: list[str], every: float = EVERY) -> tuple[int, str]:
    """Run a command and print what it is at every few seconds; return exit code and output.

    pip says nothing while it fetches or unpacks a large package: its last line is then repeated.
    """
    report: list[str] = []
    began = time.monotonic()
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    ) as child:

        def read() -> None:
            for line in child.stdout or ():
                report.append(line)

        reader = threading.Thread(target=read)
        reader.start()
        while reader.join(every) or reader.is_alive():
            last = next((line.strip() for line in reversed(report) if line.strip()), "starting")
            print(f"  {time.monotonic() - began:.0f} s: {last[:90]}", flush=True)
    return child.returncode, "".join(report)


def make_venv(folder: str) -> int:
    """Make a virtual environment; return 0, or 2 after printing one line on standard error."""
    code, _ = run([sys.executable, "-m", "venv", folder])
    if code:
        print("cannot make a virtual environment: install python3-venv", file=sys.stderr)
    return 2 if code else 0


def main(arguments: list[str]) -> int:
    """Install packages; return 0, or 2 after printing one line on standard error."""
    if arguments[:1] == ["--venv"]:
        return make_venv(arguments[1])
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
