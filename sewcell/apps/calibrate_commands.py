"""The commands `sewcell calibrate camera|table|hand-eye|tool`: guide, compute, say how accurate it is, write a file."""

from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import typer
from rich.console import Console
from scipy.spatial.transform import Rotation

from sewcell.apps.calibrate_check import check
from sewcell.apps.calibrate_options import (
    BackendOption,
    BoardOption,
    CellOption,
    ForceOption,
    GarmentOption,
    JsonOption,
    KeepOption,
    LensOption,
    OutOption,
    PicturesOption,
    SeedOption,
)
from sewcell.apps.calibrate_session import Row, Source, choose_target, finish, show_fits, tell
from sewcell.apps.calibrate_shots import Shot, read_joints
from sewcell.config.calibration_files import describe_camera, describe_lens, describe_pose, read_camera, read_lens
from sewcell.config.layers import Job
from sewcell.config.loader import load_yaml
from sewcell.config.models_calibration import FiducialsModel, HandEyeModel, ToolPointModel
from sewcell.config.models_cell import CameraModel, LensModel
from sewcell.config.values import make_arm_model
from sewcell.errors import ConfigError, VisionError
from sewcell.geometry.board_pattern import parse_board
from sewcell.geometry.planar import PlanarPose
from sewcell.geometry.poses import Array
from sewcell.hands import LayBoard, ShowBoard, StickFiducials, Task, TouchTip, TurnHand
from sewcell.kinematics.arm import Arm
from sewcell.units import DEG, MM
from sewcell.vision.boards import find_fiducials
from sewcell.vision.calibration import LensCalibration, calibrate_lens
from sewcell.vision.calibration_table import TableCalibration, calibrate_table, calibrate_table_from_fiducials
from sewcell.vision.hand_eye import HandEye, calibrate_hand_eye
from sewcell.vision.lens import Lens
from sewcell.vision.touch import calibrate_touch, locate_tip

calibrate_app = typer.Typer(no_args_is_help=True, help="Calibrate lens, table, hand and tool; check the camera.")
calibrate_app.command()(check)

Millimetres2 = tuple[float, float]
Millimetres3 = tuple[float, float, float]


