"""The KR6 R700 and the bench cell, read from their files without the configuration layer."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ruamel.yaml import YAML

from sewcell.geometry.poses import make_pose, transform_points
from sewcell.kinematics.arm import Arm
from sewcell.kinematics.arm_model import ArmModel, JointLimits, LinkCapsule, OpwParameters
from sewcell.kinematics.collision import Box, Capsule, CollisionModel
from sewcell.units import DEG, MM

CONFIGS = Path(__file__).parents[2] / "configs"


def read_yaml(path: Path) -> Any:
    return YAML(typ="safe").load(path.read_text())


@pytest.fixture(scope="session")
def kr6() -> ArmModel:
    file = read_yaml(CONFIGS / "arms" / "kr6_r700.yaml")
    opw, limits = file["opw"], file["limits"]
    return ArmModel(
        file["name"],
        OpwParameters(
            *(opw[f"{key}_mm"] * MM for key in ("a1", "a2", "b", "c1", "c2", "c3", "c4")),
            offsets=np.array(opw["offsets_deg"]) * DEG,
            signs=np.array(opw["signs"], dtype=float),
        ),
        JointLimits(
            *(
                np.array(limits[key]) * DEG
                for key in ("lower_deg", "upper_deg", "velocity_deg_s", "acceleration_deg_s2", "jerk_deg_s3")
            )
        ),
        tuple(
            LinkCapsule(c["link"], np.array(c["from_mm"]) * MM, np.array(c["to_mm"]) * MM, c["radius_mm"] * MM)
            for c in file["capsules"]
        ),
    )


@pytest.fixture(scope="session")
def shifted(kr6: ArmModel) -> ArmModel:
    """An arm with every OPW dimension in use: shoulder offset b, upper arm and forearm of equal length."""
    k = float(np.hypot(0.05, 0.4))
    opw = OpwParameters(
        0.1, -0.05, 0.07, 0.4, k, 0.4, 0.1, np.array([0.1, -1.0, 0.3, 0.2, -0.4, 1.0]), -kr6.geometry.signs
    )
    return ArmModel("shifted", opw, kr6.limits)


@pytest.fixture(scope="session")
def arm(kr6: ArmModel) -> Arm:
    return Arm(kr6)


@dataclass(frozen=True)
class Bench:
    """configs/cells/bench.yaml in SI."""

    T_base_table: np.ndarray
    T_base_needle: np.ndarray
    T_flange_tool: np.ndarray
    home: np.ndarray
    pick_zone: np.ndarray
    """Lower and upper corner (2, 2) in table."""
    place: np.ndarray
    plate: np.ndarray
    approach: float
    carry_height: float
    clearance: float
    collision: CollisionModel


@pytest.fixture(scope="session")
def bench(kr6: ArmModel) -> Bench:
    cell = read_yaml(CONFIGS / "cells" / "bench.yaml")
    table, machine, tool, motion = cell["table"], cell["machine"], cell["tool"], cell["motion"]
    T_base_needle, T_flange_tool = pose_from(machine["needle"]), pose_from(tool["pose"])
    boxes = [box_from("table", table["slab"], np.eye(4))]
    boxes += [box_from(body["name"], body, T_base_needle) for body in machine["bodies"]]
    capsules = [
        Capsule(
            c["name"],
            6,
            *transform_points(T_flange_tool, np.array([c["from_mm"], c["to_mm"]]) * MM),
            c["radius_mm"] * MM,
        )
        for c in tool["capsules"]
    ]
    return Bench(
        pose_from(table["pose"]),
        T_base_needle,
        T_flange_tool,
        np.array(cell["home_deg"]) * DEG,
        np.array([table["pick_zone"]["from_mm"], table["pick_zone"]["to_mm"]]) * MM,
        np.array(table["place_at"]["xy_mm"]) * MM,
        np.array(tool["plate_mm"]) * MM,
        motion["approach_mm"] * MM,
        motion["carry_height_mm"] * MM,
        motion["clearance_mm"] * MM,
        CollisionModel(kr6, capsules, boxes),
    )


def pose_from(entry: dict[str, list[float]]) -> np.ndarray:
    return make_pose(np.array(entry["xyz_mm"]) * MM, [angle * DEG for angle in entry["rpy_deg"]])


def box_from(name: str, entry: dict[str, list[float]], T_base_frame: np.ndarray) -> Box:
    low, high = np.array(entry["from_mm"]) * MM, np.array(entry["to_mm"]) * MM
    return Box(name, T_base_frame @ make_pose((low + high) / 2.0), (high - low) / 2.0)
