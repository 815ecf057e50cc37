"""Views of boards with a known truth, projected by OpenCV from poses that are drawn here."""

import cv2
import numpy as np

from sewcell.geometry.board_pattern import BoardPattern, parse_board
from sewcell.geometry.poses import Array, make_pose
from sewcell.units import DEG
from sewcell.vision.boards import BoardView
from sewcell.vision.lens import Lens

CHESSBOARD = parse_board("chessboard:9x6:25")
LENS = Lens(
    (1280, 960),
    np.array([[1500.0, 0.0, 652.0], [0.0, 1498.0, 471.0], [0.0, 0.0, 1.0]]),
    np.array([-0.12, 0.09, 0.0006, -0.0004, 0.0]),
)
NOISE_PX = 0.1


def see_board(
    name: str, lens: Lens, T_camera_board: Array, seed: int, board: BoardPattern = CHESSBOARD, noise: float = NOISE_PX
) -> BoardView:
    """The corners of the board at a pose, with normal noise."""
    points = board.corners()
    rvec, _ = cv2.Rodrigues(T_camera_board[:3, :3])
    pixels, _ = cv2.projectPoints(points, rvec, T_camera_board[:3, 3], lens.matrix, lens.distortion)
    scatter = np.random.default_rng([seed, 77]).normal(0.0, noise, (len(points), 2))
    return BoardView(name, points, pixels.reshape(-1, 2) + scatter, lens.image_size_px)


def look_from_all_sides(count: int, tilt_deg: float = 32.0, seed: int = 3) -> list[Array]:
    """T_camera_board of boards before the camera: tilted round the compass, all over the picture, face to the lens."""
    rng = np.random.default_rng(seed)
    places = [(-0.1, -0.08), (0.1, -0.08), (-0.1, 0.08), (0.1, 0.08), (0.0, 0.0)]
    poses = []
    for i in range(count):
        way = 2.4 * i
        tilt = tilt_deg * DEG * rng.uniform(0.6, 1.0)
        place = np.array([*places[i % 5], rng.uniform(0.55, 0.7)]) + rng.normal(0.0, 0.01, 3)
        turned = make_pose((0.0, 0.0, 0.0), (np.pi, 0.0, 0.0)) @ make_pose(
            rpy=(tilt * np.cos(way), tilt * np.sin(way), rng.uniform(-0.4, 0.4))
        )
        turned[:3, 3] = place - turned[:3, :3] @ (CHESSBOARD.corners().mean(axis=0))
        poses.append(turned)
    return poses
