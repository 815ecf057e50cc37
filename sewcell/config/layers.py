"""A whole job from its garment file: the files that it names, layered arm < cell < fabric < garment."""

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sewcell.config.base import Model
from sewcell.config.checks import find_faults
from sewcell.config.document import Document, read_document
from sewcell.config.fault_names import parse_fault
from sewcell.config.loader import Layer, M, join_faults, load_yaml, validate_document
from sewcell.config.lookup import find_file
from sewcell.config.messages import show_path
from sewcell.config.models import FabricModel, GarmentModel
from sewcell.config.models_cell import ArmModel, CameraModel, CellModel
from sewcell.config.models_ports import PortsModel
from sewcell.config.models_scenario import FaultModel, ImperfectionsModel, ScenarioModel
from sewcell.config.urdf import read_urdf
from sewcell.errors import ConfigError
from sewcell.geometry.poses import Array
from sewcell.pattern.dxf import read_pieces
from sewcell.pattern.piece import Piece

DEFAULT_SCENARIO = "undisturbed"


@dataclass(frozen=True, slots=True)
class Job:
    """Everything that one garment on one cell needs, checked; overrides are already merged into the layers they change.

    `camera` is the camera as it was built, `calibration` as it was measured, if the cell names such a file.
    `files`: every file that was read. `digest`: sha256 of the effective configuration with the pattern's geometry, the
    same for files that differ only in comments, order of keys, or in where they lie.
    """

    arm: ArmModel
    cell: CellModel
    camera: CameraModel
    fabric: FabricModel
    garment: GarmentModel
    scenario: ScenarioModel
    imperfections: ImperfectionsModel
    pieces: dict[str, Piece]
    files: tuple[Path, ...]
    arm_file: Path
    digest: str
    calibration: CameraModel | None


@dataclass(frozen=True, slots=True)
class CellSetup:
    """A cell and its arm, without any garment; `arm_file`: where the arm was read from."""

    cell: CellModel
    arm: ArmModel
    arm_file: Path


def load_ports(ports: str | Path, root: Path = Path("configs")) -> PortsModel:
    """Read a ports file, or the ports of that name in `root`.

    Raises: ConfigError that names file, line and key of everything that is wrong.
    """
    return load_yaml(_find_argument("port", ports, root), PortsModel)


def load_cell(cell: str | Path) -> CellSetup:
    """Read a cell file, or the cell of that name in `configs`, and the arm that it names.

    Raises: ConfigError that names file, line and key of everything that is wrong.
    """
    cells = _read_layer(_find_argument("cell", cell, Path("configs")), "cell", CellModel, [])
    arm_path = _find_named("arm", cells, "arm")
    return CellSetup(cells.values, _read_layer(arm_path, "arm", ArmModel, [cells.document]).values, arm_path)


def load_job(
    garment: str | Path,
    cell: str | Path | None = None,
    scenario: str | Path | None = None,
    ports: str | Path | None = None,
    imperfections: str | Path | None = None,
    faults: Sequence[str] = (),
    plies_left: int | None = None,
) -> Job:
    """Read a garment file and all that it names, merge the overrides, and check that the parts fit together.

    A name (`bench`) stands for `cells/bench.yaml` in the folder above the one that holds the file that names it; what
    contains a slash or ends in .yaml is a path relative to that file, or, as an argument, to the working directory.
    `cell` replaces the cell that the garment names, `ports` the block of that name in it,
    `imperfections` the level that the scenario names, `plies_left` that of the loader; `faults` (`thread-break@3.2s`)
    come to those of the scenario.

    Raises: ConfigError that names file, line and key of everything that is wrong at the level that fails first.
    """
    garment_path = _find_argument("garment", garment, Path("configs"))
    root = garment_path.parent.parent
    garments = _read_layer(garment_path, "garment", GarmentModel, [])
    fabric_path = _find_named("fabric", garments, "fabric")
    fabrics = _read_layer(fabric_path, "fabric", FabricModel, [garments.document])
    cell_path = _find_named("cell", garments, "cell") if cell is None else _find_argument("cell", cell, root)
    scenario_path = _find_argument("scenario", DEFAULT_SCENARIO if scenario is None else scenario, root)
    scenarios = _read_layer(scenario_path, "scenario", ScenarioModel, [])
    cells = _read_layer(cell_path, "cell", CellModel, [fabrics.document, garments.document, scenarios.document])
    above = [cells.document, fabrics.document, garments.document]
    arm_path, camera_path = _find_named("arm", cells, "arm"), _find_named("camera", cells, "camera", "file")
    arms = _read_layer(arm_path, "arm", ArmModel, above)
    cameras = _read_layer(camera_path, "camera", CameraModel, above)
    calibration = _read_calibration(cells, cameras)
    if imperfections is None:
        level_path = _find_named("imperfection", scenarios, "imperfections")
    else:
        level_path = _find_argument("imperfection", imperfections, root)
    levels = _read_layer(level_path, "imperfections", ImperfectionsModel, [scenarios.document])
    added = tuple(FaultModel(fault=name, at_s=time) for name, time in map(parse_fault, faults))
    scenario_values = scenarios.values.model_copy(update={"faults": scenarios.values.faults + added})
    pattern_path = _find_named("pattern", garments, "pattern")
    try:
        pieces = read_pieces(Path(show_path(pattern_path)), garments.values.size)
    except ConfigError as error:
        raise ConfigError(f"{garments.find_origin('pattern').describe()}: {error}") from error
    wrong = find_faults(garments, fabrics, cells, arms, pieces)
    if wrong:
        raise join_faults(wrong)
    cell_values = cells.values if plies_left is None else _begin_stack(cells.values, plies_left)
    if ports is not None:
        cell_values = cell_values.model_copy(update={"ports": load_ports(ports, root)})
    layers = (arms.values, cell_values, cameras.values, fabrics.values, garments.values)
    models = (*layers, scenario_values, levels.values)
    files = [garment_path, fabric_path, cell_path, arm_path, camera_path, scenario_path, level_path, pattern_path]
    if calibration is not None:
        files.append(calibration.find_origin().path)
    urdf = None
    if arms.values.urdf is not None:
        files.append(_tidy(arm_path.parent / arms.values.urdf.file))
        urdf = read_urdf(files[-1], arms.values.urdf.base, arms.values.urdf.tip)
    measured = None if calibration is None else calibration.values
    digest = _digest(models, measured, pieces, urdf)
    return Job(*models, pieces=pieces, files=tuple(files), arm_file=arm_path, digest=digest, calibration=measured)


