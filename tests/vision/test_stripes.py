"""Direction, period and phase of stripes are measured in the coordinates of the piece, however it lies."""

from functools import cache

import numpy as np
import pytest

from sewcell.geometry.planar import PlanarPose
from sewcell.image import Image
from sewcell.units import DEG, MM
from sewcell.vision.stripes import Stripes, measure_stripes
from sim.camera.seam_view import SeamScene, draw_seam_view
from tests.vision.test_inspection import camera_above

OUTLINE = np.array([[-45.0, -30.0], [45.0, -30.0], [45.0, 20.0], [-20.0, 32.0], [-45.0, 20.0]]) * MM
PIXEL, SIZE, ORIGIN = 0.4 * MM, (320, 240), (-64.0 * MM, -48.0 * MM)
WHITE, NAVY = (0.9, 0.9, 0.88), (0.1, 0.15, 0.4)


@cache
def look(period: float, across: float, fabric: str = "stripes", thin: int = 1) -> Image:
    """Cloth all over the table, its stripes `period` apart along the direction `across` on the table; the bright part
    is one of 1 + `thin`."""
    scene = SeamScene(
        holes=np.empty((0, 2)),
        edge=np.array([[-0.2, 0.2], [0.2, 0.2]]),
        pixel=PIXEL,
        size_px=SIZE,
        origin=ORIGIN,
        fabric=fabric,
        colours=(WHITE, *thin * [NAVY]),
        stripe=(period, across),
    )
    return Image(draw_seam_view(scene, 1), "overhead", 0.0)


def measure(image: Image, pose: PlanarPose) -> Stripes | None:
    return measure_stripes(image, camera_above(PIXEL, SIZE, ORIGIN), OUTLINE, pose)


POSES = [PlanarPose(0.0, 0.0, 0.0), PlanarPose(4e-3, -3e-3, 1.1), PlanarPose(-5e-3, 2e-3, 2.5, True)]


@pytest.mark.parametrize("pose", [POSES[0], *(pytest.param(pose, marks=pytest.mark.slow) for pose in POSES[1:])])
@pytest.mark.parametrize(("period_mm", "across_deg"), [(5.0, 0.0), (12.0, 35.0), (3.0, 100.0)])
def test_stripes_are_told_in_the_coordinates_of_the_piece(
    period_mm: float, across_deg: float, pose: PlanarPose
) -> None:
    found = measure(look(period_mm * MM, across_deg * DEG), pose)
    assert found is not None
    assert found.period == pytest.approx(period_mm * MM, rel=0.004)
    # The wave vector of the drawn stripes, turned into the piece.
    wave = pose.linear_part().T @ [np.cos(across_deg * DEG), np.sin(across_deg * DEG)]
    direction = (np.arctan2(wave[1], wave[0]) + np.pi / 2.0) % np.pi
    off = (found.direction - direction + np.pi / 2.0) % np.pi - np.pi / 2.0
    assert off == pytest.approx(0.0, abs=0.15 * DEG)
    # The bright half of a drawn stripe has its middle at a quarter of a period from the table's origin.
    normal = np.array([np.sin(found.direction), -np.cos(found.direction)])
    bright = pose.apply((found.phase * found.period * normal)[None])[0]
    on_table = bright @ [np.cos(across_deg * DEG), np.sin(across_deg * DEG)] / (period_mm * MM)
    assert (on_table - 0.25 + 0.5) % 1.0 - 0.5 == pytest.approx(0.0, abs=0.02)


@pytest.mark.parametrize("fabric", ["plain", "print"])
def test_cloth_without_stripes_has_none(fabric: str) -> None:
    assert measure(look(5.0 * MM, 0.3, fabric), PlanarPose(0.0, 0.0, 0.4)) is None


@pytest.mark.slow
def test_stripes_of_an_eighth_of_their_period_are_found() -> None:
    found = measure(look(12.0 * MM, 0.5, thin=7), PlanarPose(0.0, 0.0, 0.0))
    assert found is not None
    assert found.period == pytest.approx(12.0 * MM, rel=0.01)
    assert found.direction == pytest.approx(0.5 + np.pi / 2.0, abs=0.005)


def test_for_machines_the_answer_is_in_degrees_and_millimetres() -> None:
    found = measure(look(8.0 * MM, 0.0), PlanarPose(0.0, 0.0, 0.0))
    assert found is not None
    told = found.to_dict()
    assert told["direction_deg"] == pytest.approx(90.0, abs=0.2)
    assert told["period_mm"] == pytest.approx(8.0, abs=0.03)
    assert told["phase"] == pytest.approx(0.25, abs=0.02)
    assert told["strength"] > 0.3
