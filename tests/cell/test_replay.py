"""A recorded run is decided again on the same pictures, to the last bit, as far as the recording goes."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from sewcell.apps.cli import app
from sewcell.cell.decision_codec import decode_decision, encode_decision
from sewcell.cell.journal import Journal
from sewcell.cell.replay import replay_recording
from sewcell.errors import ConfigError
from sewcell.image import Image
from sewcell.pattern.piece import Notch, Piece
from sewcell.process.looking import Decision, EmptyTable, SightOrder, decide
from sewcell.vision.background import make_background
from sewcell.vision.camera_model import CameraModel

PIXEL = 0.5e-3
SIZE = (480, 400)
OUTLINE = np.array([[0.0, 0.0], [90.0, 0.0], [90.0, 60.0], [30.0, 85.0], [0.0, 60.0]]) * 1e-3


def draw(pieces: list[tuple[float, float, float]], seed: int, at: float) -> Image:
    """Pieces at x, y [m], angle [rad] on a grey table, seen from straight above."""
    rng = np.random.default_rng(seed)
    fine = np.full((SIZE[1] * 4, SIZE[0] * 4), 0, np.uint8)
    for x, y, turn in pieces:
        c, s = np.cos(turn), np.sin(turn)
        points = OUTLINE @ np.array([[c, s], [-s, c]]) + (x, y)
        pixels = (points / PIXEL + 0.5) * (1, -1) * 4 + (-0.5, SIZE[1] * 4 - 0.5)
        cv2.fillPoly(fine, [np.round(pixels * 16).astype(np.int32).reshape(-1, 1, 2)], 255, cv2.LINE_8, 4)
    cover = cv2.resize(fine, SIZE, interpolation=cv2.INTER_AREA)[..., None] / 255.0
    table = 110.0 + 25.0 * np.sin(np.arange(SIZE[0]) / 30.0)[None, :, None]
    light = cv2.GaussianBlur(cover * np.array([190.0, 120.0, 90.0]) + (1.0 - cover) * table, (0, 0), 0.6)
    noisy = light + 2.0 * rng.standard_normal((SIZE[1], SIZE[0], 3))
    return Image(np.clip(np.round(noisy), 0, 255).astype(np.uint8), "overhead", at)


@pytest.fixture(scope="module")
def order() -> SightOrder:
    T = np.diag([1.0, -1.0, -1.0, 1.0])
    middle = (np.array(SIZE) - 1.0) / 2.0
    T[:3, 3] = -middle[0] * PIXEL, middle[1] * PIXEL, 1.0
    focal = 1.0 / PIXEL
    matrix = np.array([[focal, 0.0, middle[0]], [0.0, focal, middle[1]], [0.0, 0.0, 1.0]])
    camera = CameraModel(SIZE, matrix, np.zeros(5), T)
    notch = Notch(np.array([0.09, 0.03]), np.array([-1.0, 0.0]), 4e-3)
    piece = Piece("FLAP", "M", OUTLINE, (notch,), (OUTLINE[:2] + np.array([0.0, 5e-3]),), grainline=OUTLINE[:2])
    zone = np.array([[0.0, 0.0], [0.24, 0.0], [0.24, 0.2], [0.0, 0.2]])
    return SightOrder(piece, zone, camera, 0.0, 0.5e-3, 0.3)


@pytest.fixture(scope="module")
def recording(order: SightOrder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that found its piece, then saw an empty table where it should have been, then found it again."""
    folder = tmp_path_factory.mktemp("run")
    with Journal(folder / "run.mcap") as journal:
        empty = draw([], 1, 0.5)
        journal.add_image(empty)
        journal.add_empty_table(EmptyTable("overhead", 0.5))
        background = make_background([empty])
        for number, pieces in enumerate([[(0.07, 0.06, 0.3)], [], [(0.11, 0.05, 0.1)]]):
            image = draw(pieces, number + 2, 1.1 + number)
            journal.add_image(image)
            journal.add_decision(decide(order, image, background))
    return folder


def test_a_decision_tells_whether_anything_of_the_size_of_a_piece_lies_there(order: SightOrder) -> None:
    background = make_background([draw([], 1, 0.5)])
    scrap = draw([], 3, 1.0)
    cv2.circle(scrap.pixels, (150, 250), 14, (190, 120, 90), -1)
    seen = [
        draw([], 2, 1.0),
        scrap,
        draw([(0.07, 0.06, 0.3)], 4, 1.0),
        draw([(0.05, 0.06, 0.3), (0.09, 0.08, 1.3)], 5, 1.0),
    ]
    decided = [decide(order, image, background) for image in seen]
    assert [decision.empty for decision in decided] == [True, True, False, False]
    assert decided[1].refusal.startswith("no piece 'FLAP' found: the object"), "a scrap is seen, but is no piece"
    for decision in decided:
        assert decode_decision(encode_decision(decision), 1.0).empty == decision.empty


