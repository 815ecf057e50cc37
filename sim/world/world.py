"""The simulated world: rigid bodies, cloth, gripper and loader, advanced together from the plant's wires."""

import math
from itertools import pairwise

import numpy as np

from sewcell.geometry.planar import planar_from_matrix
from sewcell.geometry.poses import Array, invert_pose
from sewcell.pattern.piece import Piece
from sim.camera.dust import make_lint
from sim.camera.mesh import Mesh
from sim.plant import Plant
from sim.truth import Pierce, TruePose, Truth
from sim.world.bullet import NEEDLE_AMPLITUDE, RigidWorld
from sim.world.cloth import Cloth
from sim.world.cloth_kernels import find_bounds
from sim.world.cloth_step import Surroundings
from sim.world.feed import PIERCE
from sim.world.foot import sole_height
from sim.world.gripper import ENGAGED, Gripper
from sim.world.loader import Loader
from sim.world.mishaps import Mishap
from sim.world.parameters import WorldParameters
from sim.world.plate import count_layers
from sim.world.plies import Plies
from sim.world.sewing_bed import MachineMotion, SewingBed
from sim.world.surfaces import Surfaces

STEP = 1.0 / 240.0
PICKED_HEIGHT = 20e-3
STEPS_PER_COLLISION_CHECK = 4
NEAR = 5e-3
GRAVITY = (0.0, 0.0, -9.81)
DRAG_COEFFICIENT = 1.2
NO_PIECE = -1
HEAVY_LINT = 30
SLIP = (2e-3, 4e-3, float(np.deg2rad(5.0)))
"""Of a piece that the pins do not hold well: along tool x and y [m], about tool z."""
STEPS_PER_STRAIN_CHECK = 48


