"""Draws the figures of docs/kinematics.md: python tools/draw_kinematics.py --out docs/images"""

import argparse
from itertools import pairwise
from pathlib import Path

import matplotlib as mpl
import numpy as np

mpl.use("Agg")
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sewcell.apps.cell_reach import map_cell
from sewcell.apps.ground_plan import draw_reach
from sewcell.config.arms import load_arm
from sewcell.config.layers import load_cell
from sewcell.geometry.poses import Array, make_pose
from sewcell.kinematics.arm import Arm
from sewcell.kinematics.branches import list_branches
from sewcell.units import DEG, MM

INK, BLUE, RED, GREEN, GREY = "#22262e", "#1f5fa8", "#d6301f", "#2c8a4b", "#9aa3b0"
KR6_BENT = np.array([0.0, -70.0, 60.0, 0.0, 45.0, 0.0]) * DEG


def main() -> None:
    """Draw all figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("docs/images"))
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    kr6, ur5e = load_arm("kr6_r700"), load_arm("ur5e")
    figures = {
        "frames": draw_frames(kr6),
        "branches": draw_branches(kr6),
        "singular": draw_singular(kr6, ur5e),
        "parallel": draw_parallel(ur5e),
        "track": draw_track(kr6),
        "distance": draw_distance(),
    }
    for name, figure in figures.items():
        figure.savefig(out / f"kinematics-{name}.png", dpi=110)
        print(f"wrote {out / f'kinematics-{name}.png'}")
    cell = load_cell("bench").cell
    draw_reach(out / "kinematics-reach.png", cell, map_cell(cell, kr6, MM, True, 1_000_000), MM)
    print(f"wrote {out / 'kinematics-reach.png'}")


def draw_frames(arm: Arm) -> Figure:
    """The KR6 from the side with its OPW lengths, straight up and bent, and the triangle of the elbow."""
    opw = arm.model.geometry
    figure = Figure(figsize=(13.0, 5.2), layout="constrained")
    up, bent, triangle = figure.subplots(1, 3)
    zero = (opw.offsets * opw.signs)[None]
    _side_view(up, arm, zero[0])
    for label, x, z in (
        ("c1", -0.09, opw.c1 / 2), ("c2", -0.09, opw.c1 + opw.c2 / 2), ("c3", -0.09, opw.c1 + opw.c2 + opw.c3 / 2),
        ("c4", -0.09, opw.c1 + opw.c2 + opw.c3 + opw.c4 / 2),
    ):  # fmt: skip
        up.text(x, z, label, color=BLUE, fontsize=11, ha="right", va="center")
    heights = np.cumsum([0.0, opw.c1, opw.c2, opw.c3, opw.c4])
    for low, high in pairwise(heights):
        up.annotate("", (-0.075, high), (-0.075, low), arrowprops={"arrowstyle": "<->", "color": BLUE})
    up.annotate("a1", (opw.a1 + 0.02, opw.c1 - 0.05), color=BLUE, fontsize=11)
    up.annotate("a2 (negative)", (0.03, opw.c1 + opw.c2 + 0.02), color=BLUE, fontsize=11)
    up.set_title("all geometric angles zero", fontsize=10)
    _side_view(bent, arm, KR6_BENT)
    links = arm.forward_links(KR6_BENT)
    centre = links[5, :3, 3]
    bent.plot(centre[0], centre[2], "o", color=RED)
    bent.annotate(
        "wrist centre\np - c4 R e3", (centre[0], centre[2]), xytext=(14, 8), textcoords="offset points", color=RED
    )
    for i in (1, 2, 3):
        bent.annotate(f"link {i}", links[i, (0, 2), 3], xytext=(-48, 4), textcoords="offset points", fontsize=8)
    bent.annotate("flange", links[6, (0, 2), 3], xytext=(-4, -26), textcoords="offset points", fontsize=8)
    bent.set_title("joints 0, -70, 60, 0, 45, 0 deg", fontsize=10)
    _draw_triangle(triangle)
    return figure


def _side_view(axes: Axes, arm: Arm, q: Array) -> None:
    """The arm as a line through its corners, in the plane x z of base."""
    points = _corners(arm, q)
    axes.plot(points[:, 0], points[:, 2], color=INK, linewidth=5, solid_joinstyle="round", alpha=0.85)
    links = arm.forward_links(q)
    for T in links:
        for axis, colour in ((0, RED), (2, BLUE)):
            tip = T[:3, 3] + 0.07 * T[:3, axis]
            axes.annotate("", tip[[0, 2]], T[(0, 2), 3], arrowprops={"arrowstyle": "->", "color": colour})
    axes.set_aspect("equal")
    axes.set_xlabel("x of base [m]   (link frames: x red, z blue)")
    axes.set_ylabel("z [m]")
    axes.set_xlim(-0.3, 0.7)
    axes.set_ylim(-0.05, 1.3)


def _corners(arm: Arm, q: Array) -> Array:
    """Corners of the arm's centre line (N, 3) [m]: between two joint origins it goes along the axes of the link."""
    links = arm.forward_links(q)
    corners = [links[0, :3, 3]]
    for i in range(6):
        step = links[i, :3, :3].T @ (links[i + 1, :3, 3] - corners[-1])
        if i in (1, 3):
            along = (0.0, 0.0, step[2]) if i == 1 else (step[0], step[1], 0.0)
            corners.append(corners[-1] + links[i, :3, :3] @ np.array(along))
        corners.append(links[i + 1, :3, 3])
    return np.array(corners)


