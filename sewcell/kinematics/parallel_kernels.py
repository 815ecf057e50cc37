"""Kernels of the closed form for an arm whose joints 2, 3 and 4 are parallel: one pose, one path, many poses.

Branch 4 s + 2 w + e: shoulder s (0 facing the wrist), wrist w (0 for sin(theta5) >= 0), elbow e (0 for theta3 >= 0).

With a = (sin theta1, -cos theta1, 0), the direction of axes 2 to 4, and R = R_base_flange:
R'a = (sin5 cos6, -sin5 sin6, cos5); the point o5 = t - d6 R z lies d4 along a; n = R (sin6, cos6, 0), the y axis of
frame 5, is R01 (-sin234, cos234, 0) whatever theta5; and o4 = o5 + d5 n is the far end of the bars a2 and a3.
Source: Hawkins (2013), "Analytic Inverse Kinematics for the Universal Robots UR-5/UR-10 Arms", with angles as points on
the unit circle up to the last step, so that theta234 follows from theta6 where joint 5 is straight.
"""

from math import cos, sin, sqrt

import numpy as np
from numba import carray

from sewcell.geometry.poses import Array
from sewcell.kinematics.arm_model import JointLimits, ParallelParameters
from sewcell.kinematics.blocks import (
    BRANCHES,
    ELBOW,
    PARAMETERS,
    POSE,
    SHOULDER,
    SINGULAR_ELBOW,
    STRIDE,
    WRIST,
    W,
    begin_at,
    choose_nearest,
    find_standing,
    go_on,
    is_any_free,
    is_posture,
    keep_reached,
    on_stack,
    pack_free,
    pack_limits,
    read_pose,
    read_poses,
    take_lane,
    unpack,
    unpack_free,
)
from sewcell.kinematics.lanes import (
    CLOSE,
    SINGULAR_AXIS,
    arctan2,
    close_triangle,
    coordinate,
    inline,
    kernel,
    opposite,
    rate_reach,
    turn_to_plane,
    wrap,
)

_SIDE = 12
"""First of the ten rows of a shoulder branch: q1; q5 and q6 of both wrists; theta234, its cos and sin for the first
wrist; ahead; 0 out of reach, 1, 2 loose, 3 free (see `rate_reach`)."""
_BARS = _SIDE + 2 * 10
"""First of the seven rows of a shoulder and wrist branch: q2, q3, q4 of both elbows; reached."""
_ROWS = _BARS + 4 * 7
_LITTLE = 1e-2
"""Where the wrist is over axis 1, theta1 is known to 1e-8 only, and theta6 to 1e-8 divided by the bend of joint 5:
below this bend, theta6 and with it the end of the bars may be far off."""
_PATH, _JOINTS, _MANY = 12 * W, 6 * STRIDE, _ROWS * W
"""Numbers of the blocks of poses and joints of a path, and of many poses."""
FLIP = 2
"""The bit of a branch's number that turns the wrist over."""


def pack(arm: ParallelParameters, limits: JointLimits) -> Array:
    """What the kernels take: offsets, signs, dimensions with the bars counted positive (21); `pack_free` (4);
    `pack_limits` (18)."""
    offsets = arm.offsets.copy()
    if arm.a2 * arm.a3 < 0.0:
        offsets[2:4] += np.pi
    offsets = (offsets + np.pi) % (2.0 * np.pi) - np.pi
    sizes = [arm.d1, -arm.d4, arm.d5, arm.d6, abs(arm.a2), abs(arm.a3), np.sign(arm.a2), 0.0, 0.0]
    return np.array([*offsets, *arm.signs, *sizes, *pack_free(offsets[0], offsets[5]), *pack_limits(limits)])


@inline
def _read_free(near, P):  # type: ignore[no-untyped-def]
    """cos and sin of the angles that a singular posture leaves free, theta1 and theta6, as `near` (6,) has them."""
    free_1, free_6 = near[0] * P[6] - P[0], near[5] * P[11] - P[5]
    return cos(free_1), sin(free_1), cos(free_6), sin(free_6)


@inline
def _aim(pose, P):  # type: ignore[no-untyped-def]
    """The rotation by rows and o5, its height over joint 2; `pose` as of `read_pose`."""
    a, b, c, d, e, f, g, h, i, x, y, z = pose
    return a, b, c, d, e, f, g, h, i, x - P[15] * c, y - P[15] * f, z - P[15] * i - P[12]


