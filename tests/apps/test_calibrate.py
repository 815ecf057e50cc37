"""`sewcell calibrate`: whole commands in the simulated cell against its truth, from folders, and with bad input."""

import asyncio
import json
import shutil
from datetime import datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from sewcell.apps import calibrate_shots
from sewcell.apps.cli import app
from sewcell.apps.run import RunRequest, run_garment
from sewcell.backend import CellPorts
from sewcell.config.calibration_files import (
    check_file,
    describe_camera,
    read_camera,
    read_lens,
    require_passed_check,
    write_calibration,
)
from sewcell.config.layers import load_job
from sewcell.config.models_calibration import CheckModel
from sewcell.config.models_cell import CameraModel
from sewcell.config.values import make_camera_model
from sewcell.errors import ConfigError, InterlockError
from sewcell.geometry.board_pattern import parse_board
from sewcell.geometry.poses import make_pose
from sewcell.image import Image
from sewcell.units import MM
from sewcell.vision.camera_model import CameraModel as Camera
from sim.camera.boards import make_board
from sim.hands import TIP_TABLE
from tests.vision.test_calibration_boards import VIEW, photograph

ROOT = Path(__file__).parents[2]
REAL = ROOT.parent / "shared" / "data" / "calibration"
TRUTH = ROOT / "configs" / "cameras" / "bench-overhead.yaml"
POCKET = ROOT / "configs" / "garments" / "shirt-pocket.yaml"
AS_BUILT = ROOT / "tests" / "apps" / "as_built.yaml"
"""Noisy pictures from a cell that stands exactly as its files say: their figures are the truth."""
GARMENT = ["--garment", str(POCKET), "--imperfections", str(AS_BUILT)]


def calibrate(*words: object) -> Result:
    return CliRunner().invoke(app, ["calibrate", *map(str, words)])


def ends_well(*words: object) -> dict:
    result = calibrate(*words, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout.strip().splitlines()[-1])


def is_refused(sentence: str, *words: object, exit_code: int = 2) -> None:
    result = calibrate(*words)
    assert result.exit_code == exit_code, result.output
    assert "Traceback" not in result.output
    said = " ".join(result.output.split())
    assert sentence in said
    assert said.count("failed:") == 1


def table_error(camera: Camera) -> float:
    """rms over the working area of where the camera finds points of the table [m]."""
    x, y = np.meshgrid(np.linspace(0.03, 0.61, 7), np.linspace(0.03, 0.45, 7))
    points = np.column_stack((x.ravel(), y.ravel()))
    found = camera.table_points(read_camera(TRUTH).project_plane(points))
    return float(np.sqrt(np.mean(np.sum((found - points) ** 2, axis=1))))


@pytest.mark.slow
def test_lens_then_table_measure_the_simulated_table_to_a_twentieth_of_a_millimetre(tmp_path: Path) -> None:
    lens, kept = tmp_path / "lens.yaml", tmp_path / "kept"
    said = ends_well(
        "camera", "--board", "chessboard:9x6:25", "--views", 10, "--out", lens, "--keep", kept, "--seed", 3, *GARMENT
    )
    truth = read_camera(TRUTH)
    assert said["rms_px"] < 0.1
    assert said["held_out_px"] < 0.1
    found = read_lens(lens).matrix
    errors = np.array([found[0, 0], found[1, 1], found[0, 2], found[1, 2]]) - truth.matrix[[0, 1, 0, 1], [0, 1, 2, 2]]
    assert np.all(np.abs(errors) < 4.0 * np.array(said["sigma_px"]))
    # The stored pictures give the same lens again.
    again = tmp_path / "again.yaml"
    ends_well("camera", "--board", "chessboard:9x6:25", "--pictures", kept, "--out", again)
    np.testing.assert_array_equal(read_lens(again).matrix, found)

    camera = tmp_path / "camera.yaml"
    said = ends_well(
        "table", "--lens", lens, "--board", "chessboard:9x6:25", "--at-mm", 100, 120, "--at-deg", 10,
        "--thickness-mm", 3, "--views", 4, "--out", camera, *GARMENT,
    )  # fmt: skip
    assert table_error(read_camera(camera)) < 0.05 * MM
    assert said["sigma_mm"] < 0.05
    assert said["held_out_mm"] < 0.05

    # The cell sews through the calibrated camera, while the world keeps the true one.
    request = RunRequest(
        _cell_with(tmp_path, camera),
        imperfections=str(AS_BUILT),
        out=tmp_path / "run",
        database=f"sqlite:///{tmp_path}/runs.db",
    )
    outcome = run_garment(request, on_step=lambda step: None)
    assert outcome.exit_code == 0
    assert outcome.summary["pieces"][0]["pose_error_mm"] < 0.2


