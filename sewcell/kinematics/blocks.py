"""Rows of scratch blocks that stay in the first cache: poses read and checked, branches compared with limits.

Row r of a block is the slice r * W to (r + 1) * W of one array; every offset is known when the kernel compiles, else
the loops are not vectorised. Rows 0-8 hold the rotation, 9-11 the position.
"""

from typing import Any

import numpy as np
from llvmlite.ir import ArrayType, DoubleType
from numba import float64
from numba.extending import intrinsic
from numba.types import CPointer
from numpy import ceil, floor

from sewcell.geometry.poses import Array
from sewcell.kinematics.arm_model import JointLimits
from sewcell.kinematics.lanes import inline, orthonormalise

W = 32
"""Poses in a block."""
BRANCHES = 8
"""Branches of one pose; their block has rows of this length: 0-5 joints, 6 `rate_reach`, 7 singular bits, 8 and 9 time
and excess of `choose_nearest`."""
POSE = 10 * BRANCHES
"""Numbers of the block of one pose."""
STRIDE = W + 8
"""Length of the rows of a block of joints: the last 32 hold the poses, the one before them the pose before."""
WRIST, ELBOW, SHOULDER = 1, 2, 4
"""Bits of row 7: the singular sets that the branch lies on."""
SINGULAR_ELBOW = 1e-6
"""Below this sine of the elbow's bend the elbow is singular: the bend is known to the square root of the round-off."""
ROUND_OFF = 1e-9
"""A joint may exceed its limit by this [rad] and still count as inside."""

PARAMETERS = 25
"""Length of what describes the arm at the head of the kernels' parameters; `pack_limits` follows it."""
UNREACHABLE, JOINT_LIMIT = -3, -4
"""What `choose_nearest` returns where no branch reaches the pose, and where all of them miss the limits."""
STANDING = 1e-6
"""Within this [rad] of a posture, the arm stands in it."""

_TURN = 6.283185307179586
_PER_TURN = 1.0 / _TURN


def pack_limits(limits: JointLimits) -> Array:
    """Lower and upper limits [rad] and seconds per rad of the joints, one after the other, (18,)."""
    return np.concatenate([limits.lower, limits.upper, 1.0 / limits.velocity])


def pack_free(offset_1: float, offset_wrist: float) -> list[float]:
    """cos and sin of the angles that a singular posture leaves free, theta1 and one of the wrist, for q = 0."""
    return [np.cos(offset_1), -np.sin(offset_1), np.cos(offset_wrist), -np.sin(offset_wrist)]


@inline
def unpack(P):  # type: ignore[no-untyped-def]
    """The parameters as values that the compiler keeps in registers."""
    return (
        P[0], P[1], P[2], P[3], P[4], P[5], P[6], P[7], P[8], P[9], P[10], P[11], P[12],
        P[13], P[14], P[15], P[16], P[17], P[18], P[19], P[20], P[21], P[22], P[23], P[24],
    )  # fmt: skip


@inline
def unpack_free(P):  # type: ignore[no-untyped-def]
    """What `pack_free` made."""
    return P[21], P[22], P[23], P[24]


