"""Surfaces of the world's bodies for the renderer."""

import numpy as np

from sewcell.geometry.poses import Array, make_pose, transform_points
from sim.camera.mesh import Mesh
from sim.world.bullet import URDF, foot_body, needle_body, needle_height, tool_bodies
from sim.world.cloth import Cloth
from sim.world.parameters import Body, WorldParameters
from sim.world.shapes import box_triangles, read_urdf_shapes

WOOD = (0.72, 0.60, 0.45)
MACHINE = (0.82, 0.84, 0.82)
STEEL = (0.70, 0.71, 0.73)
PLATE = (0.35, 0.37, 0.40)


class Surfaces:
    """Fixed bodies are made once; moving ones are placed on demand."""

    def __init__(self, parameters: WorldParameters) -> None:
        self._parameters = parameters
        machine, T = parameters.machine, parameters.machine.T_base_needle
        slab = _box(parameters.bench.slab, np.eye(4), WOOD, "wood")
        self._fixed = [slab, *(_box(body, T, MACHINE, "plain") for body in machine.bodies)]
        self._links = read_urdf_shapes(URDF)

    def meshes(
        self, links: list[Array], T_tool: Array, foot_height: float, shaft_turns: float, cloths: list[Cloth]
    ) -> list[Mesh]:
        """Everything that a camera can see, in base. `links`: T_base_link 1 to 6."""
        result = list(self._fixed)
        for (name, shapes), T in zip(self._links.items(), [np.eye(4), *links], strict=True):
            result += [Mesh(name, transform_points(T, s.vertices), s.faces, s.colour) for s in shapes]
        result += [_box(body, T_tool, PLATE, "metal") for body in tool_bodies(self._parameters)]
        T = self._parameters.machine.T_base_needle
        result.append(_box(foot_body(self._parameters), T @ make_pose((0.0, 0.0, foot_height)), STEEL, "metal"))
        at_point = T @ make_pose((0.0, 0.0, needle_height(shaft_turns)))
        result.append(_box(needle_body(), at_point, STEEL, "metal"))
        result += [_cloth_mesh(f"cloth {n}", cloth) for n, cloth in enumerate(cloths)]
        return result


def _box(body: Body, T: Array, colour: tuple[float, float, float], texture: str) -> Mesh:
    vertices, faces = box_triangles(np.array(body.low), np.array(body.high))
    uv = vertices[:, :2].copy() if texture == "wood" else None
    return Mesh(body.name, transform_points(T, vertices), faces, colour, uv, texture)


def _cloth_mesh(name: str, cloth: Cloth) -> Mesh:
    """The upper face of the cloth, half a thickness above its middle surface."""
    vertices = cloth.x + np.array([0.0, 0.0, cloth.material.thickness / 2.0])
    return Mesh(
        name,
        vertices,
        cloth.triangles.astype(np.int32),
        cloth.material.colour,
        cloth.pattern.copy(),
        "weave",
        two_sided=True,
        smooth=True,
    )
