"""Kernels of the closed form for an ortho-parallel base with a spherical wrist: one pose, one path, many poses.

Branch 4 s + 2 e + w: shoulder s (0 facing the wrist centre, 1 turned away), elbow e (0 for gamma >= 0), wrist w (0 for
sin(theta5) >= 0). Source: Brandstoetter, Angerer, Hofbaur (2014), with angles as points on the unit circle up to the
last step, so that nothing is lost at a stretched or folded elbow, and theta6 follows from theta4 at a straight wrist.
"""

from math import cos, sin, sqrt

import numpy as np
from numba import carray

from sewcell.geometry.poses import Array
from sewcell.kinematics.arm_model import JointLimits, OpwParameters
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
)

_SIDE = 12
"""First of the sixteen rows of a shoulder branch: q1; q2, q3, cos and sin of theta2 + theta3 of both elbows; reached;
Rz(-theta1) R without its last row."""
_TURN = _SIDE + 2 * 16
"""First of the six rows of a shoulder and elbow branch: q4, q5, q6 of both wrists."""
_ROWS = _TURN + 4 * 6
_NOTHING = 1e-30
"""The square [m2] of a length that is nothing but round-off."""
_PATH, _JOINTS, _MANY = 12 * W, 6 * STRIDE, _ROWS * W
"""Numbers of the blocks of poses and joints of a path, and of many poses."""
FLIP = 1
"""The bit of a branch's number that turns the wrist over."""


def pack(opw: OpwParameters, limits: JointLimits) -> Array:
    """What the kernels take: offsets, signs, dimensions, the forearm's length and angle (21); `pack_free` (4);
    `pack_limits` (18)."""
    k = np.hypot(opw.a2, opw.c3)
    offsets = (opw.offsets + np.pi) % (2.0 * np.pi) - np.pi
    sizes = [opw.a1, opw.b, opw.c1, opw.c2, opw.c4, k, np.arctan2(opw.a2, opw.c3), opw.c3 / k, opw.a2 / k]
    return np.array([*offsets, *opw.signs, *sizes, *pack_free(offsets[0], offsets[3]), *pack_limits(limits)])


@inline
def _read_free(near, P):  # type: ignore[no-untyped-def]
    """cos and sin of the angles that a singular posture leaves free, theta1 and theta4, as `near` (6,) has them."""
    free_1, free_4 = near[0] * P[6] - P[0], near[3] * P[9] - P[3]
    return cos(free_1), sin(free_1), cos(free_4), sin(free_4)


@inline
def _aim(pose, P):  # type: ignore[no-untyped-def]
    """The rotation by rows and the wrist centre, its height over joint 2; `pose` as of `read_pose`."""
    a, b, c, d, e, f, g, h, i, x, y, z = pose
    return a, b, c, d, e, f, g, h, i, x - P[16] * c, y - P[16] * f, z - P[16] * i - P[14]


@inline
def _close_arm(x, y, P):  # type: ignore[no-untyped-def]
    """`close_triangle` with gamma as a point on the unit circle, m and p divided by |m + i p| |x + i y|, so that theta2
    comes as such a point; x and y with them: where equal bars fold to nothing theta2 is free, and 0 is taken."""
    miss, w, cos_gamma, sin_gamma, m, p = close_triangle(x, y, P[15], P[17])
    length = sqrt((x * x + y * y) * (m * m + p * p))
    folded = length < _NOTHING
    scale, scale_w = 1.0 / (1.0 if folded else length), 1.0 / w
    m, p = 1.0 if folded else m * scale, 0.0 if folded else p * scale
    x, y = 1.0 if folded else x, 0.0 if folded else y
    return miss, cos_gamma * scale_w, sin_gamma * scale_w, m, p, x, y


@inline
def _find_wrist(r11, r12, r13, r21, r22, r23, r33, cos_free, sin_free):  # type: ignore[no-untyped-def]
    """theta4, theta5 >= 0, theta6 of R36 = Rz(theta4) Ry(theta5) Rz(theta6), and the sine of theta5.

    theta6 is read from Rz(-theta4) R36 = Ry(theta5) Rz(theta6), which holds for a straight wrist as well.
    """
    bend = sqrt(r13 * r13 + r23 * r23)
    straight = bend < SINGULAR_AXIS
    scale = 1.0 / (1.0 if straight else bend)
    c, s = cos_free if straight else r13 * scale, sin_free if straight else r23 * scale
    return arctan2(s, c), arctan2(c * r13 + s * r23, r33), arctan2(c * r21 - s * r11, c * r22 - s * r12), bend


