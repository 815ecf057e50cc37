"""Surfaces of the world's bodies for the renderer."""

from collections.abc import Mapping, Sequence
from itertools import chain

import numpy as np

from sewcell.geometry.poses import Array, make_pose
from sim.camera.boards import make_fiducial
from sim.camera.mesh import Mesh
from sim.camera.primitives import make_box, place_mesh
from sim.truth import Pierce
from sim.world.arm_looks import make_arm
from sim.world.bullet import needle_height
from sim.world.cloth import Cloth
from sim.world.looks import TOWARDS_Y
from sim.world.machine_looks import hand_wheel_at, make_hand_wheel, make_machine
from sim.world.needle_looks import make_foot, make_needle
from sim.world.parameters import WorldParameters
from sim.world.stitches import Stitches
from sim.world.tool_looks import make_pins, make_tool

WOOD = (0.72, 0.60, 0.45)


class Surfaces:
    """Fixed bodies are made once; moving ones are placed on demand."""

    def __init__(self, parameters: WorldParameters) -> None:
        self._parameters = parameters
        machine, T, slab = parameters.machine, parameters.machine.T_base_needle, parameters.bench.slab
        base, *self._links = make_arm()
        table = make_box(slab.name, slab.low, slab.high, WOOD, "wood")
        bench = parameters.bench
        marks = [
            make_fiducial(number, bench.marker, bench.T_base_table @ make_pose((*at, 0.0)))
            for number, at in bench.fiducials.items()
        ]
        machine_parts = [place_mesh(mesh, T) for mesh in make_machine(machine)]
        self._fixed = [table, *chain.from_iterable(marks), *base, *machine_parts]
        self._wheel = make_hand_wheel(machine)
        self._foot, self._needle = make_foot(machine), make_needle(machine)
        self._tool = make_tool(parameters.gripper)
        self._stitches: dict[int, Stitches] = {}
        self._seen = 0

    def meshes(
        self,
        links: Sequence[Array],
        T_tool: Array,
        foot_height: float,
        shaft_turns: float,
        pins_out: float,
        cloths: Mapping[int, Cloth],
        pierces: Sequence[Pierce],
    ) -> list[Mesh]:
        """Everything that a camera can see, in base. `links`: T_base_link 1 to 6; `pierces`: all since the start."""
        T = self._parameters.machine.T_base_needle
        placed = [
            *zip(self._links, links, strict=True),
            (self._tool, T_tool),
            (make_pins(self._parameters.gripper, pins_out), T_tool),
            (self._foot, T @ make_pose((0.0, 0.0, foot_height))),
            (self._needle, T @ make_pose((0.0, 0.0, needle_height(shaft_turns)))),
        ]
        if self._wheel:
            turn = make_pose((0.0, 0.0, 0.0), (0.0, 0.0, 2.0 * np.pi * shaft_turns))
            placed.append((self._wheel, T @ make_pose(hand_wheel_at(self._parameters.machine)) @ TOWARDS_Y @ turn))
        moving = chain.from_iterable((place_mesh(mesh, pose) for mesh in meshes) for meshes, pose in placed)
        sheets = [_cloth_mesh(f"cloth {number}", cloth) for number, cloth in cloths.items()]
        return [*self._fixed, *moving, *sheets, *self._thread(cloths, pierces)]

    def _thread(self, cloths: Mapping[int, Cloth], pierces: Sequence[Pierce]) -> list[Mesh]:
        """Stitches in the cloths that are there."""
        self._stitches = {n: self._stitches.get(n) or Stitches(cloth) for n, cloth in cloths.items()}
        new, self._seen = pierces[self._seen :], len(pierces)
        for number, stitches in self._stitches.items():
            stitches.add([pierce for pierce in new if pierce.piece == number])
        sewn = (stitches.mesh(f"thread {number}") for number, stitches in self._stitches.items())
        return [mesh for mesh in sewn if mesh is not None]


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
