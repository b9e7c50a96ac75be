"""Whether long measurements are made whole: by `make soak`. `make test` takes a sample of each."""

import os

import pytest

SOAK = bool(os.environ.get("SOAK"))
soak_only = pytest.mark.skipif(not SOAK, reason="takes long: make soak")
