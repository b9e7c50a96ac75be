"""Where the tests find what they read, and keep what takes long to make."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
TESTS = ROOT / "tests"
DATA = TESTS / "data"
SHARED = ROOT.parent / "shared"
"""The measurement data beside the repository; not there on every machine."""
CACHE = ROOT / ".pytest_cache"
"""What takes long to make is kept here, for this run and the next ones."""