@inline
def _find_wrist(a, b, c, d, e, f, g, h, c1, s1, cos_free, sin_free):  # type: ignore[no-untyped-def]
    """cos and sin of theta6, theta5 >= 0, cos and sin of theta234, sin(theta5); R by rows (abc), (def), (gh)."""
    along, across, up = s1 * a - c1 * d, s1 * b - c1 * e, s1 * c - c1 * f
    bend = sqrt(along * along + across * across)
    straight = bend < SINGULAR_AXIS
    scale = 1.0 / (1.0 if straight else bend)
    c6, s6 = cos_free if straight else along * scale, sin_free if straight else -across * scale
    cos_234 = s6 * g + c6 * h
    sin_234 = -(c1 * (s6 * a + c6 * b) + s1 * (s6 * d + c6 * e))
    return c6, s6, arctan2(c6 * along - s6 * across, up), cos_234, sin_234, bend


@inline
def _reach_straight(ahead, z, cosine, sine, P):  # type: ignore[no-untyped-def]
    """cos and sin of the theta234 next to the given one at which the bars reach o4 = o5 + d5 (-sin, cos), where a
    straight joint 5 leaves theta234 free.

    The distance s of o4 from joint 2 follows from D = |o5| and the angle psi from o5 to (-sin, cos):
    s^2 = D^2 + d5^2 + 2 D d5 cos(psi).
    """
    d5, longest, shortest = P[14], P[16] + P[17], abs(P[16] - P[17])
    x, y = ahead - d5 * sine, z + d5 * cosine
    s, D = sqrt(x * x + y * y), sqrt(ahead * ahead + z * z)
    wanted = longest if s > longest else (shortest if s < shortest else s)
    below = 2.0 * D * d5
    fixed = (below == 0.0) | (wanted == s)
    c = (wanted * wanted - D * D - d5 * d5) / (1.0 if fixed else below)
    c = 1.0 if c > 1.0 else (-1.0 if c < -1.0 else c)
    t = sqrt(1.0 - c * c)
    t = t if ahead * cosine + z * sine > 0.0 else -t
    scale = 1.0 / (1.0 if fixed else D)
    return cosine if fixed else scale * (z * c + ahead * t), sine if fixed else scale * (z * t - ahead * c)


@inline
def _solve_branch(pose, free, P, facing, wrist, elbow, settle):  # type: ignore[no-untyped-def]
    """One branch: q1 ... q6, its `rate_reach`, its singular bits. facing, wrist, elbow: +-1; settle: whether a straight
    joint 5 is used to reach the pose."""
    a, b, c, d, e, f, g, h, _, x, y, z = pose
    near, c1, s1, ahead, on_axis = turn_to_plane(x, y, P[13], free[0], free[1], facing)
    c6, s6, t5, cos_234, sin_234, across = _find_wrist(a, b, c, d, e, f, g, h, c1, s1, free[2], free[3])
    cos_234, sin_234 = wrist * cos_234, wrist * sin_234
    straight, over_axis = across < SINGULAR_AXIS, abs(ahead) < CLOSE
    if settle:
        cos_free, sin_free = _reach_straight(ahead, z, cos_234, sin_234, P)
        cos_234, sin_234 = cos_free if straight else cos_234, sin_free if straight else sin_234
        n1, n2, n3 = -wrist * c1 * sin_234, -wrist * s1 * sin_234, wrist * cos_234
        c6, s6 = b * n1 + e * n2 + h * n3 if straight else c6, a * n1 + d * n2 + g * n3 if straight else s6
    u, v = P[18] * (ahead - P[14] * sin_234), P[18] * (z + P[14] * cos_234)
    miss, w, cos_3, sin_3, m, p = close_triangle(u, v, P[16], P[17])
    stretched = sin_3 < SINGULAR_ELBOW * w
    sin_3, p = elbow * sin_3, elbow * p
    t2, t3 = arctan2(v * m - u * p, u * m + v * p), arctan2(sin_3, cos_3)
    singular = (
        (WRIST if across < SINGULAR_AXIS else 0)
        + (ELBOW if stretched else 0)
        + (SHOULDER if on_axis | (abs(ahead) < SINGULAR_AXIS) else 0)
    )
    return (
        coordinate(arctan2(s1, c1), P[0], P[6]),
        coordinate(t2, P[1], P[7]),
        coordinate(t3, P[2], P[8]),
        coordinate(wrap(arctan2(sin_234, cos_234) - t2 - t3), P[3], P[9]),
        coordinate(wrist * t5, P[4], P[10]),
        coordinate(arctan2(wrist * s6, wrist * c6), P[5], P[11]),
        rate_reach(near, miss, over_axis | (across < CLOSE), straight | (over_axis & (across < _LITTLE))),
        singular,
    )


