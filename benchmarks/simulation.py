"""Speed and faithfulness of the simulated cloth: real time factors on one core, strain, and the peers on one piece.

Run with `python -m benchmarks.simulation --json`. MuJoCo is compared where it is installed.
"""

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks.harness import Line, at_least, at_most, main
from sewcell.apps.run import RunRequest, run_garment
from sewcell.geometry.planar import PlanarPose
from sim.world.cloth_rig import COTTON, DT, Rig, make_cloth, tool_at
from sim.world.ply_rig import PlyRig
from sim.world.textile_lab import hang_strip, measure_bending_length, measure_elongation, overhang

POCKET = Path(__file__).parents[1] / "configs" / "garments" / "shirt-pocket.yaml"
WHOLE_RUNS = 3
COARSE, FINE = 4.7e-3, 2.45e-3
FACE = COTTON.thickness
ROUNDS = 5
GRAVITY = 9.81
CARRY = 48
"""Steps that a round takes: 0.2 s of the cell's time."""


def measure_factor(step: Callable[[], object], steps: int, rounds: int = ROUNDS) -> float:
    """Simulated time over the processor's time: the median over rounds of `steps` steps, without the first."""
    factors = []
    for _ in range(rounds + 1):
        began = time.process_time()
        for _ in range(steps):
            step()
        factors.append(steps * DT / max(time.process_time() - began, 1e-9))
    return median(factors[1:])


def lie_awake() -> float:
    """A pocket lies on the table and is kept awake."""
    rig = Rig(make_cloth(PlanarPose(0.3, 0.2, 0.0)), tool_at(9.0, 9.0, 9.0))

    def step() -> None:
        rig.cloth.wake()
        rig.step()

    return measure_factor(step, CARRY)


def lie_asleep() -> float:
    """A pocket lies on the table and sleeps."""
    rig = Rig(make_cloth(PlanarPose(0.3, 0.2, 0.0)), tool_at(9.0, 9.0, 9.0))
    rig.wait(120)
    return measure_factor(rig.step, CARRY)


def take_up(edge: float) -> Rig:
    """A pocket hangs from the plate, 12 mm of it free along the seam."""
    rig = Rig(make_cloth(PlanarPose(0.06, 0.238, np.pi), edge=edge), tool_at(0.0, 0.2, 0.02))
    rig.wait(5)
    rig.move(tool_at(0.0, 0.2, FACE), 20)
    rig.grip()
    rig.move(tool_at(0.0, 0.2, 0.12), 60)
    return rig


def carry(edge: float) -> tuple[float, float]:
    """It is carried to and fro at up to 0.7 m/s and 10 m/s2: real time factor and the 99th percentile of strain."""
    rig = take_up(edge)
    strains: list[float] = []
    start = rig.T_tool
    turns = iter(14.0 * DT * np.arange(1, 10000))

    def step() -> None:
        rig.step(start + np.pad([[0.05 * (1.0 - np.cos(next(turns)))], [0.0], [0.0]], ((0, 1), (3, 0))))

    factor = measure_factor(step, CARRY)
    for _ in range(CARRY):
        step()
        strains.append(float(np.percentile(rig.cloth.strains(), 99)))
    return factor, max(strains)


def sew() -> float:
    """The plate leads a pocket under the foot at 1,000 stitches a minute."""
    rig = Rig(make_cloth(PlanarPose(0.005, 0.095, np.pi)), tool_at(-0.055, 0.057, FACE))
    rig.wait(5)
    rig.grip()
    rig.lower_foot()
    factors = []
    for _ in range(ROUNDS + 1):
        began, steps = time.process_time(), 4 * 60.0 / 1000.0 / DT
        rig.sew(4, arm=True)
        factors.append(steps * DT / (time.process_time() - began))
    return median(factors[1:])


def pick_from_stack() -> float:
    """Ten plies at rest; the pins take the uppermost, lift it by 120 mm and carry it: all of that in one factor."""
    rig = PlyRig.stack(10, 1e-3)
    rig.wait(170)
    factors = []
    for _ in range(3):
        began = time.process_time()
        rig.grip(0.95 * COTTON.thickness)
        rig.lift(0.12, 240)
        rig.wait(120)
        factors.append(360 * DT / (time.process_time() - began))
        rig.lift(-0.12, 240)
        rig.gripper.release()
        rig.wait(170)
    return median(factors)


def hang_own_weight(edge: float) -> float:
    """Elongation of a strip by its own weight, over what it should be; the mean of what is left of its swing."""
    length = 0.12
    strip = hang_strip(COTTON, length, 0.05, edge)
    found = []
    for _ in range(120):
        strip.cloth.wake()
        strip.wait(1)
        found.append(measure_elongation(strip))
    return float(np.mean(found[60:])) / (COTTON.areal_mass * GRAVITY * length / 2.0 / COTTON.stretch_warp)


def sew_whole_pocket() -> tuple[float, float]:
    """Whole runs of the cell, with every picture and the report: real time factors by the processor's time and by the
    clock, medians after a first run that compiles the kernels.
    """
    factors = []
    for _ in range(WHOLE_RUNS + 1):
        with tempfile.TemporaryDirectory() as folder:
            request = RunRequest(POCKET, seed=2, out=Path(folder), database=f"sqlite:///{folder}/runs.db")
            processor, clock = time.process_time(), time.perf_counter()
            simulated = run_garment(request, on_step=lambda step: None).summary["sim_s"]
            factors.append((simulated / (time.process_time() - processor), simulated / (time.perf_counter() - clock)))
    by_processor, by_clock = np.median(factors[1:], axis=0)
    return float(by_processor), float(by_clock)


