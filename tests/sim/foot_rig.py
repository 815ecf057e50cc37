"""Cloth on the sewing bed, driven by hand. The needle stands at the origin of base, the feed runs along x."""

from dataclasses import replace

import numpy as np

from sewcell.geometry.planar import PlanarPose
from sim.world.cloth import Cloth, lay_flat
from sim.world.cloth_mesh import mesh_outline
from sim.world.cloth_rig import BENCH, COTTON, DT, FEED, tool_at
from sim.world.sewing_bed import MachineMotion, SewingBed

MACHINE = replace(BENCH.machine, T_base_needle=np.eye(4))
PLATE_HALF = np.array([0.058, 0.045])
AWAY = tool_at(5.0, 5.0, 1.0)


def sheet(low, high, edge=5e-3, height=None, seed=0, **material):
    """A rectangle of cotton whose corners lie at `low` and `high` on the throat plate, warp across the feed."""
    size = np.subtract(high, low)
    mesh = mesh_outline(np.array([[0.0, 0.0], [size[0], 0.0], size, [0.0, size[1]]]), edge)
    cotton = replace(COTTON, **material)
    level = cotton.thickness / 2.0 if height is None else height
    return Cloth(mesh, cotton, lay_flat(mesh, PlanarPose(low[0], low[1], 0.0), level), seed=seed)


class FootRig:
    """`targets`: by place in the stack, where held vertices go in the next steps. `smallest`: ratio of areas in plan,
    of any triangle in any step.
    """

    def __init__(self, *cloths, **machine):
        self.bed = SewingBed(replace(MACHINE, **machine))
        self.cloths = cloths
        self.shaft, self.foot, self.thread = 0.0, 0.0, True
        self.targets = {}
        self.passages = []
        self.smallest = np.inf

    def step(self, shaft=None, foot=None, feed=FEED):
        shaft, foot = self.shaft if shaft is None else shaft, self.foot if foot is None else foot
        self.bed.update(self.cloths, foot, shaft)
        motion = MachineMotion(self.shaft, shaft, self.foot, foot, feed, self.thread, AWAY, PLATE_HALF)
        placed = {self.bed.cloths.index(c): self.targets[c] for c in self.targets if c in self.bed.cloths}
        for cloth, row in self.bed.step(motion, DT, placed):
            self.passages.append((cloth, int(row[0]), cloth.material_point(int(row[2]), row[3:])))
        self.shaft, self.foot = shaft, foot
        for cloth in self.bed.cloths:
            self.smallest = min(self.smallest, float(area_ratios(cloth).min()))

    def wait(self, steps):
        for _ in range(steps):
            self.step()

    def lower(self):
        for foot in np.linspace(0.0, 1.0, 20):
            self.step(foot=float(foot))

    def lift(self):
        for foot in np.linspace(1.0, 0.0, 20):
            self.step(foot=float(foot))

    def turn_to(self, shaft, steps=20):
        for s in np.linspace(self.shaft, shaft, steps + 1)[1:]:
            self.step(shaft=float(s))

    def sew(self, stitches, spm=1000.0, feed=FEED, each=lambda: None):
        begin, per_step = self.shaft, spm / 60.0 * DT
        for n in range(1, round(stitches / per_step) + 1):
            each()
            self.step(shaft=begin + n * per_step, feed=feed)

    def points(self, cloth):
        return np.array([point for c, _, point in self.passages if c is cloth])


def area_ratios(cloth):
    """Area in plan over area in the pattern, (T,); negative when turned over."""
    q, p = cloth.x[cloth.triangles][:, :, :2], cloth.pattern[cloth.triangles]
    return _doubled(q) / _doubled(p)


def _doubled(p):
    e, f = p[:, 1] - p[:, 0], p[:, 2] - p[:, 0]
    return e[:, 0] * f[:, 1] - e[:, 1] * f[:, 0]


def angle_of_cloth(cloth, radius=8e-3):
    """How far the material at the needle is turned [rad]: best fit of the vertices around it."""
    near = np.linalg.norm(cloth.x[:, :2], axis=1) < radius
    p = cloth.pattern[near] - cloth.pattern[near].mean(axis=0)
    q = cloth.x[near, :2] - cloth.x[near, :2].mean(axis=0)
    return float(np.arctan2((p[:, 0] * q[:, 1] - p[:, 1] * q[:, 0]).sum(), (p * q).sum()))
