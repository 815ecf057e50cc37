"""What `sewcell doctor` says, on emulated controllers at real pseudo-terminals."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from serial.tools import list_ports
from typer.testing import CliRunner

from sewcell.apps.cli import app
from tests.serving import OldHead, ServedControllers

ROOT = Path(__file__).parents[2]
GARMENT = str(ROOT / "configs" / "garments" / "shirt-pocket.yaml")


@pytest.fixture(autouse=True)
def no_other_ports(monkeypatch, tmp_path):
    """The ports of the computer that runs the tests are none of their business."""
    monkeypatch.setattr(list_ports, "comports", list)
    monkeypatch.chdir(ROOT)


@pytest.fixture
def ask(tmp_path):
    picture = tmp_path / "pictures"
    picture.mkdir()
    film = cv2.VideoWriter(str(picture / "film.avi"), cv2.VideoWriter_fourcc(*"MJPG"), 10.0, (1600, 1200))
    for _ in range(3):
        film.write(np.full((1200, 1600, 3), 120, dtype=np.uint8))
    film.release()

    def ask(arm, bus, baud=115200):
        ports = tmp_path / "ports.yaml"
        ports.write_text(
            f'arm: {{url: "{arm}", baud: {baud}}}\n'
            f'field_bus: {{url: "{bus}", baud: {baud}, parity: N}}\n'
            f'camera: {{device: "{picture}/film.avi"}}\n'
        )
        outcome = CliRunner().invoke(app, ["doctor", GARMENT, "--ports", str(ports), "--json"])
        told = json.loads(outcome.stdout)
        assert outcome.exit_code == (0 if told["ok"] else 1)
        return {finding["name"]: finding for finding in told["findings"]}

    return ask


def test_a_healthy_cell_has_one_line_each_and_no_fault(tmp_path, ask):
    with ServedControllers(tmp_path) as cell:
        found = ask(cell.arm, cell.bus)
    assert list(found) == [
        "configuration", "arm controller", "sewing head", "gripper and I/O module", "camera", "calibration", "software",
        "priority", "disk", "clock",
    ]  # fmt: skip
    assert {finding["state"] for finding in found.values()} <= {"ok", "warning"}
    assert "1.1f" in found["arm controller"]["found"]
    assert "1600 x 1200" in found["camera"]["found"]


@pytest.mark.parametrize(
    ("disturb", "found", "action"),
    [
        (lambda cell: setattr(cell.plant, "arm_limit_hit", True), "in alarm", "sewcell arm home"),
        (lambda cell: cell.controller.receive(b"!", 1.0), "held", "release the hold"),
        (lambda cell: cell.controller.restart(1.0), "not homed", "sewcell arm home"),
    ],
)
def test_an_arm_that_cannot_move_is_no_healthy_arm(tmp_path, ask, disturb, found, action):
    with ServedControllers(tmp_path) as cell:
        cell.call(lambda: disturb(cell))
        arm = ask(cell.arm, cell.bus)["arm controller"]
    assert arm["state"] == "fault"
    assert found in arm["found"]
    assert action in arm["action"]


def test_exchanged_cables_are_recognised(tmp_path, ask):
    with ServedControllers(tmp_path) as cell:
        found = ask(cell.bus, cell.arm)
    assert found["arm controller"]["state"] == found["field bus"]["state"] == "fault"
    assert "the field bus answers there" in found["arm controller"]["found"]
    assert "the arm controller answers there" in found["field bus"]["found"]
    assert "exchange the cables" in found["field bus"]["action"]


def test_a_wrong_baud_rate_is_found_and_named(tmp_path, ask):
    with ServedControllers(tmp_path, baud=57600) as cell:
        found = ask(cell.arm, cell.bus)
    assert "answers at 57600 baud" in found["arm controller"]["found"]
    assert found["arm controller"]["action"] == "set arm.baud to 57600"
    assert found["field bus"]["action"] == "set field_bus.baud to 57600"


def test_old_firmware_and_missing_ports_are_told(tmp_path, ask):
    with ServedControllers(tmp_path, head=OldHead) as cell:
        found = ask(str(tmp_path / "nothing"), cell.bus)
    assert "no such port" in found["arm controller"]["found"] + found["arm controller"]["action"]
    assert "protocol version 0" in found["sewing head"]["found"]
    assert "update" in found["sewing head"]["action"]
    assert found["gripper and I/O module"]["state"] == "ok"


def test_without_a_configuration_the_computer_is_still_looked_at(tmp_path):
    outcome = CliRunner().invoke(app, ["doctor", str(tmp_path / "nothing.yaml"), "--json"])
    told = json.loads(outcome.stdout)
    assert outcome.exit_code == 1
    assert [finding["name"] for finding in told["findings"]] == ["configuration", "software", "priority", "disk"]
    assert "nothing.yaml" in told["findings"][0]["found"]


def test_people_get_a_table(tmp_path):
    outcome = CliRunner().invoke(app, ["doctor", str(tmp_path / "nothing.yaml")])
    assert outcome.exit_code == 1
    assert "what to do" in outcome.stdout
    assert "fault" in outcome.stdout