@pytest.mark.slow
def test_a_flat_charuco_board_on_the_table_places_the_camera_live_and_from_the_stored_pictures(tmp_path: Path) -> None:
    live, again, kept = tmp_path / "live.yaml", tmp_path / "again.yaml", tmp_path / "kept"
    words = ("table", "--lens", TRUTH, "--board", "charuco:11x8:22:16", "--at-mm", 150, 120, *GARMENT)
    ends_well(*words, "--views", 3, "--out", live, "--keep", kept)
    assert table_error(read_camera(live)) < 0.05 * MM
    ends_well(*words, "--pictures", kept, "--out", again)
    np.testing.assert_array_equal(read_camera(again).T_camera_table, read_camera(live).T_camera_table)


@pytest.mark.slow
def test_hand_and_eye_of_the_simulated_cell_agree_with_its_truth(tmp_path: Path) -> None:
    out = tmp_path / "hand-eye.yaml"
    said = ends_well(
        "hand-eye", "--lens", TRUTH, "--board", "charuco:11x8:22:16", "--views", 10, "--out", out,
        "--keep", tmp_path / "kept", *GARMENT,
    )  # fmt: skip
    again = tmp_path / "again.yaml"
    repeated = ends_well(
        "hand-eye", "--lens", TRUTH, "--board", "charuco:11x8:22:16", "--pictures", tmp_path / "kept", "--out", again,
        *GARMENT,
    )  # fmt: skip
    assert repeated["held_out_mm"] == pytest.approx(said["held_out_mm"], rel=0.01)
    job = load_job(POCKET)
    T_base_camera = job.cell.table.pose.matrix() @ np.linalg.inv(read_camera(TRUTH).T_camera_table)
    text = out.read_text()
    rows = [line.strip(" -[]").split(", ") for line in text.splitlines() if line.startswith("  - [")]
    found = np.array(rows, dtype=float)
    distance = np.linalg.norm(found[:3, 3] - T_base_camera[:3, 3]) / MM
    assert distance < 3.0 * said["sigma_mm"] < 1.0
    assert said["held_out_mm"] < 0.3
    assert "table.pose for the cell file: {xyz_mm: [-1" in text


@pytest.mark.slow
def test_touching_finds_tool_and_tip_of_the_simulated_cell(tmp_path: Path) -> None:
    said = ends_well("tool", "--out", tmp_path / "tool.yaml", *GARMENT)
    job = load_job(POCKET)
    tip = (job.cell.table.pose.matrix() @ [*TIP_TABLE, 1.0])[:3] / MM
    assert np.linalg.norm(np.array(said["tool_mm"]) - job.cell.tool.pose.xyz_mm) < 4.0 * said["tool_sigma_mm"] < 0.8
    assert np.linalg.norm(np.array(said["tip_mm"]) - tip) < 4.0 * said["tip_sigma_mm"] < 0.8


def _shift_camera(folder: Path, shift_mm: float) -> Path:
    camera = read_camera(TRUTH)
    moved = Camera(
        camera.image_size_px, camera.matrix, camera.distortion, camera.T_camera_table @ make_pose((shift_mm * MM, 0, 0))
    )
    path = folder / f"moved by {shift_mm}.yaml"
    write_calibration(path, "table", ["a test"], describe_camera(moved), CameraModel)
    return path


@pytest.mark.slow
def test_the_check_of_a_shift_lets_a_still_camera_run_and_stops_a_moved_one(tmp_path: Path) -> None:
    marks = tmp_path / "fiducials.yaml"
    kept = tmp_path / "kept"
    ends_well("check", "--remember", "--fiducials", marks, "--views", 2, "--keep", kept, *GARMENT)
    stored = ends_well("check", "--fiducials", marks, "--pictures", kept, *GARMENT)
    assert stored["largest_mm"] < 0.001
    still = ends_well("check", "--fiducials", marks, "--views", 1, "--seed", 5, *GARMENT)
    assert still["may_run"]
    assert still["largest_mm"] < 0.05
    little = ends_well("check", "--fiducials", marks, "--camera", _shift_camera(tmp_path, 0.1), "--views", 1, *GARMENT)
    assert 0.05 < little["largest_mm"] < 0.15
    is_refused(
        "do not run: fiducial", "check", "--fiducials", marks, "--camera", _shift_camera(tmp_path, 0.3), "--views", 1,
        *GARMENT, exit_code=1,
    )  # fmt: skip
    # The same markers at known places place the camera as well.
    out = tmp_path / "camera.yaml"
    ends_well("table", "--lens", TRUTH, "--fiducials", marks, "--out", out, *GARMENT)
    assert table_error(read_camera(out)) < 0.1 * MM