def droop_in_mujoco() -> float | None:
    """Real time factor of MuJoCo's flex for the pocket held along one side, or None where it is not installed."""
    try:
        import mujoco
    except ImportError:
        print("MuJoCo is left out: install it with `pip install mujoco` to compare with its flex.", file=sys.stderr)
        return None
    cloth = make_cloth(PlanarPose(0.0, 0.0, 0.0), height=0.5)
    thickness = np.sqrt(12.0 * COTTON.bending_warp / COTTON.stretch_warp)
    held = np.flatnonzero(cloth.pattern[:, 1] > 0.09)
    xml = f"""<mujoco><option timestep="1e-3" integrator="discrete"/><size memory="200M"/><worldbody>
      <flexcomp name="pocket" type="direct" dim="2" mass="{cloth.mass.sum()}" radius="1e-4"
        point="{" ".join(f"{v:.6f}" for v in cloth.x.ravel())}" element="{" ".join(map(str, cloth.triangles.ravel()))}">
        <contact selfcollide="none" contype="0" conaffinity="0"/>
        <elasticity young="{COTTON.stretch_warp / thickness}" poisson="0" thickness="{thickness}" damping="2e-4"
          elastic2d="both"/>
        <pin id="{" ".join(map(str, held))}"/></flexcomp></worldbody></mujoco>"""
    model = mujoco.MjModel.from_xml_string(xml)
    data = mujoco.MjData(model)
    began = time.process_time()
    while data.time < 0.25:
        mujoco.mj_step(model, data)
    return float(data.time / (time.process_time() - began))


def lie_in_pybullet() -> float:
    """Real time factor of PyBullet's deformable for the pocket flat on a plane, at the step with which it is stable."""
    import os
    import tempfile

    import pybullet

    cloth = make_cloth(PlanarPose(0.0, 0.0, 0.0), height=2e-3)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "pocket.obj")
        with open(path, "w") as file:
            file.writelines(f"v {x} {y} {z}\n" for x, y, z in cloth.x)
            file.writelines(f"f {i} {j} {k}\n" for i, j, k in cloth.triangles + 1)
        client = pybullet.connect(pybullet.DIRECT)
        try:
            pybullet.resetSimulation(pybullet.RESET_USE_DEFORMABLE_WORLD, physicsClientId=client)
            pybullet.setGravity(0.0, 0.0, -GRAVITY, physicsClientId=client)
            plane = pybullet.createCollisionShape(pybullet.GEOM_PLANE, physicsClientId=client)
            pybullet.createMultiBody(0.0, plane, physicsClientId=client)
            pybullet.loadSoftBody(
                path,
                mass=float(cloth.mass.sum()),
                useMassSpring=1,
                useBendingSprings=1,
                springElasticStiffness=10.0,
                springDampingStiffness=0.1,
                springBendingStiffness=0.1,
                useFaceContact=1,
                collisionMargin=1e-3,
                frictionCoeff=0.35,
                physicsClientId=client,
            )
            step = 1.0 / 1000.0
            pybullet.setTimeStep(step, physicsClientId=client)
            pybullet.stepSimulation(physicsClientId=client)
            began = time.process_time()
            for _ in range(20):
                pybullet.stepSimulation(physicsClientId=client)
            return 20 * step / (time.process_time() - began)
        finally:
            pybullet.disconnect(client)


def build_lines() -> Iterator[Line]:
    """The claims of the simulated cloth."""
    flat = {"pybullet deformable": lie_in_pybullet()}
    hanging = {} if (factor := droop_in_mujoco()) is None else {"mujoco flex": factor}
    yield at_least("one piece asleep [x real time]", lie_asleep(), 5.0, flat)
    yield at_least("one piece of 800 vertices on the table, kept awake [x real time]", lie_awake(), 1.0, flat)
    factor, strain = carry(COARSE)
    yield at_least("... carried [x real time]", factor, 3.0, hanging)
    yield at_most("... carried, strain p99", strain, 0.01)
    yield at_least("... sewn [x real time]", sew(), 1.0)
    factor, strain = carry(FINE)
    yield at_least("one piece of 3,000 vertices carried [x real time]", factor, 0.75)
    yield at_most("... strain p99", strain, 0.01)
    yield at_least("one of ten plies picked and carried [x real time]", pick_from_stack(), 3.0)
    factor, by_clock = sew_whole_pocket()
    name = "whole pocket cycle with every picture, real-time factor"
    yield at_least(f"{name}, by processor time", factor, 1.5)
    yield at_least(f"{name}, by the clock, where nobody else works", by_clock, 1.5)
    expected = (COTTON.bending_warp / COTTON.areal_mass / GRAVITY) ** (1.0 / 3.0)
    for edge in (COARSE, FINE):
        found = measure_bending_length(overhang(COTTON, 2.0 * expected, edge, along_weft=False), 2.0 * expected)
        name = f"bending length against Peirce, edges of {1e3 * edge:.3g} mm [relative error]"
        yield at_most(name, abs(found / expected - 1.0), 0.10)
        name = f"hanging strip against rho g L / (2 E h), edges of {1e3 * edge:.3g} mm [relative error]"
        yield at_most(name, abs(hang_own_weight(edge) - 1.0), 0.05)


if __name__ == "__main__":
    main(build_lines)
