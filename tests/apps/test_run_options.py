"""`sewcell run` and `sewcell sim view`: lists, and refusals in one sentence."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from sewcell.apps.cli import app
from sewcell.config.fault_names import FAULT_TEXTS

POCKET = Path(__file__).parents[2] / "configs" / "garments" / "shirt-pocket.yaml"


def invoke(folder, *words):
    records = [] if "list" in words else ["--database", f"sqlite:///{folder}/runs.db"]
    return CliRunner().invoke(app, [*map(str, words), *records], terminal_width=400)


def test_the_list_of_faults_needs_no_garment(tmp_path):
    result = invoke(tmp_path, "run", "--fault", "list")
    assert result.exit_code == 0
    for name in FAULT_TEXTS:
        assert name in result.output


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--video", "cell.avi"], "let it end in .mp4"),
        (["--video", "cell.mp4", "--video-from", "below"], "cannot be filmed from 'below'; known: front, left"),
        (["--plies-left", "2"], "--plies-left must be 1 to 1, got 2: pieces come one by one (loader.stack_plies)"),
        (["--backend", "serial", "--video", "cell.mp4"], "only the simulated cell can be drawn"),
        (["--backend", "serial", "--fault", "thread-break@3s"], "can be caused only in the simulated cell"),
    ],
)
def test_what_cannot_be_shown_or_caused_is_refused_with_exit_code_2(tmp_path, monkeypatch, words, told):
    monkeypatch.chdir(tmp_path)
    result = invoke(tmp_path, "run", POCKET, "--out", tmp_path / "run", *words)
    assert result.exit_code == 2
    assert told in result.output
    assert "Traceback" not in result.output


def test_a_window_without_a_display_is_refused_with_exit_code_2(tmp_path, monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    result = invoke(tmp_path, "sim", "view", POCKET)
    assert result.exit_code == 2
    assert "there is no display" in result.output
