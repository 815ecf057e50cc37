"""The commands `sewcell calibrate camera|table|hand-eye|tool`: guide, compute, say how accurate it is, write a file."""

from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import typer
from rich.console import Console

from sewcell.apps.calibrate_check import check
from sewcell.apps.calibrate_options import BoardOption, LensOption
from sewcell.apps.calibrate_session import Session, show_fits, with_session
from sewcell.apps.calibrate_shots import Shot, read_joints
from sewcell.apps.calibrate_words import (
    describe_hand_eye_errors,
    describe_lens_errors,
    describe_table_errors,
    show_point,
    suggest_table_pose,
)
from sewcell.config.calibration_files import describe_camera, describe_lens, describe_pose, read_lens
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
from sewcell.vision.calibration import calibrate_lens
from sewcell.vision.calibration_table import TableCalibration, calibrate_table, calibrate_table_from_fiducials
from sewcell.vision.hand_eye import calibrate_hand_eye
from sewcell.vision.lens import Lens
from sewcell.vision.touch import calibrate_touch, locate_tip

calibrate_app = typer.Typer(no_args_is_help=True, help="Calibrate lens, table, hand and tool; check the camera.")
calibrate_app.command()(check)

Millimetres2 = tuple[float, float]
Millimetres3 = tuple[float, float, float]


@calibrate_app.command()
@with_session()
def camera(
    session: Session,
    board: BoardOption,
    views: Annotated[int, typer.Option(min=8, max=100, help="How many pictures to take.")] = 14,
) -> None:
    """The lens: camera matrix and distortion, from pictures of a board held before the camera from all sides."""
    with session.tell() as console:
        pattern = parse_board(board)
        name = session.load_job().cell.name if session.pictures is None else session.pictures.resolve().name
        target = session.choose_target(name, "lens")
        taken = session.collect_views(views, pattern, lambda number, _: ShowBoard(pattern, number), console)
        with show_fits(console) as progress:
            found = calibrate_lens([view for view, _ in taken], progress)
        rows = describe_lens_errors(found)
        summary = {
            "views": len(taken),
            "rms_px": found.rms_px,
            "held_out_px": found.held_out_px,
            "ray_sigma_px": found.ray_sigma_px,
            "coverage": found.coverage,
            "view_rms_px": found.view_rms_px,
            "sigma_px": found.sigma.tolist(),
        }
        session.finish(console, "camera", rows, target, describe_lens(found.lens), LensModel, summary)


@calibrate_app.command()
@with_session()
def table(
    session: Session,
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
) -> None:
    """Where the camera stands over the table, from a board or from markers that lie on it."""
    with session.tell() as console:
        if (board is None) == (fiducials is None):
            raise ConfigError("name either --board or --fiducials: one of them must lie on the table")
        optics = read_lens(lens)
        job = session.load_job()
        target = session.choose_target(job.cell.name, "camera")
        area = np.array([[0.0, 0.0], job.cell.table.size_mm]) * MM
        if board is None:
            assert fiducials is not None
            found = _calibrate_by_fiducials(optics, fiducials, area, session, console)
        else:
            place = PlanarPose(at_mm[0] * MM, at_mm[1] * MM, at_deg * DEG)
            found = _calibrate_by_boards(optics, board, place, thickness_mm * MM, area, views, session, console)
        summary = {
            "views": found.views,
            "rms_px": found.rms_px,
            "held_out_mm": found.held_out / MM,
            "sigma_mm": found.sigma / MM,
            "mm_per_px": found.camera.mm_per_px,
        }
        rows = describe_table_errors(found)
        session.finish(console, "table", rows, target, describe_camera(found.camera), CameraModel, summary)


@calibrate_app.command(name="hand-eye")
@with_session()
def hand_eye(
    session: Session,
    lens: LensOption,
    board: BoardOption,
    mounting: Annotated[
        Literal["eye-on-table", "eye-in-hand"], typer.Option(help="Which of the two the camera is fixed to.")
    ] = "eye-on-table",
    views: Annotated[int, typer.Option(min=8, max=100, help="How many postures to take.")] = 15,
) -> None:
    """Camera and arm: a board in the hand before a fixed camera, or a fixed board before a camera in the hand."""
    with session.tell() as console:
        pattern, optics = parse_board(board), read_lens(lens)
        if not pattern.has_one_way_up:
            raise ConfigError(f"the {pattern} looks the same after half a turn: use one with odd by even inner corners")
        job = session.load_job()
        target = session.choose_target(job.cell.name, "hand-eye")
        taken = session.collect_views(
            views, pattern, lambda number, _: TurnHand(pattern, number), console, with_joints=True
        )
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
        rows = [*describe_hand_eye_errors(found), *suggest_table_pose(found, lens)]
        values = {"mounting": mounting, "T_mount_camera": describe_pose(found.T_mount_camera)}
        session.finish(console, "hand-eye", rows, target, values, HandEyeModel, summary)


