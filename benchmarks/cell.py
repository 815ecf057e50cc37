"""The whole simulated cell over seeds 1 to 10: pieces sewn, seam, pose, speed, and the same stitches twice."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.progress import track

from benchmarks.harness import Line, at_least, at_most, main
from sewcell.apps.run import RunRequest, run_garment

POCKET = Path(__file__).parents[1] / "configs" / "garments" / "shirt-pocket.yaml"
SEEDS = range(1, 21)
FAULTY = [("loose-pins", seed) for seed in (1, 2, 3)] + [("stitches-skipped", seed) for seed in (1, 2)]
MARGIN_MM, TOLERANCE_MM, DOUBT_MM = 12.0, 1.0, 0.25
"""The hem's distance from the edge, its tolerance, and how near to that a seam may be called either way."""


def run_seed(seed: int, scenario: str | None = None) -> dict[str, Any]:
    """The line for machines of one run."""
    with tempfile.TemporaryDirectory() as folder:
        request = RunRequest(
            POCKET, seed=seed, scenario=scenario, out=Path(folder), database=f"sqlite:///{folder}/runs.db"
        )
        return run_garment(request, on_step=lambda step: None).summary


def is_judged_right(seam: dict[str, Any]) -> bool:
    """Whether the camera's verdict on a seam is that of the needle's truth."""
    doubtful = seam["skipped_stitches"] == 0 and abs(seam["max_mm"] - TOLERANCE_MM) < DOUBT_MM
    good = seam["skipped_stitches"] == 0 and seam["max_mm"] <= TOLERANCE_MM
    return seam["good"] is not None and (doubtful or seam["good"] == good)


def build_lines() -> Iterator[Line]:
    """One claim after the other; the first seed runs twice, the first time to compile the kernels."""
    again = run_seed(SEEDS[0])
    runs = [run_seed(seed) for seed in track(SEEDS, "runs", transient=True)]
    sewn = [run for run in runs if run["result"] == "ok"]
    yield at_least(f"runs of {len(runs)} that end ok", len(sewn), 0.9 * len(runs))
    pieces = [piece for run in sewn for piece in run["pieces"]]
    seams = [seam for piece in pieces for seam in piece["seams"]]
    yield at_most("largest seam rms of the runs [mm]", max(seam["rms_mm"] for seam in seams), 1.0)
    yield at_most("largest pose error of the runs [mm]", max(piece["pose_error_mm"] for piece in pieces), 0.2)
    yield at_most("largest angle error of the runs [deg]", max(piece["pose_error_deg"] for piece in pieces), 0.1)
    yield at_least("smallest real-time factor of the runs", min(run["realtime_factor"] for run in sewn), 1.0)
    bad = [run_seed(seed, scenario) for scenario, seed in track(FAULTY, "faulty seams", transient=True)]
    judged = seams + [seam for run in bad for piece in run["pieces"] for seam in piece["seams"]]
    yield at_least(f"verdicts of {len(judged)} that are the truth's", sum(map(is_judged_right, judged)), len(judged))
    off = [abs(MARGIN_MM - seam["deviation_mean_mm"] - seam["margin_mean_mm"]) for seam in judged]
    yield at_most("largest error of a seam's mean distance from the edge as seen [mm]", max(off), 0.25)
    same = again["truth_digest"] == runs[0]["truth_digest"]
    yield at_least("same seed, same stitches (1: yes)", float(same), 1.0)


if __name__ == "__main__":
    main(build_lines)