@inline
def _solve_branches(pose, free, P, S, settle):  # type: ignore[no-untyped-def]
    """The eight branches of one pose, side by side in the rows of S."""
    for i in range(BRANCHES):
        q1, q2, q3, q4, q5, q6, reached, singular = _solve_branch(
            pose, free, P, 1.0 if i < 4 else -1.0, 1.0 if i & 2 == 0 else -1.0, 1.0 if i & 1 == 0 else -1.0, settle
        )
        S[i], S[BRANCHES + i], S[2 * BRANCHES + i] = q1, q2, q3
        S[3 * BRANCHES + i], S[4 * BRANCHES + i], S[5 * BRANCHES + i] = q4, q5, q6
        S[6 * BRANCHES + i] = reached
        S[7 * BRANCHES + i] = singular


@kernel
def solve_free(T, near, P, S):  # type: ignore[no-untyped-def]
    """Fills the block S (64,) with all branches for T (4, 4), the closest posture where one does not reach it, and with
    free joints where `near` (6,) has them. T has to be a pose."""
    P = unpack(P)
    _solve_branches(_aim(read_pose(T)[1], P), _read_free(near, P), P, S, True)


@kernel
def solve_pose(T, P, Q):  # type: ignore[no-untyped-def]
    """Fills the first rows of Q (8, 6) with the branches that reach T (4, 4). Returns: how many; -1 for no
    pose, and where a branch has to be looked at again."""
    if T.shape != (4, 4):
        return -1
    P = unpack(P)
    good, pose = read_pose(T)
    if not good:
        return -1
    S = carray(on_stack(POSE), POSE)
    _solve_branches(_aim(pose, P), unpack_free(P), P, S, False)
    return keep_reached(S, Q)


@kernel
def solve_nearest(T, near, P, q):  # type: ignore[no-untyped-def]
    """Fills q (6,) with the posture for T (4, 4) nearest to `near` (6,). Returns: see `choose_nearest`; -1 for no pose,
    -2 where `near` is no posture."""
    if not is_posture(near):
        return -2
    if T.shape != (4, 4):
        return -1
    limits = P[PARAMETERS:].reshape(3, 6)
    P = unpack(P)
    good, pose = read_pose(T)
    if not good:
        return -1
    S = carray(on_stack(POSE), POSE)
    free = unpack_free(P)
    for attempt in range(2):
        _solve_branches(_aim(pose, P), free, P, S, False)
        if attempt == 1 or not is_any_free(S):
            break
        free = _read_free(near, P)
    return choose_nearest(S, near, limits, q)


@kernel
def follow(T, start, P, largest_step, Q):  # type: ignore[no-untyped-def]
    """Fills Q (N, 6) with the branch in which an arm stands at `start` (6,), along the poses T (N, 4, 4).

    Returns: whether that branch does it: from a first pose that `start` reaches, without a step above `largest_step`
    [rad], inside the limits, past no point at which a joint is free, and with no matrix that is no pose.
    """
    limits = P[PARAMETERS:].reshape(3, 6)
    P = unpack(P)
    good, pose = read_pose(T[0])
    free = _read_free(start, P)
    if not good:
        return False
    S = carray(on_stack(_PATH), _PATH)
    _solve_branches(_aim(pose, P), free, P, S, False)
    branch = find_standing(S, start, limits)
    if branch < 0:
        return False
    first, second, third = 1.0 - 2.0 * (branch >> 2), 1.0 - 2.0 * (branch >> 1 & 1), 1.0 - 2.0 * (branch & 1)
    R, turns = carray(on_stack(_JOINTS), _JOINTS), np.empty(6)
    begin_at(start, S, branch, R, turns)
    for at in range(0, T.shape[0], W):
        count = min(W, T.shape[0] - at)
        if read_poses(T, at, count, S) > 0:
            return False
        bad = 0
        for i in range(W):
            lane = _aim(take_lane(S, i), P)
            q1, q2, q3, q4, q5, q6, reached, singular = _solve_branch(lane, free, P, first, second, third, False)
            R[8 + i], R[STRIDE + 8 + i], R[2 * STRIDE + 8 + i] = q1, q2, q3
            R[3 * STRIDE + 8 + i], R[4 * STRIDE + 8 + i], R[5 * STRIDE + 8 + i] = q4, q5, q6
            bad += 0 if (reached == 1.0) & (singular & (WRIST | SHOULDER) == 0) else 1
        if bad > 0 or not go_on(R, turns, limits, largest_step):
            return False
        for i in range(count):
            for j in range(6):
                Q[at + i, j] = R[j * STRIDE + 8 + i]
    return True