def test_the_same_program_decides_the_same_to_the_last_bit(recording: Path) -> None:
    replay = replay_recording(recording)
    assert [decision.identical for decision in replay.decisions] == [True, True, True]
    assert (replay.pictures, replay.broken) == (4, False)
    assert replay.decisions[0].moved == (0.0, 0.0)
    assert replay.decisions[1].recorded.refusal.startswith("nothing lies in the zone")


def test_the_recorded_answer_is_where_the_piece_lay(recording: Path) -> None:
    located = replay_recording(recording / "run.mcap").decisions[0].recorded.located
    assert located is not None
    assert (located.pose.x, located.pose.y, located.pose.theta) == pytest.approx((0.07, 0.06, 0.3), abs=2e-3)


def test_a_locator_that_answers_otherwise_is_seen(recording: Path, order: SightOrder, tmp_path: Path) -> None:
    empty, image = draw([], 1, 0.5), draw([(0.07, 0.06, 0.3)], 2, 1.0)
    other = decide(order, draw([(0.0705, 0.06, 0.3)], 2, 1.0), make_background([empty]))
    with Journal(tmp_path / "run.mcap") as journal:
        journal.add_image(empty)
        journal.add_empty_table(EmptyTable("overhead", 0.5))
        journal.add_image(image)
        journal.add_decision(other)
    (decision,) = replay_recording(tmp_path).decisions
    assert not decision.identical
    assert decision.moved is not None
    assert decision.moved[0] == pytest.approx(0.5e-3, abs=0.1e-3)


def test_a_decision_comes_back_from_json_as_it_was(recording: Path) -> None:
    for replayed in replay_recording(recording).decisions:
        decision = replayed.recorded
        message = encode_decision(decision)
        again = decode_decision(json.loads(json.dumps(message)), decision.taken_at)
        assert encode_decision(again) == message


@pytest.mark.parametrize("share", [0.8, 0.9, 0.97])
def test_a_recording_that_was_cut_off_is_replayed_as_far_as_it_goes(
    share: float, recording: Path, tmp_path: Path
) -> None:
    data = (recording / "run.mcap").read_bytes()
    path = tmp_path / "cut.mcap"
    path.write_bytes(data[: int(share * len(data))])
    replay = replay_recording(path)
    assert replay.broken
    assert all(decision.identical for decision in replay.decisions)


def test_a_damaged_recording_is_replayed_up_to_the_damage(recording: Path, tmp_path: Path) -> None:
    data = bytearray((recording / "run.mcap").read_bytes())
    at = int(0.9 * len(data))
    data[at - 4000 : at] = bytes(4000)
    path = tmp_path / "damaged.mcap"
    path.write_bytes(data)
    replay = replay_recording(path)
    assert 1 <= len(replay.decisions) < 3
    assert replay.broken


def test_what_is_no_recording_is_refused_in_one_sentence(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("not a recording at all")
    blank = tmp_path / "blank.mcap"
    blank.write_bytes(b"")
    with Journal(tmp_path / "run.mcap") as journal:
        journal.add_note("step", "go home", 0.1)
    for path, reason in (
        (text, "is no recording"),
        (blank, "is no recording"),
        (tmp_path, "holds no picture"),
        (tmp_path / "missing", "cannot be read"),
    ):
        with pytest.raises(ConfigError, match=reason):
            replay_recording(path)


def test_the_command_prints_old_and_new_answers(recording: Path) -> None:
    runner = CliRunner()
    shown = runner.invoke(app, ["vision", "replay", str(recording)])
    assert shown.exit_code == 0
    assert "3 of 3 decisions" in shown.output
    told = json.loads(runner.invoke(app, ["vision", "replay", str(recording), "--json"]).stdout)
    assert told["identical"] == 3
    assert told["decisions"][0]["moved_mm"] == 0.0
    assert told["decisions"][0]["old"] == told["decisions"][0]["new"]


def test_the_command_refuses_with_exit_code_2(tmp_path: Path) -> None:
    refused = CliRunner().invoke(app, ["vision", "replay", str(tmp_path / "nowhere")])
    assert refused.exit_code == 2
    assert "cannot be read" in refused.output


def test_a_refusal_is_a_decision_too(order: SightOrder) -> None:
    empty = draw([], 1, 0.0)
    decision = decide(order, Image(np.zeros_like(empty.pixels), "overhead", 1.0), make_background([empty]))
    assert isinstance(decision, Decision)
    assert decision.located is None
    assert "dark" in decision.refusal