def _draw_triangle(axes: Axes) -> None:
    """Both ways to close the triangle of upper arm, forearm and the way to the wrist centre."""
    first, second, gamma = 0.315, 0.3667, 75 * DEG
    end = np.array([first + second * np.cos(gamma), second * np.sin(gamma)])
    s, turn = float(np.hypot(*end)), float(np.arctan2(end[1], end[0]))
    for sign, colour, name in ((1.0, INK, "elbow 0"), (-1.0, GREY, "elbow 1")):
        elbow = first * np.array([np.cos(-sign * turn), np.sin(-sign * turn)])
        axes.plot([0, elbow[0], s], [0, elbow[1], 0], "-o", color=colour, linewidth=3, label=name)
    elbow = first * np.array([np.cos(-turn), np.sin(-turn)])
    beyond = 1.5 * elbow
    axes.plot([elbow[0], beyond[0]], [elbow[1], beyond[1]], ":", color=INK)
    arc = np.linspace(-turn, -turn + gamma, 30)
    axes.plot(elbow[0] + 0.09 * np.cos(arc), elbow[1] + 0.09 * np.sin(arc), color=RED)
    axes.text(elbow[0] + 0.1, elbow[1] + 0.03, "γ", color=RED, fontsize=13)
    axes.plot([0, s], [0, 0], "--", color=BLUE)
    axes.text(s / 2, 0.015, "s", color=BLUE, fontsize=12)
    axes.text(elbow[0] / 2 - 0.06, elbow[1] / 2 - 0.02, "c2", fontsize=11)
    axes.text((elbow[0] + s) / 2 - 0.03, elbow[1] / 2 - 0.05, "k = hypot(a2, c3)", fontsize=11)
    axes.set_title("tan(γ/2) = u / v\nu² = (c2 + k)² - s²,  v² = s² - (c2 - k)²", fontsize=10)
    axes.set_aspect("equal")
    axes.axis("off")
    axes.legend(frameon=False, loc="upper left", fontsize=9)


def draw_branches(arm: Arm) -> Figure:
    """The eight postures of the KR6 for one pose, those inside the joint limits in green."""
    found = list_branches(arm, make_pose((0.42, 0.12, 0.45), (180 * DEG, 0.0, 0.0)))
    figure = Figure(figsize=(13.0, 6.6), layout="constrained")
    for i, branch in enumerate(found.branches):
        axes = figure.add_subplot(2, 4, i + 1, projection="3d")
        points = _corners(arm, branch.q)
        axes.plot(*points.T, color=GREEN if branch.is_inside else GREY, linewidth=4)
        T = arm.forward(branch.q)
        for axis, colour in enumerate((RED, GREEN, BLUE)):
            axes.plot(*np.stack([T[:3, 3], T[:3, 3] + 0.12 * T[:3, axis]]).T, color=colour, linewidth=1.5)
        joints = ", ".join(f"{q / DEG:.0f}" for q in branch.q + 1e-9)
        axes.set_title(f"{joints}\n{branch.reason or 'inside the limits'}", fontsize=8)
        axes.set(xlim=(-0.4, 0.5), ylim=(-0.45, 0.45), zlim=(0.0, 0.9))
        axes.set_xticklabels([])
        axes.set_yticklabels([])
        axes.set_zticklabels([])
        axes.view_init(elev=18, azim=-62)
    return figure


