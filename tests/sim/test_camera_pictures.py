"""Rendered pictures: edges lie where they belong, the nearer surface wins, light and shadow follow the lamp."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from sewcell.errors import ConfigError
from sewcell.geometry.poses import make_pose
from sim.camera.lens import View
from sim.camera.mesh import Mesh
from sim.camera.primitives import make_box, make_capsule, make_cylinder, make_grid, place_mesh
from sim.camera.renderer import Renderer, make_light
from sim.camera.shadows import Light

Array = NDArray[np.float64]

MATRIX = np.array([[1000.0, 0.0, 250.0], [0.0, 1000.0, 190.0], [0.0, 0.0, 1.0]])
DISTORTION = np.array([-0.12, 0.1, 0.0006, -0.0005, 0.0])
ABOVE = make_pose((0.0, 0.0, 1.0), (np.pi, 0.0, 0.0))  # base in the frame of a camera 1 m above it, looking down
VIEW = View((500, 380), MATRIX, DISTORTION, ABOVE)
ROOM: Light = make_light(key=0.0, ambient=1.0)
WHITE = (1.0, 1.0, 1.0)


def cover(mesh: Mesh) -> NDArray[np.float32]:
    """Share of each pixel that a white mesh covers before black."""
    return Renderer(VIEW, ROOM, background=(0.0, 0.0, 0.0)).render([mesh]).light[:, :, 1]


def project_outline(corners: Array) -> Array:
    """Exact picture of a polygon's outline, by OpenCV, (N, 2)."""
    share = np.linspace(0.0, 1.0, 400, endpoint=False)[:, None]
    dense = np.concatenate([a + share * (b - a) for a, b in zip(corners, np.roll(corners, -1, axis=0), strict=True)])
    return np.asarray(
        cv2.projectPoints(dense, cv2.Rodrigues(ABOVE[:3, :3])[0], ABOVE[:3, 3], MATRIX, DISTORTION)[0][:, 0]
    )


def measure_polygon(outline: Array) -> tuple[float, Array]:
    """Area and centroid by the shoelace formula."""
    x, y = outline.T
    xn, yn = np.roll(x, -1), np.roll(y, -1)
    cross = x * yn - xn * y
    area = cross.sum() / 2.0
    return abs(area), np.array([((x + xn) * cross).sum(), ((y + yn) * cross).sum()]) / (6.0 * area)


@pytest.mark.parametrize("angle", [0.0, 0.002, 0.3, np.pi / 4, 1.5])
@pytest.mark.parametrize("shift", [0.0, 1.3e-4, 4.1e-4, 7.7e-4])
def test_a_square_has_the_area_and_the_centroid_of_its_exact_picture(angle: float, shift: float) -> None:
    square = place_mesh(
        make_grid("square", (-0.11, -0.11), (0.11, 0.11), 0.0, WHITE), make_pose((shift, shift / 2, 0), (0, 0, angle))
    )
    picture = cover(square).astype(np.float64)
    area, centroid = measure_polygon(project_outline(square.vertices[[0, 1, 3, 2]]))
    rows, columns = np.indices(picture.shape)
    found = np.array([(picture * columns).sum(), (picture * rows).sum()]) / picture.sum()
    assert np.abs(found - centroid).max() < 0.01
    perimeter = 4.0 * np.sqrt(area)
    assert abs(picture.sum() - area) / perimeter < 0.01  # mean error of the edges [px]


@pytest.mark.parametrize("shift", np.linspace(0.0, 1e-3, 9))
def test_an_edge_along_the_columns_lies_within_three_hundredths_of_a_pixel(shift: float) -> None:
    square = make_grid("square", (-0.1 + shift, -0.1), (0.1, 0.1), 0.0, WHITE)
    picture = cover(square)
    edge = project_outline(square.vertices[[0, 1, 3, 2]])
    left = edge[edge[:, 0] < 200.0]
    for row in range(120, 260, 20):
        found = 249.5 - picture[row : row + 4, :250].sum(axis=1).mean()
        level = np.argsort(np.abs(left[:, 1] - (row + 1.5)))[:8]
        assert abs(found - left[level, 0].mean()) < 0.03


