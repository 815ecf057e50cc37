"""What a seam should look like follows from pattern, recipe and where the piece lies."""

import numpy as np
import pytest

from sewcell.errors import VisionError
from sewcell.geometry.planar import PlanarPose
from sewcell.pattern.piece import Piece
from sewcell.process.expect import expect_seam
from sewcell.process.recipe import SeamRecipe
from sewcell.units import MM

OUTLINE = np.array([[0.0, 0.0], [120.0, 0.0], [120.0, 90.0], [0.0, 90.0]]) * MM
HEM = np.array([[6.0, 80.0], [114.0, 80.0]]) * MM
PIECE = Piece("POCKET", "M", OUTLINE, (), (HEM,))


def recipe(line: np.ndarray = HEM) -> SeamRecipe:
    return SeamRecipe("hem", line, 2.5 * MM, 16.0, 3, 2, 6.0, 12.0 * MM, 1.0 * MM)


def left_of(line: np.ndarray, point: np.ndarray) -> bool:
    (dx, dy), (px, py) = line[1] - line[0], point - line[0]
    return bool(dx * py - dy * px > 0.0)


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("theta", [0.0, 2.0, -1.3])
def test_the_edge_lies_on_the_told_side_however_the_piece_lies(theta: float, mirrored: bool) -> None:
    pose = PlanarPose(0.3, 0.2, theta, mirrored)
    expected = expect_seam(PIECE, recipe(), pose)
    assert expected.margin == pytest.approx(10.0 * MM)
    on_edge = pose.apply(np.array([[0.06, 0.09]]))[0]
    assert expected.edge_on_left is left_of(expected.line, on_edge)
    assert np.linalg.norm(expected.line[1] - expected.line[0]) == pytest.approx(108.0 * MM)


def test_the_line_begins_where_sewing_begins_whichever_way_it_was_drawn() -> None:
    pose = PlanarPose(0.0, 0.0, 0.0)
    drawn, back = expect_seam(PIECE, recipe(), pose), expect_seam(PIECE, recipe(HEM[::-1]), pose)
    np.testing.assert_array_equal(drawn.line, back.line)
    assert not left_of(drawn.line, OUTLINE.mean(axis=0))


def test_stitches_are_expected_as_long_as_they_are_sewn_and_backtacks_as_long_as_the_longer_one() -> None:
    expected = expect_seam(PIECE, recipe(), PlanarPose(0.0, 0.0, 0.0))
    assert expected.stitch_length == pytest.approx(108.0 * MM / 43)
    assert expected.backtack == pytest.approx(3 * expected.stitch_length)
    assert (expected.name, expected.tolerance) == ("hem", 1.0 * MM)


def test_a_seam_that_does_not_run_along_an_edge_cannot_be_judged() -> None:
    slanted = np.array([[20.0, 85.0], [100.0, 70.0]]) * MM
    with pytest.raises(VisionError, match=r"6.5 to 18.5 mm from the nearest edge"):
        expect_seam(PIECE, recipe(slanted), PlanarPose(0.0, 0.0, 0.0))
