"""`sewcell vision`: answers from picture files, and one sentence with exit 2 for what gives none."""

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from sewcell.apps.cli import app
from sewcell.config.calibration_files import describe_camera, read_camera, write_calibration
from sewcell.config.models_cell import CameraModel as CameraFile
from sewcell.geometry.planar import PlanarPose
from sewcell.geometry.poses import make_pose
from sewcell.pattern.dxf import read_pieces
from sewcell.units import DEG, MM
from sewcell.vision.camera_model import CameraModel
from sim.camera.needle_suite import find_truth
from sim.camera.needle_view import NEEDLE_PX, PIXEL, SIZE_PX, ClothEdge, NeedleScene, draw_needle_view
from sim.camera.seam_view import SeamScene, draw_seam_view
from tests.vision.conftest import Bench
from tests.vision.test_inspection import camera_above

ROOT = Path(__file__).parents[2]
CAMERA = ROOT / "configs" / "cameras" / "bench-overhead.yaml"
GARMENT = ROOT / "configs" / "garments" / "shirt-pocket.yaml"
HERE = PlanarPose(0.30, 0.25, 0.7)
WITH_BENCH = ("--camera", CAMERA, "--garment", GARMENT)


def vision(*words: object) -> Result:
    return CliRunner().invoke(app, ["vision", *map(str, words)])


def answer(*words: object, exit_code: int = 0) -> dict:
    result = vision(*words, "--json")
    assert result.exit_code == exit_code, result.output
    return json.loads(result.stdout)


def is_refused(sentence: str, *words: object) -> None:
    """Exit 2, one sentence, nothing for machines."""
    result = vision(*words, "--json")
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    said = " ".join(result.stderr.split())
    assert said.startswith("failed: ")
    assert said.count("failed:") == 1
    assert sentence in said
    assert "Traceback" not in said


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with pictures of the bench's table: empty, and with a pocket on it."""
    folder = tmp_path_factory.mktemp("table")
    raw = json.loads(json.dumps(describe_camera(_bench_camera())))
    bench = Bench(_bench_camera(), raw)
    pocket = read_pieces(ROOT / "configs" / "patterns" / "shirt-pocket.dxf", "M")["POCKET"]
    cv2.imwrite(str(folder / "empty.png"), bench.picture([], 1001).pixels)
    cv2.imwrite(str(folder / "pocket.png"), bench.picture([(pocket.outline, HERE)], 5).pixels)
    return folder


def _bench_camera() -> CameraModel:
    return read_camera(CAMERA)


def write_camera(path: Path, camera: CameraModel) -> Path:
    write_calibration(path, "table", ["a test"], describe_camera(camera), CameraFile)
    return path


@pytest.mark.slow
def test_a_piece_is_located_and_its_stripes_are_told(table: Path) -> None:
    told = answer("locate", table / "pocket.png", "--background", table / "empty.png", *WITH_BENCH)
    (piece,) = told["pieces"]
    assert (piece["x_mm"], piece["y_mm"]) == pytest.approx((300.0, 250.0), abs=0.3)
    assert piece["theta_deg"] == pytest.approx(HERE.theta / DEG, abs=0.1)
    assert piece["stripes"] is None
    assert told["elapsed_ms"] > 0.0


