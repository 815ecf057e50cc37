"""How well a cell is laid out for its seams: room to joint limits, bodies and singular sets, and the cycle."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from sewcell.errors import MotionError
from sewcell.geometry.planar import PlanarPose
from sewcell.geometry.poses import Array, invert_pose, make_pose
from sewcell.kinematics.arm import IkStatus
from sewcell.kinematics.arm_model import ChainParameters
from sewcell.kinematics.collision import LINK_NAMES
from sewcell.motion.via_path import LegLimits, time_at_rest
from sewcell.process.grip import SeamGrip, plan_grip
from sewcell.process.plan import GRIP_COMPRESSION, SIDESTEP, TOUCHING, place_pose, plan_seam_cycle
from sewcell.process.recipe import PieceRecipe, Recipe, SeamRecipe
from sewcell.process.station import Station
from sewcell.units import DEG, MM

ENOUGH_JOINT = 15 * DEG
"""Room to the next joint limit that is comfortable [rad]."""
ENOUGH_CLEARANCE = 30 * MM
"""Distance of the arm's links from everything else that is comfortable [m]."""
ENOUGH_BEND = 15 * DEG
"""Bend of wrist and elbow away from their singular sets that is comfortable [rad]."""
ENOUGH_AHEAD = 100 * MM
"""Distance of the wrist from axis 1 that is comfortable [m]."""
YAWS = 8
"""Directions in which a piece is taken to lie in the pick zone when a layout is looked at roughly."""
PLANNED_YAWS = 4
"""Directions for which the whole cycle is planned."""
LINE_STEP = 5 * MM
"""Between the poses of a line that are looked at [m]."""
LOOK = 10
"""Every so many-th sample of a planned motion is looked at [1]."""


@dataclass(frozen=True, slots=True)
class Margin:
    """Room to one limit: `share` of what is comfortable (1 = comfortable), and in words which limit it is and where."""

    share: float
    what: str


@dataclass(frozen=True, slots=True)
class LayoutScore:
    """Margins of a layout, the scarcest first, and its `cycle` [s]: of all seams, or only of their joint moves
    when `planned` is False."""

    margins: tuple[Margin, ...]
    cycle: float
    planned: bool

    @property
    def weakest(self) -> Margin:
        """The smallest margin."""
        return self.margins[0]

    @property
    def rank(self) -> tuple[float, float]:
        """Larger is better: first the smallest margin in whole percent, up to comfortable; then the shorter cycle."""
        return round(min(self.weakest.share, 1.0), 2), -self.cycle


def estimate_layout(station: Station, recipe: Recipe) -> LayoutScore:
    """The score from the postures at the ends of all moves, without planning the moves between: milliseconds.

    Pieces lie anywhere in the pick zone, in YAWS directions.

    Raises: MotionError that says what cannot be reached or would collide.
    """
    parts, cycle = [], 0.0
    for piece, seam in _list_seams(recipe):
        grip = plan_grip(piece.piece, seam, station.plate_size)
        at_machine = _track_machine(station, grip, f"seam '{seam.name}'", recipe.thickness)
        lying = _lie_around(station, piece), place_pose(station, piece)
        picks = [_track_down(station, _grip_pose(station, grip, at, recipe.thickness), "picking") for at in lying[0]]
        place = _track_down(station, _grip_pose(station, grip, lying[1], recipe.thickness), "placing")
        parts += [(f"seam '{seam.name}'", at_machine), ("picking", np.concatenate(picks)), ("placing", place)]
        over_pick = np.stack([pick[0] for pick in picks])
        cycle += _move_time(station, station.home, over_pick) + _move_time(station, over_pick, at_machine[0])
        cycle += _move_time(station, at_machine[-1], place[0]) + _move_time(station, place[0], station.home)
    for name, Q in parts:
        _require_clear(station, Q, name)
    return LayoutScore(_find_margins(station, parts), cycle, planned=False)


