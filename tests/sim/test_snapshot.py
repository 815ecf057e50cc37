"""Facts about snapshots of the simulated cell."""

from pathlib import Path

import numpy as np
import pytest

from sewcell.apps.run import RunRequest, run_garment
from sewcell.config.layers import load_job
from sewcell.config.values import make_arm_model
from sewcell.errors import ConfigError
from sewcell.geometry.planar import PlanarPose
from sewcell.geometry.poses import invert_pose
from sewcell.kinematics.arm import Arm
from sim.backend import SimBackend
from sim.snapshot import MAGIC, restore_snapshot, simulation_version, take_snapshot
from sim.world.mishaps import Mishap

POCKET = Path(__file__).parents[2] / "configs" / "garments" / "shirt-pocket.yaml"
PINS, LOADER_REQUEST = 1, 4
PLY = 0.3e-3


class TapedBackend(SimBackend):
    """Notes all that reaches the emulated controllers, and keeps a snapshot of the first moment when `when(cell)`."""

    def __init__(self, job, seed, count, when):
        super().__init__(job, seed, count)
        self.tape = []
        self.kept = None
        self._when = when

    async def open(self):
        ports = await super().open()
        self._tap(self.cell.arm, "receive", "arm")
        for number, unit in self.cell.bus.units.items():
            self._tap(unit, "write", number)
        return ports

    def _tap(self, part, name, where):
        inner = getattr(type(part), name)

        def noted(*args):
            if where == "arm" and self.kept is None and self._when(self.cell):
                self._untap()
                self.kept = take_snapshot(self.cell)
                self._retap()
            self.tape.append((self.cell.steps, where, args))
            return inner(part, *args)

        setattr(part, name, noted)

    def _parts(self):
        return {"arm": (self.cell.arm, "receive"), **{n: (u, "write") for n, u in self.cell.bus.units.items()}}

    def _untap(self):
        self._taps = {where: part.__dict__.pop(name) for where, (part, name) in self._parts().items()}

    def _retap(self):
        for where, (part, name) in self._parts().items():
            setattr(part, name, self._taps[where])


def replay(cell, tape, end):
    """Let `cell` go on with what the controllers heard from its time on."""
    rest = [entry for entry in tape if entry[0] >= cell.steps]
    while cell.steps < end:
        while rest and rest[0][0] == cell.steps:
            _, where, args = rest.pop(0)
            if where == "arm":
                cell.arm.receive(*args)
            else:
                unit = cell.bus.units[where]
                unit.update(args[-1])
                unit.write(*args)
        cell.step()


STACK = "name: three\nimperfections: typical\noverride: {cell: {loader: {stack_plies: 3}}}\n"


def plies_held(cell):
    """The plies in the gripper, from above."""
    return cell.world._gripper.plies


def is_lifted(cell):
    """Whether the gripper stands well over the table."""
    return cell.world.tool_pose[2, 3] > 20e-3


def bonds(cell):
    """Fibres that hold plies of the stack together: their vertices, by pair of plies."""
    return [bonding.vertex.tolist() for bonding in cell.world._stack._bondings]


class StackOfThree:
    """A cell that lays a stack, picks from it and carries away what it has; by hand, without a controller."""

    LAID, LIFTED, CARRIED, END = 250, 700, 1010, 1250

    def __init__(self, folder, two):
        path = folder / "three.yaml"
        path.write_text(STACK, encoding="utf-8")
        job = load_job(POCKET, scenario=str(path))
        self._job, self._arm, self._two = job, Arm(make_arm_model(job)), two
        self.cell = SimBackend(job, 3, 1).build()

    def go(self, cell, until):
        """Step `cell` to the step `until`; what it is told follows from the step alone."""
        while cell.steps < until:
            for step, words in self._script().items():
                if cell.steps == step:
                    words(cell)
            cell.step()

    def _script(self):
        return {
            0: lambda cell: cell.bus.units[2].write(LOADER_REQUEST, [1], cell.time),
            260: lambda cell: self._move(cell, over=60e-3),
            261: lambda cell: cell.world.suffer(Mishap.PLY_CLINGS) if self._two else None,
            510: lambda cell: self._move(cell, over=0.85 * PLY + 2.0 * PLY, seconds=0.3),
            600: lambda cell: cell.bus.units[2].write(PINS, [1], cell.time),
            630: lambda cell: self._move(cell, over=60e-3, seconds=0.5),
            760: lambda cell: self._move(cell, over=100e-3, aside=-0.25),
            1020: lambda cell: cell.bus.units[2].write(PINS, [0], cell.time),
        }

    def _move(self, cell, over, aside=0.0, seconds=1.0):
        """The plate goes to `over` [m] over the middle of the uppermost ply, `aside` along base y."""
        T = np.diag([1.0, -1.0, -1.0, 1.0])
        laid = cell.truth.laid[0]
        middle = PlanarPose(laid.x, laid.y, laid.theta).apply(cell.world.cloths[0].pattern).mean(axis=0)
        T[:, 3] = self._job.cell.table.pose.matrix() @ [*middle, over, 1.0]
        T[1, 3] += aside
        near = cell.plant.joint_targets
        q = self._arm.solve(T @ invert_pose(self._job.cell.tool.pose.matrix()), near=near).q
        words = " ".join(f"{axis}{angle:.4f}" for axis, angle in zip("XYZABC", np.rad2deg(q), strict=True))
        cell.arm.receive(f"G93\nG1 {words} F{60.0 / seconds:.4f}\n".encode(), cell.time)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("two", "moment", "held", "waiting"),
    [(False, "LAID", 0, 3), (True, "LIFTED", 2, 1), (False, "CARRIED", 1, 2)],
    ids=["stack with clinging edges", "two plies held", "one ply taken"],
)
def test_a_stack_has_the_same_future_from_a_snapshot(tmp_path, two, moment, held, waiting):
    rig = StackOfThree(tmp_path, two)
    cell = rig.cell
    rig.go(cell, getattr(rig, moment))
    assert (len(plies_held(cell)), len(cell.world.cloths) - len(plies_held(cell))) == (held, waiting)
    assert sum(map(len, bonds(cell))) > 0, "some edges still cling"
    other = restore_snapshot(take_snapshot(cell))
    assert bonds(other) == bonds(cell)
    for each in (cell, other):
        rig.go(each, rig.END)
    assert np.array_equal(state_of(cell), state_of(other))
    assert bonds(other) == bonds(cell)
    assert cell.truth == other.truth
    assert len(cell.world.cloths) == 3
    assert plies_held(cell) == []
    cell.world.close()
    other.world.close()


