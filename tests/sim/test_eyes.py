"""Facts about what people see of the simulated cell: a film, a window."""

import cv2
import numpy as np
import pybullet as p
import pytest

from sewcell.errors import ConfigError
from sewcell.geometry.poses import make_pose
from sim.camera.mesh import Mesh
from sim.camera.primitives import make_box, place_mesh
from sim.eyes.film import SIDES, SIZE_PX, Film
from sim.eyes.window import Window, find_motion, split_faces

TABLE = make_box("table", (-0.3, -0.6, -0.04), (1.0, 0.8, 0.0), (0.7, 0.6, 0.45))
BLOCK = make_box("block", (0.0, 0.0, 0.0), (0.1, 0.1, 0.1), (0.9, 0.1, 0.1))


def cloth(height):
    x, y = np.meshgrid(np.linspace(0.3, 0.5, 9), np.linspace(0.0, 0.2, 9), indexing="ij")
    points = np.column_stack([x.ravel(), y.ravel(), np.full(81, height) + 0.02 * np.sin(40.0 * height * x.ravel())])
    square = np.array([[0, 9, 10], [0, 10, 1]])
    faces = np.vstack([square + i + 9 * j for j in range(8) for i in range(8)]).astype(np.int32)
    return Mesh("cloth", points, faces, (0.1, 0.2, 0.9), two_sided=True)


def test_a_film_has_twenty_frames_a_second_and_shows_what_moves(tmp_path):
    path = tmp_path / "new" / "cell.mp4"
    film = Film(path, "top")
    for frame in range(6):
        film.show([TABLE, place_mesh(BLOCK, make_pose((0.1 * frame, 0.0, 0.0)))], 0.05 * frame)
    film.close()
    video = cv2.VideoCapture(str(path))
    assert video.get(cv2.CAP_PROP_FPS) == pytest.approx(20.0)
    frames = [video.read()[1].astype(int) for _ in range(6)]
    assert frames[0].shape == (SIZE_PX[1], SIZE_PX[0], 3)
    reddest = [np.argmax(cv2.blur((f[..., 2] - f[..., 0]).astype(np.float32), (9, 9)).max(axis=0)) for f in frames]
    assert np.all(np.diff(reddest) > 0), "from above, base x goes to the right"


def test_every_side_looks_at_the_cell_from_where_it_is_named():
    eyes = {side: np.subtract(eye, target) for side, (eye, target, _) in SIDES.items()}
    assert eyes["front"][1] < -1.0
    assert eyes["back"][1] > 1.0
    assert eyes["right"][0] > 0.5
    assert eyes["left"][0] < -0.5
    assert eyes["top"][2] > 1.0


@pytest.mark.parametrize(
    ("name", "side", "words"),
    [
        ("a.mp4", "below", "cannot be filmed from 'below'; known: front"),
        ("a.avi", "front", "let it end in .mp4"),
        ("file/a.mp4", "front", "cannot be written"),
    ],
)
def test_a_film_that_cannot_be_made_is_refused_in_one_sentence(tmp_path, name, side, words):
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=words):
        Film(tmp_path / name, side)


def test_without_a_display_the_window_says_so_and_names_the_film(monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ConfigError, match=r"there is no display: .* --video"):
        Window()


def test_the_window_shows_the_cloth_where_it_is_and_moves_rigid_bodies_without_making_them_anew():
    window = Window(with_screen=False)
    window.show([TABLE, BLOCK, cloth(0.1)], 0.0)
    bodies = p.getNumBodies(physicsClientId=window.client)
    turned = make_pose((0.8, 0.6, 0.3), (0.3, 0.2, np.pi))
    window.show([TABLE, place_mesh(BLOCK, turned), cloth(0.3)], 0.05)
    assert window.names == ["block 0", "cloth 0", "table 0"]
    assert p.getNumBodies(physicsClientId=window.client) == bodies
    block = next(
        b
        for b in range(10)
        if p.getBasePositionAndOrientation(b, physicsClientId=window.client)[0][2] == pytest.approx(0.3)
    )
    assert p.getBasePositionAndOrientation(block, physicsClientId=window.client)[0] == pytest.approx(turned[:3, 3])
    look = p.computeViewMatrix((0.4, 0.1, 2.0), (0.4, 0.1, 0.0), (0.0, 1.0, 0.0))
    lens = p.computeProjectionMatrixFOV(40.0, 1.0, 0.1, 5.0)
    _, _, _, depth, _ = p.getCameraImage(64, 64, look, lens, renderer=p.ER_TINY_RENDERER, physicsClientId=window.client)
    middle = np.reshape(depth, (64, 64))[28:36, 24:30]
    distance = 0.1 * 5.0 / (5.0 - middle * 4.9)
    assert distance.min() == pytest.approx(2.0 - 0.32, abs=0.03)
    window.show([TABLE], 0.1)
    assert window.names == ["table 0"]
    window.close()
    window.close()


def test_a_motion_is_found_exactly_and_a_bend_is_none():
    rng = np.random.default_rng(2)
    points = rng.normal(size=(30, 3))
    for rpy in [(0.1, -0.2, 0.3), (np.pi, 0.0, 0.0), (0.0, 0.0, np.pi), (np.pi - 1e-3, 0.4, 2.0), (0.0, 0.0, 0.0)]:
        T = make_pose((0.3, -0.1, 0.2), rpy)
        position, quaternion = find_motion(points, points @ T[:3, :3].T + T[:3, 3])
        R = np.reshape(p.getMatrixFromQuaternion(quaternion), (3, 3))
        assert position == pytest.approx(T[:3, 3], abs=1e-9)
        np.testing.assert_allclose(R, T[:3, :3], atol=1e-9)
    assert find_motion(points, points * [1.0, 1.0, 1.01]) is None


def test_edges_of_a_box_stay_sharp_and_both_sides_of_cloth_have_normals_of_their_own():
    for mesh, sides in ((BLOCK, 1), (cloth(0.1), 2)):
        vertices, normals, faces = split_faces(mesh)
        assert len(faces) == sides * len(mesh.faces)
        corners = vertices[faces]
        across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        across /= np.linalg.norm(across, axis=1)[:, None]
        for corner in range(3):
            assert np.all(np.einsum("fd,fd->f", normals[faces[:, corner]], across) > 0.9)
