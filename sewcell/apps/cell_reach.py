"""The reach map of a cell's tool over its tabletop."""

import numpy as np
from numpy.typing import NDArray

from sewcell.config.models_cell import CellModel
from sewcell.config.values import make_collision_model
from sewcell.geometry.poses import Array
from sewcell.kinematics.arm import Arm
from sewcell.kinematics.reach import ReachMap, map_reach
from sewcell.process.plan import TOUCHING
from sewcell.units import MM

YAWS = 36
"""Directions of the tool that are looked at, at each place."""


def map_cell(cell: CellModel, arm: Arm, height: float, collision: bool, poses: int) -> ReachMap:
    """Where the tool reaches with its pins down, `height` [m] over the tabletop, looking at about that many `poses`.

    With `collision` the postures that come nearer to anything than the cell's clearance are told apart; the gripper
    plate may touch the table.
    """
    low, high = np.array(cell.table.slab.from_mm) * MM, np.array(cell.table.slab.to_mm) * MM
    step = float(np.sqrt((high[0] - low[0]) * (high[1] - low[1]) * YAWS / poses))
    x, y = (np.arange(low[i] + step / 2.0, high[i], step) for i in range(2))
    yaws = np.arange(YAWS) * 2.0 * np.pi / YAWS
    T_flange_tool, z = cell.tool.pose.matrix(), float(high[2]) + height
    if not collision:
        return map_reach(arm, T_flange_tool, x, y, z, yaws)
    model = make_collision_model(cell, arm.model)
    touching = {frozenset(pair) for pair in TOUCHING}
    wanted = np.array([0.0 if frozenset(pair) in touching else cell.motion.clearance_mm * MM for pair in model.pairs])

    def is_clear(Q: Array) -> NDArray[np.bool_]:
        return np.asarray((model.distances(Q) >= wanted).all(axis=1))

    return map_reach(arm, T_flange_tool, x, y, z, yaws, is_clear)
