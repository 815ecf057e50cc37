"""The report judges a seam by the places where the needle really went."""

import numpy as np
import pytest

from sewcell.apps.evaluate import describe_seam, evaluate_seam
from sewcell.backend import NeedlePoint, Witness
from sewcell.process.worklog import SewnSeam

SEAM = SewnSeam("hem", np.array([[0.0, 0.0], [0.1, 0.0]]), 0.0025, 5, 10.0, 20.0, 0.001)


def witness(*points: tuple[int, float, float, float]) -> Witness:
    return Witness((), (), tuple(NeedlePoint(*point) for point in points), "")


def test_deviations_are_measured_from_the_planned_line_and_beyond_its_ends() -> None:
    quality = evaluate_seam(SEAM, 0, witness((0, 11.0, 0.0, 3e-4), (0, 12.0, 0.05, -4e-4), (0, 13.0, 0.103, 4e-3)))
    np.testing.assert_allclose(quality.deviations, [3e-4, -4e-4, 4e-3])
    np.testing.assert_allclose(quality.distances, [3e-4, 4e-4, 5e-3])


def test_points_of_other_pieces_and_other_times_do_not_count_and_those_beside_the_fabric_are_missed() -> None:
    quality = evaluate_seam(
        SEAM,
        0,
        witness((1, 11.0, 0.0, 0.0), (0, 5.0, 0.0, 0.0), (0, 12.0, float("nan"), float("nan")), (0, 13.0, 0.01, 0.0)),
    )
    assert (len(quality.points), quality.missed) == (1, 1)


def test_speed_is_the_way_of_the_needle_over_its_time() -> None:
    quality = evaluate_seam(SEAM, 0, witness((0, 11.0, 0.0, 0.0), (0, 12.0, 0.05, 0.0), (0, 13.0, 0.1, 0.0)))
    assert describe_seam(SEAM, quality, None)["speed_mm_s"] == pytest.approx(50.0)


def test_without_a_witness_only_what_the_machine_counted_is_told() -> None:
    described = describe_seam(SEAM, None, None)
    assert (described["stitches"], described["length_mm"], described["rms_mm"]) == (5, 100.0, None)
