"""A simulated cell that the software of the real one drives."""

import sewcell  # noqa: F401  # numba is told where to keep kernels
