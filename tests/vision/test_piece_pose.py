"""How well pieces are found, on pictures whose truth is known."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sewcell.geometry.planar import PlanarPose, wrap_angle
from sewcell.pattern.dxf import read_pieces
from sewcell.pattern.piece import Piece
from sewcell.vision.background import make_background
from sewcell.vision.draw import draw_result
from sewcell.vision.outline import resample_closed, signed_area
from sewcell.vision.piece_pose import locate

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
SHIRT = ROOT.parent / "shared/data/patterns/shirt_outlines.json"
THICKNESS = 0.0003


def random_pose(rng, outline, flip):
    """A pose that keeps the outline on the table, 10 mm from the border of the picture."""
    turned = PlanarPose(0.0, 0.0, float(rng.uniform(-np.pi, np.pi)), flip)
    extent = turned.apply(outline)
    middle, half = (extent.max(axis=0) + extent.min(axis=0)) / 2, np.ptp(extent, axis=0) / 2
    room = np.array([0.32, 0.24]) - half - 0.01
    if (room < 0.0).any():
        return random_pose(rng, outline, flip)
    x, y = (0.32, 0.24) + rng.uniform(-1.0, 1.0, 2) * room - middle
    return replace(turned, x=float(x), y=float(y))


def cut(outline, rng, sigma):
    """The outline as a knife cuts it: errors of `sigma` [m] that vary over centimetres."""
    points = resample_closed(outline, 800)
    spectrum = np.fft.fft(rng.standard_normal((800, 2)), axis=0)
    error = np.fft.ifft(spectrum * np.exp(-((np.fft.fftfreq(800, 1 / 800) / 25) ** 2))[:, None], axis=0).real
    return points + error * (sigma / error.std())


def errors(piece, located, truth):
    """Distance of the outlines' centres [mm] and difference of the angles [deg]."""
    assert located.pose.mirrored == truth.mirrored
    shift = located.pose.apply(piece.outline).mean(axis=0) - truth.apply(piece.outline).mean(axis=0)
    return 1e3 * np.linalg.norm(shift), np.degrees(abs(float(wrap_angle(located.pose.theta - truth.theta))))


def survey(bench, empty, piece, count, knife, faces=("up", "down"), **conditions):
    """Errors (count, 2) [mm, deg] and sigmas (count,) [mm] over random poses."""
    rng = np.random.default_rng(3)
    rows, sigmas = [], []
    for number in range(count):
        truth = random_pose(rng, piece.outline, "down" in faces and number % 2 == 1)
        picture = bench.picture([(cut(piece.outline, rng, knife), truth)], number, **conditions)
        result = locate(picture, empty, bench.camera, [piece], thickness=THICKNESS, faces=faces)
        assert len(result.pieces) == 1, result.unknown
        assert result.pieces[0].ambiguous_with == ()
        assert result.pieces[0].confidence > 0.75
        rows.append(errors(piece, result.pieces[0], truth))
        sigmas.append(1e3 * result.pieces[0].sigma_position)
    return np.array(rows), np.array(sigmas)


def read_shirt() -> list[Piece]:
    if not SHIRT.exists():
        pytest.skip("the real shirt outlines are not here")
    outlines = [(name, np.array(outline) * 1e-3) for name, outline in json.loads(SHIRT.read_text())["outlines"].items()]
    return [Piece(name, "M", o if signed_area(o) > 0.0 else o[::-1]) for name, o in outlines]


def test_a_clean_cut_is_located_to_a_fiftieth_of_a_millimetre(bench, empty, pocket):
    found, _ = survey(bench, empty, pocket, 10, knife=1e-6)
    assert found[:, 0].mean() < 0.02
    assert found[:, 1].mean() < 0.01


def test_the_garments_pocket_is_located_within_the_knifes_error_in_brighter_light(bench, empty):
    pocket = next(iter(read_pieces(ROOT / "configs/patterns/shirt-pocket.dxf").values()))
    found, sigmas = survey(bench, empty, pocket, 20, knife=1e-4, light=1.08)
    assert found[:, 0].mean() < 0.06
    assert np.quantile(found[:, 0], 0.95) < 0.12
    assert found[:, 1].mean() < 0.06
    # Two coordinates, each of at most sigma: the mean of the distance over sigma lies near sqrt(pi / 2) at the most.
    assert 0.6 < (found[:, 0] / sigmas).mean() < 1.9


@pytest.mark.parametrize(
    ("conditions", "limit_mm"),
    [
        ({"light": 0.92}, 0.06),
        ({"cloth": (150, 180, 200)}, 0.06),
        ({"cloth": (35, 32, 30)}, 0.12),
        ({"shadow": 0.5}, 0.06),
        ({"noise": 5.0, "blur": 1.2}, 0.06),
    ],
    ids=["8 % darker", "cloth nearly as the wood", "black cloth", "deep soft shadow", "noisy and blurred"],
)
def test_conditions_of_the_shop_hardly_change_the_accuracy(bench, empty, pocket, conditions, limit_mm):
    found, _ = survey(bench, empty, pocket, 4, knife=1e-4, **conditions)
    assert found[:, 0].mean() < limit_mm


