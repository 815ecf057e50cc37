"""The commands `sewcell vision ...`, and among them `locate`: look for pieces in a picture."""

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from sewcell.apps.inspect_command import inspect
from sewcell.apps.messages import refuse
from sewcell.apps.replay_commands import replay
from sewcell.apps.track_command import track
from sewcell.config.calibration_files import read_camera
from sewcell.config.garments import Cloth, load_cloth
from sewcell.errors import ConfigError, VisionError
from sewcell.image import Image
from sewcell.units import DEG, MM, PERCENT
from sewcell.vision.background import make_background
from sewcell.vision.camera_model import CameraModel
from sewcell.vision.draw import draw_result
from sewcell.vision.located import LocateResult
from sewcell.vision.pictures import read_picture, write_picture
from sewcell.vision.piece_pose import locate as locate_pieces
from sewcell.vision.stripes import Stripes, measure_stripes

vision_app = typer.Typer(no_args_is_help=True, help="Find pieces, judge seams, follow edges in pictures.")

vision_app.command()(inspect)
vision_app.command()(replay)
vision_app.command()(track)

UNUSABLE = 2
"""Exit code when the picture or a file does not allow an answer."""


@vision_app.command()
def locate(
    image: Annotated[Path, typer.Argument(help="The picture to search.")],
    background: Annotated[Path, typer.Option(help="Picture of the empty table, same camera and settings.")],
    camera: Annotated[Path, typer.Option(help="Camera file: lens and pose over the table.")],
    garment: Annotated[Path, typer.Option(help="Garment file; all its pieces are looked for, with or without seams.")],
    draw: Annotated[Path | None, typer.Option(help="Picture to write, with what was found drawn in.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Which pieces lie where, which face is up, and how sure that is. Exit 2 when the picture cannot be used."""
    console = Console(stderr=as_json, highlight=False)
    try:
        cloth = load_cloth(garment)
        model = read_camera(camera)
        picture, empty = read_picture(image), make_background([read_picture(background)])
        thickness = cloth.fabric.thickness_mm * MM
        locate_pieces(picture, empty, model, cloth.pieces, thickness=thickness)  # loads the compiled code
        began = time.perf_counter()
        result = locate_pieces(picture, empty, model, cloth.pieces, thickness=thickness)
        elapsed_ms = 1e3 * (time.perf_counter() - began)
        stripes = _measure_stripes(picture, model, result, cloth)
        if draw is not None:
            write_picture(draw, draw_result(picture, result, model, cloth.pieces, thickness))
    except (VisionError, ConfigError) as error:
        refuse(console, error)
        raise typer.Exit(UNUSABLE) from error
    if as_json:
        sys.stdout.write(json.dumps({**_to_json(result, stripes), "elapsed_ms": round(elapsed_ms, 2)}) + "\n")
    else:
        _print(console, result, stripes, cloth, elapsed_ms)


def _measure_stripes(
    picture: Image, camera: CameraModel, result: LocateResult, cloth: Cloth
) -> tuple[Stripes | None, ...]:
    """The stripes of each piece that was found, in its own coordinates."""
    outlines = {(piece.name, piece.size): piece.outline for piece in cloth.pieces}
    thickness = cloth.fabric.thickness_mm * MM
    return tuple(
        measure_stripes(picture, camera, outlines[found.piece, found.size], found.pose, thickness)
        for found in result.pieces
    )


def _to_json(result: LocateResult, stripes: Sequence[Stripes | None]) -> dict[str, list[dict[str, object]]]:
    told = result.to_dict()
    for piece, found in zip(told["pieces"], stripes, strict=True):
        piece["stripes"] = None if found is None else found.to_dict()
    return told


def _print(
    console: Console, result: LocateResult, stripes: Sequence[Stripes | None], cloth: Cloth, elapsed_ms: float
) -> None:
    table = Table(title=f"{cloth.garment.name}: {len(result.pieces)} piece(s) found in {elapsed_ms:.0f} ms")
    for heading in ("piece", "face", "x, y", "angle", "+-", "inliers", "shear", "notes"):
        table.add_column(heading)
    for located, lines in zip(result.pieces, stripes, strict=True):
        pose = located.pose
        notes = [f"or {other}" for other in located.ambiguous_with] + list(located.flags)
        if lines is not None:
            notes.append(f"stripes at {lines.direction / DEG:.1f} deg, every {lines.period / MM:.2f} mm")
        table.add_row(
            f"{located.piece} {located.size}",
            "down" if pose.mirrored else "up",
            f"{pose.x / MM:.2f}, {pose.y / MM:.2f} mm",
            f"{pose.theta / DEG:.3f} deg",
            f"{located.sigma_position / MM:.2f} mm, {located.sigma_angle / DEG:.3f} deg",
            f"{located.inlier_ratio:.0%}",
            f"{located.shear / PERCENT:.2f} %",
            ", ".join(notes),
        )
    console.print(table)
    for blob in result.unknown:
        x, y = blob.centre / MM
        console.print(f"unknown: the object at x {x:.0f} mm, y {y:.0f} mm {blob.reason}")
