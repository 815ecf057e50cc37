"""The edge at the needle is found on plain, printed and striped cloth, and its loss is told."""

import time

import numpy as np
import pytest

from sewcell.errors import VisionError
from sewcell.image import Image
from sewcell.units import DEG, MM
from sewcell.vision.edge_tracker import AHEAD, EdgeTracker, learn_plate
from sim.camera import needle_suite
from sim.camera.needle_suite import H_NEEDLE_PX, LIKE_PLATE, draw_foot_mask, find_truth, random_edge, random_scene
from sim.camera.needle_view import ClothEdge, NeedleScene, draw_needle_view

PLAIN = NeedleScene()


def look(edge: ClothEdge | None, scene: NeedleScene = PLAIN, seed: int = 0) -> Image:
    return Image(draw_needle_view(edge, scene, seed), "needle", 0.25)


def make_tracker(scene: NeedleScene = PLAIN, **details) -> EdgeTracker:
    return EdgeTracker(learn_plate([look(None, scene, 900 + n) for n in range(3)], H_NEEDLE_PX, "bottom", **details))


@pytest.fixture(scope="module")
def tracker() -> EdgeTracker:
    return make_tracker()


def errors_on(fabric: str, tracker: EdgeTracker, count: int, seed: int) -> np.ndarray:
    """Offset errors [m] (count, 4); an edge that is lost counts as infinitely far off."""
    rng = np.random.default_rng(seed)
    errors = []
    for number in range(count):
        edge, scene = random_edge(rng), random_scene(fabric, rng)
        sighting = tracker.find(look(edge, scene, number))
        errors.append(np.abs(sighting.offset - find_truth(edge)[:, 0]) if sighting.found else np.full(4, np.inf))
    return np.array(errors)


def test_the_suite_asks_for_the_edge_where_the_tracker_tells_it() -> None:
    assert pytest.approx(needle_suite.AHEAD) == AHEAD


@pytest.mark.parametrize(("fabric", "limit_mm"), [("plain", 0.05), ("print", 0.15), ("stripes", 0.15)])
def test_95_of_100_offsets_are_exact(fabric: str, limit_mm: float, tracker: EdgeTracker) -> None:
    assert np.percentile(errors_on(fabric, tracker, 10, 1), 95) < limit_mm * MM


@pytest.mark.slow
@pytest.mark.parametrize(("fabric", "limit_mm"), [("plain", 0.05), ("print", 0.15), ("stripes", 0.15)])
def test_95_of_100_offsets_are_exact_in_many_pictures(fabric: str, limit_mm: float, tracker: EdgeTracker) -> None:
    assert np.percentile(errors_on(fabric, tracker, 80, 2), 95) < limit_mm * MM


def test_the_heading_of_a_straight_edge_is_known_to_a_fifth_of_a_degree(tracker: EdgeTracker) -> None:
    for turn in (-25.0, -5.0, 0.0, 12.0):
        edge = ClothEdge(8.0 * MM, turn * DEG)
        assert tracker.find(look(edge)).heading == pytest.approx([turn * DEG] * 4, abs=0.2 * DEG)


def test_a_tight_curve_is_followed(tracker: EdgeTracker) -> None:
    edge = ClothEdge(14.0 * MM, 0.35, 1.0 / 60e-3)
    sighting = tracker.find(look(edge))
    assert sighting.offset == pytest.approx(find_truth(edge)[:, 0], abs=0.08 * MM)
    assert sighting.heading == pytest.approx(find_truth(edge)[:, 1], abs=1.0 * DEG)


def test_the_told_standard_deviation_is_about_the_error(tracker: EdgeTracker) -> None:
    rng = np.random.default_rng(3)
    ratios = []
    for seed in range(12):
        edge = random_edge(rng)
        sighting = tracker.find(look(edge, random_scene("plain", rng), seed))
        ratios.append((sighting.offset - find_truth(edge)[:, 0]) / sighting.sigma)
    assert 0.5 < np.sqrt(np.mean(np.square(ratios))) < 2.0