def draw_singular(kr6: Arm, ur5e: Arm) -> Figure:
    """Largest forward error of all branches, the nearer the posture is to a singular set."""
    figure = Figure(figsize=(11.0, 4.4), layout="constrained")
    rng = np.random.default_rng(1)
    distances = np.logspace(-16, 0, 65)
    for axes, arm in zip(figure.subplots(1, 2, sharey=True), (kr6, ur5e), strict=True):
        for joint, name, colour in ((4, "joint 5 from straight", BLUE), (2, "joint 3 from stretched", RED)):
            straight = _stretched_angle(arm) if joint == 2 else 0.0
            worst = []
            for distance in distances:
                Q = rng.uniform(-2.0, 2.0, (200, 6))
                Q[:, joint] = straight + distance * rng.choice([-1.0, 1.0], 200)
                T = arm.forward(Q)
                found, valid = arm.solve_batch(T)
                error = np.abs(arm.forward(found) - T[:, None]).max(axis=(2, 3))
                worst.append(error[valid].max())
                assert valid.any(axis=1).all()
            axes.loglog(distances, worst, color=colour, label=name)
        axes.axhline(1e-9, color=INK, linestyle="--", linewidth=1.0, label="bound of a valid answer")
        axes.set_title(f"{arm.model.name}: every pose is answered", fontsize=10)
        axes.set_xlabel("distance from the singular set [rad]")
        axes.set_ylim(1e-16, 1e-8)
        axes.legend(frameon=False, fontsize=9)
    figure.axes[0].set_ylabel("largest error of T(q) [m, 1]")
    return figure


def _stretched_angle(arm: Arm) -> float:
    """Coordinate of joint 3 [rad] at which the elbow is stretched."""
    q = np.linspace(-np.pi, np.pi, 3)
    for _ in range(40):
        q = np.linspace(q[0], q[-1], 41)
        Q = np.zeros((len(q), 6))
        Q[:, 2] = q
        links = arm.forward_links(Q)
        i = int(np.linalg.norm(links[:, 4, :3, 3] - links[:, 1, :3, 3], axis=1).argmax())
        q = q[[max(i - 1, 0), min(i + 1, 40)]]
    return float(q.mean())


def draw_parallel(arm: Arm) -> Figure:
    """The UR5e from above, with both turns of joint 1, and its bars in the plane of the arm."""
    figure = Figure(figsize=(11.0, 5.0), layout="constrained")
    above, side = figure.subplots(1, 2)
    T = make_pose((0.35, 0.25, 0.3), (180 * DEG, 0.0, 40 * DEG))
    parallel = arm.model.geometry
    wrist = T[:3, 3] - parallel.d6 * T[:3, 2]
    for q in arm.solve_all(T):
        points = arm.forward_links(q)[:, :3, 3]
        facing = bool(abs(q[0] - np.arctan2(wrist[1], wrist[0])) < np.pi / 2)
        colour = BLUE if facing else RED
        above.plot(points[:, 0], points[:, 1], color=colour, linewidth=2, alpha=0.6)
        if facing and q[4] > 0.0:
            ahead = np.array([np.cos(q[0]), np.sin(q[0]), 0.0])
            side.plot(points[:, :3] @ ahead, points[:, 2], "-o", color=INK if q[2] > 0.0 else GREY, linewidth=3)
    above.plot(*wrist[:2], "o", color=INK)
    above.annotate("p - d6 R e3", wrist[:2], xytext=(8, 4), textcoords="offset points")
    above.plot(0, 0, "+", color=INK, markersize=12)
    above.set_title("from above: two turns of joint 1 put the point d4 beside the plane of the bars", fontsize=9)
    side.set_title("in the plane: joints 2, 3 close a triangle, joint 4 takes what is left of θ234", fontsize=9)
    for axes, labels in ((above, ("x [m]", "y [m]")), (side, ("ahead [m]", "z [m]"))):
        axes.set_aspect("equal")
        axes.set_xlabel(labels[0])
        axes.set_ylabel(labels[1])
    return figure


