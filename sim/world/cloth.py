"""A piece of cloth in the simulated world: XPBD state, what the gripper holds, sleep, material coordinates."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sewcell.geometry.planar import PlanarPose
from sewcell.geometry.poses import Array
from sim.world.cloth_kernels import find_triangle, largest_square
from sim.world.cloth_mesh import ClothMesh, Indices
from sim.world.cloth_step import Sheet, Surroundings, advance
from sim.world.coarse_grid import CoarseGrid, lay_grid
from sim.world.elements import Elements, Sweep, bending_rate, build_elements, lumped_areas, select_active
from sim.world.parameters import ClothMaterial

REST_MOTION = 30e-6
REST_STEPS = 48
"""Cloth sleeps when no vertex has gone this far [m] in this many steps."""
LARGEST_BENDING = 0.5


class Cloth:
    """XPBD after Macklin, Storey, Lu et al. (2019), "Small Steps in Physics Simulation": many substeps, one sweep each.

    `x`, `v` (V, 3) [m, m/s] in base, of the middle surface; `pattern` (V, 2) [m] rest coordinates in the piece's frame.
    `stirred`: the last step has moved it, and not by trembling.
    """

    def __init__(
        self, mesh: ClothMesh, material: ClothMaterial, positions: Array, warp: ArrayLike = (0.0, 1.0), seed: int = 0
    ) -> None:
        self.mesh = mesh
        self.material = material
        self.seed = seed
        self.pattern = mesh.points
        count = len(mesh.points)
        self.x = np.array(positions, dtype=np.float64)
        self.v = np.zeros((count, 3))
        self._previous = self.x.copy()
        self._elements = build_elements(mesh, material, np.asarray(warp, dtype=np.float64))
        area = lumped_areas(mesh)
        self.mass = material.areal_mass * area
        self._select(np.zeros(count, dtype=np.bool_))
        self._w = 1.0 / self.mass
        self._held: Indices = np.empty(0, dtype=np.int64)
        self._held_now = np.empty((0, 3))
        self._pin = np.array([-1], dtype=np.int64)
        self._share = np.zeros(3)
        self._quiet = 0
        self.stirred = False
        self._rested = self.x.copy()
        self._bending_rate = bending_rate(self._elements, self._w)

    @property
    def triangles(self) -> Indices:
        """(T, 3) counter-clockwise seen from the drawn face."""
        return self._elements.triangles

    @property
    def held(self) -> Indices:
        """Vertices that the gripper holds."""
        return self._held

    @property
    def held_now(self) -> Array:
        """Where the held vertices are, (K, 3) [m]."""
        return self._held_now

    @property
    def inverse_mass(self) -> Array:
        """(V,) [1/kg], 0 of held vertices."""
        return self._w

    @property
    def active(self) -> Sweep:
        """The elements that can move."""
        return self._active

    @property
    def grid(self) -> CoarseGrid:
        """The coarse grid over the vertices that can move."""
        return self._grid

    @property
    def asleep(self) -> bool:
        """At rest; steps are not computed."""
        return self._quiet >= REST_STEPS

    @property
    def elements(self) -> Elements:
        """Triangles and hinges with their compliances."""
        return self._elements

    @property
    def needle_point(self) -> tuple[int, Array] | None:
        """Triangle and barycentric coordinates (3,) of the material point that the needle holds."""
        return None if self._pin[0] < 0 else (int(self._pin[0]), self._share.copy())

    def resume(self, needle_point: tuple[int, Array] | None) -> None:
        """Go on from the positions and speeds that another model has left in `x` and `v`."""
        self._held_now = self.x[self._held].copy()
        self._pin[0] = -1
        if needle_point is not None:
            self._pin[0], self._share[:] = needle_point
        self.wake()

    def wake(self) -> None:
        """Something touches the cloth or is about to."""
        self._quiet = 0

    def hold(self, vertices: Indices) -> None:
        """Attach `vertices`: from now on each step moves them to given targets. An empty array releases all."""
        self._held = np.asarray(vertices, dtype=np.int64)
        self._held_now = self.x[self._held].copy()
        fixed = np.zeros(len(self.x), dtype=np.bool_)
        fixed[self._held] = True
        self._w = np.where(fixed, 0.0, 1.0 / self.mass)
        self._select(fixed)
        self.v[self._held] = 0.0
        self.wake()

    def _select(self, fixed: NDArray[np.bool_]) -> None:
        self._active = select_active(self._elements, fixed)
        self._grid = lay_grid(self.pattern, self.mass, fixed, self._active)

    def step(self, env: Surroundings, dt: float, substeps: int, targets: Array | None = None) -> Array:
        """Advance by `dt` [s]; `targets` (K, 3): where the held vertices are at its end.

        Returns: passages of the needle (P, 6), see `advance`.
        Raises: RuntimeError when a coordinate is no longer finite.
        """
        if self.asleep:
            return np.empty((0, 6))
        end = self._held_now if targets is None else targets
        sheet = Sheet(
            self.x, self.v, self._previous, self._w, self._held, self._held_now, end, self._pin,
            self._share, self.material.areal_mass, self.material.thickness,
        )  # fmt: skip
        interval = self.bending_interval(dt / substeps)
        found = advance(sheet, self._active, self._grid, self._elements, env, dt / substeps, substeps, interval)
        self.finish_step(end)
        passages: Array = found
        return passages

    def finish_step(self, held: Array) -> None:
        """End of a step that has brought the held vertices to `held` (K, 3): is the cloth whole, is it at rest?

        Raises: RuntimeError when a coordinate is no longer finite.
        """
        self._held_now = held
        gone = float(largest_square(self.x, self._rested))
        if not np.isfinite(gone):
            raise RuntimeError(f"the cloth exploded (seed {self.seed}): a coordinate is not finite")
        self.stirred = gone > REST_MOTION**2
        self._quiet = 0 if self.stirred else self._quiet + 1
        if self.stirred:
            self._rested[:] = self.x
        if self.asleep:
            self.v[:] = 0.0

    def bending_interval(self, h: float) -> int:
        """Every how many substeps of `h` [s] the hinges are swept: 2, or 1 where the mesh is too fine for that."""
        return 2 if 2.0 * self._bending_rate * h * h < LARGEST_BENDING else 1

    def strains(self) -> Array:
        """Largest principal stretch minus 1 of each triangle, (T,)."""
        e = self._elements
        p = self.x[e.triangles]
        F = np.stack([np.einsum("tc,tcd->td", e.a, p), np.einsum("tc,tcd->td", e.b, p)], axis=-1)
        return np.linalg.svd(F, compute_uv=False)[:, 0] - 1.0

    def material_point(self, triangle: int, share: ArrayLike) -> Array:
        """Pattern coordinates (2,) of a point given by triangle and barycentric coordinates."""
        return np.asarray(share, dtype=np.float64) @ self.pattern[self.triangles[triangle]]  # type: ignore[no-any-return]

    def point_at(self, xy: ArrayLike) -> Array | None:
        """Pattern coordinates (2,) of the cloth that lies at `xy` (2,) [m] of base, or None beside it."""
        share = np.zeros(3)
        px, py = np.asarray(xy, dtype=np.float64)
        triangle = int(find_triangle(self.x, self.triangles, px, py, share))
        return None if triangle < 0 else self.material_point(triangle, share)

    def fit_pose(self) -> PlanarPose:
        """Best fit of the vertices, weighted by mass, as a planar pose of the piece in base (Kabsch 1976, in 2-D).

        It is `mirrored` when the drawn face looks down.
        """
        weight = self.mass / self.mass.sum()
        c0, c1 = weight @ self.pattern, weight @ self.x[:, :2]
        H = (self.pattern - c0).T @ ((self.x[:, :2] - c1) * weight[:, None])
        mirrored = bool(np.linalg.det(H) < 0.0)
        flip = -1.0 if mirrored else 1.0
        theta = float(np.arctan2(H[0, 1] - flip * H[1, 0], H[0, 0] + flip * H[1, 1]))
        turned = PlanarPose(0.0, 0.0, theta, mirrored)
        x, y = c1 - turned.apply(c0)
        return PlanarPose(float(x), float(y), theta, mirrored)


def lay_flat(mesh: ClothMesh, pose: PlanarPose, height: float) -> Array:
    """Positions (V, 3) of a flat piece at `pose` in the plane z = `height` [m]."""
    return np.column_stack([pose.apply(mesh.points), np.full(len(mesh.points), height)])