class World:
    """One cell. Pieces are numbered from 0 in the order in which the loader gives them.

    Every step reads the commands of `plant`, moves from the state of the last step to them, and writes its sensors;
    what really happened goes to `truth`. The outcome depends on the commands and `seed` only.
    """

    def __init__(
        self, parameters: WorldParameters, piece: Piece, piece_count: int, seed: int, plant: Plant, truth: Truth
    ) -> None:
        self._parameters = parameters
        self._seed = seed
        self._plant = plant
        self._truth = truth
        self.time = 0.0
        self._steps = 0
        self._rigid = RigidWorld(parameters, plant.joint_targets)
        self._T_tool = self._rigid.tool_pose()
        self._surfaces = Surfaces(parameters)
        self._bed = SewingBed(parameters.machine)
        self._gripper = Gripper(parameters.gripper, parameters.scatter)
        self._cloths: dict[int, Cloth] = {}
        self._stack = Plies()
        self._loader = Loader(parameters, piece, piece_count, seed, plant.loader_request)
        self._settling: set[int] = set()
        self._shaft, self._foot, self._pins = plant.shaft_turns, plant.foot_down, plant.pins_out
        self._lint: list[Mesh] = []
        self._misses_pick = self._drops_carried = False
        self._plies = self._plies_next = 1
        self._skipped = False
        self._thread_failures: set[str] = set()

    @property
    def cloths(self) -> dict[int, Cloth]:
        """Pieces on the table or in the gripper, by number."""
        return self._cloths

    @property
    def tool_pose(self) -> Array:
        """T_base_tool (4, 4) as it really is."""
        return self._T_tool

    def close(self) -> None:
        """Leave PyBullet. May be repeated."""
        self._rigid.close()

    def meshes(self) -> list[Mesh]:
        """Surfaces of all bodies, in base."""
        bodies = self._surfaces.meshes(
            self._rigid.link_poses(),
            self._T_tool,
            self._sole(self._foot),
            self._shaft,
            self._pins,
            self._cloths,
            self._truth.pierces,
        )
        return [*bodies, *self._lint]

    def _take_pieces_away(self) -> None:
        """Somebody clears table and gripper."""
        self._clear()
        self._loader.lose_stack()

    def _clear(self, waiting_from: int | None = None) -> None:
        """Take the pieces away from table and gripper, but for those of a stack, which have this number or more."""
        self._gripper.release()
        gone = [n for n in self._cloths if waiting_from is None or n < waiting_from]
        self._stack.remove([self._cloths.pop(n) for n in gone])
        self._settling.clear()

    def suffer(self, mishap: Mishap) -> None:
        """It happens now, or with the next piece."""
        match mishap:
            case Mishap.LINT:
                self._drop_lint(HEAVY_LINT)
            case Mishap.LOADER_EMPTY:
                self._loader.empty_magazine()
            case Mishap.LOADER_JAMMED:
                self._loader.jammed = True
            case Mishap.PICK_FAILS:
                self._misses_pick = True
            case Mishap.PIECE_DROPPED:
                self._drops_carried = True
            case Mishap.PIECE_SLIPS:
                self._gripper.slip(*SLIP)
            case Mishap.PIECE_TAKEN_AWAY:
                self._take_pieces_away()
            case Mishap.PLY_CLINGS:
                self._plies_next = 2
            case Mishap.STACK_SHORT:
                self._loader.next_is_short = True

    def _drop_lint(self, count: int) -> None:
        """Flocks of lint fall on the table."""
        rng = np.random.default_rng([self._seed, len(self._lint), 6])
        bench = self._parameters.bench
        low, high = np.zeros(2), np.array(bench.pick_high) + bench.pick_low
        lint = make_lint(f"lint {len(self._lint)}", count, (low, high), bench.T_base_table, rng)
        if lint is not None:
            self._lint.append(lint)

    def step(self, dt: float = STEP) -> None:
        """Advance by `dt` [s]."""
        self._load(dt)
        T_before = self._T_tool
        layers = count_layers(self._cloths.values(), T_before, self._parameters.gripper)
        self._rigid.follow(self._plant.joint_targets, dt, layers)
        self._T_tool = self._rigid.tool_pose()
        self._work_pins(T_before)
        self._step_cloths(T_before, dt)
        self.time += dt
        self._steps += 1
        self._shaft, self._foot, self._pins = self._plant.shaft_turns, self._plant.foot_down, self._plant.pins_out
        self._log_state()
        self._log_thread()
        if self._steps % STEPS_PER_COLLISION_CHECK == 0:
            self._check_collision()
        if self._steps % STEPS_PER_STRAIN_CHECK == 0:
            awake = [float(cloth.strains().max()) for cloth in self._cloths.values() if not cloth.asleep]
            self._truth.largest_strain = max(self._truth.largest_strain, *awake, 0.0)

    def _sole(self, foot_down: float) -> float:
        """Height of the sole above the throat plate [m]; the lowered foot stands on one ply."""
        return sole_height(self._parameters.machine, foot_down, self._parameters.material.thickness)

    def _load(self, dt: float) -> None:
        if not self._loader.is_due(self._plant, self.time, dt):
            return
        self._clear(self._loader.asked)
        self._add(self._loader.bring())
        number = self._loader.asked - 1
        self._plant.loader_ready = number in self._cloths
        if self._plant.loader_ready:
            self._truth.picked[number] = False
            self._settling.add(number)
        self._plant.loader_echo = self._loader.request

    def _add(self, laid: dict[int, Cloth]) -> None:
        """Cloth by number that lies on the table now, from the lowest; the edges of a stack cling."""
        self._cloths |= laid
        for cloth in laid.values():
            self._stack.add(cloth)
        for lower, upper in pairwise(laid.values()):
            self._stack.cling(upper, lower)
        if laid:
            self._drop_lint(self._parameters.scatter.lint)

    def _work_pins(self, T_tool: Array) -> None:
        if self._pins < ENGAGED <= self._plant.pins_out:
            rng = np.random.default_rng([self._seed, self._loader.asked, 1])
            if not self._misses_pick:
                deeper = (self._plies_next - 1) * self._parameters.material.thickness
                self._gripper.grip(list(self._cloths.values()), T_tool, rng, deeper)
                self._plies, self._plies_next = self._plies_next, 1
            self._misses_pick = False
        elif self._plant.pins_out < ENGAGED <= self._pins:
            self._gripper.release()
        elif self._drops_carried and self._is_carried():
            self._gripper.release()
            self._drops_carried = False
        self._stack.raise_to_top(self._gripper.plies)
        felt = [c.material.thickness for c in self._gripper.plies]
        self._plant.ply_thickness = sum(felt) + max(0, self._plies - len(felt)) * felt[0] if felt else 0.0

    def _is_carried(self) -> bool:
        """Whether the gripper holds a piece in the air beyond the pick zone."""
        bench = self._parameters.bench
        at = (invert_pose(bench.T_base_table) @ self._T_tool)[:3, 3]
        beyond = bool(np.any(at[:2] < bench.pick_low) or np.any(at[:2] > bench.pick_high))
        return self._gripper.cloth is not None and beyond and bool(at[2] > PICKED_HEIGHT)

    def _step_cloths(self, T_before: Array, dt: float) -> None:
        moved = not np.array_equal(T_before, self._T_tool)
        turned = self._shaft != self._plant.shaft_turns
        pressed_or_lifted = self._foot != self._plant.foot_down
        pierced = self._step_bed(dt)
        ends = self._gripper.targets_by_ply(self._T_tool, dt) if not self._bed_holds_gripped() else {}
        surroundings: dict[Cloth, Surroundings] = {}
        for cloth in self._cloths.values():
            if cloth in self._bed.cloths:
                continue
            low, high = find_bounds(cloth.x)
            near = self._plate_is_near(low, high)
            if (moved and (near or cloth in ends)) or (
                (turned or pressed_or_lifted) and self._lies_at_needle(low, high)
            ):
                cloth.wake()
            surroundings[cloth] = self._surroundings(cloth, T_before, near)
        numbers = {cloth: number for number, cloth in self._cloths.items()}
        found = self._stack.step(surroundings, dt, self._parameters.substeps, ends, self._bed.stitches)
        pierced += [(numbers[cloth], cloth, row) for cloth, rows in found for row in rows]
        self._log_pierces(pierced, dt)

    def _bed_holds_gripped(self) -> bool:
        return any(c in self._bed.cloths for c in self._gripper.plies)

    def _step_bed(self, dt: float) -> list[tuple[int, Cloth, Array]]:
        """Move the cloth that foot or needle hold; returns the passages of the needle through it."""
        numbers = {id(cloth): number for number, cloth in self._cloths.items()}
        self._bed.update(list(self._cloths.values()), self._plant.foot_down, self._plant.shaft_turns)
        held = self._gripper.cloth
        targets = {q: self._gripper.targets(self._T_tool, dt) for q, c in enumerate(self._bed.cloths) if c is held}
        motion = MachineMotion(
            shaft0=self._shaft,
            shaft1=self._plant.shaft_turns,
            foot0=self._foot,
            foot1=self._plant.foot_down,
            feed=self._plant.feed_length,
            thread=not (self._plant.thread_broken or self._plant.bobbin_empty or self._skipped),
            T_plate=self._T_tool,
            plate_half=np.array(self._parameters.gripper.size) / 2.0,
        )
        return [(numbers[id(cloth)], cloth, row) for cloth, row in self._bed.step(motion, dt, targets)]

    def _surroundings(self, cloth: Cloth, T_before: Array, plate_near: bool) -> Surroundings:
        m, machine, plate = cloth.material, self._parameters.machine, self._parameters.gripper
        T_needle = machine.T_base_needle
        return Surroundings(
            gravity=np.array(GRAVITY),
            drag_coefficient=DRAG_COEFFICIENT,
            friction=m.friction_table,
            plate_near=plate_near,
            plate_axes0=np.ascontiguousarray(T_before[:3, :3]),
            plate_axes1=np.ascontiguousarray(self._T_tool[:3, :3]),
            plate_at0=T_before[:3, 3].copy(),
            plate_at1=self._T_tool[:3, 3].copy(),
            plate_half=np.array(plate.size) / 2.0,
            plate_depth=plate.plate_height / 2.0,
            needle_axes=np.ascontiguousarray(T_needle[:2, :2]),
            needle_at=T_needle[:2, 3].copy(),
            foot_half=np.array([machine.foot_length, machine.foot_width]) / 2.0,
            sole0=self._sole(self._foot),
            sole1=self._sole(self._plant.foot_down),
            shaft0=self._shaft,
            shaft1=self._plant.shaft_turns,
        )

    def _plate_is_near(self, low: Array, high: Array) -> bool:
        reach = math.hypot(*self._parameters.gripper.size) / 2.0 + NEAR
        return _is_within(reach, self._T_tool[:3, 3], low, high)

    def _lies_at_needle(self, low: Array, high: Array) -> bool:
        machine = self._parameters.machine
        reach = math.hypot(machine.foot_length, machine.foot_width) / 2.0 + NEAR
        return _is_within(reach, machine.T_base_needle[:2, 3], low, high)

    def _plate_is_under_needle(self) -> bool:
        """Whether a needle that goes down meets the gripper plate."""
        needle = self._parameters.machine.T_base_needle[:3, 3]
        x, y, z = invert_pose(self._T_tool)[:3] @ [*needle, 1.0]
        half = np.array(self._parameters.gripper.size) / 2.0
        return bool(abs(x) <= half[0] and abs(y) <= half[1] and z < NEEDLE_AMPLITUDE * 2.0)

    def _log_pierces(self, pierced: list[tuple[int, Cloth, Array]], dt: float) -> None:
        before, now = self._shaft, self._plant.shaft_turns
        for turn in range(int(np.floor(before - PIERCE)) + 1, int(np.floor(now - PIERCE)) + 1):
            time = self.time + dt * (turn + PIERCE - before) / (now - before)
            hits = [(n, c, row) for n, c, row in pierced if int(row[0]) == turn and row[2] >= 0.0]
            for number, cloth, row in hits:
                x, y = cloth.material_point(int(row[2]), row[3:])
                self._truth.pierces.append(Pierce(number, turn, time, float(x), float(y), self._plant.hook_misses))
            self._skipped = bool(hits) and self._plant.hook_misses
            if self._skipped:
                self._plant.hook_misses = False
                self._truth.events.append((time, f"the hook missed the loop of stitch {turn}"))
            if self._plate_is_under_needle() and not self._plant.needle_struck:
                self._plant.needle_struck = True
                self._truth.events.append((time, "the needle struck the gripper"))
            if not hits:
                asked = self._loader.asked - 1
                number = asked if asked in self._cloths else NO_PIECE
                self._truth.pierces.append(Pierce(number, turn, time, float("nan"), float("nan")))

    def _log_state(self) -> None:
        for number in sorted(self._settling):
            cloth = self._cloths[number]
            if cloth.asleep or len(cloth.held):
                self._settling.discard(number)
                T = invert_pose(self._parameters.bench.T_base_table) @ cloth.fit_pose().matrix()
                pose = planar_from_matrix(T)
                self._truth.laid.append(TruePose(number, self.time, pose.x, pose.y, pose.theta, pose.mirrored))
        held = self._gripper.cloth
        for number, cloth in self._cloths.items():
            if cloth is held and float(np.mean(cloth.x[cloth.held, 2])) > PICKED_HEIGHT:
                self._truth.picked[number] = True

    def _log_thread(self) -> None:
        """Needle thread and bobbin thread, when they end."""
        for wire, text in (("thread_broken", "the needle thread broke"), ("bobbin_empty", "the bobbin ran empty")):
            failed = bool(getattr(self._plant, wire))
            if failed and wire not in self._thread_failures:
                self._truth.events.append((self.time, text))
            (self._thread_failures.add if failed else self._thread_failures.discard)(wire)

    def _check_collision(self) -> None:
        self._rigid.place_machine(self._sole(self._foot), self._shaft)
        struck = self._rigid.struck()
        if struck is not None and not self._plant.arm_limit_hit:
            self._truth.events.append((self.time, f"the arm struck the {struck}"))
        self._plant.arm_limit_hit = self._plant.arm_limit_hit or struck is not None


def _is_within(reach: float, at: Array, low: Array, high: Array) -> bool:
    """Whether a point is nearer than `reach` [m] to the box, along each of its axes."""
    return all(a - reach < p < b + reach for p, a, b in zip(at.tolist(), low, high, strict=False))
