"""The command `sewcell vision track`: where the edge of cloth runs at the needle, in pictures of the throat plate."""

import json
import sys
import time
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sewcell.apps.messages import refuse
from sewcell.config.calibration_files import read_camera
from sewcell.errors import ConfigError, VisionError
from sewcell.units import DEG, MM
from sewcell.vision.background import check_size
from sewcell.vision.edge_tracker import EdgeSighting, EdgeTracker, learn_plate, make_needle_homography
from sewcell.vision.pictures import read_picture

UNUSABLE = 2
"""Exit code when no picture shows the edge, or a picture or a file cannot be used."""


def track(
    images: Annotated[list[Path], typer.Argument(help="Pictures of cloth on the throat plate, in their order.")],
    plate: Annotated[list[Path], typer.Option(help="Picture of the bare plate; several also tell the noise.")],
    camera: Annotated[Path, typer.Option(help="Camera file whose table is the needle frame: x along the feed.")],
    cloth: Annotated[
        Literal["top", "bottom"], typer.Option(help="The border of the picture at which the cloth lies.")
    ] = "bottom",
    blind: Annotated[
        Path | None, typer.Option(help="Picture that is white where foot or feed dog hide the plate.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Offset and heading of the edge at the needle and 20, 30 and 40 mm before it; says where it is lost, and why.

    Exit 2 when no picture shows the edge.
    """
    console = Console(stderr=as_json, highlight=False)
    try:
        model = read_camera(camera)
        pictures, bare = [read_picture(path) for path in images], [read_picture(path) for path in plate]
        for picture in (*bare, *pictures):
            check_size(picture, model)
        hidden = None if blind is None else read_picture(blind).pixels.max(axis=2) > 127
        tracker = EdgeTracker(learn_plate(bare, make_needle_homography(model), cloth, hidden))
        tracker.find(pictures[0])  # loads the compiled code
        began = time.perf_counter()
        sightings = [tracker.find(picture) for picture in pictures]
        elapsed_ms = 1e3 * (time.perf_counter() - began) / len(pictures)
        if not any(sighting.found for sighting in sightings):
            raise VisionError(f"the edge is lost: {sightings[0].lost}")
    except (VisionError, ConfigError) as error:
        refuse(console, error)
        raise typer.Exit(UNUSABLE) from error
    if as_json:
        told = [{"picture": str(path), **sighting.to_dict()} for path, sighting in zip(images, sightings, strict=True)]
        sys.stdout.write(json.dumps({"sightings": told, "elapsed_ms": round(elapsed_ms, 3)}) + "\n")
    else:
        _print(console, images, sightings, elapsed_ms)


def _print(console: Console, images: list[Path], sightings: list[EdgeSighting], elapsed_ms: float) -> None:
    table = Table(title=f"{len(sightings)} picture(s), {elapsed_ms:.2f} ms each")
    for heading in ("picture", "offset at the needle", "+-", "heading", "offsets ahead"):
        table.add_column(heading)
    for path, sighting in zip(images, sightings, strict=True):
        if not sighting.found:
            table.add_row(escape(path.name), "lost", "", "", escape(sighting.lost))
            continue
        ahead = ", ".join(
            f"{offset / MM:.3f} at {distance / MM:.0f} mm"
            for distance, offset in zip(sighting.ahead[1:], sighting.offset[1:], strict=True)
        )
        table.add_row(
            escape(path.name),
            f"{sighting.offset[0] / MM:.3f} mm",
            f"{sighting.sigma[0] / MM:.3f} mm",
            f"{sighting.heading[0] / DEG:.2f} deg",
            ahead,
        )
    console.print(table)
