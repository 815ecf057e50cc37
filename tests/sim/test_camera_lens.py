"""The lens of the simulated camera against OpenCV's."""

import cv2
import numpy as np
import pytest

from sewcell.errors import ConfigError
from sewcell.geometry.poses import make_pose
from sim.camera.lens import View, ray_of_pixel

MATRIX = np.array([[2950.0, 0.0, 803.0], [0.0, 2940.0, 596.0], [0.0, 0.0, 1.0]])
DISTORTION = np.array([-0.085, 0.11, 0.0004, -0.0003, 0.02])
T_CAMERA_BASE = make_pose((-0.3, 0.2, 1.2), (np.pi - 0.1, 0.05, 0.2))


def test_points_fall_where_opencv_projects_them() -> None:
    view = View((1600, 1200), MATRIX, DISTORTION, T_CAMERA_BASE)
    points = np.random.default_rng(1).uniform([0.0, 0.0, -0.1], [0.6, 0.4, 0.3], (500, 3))
    rotation = cv2.Rodrigues(T_CAMERA_BASE[:3, :3])[0]
    expected = cv2.projectPoints(points, rotation, T_CAMERA_BASE[:3, 3], MATRIX, DISTORTION)[0][:, 0]
    np.testing.assert_allclose(view.project(points), expected, atol=1e-9)


def test_the_ray_of_a_pixel_projects_back_onto_it() -> None:
    view = View((1600, 1200), MATRIX, DISTORTION, np.eye(4))
    for pixel in ((0.0, 0.0), (1599.0, 1199.0), (803.0, 596.0), (20.0, 1100.0)):
        x, y = ray_of_pixel(*pixel, view.lens, 12)
        np.testing.assert_allclose(view.project([[x, y, 1.0]])[0], pixel, atol=1e-8)


def test_the_eye_is_the_point_that_the_pose_maps_to_zero() -> None:
    view = View((1600, 1200), MATRIX, DISTORTION, T_CAMERA_BASE)
    np.testing.assert_allclose(T_CAMERA_BASE[:3, :3] @ view.eye + T_CAMERA_BASE[:3, 3], 0.0, atol=1e-12)


def test_a_lens_that_folds_the_picture_over_is_refused() -> None:
    with pytest.raises(ConfigError, match="folds"):
        View((1600, 1200), MATRIX, np.array([-8.0, 0.0, 0.0, 0.0, 0.0]), T_CAMERA_BASE)


def test_a_camera_matrix_with_skew_is_refused() -> None:
    skewed = MATRIX.copy()
    skewed[0, 1] = 3.0
    with pytest.raises(ConfigError, match="skew"):
        View((1600, 1200), skewed, DISTORTION, T_CAMERA_BASE)
