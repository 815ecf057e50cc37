"""Flickering light behind a rolling shutter is called by its name; what only looks like bands is not."""

from dataclasses import replace

import numpy as np
import pytest

from sewcell.errors import VisionError
from sewcell.geometry.planar import PlanarPose
from sewcell.vision.bands import measure_bands
from sewcell.vision.piece_pose import locate

HERE = PlanarPose(0.30, 0.30, 0.7)


def shine(image, factors):
    """The picture with the light of each row times `factors`."""
    lit = image.pixels * np.asarray(factors)[:, None, None]
    return replace(image, pixels=np.clip(lit + 0.5, 0, 255).astype(np.uint8))


def swings(bench, share, periods=3.0, phase=0.0):
    rows = np.arange(bench.camera.image_size_px[1]) / bench.camera.image_size_px[1]
    return 1.0 + share * np.cos(2.0 * np.pi * (periods * rows + phase))


@pytest.mark.parametrize("phase", np.linspace(0.0, 0.875, 8))
def test_the_swing_of_bands_is_measured_whatever_their_phase(bench, empty, pocket, phase):
    picture = shine(bench.picture([(pocket.outline, HERE)], 3), swings(bench, 0.15, phase=phase))
    swing = measure_bands(picture.pixels, empty.pixels)
    assert swing == pytest.approx(1.15 / 0.85 - 1.0, abs=0.05)
    with pytest.raises(VisionError, match="the light flickers: bands across the picture"):
        locate(picture, empty, bench.camera, [pocket], thickness=0.0003)


def test_faint_bands_leave_the_piece_where_it_is(bench, empty, pocket):
    picture = shine(bench.picture([(pocket.outline, HERE)], 3), swings(bench, 0.02))
    (found,) = locate(picture, empty, bench.camera, [pocket], thickness=0.0003).pieces
    assert np.hypot(found.pose.x - HERE.x, found.pose.y - HERE.y) < 0.2e-3


def test_pieces_the_edge_of_a_shadow_and_a_dark_strip_are_no_bands(bench, empty, pocket):
    row = np.arange(bench.camera.image_size_px[1])
    plain = bench.picture([(pocket.outline, HERE), (pocket.outline, PlanarPose(0.5, 0.3, 0.7))], 3)
    for light in (1.0 - 0.3 * (row > 600), 1.0 - 0.3 * ((row > 500) & (row < 700)), 1.15 - 0.3 * row / len(row)):
        assert measure_bands(shine(plain, light).pixels, empty.pixels) == 0.0
    assert measure_bands(plain.pixels, empty.pixels) < 0.02