@pytest.mark.skipif(not REAL.is_dir(), reason="the real pictures are not here")
def test_a_folder_of_real_pictures_gives_a_lens_file(tmp_path: Path) -> None:
    out = tmp_path / "lens.yaml"
    said = ends_well("camera", "--board", "chessboard:9x6:25", "--pictures", REAL, "--out", out)
    assert said["rms_px"] <= 0.20
    assert read_lens(out).image_size_px == (640, 480)
    assert "in pictures left out of the fit: 0.201 px rms" in out.read_text()
    is_refused("add --force", "camera", "--board", "chessboard:9x6:25", "--pictures", REAL, "--out", out)
    ends_well("camera", "--board", "chessboard:9x6:25", "--pictures", REAL, "--out", out, "--force")


def test_a_file_that_a_person_wrote_is_never_replaced(tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    shutil.copy(TRUTH, mine)
    is_refused(
        "was not written by `sewcell calibrate`", "camera", "--board", "chessboard:9x6:25", "--pictures", tmp_path,
        "--out", mine, "--force",
    )  # fmt: skip
    assert mine.read_bytes() == TRUTH.read_bytes()


def test_bad_input_is_told_in_one_sentence(tmp_path: Path) -> None:
    board, out = ("--board", "chessboard:9x6:25"), ("--out", tmp_path / "out.yaml")
    is_refused("no folder", "camera", *board, "--pictures", tmp_path / "nowhere", *out)
    is_refused("holds no pictures", "camera", *board, "--pictures", tmp_path, *out)
    is_refused("no board 'dots'", "camera", "--board", "dots", "--pictures", tmp_path, *out)
    (tmp_path / "broken.png").write_bytes(b"no picture")
    is_refused("cannot be read as a picture", "camera", *board, "--pictures", tmp_path, *out)
    cv2.imwrite(str(tmp_path / "broken.png"), np.full((480, 640, 3), 255, np.uint8))
    is_refused("only 0 pictures show the board", "camera", *board, "--pictures", tmp_path, *out)
    is_refused("no picture shows", "table", "--lens", TRUTH, *board, "--pictures", tmp_path, *out, *GARMENT)
    is_refused("no file", "table", "--lens", tmp_path / "no.yaml", *board, "--pictures", tmp_path, *out, *GARMENT)
    is_refused("either --board or --fiducials", "table", "--lens", TRUTH, "--pictures", tmp_path, *out, *GARMENT)
    is_refused(
        "half a turn", "table", "--lens", TRUTH, "--board", "chessboard:8x6:25", "--pictures", tmp_path, *out, *GARMENT
    )
    is_refused("joints.csv", "hand-eye", "--lens", TRUTH, *board, "--pictures", tmp_path, *out, *GARMENT)
    (tmp_path / "joints.csv").write_text("broken.png,1,2,3\n")
    is_refused("joints.csv:1", "hand-eye", "--lens", TRUTH, *board, "--pictures", tmp_path, *out, *GARMENT)
    is_refused("must be numbers", "tool", "--joints", _write(tmp_path, "a,b,c,d,e,f,g\n"), *out, *GARMENT)
    is_refused("only 1 touch", "tool", "--joints", _write(tmp_path, "a,1,2,3,4,5,6\n"), *out, *GARMENT)
    is_refused("--remember", "check", "--fiducials", tmp_path / "none.yaml", *GARMENT)
    is_refused("no backend 'moon'", "camera", *board, "--backend", "moon", *out, *GARMENT)
    assert not (tmp_path / "out.yaml").exists()


def _write(folder: Path, text: str) -> Path:
    path = folder / "touches.csv"
    path.write_text(text)
    return path


def _cell_with(folder: Path, calibration: Path) -> Path:
    shutil.copytree(ROOT / "configs", folder / "configs")
    cell = folder / "configs" / "cells" / "bench.yaml"
    file = "  file: ../cameras/bench-overhead.yaml\n"
    text = cell.read_text()
    assert file in text
    cell.write_text(text.replace(file, f"{file}  calibration: {calibration}\n"))
    return folder / "configs" / "garments" / "shirt-pocket.yaml"


def test_a_cell_that_names_a_calibration_is_seen_through_it(tmp_path: Path) -> None:
    measured = _shift_camera(tmp_path, 0.7)
    job, plain = load_job(_cell_with(tmp_path, measured)), load_job(POCKET)
    assert job.digest != plain.digest
    assert measured in job.files
    np.testing.assert_allclose(make_camera_model(job).T_camera_table, read_camera(measured).T_camera_table)
    np.testing.assert_array_equal(make_camera_model(plain).T_camera_table, read_camera(TRUTH).T_camera_table)


def test_a_calibration_of_another_camera_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(TRUTH.read_text().replace("[1600, 1200]", "[640, 480]"))
    is_refused("image_size_px: must be [1600, 1200]", "tool", "--garment", _cell_with(tmp_path, other))


def test_after_a_failed_check_the_cell_does_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    note = {"checked_at": "2026-03-01T06:00+01:00", "may_run": False, "largest_mm": 0.31, "fiducial": 2}
    write_calibration(check_file("bench"), "check", [], note, CheckModel)
    request = RunRequest(POCKET, out=tmp_path / "run", database=f"sqlite:///{tmp_path}/runs.db")
    outcome = run_garment(request, on_step=lambda step: None)
    assert outcome.exit_code == 1
    assert "fiducial 2 was 0.31 mm off its place" in outcome.summary["reason"]


def test_where_the_cell_file_asks_for_it_the_check_must_be_of_this_shift(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    require_passed_check("bench", None)
    with pytest.raises(InterlockError, match="has not been checked on this computer; run `sewcell calibrate check`"):
        require_passed_check("bench", 8.0)
    checked = datetime.now().astimezone() - timedelta(hours=9)
    note = {"checked_at": checked.isoformat(timespec="seconds"), "may_run": True, "largest_mm": 0.05, "fiducial": 2}
    write_calibration(check_file("bench"), "check", [], note, CheckModel)
    require_passed_check("bench", 10.0)
    with pytest.raises(InterlockError, match=r"the last check of its camera was 9\.0 hours ago, 8 is the most"):
        require_passed_check("bench", 8.0)
    write_calibration(check_file("bench"), "check", [], {**note, "checked_at": "yesterday"}, CheckModel)
    with pytest.raises(ConfigError, match="checked_at 'yesterday' is no time"):
        require_passed_check("bench", 8.0)


def test_a_cell_file_that_asks_for_a_check_is_obeyed_by_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(ROOT / "configs", tmp_path / "configs")
    cell = tmp_path / "configs" / "cells" / "bench.yaml"
    cell.write_text(cell.read_text().replace("  settle_ms: 300", "  check_hours: 8\n  settle_ms: 300"))
    monkeypatch.chdir(tmp_path)
    garment = Path("configs/garments/shirt-pocket.yaml")
    request = RunRequest(garment, out=tmp_path / "run", database=f"sqlite:///{tmp_path}/runs.db")
    outcome = run_garment(request, on_step=lambda step: None)
    assert outcome.exit_code == 1
    assert "run `sewcell calibrate check`" in outcome.summary["reason"]


class _Bench:
    """A backend without hands: a person is asked, and shows the next view at every Enter."""

    def __init__(self, pictures: list[np.ndarray]) -> None:
        self._pictures = iter(pictures)

    def make_loop(self) -> asyncio.AbstractEventLoop:
        return asyncio.new_event_loop()

    async def open(self) -> CellPorts:
        return CellPorts(self, self, self)  # type: ignore[arg-type]

    def hands(self) -> None:
        return None

    name = "bench"

    async def grab(self) -> Image:
        return Image(next(self._pictures), "bench", 0.0)

    async def close(self) -> None: ...


def test_a_person_is_guided_picture_by_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    board = parse_board("chessboard:9x6:25")
    pictures = []
    for i in range(8):
        tilt = make_pose(rpy=(0.5 * np.cos(2.4 * i), 0.5 * np.sin(2.4 * i), 0.0))
        place = make_pose((0.11 * (-1) ** i, 0.08 * (-1) ** (i // 2), 0.15))
        T = place @ tilt @ make_pose((-board.size[0] / 2, -board.size[1] / 2, 0.0))
        pictures.append(photograph(make_board(board, T), seed=i))
    shown = [pictures[0], np.zeros_like(pictures[0]), pictures[0], *pictures[1:]]
    monkeypatch.setattr(calibrate_shots, "find_backend", lambda _: lambda *_: _Bench(shown))
    out = tmp_path / "lens.yaml"
    words = ["camera", "--board", "chessboard:9x6:25", "--views", "8", "--out", out, *GARMENT]
    result = CliRunner().invoke(app, ["calibrate", *map(str, words)], input="\n" * 12)
    assert result.exit_code == 0, result.output
    assert result.output.count("Then press Enter.") == 10
    assert "02.png shows no chessboard" in result.output
    assert "03.png: the board has not moved since 01.png" in result.output
    assert read_lens(out).matrix[0, 0] == pytest.approx(VIEW.matrix[0, 0], rel=0.01)
    nobody = CliRunner().invoke(app, ["calibrate", *map(str, words), "--force"], input="")
    assert nobody.exit_code == 2
    assert "nobody answers" in nobody.output
