"""All cloth of a cell, from the lowest ply to the highest: who is awake, who touches whom, who is stepped together."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sewcell.geometry.poses import Array
from sim.world.cloth import Cloth
from sim.world.cloth_kernels import find_bounds, largest_square
from sim.world.cloth_mesh import Indices
from sim.world.cloth_step import Surroundings
from sim.world.lockstitch import Stitch, gather_seam
from sim.world.ply_contact import Bonds, advance_plies
from sim.world.ply_layout import PlyLayout, gather, lay_out, mean_edge
from sim.world.ply_pairs import Pairs, find_pairs, find_shares, is_folded, rim_lengths, rim_triangles, sort_by_rank

NEAR = 0.2e-3
"""Cloth closer than this, and than what it can cover in a step, may meet during the step [m]."""
STIRRED = 0.95
"""Share of the friction that holds a sleeping ply at which it wakes."""
LIFTED = 0.05
"""Pull upwards at which a sleeping ply wakes, as a share of its weight."""
CLING_FROM = 1.0e-3
"""Cut edges that lie closer than this catch in each other [m]."""
GRAVITY = 9.81
_NOTHING = (np.empty(0, dtype=np.int64), np.empty(0))


@dataclass(slots=True)
class Bonding:
    """Fibres from the rim of the ply `upper` into the ply `lower`; `vertex` of upper, `triangle` of lower."""

    upper: Cloth
    lower: Cloth
    vertex: Indices
    triangle: Indices
    share: Array
    force: Array


class Plies:
    """Plies in the order in which they lie; each keeps to its side of the next one. What nothing touches sleeps."""

    def __init__(self) -> None:
        self.order: list[Cloth] = []
        self._bondings: list[Bonding] = []
        self._sides: dict[Cloth, tuple[Indices, Array]] = {}
        self._layouts: list[tuple[list[Any], PlyLayout]] = []
        self._boxes: dict[Cloth, Array] = {}

    def add(self, cloth: Cloth) -> None:
        """Lay `cloth` on top of all others."""
        self.order.append(cloth)

    def raise_to_top(self, cloths: Sequence[Cloth]) -> None:
        """Plies that were taken away from the others lie above them from now on, in the order that they had."""
        taken = {id(c) for c in cloths}
        self.order.sort(key=lambda c: id(c) in taken)

    def remove(self, gone: Collection[Cloth]) -> None:
        """Take cloth away."""
        self.order = [c for c in self.order if c not in gone]
        self._bondings = [b for b in self._bondings if b.upper not in gone and b.lower not in gone]
        self._sides = {c: sides for c, sides in self._sides.items() if c not in gone}
        self._boxes = {c: box for c, box in self._boxes.items() if c not in gone}
        self._layouts.clear()

    def cling(self, upper: Cloth, lower: Cloth) -> int:
        """Fibres take hold between the cut edge of `upper` and what lies of `lower` under it. Returns: how many bonds.

        Each rim vertex holds with `edge_cling` times its share of the length of the edge, see `pull_bonds`.
        """
        rim = np.flatnonzero(upper.mesh.boundary).astype(np.int64)
        pairs = find_pairs(
            np.vstack([upper.x, lower.x]), np.zeros((0, 2)), rim, lower.triangles + len(upper.x),
            rim_triangles(lower.triangles), 0, len(lower.triangles), 1, CLING_FROM, 0.0, mean_edge(lower), *_NOTHING,
        )  # fmt: skip
        found = zip(*pairs[:2], strict=True)
        share = np.array([find_shares(upper.x[v], lower.x[lower.triangles[t]]) for v, t in found])
        inside = np.flatnonzero(share.reshape(-1, 3).min(axis=1) >= -0.1)
        _, once = np.unique(pairs[0][inside], return_index=True)
        kept = inside[once]
        length = rim_lengths(upper.pattern, upper.triangles)[pairs[0][kept]]
        force = 0.5 * (upper.material.edge_cling + lower.material.edge_cling) * length
        self._bondings.append(Bonding(upper, lower, pairs[0][kept], pairs[1][kept], share[kept], force))
        return len(kept)

    def step(
        self,
        surroundings: Mapping[Cloth, Surroundings],
        dt: float,
        substeps: int,
        targets: Mapping[Cloth, Array],
        stitches: Sequence[Stitch] = (),
    ) -> list[tuple[Cloth, Array]]:
        """Advance the plies that have `surroundings` by `dt` [s]; the others are moved by another model.

        `targets`: where the held vertices of a ply are at the end, see `Cloth.step`. `stitches` hold plies together.
        Returns: passages of the needle of each ply, from below.
        """
        order = [c for c in self.order if c in surroundings]
        found: list[tuple[Cloth, Array]] = []
        boxes = [self._box(c, dt) for c in order]
        sewn = {(a, b) for s in stitches for a, b in ((s.lower, s.upper), (s.upper, s.lower))}
        for n, cloth in enumerate(order):
            if cloth.stirred and not cloth.asleep:
                self._wake_others(order, n, boxes, sewn)
        awake = [n for n, c in enumerate(order) if not c.asleep]
        near = {
            n: [m for m, c in enumerate(order) if m != n and ((order[n], c) in sewn or _overlap(boxes[n], boxes[m]))]
            for n in awake
        }
        folded = {n for n in awake if not near[n] and is_folded(order[n].x, order[n].triangles)}
        together = [n for n in awake if near[n] or n in folded]
        for n in awake:
            if n not in together:
                cloth = order[n]
                found.append((cloth, cloth.step(surroundings[cloth], dt, substeps, targets.get(cloth))))
        if together:
            members = sorted({*together, *(m for n in together for m in near[n])})
            cloths = [order[n] for n in members]
            others = {n for n in members if n not in awake or near[n]}
            folded |= {n for n in others if is_folded(order[n].x, order[n].triangles)}
            env = surroundings[order[together[0]]]
            room = [boxes[n] for n in members]
            self._step_together(cloths, room, [n in folded for n in members], env, dt, substeps, targets, stitches)
        return found

    def __getstate__(self) -> dict[str, object]:
        """Without what can be worked out again."""
        return self.__dict__ | {"_layouts": []}

    def _box(self, cloth: Cloth, dt: float) -> Array:
        """(2, 3): the room that a ply can reach in a step of `dt` [s]; of one that sleeps it is known."""
        if cloth.asleep and cloth in self._boxes:
            return self._boxes[cloth]
        margin = _reach(cloth, dt)
        box: Array = find_bounds(cloth.x) + np.array([[-margin], [margin]])
        self._boxes.pop(cloth, None)
        if cloth.asleep:
            self._boxes[cloth] = box
        return box

    def _wake_others(
        self, order: list[Cloth], n: int, boxes: list[Array], sewn: Collection[tuple[Cloth, Cloth]]
    ) -> None:
        """What lies on a ply that moves loses its rest, what clings to it, and what is sewn to it."""
        for other in order:
            if other.asleep and (order[n], other) in sewn:
                other.wake()
        for m in range(n + 1, len(order)):
            if order[m].asleep and _overlap(boxes[n], boxes[m]):
                order[m].wake()
        for bonding in self._bondings:
            if bonding.upper is order[n] and bonding.lower.asleep:
                bonding.lower.wake()

    def _step_together(
        self,
        cloths: list[Cloth],
        boxes: list[Array],
        folded: list[bool],
        env: Surroundings,
        dt: float,
        substeps: int,
        targets: Mapping[Cloth, Array],
        stitches: Sequence[Stitch],
    ) -> None:
        layout = self._layout(cloths)
        ends = [targets.get(c, c.held_now) for c in cloths]
        group = gather(cloths, layout, ends)
        pairs = self._find_pairs(cloths, layout, group.x, boxes, folded, [_reach(c, dt) for c in cloths])
        bonds, bondings = self._bonds_of(cloths, layout)
        h = dt / substeps
        interval = 1 if any(folded) else min(c.bending_interval(h) for c in cloths)
        seam = gather_seam(stitches, dict(zip(cloths, layout.start.tolist(), strict=False)))
        env = env._replace(plate_near=True)
        advance_plies(group, layout.sweep, layout.grid, pairs, bonds, seam, env, h, substeps, interval)
        for k, (cloth, end) in enumerate(zip(cloths, ends, strict=True)):
            a, b = layout.start[k], layout.start[k + 1]
            if cloth.asleep:
                self._wake_if_stirred(cloth, group.borne[k])
            else:
                cloth.x[:], cloth.v[:] = group.x[a:b], group.v[a:b]
                cloth.finish_step(end)
        self._drop_broken(bonds, bondings)

    def _wake_if_stirred(self, cloth: Cloth, borne: Array) -> None:
        """A sleeping ply wakes when what rubs on it passes what holds it, or when it is lifted."""
        m = cloth.material
        weight = float(cloth.mass.sum()) * GRAVITY
        holds = min(m.friction_table, m.friction_ply) * (weight + borne[3])
        if np.hypot(borne[0], borne[1]) > STIRRED * holds or borne[2] > LIFTED * weight:
            cloth.wake()

    def _find_pairs(
        self,
        cloths: list[Cloth],
        layout: PlyLayout,
        x: Array,
        boxes: list[Array],
        folded: list[bool],
        reaches: list[float],
    ) -> Pairs:
        parts = []
        for u, upper in enumerate(cloths):
            vertices = np.arange(layout.start[u], layout.start[u + 1])
            for b in range(u + 1):
                lower = cloths[b]
                if upper.asleep and lower.asleep:
                    continue
                if b == u:
                    if folded[u]:
                        parts.append((*self._pair(cloths, layout, x, u, vertices, u, 0, 2.0 * reaches[u]), u))
                elif _overlap(boxes[u], boxes[b]):
                    reach = reaches[u] + reaches[b]
                    own = np.flatnonzero(lower.mesh.boundary) + layout.start[b]
                    parts.append((*self._pair(cloths, layout, x, u, vertices, b, 1, reach), u))
                    parts.append((*self._pair(cloths, layout, x, b, own, u, -1, reach), u))
        return sort_by_rank(parts)

    def _pair(
        self,
        cloths: list[Cloth],
        layout: PlyLayout,
        x: Array,
        of: int,
        vertices: Indices,
        to: int,
        layer: int,
        reach: float,
    ) -> tuple[Indices, Indices, Array]:
        """Pairs of the vertices of a ply with the triangles of another, or of its own: then sides are remembered."""
        gap = 0.5 * (cloths[of].material.thickness + cloths[to].material.thickness)
        known, sides = self._sides.get(cloths[of], _NOTHING) if of == to else _NOTHING
        first, last = int(layout.triangle_start[to]), int(layout.triangle_start[to + 1])
        # Keys count from the first vertex and triangle of the ply, so that they outlast a change of the group.
        offset = int(layout.start[of]) * len(layout.triangles) + first
        known = known // (last - first) * len(layout.triangles) + known % (last - first) + offset
        v, t, side = find_pairs(
            x, layout.rest, vertices, layout.triangles, layout.rim, first, last, layer, reach, 1.5 * (reach - gap),
            layout.edge, known, sides,
        )  # fmt: skip
        if of == to:
            keys = (v - layout.start[of]) * (last - first) + (t - first)
            order = np.argsort(keys, kind="stable")
            self._sides[cloths[of]] = (keys[order], side[order])
        return v, t, side

    def _bonds_of(self, cloths: list[Cloth], layout: PlyLayout) -> tuple[Bonds, list[Bonding]]:
        place = {id(c): k for k, c in enumerate(cloths)}
        chosen = [b for b in self._bondings if id(b.upper) in place and id(b.lower) in place]
        vertices = [b.vertex + layout.start[place[id(b.upper)]] for b in chosen]
        corners = [b.lower.triangles[b.triangle] + layout.start[place[id(b.lower)]] for b in chosen]
        count = sum(len(v) for v in vertices)
        return (
            Bonds(
                np.concatenate([np.empty(0, dtype=np.int64), *vertices]),
                np.concatenate([np.empty((0, 3), dtype=np.int64), *corners]),
                np.concatenate([np.empty((0, 3)), *(b.share for b in chosen)]),
                np.concatenate([np.empty(0), *(b.force for b in chosen)]),
                np.zeros(count, dtype=np.bool_),
            ),
            chosen,
        )

    def _drop_broken(self, bonds: Bonds, bondings: list[Bonding]) -> None:
        if not bonds.broken.any():
            return
        at = 0
        for b in bondings:
            whole = ~bonds.broken[at : at + len(b.vertex)]
            at += len(b.vertex)
            b.vertex, b.triangle, b.share, b.force = b.vertex[whole], b.triangle[whole], b.share[whole], b.force[whole]
        self._bondings = [b for b in self._bondings if len(b.vertex)]

    def _layout(self, cloths: list[Cloth]) -> PlyLayout:
        # The parts are kept with the layout, so that no other takes over the identity of one.
        parts = [part for c in cloths for part in (c, c.active, c.asleep)]
        for known, layout in self._layouts:
            if len(known) == len(parts) and all(a is b for a, b in zip(known, parts, strict=True)):
                return layout
        layout = lay_out(cloths)
        self._layouts = [*self._layouts[-8:], (parts, layout)]
        return layout


def _reach(cloth: Cloth, dt: float) -> float:
    speed = 0.0 if cloth.asleep else float(np.sqrt(largest_square(cloth.v, np.zeros_like(cloth.v))))
    return 0.5 * cloth.material.thickness + 0.5 * NEAR + speed * dt


def _overlap(a: Array, b: Array) -> bool:
    return bool((a[0] <= b[1]).all() and (b[0] <= a[1]).all())
