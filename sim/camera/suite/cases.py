"""The cases of the suite: one call, one picture with its truth, decided by kind, rig and seed alone."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray
from shapely import Polygon

from sewcell.geometry.planar import PlanarPose
from sewcell.pattern.piece import Piece
from sim.camera.lens import View
from sim.camera.suite.compositor import Cloth, Lamp, Layer, Studio
from sim.camera.suite.cutting import cut, fold, pull_threads, stretch
from sim.camera.suite.tables import RIGS, make_view, paint_table
from sim.camera.suite.tiles import PATTERNS

Array = NDArray[np.float64]
Pixels = NDArray[np.uint8]

KNIFE = 0.1e-3
"""Standard deviation of the knife [m]; it errs by at most twice that."""
BLUR_PX = 0.6
NOISE = 2.0
HARD = (
    "white on white",
    "dark on dark",
    "hard shadow",
    "print",
    "stripes",
    "gripper",
    "touching",
    "overlapping",
    "folded",
    "strip",
    "sheared",
    "thick",
)
"""Kinds of hard cases; "everyday" is the other kind."""
FIRST_JUDGING_SEED = 40_000
"""Pictures from this seed on are for judging; the locator's limits are chosen on lower ones."""
_SHEAR = 0.004
_OVERLAP = 0.030


@dataclass(frozen=True, slots=True)
class Truth:
    """A piece that lies there. `shear` [rad] of its cloth, about the mean of its corners;
    `folded`: a corner is turned over."""

    piece: str
    pose: PlanarPose
    shear: float = 0.0
    folded: bool = False


@dataclass(frozen=True, slots=True)
class Case:
    """A picture, the empty table under the same camera, and what lies there; `thickness` [m] of the cloth;
    `shadow_run` (2,): where its shadow falls, metres per metre of height."""

    kind: str
    pixels: Pixels
    empty: Pixels
    view: View
    truths: tuple[Truth, ...]
    thickness: float
    shadow_run: tuple[float, float]


def make_case(kind: str, rig_name: str, seed: int, pieces: Sequence[Piece], count: int = 1) -> Case:
    """The picture number `seed` of a kind; `count` pieces, of those given, lie apart on the table.

    Touching and overlapping are always two, and a strip is the narrowest of the pieces.
    """
    rng = np.random.default_rng([seed, *kind.encode()])
    surface, cloth, lamp = _choose_look(kind, rng)
    view, studio = _open_studio(rig_name, surface, lamp)
    chosen = _choose_pieces(kind, pieces, rng, count)
    poses = _place(kind, chosen, view, rig_name, rng)
    truths = []
    for piece, pose in zip(chosen, poses, strict=True):
        truths.append(_lay_piece(studio, kind, piece, pose, cloth, rng))
    if kind == "hard shadow":
        _cast_shadow(studio, poses[0].apply(chosen[0].outline), rng)
    if kind == "gripper":
        _lay_gripper(studio, poses[0].apply(chosen[0].outline), rng)
    pixels = studio.expose(rng, NOISE, rng.uniform(0.94, 1.06))
    return Case(kind, pixels, empty_table(rig_name, surface), view, tuple(truths), cloth.thickness, lamp.run)


@cache
def empty_table(rig_name: str, surface: str) -> Pixels:
    """The picture of the empty table, the mean of four."""
    _, studio = _open_studio(rig_name, surface, Lamp())
    return studio.expose(np.random.default_rng(1), NOISE / 2.0, 1.0)


def _open_studio(rig_name: str, surface: str, lamp: Lamp) -> tuple[View, Studio]:
    view = make_view(RIGS[rig_name])
    return view, Studio(view, paint_table(rig_name, surface, BLUR_PX), lamp, BLUR_PX)


