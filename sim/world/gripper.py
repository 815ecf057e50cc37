"""Needle-gripper plate: which fabric its pins take, how it slips, where the held fabric is."""

import numpy as np

from sewcell.geometry.poses import Array, invert_pose, transform_points
from sim.world.cloth import Cloth
from sim.world.cloth_mesh import Indices
from sim.world.parameters import GripperPlate, Scatter

ENGAGED = 0.5
LIFTED = 1e-3
SLIP_TIME = 0.05


class Gripper:
    """Holds at most one cloth, whose held vertices keep their place in the tool frame but for one slip at lift-off."""

    def __init__(self, plate: GripperPlate, scatter: Scatter) -> None:
        self._plate = plate
        self._scatter = scatter
        self._local = np.empty((0, 3))
        self._slip = np.zeros(3)  # along tool x and y [m], about tool z [rad]
        self._slipped = 0.0
        self._height = 0.0
        self._lifted = False
        self.cloth: Cloth | None = None

    def grip(self, cloths: list[Cloth], T_tool: Array, rng: np.random.Generator) -> Cloth | None:
        """Pins come out with the tool at `T_tool`: take the cloth that they reach best, if any."""
        chosen: Indices = np.empty(0, dtype=np.int64)
        for cloth in cloths:
            vertices = self._reached(cloth, T_tool)
            if len(vertices) > len(chosen):
                chosen, self.cloth = vertices, cloth
        if self.cloth is not None:
            self.cloth.hold(chosen)
            self._local = transform_points(invert_pose(T_tool), self.cloth.x[chosen])
            s = self._scatter
            self._slip = rng.normal(0.0, (s.slip_sigma, s.slip_sigma, s.slip_sigma_angle))
            self._slipped, self._height, self._lifted = 0.0, float(T_tool[2, 3]), False
        return self.cloth

    def release(self) -> None:
        """Pins go in."""
        if self.cloth is not None:
            self.cloth.hold(np.empty(0, dtype=np.int64))
            self.cloth = None

    def targets(self, T_tool: Array, dt: float) -> Array:
        """Where the held vertices are after a step of `dt` [s] that brings the tool to `T_tool`, (K, 3) in base."""
        self._lifted = self._lifted or T_tool[2, 3] > self._height + LIFTED
        if self._lifted:
            self._slipped = min(1.0, self._slipped + dt / SLIP_TIME)
        x, y, angle = self._slip * self._slipped
        c, s = np.cos(angle), np.sin(angle)
        local = self._local @ np.array([[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]]) + (x, y, 0.0)
        return transform_points(T_tool, local)

    def _reached(self, cloth: Cloth, T_tool: Array) -> Indices:
        """Vertices under the pins whose upper face lies within half the length of the pins."""
        p = transform_points(invert_pose(T_tool), cloth.x)
        half = np.array(self._plate.size) / 2.0 - self._plate.pin_inset
        gap = p[:, 2] - cloth.material.thickness / 2.0
        inside = np.all(np.abs(p[:, :2]) <= half, axis=1)
        return np.flatnonzero(inside & (np.abs(gap) <= self._plate.pin_penetration / 2.0)).astype(np.int64)