@intrinsic(prefer_literal=True)
def on_stack(_: Any, size: Any) -> Any:
    """Address of `size` numbers, a constant, that live as long as the kernel that asks: an array of numpy would cost a
    twentieth of the time of an answer. They begin with a line of the cache, so that no vector straddles two lines."""

    def place(_: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        with builder.goto_entry_block():
            numbers = builder.alloca(ArrayType(DoubleType(), size.literal_value))
        numbers.align = 64
        return builder.bitcast(numbers, DoubleType().as_pointer())

    return CPointer(float64)(size), place


@inline
def is_last_row(T):  # type: ignore[no-untyped-def]
    """Whether the last row of T (4, 4) is 0 0 0 1."""
    return T[3, 0] == 0.0 and T[3, 1] == 0.0 and T[3, 2] == 0.0 and T[3, 3] == 1.0


@inline
def is_posture(q):  # type: ignore[no-untyped-def]
    """Whether q has the shape (6,) and holds numbers."""
    if q.shape[0] != 6:
        return False
    finite = True
    for j in range(6):
        finite &= q[j] - q[j] == 0.0
    return finite


@inline
def read_pose(T):  # type: ignore[no-untyped-def]
    """Whether T (4, 4) is a pose; its rotation by rows, and its place."""
    good, a, b, c, d, e, f, g, h, i = orthonormalise(
        T[0, 0], T[0, 1], T[0, 2], T[1, 0], T[1, 1], T[1, 2], T[2, 0], T[2, 1], T[2, 2]
    )
    x, y, z = T[0, 3], T[1, 3], T[2, 3]
    good = good and is_last_row(T) and x - x == 0.0 and y - y == 0.0 and z - z == 0.0
    return good, (a, b, c, d, e, f, g, h, i, x, y, z)


@inline
def read_poses(T, first, count, S):  # type: ignore[no-untyped-def]
    """Rows 0-11 from T (N, 4, 4), pose `first` on, the last of `count` repeated up to W. Returns: how many are bad."""
    bad = 0
    for i in range(W):
        k = first + (i if i < count else count - 1)
        for r in range(3):
            for c in range(3):
                S[(3 * r + c) * W + i] = T[k, r, c]
            S[(9 + r) * W + i] = T[k, r, 3]
        bad += 0 if (T[k, 3, 0] == 0.0) & (T[k, 3, 1] == 0.0) & (T[k, 3, 2] == 0.0) & (T[k, 3, 3] == 1.0) else 1
    for i in range(W):
        good, a, b, c, d, e, f, g, h, k = orthonormalise(
            S[i],
            S[W + i],
            S[2 * W + i],
            S[3 * W + i],
            S[4 * W + i],
            S[5 * W + i],
            S[6 * W + i],
            S[7 * W + i],
            S[8 * W + i],
        )
        S[i], S[W + i], S[2 * W + i] = a, b, c
        S[3 * W + i], S[4 * W + i], S[5 * W + i] = d, e, f
        S[6 * W + i], S[7 * W + i], S[8 * W + i] = g, h, k
        x, y, z = S[9 * W + i], S[10 * W + i], S[11 * W + i]
        bad += 0 if good & (x - x == 0.0) & (y - y == 0.0) & (z - z == 0.0) else 1
    return bad


@inline
def take_lane(S, i):  # type: ignore[no-untyped-def]
    """Pose `i` of those that `read_poses` has read, as of `read_pose`."""
    return (
        S[i], S[W + i], S[2 * W + i], S[3 * W + i], S[4 * W + i], S[5 * W + i],
        S[6 * W + i], S[7 * W + i], S[8 * W + i], S[9 * W + i], S[10 * W + i], S[11 * W + i],
    )  # fmt: skip


@inline
def keep_reached(S, Q):  # type: ignore[no-untyped-def]
    """Copies the branches that reach the pose to the first rows of Q (8, 6). Returns: how many; -1 where one has to be
    looked at again."""
    found, again = 0, 0
    for i in range(BRANCHES):
        again += 1 if S[6 * BRANCHES + i] == 0.5 else 0
        if S[6 * BRANCHES + i] == 1.0:
            for j in range(6):
                Q[found, j] = S[j * BRANCHES + i]
            found += 1
    return -1 if again > 0 else found


@inline
def is_any_free(S):  # type: ignore[no-untyped-def]
    """Whether a branch of the block S leaves a joint free."""
    bits = 0
    for i in range(BRANCHES):
        bits |= int(S[7 * BRANCHES + i])
    return bits & (WRIST | SHOULDER) > 0


@inline
def choose_nearest(S, near, limits, q):  # type: ignore[no-untyped-def]
    """The branch inside the limits that is soonest reached from `near`, each joint turned by whole turns to there.

    Args: limits (3, 6): lower, upper [rad], seconds per rad; q (6,): filled with the branch.
    Returns: its singular bits; UNREACHABLE; JOINT_LIMIT, where q holds the branch that misses them least.
    """
    for i in range(BRANCHES):
        S[8 * BRANCHES + i] = 0.0
        S[9 * BRANCHES + i] = 0.0
    for j in range(6):
        lower, upper, slowness, there = limits[0, j], limits[1, j], limits[2, j], near[j]
        for i in range(BRANCHES):
            q_i = S[j * BRANCHES + i]
            low = ceil((lower - ROUND_OFF - q_i) * _PER_TURN)
            high = floor((upper + ROUND_OFF - q_i) * _PER_TURN)
            turns = floor((there - q_i) * _PER_TURN + 0.5)
            turns = low if turns < low else turns
            turns = high if turns > high else turns
            # Where no turn fits between the limits, low is above the upper one, high = low - 1 below the lower one.
            above, below = q_i + low * _TURN - upper, lower - q_i - high * _TURN
            over = above if above < below else below
            turns = low if (low > high) & (above < below) else turns
            over = over if low > high else 0.0
            q_i += turns * _TURN
            cost, excess = abs(q_i - there) * slowness, S[9 * BRANCHES + i]
            S[j * BRANCHES + i] = q_i
            S[8 * BRANCHES + i] = cost if cost > S[8 * BRANCHES + i] else S[8 * BRANCHES + i]
            S[9 * BRANCHES + i] = over if over > excess else excess
    best, least, chosen = 1e300, 1e300, -1
    for i in range(BRANCHES):
        cost, excess = S[8 * BRANCHES + i], S[9 * BRANCHES + i]
        better = (S[6 * BRANCHES + i] == 1.0) & ((excess < least) | ((excess == least) & (cost < best)))
        least, best, chosen = (excess if better else least), (cost if better else best), (i if better else chosen)
    if chosen < 0:
        return UNREACHABLE
    for j in range(6):
        q[j] = S[j * BRANCHES + chosen]
    return JOINT_LIMIT if least > 0.0 else int(S[7 * BRANCHES + chosen])


@inline
def find_standing(S, q, limits):  # type: ignore[no-untyped-def]
    """The branch of the block S in which an arm at q (6,) stands, whole turns apart; -1 for none or several, and where
    it is singular or outside the limits (3, 6)."""
    standing = -1
    for i in range(BRANCHES):
        away, inside = 0.0, True
        for j in range(6):
            turn = q[j] - S[j * BRANCHES + i]
            away = max(away, abs(turn - _TURN * floor(turn / _TURN + 0.5)))
            inside = inside and limits[0, j] <= q[j] <= limits[1, j]
        if S[6 * BRANCHES + i] == 1.0 and away < STANDING:
            if standing >= 0 or not inside or int(S[7 * BRANCHES + i]) & (WRIST | SHOULDER):
                return -1
            standing = i
    return standing


@inline
def begin_at(q, S, branch, R, turns):  # type: ignore[no-untyped-def]
    """Puts q (6,) before the first pose of the block of joints R; `turns` (6,) [rad] bring `branch` of S to it."""
    for j in range(6):
        turns[j] = _TURN * floor((q[j] - S[j * BRANCHES + branch]) / _TURN + 0.5)
        R[j * STRIDE + 7] = q[j]


@inline
def go_on(R, turns, limits, largest_step):  # type: ignore[no-untyped-def]
    """Whether a block of joints goes on from the pose before it without a step above `largest_step` [rad] and inside
    the limits (3, 6). Full turns are put in where a joint passes a half turn; `turns` (6,) [rad] carries them on."""
    for j in range(6):
        row, turn = j * STRIDE + 8, turns[j]
        for i in range(W):
            R[row + i] += turn
        bad = 0
        for i in range(W):
            bad += 1 if abs(R[row + i] - R[row + i - 1]) > largest_step else 0
        if bad > 0:
            turn = 0.0
            for i in range(W):
                step = R[row + i] + turn - R[row + i - 1]
                turn -= _TURN * floor(step / _TURN + 0.5)
                R[row + i] += turn
                if abs(R[row + i] - R[row + i - 1]) > largest_step:
                    return False
            turns[j] += turn
        lower, upper = limits[0, j] - ROUND_OFF, limits[1, j] + ROUND_OFF
        bad = 0
        for i in range(W):
            bad += 1 if (R[row + i] < lower) | (R[row + i] > upper) else 0
        if bad > 0:
            return False
        R[row - 1] = R[row + W - 1]
    return True
