"""Boards and fiducials in rendered pictures lie where the renderer's own lens model puts them."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from sewcell.errors import InterlockError, VisionError
from sewcell.geometry.board_pattern import parse_board
from sewcell.geometry.poses import Array, make_pose, transform_points
from sewcell.units import DEG, MM
from sewcell.vision.boards import find_board, find_fiducials
from sewcell.vision.camera_model import CameraModel
from sewcell.vision.fiducials import LIMIT, align_camera, check_fiducials, measure_fiducials, measure_shift
from sim.camera.boards import make_board, make_fiducial
from sim.camera.lens import View
from sim.camera.mesh import Mesh
from sim.camera.renderer import Renderer, make_light
from sim.camera.sensor import Sensor

MATRIX = np.array([[1500.0, 0.0, 405.0], [0.0, 1500.0, 296.0], [0.0, 0.0, 1.0]])
DISTORTION = np.array([-0.1, 0.08, 0.0005, -0.0004, 0.0])
ABOVE = make_pose((0.0, 0.0, 1.0), (np.pi, 0.0, 0.0))
VIEW = View((800, 600), MATRIX, DISTORTION, ABOVE)


def photograph(meshes: list[Mesh], seed: int = 1, T_camera_base: Array = ABOVE) -> NDArray[np.uint8]:
    view = replace(VIEW, T_camera_base=T_camera_base)
    light = Renderer(view, make_light(), background=(0.35, 0.3, 0.25)).render(meshes).light
    return Sensor(noise=1.5, blur_px=0.6).expose(light, np.random.default_rng(seed))


@pytest.mark.parametrize("text", ["chessboard:9x6:25", "chessboard:6x9:25", "charuco:10x7:25:18"])
@pytest.mark.parametrize("turn", [0.2, 1.7, 3.3, -1.4])
def test_corners_are_found_to_a_twentieth_of_a_pixel_whichever_way_the_board_lies(text: str, turn: float) -> None:
    """The corners' own coordinates say which way up the board is: a half turn must not be mistaken."""
    board = parse_board(text)
    from_middle = make_pose((-board.size[0] / 2, -board.size[1] / 2, 0.0))
    T = make_pose((0.0, 0.0, 0.1), (0.25, -0.2, turn)) @ from_middle
    found = find_board("picture", photograph(make_board(board, T)), board)
    error = found.pixels - VIEW.project(transform_points(T, found.points))
    assert len(found.points) == board.columns * board.rows
    assert np.sqrt(np.mean(np.sum(error**2, axis=1))) < 0.08
    assert np.abs(error.mean(axis=0)).max() < 0.02


def test_a_charuco_board_may_be_hidden_in_part_and_a_chessboard_may_not() -> None:
    cover = Mesh(
        "hand",
        np.array([[-0.2, -0.2, 0.2], [-0.05, -0.2, 0.2], [-0.05, 0.2, 0.2], [-0.2, 0.2, 0.2]]),
        np.array([[0, 1, 2], [0, 2, 3]], dtype=np.int32),
        (0.6, 0.4, 0.3),
    )
    for text, enough in (("charuco:10x7:25:18", True), ("chessboard:9x6:25", False)):
        board = parse_board(text)
        T = make_pose((-board.size[0] / 2, -board.size[1] / 2, 0.1))
        picture = photograph([*make_board(board, T), cover])
        if enough:
            found = find_board("picture", picture, board)
            assert 12 <= len(found.points) < 54
            error = np.abs(found.pixels - VIEW.project(transform_points(T, found.points)))
            assert np.median(error) < 0.06
            assert error.max() < 0.4  # where the rim of the hand's shadow crosses a corner
        else:
            with pytest.raises(VisionError, match="shows no chessboard"):
                find_board("picture", picture, board)