def plan_layout(station: Station, recipe: Recipe) -> LayoutScore:
    """The score from planned and checked cycles, pieces in the middle of the pick zone, in PLANNED_YAWS directions.

    The cycle is the mean time of the arm's motions, summed over the seams.

    Raises: MotionError of the motion that cannot be planned.
    """
    parts, cycle = [], 0.0
    middle = station.pick_zone.mean(axis=0)
    for piece, seam in _list_seams(recipe):
        for k in range(PLANNED_YAWS):
            lying = _lay(piece, middle, 2.0 * np.pi * k / PLANNED_YAWS)
            motions = plan_seam_cycle(station, piece, seam, lying, recipe.thickness).motions()
            parts += [(f"'{name}'", motion.positions[::LOOK]) for name, motion in motions.items()]
            cycle += sum(motion.duration for motion in motions.values()) / PLANNED_YAWS
    return LayoutScore(_find_margins(station, parts), cycle, planned=True)


def list_way(station: Station, recipe: Recipe) -> Array:
    """Way of the tool in base (N, 3) [m] through the planned cycles, the pieces in the middle of the pick zone.

    Raises: MotionError of the motion that cannot be planned.
    """
    middle = station.pick_zone.mean(axis=0)
    plans = [
        plan_seam_cycle(station, piece, seam, _lay(piece, middle, 0.0), recipe.thickness)
        for piece, seam in _list_seams(recipe)
    ]
    Q = np.concatenate([motion.positions[::LOOK] for plan in plans for motion in plan.motions().values()])
    way: Array = (station.arm.forward(Q) @ station.T_flange_tool)[:, :3, 3]
    return way


def _list_seams(recipe: Recipe) -> Iterator[tuple[PieceRecipe, SeamRecipe]]:
    return ((piece, seam) for piece in recipe.pieces for seam in piece.seams)


def _track_machine(station: Station, grip: SeamGrip, name: str, thickness: float) -> Array:
    """Postures from over the place beside the needle, through the seam, to over the place beside its end, (N, 6)."""
    beside, start = grip.needle_tool(thickness, aside=SIDESTEP), grip.needle_tool(thickness)
    end = grip.needle_tool(thickness, travelled=grip.length)
    out = grip.needle_tool(thickness, travelled=grip.length, aside=SIDESTEP)
    corners = [_above(beside, station.approach), beside, start, end, out, _above(out, station.carry_height)]
    return _track(station, station.T_base_needle @ np.stack(corners), name)


def _track_down(station: Station, T_base_tool: Array, name: str) -> Array:
    """Postures from carrying height over a pose of the tool down to it, (N, 6) [rad]."""
    return _track(station, np.stack([_above(T_base_tool, station.carry_height), T_base_tool]), name)


def _track(station: Station, T_base_tool: Array, name: str) -> Array:
    """Postures (N, 6) along straight lines between poses of the tool (K, 4, 4), from the branch next to home."""
    places = [T_base_tool[0, :3, 3]]
    for a, b in zip(T_base_tool[:-1, :3, 3], T_base_tool[1:, :3, 3], strict=True):
        steps = max(2, int(np.ceil(np.linalg.norm(b - a) / LINE_STEP)))
        places += list(a + (b - a) * np.linspace(0.0, 1.0, steps + 1)[1:, None])
    T = np.tile(T_base_tool[0], (len(places), 1, 1))
    T[:, :3, 3] = places
    T = T @ invert_pose(station.T_flange_tool)
    found = station.arm.solve(T[0], near=station.home)
    if found.q is None or found.status is IkStatus.SINGULAR:
        raise MotionError(f"{name}: {found.reason}")
    return station.arm.track(T, found.q)


def _lie_around(station: Station, piece: PieceRecipe) -> Iterator[PlanarPose]:
    """The piece on the table in the middle and in the corners of what the pick zone leaves it, in YAWS directions."""
    low, high = station.pick_zone.min(axis=0), station.pick_zone.max(axis=0)
    outline = piece.piece.outline
    radius = np.linalg.norm(outline - (outline.min(axis=0) + outline.max(axis=0)) / 2.0, axis=1).max()
    half = np.maximum((high - low) / 2.0 - radius, 0.0)
    for corner in np.array([(0, 0), (-1, -1), (1, -1), (1, 1), (-1, 1)]):
        for k in range(YAWS):
            yield _lay(piece, (low + high) / 2.0 + corner * half, 2.0 * np.pi * k / YAWS)


