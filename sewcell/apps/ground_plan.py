"""Pictures of a cell from above: tabletop, zones, machine and needle, over the map of what the tool reaches."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import numpy as np

mpl.use("Agg")
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Polygon as Patch

from sewcell.config.models_cell import CellModel
from sewcell.errors import ConfigError
from sewcell.geometry.poses import Array, transform_points
from sewcell.kinematics.reach import ReachMap
from sewcell.units import MM

INK, MACHINE, ZONE, FEED, WORK = "#22262e", "#5a6270", "#ffffff", "#d6301f", "#ff8c1a"
SHOWN_SEAM = 0.12
"""Length of the seam whose travel of the tool is shown [m]."""
GRIP_DISTANCE = 0.012
"""Between that seam and the gripper plate [m]."""


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """A layout to draw: its cell, the reach of its tool, the `way` (N, 3) [m] of the tool through one cycle."""

    title: str
    cell: CellModel
    reach: ReachMap
    way: Array | None


def draw_reach(out: Path, cell: CellModel, reach: ReachMap, height: float) -> None:
    """The reach of a cell's tool with its zones, needle and seam travel, as a PNG file.

    Raises: ConfigError when the file cannot be written.
    """
    figure = Figure(figsize=(10.0, 9.0), layout="constrained")
    axes = figure.add_subplot()
    draw_share(figure, axes, reach)
    draw_cell(axes, cell)
    _draw_travel(axes, cell)
    what = "inside the joint limits" if reach.clear is None else "inside the joint limits and clear of everything"
    axes.set_title(
        f"{cell.name}: where the tool of {cell.arm} works, pins down, {height / MM:g} mm over the table\n"
        f"share of {reach.poses / reach.reached.size:.0f} yaws {what}; {reach.poses} poses",
        fontsize=10,
    )
    save_picture(figure, out)


def draw_layouts(out: Path, layouts: Sequence[Layout]) -> None:
    """Layouts side by side, as a PNG file. Raises: ConfigError when the file cannot be written."""
    figure = Figure(figsize=(8.5 * len(layouts), 8.0), layout="constrained")
    for axes, layout in zip(np.atleast_1d(figure.subplots(1, len(layouts))), layouts, strict=True):
        draw_share(figure, axes, layout.reach)
        draw_cell(axes, layout.cell)
        if layout.way is not None:
            axes.plot(*(layout.way[:, :2] / MM).T, color=WORK, linewidth=1.8)
        axes.set_title(layout.title, fontsize=10)
    save_picture(figure, out)


def draw_share(figure: Figure, axes: Axes, reach: ReachMap) -> None:
    """The share of yaws as a coloured map with a scale; places without any stay white."""
    share = reach.reached if reach.clear is None else reach.clear
    half_x, half_y = (float(grid[1] - grid[0]) / 2.0 for grid in (reach.x, reach.y))
    edges = reach.x[0] - half_x, reach.x[-1] + half_x, reach.y[0] - half_y, reach.y[-1] + half_y
    left, right, bottom, top = (float(edge) / MM for edge in edges)
    picture = axes.imshow(
        np.ma.masked_equal(100.0 * share, 0.0), origin="lower", extent=(left, right, bottom, top), cmap="viridis",
        vmin=0.0, vmax=100.0, interpolation="nearest", alpha=0.85,
    )  # fmt: skip
    figure.colorbar(picture, ax=axes, shrink=0.7, label="yaws reached [%]")


def draw_cell(axes: Axes, cell: CellModel) -> None:
    """Tabletop, working area, zones, arm, machine and needle of a cell, seen from above in base [mm]."""
    (x0, y0, _), (x1, y1, _) = cell.table.slab.from_mm, cell.table.slab.to_mm
    _outline(axes, np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]]), INK, "-", 1.5)
    T_table = cell.table.pose.matrix()
    width, depth = cell.table.size_mm
    _outline(axes, _place(T_table, [[0, 0], [width, 0], [width, depth], [0, depth]]), INK, ":", 1.2, "working area")
    (u0, v0), (u1, v1) = cell.table.pick_zone.from_mm, cell.table.pick_zone.to_mm
    _outline(axes, _place(T_table, [[u0, v0], [u1, v0], [u1, v1], [u0, v1]]), INK, "-", 1.6, "pick zone")
    place = _place(T_table, [cell.table.place_at.xy_mm])[0]
    axes.plot(*place, "s", color=ZONE, markeredgecolor=INK, markersize=8)
    _label(axes, place, "place")
    axes.plot(0.0, 0.0, "o", color=ZONE, markeredgecolor=INK, markersize=16)
    _label(axes, np.zeros(2), "arm")
    T_needle = cell.machine.needle.matrix()
    for body in cell.machine.bodies:
        (a0, b0, _), (a1, b1, _) = body.from_mm, body.to_mm
        corners = _place(T_needle, [[a0, b0], [a1, b0], [a1, b1], [a0, b1]])
        axes.add_patch(Patch(corners, facecolor=MACHINE, edgecolor=INK, alpha=0.35, linewidth=1.0))
    needle = T_needle[:2, 3] / MM
    axes.plot(*needle, "x", color=FEED, markersize=9, markeredgewidth=2.5)
    _draw_arrow(axes, needle, needle + 90.0 * T_needle[:2, 0], FEED)
    _label(axes, needle, "needle, feed", FEED)
    axes.set_aspect("equal")
    axes.set_xlim(x0 - 40.0, x1 + 40.0)
    axes.set_ylim(y0 - 40.0, y1 + 40.0)
    axes.set_xlabel("x of the arm's base [mm]")
    axes.set_ylabel("y [mm]")


def save_picture(figure: Figure, out: Path) -> None:
    """Write a PNG file; raises ConfigError that names the file when that is not possible."""
    if out.suffix.lower() != ".png":
        raise ConfigError(f"the picture {out} must end in .png")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(out, dpi=130)
    except OSError as error:
        raise ConfigError(f"the picture {out} cannot be written: {error.strerror}; choose another --out") from error


def _draw_travel(axes: Axes, cell: CellModel) -> None:
    """The gripper plate at the beginning and at the end of a seam of SHOWN_SEAM, and the way of its centre."""
    T_needle, (width, depth) = cell.machine.needle.matrix(), cell.tool.plate_mm
    aside = GRIP_DISTANCE / MM + depth / 2.0
    ends = np.array([[-SHOWN_SEAM / MM / 2.0, aside], [SHOWN_SEAM / MM / 2.0, aside]])
    corners = np.array([[-width, -depth], [width, -depth], [width, depth], [-width, depth]]) / 2.0
    for end in ends:
        _outline(axes, _place(T_needle, corners + end), WORK, "-", 1.2)
    start, stop = _place(T_needle, ends)
    _draw_arrow(axes, start, stop, WORK)
    beside = _place(T_needle, [[-SHOWN_SEAM / MM / 2.0 - width / 2.0, aside + depth]])[0]
    _label(axes, beside, f"plate along a seam of {SHOWN_SEAM / MM:.0f} mm", WORK)


def _draw_arrow(axes: Axes, start: Array, end: Array, colour: str) -> None:
    (x0, y0), (x1, y1) = start, end
    axes.annotate("", xytext=(x0, y0), xy=(x1, y1), arrowprops={"arrowstyle": "-|>", "color": colour, "linewidth": 2.0})


def _place(T_base_frame: Array, points_mm: object) -> Array:
    """Points (N, 2) of a frame [mm], in base [mm]."""
    flat = np.asarray(points_mm, dtype=np.float64)
    return transform_points(T_base_frame, np.column_stack([flat * MM, np.zeros(len(flat))]))[:, :2] / MM


def _outline(axes: Axes, corners: Array, colour: str, style: str, width: float, name: str = "") -> None:
    axes.add_patch(Patch(corners, facecolor="none", edgecolor=colour, linestyle=style, linewidth=width))
    if name:
        _label(axes, corners[np.argmin(corners @ (1.0, -1.0))], name)


def _label(axes: Axes, at: Array, text: str, colour: str = INK) -> None:
    x, y = at
    axes.annotate(
        text, (x, y), xytext=(6, 6), textcoords="offset points", fontsize=8, color=colour,
        bbox={"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none", "alpha": 0.75},
    )  # fmt: skip
