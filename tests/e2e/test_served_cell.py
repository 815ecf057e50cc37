"""The cell behind pseudo-terminals, driven in wall time, against the cell in the process."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import shapely

from sewcell.apps.run import RunRequest, run_garment
from sewcell.config.layers import Job
from sim.backend import SimBackend
from tests.e2e.conftest import POCKET

SEED = 1
TOLERANCE_MM = 0.3
STARTING = 240.0
"""Longest time that the served cell may take to start, on a computer that must compile first [s]."""
ATTEMPTS = 3
"""Another program may take the processor away in the middle of a seam, upon which the cell stops as it should."""


def is_busy() -> bool:
    return os.getloadavg()[0] > 1.0 * (os.cpu_count() or 1)


def sew_in_process(folder: Path) -> np.ndarray:
    backends: list[SimBackend] = []

    def open_backend(job: Job, seed: int, count: int) -> SimBackend:
        backends.append(SimBackend(job, seed, count))
        return backends[0]

    request = RunRequest(POCKET, seed=SEED, out=folder, database=f"sqlite:///{folder}.db")
    assert run_garment(request, lambda step: None, open_backend).summary["result"] == "ok"
    return np.array([(p.x, p.y) for p in backends[0].witness().needle_points])


def sew_served(folder: Path) -> tuple[dict[str, object], np.ndarray]:
    """The summary of the run through the ports, and what the served cell says really happened."""
    cell, truth = folder / "cell", folder / "truth.json"
    serve = [sys.executable, "-m", "sim", "serve", str(POCKET), "--pty", str(cell), "--seed", str(SEED)]
    served = subprocess.Popen([*serve, "--truth", str(truth)], stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + STARTING
        while not (cell / "ports.yaml").exists():
            assert served.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.1)
        command = [sys.executable, "-c", "from sewcell.apps.start import main; main()", "run", str(POCKET), "--json"]
        command += ["--backend", "serial", "--ports", str(cell / "ports.yaml"), "--out", str(folder / "run")]
        command += ["--database", f"sqlite:///{folder}/run.db"]
        finished = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    finally:
        served.send_signal(signal.SIGTERM)
        assert served.wait(30.0) == 0
    assert not list(cell.iterdir())
    summary = json.loads(finished.stdout.splitlines()[-1])
    points = np.array(json.loads(truth.read_text())["needle_points"]).reshape(-1, 4)
    return summary, points[:, 2:]


@pytest.mark.slow
@pytest.mark.skipif(is_busy(), reason="wall time needs a computer that has its cores free")
def test_the_seam_through_serial_ports_is_the_seam_of_the_process(tmp_path: Path) -> None:
    expected = sew_in_process(tmp_path / "process") * 1e3
    for attempt in range(ATTEMPTS):
        folder = tmp_path / f"served{attempt}"
        folder.mkdir()
        summary, points = sew_served(folder)
        if summary["result"] == "ok":
            break
    assert (summary["result"], summary["reason"]) == ("ok", "")
    assert len(points) == len(expected)
    seam = shapely.LineString(expected)
    beside = [seam.distance(shapely.Point(*point)) for point in points * 1e3]
    assert max(beside) <= TOLERANCE_MM
