"""Cholesky factorisation of symmetric banded matrices: the same bits with any number of threads."""

import numpy as np
from numba import njit

from sewcell.geometry.poses import Array

BLOCK = 4
SPARE = BLOCK - 1
"""Columns of zeros that every band carries at its right, so that a block may read beyond it."""


@njit(cache=True, error_model="numpy")
def factor_band(band: Array) -> bool:
    """Replace the lower band of a positive definite matrix by that of its Cholesky factor.

    `band` (n, w + SPARE): entry (j, k) is element (j + k, j) of the matrix, 0 for k >= w. BLOCK columns at a time
    update those to their right, which saves memory traffic (Golub and Van Loan, "Matrix Computations", 4.3.5, 4.2.9).

    Returns: False when the matrix is not positive definite; `band` is spoilt then.
    """
    n = band.shape[0]
    w = band.shape[1] - SPARE
    for j in range(0, n, BLOCK):
        last = min(j + BLOCK, n)
        for i in range(j, last):
            pivot = band[i, 0]
            if not pivot > 0.0:
                return False
            scale = 1.0 / np.sqrt(pivot)
            for k in range(w):
                band[i, k] *= scale
            for m in range(1, last - i):
                factor = band[i, m]
                for k in range(w - m):
                    band[i + m, k] -= factor * band[i, m + k]
        if last - j == BLOCK:
            _update(band, j, n, w)
    return True


@njit(cache=True, error_model="numpy")
def solve_band(factor: Array, rhs: Array) -> None:
    """Solve with the factor of `factor_band`; `rhs` (n,) becomes the solution."""
    n = factor.shape[0]
    w = factor.shape[1] - SPARE
    for j in range(n):
        rhs[j] /= factor[j, 0]
        value = rhs[j]
        for k in range(1, min(w, n - j)):
            rhs[j + k] -= factor[j, k] * value
    for j in range(n - 1, -1, -1):
        reach = min(w, n - j)
        column, known = factor[j], rhs[j:]
        p = q = r = s = 0.0
        k = 1
        while k + BLOCK <= reach:
            p += column[k] * known[k]
            q += column[k + 1] * known[k + 1]
            r += column[k + 2] * known[k + 2]
            s += column[k + 3] * known[k + 3]
            k += BLOCK
        while k < reach:
            p += column[k] * known[k]
            k += 1
        rhs[j] = (rhs[j] - (p + q + r + s)) / column[0]


@njit(cache=True, error_model="numpy", inline="always")
def _update(band: Array, j: int, n: int, w: int) -> None:
    """Take columns j to j + 3 of the factor out of the columns to their right."""
    p, q, r, s = band[j], band[j + 1], band[j + 2], band[j + 3]
    for m in range(BLOCK, min(w + SPARE, n - j)):
        a, b, c, d = p[m], q[m - 1], r[m - 2], s[m - 3]
        if a == 0.0 and b == 0.0 and c == 0.0 and d == 0.0:
            continue
        t, p0, q0, r0, s0 = band[j + m], p[m:], q[m - 1 :], r[m - 2 :], s[m - 3 :]
        for k in range(w + SPARE - m):
            t[k] -= a * p0[k] + b * q0[k] + c * r0[k] + d * s0[k]
