"""An arm of six revolute joints as a product of turns about its axes, and how far its bodies reach from each axis."""

from dataclasses import dataclass

import numpy as np

from sewcell.geometry.poses import Array, invert_pose
from sewcell.kinematics.arm_model import ArmModel
from sewcell.kinematics.forward import forward_links


@dataclass(frozen=True, slots=True, eq=False)
class Chain:
    """T_base_link_k(q) = A_1 Rz(q_1) A_2 Rz(q_2) ... A_k Rz(q_k) B_k, for an arm of any family.

    `joints` (6, 4, 4): A_i, the frame of joint i (z along its axis, origin on it) in that of the joint before at q = 0.
    `links` (7, 4, 4): B_k, the frame of link k in that of joint k; link 0 stands in base.
    """

    joints: Array
    links: Array


def read_chain(model: ArmModel) -> Chain:
    """The axes of an arm, read from where its links go when one joint turns by a quarter and by a half.

    A half turn about an axis with direction n through p moves the origin to 2 (p - n n'p); a quarter turn has
    (R - R') / 2 = [n]x. The origin of joint 6 is the point of its axis nearest to the flange, that of joint i the
    point nearest to the origin of joint i + 1.
    """
    at_zero = forward_links(model, np.zeros(6))
    half = forward_links(model, np.eye(6) * np.pi)
    quarter = forward_links(model, np.eye(6) * np.pi / 2.0)
    frames = np.empty((7, 4, 4))
    frames[0] = np.eye(4)
    origin = at_zero[6, :3, 3]
    for i in range(6, 0, -1):
        back = invert_pose(at_zero[i])
        turn = (quarter[i - 1, i] @ back)[:3, :3]
        n = np.array([turn[2, 1] - turn[1, 2], turn[0, 2] - turn[2, 0], turn[1, 0] - turn[0, 1]]) / 2.0
        foot = (half[i - 1, i] @ back)[:3, 3] / 2.0
        origin = foot + n * (n @ (origin - foot))
        frames[i] = _frame_along(n, origin)
    joints = np.stack([invert_pose(frames[i]) @ frames[i + 1] for i in range(6)])
    return Chain(joints, np.stack([invert_pose(frames[i]) @ at_zero[i] for i in range(7)]))


def reach_from_axes(chain: Chain, link: int, start: Array, end: Array, radius: float) -> Array:
    """Bound of how far the points of a capsule ever are from each axis, (6,) [m]; 0 for axes that do not move it.

    A point that is at most s from the origin of joint i + 1 is at most |o_(i+1) - o_i| + s from that of joint i; from
    the last axis the distance does not change. So a turn of the joints by dq [rad] moves no point of the capsule by
    more than |dq| @ reach.

    Args: start, end (3,) [m] in the frame of `link`.
    """
    reach = np.zeros(6)
    if link == 0:
        return reach
    ends = np.stack([start, end]) @ chain.links[link, :3, :3].T + chain.links[link, :3, 3]
    reach[link - 1] = np.linalg.norm(ends[:, :2], axis=1).max() + radius
    s = np.linalg.norm(ends, axis=1).max() + radius
    for i in range(link - 1, 0, -1):
        s += np.linalg.norm(chain.joints[i, :3, 3])
        reach[i - 1] = s
    return reach


def _frame_along(n: Array, origin: Array) -> Array:
    """A frame at `origin` with its z axis along the unit vector `n`."""
    x = np.cross(n, np.eye(3)[np.abs(n).argmin()])
    x /= np.linalg.norm(x)
    frame = np.eye(4)
    frame[:3, :3] = np.column_stack([x, np.cross(n, x), n])
    frame[:3, 3] = origin
    return frame
