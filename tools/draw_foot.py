"""Draws cloth at the presser foot: python tools/draw_foot.py [--out docs/images/foot-contact.png]

Two pieces whose rear end the arm holds, seen from above: the arm is 3 mm ahead, or 0.4 mm behind. Beside them, the
drag of a held piece over the way by which it is drawn out from under the foot.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from sewcell.geometry.planar import PlanarPose
from sewcell.geometry.poses import Array
from sewcell.units import MM
from sim.world.cloth import Cloth, lay_flat
from sim.world.cloth_mesh import mesh_outline
from sim.world.cloth_rig import BENCH, COTTON, DT, FEED, tool_at
from sim.world.sewing_bed import MachineMotion, SewingBed

IMAGE = Path(__file__).parents[1] / "docs" / "images" / "foot-contact.png"
MACHINE = replace(BENCH.machine, T_base_needle=np.eye(4))


def hold_rear(length: float) -> tuple[Cloth, Array]:
    """A piece under the foot whose rear end, `length` [m] long, is held, and where its held vertices are."""
    mesh = mesh_outline(np.array([[0.0, 0.0], [0.1, 0.0], [0.1, 0.06], [0.0, 0.06]]), 3e-3)
    cloth = Cloth(mesh, COTTON, lay_flat(mesh, PlanarPose(-0.06, -0.03, 0.0), COTTON.thickness / 2.0))
    cloth.hold(np.flatnonzero(cloth.x[:, 0] < -0.06 + length))
    return cloth, cloth.x[cloth.held].copy()


def pull(cloth: Cloth, start: Array, way: float, steps: int) -> list[float]:
    """Move the held end by `way` [m] along the feed; returns the force along it at each step [N]."""
    bed = SewingBed(MACHINE)
    forces = []
    for n in range(steps + 30):
        part = min(1.0, n / steps)
        motion = MachineMotion(
            0.0, 0.0, min(1.0, n / 10.0), min(1.0, (n + 1) / 10.0), FEED, True,
            tool_at(5.0, 5.0, 1.0), np.full(2, 0.05),
        )  # fmt: skip
        bed.update([cloth], motion.foot1, motion.shaft1)
        bed.step(motion, DT, {0: start + np.array([part * way, 0.0, 0.0])} if bed.cloths else {})
        forces.append(float(bed.forces().held[:, 0].sum()))
    return forces


def draw_piece(axes: Axes, way: float, title: str) -> None:
    """The piece from above, coloured by height and strain."""
    cloth, start = hold_rear(0.012)
    pull(cloth, start, way, 80)
    height = cloth.x[:, 2] / MM
    faces = axes.tripcolor(
        cloth.x[:, 0] / MM, cloth.x[:, 1] / MM, cloth.triangles,
        *((height,) if way > 0.0 else ()), **({} if way > 0.0 else {"facecolors": cloth.strains() * 100.0}),
        cmap="viridis", edgecolors="none",
    )  # fmt: skip
    axes.add_patch(Rectangle((-15, -7), 30, 14, fill=False, color="red"))
    axes.plot(0, 0, "r+")
    axes.set(title=title, xlabel="along the feed [mm]", aspect="equal")
    axes.figure.colorbar(faces, ax=axes, label="height [mm]" if way > 0.0 else "strain [%]", shrink=0.7)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=IMAGE)
    out = parser.parse_args().out
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(14, 3.6), layout="constrained")
    draw_piece(left, 3e-3, "arm 3 mm ahead: slack rises")
    draw_piece(middle, -0.4e-3, "arm 0.4 mm behind: stretch")
    cloth, start = hold_rear(4e-3)
    forces = -np.array(pull(cloth, start, -15e-3, 400))
    limit = 2.0 * COTTON.friction_foot * MACHINE.foot_force
    right.plot(np.minimum(np.arange(len(forces)) / 400.0, 1.0) * 15.0, forces)
    right.axhline(limit, color="grey", linestyle="--", label="2 mu N")
    right.set(title="drawn out from under the foot", xlabel="way [mm]", ylabel="force [N]")
    right.legend()
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, dpi=90)


if __name__ == "__main__":
    main()