@inline
def _solve_branch(pose, free, P, facing, elbow, wrist):  # type: ignore[no-untyped-def]
    """One branch: q1 ... q6, its `rate_reach`, its singular bits. facing, elbow, wrist: +-1."""
    a, b, c, d, e, f, g, h, i, x, y, z = pose
    near, c1, s1, ahead, on_axis = turn_to_plane(x, y, P[13], free[0], free[1], facing)
    u = ahead - P[12]
    miss, cos_gamma, sin_gamma, m, p, z, u = _close_arm(z, u, P)
    bend = sin_gamma
    sin_gamma, p = elbow * sin_gamma, elbow * p
    s2, c2 = u * m - z * p, z * m + u * p
    s3, c3 = sin_gamma * P[19] - cos_gamma * P[20], cos_gamma * P[19] + sin_gamma * P[20]
    c23, s23 = c2 * c3 - s2 * s3, s2 * c3 + c2 * s3
    g1, g2, g3 = c1 * a + s1 * d, c1 * b + s1 * e, c1 * c + s1 * f
    t4, t5, t6, across = _find_wrist(
        c23 * g1 - s23 * g,
        c23 * g2 - s23 * h,
        c23 * g3 - s23 * i,
        c1 * d - s1 * a,
        c1 * e - s1 * b,
        c1 * f - s1 * c,
        s23 * g3 + c23 * i,
        free[2],
        free[3],
    )
    singular = (
        (WRIST if across < SINGULAR_AXIS else 0)
        + (ELBOW if bend < SINGULAR_ELBOW else 0)
        + (SHOULDER if on_axis | (abs(ahead) < SINGULAR_AXIS) else 0)
    )
    return (
        coordinate(arctan2(s1, c1), P[0], P[6]),
        coordinate(arctan2(s2, c2), P[1], P[7]),
        coordinate(arctan2(sin_gamma, cos_gamma) - P[18], P[2], P[8]),
        coordinate(t4 if wrist > 0.0 else opposite(t4), P[3], P[9]),
        coordinate(wrist * t5, P[4], P[10]),
        coordinate(t6 if wrist > 0.0 else opposite(t6), P[5], P[11]),
        rate_reach(near, miss, abs(ahead) < CLOSE, False),
        singular,
    )


