"""The whole simulated cell over seeds 1 to 10: pieces sewn, seam, pose, speed, and the same stitches twice."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.progress import track

from benchmarks.harness import Line, at_least, at_most, main
from sewcell.apps.run import RunRequest, run_garment

POCKET = Path(__file__).parents[1] / "configs" / "garments" / "shirt-pocket.yaml"
SEEDS = range(1, 11)


def run_seed(seed: int) -> dict[str, Any]:
    """The line for machines of one run."""
    with tempfile.TemporaryDirectory() as folder:
        request = RunRequest(POCKET, seed=seed, out=Path(folder), database=f"sqlite:///{folder}/runs.db")
        return run_garment(request, on_step=lambda step: None).summary


def build_lines() -> Iterator[Line]:
    """One claim after the other; the first seed runs twice, the first time to compile the kernels."""
    again = run_seed(SEEDS[0])
    runs = [run_seed(seed) for seed in track(SEEDS, "runs", transient=True)]
    sewn = [run for run in runs if run["result"] == "ok"]
    yield at_least("runs of 10 that end ok", len(sewn), 9)
    pieces = [piece for run in sewn for piece in run["pieces"]]
    seams = [seam for piece in pieces for seam in piece["seams"]]
    yield at_most("largest seam rms of the runs [mm]", max(seam["rms_mm"] for seam in seams), 1.0)
    yield at_most("largest pose error of the runs [mm]", max(piece["pose_error_mm"] for piece in pieces), 0.5)
    yield at_most("largest angle error of the runs [deg]", max(piece["pose_error_deg"] for piece in pieces), 0.3)
    yield at_least("smallest real-time factor of the runs", min(run["realtime_factor"] for run in sewn), 1.0)
    same = again["truth_digest"] == runs[0]["truth_digest"]
    yield at_least("same seed, same stitches (1: yes)", float(same), 1.0)


if __name__ == "__main__":
    main(build_lines)
