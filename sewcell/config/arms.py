"""Arms from their files."""

from pathlib import Path

import numpy as np

from sewcell.config.loader import load_yaml
from sewcell.config.lookup import find_file
from sewcell.config.models_cell import ArmModel as ArmFile
from sewcell.config.urdf import read_urdf
from sewcell.kinematics.arm import Arm
from sewcell.kinematics.arm_model import (
    ArmModel,
    ChainParameters,
    Geometry,
    JointLimits,
    LinkCapsule,
    OpwParameters,
    ParallelParameters,
)
from sewcell.kinematics.links import dh_frames
from sewcell.units import DEG, MM


def load_arm(name_or_path: str | Path) -> Arm:
    """The arm of a file: a path, or a name in `configs/arms` of the working directory, else of this project.

    Raises: ConfigError that names file, line and key, or the arms that exist.
    """
    root = Path("configs")
    if not (root / "arms").is_dir():
        root = Path(__file__).parents[2] / "configs"
    path = find_file("arm", str(name_or_path), root, Path())
    return Arm(to_arm_model(load_yaml(path, ArmFile), path))


def to_arm_model(file: ArmFile, path: Path) -> ArmModel:
    """The arm that the file at `path` describes, in metres and radians."""
    limits = file.limits
    return ArmModel(
        name=file.name,
        geometry=_make_geometry(file, path),
        limits=JointLimits(
            lower=np.array(limits.lower_deg) * DEG,
            upper=np.array(limits.upper_deg) * DEG,
            velocity=np.array(limits.velocity_deg_s) * DEG,
            acceleration=np.array(limits.acceleration_deg_s2) * DEG,
            jerk=np.array(limits.jerk_deg_s3) * DEG,
        ),
        capsules=tuple(
            LinkCapsule(c.link, np.array(c.from_mm) * MM, np.array(c.to_mm) * MM, c.radius_mm * MM)
            for c in file.capsules
        ),
    )


def _make_geometry(file: ArmFile, path: Path) -> Geometry:
    if file.opw is not None:
        opw = file.opw
        return OpwParameters(
            a1=opw.a1_mm * MM,
            a2=opw.a2_mm * MM,
            b=opw.b_mm * MM,
            c1=opw.c1_mm * MM,
            c2=opw.c2_mm * MM,
            c3=opw.c3_mm * MM,
            c4=opw.c4_mm * MM,
            offsets=np.array(opw.offsets_deg) * DEG,
            signs=np.array(opw.signs, dtype=np.float64),
        )
    if file.three_parallel is not None:
        parallel = file.three_parallel
        return ParallelParameters(
            d1=parallel.d1_mm * MM,
            a2=parallel.a2_mm * MM,
            a3=parallel.a3_mm * MM,
            d4=parallel.d4_mm * MM,
            d5=parallel.d5_mm * MM,
            d6=parallel.d6_mm * MM,
            offsets=np.array(parallel.offsets_deg) * DEG,
            signs=np.array(parallel.signs, dtype=np.float64),
        )
    if file.dh is not None:
        before, after = dh_frames(
            np.array(file.dh.d_mm) * MM,
            np.array(file.dh.a_mm) * MM,
            np.array(file.dh.alpha_deg) * DEG,
            np.array(file.dh.offset_deg) * DEG,
        )
        return ChainParameters(before, after)
    assert file.urdf is not None
    return ChainParameters(*read_urdf(path.parent / file.urdf.file, file.urdf.base, file.urdf.tip))
