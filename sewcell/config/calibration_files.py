"""Reads and writes the files of calibrations; a file that a person wrote is never touched."""

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from sewcell.config.base import Model
from sewcell.config.document import read_document
from sewcell.config.loader import load_yaml, validate_document
from sewcell.config.messages import show_path
from sewcell.config.models_calibration import CheckModel
from sewcell.config.models_cell import CameraModel, LensModel
from sewcell.errors import ConfigError, InterlockError
from sewcell.geometry.poses import Array
from sewcell.units import HOUR, MM
from sewcell.vision.camera_model import CameraModel as Camera
from sewcell.vision.lens import Lens

FOLDER = Path("configs/calibration")
MARK = "# Written by `sewcell calibrate"


def read_lens(path: Path) -> Lens:
    """The lens of a lens file or of a camera file.

    Raises: ConfigError with file, line and key.
    """
    document = read_document(path)
    model = validate_document(document, CameraModel if "T_camera_table" in document.data else LensModel)
    return Lens(model.image_size_px, np.array(model.camera_matrix), np.array(model.distortion))


def read_camera(path: Path) -> Camera:
    """The camera of a camera file. Raises: ConfigError with file, line and key."""
    return make_camera(load_yaml(path, CameraModel))


def make_camera(model: CameraModel) -> Camera:
    """The camera of its model. Raises: ConfigError when it looks at the table from below: every piece would be taken
    for its mirror image."""
    T = np.array(model.T_camera_table)
    above = float(-T[:3, 2] @ T[:3, 3])
    if above <= 0.0:
        raise ConfigError(
            f"T_camera_table of the camera file puts the camera {-above / MM:.0f} mm below the table: z of the table "
            "points up to the camera, so its third column ends near -1; calibrate the table anew"
        )
    return Camera(
        image_size_px=model.image_size_px,
        matrix=np.array(model.camera_matrix),
        distortion=np.array(model.distortion),
        T_camera_table=T,
    )


def describe_lens(lens: Lens | Camera) -> dict[str, Any]:
    """The keys of a lens file."""
    return {
        "image_size_px": list(lens.image_size_px),
        "camera_matrix": _round_rows(lens.matrix, 4),
        "distortion": [round(float(value), 8) for value in lens.distortion],
    }


def describe_camera(camera: Camera) -> dict[str, Any]:
    """The keys of a camera file."""
    return {**describe_lens(camera), "T_camera_table": describe_pose(camera.T_camera_table)}


def describe_pose(T: Array) -> list[list[float]]:
    """A pose as rows of a file."""
    return _round_rows(T, 9)


def check_free(path: Path, force: bool) -> None:
    """Raises: ConfigError when `path` may not be written: it exists and `force` is not given, or a person wrote it."""
    shown = show_path(path)
    if path.is_dir():
        raise ConfigError(f"{shown} is a folder: name a file with --out")
    if not path.exists():
        return
    if not path.read_bytes().startswith(MARK.encode()):
        raise ConfigError(f"{shown} was not written by `sewcell calibrate` and is left alone: name another with --out")
    if not force:
        raise ConfigError(f"{shown} exists: add --force to replace it, or name another with --out")


def write_calibration(
    path: Path, command: str, notes: Sequence[str], values: dict[str, Any], model: type[Model]
) -> None:
    """Write `values`, which must be valid for `model`, below comments that say how they came about.

    Raises: ConfigError when the file cannot be written.
    """
    model.model_validate(values)
    lines = [f"{MARK} {command}`.", *(f"# {note}" for note in notes)]
    for key, value in values.items():
        if isinstance(value, list) and value and isinstance(value[0], list | dict):
            lines += [f"{key}:", *(f"  - {_flow(row)}" for row in value)]
        else:
            lines.append(f"{key}: {_flow(value)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{show_path(path)} cannot be written ({error.strerror}): name another with --out") from error


def check_file(cell: str) -> Path:
    """Where `sewcell calibrate check` notes how it ended for a cell."""
    return FOLDER / f"{cell}-check.yaml"


def require_passed_check(cell: str, most_hours: float | None) -> None:
    """Raises: InterlockError when the last check of the cell's fiducials found that something has moved or, where
    `most_hours` is given, is older than that or was never made."""
    path = check_file(cell)
    remedy = "run `sewcell calibrate check`"
    if not path.is_file():
        if most_hours is not None:
            raise InterlockError(f"the cell does not run: its camera has not been checked on this computer; {remedy}")
        return
    last = load_yaml(path, CheckModel)
    if not last.may_run:
        raise InterlockError(
            f"the cell does not run: at {last.checked_at}, fiducial {last.fiducial} was {last.largest_mm:.2f} mm off "
            "its place; do what that check said, then `sewcell calibrate check` again"
        )
    hours = (datetime.now().astimezone() - _read_time(last.checked_at, path)).total_seconds() / HOUR
    if most_hours is not None and hours > most_hours:
        raise InterlockError(
            f"the cell does not run: the last check of its camera was {hours:.1f} hours ago, {most_hours:g} is the "
            f"most; {remedy}"
        )


def _read_time(text: str, path: Path) -> datetime:
    try:
        return datetime.fromisoformat(text).astimezone()
    except ValueError as error:
        raise ConfigError(
            f"{show_path(path)}: checked_at {text!r} is no time; run `sewcell calibrate check`"
        ) from error


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_flow(item) for item in value) + "]"
    return json.dumps(value)


def _round_rows(matrix: Array, digits: int) -> list[list[float]]:
    return [[round(float(value), digits) + 0.0 for value in row] for row in matrix]
