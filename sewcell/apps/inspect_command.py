"""The command `sewcell vision inspect`: judge the seams of a sewn piece from its picture."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.markup import escape

from sewcell.apps.messages import refuse
from sewcell.config.calibration_files import read_camera
from sewcell.config.garments import Cloth, load_cloth
from sewcell.config.values import make_piece_recipes
from sewcell.errors import ConfigError, VisionError
from sewcell.geometry.planar import PlanarPose
from sewcell.image import Image
from sewcell.process.looking import FACES, SeamOrder, Verdict, judge
from sewcell.process.recipe import PieceRecipe
from sewcell.units import DEG, MM
from sewcell.vision.background import make_background
from sewcell.vision.camera_model import CameraModel
from sewcell.vision.inspection_drawing import draw_inspection
from sewcell.vision.located import require_one
from sewcell.vision.pictures import read_picture, write_picture
from sewcell.vision.piece_pose import locate
from sewcell.vision.thinning import Pixels

FAULTY, UNUSABLE = 1, 2
"""Exit codes: a seam is out of tolerance; the picture or a file does not allow an answer."""


def inspect(
    image: Annotated[Path, typer.Argument(help="The picture of the sewn piece.")],
    camera: Annotated[Path, typer.Option(help="Camera file: lens and pose over the table.")],
    garment: Annotated[Path, typer.Option(help="Garment file; its seams are judged by its tolerances.")],
    background: Annotated[
        Path | None, typer.Option(help="Picture of the empty table, same camera: the piece is looked for.")
    ] = None,
    at: Annotated[
        tuple[float, float, float] | None,
        typer.Option(help="Instead: where the piece lies, x y [mm] and angle [deg], as `locate` tells it."),
    ] = None,
    piece: Annotated[str | None, typer.Option(help="Only this piece; default: all that have seams.")] = None,
    seam: Annotated[str | None, typer.Option(help="Only this seam; default: all.")] = None,
    out: Annotated[Path | None, typer.Option(help="Picture to write: seams and their deviations to scale.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Distance from the edge, stitch length and skipped stitches against the garment's tolerances.

    Exit 0: all good; 1: a seam is out of tolerance; 2: the picture cannot be used.
    """
    console = Console(stderr=as_json, highlight=False)
    try:
        cloth, model = load_cloth(garment), read_camera(camera)
        recipes = _choose(cloth, piece, seam)
        picture = read_picture(image)
        thickness = cloth.fabric.thickness_mm * MM
        poses = _find_poses(picture, background, at, model, cloth, recipes)
        verdicts = [
            judge(SeamOrder(recipe.piece, sewn, pose, model, thickness), picture)
            for recipe, pose in poses
            for sewn in recipe.seams
            if seam in (None, sewn.name)
        ]
        for verdict in verdicts:
            if verdict.inspection is None:
                raise VisionError(verdict.text)
        if out is not None:
            write_picture(out, _draw_pages(picture, verdicts))
    except (VisionError, ConfigError) as error:
        refuse(console, error)
        raise typer.Exit(UNUSABLE) from error
    good = all(verdict.good for verdict in verdicts)
    if as_json:
        seams = [
            {"piece": verdict.order.piece.name, **verdict.inspection.to_json()}
            for verdict in verdicts
            if verdict.inspection is not None
        ]
        sys.stdout.write(json.dumps({"ok": good, "seams": seams}) + "\n")
    for verdict in verdicts:
        word = "[green]good[/green]" if verdict.good else "[bold red]faulty[/bold red]"
        console.print(f"{word}: {escape(verdict.order.piece.name)}, {escape(verdict.text)}", soft_wrap=True)
    raise typer.Exit(0 if good else FAULTY)


def _choose(cloth: Cloth, piece: str | None, seam: str | None) -> list[PieceRecipe]:
    """The pieces that are asked for."""
    recipes = make_piece_recipes(cloth.garment, {item.name: item for item in cloth.pieces})
    if not recipes:
        raise ConfigError(f"the garment '{cloth.garment.name}' has no seams: add them to its pieces")
    chosen = [
        recipe
        for recipe in recipes
        if piece in (None, recipe.piece.name) and (seam is None or seam in [sewn.name for sewn in recipe.seams])
    ]
    if not chosen:
        known = "; ".join(f"{recipe.piece.name}: {', '.join(sewn.name for sewn in recipe.seams)}" for recipe in recipes)
        raise ConfigError(f"the garment '{cloth.garment.name}' has no such piece with such a seam; it has {known}")
    return chosen


def _find_poses(
    picture: Image,
    background: Path | None,
    at: tuple[float, float, float] | None,
    camera: CameraModel,
    cloth: Cloth,
    recipes: Sequence[PieceRecipe],
) -> list[tuple[PieceRecipe, PlanarPose]]:
    """Where the pieces lie: as told, or as found for sure."""
    if (background is None) == (at is None):
        raise ConfigError("name either --background, to look for the piece, or --at, where it lies")
    if at is not None:
        if len(recipes) > 1:
            names = ", ".join(recipe.piece.name for recipe in recipes)
            raise ConfigError(f"--at is the place of one piece: choose it with --piece out of {names}")
        return [(recipes[0], PlanarPose(at[0] * MM, at[1] * MM, at[2] * DEG))]
    assert background is not None
    empty = make_background([read_picture(background)])
    thickness, limits = cloth.fabric.thickness_mm * MM, cloth.garment.vision
    result = locate(picture, empty, camera, cloth.pieces, thickness=thickness, faces=FACES)
    shown = {located.piece for located in result.pieces}
    wanted = [recipe for recipe in recipes if recipe.piece.name in shown] or recipes[:1]
    return [
        (recipe, require_one(result, recipe.piece.name, limits.max_residual_mm * MM, limits.min_confidence).pose)
        for recipe in wanted
    ]


def _draw_pages(picture: Image, verdicts: Sequence[Verdict]) -> Pixels:
    """The pages of the seams, one below the other."""
    pages = [
        draw_inspection(picture, verdict.order.camera, verdict.inspection, verdict.order.thickness)
        for verdict in verdicts
        if verdict.inspection is not None
    ]
    width = max(page.shape[1] for page in pages)
    wide = [np.pad(page, ((0, 0), (0, width - page.shape[1]), (0, 0)), constant_values=255) for page in pages]
    return np.concatenate(wide)