@calibrate_app.command()
@with_session("pictures", "keep")
def tool(
    session: Session,
    joints: Annotated[
        Path | None, typer.Option(help="Postures of the touches: CSV, name and six joints [deg].")
    ] = None,
    known_tool_mm: Annotated[
        Millimetres3 | None, typer.Option(help="The tool's point in the flange, when only the tip is looked for.")
    ] = None,
    touches: Annotated[int, typer.Option(min=5, max=100, help="How often to touch the tip.")] = 8,
) -> None:
    """Tool centre point and needle point: the tool's point touches a fixed tip (a pin, the needle) from many sides."""
    with session.tell() as console:
        job = session.load_job()
        target = session.choose_target(job.cell.name, "tool")
        shots: list[Shot] = []
        if joints is not None:
            shots = [Shot(name, joints=posture) for name, posture in read_joints(joints)]
        else:
            session.take(touches, TouchTip, shots.append, console, with_picture=False, with_joints=True)
        flanges = _flange_poses(job, shots)
        if known_tool_mm is not None:
            if not shots:
                raise VisionError("no touch was given: touch the tip at least once")
            point = np.array(known_tool_mm) * MM
            tip, spread = locate_tip(flanges, point)
            rows = [("tip in base", show_point(tip)), ("spread of the touches", f"{spread / MM:.2f} mm rms")]
            summary = {"touches": len(shots), "rms_mm": spread / MM}
        else:
            found = calibrate_touch(flanges, [shot.name for shot in shots])
            point, tip = found.tool, found.tip
            rows = [
                ("tool point in the flange", f"{show_point(point)}, expected error {found.tool_sigma / MM:.2f} mm"),
                ("tip in base", f"{show_point(tip)}, expected error {found.tip_sigma / MM:.2f} mm"),
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
        session.finish(console, "tool", rows, target, values, ToolPointModel, {**summary, **values})


def _calibrate_by_boards(
    lens: Lens,
    board: str,
    place: PlanarPose,
    thickness: float,
    area: Array,
    views: int,
    session: Session,
    console: Console,
) -> TableCalibration:
    pattern = parse_board(board)
    if not pattern.has_one_way_up:
        raise ConfigError(f"the {pattern} looks the same after half a turn: use one with odd by even inner corners")

    def make_task(number: int, taken: int) -> Task:
        return LayBoard(pattern, thickness, number, None if taken else place)

    taken = [view for view, _ in session.collect_views(views, pattern, make_task, console)]
    if not taken:
        raise VisionError(f"no picture shows the {pattern}: lay it on the table where the camera sees all of it")
    return calibrate_table(lens, taken[0], taken[1:], place, thickness, area)


def _calibrate_by_fiducials(
    lens: Lens, file: Path, area: Array, session: Session, console: Console
) -> TableCalibration:
    model = load_yaml(file, FiducialsModel)
    known = {marker.number: np.array(marker.xy_mm) * MM for marker in model.fiducials}
    shots: list[Shot] = []
    task = StickFiducials(tuple(known), model.marker_mm * MM)
    session.take(1, lambda _: task, shots.append, console)
    picture = shots[0]
    assert picture.pixels is not None
    lens.check_size((picture.pixels.shape[1], picture.pixels.shape[0]), picture.name)
    return calibrate_table_from_fiducials(lens, find_fiducials(picture.pixels), known, picture.name, area)


def _flange_poses(job: Job, shots: list[Shot]) -> Array:
    """T_base_flange (N, 4, 4) of the shots."""
    if not shots:
        return np.empty((0, 4, 4))
    return Arm(make_arm_model(job)).forward(np.array([shot.joints for shot in shots]))


def _round_mm(point: Array) -> list[float]:
    return [round(float(value) / MM, 4) for value in point]
