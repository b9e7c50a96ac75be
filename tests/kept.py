"""Where the tests keep what takes long to make, for this run and the next ones."""

from pathlib import Path

CACHE = Path(__file__).parents[1] / ".pytest_cache"