def _choose_look(kind: str, rng: np.random.Generator) -> tuple[str, Cloth, Lamp]:
    """Table, cloth and lamp."""
    turn = rng.uniform(0.0, 2.0 * np.pi)
    lamp = Lamp(run=(1.2 * float(np.cos(turn)), 1.2 * float(np.sin(turn))), depth=float(rng.uniform(0.2, 0.4)))
    thickness, seed = float(rng.uniform(0.25e-3, 0.6e-3)), int(rng.integers(1, 4))
    if kind == "white on white":
        share = rng.choice([0.94, 1.055])
        return "white", Cloth(tuple(share * np.array([206.0, 208.0, 209.0])), "plain", seed, thickness), lamp
    if kind == "dark on dark":
        share = rng.choice([0.68, 1.35])
        return "dark", Cloth(tuple(share * np.array([36.0, 34.0, 32.0])), "twill", seed, thickness), lamp
    blue, green, red = (float(c) for c in _choose_colour(rng))
    pattern = {"print": "print", "stripes": str(rng.choice(["stripes", "checks"]))}.get(kind, "")
    if not pattern:
        pattern = str(rng.choice(PATTERNS[:2] if kind != "everyday" else PATTERNS))
    if kind == "thick":
        thickness, lamp = 1.0e-3, replace(lamp, depth=0.5)
    return str(rng.choice(["wood", "grey"])), Cloth((blue, green, red), pattern, seed, thickness), lamp


def _choose_colour(rng: np.random.Generator) -> Array:
    """A colour that differs from both tables by 40 levels in some channel."""
    tables = np.array([[105.0, 150.0, 185.0], [120.0, 121.0, 119.0]])
    while True:
        colour = rng.uniform(25.0, 215.0, 3)
        if np.abs(tables - colour).max(axis=1).min() > 40.0:
            return np.asarray(colour)


def _choose_pieces(kind: str, pieces: Sequence[Piece], rng: np.random.Generator, count: int) -> list[Piece]:
    if kind == "strip":
        return [min(pieces, key=lambda piece: float(_half_width(piece)))]
    if kind in ("touching", "overlapping"):
        count = 2
    drawn = list(pieces)
    if kind in ("gripper", "folded", "touching", "overlapping"):
        drawn = [piece for piece in pieces if _half_width(piece) > 0.028]
    return [drawn[i] for i in rng.choice(len(drawn), min(count, len(drawn)), replace=False)]


def _half_width(piece: Piece) -> float:
    box = Polygon(piece.outline).minimum_rotated_rectangle
    corners = np.array(box.exterior.coords)
    return 0.5 * float(np.hypot(*np.diff(corners, axis=0).T).min())


def _place(kind: str, pieces: Sequence[Piece], view: View, rig_name: str, rng: np.random.Generator) -> list[PlanarPose]:
    """Poses on the table: apart by 12 mm, or touching, or overlapping by 30 mm; all in view."""
    rig = RIGS[rig_name]
    size = 1e-3 * rig.mm_per_px * np.array(rig.size_px)
    frame = Polygon([(0.02, 0.02), (size[0] - 0.02, 0.02), (size[0] - 0.02, size[1] - 0.02), (0.02, size[1] - 0.02)])
    while True:
        poses: list[PlanarPose] = []
        laid: list[Polygon] = []
        for piece in pieces:
            for _ in range(60):
                turned = PlanarPose(0.0, 0.0, float(rng.uniform(-np.pi, np.pi)), bool(rng.integers(2)))
                x, y = rng.uniform(0.0, 1.0, 2) * size - turned.apply(piece.outline).mean(axis=0)
                pose = replace(turned, x=float(x), y=float(y))
                if laid and kind in ("touching", "overlapping"):
                    pose = _push_together(laid[0], piece, pose, 0.0 if kind == "touching" else _OVERLAP)
                shape = Polygon(pose.apply(piece.outline))
                apart = kind in ("touching", "overlapping") or all(shape.distance(other) > 0.012 for other in laid)
                if apart and frame.contains(shape):
                    poses.append(pose)
                    laid.append(shape)
                    break
        if len(poses) == len(pieces):
            return poses


