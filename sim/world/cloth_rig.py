"""A cloth alone with plate, foot and needle, driven by hand: for tests, benchmarks and studies. Needle frame = base."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from sewcell.config.layers import load_job
from sewcell.geometry.planar import PlanarPose
from sewcell.geometry.poses import Array
from sim.world.cloth import Cloth, lay_flat
from sim.world.cloth_mesh import mesh_outline
from sim.world.cloth_step import Surroundings
from sim.world.foot import sole_height
from sim.world.from_config import make_world_parameters
from sim.world.gripper import Gripper
from sim.world.parameters import GripperPlate, WorldParameters
from sim.world.sewing_bed import MachineMotion, SewingBed

CONFIGS = Path(__file__).parents[2] / "configs"


def _read_bench() -> WorldParameters:
    """The world of the cell `bench` with its cotton, as the files in configs/ have it."""
    job = load_job(CONFIGS / "garments" / "shirt-pocket.yaml", imperfections="ideal")
    return make_world_parameters(job.cell, job.fabric, job.imperfections)


DT = 1.0 / 240.0
POCKET = np.array([[0.0, 0.0], [0.06, -0.02], [0.12, 0.0], [0.12, 0.12], [0.0, 0.12]])
BENCH = _read_bench()
COTTON = BENCH.material
LEVEL = COTTON.thickness / 2.0
FEED = 2.5e-3


def tool_at(x: float, y: float, z: float) -> Array:
    """T_base_tool: the face looks down, tool x along base x."""
    T = np.diag([1.0, -1.0, -1.0, 1.0])
    T[:3, 3] = x, y, z
    return T


def make_cloth(pose: PlanarPose, height: float = LEVEL, edge: float = 4.7e-3, **material: Any) -> Cloth:
    """The pocket in cotton, flat at `pose`; `material`: values that differ from cotton's."""
    mesh = mesh_outline(POCKET, edge)
    return Cloth(mesh, replace(COTTON, **material), lay_flat(mesh, pose, height))


@dataclass(slots=True)
class Rig:
    """Steps a cloth with given tool pose, shaft and foot. `pierces`: turn and pattern coordinates, None beside it."""

    cloth: Cloth
    T_tool: Array = field(default_factory=lambda: tool_at(0.0, 0.0, 1.0))
    gravity: tuple[float, float, float] = (0.0, 0.0, -9.81)
    air: float = 1.2
    shaft: float = 0.0
    foot: float = 0.0
    substeps: int = 20
    pierces: list[tuple[int, Array | None]] = field(default_factory=list)
    plate: GripperPlate = field(default_factory=lambda: BENCH.gripper)
    gripper: Gripper = field(init=False)
    bed: SewingBed = field(init=False)

    def __post_init__(self) -> None:
        self.bed = SewingBed(replace(BENCH.machine, T_base_needle=np.eye(4)))
        self.gripper = Gripper(self.plate, replace(BENCH.scatter, slip_sigma=0.0, slip_sigma_angle=0.0))

    def grip(self) -> None:
        """Put the pins out."""
        self.gripper.grip([self.cloth], self.T_tool, np.random.default_rng(0))

    def step(
        self,
        T: Array | None = None,
        shaft: float | None = None,
        foot: float | None = None,
        feed: float = FEED,
        targets: Array | None = None,
    ) -> None:
        """One step to new values; what is None stays. `targets` (K, 3): of held vertices that no gripper moves."""
        T = self.T_tool if T is None else T
        shaft = self.shaft if shaft is None else shaft
        foot = self.foot if foot is None else foot
        m, machine = self.cloth.material, BENCH.machine
        if shaft != self.shaft or foot != self.foot or not np.array_equal(T, self.T_tool):
            self.cloth.wake()
        env = Surroundings(
            gravity=np.array(self.gravity),
            drag_coefficient=self.air,
            friction=m.friction_table,
            plate_near=True,
            plate_axes0=np.ascontiguousarray(self.T_tool[:3, :3]),
            plate_axes1=np.ascontiguousarray(T[:3, :3]),
            plate_at0=self.T_tool[:3, 3].copy(),
            plate_at1=T[:3, 3].copy(),
            plate_half=np.array(self.plate.size) / 2.0,
            plate_depth=self.plate.plate_height / 2.0,
            needle_axes=np.eye(2),
            needle_at=np.zeros(2),
            foot_half=np.array([machine.foot_length, machine.foot_width]) / 2.0,
            sole0=sole_height(machine, self.foot, m.thickness),
            sole1=sole_height(machine, foot, m.thickness),
            shaft0=self.shaft,
            shaft1=shaft,
        )
        if self.gripper.cloth is not None:
            targets = self.gripper.targets(T, DT)
        self.bed.update([self.cloth], foot, shaft)
        if self.bed.cloths:
            motion = MachineMotion(self.shaft, shaft, self.foot, foot, feed, True, T, env.plate_half)
            given = {} if targets is None else {0: targets}
            rows = [row for _, row in self.bed.step(motion, DT, given)]
        else:
            rows = list(self.cloth.step(env, DT, self.substeps, targets))
        for row in rows:
            point = self.cloth.material_point(int(row[2]), row[3:]) if row[2] >= 0.0 else None
            self.pierces.append((int(row[0]), point))
        self.T_tool, self.shaft, self.foot = T, shaft, foot

    def wait(self, steps: int) -> None:
        """Let time pass."""
        for _ in range(steps):
            self.step()

    def move(self, end: Array, steps: int) -> None:
        """Move the tool to `end` without turning it, from rest to rest."""
        start = self.T_tool
        for s in np.linspace(0.0, 1.0, steps + 1)[1:]:
            self.step(start + s * s * (3.0 - 2.0 * s) * (end - start))

    def lower_foot(self) -> None:
        """Put the foot down in 80 ms."""
        for foot in np.linspace(0.0, 1.0, 20):
            self.step(foot=float(foot))

    def sew(self, stitches: int, spm: float = 1000.0, feed: float = FEED, arm: bool = False) -> Array:
        """Turn the shaft `stitches` times; with `arm` the plate moves at the mean speed. Returns the points (N, 2)."""
        begin, T0 = self.shaft, self.T_tool
        first = len(self.pierces)
        per_step = spm / 60.0 * DT
        for n in range(1, int(stitches / per_step) + 1):
            T = T0.copy()
            # The dog moves about 285 deg of each turn, so the mean feed lags the shaft by 0.29 turns.
            T[0, 3] += feed * max(0.0, n * per_step - 0.29) if arm else 0.0
            self.step(T, begin + n * per_step, feed=feed)
        return np.array([[np.nan, np.nan] if p is None else p for _, p in self.pierces[first:]])