def _begin_stack(cell: CellModel, plies_left: int) -> CellModel:
    """The cell whose first stack is part used."""
    full = cell.loader.stack_plies
    if not 1 <= plies_left <= full:
        stack = "pieces come one by one" if full == 1 else f"a full stack has {full} plies"
        raise ConfigError(f"--plies-left must be 1 to {full}, got {plies_left}: {stack} (loader.stack_plies)")
    loader = cell.loader.model_copy(update={"plies_left": plies_left})
    return cell.model_copy(update={"loader": loader})


def _read_calibration(cells: Layer[CellModel], cameras: Layer[CameraModel]) -> Layer[CameraModel] | None:
    """The camera as it was measured, when the cell names such a file."""
    if cells.values.camera.calibration is None:
        return None
    found = _read_layer(_find_named("camera", cells, "camera", "calibration"), "camera", CameraModel, [])
    size, wanted = found.values.image_size_px, cameras.values.image_size_px
    if size != wanted:
        text = f"must be {list(wanted)}, as in the camera's own file, got {list(size)}; calibrate this camera"
        raise join_faults([(found.find_origin("image_size_px"), text)])
    return found


def _read_layer(path: Path, kind: str, model: type[M], above: list[Document]) -> Layer[M]:
    """The file's values with what the `override` blocks of the layers above it, the highest last, change in them."""
    document = read_document(path)
    for upper in above:
        patch = (upper.data.get("override") or {}).get(kind)
        if patch:
            document = document.patch(patch, upper, ("override", kind))
    return Layer(validate_document(document, model), document)


def _find_named(kind: str, layer: Layer[M], *loc: str) -> Path:
    """The file that the value at `loc` names."""
    origin = layer.find_origin(*loc)
    reference = layer.document.data[loc[0]] if len(loc) == 1 else layer.document.data[loc[0]][loc[1]]
    root = origin.path.parent.parent
    if not (root / f"{kind}s").is_dir():
        root = Path("configs")
    try:
        return _tidy(find_file(kind, reference, root, origin.path.parent))
    except ConfigError as error:
        raise ConfigError(f"{origin.describe()}: {error}") from error


def _find_argument(kind: str, reference: str | Path, root: Path) -> Path:
    """The file that an argument names: a path as it stands, a name under `root` or else under `configs`."""
    if not (root / f"{kind}s").is_dir():
        root = Path("configs")
    return _tidy(find_file(kind, str(reference), root, Path()))


def _tidy(path: Path) -> Path:
    return Path(os.path.normpath(path))


def _digest(
    models: tuple[Model, ...],
    calibration: CameraModel | None,
    pieces: dict[str, Piece],
    urdf: tuple[Array, Array] | None,
) -> str:
    """sha256 of values and geometry, without the references to files that they were read from, and without ports."""
    values = {type(model).__name__: model.model_dump(mode="json", exclude={"override"}) for model in models}
    for key in ("cell", "fabric", "pattern"):
        del values["GarmentModel"][key]
    del values["ScenarioModel"]["imperfections"], values["ScenarioModel"]["expect"]
    camera = values["CellModel"]["camera"]
    del values["CellModel"]["arm"], values["CellModel"]["ports"], camera["file"], camera["calibration"]
    if calibration is not None:
        values["calibration"] = calibration.model_dump(mode="json")
    if urdf is not None:
        values["ArmModel"]["urdf"] = [np.rint(frames * 1e9).astype(np.int64).tolist() for frames in urdf]
    drawn = {name: _to_nanometres(piece) for name, piece in pieces.items()}
    text = json.dumps({"values": values, "pieces": drawn}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _to_nanometres(piece: Piece) -> dict[str, object]:
    """All that a piece consists of, lengths in whole nanometres, for the digest."""

    def rounded(points: Array | None) -> object:
        return None if points is None else np.rint(points * 1e9).astype(np.int64).tolist()

    return {
        "size": piece.size,
        "outline": rounded(piece.outline),
        "notches": [(rounded(n.position), rounded(n.direction), round(n.depth * 1e9)) for n in piece.notches],
        "sew_lines": [rounded(line) for line in piece.sew_lines],
        "holes": [rounded(hole) for hole in piece.holes],
        "grainline": rounded(piece.grainline),
        "drill_holes": rounded(piece.drill_holes),
    }
