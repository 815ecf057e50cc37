"""The command `sewcell calibrate check`: fixed fiducials, measured at the start of a shift."""

import json
import sys
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from sewcell.apps.calibrate_session import Session, show_rows, tell_time, with_session
from sewcell.apps.calibrate_shots import Shot
from sewcell.config.calibration_files import FOLDER, check_file, check_free, read_camera, write_calibration
from sewcell.config.loader import load_yaml
from sewcell.config.messages import show_path
from sewcell.config.models_calibration import CheckModel, FiducialsModel
from sewcell.config.values import make_camera_model
from sewcell.errors import ConfigError, VisionError
from sewcell.geometry.poses import Array
from sewcell.hands import StickFiducials
from sewcell.units import MM
from sewcell.vision.boards import find_fiducials
from sewcell.vision.fiducials import FEWEST, LIMIT, check_fiducials, measure_fiducials


@with_session()
def check(
    session: Session,
    remember: Annotated[
        bool, typer.Option("--remember", help="Take the present places as right and store them.")
    ] = False,
    fiducials: Annotated[Path | None, typer.Option(help="File of the fiducials; default: the cell's.")] = None,
    camera: Annotated[Path | None, typer.Option(help="Camera file; default: the one that the cell names.")] = None,
    count: Annotated[int, typer.Option(min=FEWEST, max=50, help="Markers 0, 1, ... to remember.")] = 6,
    marker_mm: Annotated[float, typer.Option(min=5.0, max=200.0, help="Side of the markers to remember.")] = 30.0,
    views: Annotated[int, typer.Option(min=1, max=20, help="Pictures whose mean is taken.")] = 3,
) -> None:
    """Has the camera or the table moved? Ends with exit 1 past 0.2 mm; then `sewcell run` refuses the cell too."""
    with session.tell() as console:
        job = session.load_job()
        model = make_camera_model(job) if camera is None else read_camera(camera)
        file = fiducials or FOLDER / f"{job.cell.name}-fiducials.yaml"
        if remember:
            target = session.out or file
            check_free(target, session.force)
            numbers, size = tuple(range(count)), marker_mm * MM
            known: dict[int, Array] = {}
        else:
            if not file.is_file():
                raise ConfigError(f"no file {show_path(file)}: right after a calibration, run this with --remember")
            stored = load_yaml(file, FiducialsModel)
            known = {marker.number: np.array(marker.xy_mm) * MM for marker in stored.fiducials}
            numbers, size = tuple(known), stored.marker_mm * MM
        seen: list[dict[int, Array]] = []

        def use(shot: Shot) -> None:
            assert shot.pixels is not None
            taken = (shot.pixels.shape[1], shot.pixels.shape[0])
            if taken != model.image_size_px:
                wanted = " x ".join(map(str, model.image_size_px))
                raise ConfigError(f"{shot.name} is {taken[0]} x {taken[1]} px, the camera file is for {wanted} px")
            seen.append(find_fiducials(shot.pixels))

        session.take(views, lambda _: StickFiducials(numbers, size), use, console)
        measured = {number: place for number, place in measure_fiducials(model, seen).items() if number in numbers}
        if remember:
            if len(measured) < FEWEST:
                raise VisionError(
                    f"the pictures show {len(measured)} fiducials, at least {FEWEST} are needed: stick more"
                )
            marks = [
                {"number": number, "xy_mm": [round(float(value) / MM, 4) for value in place]}
                for number, place in measured.items()
            ]
            rows = [("fiducials", ", ".join(map(str, measured))), ("limit of a later check", f"{LIMIT / MM:g} mm")]
            values = {"marker_mm": size / MM, "fiducials": marks}
            session.finish(console, "check", rows, target, values, FiducialsModel, {"fiducials": marks})
            return
        found = check_fiducials(measured, known)
        worst, deviation = found.worst
        rows = [
            (f"fiducial {number}", f"{d[0] / MM:+.3f}, {d[1] / MM:+.3f} mm") for number, d in found.deviations.items()
        ]
        show_rows(console, "calibrate check", [*rows, ("largest", f"{deviation / MM:.3f} mm, fiducial {worst}")])
        may_run = deviation <= LIMIT
        if session.as_json:
            summary = {"largest_mm": deviation / MM, "fiducial": worst, "limit_mm": LIMIT / MM, "may_run": may_run}
            sys.stdout.write(json.dumps(summary) + "\n")
        if fiducials is None:
            note = {"checked_at": tell_time(), "may_run": may_run}
            note |= {"largest_mm": round(deviation / MM, 4), "fiducial": worst}
            record = check_file(job.cell.name)
            check_free(record, force=True)
            write_calibration(record, "check", ["`sewcell run` reads this"], note, CheckModel)
        found.require_within()
