"""Files of CLO and Gerber open; their figures are those that a pattern maker would measure in them."""

from pathlib import Path

import numpy as np
import pytest
from shapely import LinearRing, Point, Polygon

from sewcell.pattern.dxf import read_pieces
from sewcell.pattern.piece import Piece

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "data" / "patterns"
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="the folder of real pattern files is not here")


def assert_cuttable(piece: Piece) -> None:
    polygon = Polygon(piece.outline)
    assert polygon.is_valid
    assert LinearRing(piece.outline).is_ccw
    for notch in piece.notches:
        assert polygon.exterior.distance(Point(notch.position)) < 1e-9
        assert polygon.contains(Point(notch.position + 1e-4 * notch.direction))


@pytest.mark.parametrize(("file", "count"), [("clo-box.dxf", 1), ("clo-pattern.dxf", 9), ("men_classic_tee.dxf", 7)])
def test_every_piece_of_a_real_file_can_be_cut(file: str, count: int) -> None:
    pieces = read_pieces(FOLDER / file)
    assert len(pieces) == count
    for piece in pieces.values():
        assert_cuttable(piece)


def test_the_box_in_inches_is_three_metres_by_two() -> None:
    (box,) = read_pieces(FOLDER / "clo-box.dxf").values()
    assert np.ptp(box.outline, axis=0) == pytest.approx([3.0, 2.0], abs=3e-3)


def test_left_and_right_sleeve_of_the_clo_shirt_are_the_same_size() -> None:
    pieces = read_pieces(FOLDER / "clo-pattern.dxf", "M")
    assert Polygon(pieces["36"].outline).area == pytest.approx(Polygon(pieces["39"].outline).area, rel=1e-6)
    assert len(pieces["36"].notches) == 4


def test_the_half_drawn_back_of_the_tee_unfolds_to_a_symmetric_one() -> None:
    widths = []
    for size in (42, 50, 70):
        back = read_pieces(FOLDER / "men_classic_tee.dxf", str(size))["REGULAR TEEBK"]
        assert_cuttable(back)
        axis = back.outline[:, 1].min() + np.ptp(back.outline[:, 1]) / 2
        mirrored = Polygon(back.outline * [1, -1] + [0, 2 * axis])
        assert mirrored.symmetric_difference(Polygon(back.outline)).area < 1e-5
        widths.append(np.ptp(back.outline[:, 1]))
    assert np.all(np.diff(widths) > 0.0)