def _push_together(other: Polygon, piece: Piece, pose: PlanarPose, depth: float) -> PlanarPose:
    """The pose moved straight towards `other` until the pieces touch, and on by `depth` [m]."""
    middle = np.array(other.representative_point().coords[0])
    way = middle - pose.apply(piece.outline).mean(axis=0)
    way /= max(float(np.hypot(*way)), 1e-9)
    start = np.array([pose.x, pose.y]) - way * 2.0
    low, high = 0.0, 4.0
    for step in np.arange(0.0, 4.0, 0.02):
        moved = replace(pose, x=float(start[0] + way[0] * step), y=float(start[1] + way[1] * step))
        if Polygon(moved.apply(piece.outline)).intersects(other):
            low, high = step - 0.02, float(step)
            break
    for _ in range(14):
        middle_step = 0.5 * (low + high)
        moved = replace(pose, x=float(start[0] + way[0] * middle_step), y=float(start[1] + way[1] * middle_step))
        if Polygon(moved.apply(piece.outline)).intersects(other):
            high = middle_step
        else:
            low = middle_step
    x, y = start + way * (high + depth)
    return replace(pose, x=float(x), y=float(y))


def _lay_piece(
    studio: Studio, kind: str, piece: Piece, pose: PlanarPose, cloth: Cloth, rng: np.random.Generator
) -> Truth:
    """Cut a piece and lay it."""
    shear = _SHEAR * float(rng.choice([-1.0, 1.0])) if kind == "sheared" else 0.0
    middle = piece.outline.mean(axis=0)
    A = pose.linear_part() @ stretch(shear)
    b = pose.apply(middle[None])[0] - A @ middle
    drawn = cut(piece.outline, rng, KNIFE)
    threads = pull_threads(drawn, rng, int(rng.integers(0, 25))) @ A.T + b
    back = pose.mirrored
    if kind == "folded":
        rest, flap = fold(drawn, rng, float(rng.uniform(0.02, 0.03)))
        studio.lay(Layer(rest @ A.T + b, cloth, A, b, cloth.thickness, threads[:0], back))
        studio.lay(Layer(flap @ A.T + b, cloth, A, b, 2.0 * cloth.thickness, threads[:0], not back))
    else:
        studio.lay(Layer(drawn @ A.T + b, cloth, A, b, cloth.thickness, threads, back))
    return Truth(piece.name, pose, shear, kind == "folded")


def _cast_shadow(studio: Studio, outline: Array, rng: np.random.Generator) -> None:
    """A hard shadow whose rim runs across the piece."""
    middle = outline.mean(axis=0) + rng.normal(0.0, 0.02, 2)
    turn = rng.uniform(0.0, 2.0 * np.pi)
    along, side = np.array([np.cos(turn), np.sin(turn)]), np.array([-np.sin(turn), np.cos(turn)])
    width = rng.uniform(0.08, 0.4)
    polygon = np.array([middle - 3 * along, middle + 3 * along, middle + 3 * along + width * side])
    polygon = np.vstack((polygon, middle - 3 * along + width * side))
    depth = rng.uniform(0.42, 0.65)
    studio.darken(_clip(polygon, studio), (depth * 1.06, depth * 1.0, depth * 0.96), float(rng.uniform(0.5e-3, 3e-3)))


def _clip(polygon: Array, studio: Studio) -> Array:
    """The part of the polygon on and a little around the table under the camera."""
    rim = studio.floor_rim()
    return np.array(Polygon(polygon).intersection(Polygon(rim)).exterior.coords)[:-1]


def _lay_gripper(studio: Studio, outline: Array, rng: np.random.Generator) -> None:
    """A steel plate, 60 x 90 mm, over a part of the edge."""
    at = outline[rng.integers(len(outline))]
    middle = outline.mean(axis=0)
    at = at + 0.015 * (middle - at) / np.hypot(*(middle - at))
    turn = rng.uniform(0.0, 2.0 * np.pi)
    R = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    plate = np.array([[-0.03, -0.045], [0.03, -0.045], [0.03, 0.045], [-0.03, 0.045]]) @ R.T + at
    steel = Cloth((150.0, 148.0, 146.0), "plain", 9, 4e-3)
    studio.lay(Layer(plate, steel, R, at, 6e-3, np.empty((0, 2, 2))))
