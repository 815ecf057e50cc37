"""Lens calibration: real pictures of a chessboard, views with a known truth, and bad sets that are refused."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from sewcell.errors import ConfigError, VisionError
from sewcell.geometry.board_pattern import parse_board
from sewcell.vision.boards import BoardView, find_board
from sewcell.vision.calibration import calibrate_lens
from tests.vision.calibration_truth import CHESSBOARD, LENS, look_from_all_sides, see_board

REAL = Path(__file__).parents[3] / "shared" / "data" / "calibration"
real_pictures = pytest.mark.skipif(not REAL.is_dir(), reason="the real pictures are not here")


@pytest.fixture(scope="module")
def views() -> list[BoardView]:
    return [see_board(f"view {i}", LENS, T, i) for i, T in enumerate(look_from_all_sides(14))]


@pytest.fixture(scope="module")
def real_views() -> list[BoardView]:
    board = parse_board("chessboard:9x6:25")
    return [find_board(path.name, cv2.imread(str(path)), board) for path in sorted(REAL.glob("*.jpg"))]


@real_pictures
def test_real_pictures_are_fitted_to_a_fifth_of_a_pixel(real_views: list[BoardView]) -> None:
    found = calibrate_lens(real_views)
    assert len(found.view_rms_px) == 13
    assert found.rms_px <= 0.20
    assert found.rms_px < found.held_out_px < 0.25
    # Bradski and Kaehler's own result for these pictures, as the OpenCV documentation prints it.
    assert found.lens.matrix[0, 0] == pytest.approx(534.0, abs=4.0)


@real_pictures
def test_chessboards_in_real_pictures_are_read_from_the_same_corner(real_views: list[BoardView]) -> None:
    """Turned by half, the picture shows the same corners at the opposite pixels."""
    board = parse_board("chessboard:9x6:25")
    for path, view in zip(sorted(REAL.glob("*.jpg"))[:4], real_views, strict=False):
        turned = cv2.rotate(cv2.imread(str(path)), cv2.ROTATE_180)
        again = find_board("turned", turned, board)
        np.testing.assert_allclose((639, 479) - again.pixels, view.pixels, atol=0.05)


def test_the_true_lens_is_found_within_its_stated_errors(views: list[BoardView]) -> None:
    found = calibrate_lens(views)
    K, truth = found.lens.matrix, LENS.matrix
    errors = np.array([K[0, 0] - truth[0, 0], K[1, 1] - truth[1, 1], K[0, 2] - truth[0, 2], K[1, 2] - truth[1, 2]])
    assert np.all(np.abs(errors) < 3.0 * found.sigma)
    assert np.all(found.sigma < 0.003 * truth[0, 0])
    # Corners with 0.1 px noise each way: rms sqrt(2) 0.1, a little less for what the fit takes.
    assert found.rms_px == pytest.approx(0.1 * np.sqrt(2.0), rel=0.07)
    assert found.rms_px < found.held_out_px < 1.2 * found.rms_px
    assert found.coverage > 0.8


def test_progress_is_told_up_to_the_last_fit(views: list[BoardView]) -> None:
    told: list[tuple[int, int]] = []
    calibrate_lens(views, lambda done, of: told.append((done, of)))
    assert told == [(i, 12) for i in range(13)]


def _move(view: BoardView) -> BoardView:
    shaken = view.pixels + np.random.default_rng(1).normal(0.0, 2.0, view.pixels.shape)
    return replace(view, pixels=shaken)


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda v: v[:4], "only 4 pictures show the board"),
        (lambda v: v[:1], "only 1 picture shows the board"),
        (lambda v: [*v[:-1], replace(v[-1], image_size_px=(640, 480))], "view 13 is 640x480 px"),
        (lambda v: [*v, replace(v[3], name="copy")], "view 3 and copy show the board at the same place"),
        (lambda v: [*v[:5], _move(v[5]), *v[6:]], "view 5 does not fit the others"),
        (
            lambda v: [replace(w, pixels=w.pixels * (0.5, 0.6) + np.array([20.0, 20.0])) for w in v],
            "the board covers",
        ),
    ],
)
def test_a_bad_set_is_refused_with_its_reason(
    views: list[BoardView], spoil: Callable[[Sequence[BoardView]], list[BoardView]], sentence: str
) -> None:
    with pytest.raises(VisionError, match=sentence) as refusal:
        calibrate_lens(spoil(views))
    assert "\n" not in str(refusal.value)


def test_boards_that_all_lie_flat_are_refused() -> None:
    flat = [see_board(f"flat {i}", LENS, T, i) for i, T in enumerate(look_from_all_sides(14, tilt_deg=2.0))]
    with pytest.raises(VisionError, match="tilt"):
        calibrate_lens(flat)


def test_a_picture_without_board_is_refused() -> None:
    with pytest.raises(VisionError, match="wall shows no chessboard of 9 x 6"):
        find_board("wall", np.full((480, 640, 3), 200, dtype=np.uint8), CHESSBOARD)
    with pytest.raises(VisionError, match="wall shows 0 corners of the ChArUco board"):
        find_board("wall", np.full((480, 640, 3), 200, dtype=np.uint8), parse_board("charuco:11x8:30:22"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "chessboard",
        "chessboard:9x6",
        "chessboard:9x6:25:3",
        "charuco:11x8:30:30",
        "chessboard:2x2:25",
        "dots:3x4:5",
    ],
)
def test_a_board_that_cannot_be_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="board"):
        parse_board(text)