@calibrate_app.command()
def camera(
    board: BoardOption,
    pictures: PicturesOption = None,
    views: Annotated[int, typer.Option(min=8, max=100, help="How many pictures to take.")] = 14,
    garment: GarmentOption = Path("configs/garments/shirt-pocket.yaml"),
    cell: CellOption = None,
    backend: BackendOption = "sim",
    seed: SeedOption = 1,
    keep: KeepOption = None,
    out: OutOption = None,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """The lens: camera matrix and distortion, from pictures of a board held before the camera from all sides."""
    with tell(as_json) as console:
        pattern = parse_board(board)
        source = Source(pictures, garment, cell, backend, seed, views, keep)
        name = source.load_job().cell.name if pictures is None else pictures.resolve().name
        target = choose_target(out, name, "lens", force)
        taken = source.collect_views(pattern, lambda number, _: ShowBoard(pattern, number), console)
        with show_fits(console) as progress:
            found = calibrate_lens([view for view, _ in taken], progress)
        rows = _describe_lens_errors(found)
        summary = {
            "views": len(taken),
            "rms_px": found.rms_px,
            "held_out_px": found.held_out_px,
            "ray_sigma_px": found.ray_sigma_px,
            "coverage": found.coverage,
            "view_rms_px": found.view_rms_px,
            "sigma_px": found.sigma.tolist(),
        }
        finish(console, as_json, "camera", rows, target, describe_lens(found.lens), LensModel, summary)


@calibrate_app.command()
def table(
    lens: LensOption,
    board: Annotated[str | None, typer.Option(help="Board that lies on the table, as for `camera`.")] = None,
    fiducials: Annotated[Path | None, typer.Option(help="File of markers at known places, instead of a board.")] = None,
    at_mm: Annotated[Millimetres2, typer.Option(help="Place of the first board: x y of its lower left corner.")] = (
        0,
        0,
    ),
    at_deg: Annotated[float, typer.Option(help="How the first board is turned, anticlockwise.")] = 0.0,
    thickness_mm: Annotated[float, typer.Option(min=0.0, max=50.0, help="Thickness of the board.")] = 0.0,
    views: Annotated[int, typer.Option(min=1, max=50, help="Pictures: the first at its place, others anywhere.")] = 5,
    pictures: PicturesOption = None,
    garment: GarmentOption = Path("configs/garments/shirt-pocket.yaml"),
    cell: CellOption = None,
    backend: BackendOption = "sim",
    seed: SeedOption = 1,
    keep: KeepOption = None,
    out: OutOption = None,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Where the camera stands over the table, from a board or from markers that lie on it."""
    with tell(as_json) as console:
        if (board is None) == (fiducials is None):
            raise ConfigError("name either --board or --fiducials: one of them must lie on the table")
        optics = read_lens(lens)
        source = Source(pictures, garment, cell, backend, seed, 1 if board is None else views, keep)
        job = source.load_job()
        target = choose_target(out, job.cell.name, "camera", force)
        area = np.array([[0.0, 0.0], job.cell.table.size_mm]) * MM
        if board is None:
            assert fiducials is not None
            found = _calibrate_by_fiducials(optics, fiducials, area, source, console)
        else:
            place = PlanarPose(at_mm[0] * MM, at_mm[1] * MM, at_deg * DEG)
            found = _calibrate_by_boards(optics, board, place, thickness_mm * MM, area, source, console)
        summary = {
            "views": found.views,
            "rms_px": found.rms_px,
            "held_out_mm": found.held_out / MM,
            "sigma_mm": found.sigma / MM,
            "mm_per_px": found.camera.mm_per_px,
        }
        rows = _describe_table_errors(found)
        finish(console, as_json, "table", rows, target, describe_camera(found.camera), CameraModel, summary)


@calibrate_app.command(name="hand-eye")
def hand_eye(
    lens: LensOption,
    board: BoardOption,
    mounting: Annotated[
        Literal["eye-on-table", "eye-in-hand"], typer.Option(help="Which of the two the camera is fixed to.")
    ] = "eye-on-table",
    pictures: PicturesOption = None,
    views: Annotated[int, typer.Option(min=8, max=100, help="How many postures to take.")] = 15,
    garment: GarmentOption = Path("configs/garments/shirt-pocket.yaml"),
    cell: CellOption = None,
    backend: BackendOption = "sim",
    seed: SeedOption = 1,
    keep: KeepOption = None,
    out: OutOption = None,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Camera and arm: a board in the hand before a fixed camera, or a fixed board before a camera in the hand."""
    with tell(as_json) as console:
        pattern, optics = parse_board(board), read_lens(lens)
        if not pattern.has_one_way_up:
            raise ConfigError(f"the {pattern} looks the same after half a turn: use one with odd by even inner corners")
        source = Source(pictures, garment, cell, backend, seed, views, keep)
        job = source.load_job()
        target = choose_target(out, job.cell.name, "hand-eye", force)
        taken = source.collect_views(pattern, lambda number, _: TurnHand(pattern, number), console, with_joints=True)
        flanges = _flange_poses(job, [shot for _, shot in taken])
        with show_fits(console) as progress:
            found = calibrate_hand_eye(optics, [view for view, _ in taken], flanges, mounting, progress)
        summary = {
            "views": len(taken),
            "rms_px": found.rms_px,
            "held_out_mm": found.held_out / MM,
            "held_out_deg": found.held_out_angle / DEG,
            "sigma_mm": found.sigma / MM,
            "sigma_deg": found.sigma_angle / DEG,
        }
        rows = [*_describe_hand_eye_errors(found), *_suggest_table_pose(found, lens)]
        values = {"mounting": mounting, "T_mount_camera": describe_pose(found.T_mount_camera)}
        finish(console, as_json, "hand-eye", rows, target, values, HandEyeModel, summary)


@calibrate_app.command()
def tool(
    joints: Annotated[
        Path | None, typer.Option(help="Postures of the touches: CSV, name and six joints [deg].")
    ] = None,
    known_tool_mm: Annotated[
        Millimetres3 | None, typer.Option(help="The tool's point in the flange, when only the tip is looked for.")
    ] = None,
    touches: Annotated[int, typer.Option(min=5, max=100, help="How often to touch the tip.")] = 8,
    garment: GarmentOption = Path("configs/garments/shirt-pocket.yaml"),
    cell: CellOption = None,
    backend: BackendOption = "sim",
    seed: SeedOption = 1,
    out: OutOption = None,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Tool centre point and needle point: the tool's point touches a fixed tip (a pin, the needle) from many sides."""
    with tell(as_json) as console:
        source = Source(None, garment, cell, backend, seed, touches, None)
        job = source.load_job()
        target = choose_target(out, job.cell.name, "tool", force)
        shots: list[Shot] = []
        if joints is not None:
            shots = [Shot(name, joints=posture) for name, posture in read_joints(joints)]
        else:
            source.take(TouchTip, shots.append, console, with_picture=False, with_joints=True)
        flanges = _flange_poses(job, shots)
        if known_tool_mm is not None:
            if not shots:
                raise VisionError("no touch was given: touch the tip at least once")
            point = np.array(known_tool_mm) * MM
            tip, spread = locate_tip(flanges, point)
            rows = [("tip in base", _show_point(tip)), ("spread of the touches", f"{spread / MM:.2f} mm rms")]
            summary = {"touches": len(shots), "rms_mm": spread / MM}
        else:
            found = calibrate_touch(flanges, [shot.name for shot in shots])
            point, tip = found.tool, found.tip
            rows = [
                ("tool point in the flange", f"{_show_point(point)}, expected error {found.tool_sigma / MM:.2f} mm"),
                ("tip in base", f"{_show_point(tip)}, expected error {found.tip_sigma / MM:.2f} mm"),
                (
                    "touches",
                    f"{len(shots)}, {found.rms / MM:.2f} mm rms; left out of the fit {found.held_out / MM:.2f} mm",
                ),
            ]
            summary = {
                "touches": len(shots),
                "rms_mm": found.rms / MM,
                "held_out_mm": found.held_out / MM,
                "tool_sigma_mm": found.tool_sigma / MM,
                "tip_sigma_mm": found.tip_sigma / MM,
            }
        values = {"tool_mm": _round_mm(point), "tip_mm": _round_mm(tip)}
        finish(console, as_json, "tool", rows, target, values, ToolPointModel, {**summary, **values})


def _calibrate_by_boards(
    lens: Lens, board: str, place: PlanarPose, thickness: float, area: Array, source: Source, console: Console
) -> TableCalibration:
    pattern = parse_board(board)
    if not pattern.has_one_way_up:
        raise ConfigError(f"the {pattern} looks the same after half a turn: use one with odd by even inner corners")

    def make_task(number: int, taken: int) -> Task:
        return LayBoard(pattern, thickness, number, None if taken else place)

    taken = [view for view, _ in source.collect_views(pattern, make_task, console)]
    if not taken:
        raise VisionError(f"no picture shows the {pattern}: lay it on the table where the camera sees all of it")
    return calibrate_table(lens, taken[0], taken[1:], place, thickness, area)


def _calibrate_by_fiducials(lens: Lens, file: Path, area: Array, source: Source, console: Console) -> TableCalibration:
    model = load_yaml(file, FiducialsModel)
    known = {marker.number: np.array(marker.xy_mm) * MM for marker in model.fiducials}
    shots: list[Shot] = []
    task = StickFiducials(tuple(known), model.marker_mm * MM)
    source.take(lambda _: task, shots.append, console)
    picture = shots[0]
    assert picture.pixels is not None
    lens.check_size((picture.pixels.shape[1], picture.pixels.shape[0]), picture.name)
    return calibrate_table_from_fiducials(lens, find_fiducials(picture.pixels), known, picture.name, area)


def _flange_poses(job: Job, shots: list[Shot]) -> Array:
    """T_base_flange (N, 4, 4) of the shots."""
    if not shots:
        return np.empty((0, 4, 4))
    return Arm(make_arm_model(job)).forward(np.array([shot.joints for shot in shots]))


def _describe_lens_errors(found: LensCalibration) -> list[Row]:
    K, sigma = found.lens.matrix, found.sigma
    worst = max(found.view_rms_px, key=found.view_rms_px.__getitem__)
    return [
        ("focal length", f"{K[0, 0]:.1f} +- {sigma[0]:.1f}, {K[1, 1]:.1f} +- {sigma[1]:.1f} px"),
        ("middle of the picture", f"{K[0, 2]:.1f} +- {sigma[2]:.1f}, {K[1, 2]:.1f} +- {sigma[3]:.1f} px"),
        ("residuals", f"{found.rms_px:.3f} px rms in {len(found.view_rms_px)} pictures"),
        ("largest in", f"{worst}, {found.view_rms_px[worst]:.3f} px"),
        ("covered by corners", f"{100 * found.coverage:.0f} % of the picture"),
        ("in pictures left out of the fit", f"{found.held_out_px:.3f} px rms"),
        ("expected error of a ray", f"{found.ray_sigma_px:.3f} px, where corners were seen"),
    ]


def _describe_table_errors(found: TableCalibration) -> list[Row]:
    rows = [
        ("scale", f"{found.camera.mm_per_px:.3f} mm per pixel in the middle"),
        ("residuals", f"{found.rms_px:.3f} px rms, {found.views} boards or markers"),
        ("left out of the fit", f"{found.held_out / MM:.3f} mm rms on the table"),
        ("expected error of a table point", f"{found.sigma / MM:.3f} mm rms over the working area, without the lens's"),
    ]
    if found.flatness is not None:
        rows.append(("boards off their common plane", f"{found.flatness / MM:.2f} mm rms, as single pictures see it"))
    return rows


def _describe_hand_eye_errors(found: HandEye) -> list[Row]:
    place, worst = found.T_mount_camera[:3, 3], max(found.pose_rms_px, key=found.pose_rms_px.__getitem__)
    mount = "flange" if found.mounting == "eye-in-hand" else "base"
    return [
        (f"camera in the {mount}", _show_point(place)),
        ("residuals", f"{found.rms_px:.3f} px rms in {len(found.pose_rms_px)} pictures"),
        ("largest in", f"{worst}, {found.pose_rms_px[worst]:.3f} px"),
        (
            "board, in pictures left out of the fit",
            f"{found.held_out / MM:.2f} mm and {found.held_out_angle / DEG:.3f} deg rms between camera and arm",
        ),
        ("expected error of the camera's pose", f"{found.sigma / MM:.2f} mm, {found.sigma_angle / DEG:.3f} deg"),
    ]


def _suggest_table_pose(found: HandEye, lens: Path) -> list[Row]:
    """What to write in the cell file, when the camera's place over the table is known too."""
    if found.mounting != "eye-on-table":
        return []
    try:
        T_camera_table = read_camera(lens).T_camera_table
    except ConfigError:
        return []
    T = found.T_mount_camera @ T_camera_table
    xyz = ", ".join(f"{value / MM:.2f}" for value in T[:3, 3])
    rpy = ", ".join(f"{value / DEG:.3f}" for value in Rotation.from_matrix(T[:3, :3]).as_euler("xyz"))
    return [("table.pose for the cell file", f"{{xyz_mm: [{xyz}], rpy_deg: [{rpy}]}}")]


def _show_point(point: Array) -> str:
    return ", ".join(f"{value / MM:.2f}" for value in point) + " mm"


def _round_mm(point: Array) -> list[float]:
    return [round(float(value) / MM, 4) for value in point]
