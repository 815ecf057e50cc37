"""The cell judges its seams from pixels as the needle's truth does, and flags what is out of tolerance."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sewcell.apps.cli import app
from tests.e2e.conftest import Runner

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


@pytest.mark.parametrize("seed", [1, 2])
def test_a_seam_beside_its_line_is_flagged_with_where_it_is_worst(run: Runner, seed: int) -> None:
    (piece,) = run(scenario="loose-pins", seed=seed).summary["pieces"]
    (seam,) = piece["seams"]
    assert seam["max_mm"] > 1.0
    assert seam["good"] is False
    assert "mm from the edge at" in piece["flags"][0]
    assert seam["margin_mean_mm"] == pytest.approx(MARGIN - seam["deviation_mean_mm"], abs=0.25)