@pytest.mark.parametrize("cloth", [(180, 180, 180), (225, 228, 230)], ids=["grey", "white"])
def test_cloth_without_colour_on_a_grey_table_is_located(bench, pocket, cloth):
    grey = make_background([bench.picture([], 1001, wood=False)])
    found, _ = survey(bench, grey, pocket, 4, knife=1e-4, wood=False, cloth=cloth)
    assert found[:, 0].mean() < 0.15


@pytest.mark.slow
def test_every_real_shirt_piece_is_told_from_all_others(bench, empty, pocket):
    shirt = read_shirt()
    rng = np.random.default_rng(8)
    for piece in shirt:
        for number in range(6):
            truth = random_pose(rng, piece.outline, number % 2 == 1)
            picture = bench.picture([(cut(piece.outline, rng, 1e-4), truth)], number)
            result = locate(picture, empty, bench.camera, [*shirt, pocket], thickness=THICKNESS)
            assert [located.piece for located in result.pieces] == [piece.name]
            if not result.pieces[0].ambiguous_with:
                distance, angle = errors(piece, result.pieces[0], truth)
                assert distance < 0.2
                assert angle < 0.06


def test_a_symmetric_real_piece_never_gives_one_sure_answer(bench, empty):
    cuff = next(piece for piece in read_shirt() if piece.name == "cuff")
    picture = bench.picture([(cuff.outline, PlanarPose(0.32, 0.24, 0.3))], 1)
    located = locate(picture, empty, bench.camera, [cuff], thickness=THICKNESS).pieces[0]
    assert located.ambiguous_with
    assert located.confidence < 0.6


def test_height_of_the_cloth_moves_it_towards_the_middle_of_the_picture_when_ignored(bench, empty, pocket):
    truth = PlanarPose(0.52, 0.41, 0.3)
    picture = bench.picture([(pocket.outline, truth)], 1, height=0.005)
    centre = truth.apply(pocket.outline).mean(axis=0)
    flat = locate(picture, empty, bench.camera, [pocket]).pieces[0].pose.apply(pocket.outline).mean(axis=0)
    thick = locate(picture, empty, bench.camera, [pocket], thickness=0.005).pieces[0]
    # A point at height h over the table seems to lie h / (1.2 m - h) of its distance from the nadir further out.
    expected = (centre - (0.32, 0.24)) * 0.005 / 1.195
    np.testing.assert_allclose(flat - centre, expected, atol=1e-4)
    np.testing.assert_allclose(thick.pose.apply(pocket.outline).mean(axis=0), centre, atol=5e-5)


def test_two_different_pieces_are_both_found(bench, empty, pocket):
    square = Piece("SQUARE", "M", np.array([[0, 0], [0.1, 0], [0.1, 0.08], [0, 0.08]]))
    places = PlanarPose(0.2, 0.3, 0.4), PlanarPose(0.4, 0.2, 1.0)
    picture = bench.picture([(pocket.outline, places[0]), (square.outline, places[1])], 4)
    result = locate(picture, empty, bench.camera, [square, pocket], thickness=THICKNESS)
    assert {piece.piece for piece in result.pieces} == {"SQUARE", "POCKET"}


def test_the_same_picture_gives_the_same_answer(bench, empty, pocket):
    picture = bench.picture([(pocket.outline, PlanarPose(0.3, 0.3, 0.7))], 4)
    first, second = (locate(picture, empty, bench.camera, [pocket]).pieces[0] for _ in range(2))
    assert first.pose == second.pose
    assert first.residual == second.residual


def test_the_drawn_outline_and_sew_line_lie_where_the_lens_shows_them(bench, empty, pocket):
    truth = PlanarPose(0.3, 0.3, 0.7)
    picture = bench.picture([(pocket.outline, truth)], 4)
    before = picture.pixels.copy()
    result = locate(picture, empty, bench.camera, [pocket], thickness=THICKNESS)
    np.testing.assert_allclose(
        result.pieces[0].outline_px, bench.project(truth.apply(pocket.outline), THICKNESS), atol=0.2
    )
    canvas = draw_result(picture, result, bench.camera, [pocket], THICKNESS)
    np.testing.assert_array_equal(picture.pixels, before)
    for line in (pocket.outline[:2], pocket.sew_lines[0]):
        column, row = np.round(bench.project(truth.apply(line.mean(axis=0)[None]), THICKNESS)[0]).astype(int)
        assert np.abs(canvas[row, column].astype(int) - before[row, column]).max() > 30
