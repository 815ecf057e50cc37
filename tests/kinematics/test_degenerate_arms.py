"""Arms with equal bars or without offsets, in postures of right angles: singular in several ways at once."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from sewcell import load_arm
from sewcell.kinematics.arm import Arm
from sewcell.kinematics.arm_model import ArmModel, OpwParameters

ANGLES = np.array([0, np.pi / 2, -np.pi / 2, np.pi, -np.pi, 1e-17, 1e-12, 1e-9, -1e-8, 1e-6, 0.3, 1.1, -2.2, np.pi / 4])
FOREARM = 0.4


def assert_answered(arm: Arm, theta: np.ndarray) -> None:
    geometry = arm.model.geometry
    T = arm.forward((theta + geometry.offsets) * geometry.signs)
    Q, valid = arm.solve_batch(T)
    assert valid.any(axis=1).all()
    assert np.abs(arm.forward(Q) - T[:, None]).max(axis=(2, 3))[valid].max() <= 1e-9
    for pose in T[:20]:
        assert np.abs(arm.forward(arm.solve_all(pose)) - pose).max() <= 1e-9


@pytest.mark.parametrize("equal_bars", [True, False])
@pytest.mark.parametrize("c4", [0.0, 0.08])
@pytest.mark.parametrize("b", [0.0, 0.07])
@pytest.mark.parametrize("a2", [0.0, -0.035, 0.05])
@pytest.mark.parametrize("a1", [0.0, 0.1, -0.05])
def test_an_arm_with_a_spherical_wrist_never_answers_wrongly(a1, a2, b, c4, equal_bars):
    kr6 = load_arm("kr6_r700").model
    upper_arm = float(np.hypot(a2, FOREARM)) if equal_bars else 0.3
    opw = OpwParameters(a1, a2, b, FOREARM, upper_arm, FOREARM, c4, np.zeros(6), np.ones(6))
    rng = np.random.default_rng(5)
    theta = rng.choice(ANGLES, (500, 6))
    # Half of the elbows stretched or folded; equal bars then fold to nothing, and joint 2 is free.
    straight = rng.random(500) < 0.5
    theta[straight, 2] = -np.arctan2(a2, FOREARM) + np.pi * rng.integers(0, 2, straight.sum())
    assert_answered(Arm(ArmModel("test", opw, kr6.limits)), theta)


def test_an_arm_with_three_parallel_axes_never_answers_wrongly():
    ur5e = load_arm("ur5e").model
    own = ur5e.geometry
    for a3, d4, d5, d6 in product((own.a2, own.a3, -own.a3), (own.d4, 0.0), (own.d5, 0.0), (own.d6, 0.0)):
        arm = Arm(ArmModel("test", replace(own, a3=a3, d4=d4, d5=d5, d6=d6), ur5e.limits))
        assert_answered(arm, np.random.default_rng(6).choice(ANGLES, (500, 6)))


def test_bars_that_fold_to_nothing_answer_with_both_elbows(shifted):
    arm = Arm(shifted)
    opw = shifted.geometry
    theta = np.array([0.0, -0.37, np.pi - np.arctan2(opw.a2, opw.c3), 0.4, 0.5, 0.0])
    posture = (theta + opw.offsets) * opw.signs
    answers = arm.solve_all(arm.forward(posture))
    assert len(answers) == 8
    assert np.abs(arm.forward(answers) - arm.forward(posture)).max() <= 1e-9
