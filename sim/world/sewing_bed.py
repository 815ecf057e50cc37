"""Cloth at the needle: while foot or needle hold it, its plies move in the balance of true forces.

Between whiles `Cloth.step` moves it in space; see docs/adr/0012-two-models-of-cloth.md.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from sewcell.geometry.poses import Array
from sim.world.balance import TABLE_PRESLIDING, Problem, choose_start, evaluate, find_balance
from sim.world.bed_contacts import BedContacts
from sim.world.bristles import relax_bristle
from sim.world.cloth import Cloth
from sim.world.cloth_mesh import Indices
from sim.world.feed import PIERCE, cut_turn, feed_progress, needle_is_down, passages
from sim.world.foot import foot_force, locate, sole_height
from sim.world.heights import LIES, find_ceiling, relax_heights
from sim.world.lockstitch import Pinned, Stitch
from sim.world.membrane import NONE, slip_yarns, smallest_area_ratio
from sim.world.parameters import Machine
from sim.world.ply_stack import PlyStack, stack_plies

SPLITS = 5
"""How often a step is halved when a triangle would turn over."""
ARCH_TIME = 40e-3
"""Time in which the membrane comes to know that cloth has risen [s]: slower than the waves that run through an arch."""
GRAVITY = 9.81
REST_SPEED, REST_STEPS = 3e-4, 24


@dataclass(frozen=True, slots=True)
class MachineMotion:
    """Shaft [turns], foot (0 to 1) at the start (0) and end (1) of a step; `feed` [m] per turn; `thread`: needle and
    bobbin have thread, so that stitches are formed; `T_plate`: T_base_tool of the gripper plate of half size (2,) [m].
    """

    shaft0: float
    shaft1: float
    foot0: float
    foot1: float
    feed: float
    thread: bool
    T_plate: Array
    plate_half: Array


@dataclass(frozen=True, slots=True)
class BedForces:
    """In base [N]: of the gripper on each vertex (V, 2), of the sole on the cloth (2,), of the needle on it (2,)."""

    held: Array
    foot: Array
    needle: Array


class SewingBed:
    """Foot, feed dog, needle and throat plate with the plies that they hold."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._needle = machine.T_base_needle[:2, 3].copy()
        self._foot_half = np.array([machine.foot_length, machine.foot_width]) / 2.0
        self._stack: PlyStack | None = None
        self._held: list[Indices] = []
        self._quiet = 0
        self.pins: dict[int, Pinned] = {}  # by place in the stack
        self.stitches: list[Stitch] = []

    @property
    def cloths(self) -> tuple[Cloth, ...]:
        """Plies that the bed moves, from below."""
        return () if self._stack is None else self._stack.cloths

    @property
    def positions(self) -> Array:
        """(V, 3) of all plies [m]."""
        return np.column_stack([self._x, self._z])

    def update(self, cloths: Sequence[Cloth], foot_down: float, turns: float) -> None:
        """Take over cloth on which the foot stands or which the needle holds, and let go what neither holds."""
        pressed = foot_force(self._machine, foot_down, 0.0) > 0.0
        needle_in = needle_is_down(turns)
        wanted = []
        for cloth in cloths:
            pinned = needle_in and (self._is_pinned(cloth) or cloth.needle_point is not None)
            if pinned or (pressed and self._lies_under_foot(cloth)):
                wanted.append(cloth)
        if len(wanted) > 1:
            wanted.sort(key=self._height)
        held = [cloth.held for cloth in wanted]
        same = tuple(wanted) == self.cloths and all(a is b for a, b in zip(held, self._held, strict=True))
        if not same:
            self.stitches = [s for s in self.stitches if s.lower in cloths and s.upper in cloths]
            self._release()
            self._take(tuple(wanted))
            self._held = held

    def step(self, motion: MachineMotion, dt: float, targets: Mapping[int, Array]) -> list[tuple[Cloth, Array]]:
        """Advance by `dt` [s]. `targets`: by place in the stack, where the held vertices are at its end (K, 3).

        Returns: ply and passage of the needle through it (6,), see `advance`, in the order of time and from below.
        Raises: RuntimeError, with the seed of the cloth, when there is no balance in which every triangle that lay flat
        when the bed took the cloth keeps its face up (det F > 0), at the end of any part of the step.
        """
        if self._stack is None or self._rests(motion, targets):
            return []
        stack = self._stack
        given0 = self.positions
        given1 = given0.copy()
        for q, target in targets.items():
            given1[stack.vertices[q] + stack.cloths[q].held] = target
        found: list[tuple[Cloth, Array]] = []
        for t0, t1 in pairwise(cut_turn(motion.shaft0, motion.shaft1)):
            self._solve_part(motion, dt, t0, t1, given0, given1, found, SPLITS)
        for q, cloth in enumerate(stack.cloths):
            part = slice(stack.vertices[q], stack.vertices[q + 1])
            cloth.x[:, :2], cloth.x[:, 2] = self._x[part], self._z[part]
            cloth.v[:, :2], cloth.v[:, 2] = self._v[part], self._vz[part]
            cloth.v[cloth.held] = 0.0
            cloth.finish_step(cloth.x[cloth.held].copy())
        fastest = float(np.abs(self._v).max(initial=0.0) + np.abs(self._vz).max(initial=0.0))
        still = motion.shaft0 == motion.shaft1 and motion.foot0 == motion.foot1 and np.array_equal(given0, given1)
        self._quiet = self._quiet + 1 if still and fastest < REST_SPEED else 0
        return found

    def forces(self) -> BedForces:
        """At the end of the last step."""
        if self._stack is None:
            return BedForces(np.zeros((0, 2)), np.zeros(2), np.zeros(2))
        stack, problem = self._stack, self._problem
        whole = problem.membrane._replace(moving=np.arange(len(problem.membrane.triangles)))
        gradient = np.zeros_like(self._x)
        evaluate(self._x, self._arch, problem._replace(membrane=whole), NONE, gradient, self._band)
        foot, needle = self._contacts.pulls(self._x, problem.links)
        return BedForces(np.where((stack.dof < 0)[:, None], gradient, 0.0), foot, needle)

    def _is_pinned(self, cloth: Cloth) -> bool:
        return any(self.cloths[q] is cloth for q in self.pins)

    def _lies_under_foot(self, cloth: Cloth) -> bool:
        seen = np.abs((cloth.x[:, :2] - self._needle) @ self._machine.T_base_needle[:2, :2])
        return bool(np.any((seen[:, 0] <= self._foot_half[0]) & (seen[:, 1] <= self._foot_half[1])))

    def _height(self, cloth: Cloth) -> float:
        nearest = np.argmin(np.linalg.norm(cloth.x[:, :2] - self._needle, axis=1))
        return float(cloth.x[nearest, 2])

    def _release(self) -> None:
        for q, cloth in enumerate(self.cloths):
            pin = self.pins.get(q)
            cloth.resume(None if pin is None else (pin.triangle, pin.share))
        self._stack = None
        self.pins = {}

    def _take(self, cloths: tuple[Cloth, ...]) -> None:
        if not cloths:
            return
        stack = self._stack = stack_plies(cloths)
        x = np.concatenate([c.x for c in cloths])
        v = np.concatenate([c.v for c in cloths])
        self._x, self._z = np.ascontiguousarray(x[:, :2]), np.ascontiguousarray(x[:, 2])
        self._v, self._vz = np.ascontiguousarray(v[:, :2]), np.ascontiguousarray(v[:, 2])
        free = stack.dof >= 0
        self._arch = self._z.copy()
        self._anchor = self._x.copy()
        self._inverse_mass = np.where(free, 1.0 / stack.mass, 0.0)
        weight = GRAVITY * stack.mass * np.concatenate([np.full(len(c.x), c.material.friction_table) for c in cloths])
        self._weight_friction = np.where(free, weight, 0.0)
        unknowns = 2 * int(np.count_nonzero(free))
        self._band = np.zeros((unknowns, stack.width))
        self._contacts = BedContacts(self._machine, stack)
        self._quiet = 0
        for q, cloth in enumerate(cloths):
            if cloth.needle_point is not None:
                self.pins[q] = Pinned(*cloth.needle_point)

    def _rests(self, motion: MachineMotion, targets: Mapping[int, Array]) -> bool:
        if self._quiet < REST_STEPS or motion.shaft0 != motion.shaft1 or motion.foot0 != motion.foot1:
            return False
        stack = self._stack
        if stack is None:
            return True
        now = self.positions
        return all(
            np.array_equal(now[stack.vertices[q] + stack.cloths[q].held], target) for q, target in targets.items()
        )

    def _solve_part(
        self, motion: MachineMotion, dt: float, t0: float, t1: float, given0: Array, given1: Array,
        found: list[tuple[Cloth, Array]], splits: int,
    ) -> None:  # fmt: skip
        """From fraction `t0` to `t1` of the step; halved when a triangle would turn over on the way."""
        stack = self._stack
        if stack is None:
            return
        h = (t1 - t0) * dt
        turns0 = motion.shaft0 + t0 * (motion.shaft1 - motion.shaft0)
        turns1 = motion.shaft0 + t1 * (motion.shaft1 - motion.shaft0)
        foot = motion.foot0 + t1 * (motion.foot1 - motion.foot0)
        if not needle_is_down(turns1) and self.pins:
            if motion.thread:
                self._tie()
            self.pins = {}
        x0 = self._x.copy()
        given = given0 + t1 * (given1 - given0)
        free = stack.dof >= 0
        self._z[~free] = given[~free, 2]
        self._arch += np.where(free, min(1.0, h / ARCH_TIME), 1.0) * (self._z - self._arch)
        turns = (turns0, turns1)
        links = self._contacts.make_links(x0, foot, turns, motion.feed, self.pins, self.stitches)
        lies = self._z <= stack.floor + LIES
        problem = self._problem = Problem(
            stack.membrane, links, stack.dof, stack.mass / h**2,
            x0 + h * self._v, self._anchor, np.where(lies, self._weight_friction, 0.0),
        )  # fmt: skip
        gradient = np.empty_like(x0)
        fed = (feed_progress(turns1) - feed_progress(turns0)) * motion.feed
        flat = np.ascontiguousarray(given[:, :2])
        way = fed * self._contacts.along
        for first in (True, False):
            if first and self._contacts.bristles > 0:
                x = choose_start(x0, self._arch, problem, flat, self._needle, way, gradient, self._band)
            else:
                x = np.where(free[:, None], problem.predicted if first else x0, flat)
            iterations = find_balance(x, self._arch, problem, gradient, self._band)
            if iterations > 0 and smallest_area_ratio(x, stack.membrane) > 0.0:
                break
        else:
            if splits == 0:
                raise RuntimeError(
                    f"the cloth under the foot finds no balance (seed {stack.cloths[0].seed}): "
                    "a triangle would turn over"
                )
            middle = 0.5 * (t0 + t1)
            self._solve_part(motion, dt, t0, middle, given0, given1, found, splits - 1)
            self._solve_part(motion, dt, middle, t1, given0, given1, found, splits - 1)
            return
        self._x = x
        self._v = np.where(free[:, None], (x - x0) / h, 0.0)
        self._contacts.keep(x, links)
        self._slip_on_table(problem)
        slip_yarns(x, self._arch, stack.membrane)
        ceiling = self._ceiling(motion, foot)
        w = self._inverse_mass
        relax_heights(x, self._z, self._vz, w, stack.floor, ceiling, stack.membrane, stack.hinges, -GRAVITY, h)
        turn = passages(turns1)
        if turn > passages(turns0):
            share = (turn + PIERCE - turns0) / (turns1 - turns0)
            self._pierce(turn, share, t0 * dt + share * h, x0, found)

    def _tie(self) -> None:
        """The hook has caught the loop: neighbouring plies on the needle are joined."""
        for q, r in pairwise(sorted(self.pins)):
            self.stitches.append(Stitch(self.cloths[q], self.pins[q], self.cloths[r], self.pins[r]))

    def _slip_on_table(self, problem: Problem) -> None:
        """Where the bristles on the table stand after the step."""
        off = self._x - self._anchor
        relax_bristle(off, TABLE_PRESLIDING)
        off[problem.limit == 0.0] = 0.0
        self._anchor = self._x - off

    def _ceiling(self, motion: MachineMotion, foot: float) -> Array:
        """Height (V,) that the sole with its toe, and the gripper plate, leave to the middle surface."""
        stack, machine = self._stack, self._machine
        if stack is None:
            return np.empty(0)
        lifted = sole_height(machine, foot, stack.thickness) - stack.thickness
        below_plate = motion.T_plate[2, 3] - stack.cloths[-1].material.thickness / 2.0
        ceiling: Array = find_ceiling(
            self._x, self._z, stack.floor, machine.T_base_needle, self._foot_half, lifted, motion.T_plate,
            motion.plate_half, below_plate,
        )  # fmt: skip
        return ceiling

    def _pierce(self, turn: int, share: float, time: float, x0: Array, found: list[tuple[Cloth, Array]]) -> None:
        """The needle passes the throat plate a fraction `share` of the way from `x0` to the present positions."""
        stack = self._stack
        if stack is None:
            return
        x = x0 + share * (self._x - x0)
        triangle, at = np.empty(1, dtype=np.int64), np.empty((1, 3))
        for q, cloth in enumerate(stack.cloths):
            first, last = stack.triangles[q], stack.triangles[q + 1]
            locate(x, stack.membrane.triangles, first, last, self._needle[None], triangle, at)
            if triangle[0] >= 0:
                self.pins[q] = Pinned(int(triangle[0] - stack.triangles[q]), at[0].copy())
                found.append((cloth, np.array([turn, time, self.pins[q].triangle, *at[0]])))