@inline
def _solve_side(S, free, P, side, facing):  # type: ignore[no-untyped-def]
    """Fills the rows of a shoulder branch from `side` on."""
    for i in range(W):
        c, f = S[2 * W + i], S[5 * W + i]
        x, y = S[9 * W + i] - P[15] * c, S[10 * W + i] - P[15] * f
        near, c1, s1, ahead, _ = turn_to_plane(x, y, P[13], free[0], free[1], facing)
        c6, s6, t5, cos_234, sin_234, across = _find_wrist(
            S[i], S[W + i], c, S[3 * W + i], S[4 * W + i], f, S[6 * W + i], S[7 * W + i], c1, s1, free[2], free[3]
        )
        t6 = arctan2(s6, c6)
        S[side * W + i] = coordinate(arctan2(s1, c1), P[0], P[6])
        S[(side + 1) * W + i] = coordinate(t5, P[4], P[10])
        S[(side + 2) * W + i] = coordinate(-t5, P[4], P[10])
        S[(side + 3) * W + i] = coordinate(t6, P[5], P[11])
        S[(side + 4) * W + i] = coordinate(opposite(t6), P[5], P[11])
        S[(side + 5) * W + i] = arctan2(sin_234, cos_234)
        S[(side + 6) * W + i] = cos_234
        S[(side + 7) * W + i] = sin_234
        S[(side + 8) * W + i] = ahead
        over_axis = abs(ahead) < CLOSE
        unbound = (across < SINGULAR_AXIS) | (over_axis & (across < _LITTLE))
        S[(side + 9) * W + i] = (3.0 if unbound else (2.0 if over_axis | (across < CLOSE) else 1.0)) if near else 0.0


@inline
def _solve_bars(S, P, side, wrist, bars):  # type: ignore[no-untyped-def]
    """Fills the rows of a shoulder and wrist (+-1) branch from `bars` on."""
    for i in range(W):
        t234 = S[(side + 5) * W + i]
        t234 = t234 if wrist > 0.0 else opposite(t234)
        ahead, near = S[(side + 8) * W + i], S[(side + 9) * W + i]
        u = P[18] * (ahead - wrist * P[14] * S[(side + 7) * W + i])
        z = S[11 * W + i] - P[15] * S[8 * W + i] - P[12]
        v = P[18] * (z + wrist * P[14] * S[(side + 6) * W + i])
        miss, _, cos_3, sin_3, m, p = close_triangle(u, v, P[16], P[17])
        t3 = arctan2(sin_3, cos_3)
        t2 = arctan2(v * m - u * p, u * m + v * p)
        S[bars * W + i] = coordinate(t2, P[1], P[7])
        S[(bars + 2) * W + i] = coordinate(t3, P[2], P[8])
        S[(bars + 4) * W + i] = coordinate(wrap(t234 - t2 - t3), P[3], P[9])
        t2 = arctan2(v * m + u * p, u * m - v * p)
        S[(bars + 1) * W + i] = coordinate(t2, P[1], P[7])
        S[(bars + 3) * W + i] = coordinate(-t3, P[2], P[8])
        S[(bars + 5) * W + i] = coordinate(wrap(t234 - t2 + t3), P[3], P[9])
        S[(bars + 6) * W + i] = rate_reach(near > 0.0, miss, near == 2.0, near == 3.0)


@kernel
def solve_poses(T, P, Q, valid, again):  # type: ignore[no-untyped-def]
    """Fills Q (N, 8, 6) and valid (N, 8) with all branches for T (N, 4, 4), again (N,) where one has to be
    looked at again. Returns: whether T holds poses."""
    P = unpack(P)
    free = unpack_free(P)
    S = carray(on_stack(_MANY), _MANY)
    for at in range(0, T.shape[0], W):
        count = min(W, T.shape[0] - at)
        if read_poses(T, at, count, S) > 0:
            return False
        _solve_side(S, free, P, _SIDE, 1.0)
        _solve_side(S, free, P, _SIDE + 10, -1.0)
        _solve_bars(S, P, _SIDE, 1.0, _BARS)
        _solve_bars(S, P, _SIDE, -1.0, _BARS + 7)
        _solve_bars(S, P, _SIDE + 10, 1.0, _BARS + 14)
        _solve_bars(S, P, _SIDE + 10, -1.0, _BARS + 21)
        for i in range(count):
            again[at + i] = False
            for shoulder in range(2):
                side = (_SIDE + 10 * shoulder) * W + i
                for wrist in range(2):
                    bars = (_BARS + 14 * shoulder + 7 * wrist) * W + i
                    again[at + i] |= S[bars + 6 * W] == 0.5
                    for elbow in range(2):
                        branch = 4 * shoulder + 2 * wrist + elbow
                        Q[at + i, branch, 0] = S[side]
                        Q[at + i, branch, 1] = S[bars + elbow * W]
                        Q[at + i, branch, 2] = S[bars + (2 + elbow) * W]
                        Q[at + i, branch, 3] = S[bars + (4 + elbow) * W]
                        Q[at + i, branch, 4] = S[side + (1 + wrist) * W]
                        Q[at + i, branch, 5] = S[side + (3 + wrist) * W]
                        valid[at + i, branch] = S[bars + 6 * W] == 1.0
    return True