def test_a_huge_triangle_bends_with_the_lens() -> None:
    """Its edges pass 1 px beside the straight line, and the picture follows to 0.03 px."""
    corners = np.array([[-0.21, -0.13, 0.0], [0.2, -0.15, 0.0], [0.01, 0.16, 0.0]])
    triangle = Mesh("sail", corners, np.array([[0, 1, 2]], dtype=np.int32), WHITE)
    outline = project_outline(corners)
    area, _ = measure_polygon(outline)
    straight, _ = measure_polygon(outline[::400])
    length = np.linalg.norm(outline - np.roll(outline, 1, axis=0), axis=1).sum()
    assert abs(straight - area) / length > 0.1
    assert abs(float(cover(triangle).sum()) - area) / length < 0.02


def test_the_nearer_surface_hides_the_farther_one_whatever_the_order() -> None:
    low = make_grid("low", (-0.1, -0.1), (0.1, 0.1), 0.0, (1.0, 0.0, 0.0))
    high = make_grid("high", (-0.05, -0.05), (0.15, 0.05), 2e-4, (0.0, 1.0, 0.0))
    for order in ([low, high], [high, low]):
        light = Renderer(VIEW, ROOM).render(order).light
        np.testing.assert_allclose(light[190, 250], [0.0, 1.0, 0.0], atol=1e-6)
        np.testing.assert_allclose(light[190, 160], [1.0, 0.0, 0.0], atol=1e-6)


def test_inner_edges_of_a_mesh_leave_no_gap_and_no_line() -> None:
    grid = make_grid("cloth", (-0.3, -0.3), (0.3, 0.3), 0.0, WHITE, cells=(97, 83), two_sided=True)
    tilted = place_mesh(grid, make_pose((0, 0, 0), (0.3, 0.2, 0.1)))
    turned = tilted.vertices.copy()
    picture = Renderer(VIEW, ROOM).render([tilted]).light
    assert np.ptp(turned[:, 2]) > 0.1
    np.testing.assert_allclose(picture, picture[190, 250, 0], atol=1e-5)


def test_only_cloth_is_seen_from_behind() -> None:
    faces = np.array([[0, 2, 1]], dtype=np.int32)
    corners = np.array([[-0.1, -0.1, 0.0], [0.1, -0.1, 0.0], [0.0, 0.1, 0.0]])
    assert cover(Mesh("plate", corners, faces, WHITE)).max() == 0.0
    assert cover(Mesh("cloth", corners, faces, WHITE, two_sided=True)).max() > 0.9


@pytest.mark.parametrize(
    "body",
    [
        make_box("box", (-0.05, -0.06, 0.0), (0.05, 0.06, 0.1), WHITE, bevel=0.005),
        make_cylinder("cylinder", 0.05, 0.1, WHITE, bevel=0.004),
        make_capsule("capsule", (-0.05, 0.0, 0.05), (0.05, 0.02, 0.08), 0.04, WHITE),
    ],
    ids=lambda mesh: mesh.name,
)
def test_bodies_are_closed_and_their_faces_look_outwards(body: Mesh) -> None:
    """The volume enclosed (divergence theorem) is positive, and every edge of the surface has two sides."""
    a, b, c = (body.vertices[body.faces[:, k]] for k in range(3))
    volume = np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6.0
    size = np.prod(np.ptp(body.vertices, axis=0))
    assert 0.3 * size < volume <= size
    np.testing.assert_allclose(np.cross(b - a, c - a).sum(axis=0), 0.0, atol=1e-12)


def test_a_surface_turned_to_the_lamp_is_brighter() -> None:
    lamp = make_light((0.5, 0.0, 0.8))
    grid = make_grid("plate", (-0.1, -0.1), (0.1, 0.1), 0.0, (0.5, 0.5, 0.5))
    levels = [
        Renderer(VIEW, lamp).render([place_mesh(grid, make_pose(rpy=(0, pitch, 0)))]).light[190, 250, 0]
        for pitch in (-0.5, 0.0, 0.5)
    ]
    assert 0.0 < levels[0] < levels[1] < levels[2]


