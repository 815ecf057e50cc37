"""Facts about the triangle mesh of a cut piece."""

import numpy as np
import pytest
import shapely

from sewcell.errors import ConfigError
from sim.world.cloth_mesh import mesh_outline

POCKET = np.array([[0.0, 0.0], [0.06, -0.02], [0.12, 0.0], [0.12, 0.12], [0.0, 0.12]])
L_SHAPE = np.array([[0.0, 0.0], [0.1, 0.0], [0.1, 0.03], [0.03, 0.03], [0.03, 0.1], [0.0, 0.1]])
NOTCHED = np.array(
    [[0.0, 0.0], [0.06, -0.02], [0.12, 0.0], [0.12, 0.058], [0.116, 0.06], [0.12, 0.062], [0.12, 0.12], [0.0, 0.12]]
)
HOLE = np.array([[0.04, 0.04], [0.04, 0.06], [0.06, 0.06], [0.06, 0.04]])


def corner_angles(points, triangles):
    p = points[triangles]
    angles = []
    for k in range(3):
        u, v = p[:, (k + 1) % 3] - p[:, k], p[:, (k + 2) % 3] - p[:, k]
        cosine = np.sum(u * v, axis=1) / np.linalg.norm(u, axis=1) / np.linalg.norm(v, axis=1)
        angles.append(np.degrees(np.arccos(cosine)))
    return np.array(angles)


@pytest.mark.parametrize(("outline", "holes"), [(POCKET, ()), (L_SHAPE, ()), (NOTCHED, ()), (POCKET, (HOLE,))])
def test_triangles_cover_the_piece_and_nothing_else(outline, holes):
    mesh = mesh_outline(outline, 4.7e-3, holes)
    cover = shapely.union_all([shapely.Polygon(t) for t in mesh.points[mesh.triangles]])
    piece = shapely.Polygon(outline, holes)
    assert cover.symmetric_difference(piece).area < 2e-3 * piece.area
    overlap = sum(shapely.Polygon(t).area for t in mesh.points[mesh.triangles]) - cover.area
    assert abs(overlap) < 1e-9


def test_a_pocket_has_about_800_vertices_and_no_sliver():
    mesh = mesh_outline(POCKET, 4.7e-3)
    assert 700 < len(mesh.points) < 950
    angles = corner_angles(mesh.points, mesh.triangles)
    assert angles.min() > 25.0
    assert angles.max() < 115.0


def test_an_outline_that_crosses_itself_is_refused():
    bow_tie = np.array([[0.0, 0.0], [0.1, 0.1], [0.1, 0.0], [0.0, 0.1]])
    with pytest.raises(ConfigError, match="not a simple polygon"):
        mesh_outline(bow_tie, 5e-3)
