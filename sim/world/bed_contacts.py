"""What touches the cloth on the sewing bed: bristles of foot, dog and throat plate, the needle, stitches."""

from collections.abc import Mapping, Sequence

import numpy as np

from sewcell.geometry.poses import Array
from sim.world.bristles import NEVER, Links, bend, keep_bent, relax_bristle
from sim.world.feed import feed_progress
from sim.world.foot import FOOT, PRESLIDING, foot_force, make_footprint, press_cloth, slot_count
from sim.world.lockstitch import THREAD_STIFFNESS, THREAD_STRENGTH, Pinned, Stitch
from sim.world.parameters import Machine
from sim.world.ply_stack import PlyStack

NEEDLE_STIFFNESS = 5e3
"""Of the needle sideways at the throat plate [N/m]: steel of 0.9 mm, guided by bar and hole."""


class BedContacts:
    """The links of one stack of plies. `bristles`: how many of the present links are friction; the needle's follow."""

    def __init__(self, machine: Machine, stack: PlyStack) -> None:
        self._machine = machine
        self._stack = stack
        self._needle = machine.T_base_needle[:2, 3].copy()
        self._footprint = make_footprint(machine)
        points, slots = len(self._footprint.points), slot_count(len(stack.cloths))
        self._bent = np.zeros((points, slots, 2))
        self._home = np.zeros((points * slots, 2), dtype=np.int64)
        self.bristles = 0

    @property
    def along(self) -> Array:
        """Direction of the feed (2,)."""
        return self._footprint.along

    def make_links(
        self, x: Array, foot: float, turns: tuple[float, float], feed: float, pins: Mapping[int, Pinned],
        stitches: Sequence[Stitch],
    ) -> Links:  # fmt: skip
        """Of a step that begins with the cloth at `x` (V, 2): bristles, then the needle, then stitches.

        `foot`: 0 to 1; `turns`: of the shaft at start and end; `pins`: on the needle, by place in the stack.
        """
        stack, footprint = self._stack, self._footprint
        place = {id(cloth): first for cloth, first in zip(stack.cloths, stack.triangles, strict=False)}
        here = [s for s in stitches if id(s.lower) in place and id(s.upper) in place]
        room = len(self._home) + len(pins) + len(here)
        links = Links(
            np.zeros((room, 2), dtype=np.int64), np.zeros((room, 2, 3)), np.zeros((room, 2)), np.zeros(room),
            np.zeros(room),
        )  # fmt: skip
        middle = 0.5 * (turns[0] + turns[1])
        fed = (feed_progress(turns[1]) - feed_progress(turns[0])) * feed
        n = self.bristles = press_cloth(
            x, stack.membrane.triangles, stack.triangles, footprint.points, footprint.teeth, footprint.stroke,
            footprint.along, self._bent, foot_force(self._machine, foot, middle), middle, fed, stack.friction, links,
            self._home,
        )  # fmt: skip
        for q, pin in pins.items():
            links.triangle[n] = stack.triangles[q] + pin.triangle, -1
            links.share[n, 0], links.origin[n] = pin.share, self._needle
            links.limit[n], links.stiffness[n] = NEVER, NEEDLE_STIFFNESS
            n += 1
        for s in here:
            links.triangle[n, 0] = place[id(s.upper)] + s.upper_point.triangle
            links.triangle[n, 1] = place[id(s.lower)] + s.lower_point.triangle
            links.share[n] = s.upper_point.share, s.lower_point.share
            links.limit[n], links.stiffness[n] = THREAD_STRENGTH, THREAD_STIFFNESS
            n += 1
        return Links(links.triangle[:n], links.share[:n], links.origin[:n], links.limit[:n], links.stiffness[:n])

    def keep(self, x: Array, links: Links) -> None:
        """End of a step at `x` (V, 2): the bristles stay as far bent as friction bears."""
        keep_bent(x, self._stack.membrane.triangles, links, self.bristles, self._home, self._bent)
        relax_bristle(self._bent, PRESLIDING)

    def pulls(self, x: Array, links: Links) -> tuple[Array, Array]:
        """Forces (2,) [N] of the sole and of the needle on the cloth."""
        foot, needle = np.zeros(2), np.zeros(2)
        for n in range(len(links.limit)):
            bent = np.array(bend(x, self._stack.membrane.triangles, links, n))
            size = max(float(np.linalg.norm(bent)), 1e-15)
            pull = -bent * min(links.stiffness[n], links.limit[n] / size)
            if links.limit[n] == NEVER:
                needle += pull
            elif n < self.bristles and self._home[n, 1] == FOOT:
                foot += pull
        return foot, needle
