"""Type aliases for the NumPy arrays that are shared across the index."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
