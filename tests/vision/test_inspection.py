"""A seam is judged from its picture: distance from the edge, stitch length, skipped stitches."""

import json
from dataclasses import replace

import numpy as np
import pytest

from sewcell.errors import VisionError
from sewcell.image import Image
from sewcell.units import MM
from sewcell.vision.camera_model import CameraModel
from sewcell.vision.inspection import SeamExpectation, SeamInspection, inspect_seam
from sewcell.vision.inspection_drawing import draw_inspection
from sim.camera.seam_view import SeamScene, draw_seam_view

pytestmark = pytest.mark.slow

STITCH = 2.5 * MM
MARGIN = 8.0 * MM
HOLES = 20
BLUE = ((0.20, 0.30, 0.55),)
WHITE = ((0.85, 0.85, 0.83),)
LOOKS = {
    "white on blue": ((0.90, 0.88, 0.85), "plain", BLUE),
    "blue on blue": ((0.20, 0.30, 0.55), "plain", BLUE),
    "white on white": ((0.90, 0.90, 0.90), "plain", WHITE),
    "black on white": ((0.06, 0.06, 0.07), "plain", WHITE),
    "white on print": ((0.90, 0.88, 0.85), "print", (*BLUE, (0.8, 0.2, 0.2), (0.1, 0.1, 0.1))),
    "red on stripes": ((0.70, 0.10, 0.10), "stripes", ((0.9, 0.9, 0.9), (0.1, 0.15, 0.4))),
}


class Sewn:
    """A picture of a seam whose truth is known; the needle wanders by `wander` and leaves some stitches out."""

    def __init__(
        self,
        look: str = "white on blue",
        pixel: float = 0.2 * MM,
        skipped: tuple[int, ...] = (),
        wander: float = 0.3 * MM,
        stitch: float = STITCH,
        seed: int = 0,
        **details,
    ) -> None:
        rng = np.random.default_rng(seed)
        self.along = np.concatenate(([0.0], np.cumsum(stitch * (1.0 + 0.04 * rng.standard_normal(HOLES - 1)))))
        self.skipped = self.along[[number + 1 for number in skipped]] if skipped else np.empty(0)
        self.wander = wander
        turn = rng.uniform(-0.12, 0.12)
        rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        u = np.linspace(-0.03, 0.1, 400)
        thread, fabric, colours = LOOKS[look]
        size = (round(70.0 * MM / pixel), round(40.0 * MM / pixel))
        origin = (-9.0 * MM, -18.0 * MM)
        scene = SeamScene(
            holes=np.column_stack((self.along, self._aside(self.along))) @ rotation.T,
            edge=np.column_stack((u, self._edge(u))) @ rotation.T,
            pixel=pixel,
            size_px=size,
            origin=origin,
            floats=skipped,
            thread=thread,
            fabric=fabric,
            colours=colours,
            **details,
        )
        self.image = Image(draw_seam_view(scene, seed), "close-up", 0.0)
        self.camera = camera_above(pixel, size, origin)
        line = np.array([[0.0, 0.0], [self.along[-1], 0.0]]) @ rotation.T
        self.plan = SeamExpectation("hem", line, MARGIN, True, 0.5 * MM, STITCH)

    def inspect(self, **changes) -> SeamInspection:
        return inspect_seam(self.image, self.camera, replace(self.plan, **changes))

    def margin(self, along: np.ndarray) -> np.ndarray:
        return self._edge(along) - self._aside(along)

    def _aside(self, along: np.ndarray) -> np.ndarray:
        return self.wander * np.sin(along / 15e-3 + 1.0)

    def _edge(self, along: np.ndarray) -> np.ndarray:
        return MARGIN + 0.1 * MM * np.sin(along / 20e-3)


def camera_above(pixel: float, size: tuple[int, int], origin: tuple[float, float]) -> CameraModel:
    """A camera that looks straight down; its lower left pixel sees `origin`."""
    distance = 0.5
    middle = (np.array(size) - 1.0) / 2.0
    T = np.diag([1.0, -1.0, -1.0, 1.0])
    T[:3, 3] = -(origin[0] + middle[0] * pixel), origin[1] + middle[1] * pixel, distance
    focal = distance / pixel
    matrix = np.array([[focal, 0.0, middle[0]], [0.0, focal, middle[1]], [0.0, 0.0, 1.0]])
    return CameraModel(size, matrix, np.zeros(5), T)


@pytest.mark.parametrize("look", LOOKS)
def test_margin_stitches_and_skips_are_seen_at_a_fifth_of_a_millimetre_a_pixel(look: str) -> None:
    sewn = Sewn(look, skipped=(6, 13))
    found = sewn.inspect()
    assert np.nanpercentile(np.abs(found.margin - sewn.margin(found.along)), 95) < 0.1 * MM
    assert found.skipped == pytest.approx(sewn.skipped, abs=0.5 * MM)
    assert len(found.holes) == HOLES - 2
    assert found.stitch_length == pytest.approx(np.diff(sewn.along).mean(), abs=0.06 * MM)


