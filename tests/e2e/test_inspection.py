"""The cell judges its seams from pixels as the needle's truth does, and flags what is out of tolerance."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from sewcell.apps.cli import app
from sewcell.apps.run import RunRequest, run_garment
from sewcell.config.layers import Job, load_job
from sewcell.units import MM
from sim.backend import SimBackend
from tests.e2e.conftest import POCKET, Runner

pytestmark = pytest.mark.slow

MARGIN = 12.0
"""The hem is planned this far from the edge, which lies to the left of the needle's way [mm]."""


def test_a_good_seam_is_measured_to_a_fifth_of_a_millimetre_and_not_flagged(run: Runner) -> None:
    (piece,) = run(seed=1).summary["pieces"]
    (seam,) = piece["seams"]
    assert (piece["flags"], seam["good"]) == ([], True)
    assert seam["margin_mean_mm"] == pytest.approx(MARGIN - seam["deviation_mean_mm"], abs=0.2)
    assert seam["stitch_length_seen_mm"] == pytest.approx(seam["stitch_length_mean_mm"], abs=0.03)
    assert (seam["skipped_stitches"], seam["skipped_seen"]) == (0, 0)


def test_skipped_stitches_are_seen_flagged_drawn_and_judged_the_same_in_a_replay(run: Runner, tmp_path: Path) -> None:
    outcome = run(scenario="stitches-skipped")
    assert (outcome.summary["result"], outcome.exit_code) == ("ok", 0)
    (piece,) = outcome.summary["pieces"]
    (seam,) = piece["seams"]
    assert (seam["skipped_stitches"], seam["skipped_seen"], seam["good"]) == (2, 2, False)
    (flag,) = piece["flags"]
    assert "stitch skipped at" in flag
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8").replace("&#39;", "'")
    assert flag in page
    assert "the sewn seam straightened" in page
    told = CliRunner().invoke(app, ["vision", "replay", str(tmp_path / "run"), "--json"])
    (verdict,) = json.loads(told.stdout)["verdicts"]
    assert verdict["identical"]
    assert len(verdict["new"]["skipped_mm"]) == 2


def test_the_stitch_that_the_truth_says_was_missed_is_the_one_that_the_inspection_flags(tmp_path: Path) -> None:
    backends: list[SimBackend] = []

    def open_backend(job: Job, seed: int, count: int) -> SimBackend:
        backends.append(SimBackend(job, seed, count))
        return backends[0]

    request = RunRequest(
        POCKET, faults=("stitch-skipped@9s",), out=tmp_path / "run", database=f"sqlite:///{tmp_path}/r.db"
    )
    (piece,) = run_garment(request, lambda step: None, open_backend).summary["pieces"]
    truth = backends[0].truth
    (missed,) = (pierce for pierce in truth.pierces if pierce.skipped)
    assert truth.events == [(missed.time, f"the hook missed the loop of stitch {missed.turn}")]
    assert missed.time == pytest.approx(9.0, abs=60.0 / 1000.0 + 1.0 / 240.0)
    (flag,) = piece["flags"]
    (place,) = re.findall(r"stitch skipped at (\d+) mm", flag)
    start, end = load_job(POCKET).pieces["POCKET"].sew_lines[0][[0, -1]]
    along = (np.array([missed.x, missed.y]) - start) @ (end - start) / np.linalg.norm(end - start)
    assert float(place) == pytest.approx(along / MM, abs=1.0)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_seam_beside_its_line_is_flagged_with_where_it_is_worst(run: Runner, seed: int) -> None:
    (piece,) = run(scenario="loose-pins", seed=seed).summary["pieces"]
    (seam,) = piece["seams"]
    assert seam["max_mm"] > 1.0
    assert seam["good"] is False
    assert "mm from the edge at" in piece["flags"][0]
    assert seam["margin_mean_mm"] == pytest.approx(MARGIN - seam["deviation_mean_mm"], abs=0.25)
