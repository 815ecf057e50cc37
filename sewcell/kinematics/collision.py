"""Whether an arm and its tool keep clear of the table, of a machine and of themselves."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from sewcell.errors import MotionError
from sewcell.geometry.poses import Array
from sewcell.kinematics.arm_model import ArmModel
from sewcell.kinematics.distances import pair_distances
from sewcell.kinematics.forward import forward_links
from sewcell.kinematics.validate import check_posture
from sewcell.units import MM

LINK_NAMES = ("base", "shoulder", "upper arm", "elbow", "forearm", "wrist", "flange")
"""What the capsules of links 0 to 6 are called in pairs and in messages."""

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True, eq=False)
class Capsule:
    """A body that moves with a link: all points within `radius` [m] of the segment `start` to `end`, each (3,) [m] in
    the frame of `link`. A tool's capsules belong to link 6 and stand in the flange frame."""

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
class Clearance:
    """The smallest `distance` [m] (negative: overlap) over all samples, the `pair` of bodies and the `sample` that have
    it, and the smallest distance of each sample, `per_sample` (N,)."""

    distance: float
    pair: Pair
    sample: int
    per_sample: Array


class CollisionModel:
    """Distances between arm, tool and surroundings.

    Checked are every capsule against every box, and links of the arm and the tool that can meet each other. Pairs of
    names in `ignore` (in either order) are left out, such as the base on its table.
    """

    def __init__(
        self,
        model: ArmModel,
        tool_capsules: Sequence[Capsule] = (),
        boxes: Sequence[Box] = (),
        ignore: Collection[Pair] = (("base", "table"),),
    ) -> None:
        arm = [Capsule(LINK_NAMES[c.link], c.link, c.start, c.end, c.radius) for c in model.capsules]
        capsules = [*arm, *tool_capsules]
        ignored = {frozenset(pair) for pair in ignore}

        def is_wanted(first: str, second: str) -> bool:
            return frozenset((first, second)) not in ignored

        capsule_box = [(i, j) for i, c in enumerate(capsules) for j, b in enumerate(boxes) if is_wanted(c.name, b.name)]
        capsule_capsule = [
            (i, j)
            for i, a in enumerate(arm)
            for j, b in enumerate(capsules)
            if _can_meet(a.link, 7 if j >= len(arm) else b.link) and is_wanted(a.name, b.name)
        ]
        self._model = model
        self._links = np.array([c.link for c in capsules], dtype=np.intp)
        self._starts = np.array([c.start for c in capsules]).reshape(-1, 3)
        self._ends = np.array([c.end for c in capsules]).reshape(-1, 3)
        self._radii = np.array([c.radius for c in capsules])
        self._box_poses = np.array([b.pose for b in boxes]).reshape(-1, 4, 4)
        self._box_halves = np.array([b.half for b in boxes]).reshape(-1, 3)
        self._capsule_box = np.array(capsule_box, dtype=np.intp).reshape(-1, 2)
        self._capsule_capsule = np.array(capsule_capsule, dtype=np.intp).reshape(-1, 2)
        self.pairs: tuple[Pair, ...] = (
            *((capsules[i].name, boxes[j].name) for i, j in capsule_box),
            *((capsules[i].name, capsules[j].name) for i, j in capsule_capsule),
        )
        if not self.pairs:
            raise ValueError("a collision model without bodies that could meet: give the arm capsules or boxes")

    def distances(self, Q: ArrayLike) -> Array:
        """Distance of every pair of `pairs` at every posture: Q (N, 6) [rad] -> (N, len(pairs)) [m]."""
        links = forward_links(self._model, check_posture(Q, 2))[:, self._links]  # (N, C, 4, 4)
        R, origin = links[..., :3, :3], links[..., :3, 3]
        starts = np.einsum("ncij,cj->nci", R, self._starts) + origin
        ends = np.einsum("ncij,cj->nci", R, self._ends) + origin
        found: Array = pair_distances(
            starts, ends, self._radii, self._box_poses, self._box_halves, self._capsule_box, self._capsule_capsule
        )
        return found

    def clearance(self, Q: ArrayLike) -> Clearance:
        """The smallest distance along the postures Q (N, 6) [rad], N > 0."""
        distances = self.distances(Q)
        sample, pair = np.unravel_index(int(distances.argmin()), distances.shape)
        return Clearance(float(distances[sample, pair]), self.pairs[pair], int(sample), distances.min(axis=1))

    def check(self, Q: ArrayLike, smallest: float, touching: Collection[Pair] = ()) -> None:
        """Makes sure that all bodies stay `smallest` [m] apart along the postures Q (N, 6) [rad].

        Pairs of names in `touching` (in either order) may come as close as 0, such as the tool's plate on the table.

        Raises: MotionError that names the pair, the sample and the distance.
        """
        allowed = {frozenset(pair) for pair in touching}
        wanted = np.array([0.0 if frozenset(pair) in allowed else smallest for pair in self.pairs])
        distances = self.distances(Q)
        sample, pair = np.unravel_index(int((distances - wanted).argmin()), distances.shape)
        distance = distances[sample, pair]
        if distance >= wanted[pair]:
            return
        first, second = self.pairs[pair]
        where = f"at sample {sample} of {len(distances)}"
        if distance < 0.0:
            raise MotionError(f"{first} would hit {second} {where}: they overlap by {-distance / MM:.1f} mm")
        raise MotionError(
            f"{first} would come within {distance / MM:.1f} mm of {second} {where}: "
            f"at least {wanted[pair] / MM:.1f} mm are wanted"
        )


def _can_meet(first: int, second: int) -> bool:
    """Whether the arm's own joint limits leave two links (7: the tool) a way to touch.

    Left out are neighbours and the pairs whose distance one joint alone decides, for its limits then decide: the upper
    arm and the forearm (joint 3), the wrist's links among each other and to the forearm (joint 5).
    """
    return (first <= 1 and second >= 4) or (first == 2 and second >= 5) or (first in (3, 4) and second == 7)
