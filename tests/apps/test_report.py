"""The run report shows what the cell saw where it saw it."""

from types import SimpleNamespace

import numpy as np
import pytest

from sewcell.apps import report
from sewcell.config.layers import load_job
from sewcell.config.values import make_camera_model
from sewcell.geometry.planar import PlanarPose
from sewcell.image import Image
from sewcell.process.worklog import PieceLog, Sighting, Worklog

PLY = 0.3e-3


@pytest.mark.parametrize("plies", [1, 5])
def test_the_outline_of_a_stack_is_drawn_at_the_height_at_which_it_was_found(tmp_path, monkeypatch, plies):
    job = load_job("shirt-pocket")
    camera = make_camera_model(job)
    heights = []

    def draw(image, result, camera, pieces, thickness):
        heights.append(thickness)
        return np.zeros((4, 4, 3), np.uint8)

    monkeypatch.setattr(report, "draw_result", draw)
    image = Image(np.zeros((4, 4, 3), np.uint8), "overhead", 0.0)
    height = PLY * (1 + plies) / 2.0
    log = PieceLog(0, "POCKET", found=Sighting(image, SimpleNamespace(pose=PlanarPose(0.4, 0.2, 0.0)), camera, height))
    summary = dict.fromkeys(report.RUN_KEYS, 0)
    summary |= {"garment": "shirt-pocket", "result": "ok", "alarms": [], "config_digest": "", "plies_left": plies - 1}
    report.write_report(tmp_path / "report.html", job, Worklog([log]), [], {}, summary)
    assert heights == [height]
    assert "plies left" in (tmp_path / "report.html").read_text(encoding="utf-8")