def draw_track(arm: Arm) -> Figure:
    """Joints along a path on which the tool turns by 300 deg: the nearest of [-180, 180) deg, and the chosen chain."""
    s = np.linspace(0.0, 1.0, 200)
    T = np.stack([make_pose((0.4 + 0.1 * v, 0.2 - 0.4 * v, 0.3), (180 * DEG, 0.0, (200 - 300 * v) * DEG)) for v in s])
    start = arm.solve(T[0], near=np.array([0, -90, 90, 0, 60, 0]) * DEG).q
    chosen = arm.track(T, start)
    Q, valid = arm.solve_batch(T)
    greedy = [start]
    for i in range(len(T)):
        options = Q[i, valid[i]]
        greedy.append(options[np.abs(options - greedy[-1]).max(axis=1).argmin()])
    figure = Figure(figsize=(11.0, 4.2), layout="constrained")
    for axes, joints, title in zip(
        figure.subplots(1, 2, sharey=True),
        (np.array(greedy[1:]), chosen),
        ("the nearest of all branches from point to point", "Arm.track: one chain for the whole path"),
        strict=True,
    ):
        for joint in range(6):
            axes.plot(100.0 * s, joints[:, joint] / DEG, label=f"joint {joint + 1}")
        axes.axhline(180.0, color=GREY, linewidth=0.8, linestyle=":")
        axes.axhline(-180.0, color=GREY, linewidth=0.8, linestyle=":")
        axes.set_title(title, fontsize=10)
        axes.set_xlabel("along the path [%]")
    figure.axes[0].set_ylabel("joint [deg]")
    figure.axes[1].legend(frameon=False, fontsize=8, ncols=2)
    return figure


def draw_distance() -> Figure:
    """Squared distance of the points of a segment to a box, its slope, and the bracket of the minimum."""
    half, p, d = np.array([0.3, 0.2, 0.25]), np.array([0.15, 0.5, 0.1]), np.array([0.5, 0.35, -0.4])
    t = np.linspace(-1.0, 1.0, 801)

    def outside(t: Array) -> Array:
        x = p + np.atleast_1d(t)[:, None] * d
        return x - np.clip(x, -half, half)

    square, slope = (outside(t) ** 2).sum(axis=1), 2.0 * (outside(t) * d).sum(axis=1)
    crossings = np.sort(np.concatenate([(half - p) / d, (-half - p) / d]))
    crossings = crossings[np.abs(crossings) < 1.0]
    slopes = 2.0 * (outside(crossings) * d).sum(axis=1)
    low = crossings[slopes < 0.0].max(initial=-1.0)
    high = crossings[slopes >= 0.0].min(initial=1.0)
    figure = Figure(figsize=(9.0, 4.0), layout="constrained")
    axes = figure.add_subplot()
    axes.plot(t, square, color=INK, label="f(t), squared distance to the box")
    axes.plot(t, slope, color=BLUE, label="its slope: linear between crossings")
    for crossing in crossings:
        axes.axvline(crossing, color=GREY, linestyle=":", linewidth=1.0)
    axes.axvspan(low, high, color=GREEN, alpha=0.15, label="bracket of the minimum")
    axes.plot(t[square.argmin()], square.min(), "o", color=RED)
    axes.axhline(0.0, color=INK, linewidth=0.6)
    axes.set_xlabel("t along the segment; dotted: a face's plane is crossed")
    axes.set_ylim(-0.3, 0.6)
    axes.legend(frameon=False, fontsize=9)
    return figure


if __name__ == "__main__":
    main()
