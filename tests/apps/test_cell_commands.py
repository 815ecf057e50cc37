"""`sewcell cell layout` finds a place for the machine, shows it, and can be stopped."""

from pathlib import Path

import cv2
import pytest
from typer.testing import CliRunner

from sewcell.apps import cell_commands
from sewcell.apps.cell_commands import cell_app
from sewcell.process.layout import search_layout

CONFIGS = Path(__file__).parents[2] / "configs"
POCKET = CONFIGS / "garments" / "shirt-pocket.yaml"


def layout(*words):
    return CliRunner().invoke(cell_app, ["layout", *words])


@pytest.mark.slow
def test_the_best_layout_is_shown_beside_the_present_and_no_file_is_edited(tmp_path, monkeypatch):
    monkeypatch.setattr("sewcell.process.layout.FINALISTS", 2)
    monkeypatch.setattr("sewcell.process.layout.STARTS", 1)
    before = (CONFIGS / "cells" / "bench.yaml").read_bytes()
    out = tmp_path / "layout.png"
    result = layout("--garment", str(POCKET), "--out", str(out), "--samples", "40")
    assert result.exit_code == 0, result.output
    assert "present" in result.output
    assert "machine:\n  needle: {xyz_mm: [" in result.output
    height, width = cv2.imread(str(out)).shape[:2]
    assert width > 1.5 * height
    assert (CONFIGS / "cells" / "bench.yaml").read_bytes() == before


@pytest.mark.slow
def test_a_search_stopped_with_ctrl_c_shows_the_best_so_far(tmp_path, monkeypatch):
    def interrupted(*arguments):
        states = search_layout(*arguments)
        yield next(states)
        raise KeyboardInterrupt

    monkeypatch.setattr(cell_commands, "search_layout", interrupted)
    result = layout("--garment", str(POCKET), "--out", str(tmp_path / "layout.png"))
    assert result.exit_code == 0, result.output
    assert "stopped: this is the best so far" in result.output
    assert "needle: {xyz_mm: [680, 0, 0], rpy_deg: [0, 0, 90]}" in result.output


def test_a_garment_that_does_not_exist_exits_with_2(tmp_path):
    assert layout("--garment", str(tmp_path / "none.yaml")).exit_code == 2


def test_without_a_feasible_placement_it_exits_with_1_and_tells_what_stood_in_the_way(tmp_path, monkeypatch):
    cell = (CONFIGS / "cells" / "bench.yaml").read_text().replace("[1000, 800, 0]", "[515, 800, 0]")
    (tmp_path / "cells").mkdir()
    for kind in ("arms", "cameras"):
        (tmp_path / kind).symlink_to(CONFIGS / kind)
    (tmp_path / "cells" / "narrow.yaml").write_text(cell)
    result = layout("--garment", str(POCKET), "--cell", str(tmp_path / "cells" / "narrow.yaml"), "--samples", "20")
    assert result.exit_code == 1
    assert "none of 21 placements is feasible" in result.output
    assert "the working area would stick out of the tabletop (21 times)" in result.output
