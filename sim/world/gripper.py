"""Needle-gripper plate: which fabric its pins take, how it slips, where the held fabric is."""

import numpy as np

from sewcell.geometry.poses import Array, invert_pose, transform_points
from sim.world.cloth import Cloth
from sim.world.cloth_mesh import Indices
from sim.world.parameters import GripperPlate, Scatter

ENGAGED = 0.5
LIFTED = 1e-3
SLIP_TIME = 0.05
BITE = 0.45
"""Pins hold a ply when they go in by at least this share of its thickness: assumed, no measurement is published."""


class Gripper:
    """Holds the plies that its pins enter, whose held vertices keep their place in the tool frame but for a slip.

    `cloth`: the uppermost of them or None; `plies`: all, from above. How far the pins go in decides how many come up:
    none below BITE of a thickness, one up to 1 + BITE, and so on.
    """

    def __init__(self, plate: GripperPlate, scatter: Scatter) -> None:
        self._plate = plate
        self._scatter = scatter
        self._local = np.empty((0, 3))
        self._slip = np.zeros(3)  # along tool x and y [m], about tool z [rad]: so far
        self._slipping = np.zeros(3)  # what is still to come
        self._height = 0.0
        self._lifted = False
        self.cloth: Cloth | None = None
        self._under: list[Cloth] = []

    @property
    def plies(self) -> list[Cloth]:
        """What the pins hold, from above."""
        return [] if self.cloth is None else [self.cloth, *self._under]

    def grip(self, cloths: list[Cloth], T_tool: Array, rng: np.random.Generator, deeper: float = 0.0) -> Cloth | None:
        """Pins come out with the tool at `T_tool`: take the plies of `cloths` that they enter, if any.

        They go in by `deeper` [m] more than they are set to.
        """
        s = self._scatter
        entered = [(c, self._entered(c, T_tool, deeper)) for c in cloths]
        taken = sorted(((c, v) for c, v in entered if len(v)), key=lambda ply: -float(np.mean(ply[0].x[ply[1], 2])))
        if taken:
            self.cloth, self._under = taken[0][0], [c for c, _ in taken[1:]]
            for cloth, vertices in taken:
                cloth.hold(vertices)
            held = np.concatenate([c.x[v] for c, v in taken])
            self._local = transform_points(invert_pose(T_tool), held)
            self._slip = np.zeros(3)
            self._slipping = rng.normal(0.0, (s.slip_sigma, s.slip_sigma, s.slip_sigma_angle))
            self._height, self._lifted = float(T_tool[2, 3]), False
        return self.cloth

    def slip(self, x: float, y: float, angle: float) -> None:
        """The cloth slides along tool x and y [m] and turns about tool z [rad] between the pins."""
        self._slipping = self._slipping + np.array([x, y, angle])

    def release(self) -> None:
        """Pins go in."""
        for cloth in self.plies:
            cloth.hold(np.empty(0, dtype=np.int64))
        self.cloth, self._under = None, []

    def targets(self, T_tool: Array, dt: float) -> Array:
        """Where the held vertices are after a step of `dt` [s] that brings the tool to `T_tool`, (K, 3) in base.

        Those of all `plies`, one after another.
        """
        self._lifted = self._lifted or T_tool[2, 3] > self._height + LIFTED
        if self._lifted:
            part = self._slipping * (1.0 - np.exp(-dt / SLIP_TIME))
            self._slip, self._slipping = self._slip + part, self._slipping - part
        x, y, angle = self._slip
        c, s = np.cos(angle), np.sin(angle)
        local = self._local @ np.array([[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]]) + (x, y, 0.0)
        return transform_points(T_tool, local)

    def targets_by_ply(self, T_tool: Array, dt: float) -> dict[Cloth, Array]:
        """As `targets`, of each ply that is held."""
        if self.cloth is None:
            return {}
        sizes = [len(c.held) for c in self.plies]
        return dict(zip(self.plies, np.split(self.targets(T_tool, dt), np.cumsum(sizes)[:-1]), strict=True))

    def _entered(self, cloth: Cloth, T_tool: Array, deeper: float) -> Indices:
        """Vertices under the pins that these enter by BITE of the thickness."""
        p = transform_points(invert_pose(T_tool), cloth.x)
        half = np.array(self._plate.size) / 2.0 - self._plate.pin_inset
        thickness = cloth.material.thickness
        gap = p[:, 2] - thickness / 2.0
        inside = np.all(np.abs(p[:, :2]) <= half, axis=1) & (p[:, 2] > -self._plate.plate_height / 2.0)
        return np.flatnonzero(inside & (self._plate.pin_penetration + deeper - gap >= BITE * thickness)).astype(
            np.int64
        )