def test_the_presser_foot_may_hide_the_edge_at_the_needle() -> None:
    scene = NeedleScene(foot=True)
    hidden = make_tracker(scene, blind=draw_foot_mask())
    edge = ClothEdge(4.0 * MM, 0.05)
    sighting = hidden.find(look(edge, scene))
    assert sighting.offset == pytest.approx(find_truth(edge)[:, 0], abs=0.1 * MM)
    assert sighting.sigma[0] > sighting.sigma[1]


def test_patches_that_look_like_the_plate_do_not_move_the_edge(tracker: EdgeTracker) -> None:
    edge = ClothEdge(10.0 * MM, 0.1)
    scene = NeedleScene("stripes", ((0.6, 0.1, 0.12), LIKE_PLATE, (0.9, 0.9, 0.88)), stripe=(9e-3, 0.2))
    assert tracker.find(look(edge, scene)).offset == pytest.approx(find_truth(edge)[:, 0], abs=0.15 * MM)


@pytest.mark.parametrize(
    ("edge", "scene", "reason"),
    [
        (None, PLAIN, "no cloth"),
        (ClothEdge(10.0 * MM), NeedleScene(colours=(LIKE_PLATE,), shadow=0.0), "no cloth, or cloth that looks like"),
        (ClothEdge(60.0 * MM), PLAIN, "covers the whole picture"),
        (ClothEdge(10.0 * MM), NeedleScene(light=0.1), "the light differs"),
        (ClothEdge(-6.0 * MM, 0.9), PLAIN, "no cloth|leaves|agree|step"),
    ],
)
def test_a_lost_edge_is_told_with_its_cause(
    edge: ClothEdge | None, scene: NeedleScene, reason: str, tracker: EdgeTracker
) -> None:
    sighting = tracker.find(look(edge, scene))
    assert not sighting.found
    assert np.isnan(sighting.offset).all()
    assert any(cause in sighting.lost for cause in reason.split("|")), sighting.lost


def test_blank_and_saturated_pictures_give_no_edge(tracker: EdgeTracker) -> None:
    for level in (0, 128, 255):
        image = Image(np.full((200, 200, 3), level, np.uint8), "needle", 0.0)
        assert not tracker.find(image).found


def test_a_picture_of_another_region_is_refused(tracker: EdgeTracker) -> None:
    with pytest.raises(VisionError, match="read out the same region"):
        tracker.find(Image(np.zeros((200, 180, 3), np.uint8), "needle", 0.0))


def test_a_plate_cannot_be_learned_from_nothing_or_from_different_regions() -> None:
    with pytest.raises(VisionError, match="take at least one without cloth"):
        learn_plate([], H_NEEDLE_PX, "bottom")
    pictures = [Image(np.zeros((n, 200, 3), np.uint8), "needle", 0.0) for n in (200, 180)]
    with pytest.raises(VisionError, match="differ in size"):
        learn_plate(pictures, H_NEEDLE_PX, "bottom")


def test_the_cloth_may_lie_at_the_top_of_the_picture(tracker: EdgeTracker) -> None:
    flip = np.diag([1.0, -1.0, 1.0])
    flip[1, 2] = 199.0
    turned = EdgeTracker(
        learn_plate(
            [Image(look(None, PLAIN, 900 + n).pixels[::-1], "needle", 0.0) for n in range(3)], H_NEEDLE_PX @ flip, "top"
        )
    )
    image = look(ClothEdge(10.0 * MM, 0.1))
    upside_down = turned.find(Image(image.pixels[::-1], "needle", 0.0))
    assert upside_down.offset == pytest.approx(tracker.find(image).offset, abs=0.02 * MM)


def test_a_picture_takes_less_than_the_time_between_two_at_200_hz(tracker: EdgeTracker) -> None:
    image = look(ClothEdge(10.0 * MM))
    times = []
    for _ in range(40):
        began = time.perf_counter()
        tracker.find(image)
        times.append(time.perf_counter() - began)
    assert np.median(times) < 5e-3
