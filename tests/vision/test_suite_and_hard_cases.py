"""The suite's pictures are true, and the hard ones are answered."""

import numpy as np
import pytest
from shapely import Polygon, box

from sewcell.geometry.planar import PlanarPose, wrap_angle
from sewcell.image import Image
from sewcell.pattern.piece import Piece
from sewcell.units import MM
from sewcell.vision.background import Background
from sewcell.vision.camera_model import CameraModel
from sewcell.vision.located import LocatedPiece
from sewcell.vision.piece_pose import locate
from sewcell.vision.ply_evidence import Rim, Thickness, count_plies
from sewcell.vision.stripes import measure_stripes
from sim.camera.suite.cases import make_case
from sim.camera.suite.coverage import cover
from sim.camera.suite.drafts import draft_pieces, draft_symmetric
from sim.camera.suite.tiles import STRIPE_PERIOD

pytestmark = pytest.mark.slow

SMALL = tuple(piece for piece in draft_pieces() if np.ptp(piece.outline, axis=0).max() < 0.4)


def camera_of(case):
    view = case.view
    return CameraModel(view.image_size_px, view.matrix, view.distortion, view.T_camera_base)


def look(case, pieces=SMALL):
    picture = Image(case.pixels, case.kind, 0.0)
    return locate(picture, Background(case.empty), camera_of(case), pieces, thickness=case.thickness)


def is_right(located, truth, pieces=SMALL):
    outline = next(piece.outline for piece in pieces if piece.name == truth.piece)
    shift = located.pose.apply(outline).mean(axis=0) - truth.pose.apply(outline).mean(axis=0)
    turn = abs(float(wrap_angle(located.pose.theta - truth.pose.theta)))
    same = located.piece == truth.piece and located.pose.mirrored == truth.pose.mirrored
    return same and np.hypot(*shift) < 2 * MM and turn < 0.03


def test_coverage_is_the_exact_area_of_the_polygon_in_each_pixel():
    rng = np.random.default_rng(0)
    turns = np.sort(rng.uniform(0, 2 * np.pi, 9))
    corners = np.column_stack((20 + 14 * np.cos(turns), 18 + 13 * np.sin(turns)))
    polygon = Polygon(corners)
    exact = [[polygon.intersection(box(x - 0.5, y - 0.5, x + 0.5, y + 0.5)).area for x in range(42)] for y in range(40)]
    np.testing.assert_allclose(cover(corners, (40, 42), (0, 0)), exact, atol=1e-5)


def test_the_same_seed_gives_the_same_picture_and_another_seed_another():
    first, again, other = (make_case("everyday", "2 MP", seed, SMALL) for seed in (4, 4, 5))
    np.testing.assert_array_equal(first.pixels, again.pixels)
    assert first.truths == again.truths
    assert (first.pixels != other.pixels).any()


@pytest.mark.parametrize(
    "kind", ["dark on dark", "hard shadow", "print", "stripes", "gripper", "touching", "overlapping", "strip", "thick"]
)
def test_every_piece_of_a_hard_picture_is_found_and_nothing_else_is_claimed(kind):
    case = make_case(kind, "2 MP", 3, SMALL)
    result = look(case)
    for truth in case.truths:
        assert any(is_right(located, truth) for located in result.pieces), truth
    for located in result.pieces:
        assert located.ambiguous_with or any(is_right(located, truth) for truth in case.truths)


def test_a_folded_corner_is_flagged():
    pocket = tuple(piece for piece in SMALL if piece.name == "POCKET")
    case = make_case("folded", "2 MP", 2, pocket)
    located = look(case, pocket).pieces[0]
    assert "folded" in located.flags


def test_shear_of_a_large_piece_is_reported_as_shear_and_not_as_rotation():
    yoke = tuple(piece for piece in draft_pieces() if piece.name == "SLEEVE")
    case = make_case("sheared", "5 MP wide", 1, yoke)
    located, truth = look(case, yoke).pieces[0], case.truths[0]
    assert located.shear == pytest.approx(truth.shear, rel=0.5)
    assert abs(float(wrap_angle(located.pose.theta - truth.pose.theta))) < 0.4 * abs(truth.shear)


def test_a_symmetric_piece_is_never_sure_of_its_face():
    band = (draft_symmetric(),)
    assert all(located.ambiguous_with for located in look(make_case("everyday", "2 MP", 1, band), band).pieces)


def test_the_answer_in_json_is_in_millimetres_degrees_and_percent():
    case = make_case("print", "2 MP", 3, SMALL)
    result = look(case)
    found, answer = result.pieces[0], result.to_dict()["pieces"][0]
    assert set(answer) >= {"piece", "size", "mirrored", "sigma_mm", "sigma_deg", "residual_mm", "inlier_ratio", "flags"}
    assert answer["x_mm"] == pytest.approx(found.pose.x * 1e3, abs=1e-3)
    assert answer["theta_deg"] == pytest.approx(np.degrees(found.pose.theta), abs=1e-4)
    assert answer["shear_percent"] == pytest.approx(100 * found.shear, abs=1e-3)


def test_stripes_run_along_y_of_the_piece_with_their_period_and_phase():
    square = Piece("SQUARE", "M", np.array([[-0.08, -0.05], [0.08, -0.05], [0.08, 0.07], [-0.08, 0.07]]))
    for seed in range(5):
        case = make_case("stripes", "2 MP", seed, (square,))
        found = measure_stripes(
            Image(case.pixels, "x", 0.0), camera_of(case), square.outline, case.truths[0].pose, case.thickness
        )
        assert found is not None
        assert found.direction == pytest.approx(np.pi / 2, abs=0.01)
        assert found.period == pytest.approx(STRIPE_PERIOD, rel=0.005)
        # The dark stripe lies about x = 0, so the brightest line lies half a period beside it.
        assert found.phase == pytest.approx(0.5, abs=0.03)


def make_located(flags):
    return LocatedPiece("P", "M", PlanarPose(0, 0, 0), 0, 0, 0, 1, 1, 0, (), flags, np.zeros((3, 2)))


def test_thickness_tells_two_plies_where_the_camera_sees_nothing():
    rim = Rim(make_located(()))
    assert count_plies([rim]).plies == 1
    both = count_plies([rim, Thickness(0.61 * MM, 0.3 * MM)])
    assert both.plies == 2
    assert both.probability > 0.99


def test_a_rim_of_cloth_makes_a_double_ply_likelier_but_thickness_decides():
    seen = Rim(make_located(("occluded",)))
    assert seen.likelihood()[2] > seen.likelihood()[1]
    assert count_plies([seen, Thickness(0.3 * MM, 0.3 * MM)]).plies == 1
