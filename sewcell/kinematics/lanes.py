"""Branch-free functions of one lane, which the compiler vectorises: poses, angles and triangles."""

from math import pi, sqrt
from typing import Any

from numba import njit

ROTATION_TOLERANCE = 1e-6
"""Largest entry of R'R - I of a matrix that passes for a rotation."""
REACH_ROUND_OFF = 2e-10
"""By this much [m] a wrist may lie outside what the arm reaches and still count as reached."""
CLOSE = 1e-6
"""Closer to a singular set than this [m, or sine], a branch that misses its pose by less [m] is looked at again."""
SINGULAR_AXIS = 1e-10
"""Below this distance from an axis [m, or sine of the bend of a wrist] the angle about the axis is free."""

_TWO_PI = 2.0 * pi

inline: Any = njit(forceinline=True, error_model="numpy", fastmath={"contract", "nsz"})
"""Compiles into the caller's loop. Sums keep their order, for the accuracy near singular sets rests on it; a division
by zero is no exception, for an exception ends vectorisation."""
kernel: Any = njit(cache=True, error_model="numpy", fastmath={"contract", "nsz"})
"""Compiles at the first call with these types."""


@inline
def arctan2(y, x):  # type: ignore[no-untyped-def]
    """Angle of the point (x, y) in [-pi, pi] [rad], within 3 ulp; 0 for (0, 0).

    arctan(t) = t + t^3 p(t^2) for |t| <= tan(pi / 8) with p of degree 10 through Chebyshev nodes (relative error
    5e-18), the rest by symmetry.
    """
    u, v = abs(x), abs(y)
    small, large = (u, v) if u < v else (v, u)
    upper = small > 0.41421356237309503 * large
    above = small - large if upper else small
    below = small + large if upper else large
    t = above / (below if below > 0.0 else 1.0)
    z = t * t
    zz = z * z
    low = (-0.3333333333333333 + 0.1999999999999552 * z) + zz * (-0.14285714284666542 + 0.11111111015256361 * z)
    high = (-0.09090904578123903 + 0.07692183190826087 * z) + zz * (-0.06664511447381948 + 0.0585814891280221 * z)
    top = (-0.0508544973794026 + 0.03923165829558719 * z) - zz * 0.01917688711906226
    p = low + (zz * zz) * (high + (zz * zz) * top)
    angle = (0.25 * pi if upper else 0.0) + (t + t * (z * p))
    angle = 0.5 * pi - angle if v > u else angle
    angle = pi - angle if x < 0.0 else angle
    return -angle if y < 0.0 else angle


@inline
def coordinate(theta, offset, sign):  # type: ignore[no-untyped-def]
    """Joint coordinate (theta + offset) * sign in [-pi, pi), for |theta + offset| up to 3 pi [rad]."""
    q = (theta + offset) * sign
    q = q - _TWO_PI if q >= pi else q
    return q + _TWO_PI if q < -pi else q


@inline
def wrap(angle):  # type: ignore[no-untyped-def]
    """`angle`, up to 3 pi away from 0, in [-pi, pi] [rad]."""
    angle = angle - _TWO_PI if angle > pi else angle
    return angle + _TWO_PI if angle < -pi else angle


@inline
def opposite(angle):  # type: ignore[no-untyped-def]
    """`angle` in [-pi, pi], turned by a half turn, in [-pi, pi] [rad]."""
    return angle - pi if angle > 0.0 else angle + pi


