"""`sewcell arm ...` answers with the postures, the reason and the exit code that scripts rely on."""

import json

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from sewcell.apps.arm_commands import arm_app
from sewcell.config.arms import load_arm
from sewcell.geometry.poses import make_pose


def run(*words):
    return CliRunner().invoke(arm_app, list(words))


def ik(*words):
    return run("ik", *words)


def test_all_branches_come_as_json_and_reach_the_pose():
    result = ik("--arm", "kr6_r700", "--xyz", "0.5", "0", "0.3", "--rpy", "180", "0", "0", "--json")
    assert result.exit_code == 0
    answer = json.loads(result.stdout)
    assert answer["status"] == "ok"
    assert answer["reason"] == ""
    arm, T = load_arm("kr6_r700"), make_pose((0.5, 0.0, 0.3), (np.pi, 0.0, 0.0))
    lower, upper = answer["limits_deg"]
    assert len(answer["branches"]) == 8
    for branch in answer["branches"]:
        q = np.array(branch["q_deg"])
        np.testing.assert_allclose(arm.forward(np.deg2rad(q)), T, atol=1e-9)
        inside = bool((q >= np.array(lower) - 1e-6).all() and (q <= np.array(upper) + 1e-6).all())
        assert branch["inside_limits"] == inside
        over = np.maximum(np.maximum(q - upper, np.array(lower) - q), 0.0)
        np.testing.assert_allclose(branch["excess_deg"], over, atol=1e-6)
        assert bool(branch["reason"]) != inside
        # The wrist's distance is the angle of joint 5 from 0 or 180 deg, whichever is nearer.
        assert branch["singularity"]["wrist_deg"] == pytest.approx(min(abs(q[4]), 180.0 - abs(q[4])), abs=1e-6)


def test_the_same_command_without_json_prints_a_table_and_the_reasons():
    result = ik("--xyz", "0.5", "0", "0.3")
    assert result.exit_code == 0
    assert "2 of 8 postures inside the joint limits" in result.stdout
    assert "joint 2 would need 52.8 deg, its limit is 45 deg" in result.stdout
    assert max(len(line) for line in result.stdout.splitlines()) <= 80


def test_a_pose_out_of_reach_exits_with_1_and_tells_by_how_much():
    result = ik("--xyz", "1.5", "0", "0.3", "--json")
    assert result.exit_code == 1
    answer = json.loads(result.stdout)
    assert answer["branches"] == []
    assert answer["status"] == "unreachable"
    assert "beyond the arm's reach" in answer["reason"]


def test_a_pose_that_needs_a_joint_beyond_its_limit_exits_with_1_and_names_the_joint():
    result = ik("--xyz", "0.1", "0", "0.3")
    assert result.exit_code == 1
    assert "no posture: joint 3 would need" in result.stdout


@pytest.mark.parametrize(
    "words",
    [
        ("--xyz", "0.5", "0"),
        ("--xyz", "0.5", "0", "--rpy", "180", "0", "0"),
        ("--xyz", "0.5", "zero", "0.3"),
        ("--xyz", "nan", "0", "0.3"),
        (),
    ],
)
def test_other_than_six_numbers_exits_with_2(words):
    assert ik(*words).exit_code == 2


def test_an_unknown_arm_exits_with_2_and_is_told_the_known_ones():
    result = ik("--arm", "kr6_r70", "--xyz", "0.5", "0", "0.3")
    assert result.exit_code == 2
    assert "did you mean 'kr6_r700'?" in result.output
    assert "ur5e" in result.output


def test_negative_coordinates_are_numbers_and_no_options():
    result = ik("--xyz", "-0.4", "-0.3", "0.3", "--rpy", "-180", "0", "-90", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["xyz_m"] == [-0.4, -0.3, 0.3]


@pytest.mark.slow
@pytest.mark.parametrize("words", [(), ("--no-collision",)])
def test_the_reach_of_a_cell_is_drawn(tmp_path, words):
    out = tmp_path / "deep" / "reach.png"
    result = run("reach", "--cell", "bench", "--out", str(out), "--poses", "40000", *words)
    assert result.exit_code == 0, result.output
    picture = cv2.imread(str(out))
    assert picture.shape[0] > 800
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 100


def test_the_reach_of_an_unknown_cell_and_a_picture_that_cannot_be_written_exit_with_2(tmp_path):
    result = run("reach", "--cell", "bnech", "--out", str(tmp_path / "x.png"))
    assert result.exit_code == 2
    assert "did you mean 'bench'?" in result.output
    (tmp_path / "file").write_text("")
    assert run("reach", "--out", str(tmp_path / "file" / "x.png"), "--poses", "2000").exit_code == 2
    assert run("reach", "--out", str(tmp_path / "x.txt"), "--poses", "2000").exit_code == 2
