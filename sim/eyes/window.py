"""PyBullet's window with the whole simulated cell in it, cloth and thread included."""

import os
import sys
from collections.abc import Sequence

import numpy as np
import pybullet as p
from numpy.typing import NDArray

from sewcell.errors import ConfigError
from sewcell.geometry.poses import Array
from sim.camera.mesh import Mesh

FRAME_STEPS = 12
"""Steps of the world between two frames."""
RIGID = 1e-7
"""A body has kept its shape when its points fit one motion to this [m]."""
EYE = (1.15, 150.0, -33.0, (0.42, 0.15, 0.1))
"""Distance [m], yaw, pitch [deg] and target [m] of the window's first view."""
TINY = 1e-30
DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY")


class Window:
    """Shows the same surfaces as every camera; `client` is PyBullet's, without a screen only in tests.

    A body that only moved is moved; one that changed its shape, such as cloth, is made anew.

    Raises: ConfigError when there is no display.
    """

    frame_steps = FRAME_STEPS

    def __init__(self, with_screen: bool = True) -> None:
        if with_screen and sys.platform.startswith("linux") and not any(os.environ.get(name) for name in DISPLAYS):
            raise ConfigError(
                "no window can be opened, there is no display: start this at a desktop, or film the cell with "
                "'sewcell run --video cell.mp4'"
            )
        try:
            self.client: int = p.connect(p.GUI if with_screen else p.DIRECT)
        except p.error as error:
            raise ConfigError(f"PyBullet's window cannot be opened ({error}): check the display") from error
        if self.client < 0:
            raise ConfigError("PyBullet's window cannot be opened: check the display, or use 'sewcell run --video'")
        if with_screen:
            p.configureDebugVisualizer(p.COV_ENABLE_GUI, 0, physicsClientId=self.client)
            p.resetDebugVisualizerCamera(*EYE, physicsClientId=self.client)
        self._bodies: dict[str, tuple[int, Mesh, Mesh]] = {}  # body, mesh it was made of, mesh it shows

    @property
    def names(self) -> list[str]:
        """Of the bodies that are shown."""
        return sorted(self._bodies)

    def show(self, meshes: Sequence[Mesh], time: float) -> None:
        """Show `meshes` as they are at the time `time` [s] of the cell.

        Raises: ConfigError when somebody has closed the window.
        """
        if not p.isConnected(physicsClientId=self.client):
            raise ConfigError(f"the window was closed at {time:.1f} s of the cell; the run ends with it")
        p.configureDebugVisualizer(p.COV_ENABLE_RENDERING, 0, physicsClientId=self.client)
        wanted = _name_apart(meshes)
        for name in [name for name in self._bodies if name not in wanted]:
            p.removeBody(self._bodies.pop(name)[0], physicsClientId=self.client)
        for name, mesh in wanted.items():
            self._place(name, mesh)
        p.configureDebugVisualizer(p.COV_ENABLE_RENDERING, 1, physicsClientId=self.client)

    def close(self) -> None:
        """Close the window. May be repeated."""
        if self.client >= 0 and p.isConnected(physicsClientId=self.client):
            p.disconnect(physicsClientId=self.client)
        self.client = -1

    def _place(self, name: str, mesh: Mesh) -> None:
        if name in self._bodies:
            body, made, shown = self._bodies[name]
            if shown is mesh:
                return
            motion = find_motion(made.vertices, mesh.vertices) if made.faces.shape == mesh.faces.shape else None
            if motion is not None:
                position, quaternion = motion
                p.resetBasePositionAndOrientation(body, position, quaternion, physicsClientId=self.client)
                self._bodies[name] = body, made, mesh
                return
            p.removeBody(body, physicsClientId=self.client)
        self._bodies[name] = self._make(mesh), mesh, mesh

    def _make(self, mesh: Mesh) -> int:
        vertices, normals, faces = split_faces(mesh)
        shape = p.createVisualShape(
            p.GEOM_MESH,
            vertices=vertices.tolist(),
            indices=faces.ravel().tolist(),
            normals=normals.tolist(),
            rgbaColor=(*mesh.colour, 1.0),
            physicsClientId=self.client,
        )
        body: int = p.createMultiBody(0.0, -1, shape, physicsClientId=self.client)
        return body


def split_faces(mesh: Mesh) -> tuple[Array, Array, NDArray[np.int64]]:
    """Vertices (N, 3) with normals (N, 3) and faces (M, 3): a vertex is shared only where its normal is.

    PyBullet takes the direction from the origin for a normal where none is given.
    """
    vertices, faces = mesh.vertices, np.asarray(mesh.faces, dtype=np.int64)
    if not mesh.smooth:
        vertices, faces = vertices[faces].reshape(-1, 3), np.arange(3 * len(faces)).reshape(-1, 3)
    corners = vertices[faces]
    normals = np.zeros_like(vertices)
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    for corner in range(3):
        np.add.at(normals, faces[:, corner], across)
    normals /= np.maximum(np.linalg.norm(normals, axis=1)[:, None], TINY)
    if mesh.two_sided:
        faces = np.vstack([faces, faces[:, ::-1] + len(vertices)])
        vertices, normals = np.vstack([vertices, vertices]), np.vstack([normals, -normals])
    return vertices, normals, faces


def find_motion(before: Array, after: Array) -> tuple[Array, Array] | None:
    """Position (3,) [m] and quaternion x, y, z, w of the motion that brings points (N, 3) to others, or None.

    Best fit after Kabsch (1976); None when it does not fit: the body has changed its shape.
    """
    c0, c1 = before.mean(axis=0), after.mean(axis=0)
    U, _, Vt = np.linalg.svd((before - c0).T @ (after - c1))
    R = Vt.T @ np.diag([1.0, 1.0, np.sign(np.linalg.det(Vt.T @ U.T))]) @ U.T
    shift = c1 - R @ c0
    if np.abs(before @ R.T + shift - after).max() > RIGID:
        return None
    w = np.sqrt(max(0.0, 1.0 + np.trace(R))) / 2.0
    if w > 0.1:
        axis = np.array([R[2, 1] - R[1, 2], R[0, 2] - R[2, 0], R[1, 0] - R[0, 1]]) / (4.0 * w)
        return shift, np.array([*axis, w])
    # Half turns: the axis is the eigenvector of 1.
    values, vectors = np.linalg.eigh((R + R.T) / 2.0)
    axis = vectors[:, int(np.argmax(values))]
    sine = 0.5 * np.array([R[2, 1] - R[1, 2], R[0, 2] - R[2, 0], R[1, 0] - R[0, 1]]) @ axis
    half = 0.5 * np.arctan2(sine, (np.trace(R) - 1.0) / 2.0)
    return shift, np.array([*(np.sin(half) * axis), np.cos(half)])


def _name_apart(meshes: Sequence[Mesh]) -> dict[str, Mesh]:
    """The meshes by names that differ: bodies of several parts bear the same one."""
    named: dict[str, Mesh] = {}
    for mesh in meshes:
        number = 0
        while (name := f"{mesh.name} {number}") in named:
            number += 1
        named[name] = mesh
    return named