@inline
def _solve_branches(pose, free, P, S):  # type: ignore[no-untyped-def]
    """The eight branches of one pose, side by side in the rows of S."""
    for i in range(BRANCHES):
        q1, q2, q3, q4, q5, q6, reached, singular = _solve_branch(
            pose, free, P, 1.0 if i < 4 else -1.0, 1.0 if i & 2 == 0 else -1.0, 1.0 if i & 1 == 0 else -1.0
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
    _solve_branches(_aim(read_pose(T)[1], P), _read_free(near, P), P, S)


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
    _solve_branches(_aim(pose, P), unpack_free(P), P, S)
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
        _solve_branches(_aim(pose, P), free, P, S)
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
    _solve_branches(_aim(pose, P), free, P, S)
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
            q1, q2, q3, q4, q5, q6, reached, singular = _solve_branch(lane, free, P, first, second, third)
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
        c, f, z = S[2 * W + i], S[5 * W + i], S[8 * W + i]
        x, y, z = S[9 * W + i] - P[16] * c, S[10 * W + i] - P[16] * f, S[11 * W + i] - P[16] * z - P[14]
        near, c1, s1, ahead, _ = turn_to_plane(x, y, P[13], free[0], free[1], facing)
        u = ahead - P[12]
        miss, cos_gamma, sin_gamma, m, p, z, u = _close_arm(z, u, P)
        gamma = arctan2(sin_gamma, cos_gamma)
        S[side * W + i] = coordinate(arctan2(s1, c1), P[0], P[6])
        s2, c2 = u * m - z * p, z * m + u * p
        s3, c3 = sin_gamma * P[19] - cos_gamma * P[20], cos_gamma * P[19] + sin_gamma * P[20]
        S[(side + 1) * W + i] = coordinate(arctan2(s2, c2), P[1], P[7])
        S[(side + 3) * W + i] = coordinate(gamma - P[18], P[2], P[8])
        S[(side + 5) * W + i] = c2 * c3 - s2 * s3
        S[(side + 6) * W + i] = s2 * c3 + c2 * s3
        s2, c2 = u * m + z * p, z * m - u * p
        s3, c3 = -sin_gamma * P[19] - cos_gamma * P[20], cos_gamma * P[19] - sin_gamma * P[20]
        S[(side + 2) * W + i] = coordinate(arctan2(s2, c2), P[1], P[7])
        S[(side + 4) * W + i] = coordinate(-gamma - P[18], P[2], P[8])
        S[(side + 7) * W + i] = c2 * c3 - s2 * s3
        S[(side + 8) * W + i] = s2 * c3 + c2 * s3
        S[(side + 9) * W + i] = rate_reach(near, miss, abs(ahead) < CLOSE, False)
        S[(side + 10) * W + i] = c1 * S[i] + s1 * S[3 * W + i]
        S[(side + 11) * W + i] = c1 * S[W + i] + s1 * S[4 * W + i]
        S[(side + 12) * W + i] = c1 * c + s1 * f
        S[(side + 13) * W + i] = c1 * S[3 * W + i] - s1 * S[i]
        S[(side + 14) * W + i] = c1 * S[4 * W + i] - s1 * S[W + i]
        S[(side + 15) * W + i] = c1 * f - s1 * c


@inline
def _solve_wrists(S, free, P, side, elbow, turn):  # type: ignore[no-untyped-def]
    """Fills the rows of a shoulder and elbow branch from `turn` on."""
    for i in range(W):
        c, s = S[(side + 5 + 2 * elbow) * W + i], S[(side + 6 + 2 * elbow) * W + i]
        g3, r33 = S[(side + 12) * W + i], S[8 * W + i]
        t4, t5, t6, _ = _find_wrist(
            c * S[(side + 10) * W + i] - s * S[6 * W + i],
            c * S[(side + 11) * W + i] - s * S[7 * W + i],
            c * g3 - s * r33,
            S[(side + 13) * W + i],
            S[(side + 14) * W + i],
            S[(side + 15) * W + i],
            s * g3 + c * r33,
            free[2],
            free[3],
        )
        S[turn * W + i] = coordinate(t4, P[3], P[9])
        S[(turn + 1) * W + i] = coordinate(opposite(t4), P[3], P[9])
        S[(turn + 2) * W + i] = coordinate(t5, P[4], P[10])
        S[(turn + 3) * W + i] = coordinate(-t5, P[4], P[10])
        S[(turn + 4) * W + i] = coordinate(t6, P[5], P[11])
        S[(turn + 5) * W + i] = coordinate(opposite(t6), P[5], P[11])


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
        _solve_side(S, free, P, _SIDE + 16, -1.0)
        _solve_wrists(S, free, P, _SIDE, 0, _TURN)
        _solve_wrists(S, free, P, _SIDE, 1, _TURN + 6)
        _solve_wrists(S, free, P, _SIDE + 16, 0, _TURN + 12)
        _solve_wrists(S, free, P, _SIDE + 16, 1, _TURN + 18)
        for i in range(count):
            again[at + i] = False
            for shoulder in range(2):
                side = (_SIDE + 16 * shoulder) * W + i
                again[at + i] |= S[side + 9 * W] == 0.5
                for elbow in range(2):
                    turn = (_TURN + 12 * shoulder + 6 * elbow) * W + i
                    for wrist in range(2):
                        branch = 4 * shoulder + 2 * elbow + wrist
                        Q[at + i, branch, 0] = S[side]
                        Q[at + i, branch, 1] = S[side + (1 + elbow) * W]
                        Q[at + i, branch, 2] = S[side + (3 + elbow) * W]
                        Q[at + i, branch, 3] = S[turn + wrist * W]
                        Q[at + i, branch, 4] = S[turn + (2 + wrist) * W]
                        Q[at + i, branch, 5] = S[turn + (4 + wrist) * W]
                        valid[at + i, branch] = S[side + 9 * W] == 1.0
    return True
