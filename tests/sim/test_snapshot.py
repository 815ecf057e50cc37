"""Facts about snapshots of the simulated cell."""

from pathlib import Path

import numpy as np
import pytest

from sewcell.apps.run import RunRequest, run_garment
from sewcell.config.layers import load_job
from sewcell.errors import ConfigError
from sim.backend import SimBackend
from sim.snapshot import MAGIC, restore_snapshot, simulation_version, take_snapshot

POCKET = Path(__file__).parents[2] / "configs" / "garments" / "shirt-pocket.yaml"
LOADER_REQUEST = 4


class TapedBackend(SimBackend):
    """Notes all that reaches the emulated controllers, and keeps a snapshot of the middle of the seam."""

    def __init__(self, job, seed, count):
        super().__init__(job, seed, count)
        self.tape = []
        self.kept = None

    async def open(self):
        ports = await super().open()
        self._tap(self.cell.arm, "receive", "arm")
        for number, unit in self.cell.bus.units.items():
            self._tap(unit, "write", number)
        return ports

    def _tap(self, part, name, where):
        inner = getattr(type(part), name)

        def noted(*args):
            if where == "arm" and self.kept is None and len(self.cell.truth.pierces) == 20:
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
def test_a_seam_goes_on_from_a_snapshot_with_the_same_stitches(tmp_path):
    """The same bytes at the same times bring the same needle log, bit for bit."""
    backends = []

    def open_backend(job, seed, count):
        backends.append(TapedBackend(job, seed, count))
        return backends[-1]

    request = RunRequest(POCKET, seed=2, out=tmp_path / "run", database=f"sqlite:///{tmp_path}/runs.db")
    summary = run_garment(request, lambda step: None, open_backend).summary
    (backend,) = backends
    assert summary["result"] == "ok"
    cell = restore_snapshot(backend.kept)
    assert len(cell.truth.pierces) == 20
    replay(cell, backend.tape, backend.tape[-1][0] + 1)
    assert len(cell.truth.pierces) > 50
    assert cell.truth.digest() == summary["truth_digest"]
    cell.world.close()
