"""Draws the pictures of docs/cloth.md: drape of every fabric, a ply that comes off a stack, cloth folded on itself.

Run with `python -m tools.draw_cloth`; needs matplotlib.
"""

from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from sewcell.config.loader import load_yaml
from sewcell.config.models import FabricModel
from sewcell.geometry.planar import PlanarPose
from sim.world.cloth import Cloth
from sim.world.cloth_rig import COTTON, make_cloth
from sim.world.drape import describe_hem
from sim.world.from_config import make_material
from sim.world.plies import Plies
from sim.world.ply_rig import PlyRig
from sim.world.textile_lab import HEIGHT, drape_round, settle

ROOT = Path(__file__).parents[1]
FABRICS = ("cotton-shirting", "cotton-plain", "linen-shirting", "poplin", "denim", "jersey")
EDGE = 6.5e-3


def draw_sheet(axes: Axes, cloth: Cloth, colour: tuple[float, float, float]) -> None:
    """The cloth in space, shaded, in millimetres."""
    x, y, z = (cloth.x * 1e3).T
    light = mpl.colors.LightSource(azdeg=300, altdeg=50)
    axes.plot_trisurf(x, y, z, triangles=cloth.triangles, color=colour, lightsource=light, edgecolor="none")
    axes.set_axis_off()


def drape(axes: Axes, name: str) -> None:
    """A round of 300 mm over a disc of 180 mm."""
    fabric = load_yaml(ROOT / "configs" / "fabrics" / f"{name}.yaml", FabricModel)
    material = make_material(fabric)
    cloth = settle(drape_round(material, EDGE), 3.0).cloth
    hem = describe_hem(cloth.pattern, cloth.x - [0.0, 0.0, HEIGHT])
    draw_sheet(axes, cloth, material.colour)
    axes.set_title(f"{name}\ndrape coefficient {100 * hem.coefficient:.0f} %", fontsize=9)
    axes.set_box_aspect((1.0, 1.0, 0.35))
    axes.set_zlim(430, 505)


def lift_ply(axes: Axes, cling: float) -> None:
    """The uppermost of three plies comes up; their cut edges cling."""
    rig = PlyRig.stack(3, 1e-3, edge_cling=cling)
    rig.wait(90)
    for upper, lower in zip(rig.cloths[1:], rig.cloths[:-1], strict=True):
        rig.plies.cling(upper, lower)
    rig.grip(0.95 * COTTON.thickness)
    rig.lift(12e-3, 30)
    for cloth, shade in zip(rig.cloths, (0.45, 0.7, 1.0), strict=True):
        draw_sheet(axes, cloth, tuple(shade * c for c in COTTON.colour))
    axes.set_title(f"lifted by 12 mm, edges cling with {cling:g} N/m", fontsize=9)
    axes.set_box_aspect((1.0, 1.0, 0.3))
    axes.view_init(elev=12, azim=-60)


def fold(axes: Axes) -> None:
    """A hem brought over and held down."""
    plies = Plies()
    cloth = make_cloth(PlanarPose(0.3, 0.2, 0.0))
    plies.add(cloth)
    rig = PlyRig(plies)
    hem = np.flatnonzero(cloth.pattern[:, 0] < 6e-3)
    cloth.hold(hem)
    start = cloth.x[hem].copy()
    for n in range(1, 121):
        angle, way = np.pi * n / 120, 0.5 * (1.0 - np.cos(np.pi * n / 120))
        rig.step({cloth: start + np.array([0.085 * way, 0.0, 0.05 * np.sin(angle) + 1.2e-3 * way])})
    rig.wait(60)
    draw_sheet(axes, cloth, COTTON.colour)
    axes.set_title("folded over, the hem held", fontsize=9)
    axes.set_box_aspect((1.0, 1.0, 0.3))
    axes.view_init(elev=20, azim=-75)


def main() -> None:
    """Write docs/images/cloth-drape.png and docs/images/cloth-plies.png."""
    figure = plt.figure(figsize=(12, 3))
    for n, name in enumerate(FABRICS):
        drape(figure.add_subplot(1, len(FABRICS), n + 1, projection="3d"), name)
    figure.savefig(ROOT / "docs" / "images" / "cloth-drape.png", dpi=110, bbox_inches="tight")
    figure = plt.figure(figsize=(12, 3.4))
    for n, cling in enumerate((0.02, 0.3)):
        lift_ply(figure.add_subplot(1, 3, n + 1, projection="3d"), cling)
    fold(figure.add_subplot(1, 3, 3, projection="3d"))
    figure.savefig(ROOT / "docs" / "images" / "cloth-plies.png", dpi=110, bbox_inches="tight")


if __name__ == "__main__":
    main()