def build_cell(seed=3):
    return SimBackend(load_job(POCKET), seed, 1).build()


def state_of(cell):
    cloths = [cloth.x for cloth in cell.world.cloths.values()]
    return np.concatenate([cell.world.tool_pose.ravel(), cell.plant.joint_targets, *(x.ravel() for x in cloths)])


def test_a_restored_cell_has_the_same_future_bit_for_bit():
    cell = build_cell()
    cell.bus.units[2].write(LOADER_REQUEST, [1], 0.0)
    cell.arm.receive(b"G93\nG1 X10 Y-80 Z80 A5 B85 C5 F60\n", 0.0)
    for _ in range(140):
        cell.step()
    kept = take_snapshot(cell)
    other = restore_snapshot(kept)
    assert other.time == cell.time
    assert len(other.world.cloths) == 1
    for _ in range(100):
        cell.step()
        other.step()
    assert np.array_equal(state_of(cell), state_of(other))
    assert np.array_equal(cell.camera.expose(cell.time), other.camera.expose(other.time))
    assert cell.truth == other.truth
    cell.world.close()
    other.world.close()


def test_neither_a_snapshot_nor_somebody_who_looks_disturbs_the_cell():
    plain, kept = build_cell(), build_cell()
    for cell in (plain, kept):
        cell.bus.units[2].write(LOADER_REQUEST, [1], 0.0)
        for step in range(140):
            cell.step()
            if cell is kept and step % 70 == 69:
                take_snapshot(cell)
            if cell is kept and step % 12 == 11:
                cell.meshes()
    assert np.array_equal(state_of(plain), state_of(kept))
    plain.world.close()
    kept.world.close()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"PK\x03\x04 something else", "this is no snapshot"),
        (MAGIC + b"0" * 64 + b"\nx", "taken by another version of the simulation (000000000000"),
        (MAGIC + simulation_version().encode() + b"\nx", "the snapshot is damaged"),
    ],
)
def test_what_is_no_snapshot_of_this_version_is_refused_in_one_sentence(data, words):
    with pytest.raises(ConfigError) as refusal:
        restore_snapshot(data)
    assert words in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("scenario", "faults", "when"),
    [
        (None, (), lambda cell: len(cell.truth.pierces) == 20),
        (STACK, ("two-plies-picked@1s",), lambda cell: len(plies_held(cell)) == 2 and is_lifted(cell)),
    ],
    ids=["in the middle of the seam", "with two plies of a stack in the gripper"],
)
def test_a_run_goes_on_from_a_snapshot_with_the_same_stitches(tmp_path, scenario, faults, when):
    """The same bytes at the same times bring the same needle log, bit for bit."""
    backends = []

    def open_backend(job, seed, count):
        backends.append(TapedBackend(job, seed, count, when))
        return backends[-1]

    if scenario is not None:
        (tmp_path / "scenario.yaml").write_text(scenario, encoding="utf-8")
        scenario = str(tmp_path / "scenario.yaml")
    request = RunRequest(
        POCKET,
        seed=2,
        scenario=scenario,
        faults=faults,
        out=tmp_path / "run",
        database=f"sqlite:///{tmp_path}/runs.db",
    )
    summary = run_garment(request, lambda step: None, open_backend).summary
    (backend,) = backends
    assert summary["result"] == "ok"
    cell = restore_snapshot(backend.kept)
    assert when(cell)
    replay(cell, backend.tape, backend.tape[-1][0] + 1)
    assert len(cell.truth.pierces) > 50
    assert cell.truth.digest() == summary["truth_digest"]
    cell.world.close()
