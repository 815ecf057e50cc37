"""The cell behind pseudo-terminals, driven in wall time, against the cell in the process."""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from tests.e2e.conftest import POCKET, SharedRuns

TOLERANCE_MM = 0.3
ATTEMPTS = 3
LATE = (
    "late with the arm's next set point",
    "heard nothing from the host",
    "no answer for",
    "did not answer",
    "takes no bytes for",
)
"""Another program may take the processor away in the middle of a seam, upon which the cell stops as it should, with one
of these: only then is it tried again."""


@contextmanager
def serving(wishes: list[str], truth: Path) -> Iterator[None]:
    """A served cell, as soon as it says that it serves; `truth` is written at the end."""
    serve = [sys.executable, "-u", "-m", "sim", "serve", str(POCKET), "--truth", str(truth)]
    served = subprocess.Popen([*serve, *wishes], stdout=subprocess.PIPE, text=True)
    assert served.stdout is not None
    try:
        assert any("Ctrl-C stops" in line for line in served.stdout)
        yield
    finally:
        served.send_signal(signal.SIGTERM)
        assert served.wait(30.0) == 0


def sew_served(folder: Path) -> tuple[dict[str, object], np.ndarray]:
    """The summary of the run through the ports, and what the served cell says really happened."""
    cell, truth = folder / "cell", folder / "truth.json"
    with serving(["--pty", str(cell)], truth):
        command = [sys.executable, "-c", "from sewcell.apps.start import main; main()", "run", str(POCKET), "--json"]
        command += ["--backend", "serial", "--ports", str(cell / "ports.yaml"), "--out", str(folder / "run")]
        command += ["--database", f"sqlite:///{folder}/run.db"]
        finished = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert not list(cell.iterdir())
    summary = json.loads(finished.stdout.splitlines()[-1])
    points = np.array(json.loads(truth.read_text())["needle_points"]).reshape(-1, 4)
    return summary, points[:, 2:]


@pytest.mark.slow
def test_the_seam_through_serial_ports_is_the_seam_of_the_process(finished: SharedRuns, tmp_path: Path) -> None:
    expected = np.array([(p.x, p.y) for p in finished("undisturbed").truth.pierces]) * 1e3
    for attempt in range(ATTEMPTS):
        folder = tmp_path / f"served{attempt}"
        folder.mkdir()
        summary, points = sew_served(folder)
        if summary["result"] == "ok" or not any(words in str(summary["reason"]) for words in LATE):
            break
    assert (summary["result"], summary["reason"]) == ("ok", "")
    assert len(points) == len(expected)
    assert np.max(np.linalg.norm(points * 1e3 - expected, axis=1)) <= TOLERANCE_MM


def find_free_ports(count: int) -> int:
    """The first of so many TCP ports in a row that nobody uses."""
    for first in range(42000, 43000, count):
        try:
            for port in range(first, first + count):
                socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        return first
    raise AssertionError("no free TCP ports")


@pytest.mark.slow
def test_a_cell_served_over_tcp_answers_the_doctor_line_for_line(tmp_path: Path) -> None:
    first = find_free_ports(3)
    ports = tmp_path / "ports.yaml"
    ports.write_text(
        f'arm: {{url: "socket://127.0.0.1:{first}", baud: 115200}}\n'
        f'field_bus: {{url: "socket://127.0.0.1:{first + 1}", baud: 115200}}\n'
        f'camera: {{device: "http://127.0.0.1:{first + 2}/overhead.mkv", latency_ms: 400, timeout_s: 60}}\n'
    )
    with serving(["--tcp", str(first)], tmp_path / "truth.json"):
        command = [sys.executable, "-c", "from sewcell.apps.start import main; main()", "doctor", str(POCKET)]
        command += ["--ports", str(ports), "--json"]
        finished = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    states = {row["name"]: row["state"] for row in json.loads(finished.stdout)["findings"]}
    names = ("arm controller", "sewing head", "gripper and I/O module")
    assert [states[name] for name in names] == ["ok"] * 3
    assert states["camera"] != "fault"
