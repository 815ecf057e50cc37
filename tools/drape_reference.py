"""Drape of a round of cloth over a disc (Cusick 1968) as MuJoCo's flex has it: the reference of tests/sim.

Run with `python -m tools.drape_reference` where `mujoco` (3 or later) is installed; it is no dependency of the project.
Prints radius and height of the hem every 10 deg, the drape coefficient, and the time that it took.
"""

import time

import mujoco
import numpy as np

from sim.world.cloth_mesh import mesh_outline
from sim.world.drape import AREAL_MASS, BENDING, DISC, EDGE, ROUND, STRETCH, describe_hem

TIMESTEP = 1e-3
SETTLING = 4.0


def build_model() -> tuple["mujoco.MjModel", np.ndarray]:
    """The cloth of `sim.world.drape` as a shell: E t and E t^3/12 give its two stiffnesses, Poisson's ratio is 0."""
    angle = np.linspace(0.0, 2.0 * np.pi, 180, endpoint=False)
    mesh = mesh_outline(ROUND * np.column_stack([np.cos(angle), np.sin(angle)]), EDGE)
    points = np.column_stack([mesh.points, np.zeros(len(mesh.points))])
    thickness = np.sqrt(12.0 * BENDING / STRETCH)
    mass = AREAL_MASS * np.pi * ROUND**2
    held = " ".join(str(i) for i in np.flatnonzero(np.linalg.norm(mesh.points, axis=1) <= DISC))
    xml = f"""
    <mujoco>
      <option timestep="{TIMESTEP}" integrator="discrete" gravity="0 0 -9.81"/>
      <size memory="200M"/>
      <worldbody>
        <flexcomp name="round" type="direct" dim="2" mass="{mass}" radius="1e-4" pos="0 0 0"
          point="{" ".join(f"{v:.7f}" for v in points.ravel())}" element="{" ".join(map(str, mesh.triangles.ravel()))}">
          <contact selfcollide="none" contype="0" conaffinity="0"/>
          <elasticity young="{STRETCH / thickness}" poisson="0" thickness="{thickness}" damping="2e-3"
            elastic2d="both"/>
          <pin id="{held}"/>
        </flexcomp>
      </worldbody>
    </mujoco>"""
    return mujoco.MjModel.from_xml_string(xml), mesh.points


def main() -> None:
    """Let it hang and print what it looks like."""
    model, rest = build_model()
    data = mujoco.MjData(model)
    began = time.process_time()
    while data.time < SETTLING:
        mujoco.mj_step(model, data)
    spent = time.process_time() - began
    hem = describe_hem(rest, np.array(data.flexvert_xpos))
    speed = float(np.abs(data.qvel).max())
    print(f"{len(rest)} vertices, {SETTLING / spent:.2f} x real time, largest speed at the end {speed:.4f} m/s")
    print(f"drape coefficient {hem.coefficient:.4f}, mean drop {hem.drop * 1e3:.2f} mm, folds {hem.folds}")


if __name__ == "__main__":
    main()
