"""The arm, limits and needle of the bench cell, typed from their sources."""

import numpy as np
import pytest

from sewcell.geometry.poses import make_pose
from sewcell.kinematics.arm import Arm
from sewcell.kinematics.arm_model import ArmModel, JointLimits, OpwParameters
from sewcell.motion.limits import scale_limits
from sewcell.units import DEG

# KUKA data sheet KR 6 R700 sixx; OPW parameters of Brandstoetter et al. 2014.
FULL_LIMITS = JointLimits(
    np.array([-170, -190, -120, -185, -120, -350]) * DEG,
    np.array([170, 45, 156, 185, 120, 350]) * DEG,
    np.array([360, 300, 360, 381, 388, 615]) * DEG,
    np.array([1400, 1200, 1800, 2400, 2400, 3600]) * DEG,
    np.array([14000, 12000, 18000, 24000, 24000, 36000]) * DEG,
)
KR6 = ArmModel(
    "kr6_r700",
    OpwParameters(
        a1=0.025,
        a2=-0.035,
        b=0.0,
        c1=0.4,
        c2=0.315,
        c3=0.365,
        c4=0.08,
        offsets=np.array([0, -90, 0, 0, 0, 0]) * DEG,
        signs=np.array([-1.0, 1, 1, -1, 1, -1]),
    ),
    FULL_LIMITS,
)
PERIOD = 0.02


@pytest.fixture(scope="session")
def arm() -> Arm:
    return Arm(KR6)


@pytest.fixture(scope="session")
def limits() -> JointLimits:
    return scale_limits(FULL_LIMITS, 0.6, 0.6, 0.6)


@pytest.fixture(scope="session")
def home() -> np.ndarray:
    return np.array([45, -110, 110, 0, 90, 0]) * DEG


@pytest.fixture(scope="session")
def T_base_needle() -> np.ndarray:
    return make_pose((0.48, 0.0, 0.0), (0.0, 0.0, 90 * DEG))


@pytest.fixture(scope="session")
def at_needle(arm: Arm, home: np.ndarray) -> np.ndarray:
    """A posture with the flange over the left of the needle, pointing down, as at the start of the pocket's hem."""
    result = arm.solve(make_pose((0.40, -0.05, 0.165), (180 * DEG, 0.0, 90 * DEG)), near=home)
    assert result.q is not None, result.reason
    return result.q
