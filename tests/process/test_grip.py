"""The grip leads the sew line under the needle, with the body of the piece on the free side of the machine."""

import numpy as np
import pytest

from sewcell.geometry.poses import transform_points
from sewcell.pattern.piece import Piece
from sewcell.process.grip import count_stitches, plan_grip
from sewcell.process.recipe import SeamRecipe

POCKET = Piece("POCKET", "M", np.array([[0, 0], [0.12, 0], [0.12, 0.14], [0, 0.14]], dtype=float))


def seam(start: tuple[float, float], end: tuple[float, float]) -> SeamRecipe:
    return SeamRecipe("hem", np.array([start, end]), 0.0025, 16.0, 3, 3, 6.0, 0.012, 0.001)


@pytest.mark.parametrize(("start", "end"), [((0.006, 0.128), (0.114, 0.128)), ((0.114, 0.128), (0.006, 0.128))])
def test_whichever_way_the_line_is_drawn_the_body_lies_left_of_the_needle(
    start: tuple[float, float], end: tuple[float, float]
) -> None:
    grip = plan_grip(POCKET, seam(start, end), (0.116, 0.09))
    placed = grip.needle_piece.apply(POCKET.outline)
    assert placed[:, 1].min() == pytest.approx(-0.012)
    assert placed[:, 1].max() == pytest.approx(0.128)


def test_the_first_stitch_is_at_the_needle_and_the_line_runs_against_the_feed() -> None:
    grip = plan_grip(POCKET, seam((0.006, 0.128), (0.114, 0.128)), (0.116, 0.09))
    placed = grip.needle_piece.apply(grip.line)
    np.testing.assert_allclose(placed, [[0, 0], [-0.108, 0]], atol=1e-12)


def test_the_plate_keeps_its_distance_from_the_sew_line_and_looks_down() -> None:
    grip = plan_grip(POCKET, seam((0.006, 0.128), (0.114, 0.128)), (0.116, 0.09))
    corners = np.array([[x, y, 0.0] for x in (-0.058, 0.058) for y in (-0.045, 0.045)])
    T = grip.needle_tool(height=0.0003)
    placed = transform_points(T, corners)
    assert placed[:, 1].min() == pytest.approx(0.012)
    np.testing.assert_allclose(placed[:, 2], 0.0003)
    np.testing.assert_allclose(T[:3, 2], [0, 0, -1], atol=1e-12)


def test_stitches_divide_the_seam_evenly() -> None:
    assert count_stitches(0.108, 0.0025) == (43, pytest.approx(0.108 / 43))
    assert count_stitches(0.001, 0.0025) == (1, pytest.approx(0.001))
