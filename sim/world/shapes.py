"""Boxes and cylinders as triangles, and the visual shapes of a URDF file."""

import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sewcell.geometry.poses import Array, make_pose, transform_points

Faces = NDArray[np.int32]
SIDES = 24


@dataclass(frozen=True, slots=True)
class Shape:
    """Triangles of one shape in the frame of its body: `vertices` (V, 3) [m], `faces` (F, 3), outward."""

    vertices: Array
    faces: Faces
    colour: tuple[float, float, float]


def box_triangles(low: Array, high: Array) -> tuple[Array, Faces]:
    """Box between two corners (3,), each face with its own four vertices: (24, 3), (12, 3)."""
    corners = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], dtype=np.float64)
    quads = ((0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3))
    vertices = corners[np.array(quads).ravel()] * (np.asarray(high) - low) + low
    faces = [(4 * q + a, 4 * q + b, 4 * q + c) for q in range(6) for a, b, c in ((0, 1, 2), (0, 2, 3))]
    return vertices, np.array(faces, dtype=np.int32)


def cylinder_triangles(radius: float, length: float) -> tuple[Array, Faces]:
    """Cylinder about z, centred at the origin, with SIDES sides."""
    angle = 2.0 * np.pi * np.arange(SIDES) / SIDES
    ring = np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])
    low = np.column_stack([ring, np.full(SIDES, -length / 2)])
    high = np.column_stack([ring, np.full(SIDES, length / 2)])
    ends = np.array([[0.0, 0.0, -length / 2], [0.0, 0.0, length / 2]])
    i, n = np.arange(SIDES), np.roll(np.arange(SIDES), -1)
    bottom, top = 2 * SIDES, 2 * SIDES + 1
    wall = np.concatenate([np.column_stack([i, n, n + SIDES]), np.column_stack([i, n + SIDES, i + SIDES])])
    caps = np.concatenate(
        [
            np.column_stack([n, i, np.full(SIDES, bottom)]),
            np.column_stack([i + SIDES, n + SIDES, np.full(SIDES, top)]),
        ]
    )
    return np.concatenate([low, high, ends]), np.concatenate([wall, caps]).astype(np.int32)


def read_urdf_shapes(path: Path) -> dict[str, list[Shape]]:
    """Visual boxes and cylinders of each link of a URDF file, in the link's frame."""
    root = ET.parse(path).getroot()
    colours = {m.get("name"): _numbers(m.find("color"), "rgba")[:3] for m in root.findall("material")}
    shapes: dict[str, list[Shape]] = {}
    for link in root.findall("link"):
        shapes[str(link.get("name"))] = [_read_visual(v, colours) for v in link.findall("visual")]
    return shapes


def _read_visual(visual: ET.Element, colours: dict[str | None, list[float]]) -> Shape:
    origin, geometry, material = visual.find("origin"), visual.find("geometry"), visual.find("material")
    box = geometry.find("box") if geometry is not None else None
    cylinder = geometry.find("cylinder") if geometry is not None else None
    if box is not None:
        half = np.array(_numbers(box, "size")) / 2.0
        vertices, faces = box_triangles(-half, half)
    elif cylinder is not None:
        vertices, faces = cylinder_triangles(_numbers(cylinder, "radius")[0], _numbers(cylinder, "length")[0])
    else:
        raise ValueError("the URDF of the simulated arm may hold boxes and cylinders only")
    T = make_pose(_numbers(origin, "xyz"), _numbers(origin, "rpy"))
    r, g, b = colours[material.get("name") if material is not None else None]
    return Shape(transform_points(T, vertices), faces, (r, g, b))


def _numbers(element: ET.Element | None, key: str) -> list[float]:
    text = None if element is None else element.get(key)
    return [0.0, 0.0, 0.0] if text is None else [float(word) for word in text.split()]
