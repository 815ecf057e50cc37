"""The compiled parts of the edge tracker: change-point scores, the curve through them, and blurred steps in columns."""

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.special import ndtr

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

SCORE_MIDDLE = 6.0
"""Half the squared Mahalanobis distance from the plate at which a pixel speaks for cloth as much as for plate."""
TABLE_STEP = 1.0 / 64.0
STEP_TABLE = ndtr(np.arange(-4.0, 4.0 + TABLE_STEP / 2, TABLE_STEP))
"""Phi, the normal distribution, at multiples of TABLE_STEP from -4 to 4: for `fit_steps`."""
STEP_RANGE_PX = 0.25
"""Distance of the places at which a step is tried [px]."""


@njit(cache=True, error_model="numpy")
def score_columns(
    pixels: NDArray[np.uint8],
    plate: Floats,
    blind: NDArray[np.bool_],
    gain: Floats,
    noise: float,
    shadow: float,
    first: int,
    step: int,
    every: int,
) -> Floats:
    """Running sums (H + 1, W / every) of what the pixels of every so many columns say for cloth.

    They are counted from the cloth's side of the picture: row `first` is the outermost there, `step` leads inwards.
    `gain` (W, 3). A pixel with the difference d from the plate's b says min(m / 2, 2 c) - c, c = SCORE_MIDDLE,
    m = d' (noise^2 + shadow^2 b b')^-1 d; a blind one 0. The edge of a column lies where its sum is largest (Page 1954,
    "Continuous Inspection Schemes").
    """
    rows, columns = pixels.shape[0], pixels.shape[1] // every
    total = np.zeros((rows + 1, columns), dtype=np.float32)
    inverse, tolerance = np.float32(1.0 / noise**2), np.float32(shadow**2 / noise**2)
    middle = np.float32(SCORE_MIDDLE)
    for i in range(rows):
        row = first + step * i
        for n in range(columns):
            j = n * every
            b0, b1, b2 = plate[row, j, 0] * gain[j, 0], plate[row, j, 1] * gain[j, 1], plate[row, j, 2] * gain[j, 2]
            d0 = np.float32(pixels[row, j, 0]) - b0
            d1 = np.float32(pixels[row, j, 1]) - b1
            d2 = np.float32(pixels[row, j, 2]) - b2
            along = d0 * b0 + d1 * b1 + d2 * b2
            length = b0 * b0 + b1 * b1 + b2 * b2
            square = d0 * d0 + d1 * d1 + d2 * d2 - along * along * tolerance / (np.float32(1.0) + tolerance * length)
            score = min(np.float32(0.5) * square * inverse, np.float32(2.0) * middle) - middle
            total[i + 1, n] = total[i, n] + (np.float32(0.0) if blind[row, j] else score)
    return total


@njit(cache=True, error_model="numpy")
def find_curve(total: Floats, every: int, hypotheses: int) -> tuple[Doubles, float]:
    """The parabola (3,), rows from the cloth's side over columns, on which `total`, of `score_columns`, is most.

    Parabolas through the maxima of three columns are tried, one of each third of the picture (Fischler and Bolles 1981,
    "Random Sample Consensus"); each is judged by all columns together. Returns also the mean of `total` on it.
    """
    rows, count = total.shape[0] - 1, total.shape[1]
    peak = np.empty(count)
    for n in range(count):
        best = 0
        for i in range(rows + 1):
            if total[i, n] > total[best, n]:
                best = i
        peak[n] = best
    third = count // 3
    state = 12345
    chosen, chosen_score = np.zeros(3), -np.inf
    for _ in range(hypotheses):
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        a = (state >> 8) % third
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        b = third + (state >> 8) % third
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        c = 2 * third + (state >> 8) % third
        xa, xb, xc = float(a * every), float(b * every), float(c * every)
        slope = (peak[b] - peak[a]) / (xb - xa)
        bend = ((peak[c] - peak[b]) / (xc - xb) - slope) / (xc - xa)
        score = 0.0
        for n in range(count):
            x = float(n * every)
            row = round(peak[a] + (slope + bend * (x - xb)) * (x - xa))
            score += total[min(max(row, 0), rows), n]
        if score > chosen_score:
            chosen_score = score
            chosen[0] = peak[a] - slope * xa + bend * xa * xb
            chosen[1] = slope - bend * (xa + xb)
            chosen[2] = bend
    return chosen, chosen_score / count