def test_a_body_darkens_the_table_on_the_side_away_from_the_lamp() -> None:
    table = make_grid("table", (-0.4, -0.4), (0.4, 0.4), 0.0, (0.5, 0.5, 0.5))
    post = make_cylinder("post", 0.02, 0.1, (0.9, 0.3, 0.1))
    lamp = make_light((-0.5, 0.0, 0.8))
    bare, light = (Renderer(VIEW, lamp).render(world).light[190, :, 1] for world in ([table], [table, post]))
    assert light[250 + 50] < 0.7 * bare[250 + 50]
    np.testing.assert_allclose(light[200], bare[200], atol=1e-6)  # on the lamp's side
    np.testing.assert_allclose(light[250 + 110 :], bare[250 + 110 :], atol=1e-6)  # the shadow ends 82 mm away


def test_flat_cloth_throws_a_shadow_as_wide_as_its_height_over_the_lamps_slope() -> None:
    height, lamp = 1e-3, make_light((-0.8, 0.0, 0.6), key=0.6, ambient=0.4)
    table = make_grid("table", (-0.4, -0.4), (0.4, 0.4), 0.0, (0.5, 0.5, 0.5))
    cloth = make_grid("cloth", (-0.08, -0.08), (0.0, 0.08), height, (0.9, 0.9, 0.9), cells=(8, 8), two_sided=True)
    view = View((500, 380), MATRIX * [[4.0, 1.0, 1.0], [1.0, 4.0, 1.0], [1.0, 1.0, 1.0]], np.zeros(5), ABOVE)
    with_cloth = Renderer(view, lamp).render([table, cloth]).light[190, 256:300, 1]
    bare = Renderer(view, lamp).render([table]).light[190, 256:300, 1]
    edge = 250.0 + 0.5
    shadow_end = edge + 4000.0 * height * (0.8 / 0.6)
    lit = bare[-1] - with_cloth
    dark = 0.6 * 0.6 / (0.6 * 0.6 + 0.4) * bare[-1]  # the lamp's part of the light
    assert lit.sum() / dark == pytest.approx(shadow_end - edge - 5.0, abs=0.7)


def test_what_moved_is_drawn_as_if_all_were_drawn_anew() -> None:
    lamp = make_light()
    table = make_box("table", (-0.4, -0.4, -0.04), (0.4, 0.4, 0.0), (0.6, 0.45, 0.3), "wood")
    cloth = make_grid("cloth", (-0.05, -0.05), (0.06, 0.05), 3e-4, (0.8, 0.8, 0.9), "weave", (20, 20), two_sided=True)
    post = make_cylinder("post", 0.02, 0.1, (0.9, 0.3, 0.1))
    renderer = Renderer(VIEW, lamp)
    renderer.render([table, cloth, post])
    for step in range(1, 4):
        moved = [place_mesh(m, make_pose((0.02 * step, 0.01 * step, 0), (0, 0, 0.1 * step))) for m in (cloth, post)]
        again = renderer.render([table, *moved]).light
        anew = Renderer(VIEW, lamp).render([table, *moved]).light
        difference = np.abs(again - anew)
        assert np.quantile(difference, 0.999) < 0.01
        assert difference.mean() < 1e-4


def test_the_same_world_gives_the_same_picture_bit_for_bit() -> None:
    world = [
        make_box("table", (-0.4, -0.4, -0.04), (0.4, 0.4, 0.0), (0.6, 0.45, 0.3), "wood"),
        make_capsule("arm", (-0.1, 0.0, 0.1), (0.1, 0.05, 0.2), 0.03, (0.9, 0.4, 0.1), "metal"),
    ]
    first, second = (Renderer(VIEW, make_light()).render(world).light for _ in range(2))
    assert np.array_equal(first, second)


def test_an_unknown_texture_is_refused_by_name() -> None:
    with pytest.raises(ConfigError, match=r"no texture 'velvet'; known: plain, weave, wood, metal"):
        Renderer(VIEW, ROOM).render([make_grid("cloth", (0, 0), (1, 1), 0.0, WHITE, "velvet")])
