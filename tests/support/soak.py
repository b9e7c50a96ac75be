"""Whether long measurements are made whole: by `make soak`. `make test` takes a sample of each."""

import os

SOAK = bool(os.environ.get("SOAK"))
