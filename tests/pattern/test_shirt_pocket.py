"""The shirt pocket's file says what its draft says."""

import importlib.util
from pathlib import Path

import ezdxf
import numpy as np
import pytest
from shapely import LineString, Polygon

from sewcell.pattern.dxf import read_pieces
from sewcell.pattern.piece import Piece
from sewcell.units import MM

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "configs" / "patterns" / "shirt-pocket.dxf"


@pytest.fixture(scope="module")
def pocket() -> Piece:
    return read_pieces(FILE, "M")["POCKET"]


def geometry_of(drawing: ezdxf.document.Drawing) -> list[tuple[object, ...]]:
    """Every entity of the block as kind, layer, rounded coordinates and text."""
    rows: list[tuple[object, ...]] = []
    for entity in drawing.blocks.get("POCKET_M"):
        kind, layer = entity.dxftype(), entity.dxf.layer
        if kind == "POLYLINE":
            points = [vertex.dxf.location for vertex in entity.vertices]
        elif kind == "LINE":
            points = [entity.dxf.start, entity.dxf.end]
        else:
            points = [entity.dxf.location if kind == "POINT" else entity.dxf.insert]
        text = entity.dxf.text if kind == "TEXT" else ""
        rows.append((kind, layer, text, *(round(c, 6) for p in points for c in (p.x, p.y, p.z))))
    return rows


def test_the_committed_file_is_what_the_script_drafts(tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("draft", ROOT / "tools" / "draft_shirt_pocket.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    script.draft().saveas(tmp_path / "pocket.dxf")
    assert geometry_of(ezdxf.readfile(FILE)) == geometry_of(ezdxf.readfile(tmp_path / "pocket.dxf"))


def test_the_pocket_is_120_by_140_mm_and_drawn_about_its_middle(pocket: Piece) -> None:
    np.testing.assert_allclose(pocket.outline.min(axis=0), [-60 * MM, -70 * MM], atol=1e-9)
    np.testing.assert_allclose(pocket.outline.max(axis=0), [60 * MM, 70 * MM], atol=1e-9)


def test_its_area_is_that_of_the_box_without_the_two_corners(pocket: Piece) -> None:
    corners = 66 * 25 / 2 + 54 * 19 / 2
    assert Polygon(pocket.outline).area == pytest.approx((120 * 140 - corners) * MM**2, rel=1e-9)


def test_the_hem_line_is_108_mm_long_12_mm_below_the_raw_edge_and_6_mm_inside_the_sides(pocket: Piece) -> None:
    (hem,) = pocket.sew_lines
    np.testing.assert_allclose(hem, np.array([[-54, 58], [54, 58]]) * MM, atol=1e-9)
    assert LineString(hem).length == pytest.approx(108 * MM)


def test_two_notches_face_each_other_at_the_fold(pocket: Piece) -> None:
    left, right = pocket.notches
    np.testing.assert_allclose([left.position, right.position], np.array([[-60, 50], [60, 50]]) * MM, atol=1e-9)
    np.testing.assert_allclose([left.direction, right.direction], [[1, 0], [-1, 0]], atol=1e-9)
    assert left.depth == pytest.approx(4 * MM)


def test_the_grain_runs_along_the_plumb_sides(pocket: Piece) -> None:
    assert pocket.grainline is not None
    assert pocket.grainline[1][0] == pocket.grainline[0][0]


@pytest.mark.parametrize("linear", [np.diag([-1.0, 1.0]), np.diag([-1.0, -1.0])], ids=["mirror image", "half turn"])
def test_no_turn_of_a_few_degrees_makes_the_mirror_image_or_the_half_turn_fit(
    pocket: Piece, linear: np.ndarray
) -> None:
    """The outlines then differ by at least 2 % of the pocket's area: 0.6 mm along the whole edge, in the mean."""
    true = Polygon(pocket.outline)
    differences = []
    for degrees in np.arange(-6.0, 6.1, 1.0):
        angle = np.radians(degrees)
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        for dx in np.arange(-6.0, 6.1, 2.0):
            for dy in np.arange(-24.0, 24.1, 4.0):
                other = Polygon(pocket.outline @ (turn @ linear).T + np.array([dx, dy]) * MM)
                differences.append(true.symmetric_difference(other).area / true.area)
    assert min(differences) > 0.02
