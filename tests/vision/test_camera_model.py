import numpy as np
import pytest

from sewcell.geometry.poses import make_pose
from sewcell.vision.camera_model import CameraModel


def brown(points, matrix, distortion):
    """The lens as Brown's equations say, written out; points (N, 3) in the camera frame."""
    k1, k2, p1, p2, k3 = distortion
    x, y = points[:, 0] / points[:, 2], points[:, 1] / points[:, 2]
    r2 = x * x + y * y
    radial = 1 + k1 * r2 + k2 * r2**2 + k3 * r2**3
    u = x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x)
    v = y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y
    return np.column_stack((matrix[0, 0] * u + matrix[0, 2], matrix[1, 1] * v + matrix[1, 2]))


def grid(z=0.0):
    x, y = np.meshgrid(np.linspace(0.0, 0.64, 17), np.linspace(0.0, 0.48, 13))
    return np.column_stack((x.ravel(), y.ravel(), np.full(x.size, z)))


def test_projection_follows_browns_equations(bench):
    T = bench.camera.T_camera_table
    expected = brown(grid() @ T[:3, :3].T + T[:3, 3], bench.camera.matrix, bench.camera.distortion)
    np.testing.assert_allclose(bench.camera.project(grid()), expected, atol=1e-7)


@pytest.mark.parametrize("height", [0.0, 0.0003, 0.05])
def test_pixels_go_back_to_the_points_of_the_table_they_came_from(bench, height):
    pixels = bench.camera.project(grid(height))
    np.testing.assert_allclose(bench.camera.table_points(pixels, height), grid()[:, :2], atol=1e-9)


def test_a_strong_lens_on_a_tilted_camera_is_inverted_to_a_micrometre():
    tilted = make_pose((-0.3, 0.2, 1.1), (np.pi - 0.2, 0.15, 0.4))
    camera = CameraModel(
        (1600, 1200),
        np.array([[1500.0, 0, 800], [0, 1490, 600], [0, 0, 1]]),
        np.array([-0.25, 0.08, 1e-3, -5e-4, 0]),
        tilted,
    )
    points = grid()[:, :2]
    np.testing.assert_allclose(camera.table_points(camera.project_plane(points)), points, atol=1e-6)


def test_rays_point_away_from_the_camera_and_have_unit_length(bench):
    rays = bench.camera.rays([[0.0, 0.0], [803.0, 596.0], [1599.0, 1199.0]])
    np.testing.assert_allclose(np.linalg.norm(rays, axis=1), 1.0)
    np.testing.assert_allclose(rays[1], [0, 0, 1], atol=1e-12)
    assert (rays[:, 2] > 0.9).all()


def test_a_pixel_is_as_large_as_distance_over_focal_length(bench):
    assert bench.camera.mm_per_px == pytest.approx(1e3 * 1.2 / 2950.0, rel=1e-3)


def test_no_points_give_no_pixels(bench):
    assert bench.camera.project(np.empty((0, 3))).shape == (0, 2)
    assert bench.camera.table_points(np.empty((0, 2))).shape == (0, 2)