@inline
def orthonormalise(a, b, c, d, e, f, g, h, i):  # type: ignore[no-untyped-def]
    """The matrix with rows (a b c), (d e f), (g h i), its columns made orthonormal: R (1.5 I - 0.5 R'R).

    One step of Newton's iteration for the polar factor: it squares the deviation.
    Returns: whether the matrix was a rotation (R'R = I within ROTATION_TOLERANCE, determinant above 0; false for NaN),
    and the nine entries.
    """
    xx, yy, zz = a * a + d * d + g * g - 1.0, b * b + e * e + h * h - 1.0, c * c + f * f + i * i - 1.0
    xy, xz, yz = a * b + d * e + g * h, a * c + d * f + g * i, b * c + e * f + h * i
    determinant = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)
    worst = max(max(max(abs(xx), abs(yy)), max(abs(zz), abs(xy))), max(abs(xz), abs(yz)))
    good = (worst <= ROTATION_TOLERANCE) & (determinant > 0.5)
    xx, yy, zz = 1.0 - 0.5 * xx, 1.0 - 0.5 * yy, 1.0 - 0.5 * zz
    xy, xz, yz = -0.5 * xy, -0.5 * xz, -0.5 * yz
    return (
        good,
        a * xx + b * xy + c * xz,
        a * xy + b * yy + c * yz,
        a * xz + b * yz + c * zz,
        d * xx + e * xy + f * xz,
        d * xy + e * yy + f * yz,
        d * xz + e * yz + f * zz,
        g * xx + h * xy + i * xz,
        g * xy + h * yy + i * yz,
        g * xz + h * yz + i * zz,
    )


@inline
def rate_reach(near, miss, loose, free):  # type: ignore[no-untyped-def]
    """1 for a branch that reaches its pose; 0.5 for one that does not, but may when it is looked at again; else 0.

    `loose` says that the posture is close to a singular set where an angle is the ratio of two small numbers: if the
    elbow is stretched as well, the bars may seem too short by what the angle is off. `free` says that an angle is free
    which moves the end of the bars.
    """
    again = free | (loose & (miss < CLOSE))
    return 1.0 if near & (miss <= REACH_ROUND_OFF) else (0.5 if near & again else 0.0)


@inline
def turn_to_plane(x, y, aside, cos_free, sin_free, facing):  # type: ignore[no-untyped-def]
    """The turn about axis 1 that brings a plane, `aside` [m] of the axis, through the point (x, y).

    The turned point is (ahead, aside) with ahead = +-sqrt(x^2 + y^2 - aside^2); `facing` +1 or -1 is its sign. On the
    axis the turn is free: (cos_free, sin_free).
    Returns: whether the plane reaches the point, cos and sin of the turn, ahead [m], whether the turn is free.
    """
    square = x * x + y * y
    across = sqrt(square)
    gap = (across - abs(aside)) * (across + abs(aside))
    ahead = facing * sqrt(gap if gap > 0.0 else 0.0)
    on_axis = across < SINGULAR_AXIS
    c, s = x * ahead + y * aside, y * ahead - x * aside
    length = across * max(across, abs(aside))  # of (c, s)
    scale = 1.0 / (1.0 if on_axis else length)
    c = cos_free if on_axis else c * scale
    s = sin_free if on_axis else s * scale
    return across >= abs(aside) - REACH_ROUND_OFF, c, s, ahead, on_axis


@inline
def close_triangle(x, y, first, second):  # type: ignore[no-untyped-def]
    """Two bars of lengths `first` and `second`, the second turned by gamma against the first, from (0, 0) to (x, y).

    With s^2 = x^2 + y^2 = first^2 + second^2 + 2 first second cos(gamma):
    u^2 = (first + second)^2 - s^2 and v^2 = s^2 - (first - second)^2 give tan(gamma / 2) = u / v, accurate where the
    bars are stretched (u = 0), folded (v = 0) and, as the far end m + i p of the bars is taken from first - second
    + 2 second v^2 / (u^2 + v^2), folded to nothing.
    Returns: by how much the bars miss (x, y) [m]; w = u^2 + v^2 > 0; w times cos and sin of gamma in [0, pi]; w times m
    and p: the first bar's angle is that of the point (x m + y p, y m - x p); -p belongs to -gamma.
    """
    s = sqrt(x * x + y * y)
    longest, shortest = first + second, abs(first - second)
    uu, vv = (longest - s) * (longest + s), (s - shortest) * (s + shortest)
    uu, vv = uu if uu > 0.0 else 0.0, vv if vv > 0.0 else 0.0
    w, sine = uu + vv, 2.0 * sqrt(uu * vv)
    miss = max(s - longest, shortest - s)
    return miss, w, vv - uu, sine, (first - second) * w + 2.0 * second * vv, second * sine