def _fiducials(shift: dict[int, tuple[float, float]]) -> tuple[dict[int, Array], NDArray[np.uint8]]:
    places = {
        n: np.array(xy) for n, xy in enumerate([(-0.2, -0.14), (0.2, -0.14), (0.2, 0.14), (-0.2, 0.14), (0.0, 0.1)])
    }
    meshes = [
        mesh
        for n, xy in places.items()
        for mesh in make_fiducial(n, 0.03, make_pose((*(xy + shift.get(n, (0, 0))), 0)))
    ]
    return places, photograph(meshes)


CAMERA = CameraModel((800, 600), MATRIX, DISTORTION, ABOVE)


def test_fiducials_that_stay_let_the_cell_run() -> None:
    known, picture = _fiducials({})
    found = check_fiducials(measure_fiducials(CAMERA, [find_fiducials(picture)]), known)
    assert found.worst[1] < 0.5 * LIMIT
    found.require_within()


def test_a_fiducial_moved_by_less_than_a_pixel_stops_the_cell_and_is_named() -> None:
    known, picture = _fiducials({2: (0.3 * MM, 0.0)})  # 0.45 px
    found = check_fiducials(measure_fiducials(CAMERA, [find_fiducials(picture)]), known)
    with pytest.raises(InterlockError, match=r"fiducial 2 is 0\.[23].* this one was probably moved"):
        found.require_within()


def test_a_camera_that_moved_stops_the_cell() -> None:
    known, picture = _fiducials(dict.fromkeys(range(5), (0.3 * MM, 0.1 * MM)))
    found = check_fiducials(measure_fiducials(CAMERA, [find_fiducials(picture)]), known)
    with pytest.raises(InterlockError, match="the camera or its mount was probably moved"):
        found.require_within()


def test_a_covered_fiducial_is_asked_for() -> None:
    known, picture = _fiducials({})
    known[7] = np.array([0.1, 0.0])
    with pytest.raises(VisionError, match="does not show fiducial 7"):
        check_fiducials(measure_fiducials(CAMERA, [find_fiducials(picture)]), known)


@pytest.mark.parametrize("hidden", [(), (1,)])
def test_fiducials_tell_where_a_camera_stands_that_was_turned_and_shifted(hidden: tuple[int, ...]) -> None:
    known, _ = _fiducials({})
    moved = ABOVE @ make_pose((1.0 * MM, -0.6 * MM, 2.0 * MM), (0.1 * DEG, -0.05 * DEG, 0.08 * DEG))
    meshes = [
        mesh for n, xy in known.items() if n not in hidden for mesh in make_fiducial(n, 0.03, make_pose((*xy, 0)))
    ]
    truth = replace(CAMERA, T_camera_table=moved)
    aligned = align_camera(CAMERA, photograph(meshes, T_camera_base=moved), known)
    places = list(known.values())
    assert measure_shift(CAMERA, truth, places) > 1.0 * MM
    assert measure_shift(truth, aligned, places) < 0.15 * CAMERA.mm_per_px * MM


def test_a_fiducial_beside_its_place_keeps_the_camera_from_being_aligned() -> None:
    known, picture = _fiducials({4: (1.0 * MM, 0.0)})
    with pytest.raises(VisionError, match=r"fiducial \d lies 0\.\d+ mm beside its place"):
        align_camera(CAMERA, picture, known)


def test_fewer_than_four_fiducials_do_not_tell_how_the_camera_stands() -> None:
    known, picture = _fiducials({})
    elsewhere = {number + 100: place for number, place in known.items() if number > 1} | {0: known[0]}
    with pytest.raises(VisionError, match="shows 1 of the 4 known fiducials, 4 are needed: clear the table"):
        align_camera(CAMERA, picture, elsewhere)


def test_fiducials_on_one_line_do_not_tell_how_the_camera_stands() -> None:
    known = {n: np.array((0.1 * n - 0.2, 0.1)) for n in range(5)}
    meshes = [mesh for n, xy in known.items() for mesh in make_fiducial(n, 0.03, make_pose((*xy, 0)))]
    with pytest.raises(VisionError, match="lie on one line: clear the table"):
        align_camera(CAMERA, photograph(meshes), known)