@njit(cache=True, error_model="numpy")
def fit_steps(
    pixels: NDArray[np.uint8],
    plate: Floats,
    blind: NDArray[np.bool_],
    gain: Floats,
    noise: float,
    shadow: float,
    first: int,
    step: int,
    every: int,
    expected: Doubles,
    blur: float,
    reach: float,
    inner: float,
    outer: float,
    steps: Doubles,
    table: Doubles,
    table_step: float,
) -> None:
    """Fit a blurred step to every so many columns near the `expected` (W,) row counted from the cloth's side.

    Pixel i of the column differs from the plate by a_i F, a_i = Phi((edge - i) / s), with unknown F (3,) and edge, over
    `inner` px on the cloth and `outer` px on the plate; s = `blur` [px] sqrt(1 + slope^2). With the best F, the error
    is least where |sum a_i d_i|^2 / sum a_i^2 is largest; lengths are Mahalanobis's as in `score_columns`. `table`
    holds Phi at multiples of `table_step` from -4 to 4.

    Fills `steps` (W, 2): the edge [px] and |F|^2, its contrast squared in units of the noise; 0 where none was found.
    """
    rows, columns, _ = pixels.shape
    tries = 2 * int(np.ceil(reach / STEP_RANGE_PX)) + 1
    merit = np.empty(tries)
    difference = np.empty((64, 3))
    steps[:, 1] = 0.0
    for j in range(0, columns, every):
        low = int(np.floor(expected[j] - inner - 0.5 * reach))
        high = int(np.ceil(expected[j] + outer + 0.5 * reach))
        if low < 0 or high > rows or high - low > 64:
            continue
        slope = expected[min(j + 1, columns - 1)] - expected[max(j - 1, 0)]
        slope /= min(j + 1, columns - 1) - max(j - 1, 0)
        width = blur * np.sqrt(1.0 + slope * slope)
        b0 = b1 = b2 = 0.0
        hidden = False
        for i in range(low, high):
            row = first + step * i
            hidden |= blind[row, j]
            p0, p1, p2 = plate[row, j, 0] * gain[j, 0], plate[row, j, 1] * gain[j, 1], plate[row, j, 2] * gain[j, 2]
            difference[i - low, 0] = pixels[row, j, 0] - p0
            difference[i - low, 1] = pixels[row, j, 1] - p1
            difference[i - low, 2] = pixels[row, j, 2] - p2
            b0 += p0
            b1 += p1
            b2 += p2
        if hidden:
            continue
        count = high - low
        b0, b1, b2 = b0 / count, b1 / count, b2 / count
        share = shadow**2 / (noise**2 + shadow**2 * (b0 * b0 + b1 * b1 + b2 * b2))
        best = 0
        contrast = 0.0
        for k in range(tries):
            edge = expected[j] + (k - tries // 2) * STEP_RANGE_PX
            s0 = s1 = s2 = square = 0.0
            for i in range(count):
                at = ((edge - (low + i)) / width + 4.0) / table_step
                cover = table[min(max(int(at + 0.5), 0), len(table) - 1)]
                s0 += cover * difference[i, 0]
                s1 += cover * difference[i, 1]
                s2 += cover * difference[i, 2]
                square += cover * cover
            along = s0 * b0 + s1 * b1 + s2 * b2
            length = (s0 * s0 + s1 * s1 + s2 * s2 - share * along * along) / noise**2
            merit[k] = length / max(square, 1e-9)
            if merit[k] > merit[best] or k == 0:
                best = k
                contrast = length / max(square * square, 1e-9)
        if best in (0, tries - 1):
            continue
        before, here, after = merit[best - 1], merit[best], merit[best + 1]
        bend = before - 2.0 * here + after
        part = 0.5 * (before - after) / bend if bend < 0.0 else 0.0
        steps[j, 0] = expected[j] + (best - tries // 2 + part) * STEP_RANGE_PX
        steps[j, 1] = contrast


@njit(cache=True, error_model="numpy")
def fit_polynomial(
    x: Doubles, y: Doubles, weight: Doubles, degree: int, scale_floor: float, rounds: int
) -> tuple[Doubles, Doubles, Doubles, float]:
    """Robust polynomial through points (N,): Tukey's biweight with the scale from the median deviation.

    Returns: coefficients (degree + 1,), lowest first; the covariance (degree + 1, degree + 1) for errors of size 1; the
    residuals (N,); and the scale.
    """
    n, size = len(x), degree + 1
    power = np.empty((n, size))
    for i in range(n):
        power[i, 0] = 1.0
        for k in range(1, size):
            power[i, k] = power[i, k - 1] * x[i]
    robust = weight.copy()
    solution = np.zeros(size)
    inverse = np.zeros((size, size))
    residual = np.zeros(n)
    scale = scale_floor
    for _ in range(rounds):
        normal = np.zeros((size, 2 * size))
        right = np.zeros(size)
        for i in range(n):
            for k in range(size):
                right[k] += robust[i] * power[i, k] * y[i]
                for m in range(size):
                    normal[k, m] += robust[i] * power[i, k] * power[i, m]
        for k in range(size):
            normal[k, k] += 1e-9
            normal[k, size + k] = 1.0
        for k in range(size):  # Gauss and Jordan; the matrix is positive definite
            normal[k] /= normal[k, k]
            for m in range(size):
                if m != k:
                    normal[m] -= normal[m, k] * normal[k]
        inverse[:] = normal[:, size:]
        for k in range(size):
            solution[k] = 0.0
            for m in range(size):
                solution[k] += inverse[k, m] * right[m]
        for i in range(n):
            value = 0.0
            for k in range(size):
                value += solution[k] * power[i, k]
            residual[i] = y[i] - value
        scale = max(1.4826 * np.median(np.abs(residual)), scale_floor)
        for i in range(n):
            u = residual[i] / (4.685 * scale)
            robust[i] = weight[i] * max(0.0, 1.0 - u * u) ** 2
    return solution, inverse, residual, scale
