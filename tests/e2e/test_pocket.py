"""The simulated cell finds, picks and sews a shirt pocket through the bytes of its devices."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from mcap.reader import make_reader

from sewcell.cell.records import RunRecords
from tests.e2e.conftest import POCKET, Runner, SharedRuns

pytestmark = pytest.mark.slow

STEPS = [
    "go home", "look at empty table", "present", "look", "plan", "pick", "lift", "carry", "lay under foot", "foot down",
    "sew", "trim", "foot up", "take out", "put down", "look again", "inspect",
]  # fmt: skip


def test_the_hem_is_sewn_where_it_was_planned_and_everything_is_recorded(finished: SharedRuns) -> None:
    run = finished("undisturbed")
    summary = run.outcome.summary
    assert (summary["result"], summary["reason"], run.outcome.exit_code) == ("ok", "", 0)
    assert [step["name"] for step in summary["steps"]] == STEPS
    (piece,) = summary["pieces"]
    assert piece["picked"]
    assert piece["pose_error_mm"] <= 0.5
    assert piece["pose_error_deg"] <= 0.3
    (seam,) = piece["seams"]
    assert seam["stitches"] == 43 + 4 * 3
    assert seam["missed_stitches"] == 0
    assert seam["rms_mm"] <= 1.0
    assert seam["stitch_length_mean_mm"] == pytest.approx(2.5, abs=0.05)
    assert min(summary["arm_bytes_sent"], summary["arm_bytes_received"], summary["modbus_frames"]) > 1000

    (row,) = RunRecords(run.database).all()
    assert (row.result, row.config_digest) == ("ok", summary["config_digest"])
    assert row.summary["truth_digest"] == summary["truth_digest"]
    with (run.folder / "run.mcap").open("rb") as file:
        topics = {channel.topic for _, channel, _ in make_reader(file).iter_messages()}
    assert topics >= {"/arm/joints", "/bytes/arm", "/bytes/field_bus", "/camera/overhead", "/decisions", "/notes"}
    page = (run.folder / "report.html").read_text(encoding="utf-8")
    assert page.count("data:image/jpeg") == 3
    assert page.count("<svg") == 3
    assert summary["config_digest"] in page


def run_with_interruptions(command: list[str]) -> dict[str, object]:
    """The summary of a command that loses the processor for a tenth of a second again and again."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while True:
        try:
            out, err = process.communicate(timeout=0.5)
            break
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGSTOP)
            time.sleep(0.1)
            process.send_signal(signal.SIGCONT)
    assert process.returncode == 0, err
    summary: dict[str, object] = json.loads(out.splitlines()[-1])
    return summary


def test_the_same_seed_gives_the_same_stitches_in_another_process_that_is_interrupted(
    finished: SharedRuns, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", "from sewcell.apps.start import main; main()", "run", str(POCKET), "--json"]
    command += ["--scenario", "worn-cell", "--out", str(tmp_path / "run"), "--database", f"sqlite:///{tmp_path}/r.db"]
    elsewhere = run_with_interruptions(command)
    here = finished("worn-cell").outcome.summary
    assert elsewhere["truth_digest"] == here["truth_digest"]
    assert elsewhere["steps"] == here["steps"]


def test_two_pieces_are_sewn_one_after_the_other(run: Runner) -> None:
    summary = run(seed=2, count=2).summary
    assert summary["result"] == "ok"
    assert [len(piece["seams"]) for piece in summary["pieces"]] == [1, 1]
    first, second = (piece["seams"][0]["rms_mm"] for piece in summary["pieces"])
    assert max(first, second) <= 1.0
    assert first != second