@pytest.mark.parametrize("command", ["locate", "inspect"])
def test_no_answer_is_given_to_a_bad_picture(command: str, table: Path, tmp_path: Path) -> None:
    good = cv2.imread(str(table / "pocket.png"))
    bad = {
        "blank": (np.full_like(good, 128), "blank"),
        "black": (np.zeros_like(good), "dark"),
        "saturated": (np.full_like(good, 255), "overexposed"),
        "blurred": (cv2.GaussianBlur(good, (0, 0), 6.0), "blurred"),
        "cropped": (good[:, 100:], "has 1500 x 1200 pixels but its camera file says 1600 x 1200"),
        "small": (cv2.resize(good, (800, 600)), "has 800 x 600 pixels but its camera file says 1600 x 1200"),
    }
    for name, (pixels, words) in bad.items():
        path = tmp_path / f"{name}.png"
        cv2.imwrite(str(path), pixels)
        is_refused(words, command, path, "--background", table / "empty.png", *WITH_BENCH)
    data = (table / "pocket.png").read_bytes()
    for name, content, words in (
        ("cut.png", data[: len(data) // 2], "corrupt: its end is missing"),
        ("text.png", b"not a picture", "is no picture"),
        ("nothing.png", b"", "is no picture"),
    ):
        (tmp_path / name).write_bytes(content)
        is_refused(words, command, tmp_path / name, "--background", table / "empty.png", *WITH_BENCH)
        is_refused(words, command, table / "pocket.png", "--background", tmp_path / name, *WITH_BENCH)
    is_refused("cannot be read", command, tmp_path / "none.png", "--background", table / "empty.png", *WITH_BENCH)


@pytest.mark.parametrize("command", ["locate", "inspect"])
def test_no_answer_is_given_with_a_camera_file_that_does_not_match(command: str, table: Path, tmp_path: Path) -> None:
    words = (command, table / "pocket.png", "--background", table / "empty.png", "--garment", GARMENT, "--camera")
    true = _bench_camera()
    away = CameraModel(true.image_size_px, true.matrix, true.distortion, make_pose((0.0, 0.0, 1.2)))
    is_refused("puts the camera 1200 mm below the table", *words, write_camera(tmp_path / "away.yaml", away))
    broken = tmp_path / "broken.yaml"
    broken.write_text(CAMERA.read_text().replace("camera_matrix", "camera_matirx"))
    is_refused("did you mean 'camera_matrix'?", *words, broken)
    skewed = tmp_path / "skewed.yaml"
    skewed.write_text(CAMERA.read_text().replace("[1.0, 0.0, 0.0, -0.32]", "[2.0, 0.0, 0.0, -0.32]"))
    is_refused("must be a rotation", *words, skewed)
    is_refused("none.yaml", *words, tmp_path / "none.yaml")


@pytest.mark.parametrize("command", ["locate", "inspect"])
def test_no_answer_is_given_for_a_garment_without_outline(command: str, table: Path, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "configs", tmp_path / "configs")
    garment = tmp_path / "configs" / "garments" / "shirt-pocket.yaml"
    text = garment.read_text()
    words = (command, table / "pocket.png", "--background", table / "empty.png", "--camera", CAMERA, "--garment")
    garment.write_text(text.replace("piece: POCKET", "piece: COLLAR"))
    is_refused("piece 'COLLAR' has no outline in the pattern; it has: POCKET", *words, garment)
    garment.write_text(text.replace("shirt-pocket.dxf", "empty.dxf"))
    (tmp_path / "configs" / "patterns" / "empty.dxf").write_text("0\nEOF\n")
    is_refused("empty.dxf", *words, garment)


@pytest.fixture(scope="module")
def seam(tmp_path_factory: pytest.TempPathFactory) -> tuple[object, ...]:
    """Arguments that inspect a close-up of the pocket's hem, 12 mm from its edge, with stitch 20 skipped."""
    folder = tmp_path_factory.mktemp("seam")
    pixel, size, origin = 0.2 * MM, (600, 180), (-6.0 * MM, -18.0 * MM)
    scene = SeamScene(
        holes=np.column_stack((np.linspace(0.0, 108.0, 44) * MM, np.zeros(44))),
        edge=np.array([[-20.0, 12.2], [130.0, 12.2]]) * MM,
        pixel=pixel,
        size_px=size,
        origin=origin,
        floats=(20,),
    )
    cv2.imwrite(str(folder / "hem.png"), draw_seam_view(scene, 3))
    camera = write_camera(folder / "close.yaml", camera_above(pixel, size, origin))
    return ("inspect", folder / "hem.png", "--camera", camera, "--garment", GARMENT)


AT = ("--at", 54, -58, 0)
"""Where the pocket lies when its hem begins in the origin and runs along x [mm, deg]."""


@pytest.mark.slow
def test_a_seam_is_inspected_in_a_close_up_and_drawn(seam: tuple[object, ...], tmp_path: Path) -> None:
    page = tmp_path / "page.png"
    told = answer(*seam, *AT, "--out", page, exit_code=1)
    (hem,) = told["seams"]
    assert (told["ok"], hem["piece"], hem["seam"]) == (False, "POCKET", "hem")
    assert hem["margin_mm"]["mean"] == pytest.approx(12.2, abs=0.1)
    assert hem["skipped_mm"] == pytest.approx([21 * 108.0 / 43], abs=0.6)
    assert hem["faults"] == ["stitch skipped at 53 mm"]
    assert cv2.imread(str(page)).shape[1] > 1000
    said = vision(*seam, *AT)
    assert said.exit_code == 1
    assert said.output.startswith("faulty: POCKET, seam 'hem': 12.2")


def test_an_inspection_that_is_asked_for_wrongly_is_refused(seam: tuple[object, ...], tmp_path: Path) -> None:
    is_refused("either --background, to look for the piece, or --at", *seam)
    is_refused("it has POCKET: hem", *seam, *AT, "--seam", "ham")
    is_refused("it has POCKET: hem", *seam, *AT, "--piece", "COLLAR")
    is_refused("shows only", *seam, "--at", 84, -58, 0)
    is_refused("is not judged", *seam, "--at", 54, -66, 0)
    no_seams = tmp_path / "configs" / "garments" / "plain.yaml"
    shutil.copytree(ROOT / "configs", tmp_path / "configs")
    text = GARMENT.read_text()
    no_seams.write_text(text[: text.index("    seams:")] + text[text.index("vision:") :])
    is_refused("has no seams", *seam[:-1], no_seams, *AT)
    no_seams.write_text(text.replace("sew_line: 1", "sew_line: 3"))
    is_refused("follows sew line 3, but piece POCKET has 1", *seam[:-1], no_seams, *AT)


@pytest.fixture(scope="module")
def needle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a camera over the throat plate and its pictures: bare plate, cloth, no cloth."""
    folder = tmp_path_factory.mktemp("needle")
    for number in range(3):
        cv2.imwrite(str(folder / f"bare{number}.png"), draw_needle_view(None, NeedleScene(), 900 + number))
    for name, edge in (("cloth", ClothEdge(9.0 * MM, 0.1)), ("none", None)):
        cv2.imwrite(str(folder / f"{name}.png"), draw_needle_view(edge, NeedleScene(), 1))
    origin = (-NEEDLE_PX[0] * PIXEL, -(SIZE_PX - 1 - NEEDLE_PX[1]) * PIXEL)
    write_camera(folder / "camera.yaml", camera_above(PIXEL, (SIZE_PX, SIZE_PX), origin))
    return folder


def test_the_edge_at_the_needle_is_told_and_its_loss(needle: Path) -> None:
    plates = [word for number in range(3) for word in ("--plate", needle / f"bare{number}.png")]
    words = (*plates, "--camera", needle / "camera.yaml")
    told = answer("track", needle / "cloth.png", needle / "none.png", *words)
    seen, lost = told["sightings"]
    truth = find_truth(ClothEdge(9.0 * MM, 0.1))
    assert [place["ahead_mm"] for place in seen["edge"]] == [0.0, 20.0, 30.0, 40.0]
    assert [place["offset_mm"] for place in seen["edge"]] == pytest.approx(truth[:, 0] / MM, abs=0.05)
    assert [place["heading_deg"] for place in seen["edge"]] == pytest.approx(truth[:, 1] / DEG, abs=0.3)
    assert (lost["found"], lost["edge"]) == (False, None)
    assert "no cloth" in lost["lost"]
    is_refused("the edge is lost: no cloth", "track", needle / "none.png", *words)


def test_tracking_refuses_pictures_that_do_not_belong_together(needle: Path, table: Path, tmp_path: Path) -> None:
    plate, camera = ("--plate", needle / "bare0.png"), ("--camera", needle / "camera.yaml")
    is_refused("its camera file says 200 x 200", "track", table / "empty.png", *plate, *camera)
    is_refused("cannot be read", "track", needle / "nowhere.png", *plate, *camera)
    is_refused("its camera file says 200 x 200", "track", needle / "cloth.png", "--plate", table / "empty.png", *camera)
    true = camera_above(PIXEL, (SIZE_PX, SIZE_PX), (-46.0 * MM, -15.0 * MM))
    bent = CameraModel(true.image_size_px, true.matrix, np.array([-40.0, 0.0, 0.0, 0.0, 0.0]), true.T_camera_table)
    path = write_camera(tmp_path / "bent.yaml", bent)
    is_refused("the lens bends the picture", "track", needle / "cloth.png", *plate, "--camera", path)
