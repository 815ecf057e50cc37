"""Every file of the project's configuration is valid."""

from pathlib import Path

import numpy as np
import pytest

from sewcell.config.base import Model, PoseModel
from sewcell.config.layers import load_job
from sewcell.config.loader import load_yaml
from sewcell.config.models import FabricModel, GarmentModel
from sewcell.config.models_calibration import CheckModel, FiducialsModel, HandEyeModel, ToolPointModel
from sewcell.config.models_cell import ArmModel, CameraModel, CellModel, LensModel
from sewcell.config.models_ports import PortsModel
from sewcell.config.models_scenario import ImperfectionsModel, ScenarioModel
from sewcell.pattern.dxf import read_pieces

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
MODELS: dict[str, type[Model]] = {
    "arms": ArmModel,
    "cameras": CameraModel,
    "cells": CellModel,
    "fabrics": FabricModel,
    "garments": GarmentModel,
    "imperfections": ImperfectionsModel,
    "ports": PortsModel,
    "scenarios": ScenarioModel,
}
CALIBRATIONS: dict[str, type[Model]] = {
    "lens": LensModel,
    "camera": CameraModel,
    "hand-eye": HandEyeModel,
    "tool": ToolPointModel,
    "fiducials": FiducialsModel,
    "check": CheckModel,
}
FILES = sorted(CONFIGS.glob("*/*.*"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_file_under_configs_is_valid_for_its_folder(path: Path) -> None:
    if path.parent.name == "patterns":
        assert read_pieces(path)
    elif path.parent.name == "calibration":
        assert load_yaml(path, next(model for kind, model in CALIBRATIONS.items() if path.stem.endswith(f"-{kind}")))
    else:
        values = load_yaml(path, MODELS[path.parent.name])
        assert getattr(values, "name", path.stem) == path.stem


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("garments/*.yaml")), ids=lambda path: path.stem)
def test_every_garment_makes_a_whole_job(path: Path) -> None:
    job = load_job(path)
    assert {piece.piece for piece in job.garment.pieces} <= set(job.pieces)
    assert all(file.is_file() for file in job.files)


def test_a_pose_of_a_file_turns_about_the_fixed_axes_and_is_in_metres() -> None:
    """Quarter turn about x, then about the fixed z: x -> y, y -> z, z -> x."""
    T = PoseModel(xyz_mm=(100.0, 0.0, -50.0), rpy_deg=(90.0, 0.0, 90.0)).matrix()
    np.testing.assert_allclose(T, [[0, 0, 1, 0.1], [1, 0, 0, 0], [0, 1, 0, -0.05], [0, 0, 0, 1]], atol=1e-12)
