"""A stack of cloth alone with the gripper plate, moved by hand: for tests, benchmarks and figures."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np

from sewcell.geometry.planar import PlanarPose
from sewcell.geometry.poses import Array
from sim.world.cloth import Cloth
from sim.world.cloth_rig import BENCH, COTTON, DT, LEVEL, make_cloth, tool_at
from sim.world.cloth_step import Surroundings
from sim.world.gripper import Gripper
from sim.world.lockstitch import Stitch
from sim.world.plies import Plies

GAP = 20e-6
MIDDLE = (0.06, 0.055)
"""Of the pocket, in its own coordinates [m]."""
AWAY = np.array([9.0, 9.0])


@dataclass(slots=True)
class PlyRig:
    """Steps plies without machine; `grip` and `lift` bring in the plate."""

    plies: Plies
    gravity: tuple[float, float, float] = (0.0, 0.0, -9.81)
    air: float = 1.2
    substeps: int = 20
    T_tool: Array = field(default_factory=lambda: tool_at(9.0, 9.0, 9.0))
    gripper: Gripper = field(init=False)
    stitches: list[Stitch] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.gripper = _make_gripper(BENCH.gripper.pin_penetration)

    @classmethod
    def stack(cls, count: int, scatter: float, height: float = LEVEL, gap: float = GAP, **material: Any) -> Self:
        """`count` pockets on one another, each off by normal deviates of `scatter` [m] and 10 `scatter` [rad]."""
        rng = np.random.default_rng(0)
        plies = Plies()
        for n in range(count):
            x, y, turn = scatter * rng.normal(size=3)
            level = height + n * (COTTON.thickness + gap)
            plies.add(make_cloth(PlanarPose(0.3 + x, 0.2 + y, 10.0 * turn), height=level, **material))
        return cls(plies)

    @property
    def cloths(self) -> list[Cloth]:
        """From below."""
        return self.plies.order

    def step(self, targets: Mapping[Cloth, Array] | None = None, T_tool: Array | None = None) -> None:
        """One step; `targets`: where held vertices are at its end."""
        T = self.T_tool if T_tool is None else T_tool
        given = dict(targets or {})
        given.update(self.gripper.targets_by_ply(T, DT))
        for cloth in self.gripper.plies:
            cloth.wake()
        around = self._around(T)
        surroundings = {c: around._replace(friction=c.material.friction_table) for c in self.cloths}
        self.plies.step(surroundings, DT, self.substeps, given, self.stitches)
        self.T_tool = T

    def wait(self, steps: int) -> None:
        """Let time pass."""
        for _ in range(steps):
            self.step()

    def pull(self, number: int, acceleration: float, steps: int) -> float:
        """Pull ply `number` along -x by its hem, from rest. Returns: how far [m]."""
        cloth = self.cloths[number]
        cloth.hold(np.flatnonzero(cloth.pattern[:, 0] < 2e-3))
        start, gone = cloth.x[cloth.held].copy(), 0.0
        for n in range(1, steps + 1):
            gone = 0.5 * acceleration * (n * DT) ** 2
            self.step({cloth: start - [gone, 0.0, 0.0]})
        return gone

    def grip(self, penetration: float) -> None:
        """Pins that go in by `penetration` [m] come out with the plate on the stack."""
        self.gripper = _make_gripper(penetration)
        top = max(float(np.median(c.x[:, 2])) + c.material.thickness / 2.0 for c in self.cloths)
        self.T_tool = tool_at(0.3 + MIDDLE[0], 0.2 + MIDDLE[1], top)
        self.gripper.grip(self.cloths, self.T_tool, np.random.default_rng(0))

    def lift(self, height: float, steps: int) -> None:
        """Lift the plate straight up by `height` [m]."""
        low = self.T_tool[2, 3]
        for s in np.linspace(0.0, 1.0, steps + 1)[1:]:
            x, y = self.T_tool[:2, 3]
            self.step(T_tool=tool_at(x, y, low + height * s * s * (3.0 - 2.0 * s)))

    def _around(self, T: Array) -> Surroundings:
        machine, plate = BENCH.machine, BENCH.gripper
        lifted = COTTON.thickness + machine.foot_lift
        return Surroundings(
            gravity=np.array(self.gravity),
            drag_coefficient=self.air,
            friction=COTTON.friction_table,
            plate_near=True,
            plate_axes0=np.ascontiguousarray(self.T_tool[:3, :3]),
            plate_axes1=np.ascontiguousarray(T[:3, :3]),
            plate_at0=self.T_tool[:3, 3].copy(),
            plate_at1=T[:3, 3].copy(),
            plate_half=np.array(plate.size) / 2.0,
            plate_depth=plate.plate_height / 2.0,
            needle_axes=np.eye(2),
            needle_at=AWAY,
            foot_half=np.array([machine.foot_length, machine.foot_width]) / 2.0,
            sole0=lifted,
            sole1=lifted,
            shaft0=0.0,
            shaft1=0.0,
        )


def _make_gripper(penetration: float) -> Gripper:
    plate = replace(BENCH.gripper, pin_penetration=penetration)
    return Gripper(plate, replace(BENCH.scatter, slip_sigma=0.0, slip_sigma_angle=0.0))
