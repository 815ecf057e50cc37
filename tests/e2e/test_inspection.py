"""The cell judges its seams from pixels as the needle's truth does, and flags what is out of tolerance."""

import json
import re

import numpy as np
import pytest
from typer.testing import CliRunner

from sewcell.apps.cli import app
from sewcell.config.layers import load_job
from sewcell.units import MM
from tests.e2e.conftest import POCKET, SharedRuns

pytestmark = pytest.mark.slow

MARGIN = 12.0
"""The hem is planned this far from the edge, which lies to the left of the needle's way [mm]."""


def test_a_good_seam_is_measured_to_a_fifth_of_a_millimetre_and_not_flagged(finished: SharedRuns) -> None:
    (piece,) = finished("undisturbed").outcome.summary["pieces"]
    (seam,) = piece["seams"]
    assert (piece["flags"], seam["good"]) == ([], True)
    assert seam["margin_mean_mm"] == pytest.approx(MARGIN - seam["deviation_mean_mm"], abs=0.2)
    assert seam["stitch_length_seen_mm"] == pytest.approx(seam["stitch_length_mean_mm"], abs=0.03)
    assert (seam["skipped_stitches"], seam["skipped_seen"]) == (0, 0)


def test_skipped_stitches_are_seen_flagged_drawn_and_judged_the_same_in_a_replay(finished: SharedRuns) -> None:
    run = finished("stitches-skipped")
    outcome = run.outcome
    assert (outcome.summary["result"], outcome.exit_code) == ("ok", 0)
    (piece,) = outcome.summary["pieces"]
    (seam,) = piece["seams"]
    assert (seam["skipped_stitches"], seam["skipped_seen"], seam["good"]) == (2, 2, False)
    (flag,) = piece["flags"]
    assert "stitch skipped at" in flag
    page = (run.folder / "report.html").read_text(encoding="utf-8").replace("&#39;", "'")
    assert flag in page
    assert "the sewn seam straightened" in page
    told = CliRunner().invoke(app, ["vision", "replay", str(run.folder), "--json"])
    (verdict,) = json.loads(told.stdout)["verdicts"]
    assert verdict["identical"]
    assert len(verdict["new"]["skipped_mm"]) == 2


def test_the_stitches_that_the_truth_says_were_missed_are_those_that_the_inspection_flags(finished: SharedRuns) -> None:
    run = finished("stitches-skipped")
    missed = [pierce for pierce in run.truth.pierces if pierce.skipped]
    assert run.truth.events == [(p.time, f"the hook missed the loop of stitch {p.turn}") for p in missed]
    assert [p.time for p in missed] == pytest.approx([10.0, 10.7], abs=60.0 / 1000.0 + 1.0 / 240.0)
    (piece,) = run.outcome.summary["pieces"]
    (places,) = re.findall(r"stitch skipped at ([\d, ]+) mm", piece["flags"][0])
    start, end = load_job(POCKET).pieces["POCKET"].sew_lines[0][[0, -1]]
    along = (np.array([(p.x, p.y) for p in missed]) - start) @ (end - start) / np.linalg.norm(end - start)
    assert [float(place) for place in places.split(",")] == pytest.approx(along / MM, abs=1.0)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_seam_beside_its_line_is_flagged_with_where_it_is_worst(finished: SharedRuns, seed: int) -> None:
    (piece,) = finished("loose-pins", seed).outcome.summary["pieces"]
    (seam,) = piece["seams"]
    assert seam["max_mm"] > 1.0
    assert seam["good"] is False
    assert "mm from the edge at" in piece["flags"][0]
    assert seam["margin_mean_mm"] == pytest.approx(MARGIN - seam["deviation_mean_mm"], abs=0.25)
