"""The gripper's plate on its springs: how it comes to lie on what is under it."""

from collections.abc import Iterable

import numpy as np
from numba import njit
from scipy.spatial.transform import Rotation

from sewcell.geometry.poses import Array
from sim.world.cloth import Cloth
from sim.world.cloth_kernels import find_bounds
from sim.world.cloth_mesh import Indices
from sim.world.parameters import GripperPlate, WorldParameters

SAMPLE = 4e-3
"""Layers of cloth under the plate are counted at points so far apart [m]: nearer than the edges of a mesh are long."""
NEAR_TABLE = 30e-3
"""A plate that is higher [m] touches nothing that lies on the table."""
STEEPEST = 0.5
"""A plate whose face is turned further from straight down than this, as a cosine, is over no table."""


def float_plate(T_base_flange: Array, parameters: WorldParameters, layers: int = 1) -> Array:
    """T_base_tool (4, 4) of a plate that hangs on springs at its corners, each of which gives way up and down.

    Over so many `layers` of cloth every corner comes to lie on them as far as its spring allows: within that the plate
    lies flat though the arm tilts it.
    """
    T: Array = T_base_flange @ parameters.gripper.T_flange_tool
    if T[2, 2] > -STEEPEST:
        T[2, 3] -= parameters.gripper.float_travel
        return T
    travel, floor = parameters.gripper.float_travel, layers * parameters.material.thickness
    half = np.array(parameters.gripper.size) / 2.0
    corners = np.array([(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)])
    drawn = T[2, 3] + (corners * half) @ T[2, :2]
    given = np.clip(floor, drawn - travel, drawn + travel) - drawn
    T[2, 3] += given.mean()
    # the turn about x and y of base that lifts the corners of a rigid plate by `given`, by least squares
    slope = given @ corners / (4.0 * half)
    lever = np.array([[T[1, 0], -T[0, 0]], [T[1, 1], -T[0, 1]]])
    turn = Rotation.from_rotvec([*np.linalg.solve(lever, slope), 0.0])
    T[:3, :3] = turn.as_matrix() @ T[:3, :3]
    return T


def count_layers(cloths: Iterable[Cloth], T_base_tool: Array, plate: GripperPlate) -> int:
    """Layers of `cloths` under the plate where there are most, folds and what it holds included; at least 1.

    A plate higher than NEAR_TABLE stands on nothing: 1.
    """
    counts = np.zeros((int(plate.size[0] / SAMPLE), int(plate.size[1] / SAMPLE)), dtype=np.int64)
    if T_base_tool[2, 3] > NEAR_TABLE:
        return 1
    reach, at = float(np.hypot(*plate.size)) / 2.0, T_base_tool[:2, 3]
    for cloth in cloths:
        low, high = find_bounds(cloth.x)
        if np.all(low[:2] <= at + reach) and np.all(high[:2] >= at - reach):
            add_layers(cloth.x, cloth.triangles, T_base_tool, counts)
    return max(1, int(counts.max()))


@njit(cache=True, error_model="numpy")
def add_layers(x: Array, triangles: Indices, T_tool: Array, counts: Indices) -> None:
    """Add to `counts` (A, B), of points SAMPLE apart about the middle of the tool, how often the cloth covers each.

    `x` (V, 3) in base; seen along the tool's axis.
    """
    columns, rows = counts.shape
    o0, o1 = (columns - 1) / 2.0, (rows - 1) / 2.0
    local = np.empty((x.shape[0], 2))
    for i in range(x.shape[0]):
        for k in range(2):
            total = 0.0
            for c in range(3):
                total += T_tool[c, k] * (x[i, c] - T_tool[c, 3])
            local[i, k] = total / SAMPLE + (o0 if k == 0 else o1)
    for t in range(triangles.shape[0]):
        a, b, c = local[triangles[t, 0]], local[triangles[t, 1]], local[triangles[t, 2]]
        first0, last0 = max(np.ceil(min(a[0], b[0], c[0])), 0.0), min(np.floor(max(a[0], b[0], c[0])), columns - 1.0)
        first1, last1 = max(np.ceil(min(a[1], b[1], c[1])), 0.0), min(np.floor(max(a[1], b[1], c[1])), rows - 1.0)
        for i in range(int(first0), int(last0) + 1):
            for j in range(int(first1), int(last1) + 1):
                p = (b[0] - i) * (c[1] - j) - (b[1] - j) * (c[0] - i)
                q = (c[0] - i) * (a[1] - j) - (c[1] - j) * (a[0] - i)
                r = (a[0] - i) * (b[1] - j) - (a[1] - j) * (b[0] - i)
                if (p > 0.0 and q > 0.0 and r > 0.0) or (p < 0.0 and q < 0.0 and r < 0.0):
                    counts[i, j] += 1