def _grip_pose(station: Station, grip: SeamGrip, lying: PlanarPose, thickness: float) -> Array:
    """T_base_tool (4, 4) that grips a piece which lies on the table."""
    height = make_pose((0.0, 0.0, GRIP_COMPRESSION * thickness))
    T_base_tool: Array = height @ station.T_base_table @ lying.matrix() @ grip.piece_tool
    return T_base_tool


def _lay(piece: PieceRecipe, centre: Array, theta: float) -> PlanarPose:
    """The piece with the centre of its bounding box at a place of the table."""
    low, high = piece.piece.outline.min(axis=0), piece.piece.outline.max(axis=0)
    x, y = centre - PlanarPose(0.0, 0.0, theta).apply((low + high)[None] / 2.0)[0]
    return PlanarPose(float(x), float(y), theta)


def _require_clear(station: Station, Q: Array, name: str) -> None:
    touching = {frozenset(pair) for pair in TOUCHING}
    wanted = np.array([0.0 if frozenset(pair) in touching else station.clearance for pair in station.collision.pairs])
    distances = station.collision.distances(Q)
    sample, pair = np.unravel_index(int((distances - wanted).argmin()), distances.shape)
    if distances[sample, pair] < wanted[pair]:
        first, second = station.collision.pairs[pair]
        distance = distances[sample, pair] / MM
        how = f"come within {distance:.0f} mm of" if distance >= 0.0 else f"be {-distance:.0f} mm deep in"
        raise MotionError(f"{name}: {first} would {how} {second}")


def _find_margins(station: Station, parts: Sequence[tuple[str, Array]]) -> tuple[Margin, ...]:
    """The smallest margin of each kind over all postures; the tool's bodies, which the work itself brings near to
    table and machine, count only against the arm."""
    names = [name for name, Q in parts for _ in Q]
    Q = np.concatenate([Q for _, Q in parts])
    limits, arm = station.arm.model.limits, station.arm
    room = np.minimum(limits.upper - Q, Q - limits.lower)
    found = [_smallest(room[:, i], ENOUGH_JOINT, DEG, f"deg from joint {i + 1} to its limit", names) for i in range(6)]
    arms = [i for i, (first, _) in enumerate(station.collision.pairs) if first in LINK_NAMES]
    if arms:
        distances = station.collision.distances(Q)[:, arms]
        first, second = station.collision.pairs[arms[int(distances.min(axis=0).argmin())]]
        found.append(_smallest(distances.min(axis=1), ENOUGH_CLEARANCE, MM, f"mm from {first} to {second}", names))
    if not isinstance(arm.model.geometry, ChainParameters):
        singular = arm.singularity_distance(Q)
        found += [
            _smallest(singular.wrist, ENOUGH_BEND, DEG, "deg from a straight wrist", names),
            _smallest(singular.elbow, ENOUGH_BEND, DEG, "deg from a stretched elbow", names),
            _smallest(np.abs(singular.shoulder), ENOUGH_AHEAD, MM, "mm from the wrist to axis 1", names),
        ]
    return tuple(sorted(found, key=lambda margin: margin.share))


def _smallest(values: Array, enough: float, unit: float, what: str, names: Sequence[str]) -> Margin:
    at = int(values.argmin())
    return Margin(float(values[at]) / enough, f"{values[at] / unit:.0f} {what} during {names[at]}")


def _move_time(station: Station, start: Array, goal: Array) -> float:
    """Mean time of joint moves on straight lines from rest to rest [s]; postures (6,) or (N, 6)."""
    limits = station.joint_limits
    times = time_at_rest(
        np.atleast_2d(np.abs(goal - start)), LegLimits(limits.velocity, limits.acceleration, limits.jerk)
    )
    return float(times.mean())


def _above(T: Array, height: float) -> Array:
    raised = T.copy()
    raised[2, 3] += height
    return raised