@pytest.mark.slow
@pytest.mark.parametrize("pixel_mm", [0.1, 0.2])
@pytest.mark.parametrize("look", LOOKS)
def test_no_skip_is_missed_or_invented(look: str, pixel_mm: float) -> None:
    for seed in range(4):
        sewn = Sewn(look, pixel_mm * MM, skipped=(3 + seed,), seed=seed)
        found = sewn.inspect()
        assert found.skipped == pytest.approx(sewn.skipped, abs=0.6 * MM)
        assert np.nanpercentile(np.abs(found.margin - sewn.margin(found.along)), 95) < 0.12 * MM


def test_a_camera_of_the_table_still_sees_margin_and_mean_stitch_at_0_4_mm_a_pixel() -> None:
    sewn = Sewn("white on blue", 0.4 * MM, skipped=(9,))
    found = sewn.inspect()
    assert np.nanpercentile(np.abs(found.margin - sewn.margin(found.along)), 95) < 0.15 * MM
    assert found.stitch_length == pytest.approx(np.diff(sewn.along).mean(), abs=0.06 * MM)
    assert found.skipped == pytest.approx(sewn.skipped, abs=0.6 * MM)


def test_a_good_seam_is_called_good_in_a_sentence_and_in_json() -> None:
    found = Sewn().inspect()
    assert found.ok
    assert found.describe().startswith("seam 'hem': ")
    assert found.describe().endswith("0 skipped: good")
    told = json.loads(json.dumps(found.to_json()))
    assert told["ok"] is True
    assert told["margin_mm"]["planned"] == 8.0
    assert told["stitch_mm"]["mean"] == pytest.approx(2.5, abs=0.06)
    assert len(told["margin_mm"]["values"]) == len(told["margin_mm"]["at"])


def test_a_seam_that_wanders_beyond_its_tolerance_is_told_with_the_worst_place() -> None:
    found = Sewn(wander=0.9 * MM).inspect()
    assert not found.ok
    assert "mm from the edge at" in found.faults[0]


def test_stitches_of_another_length_are_told() -> None:
    found = Sewn(stitch=3.0 * MM).inspect()
    assert any("instead of 2.50" in fault for fault in found.faults)
    assert found.stitch_length == pytest.approx(3.0 * MM, abs=0.08 * MM)


def test_a_seam_that_ends_early_is_told() -> None:
    sewn = Sewn()
    line = sewn.plan.line
    longer = np.array([line[0], line[0] + (line[1] - line[0]) * 1.2])
    found = sewn.inspect(line=longer)
    assert any(fault.startswith("no thread from 4") for fault in found.faults), found.faults


def test_cloth_without_thread_is_refused() -> None:
    sewn = Sewn()
    with pytest.raises(VisionError, match="no thread can be told"):
        sewn.inspect(line=sewn.plan.line - (0.0, 5.0 * MM), margin=13.0 * MM)


def test_an_edge_that_is_not_where_it_should_be_is_refused() -> None:
    with pytest.raises(VisionError, match="edge of the cloth is not seen"):
        Sewn().inspect(margin=4.5 * MM)


def test_a_seam_that_leaves_the_picture_is_refused() -> None:
    sewn = Sewn()
    with pytest.raises(VisionError, match="the picture shows only"):
        sewn.inspect(line=sewn.plan.line + np.array([30.0 * MM, 0.0]))


def test_too_coarse_a_picture_is_refused() -> None:
    with pytest.raises(VisionError, match="use a closer camera"):
        Sewn(pixel=0.5 * MM).inspect()


def test_a_blank_picture_is_refused() -> None:
    sewn = Sewn()
    blank = Image(np.full_like(sewn.image.pixels, 120), "close-up", 0.0)
    with pytest.raises(VisionError, match="blank"):
        inspect_seam(blank, sewn.camera, sewn.plan)


def test_the_drawing_shows_seam_and_deviations_to_scale() -> None:
    sewn = Sewn(skipped=(8,))
    found = sewn.inspect()
    page = draw_inspection(sewn.image, sewn.camera, found)
    assert page.dtype == np.uint8
    assert page.shape[1] == pytest.approx(10.0 * sewn.along[-1] / MM + 120.0, abs=6.0)
    red = (np.abs(page.astype(int) - (30, 30, 210)).max(axis=2) < 8).any(axis=0)
    crossing = np.flatnonzero(red)
    assert 60.0 + 10.0 * sewn.skipped[0] / MM == pytest.approx(crossing.mean(), abs=8.0)
