"""Whether an arm, its tool and what it holds keep clear of table, machine and fixtures, and of themselves."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sewcell.errors import MotionError
from sewcell.geometry.poses import Array
from sewcell.kinematics.arm_model import ArmModel
from sewcell.kinematics.chain import reach_from_axes, read_chain
from sewcell.kinematics.collision_kernels import Bodies, pair_distances
from sewcell.kinematics.nearest_pair import nearest_pairs
from sewcell.kinematics.swept import Sweep, sweep
from sewcell.kinematics.validate import check_posture
from sewcell.units import MM

LINK_NAMES = ("base", "shoulder", "upper arm", "elbow", "forearm", "wrist", "flange")
"""What the capsules of links 0 to 6 are called in pairs and in messages."""
PIECE = "piece"
"""What the capsules of a held piece are called."""
_ARM, _TOOL, _HELD, _STANDING = range(4)

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True, eq=False)
class Capsule:
    """A body that moves with a link: all points within `radius` [m] of the segment `start` to `end`, each (3,) [m] in
    the frame of `link`. What the flange carries belongs to link 6, what stands still to link 0, whose frame is base."""

    name: str
    link: int
    start: Array
    end: Array
    radius: float


@dataclass(frozen=True, slots=True, eq=False)
class Box:
    """A body that stands still: |x_i| <= half_i [m] in the frame `pose` = T_base_box (4, 4)."""

    name: str
    pose: Array
    half: Array


@dataclass(frozen=True, slots=True, eq=False)
class Contact:
    """The nearest two bodies at a posture: their signed `distance` [m], their names, and the `points` (2, 3) [m] in
    base in which they come closest, one on each body. A negative distance is the shortest way by which they would have
    to be moved apart."""

    distance: float
    pair: Pair
    points: Array


@dataclass(frozen=True, slots=True, eq=False)
class Clearance:
    """The nearest two bodies at each of N postures, and the nearest of all.

    `distance` [m] is the smallest, `pair` and `sample` have it. For each posture: the smallest distance `per_sample`
    (N,) [m] (negative: the shortest way apart), the index of its pair in the model's `pairs`, `pair_indices` (N,), and
    the `points` (N, 2, 3) [m] in base in which the two bodies come closest.
    """

    distance: float
    pair: Pair
    sample: int
    per_sample: Array
    pair_indices: NDArray[np.intp]
    points: Array


class CollisionModel:
    """Distances between the arm, its tool, what it holds and what stands around.

    Checked are every capsule of arm, tool and held piece against every body that stands, and the links of the arm
    against each other, the tool and the held piece where the joint limits let them meet. Pairs of names in `ignore` (in
    either order) are left out, such as the base on its table and the cloth that is laid on it. Joint coordinates are
    those of the arm's pendant [rad].
    Holds no state that changes: may be used from several threads.
    """

    def __init__(
        self,
        model: ArmModel,
        tool_capsules: Sequence[Capsule] = (),
        surroundings: Sequence[Box | Capsule] = (),
        ignore: Collection[Pair] = (("base", "table"), (PIECE, "table")),
        held: Sequence[Capsule] = (),
    ) -> None:
        arm = [Capsule(LINK_NAMES[c.link], c.link, c.start, c.end, c.radius) for c in model.capsules]
        boxes = [body for body in surroundings if isinstance(body, Box)]
        standing = [body for body in surroundings if isinstance(body, Capsule)]
        if any(capsule.link != 0 for capsule in standing):
            raise ValueError("a capsule that stands around must belong to link 0")
        groups = ((arm, _ARM), (tool_capsules, _TOOL), (held, _HELD), (standing, _STANDING))
        capsules = [(capsule, kind) for group, kind in groups for capsule in group]
        ignored = {frozenset(pair) for pair in ignore}
        capsule_box = [
            (i, j)
            for i, (c, kind) in enumerate(capsules)
            for j, b in enumerate(boxes)
            if kind != _STANDING and frozenset((c.name, b.name)) not in ignored
        ]
        capsule_capsule = [
            (i, j)
            for i, (a, kind) in enumerate(capsules)
            for j, (b, other) in enumerate(capsules)
            if _can_meet(a, kind, b, other) and frozenset((a.name, b.name)) not in ignored
        ]
        self.pairs: tuple[Pair, ...] = (
            *((capsules[i][0].name, boxes[j].name) for i, j in capsule_box),
            *((capsules[i][0].name, capsules[j][0].name) for i, j in capsule_capsule),
        )
        if not self.pairs:
            raise ValueError("a collision model without bodies that could meet: give the arm capsules or boxes")
        chain = read_chain(model)
        links = np.array([c.link for c, _ in capsules], dtype=np.intp)
        R, origins = chain.links[links, :3, :3], chain.links[links, :3, 3]
        middles = np.array([(c.start + c.end) / 2.0 for c, _ in capsules]).reshape(-1, 3)
        halves = np.array([(c.end - c.start) / 2.0 for c, _ in capsules]).reshape(-1, 3)
        self.bodies = Bodies(
            joints=chain.joints,
            links=links,
            axes=np.hstack([np.einsum("cij,cj->ci", R, middles) + origins, np.einsum("cij,cj->ci", R, halves)]),
            radii=np.array([float(c.radius) for c, _ in capsules]),
            poses=np.array([b.pose for b in boxes], dtype=np.float64).reshape(-1, 4, 4),
            halves=np.array([b.half for b in boxes], dtype=np.float64).reshape(-1, 3),
            capsule_box=np.array(capsule_box, dtype=np.intp).reshape(-1, 2),
            capsule_capsule=np.array(capsule_capsule, dtype=np.intp).reshape(-1, 2),
        )
        reach = np.array([reach_from_axes(chain, c.link, c.start, c.end, c.radius) for c, _ in capsules])
        self._reach = np.vstack([
            *(reach[i] for i, _ in capsule_box),
            *(_relative_reach(reach, links, i, j) for i, j in capsule_capsule),
        ])  # fmt: skip
        self._parts = (model, tuple(tool_capsules), tuple(surroundings), tuple(ignore))

    def with_held(self, held: Sequence[Capsule]) -> "CollisionModel":
        """The same model with these capsules on the flange (link 6), in the place of what was held before."""
        return CollisionModel(*self._parts, held)

    def with_standing(self, bodies: Sequence[Box]) -> "CollisionModel":
        """The same model, nothing held, with `bodies` that stand around besides those that it has."""
        model, tool, surroundings, ignore = self._parts
        return CollisionModel(model, tool, (*surroundings, *bodies), ignore) if bodies else self

    def distances(self, Q: ArrayLike) -> Array:
        """Signed distance of every pair of `pairs` at every posture: Q (N, 6) [rad] -> (N, len(pairs)) [m].

        Negative: the bodies overlap, and this is the shortest way by which they would have to be moved apart.
        """
        postures = np.ascontiguousarray(check_posture(Q, 2))
        found: Array = pair_distances(self.bodies, postures)[:, : len(postures)].T
        return found

    def clearance(self, Q: ArrayLike) -> Clearance:
        """The nearest bodies at each of the postures Q (N, 6) [rad], N > 0; what happens between them: `check_path`."""
        distances, pairs, points = nearest_pairs(self.bodies, np.ascontiguousarray(check_posture(Q, 2)))
        sample = int(distances.argmin())
        return Clearance(float(distances[sample]), self.pairs[pairs[sample]], sample, distances, pairs, points)

    def collide(self, q: ArrayLike) -> Contact:
        """The nearest two bodies at one posture q (6,) [rad]."""
        distances, pairs, points = nearest_pairs(self.bodies, np.ascontiguousarray(check_posture(q, 1))[None])
        return Contact(float(distances[0]), self.pairs[pairs[0]], points[0])

    def check_path(self, Q: ArrayLike, smallest: float = 0.0, touching: Collection[Pair] = ()) -> Sweep:
        """What the bodies do along straight joint moves from each posture of Q (N, 6) [rad] to the next: proven.

        Wanted are distances of at least `smallest` [m], for pairs of names in `touching` (in either order) of at least
        0. See `swept.sweep`.
        """
        return self._sweep(Q, smallest, touching, until_refused=False)

    def check(self, Q: ArrayLike, smallest: float, touching: Collection[Pair] = ()) -> None:
        """Makes sure that the path of `check_path` is clear, and gives up at the first posture that is not.

        Raises: MotionError that names a pair, the sample and the distance.
        """
        found = self._sweep(Q, smallest, touching, until_refused=True)
        if found.is_clear:
            return
        worst = found.worst
        first, second = self.pairs[worst.pair]
        where = f"at sample {worst.at:.4g} of {len(np.atleast_2d(np.asarray(Q)))}"
        if worst.distance < 0.0:
            raise MotionError(f"{first} would hit {second} {where}: they overlap by {-worst.distance / MM:.1f} mm")
        raise MotionError(
            f"{first} would come within {worst.distance / MM:.1f} mm of {second} {where}: "
            f"at least {worst.wanted / MM:.1f} mm are wanted"
        )

    def _sweep(self, Q: ArrayLike, smallest: float, touching: Collection[Pair], until_refused: bool) -> Sweep:
        may_touch = {frozenset(pair) for pair in touching}
        free = np.array([frozenset(pair) not in may_touch for pair in self.pairs])
        wanted = np.where(free, smallest, 0.0)
        return sweep(self.distances, self._reach, check_posture(Q, 2), wanted, free, until_refused)


def cover_rectangle(T_flange_sheet: Array, low: ArrayLike, high: ArrayLike, radius: float) -> list[Capsule]:
    """Capsules on the flange that cover a held flat piece: the rectangle from `low` to `high` (2,) [m] in the plane
    z = 0 of the frame `T_flange_sheet`. They stick out of it by `radius` [m] at most, which is also half their
    thickness."""
    low, high = np.asarray(low, dtype=np.float64), np.asarray(high, dtype=np.float64)
    across = int(np.argmin(high - low))
    rows = max(1, int(np.ceil((high - low)[across] / (2.0 * radius))))
    capsules = []
    for row in range(rows):
        start, end = np.zeros(4), np.zeros(4)
        start[:2], end[:2], start[3], end[3] = low, high, 1.0, 1.0
        start[across] = end[across] = low[across] + (row + 0.5) * (high - low)[across] / rows
        capsules.append(Capsule(PIECE, 6, (T_flange_sheet @ start)[:3], (T_flange_sheet @ end)[:3], radius))
    return capsules


def _can_meet(first: Capsule, kind: int, second: Capsule, other: int) -> bool:
    """Whether the arm's own joint limits leave two capsules a way to touch.

    Left out are neighbours and the pairs whose distance one joint alone decides, for its limits then decide: the upper
    arm and the forearm (joint 3), the wrist's links among each other and to the forearm (joint 5). Tool and held piece
    belong together.
    """
    if other == _STANDING:
        return kind != _STANDING and first.link > 0
    if kind != _ARM:
        return False
    if other == _ARM:
        return (first.link <= 1 and second.link >= 4) or (first.link == 2 and second.link >= 5)
    return first.link <= 4


def _relative_reach(reach: Array, links: NDArray[np.intp], first: int, second: int) -> Array:
    """Bound of the motion of two capsules against each other per turn of each joint, (6,) [m]: seen from the one that
    is nearer to the base, only the joints between the two move the other."""
    near, far = (first, second) if links[first] <= links[second] else (second, first)
    between: Array = reach[far].copy()
    between[: links[near]] = 0.0
    return between
