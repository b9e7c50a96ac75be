"""Paths of test data, and of the cache for what takes long to make."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
TESTS = ROOT / "tests"
DATA = TESTS / "data"
SHARED = ROOT.parent / "shared"
"""The measurement data beside the repository; it may be absent."""
CACHE = ROOT / ".pytest_cache"
"""What takes long to make is kept here for later runs."""
