"""Resets, alarms, limits and answers of the emulated arm controller, after docs/protocols/arm.md."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sim.arm_terminal import Terminal


def test_soft_reset_in_motion_stops_at_once_with_an_alarm_that_locks_all_lines(t):
    t.tell(b"G1 X100 F60\n")
    t.wait(0.5)
    answers = t.tell(b"\x18")
    assert answers[0] == "ALARM:3"
    assert answers[1].startswith("GrblHAL")
    assert t.state() == "Alarm"
    t.wait(1.0)
    assert t.joints[0] == pytest.approx(50.0)
    assert t.tell(b"G90\n") == ["error:9"]
    assert t.tell(b"$X\n") == ["[MSG:Caution: Unlocked]", "ok"]
    assert t.state() == "Idle"


def test_soft_reset_at_rest_is_a_banner_and_back_to_the_start_of_the_modal_state(t):
    assert t.tell(b"\x18") == ["GrblHAL 1.1f ['$' or '$HELP' for help]"]
    assert t.state() == "Idle"
    assert "G94" in t.tell(b"$G\n")[0]


def test_real_time_bytes_are_picked_out_of_the_middle_of_a_line(t):
    answers = t.tell(b"G1 X1?0 F6\x800\n")
    assert [a[0] for a in answers] == ["<", "<", "o"]
    t.wait(1.0)
    assert t.joints[0] == pytest.approx(10.0)


def test_dwell_waits_for_the_queue_and_is_answered_when_it_is_over(t):
    t.tell(b"G1 X10 F60\n")
    assert t.tell(b"G4 P0.5\nG1 X0 F60\n") == []
    assert t.wait(1.49, ticks=149) == []
    assert t.state() == "Idle"
    assert t.wait(0.02, ticks=2) == ["ok", "ok"]
    assert t.state() == "Run"


def test_homing_takes_two_seconds_and_ends_in_the_home_posture():
    t = Terminal(np.deg2rad([10.0, -80.0, 80.0, 0.0, 45.0, 5.0]))
    assert t.tell(b"$H\n") == []
    assert t.state() == "Home"
    assert t.wait(1.99) == []
    assert t.wait(0.02) == ["ok"]
    assert t.state() == "Idle"
    np.testing.assert_allclose(t.joints, [0.0, -90.0, 90.0, 0.0, 90.0, 0.0], atol=1e-9)


def test_soft_limits_hold_only_for_homed_axes(t):
    assert t.tell(b"$J=X171 F1000\n") == ["error:15"]
    assert t.tell(b"G1 X171 F600\n") == ["ALARM:2"]
    assert t.tell(b"$X\n")[-1] == "ok"
    t.tell(b"G1 X1 F60\n")
    t.wait(0.5)
    t.tell(b"\x18$X\nG93\n")
    assert t.tell(b"G1 X171 F600\n") == ["ok"]


def test_a_collision_is_a_hard_limit_alarm(t):
    t.tell(b"G1 X100 F60\n")
    t.wait(0.5)
    t.plant.arm_limit_hit = True
    assert t.wait(0.004) == ["ALARM:1"]
    standing = t.joints[0]
    t.wait(1.0)
    assert t.joints[0] == standing
    assert t.field("Pn") == "X"
    assert t.tell(b"$X\n")[-1] == "ok"  # so that the arm can be moved away
    assert t.wait(0.1) == []


def test_the_emergency_stop_is_an_alarm_that_stays_until_it_is_released(t):
    t.tell(b"G1 X100 F60\n")
    t.wait(0.5)
    t.plant.emergency_stop_released = False
    assert t.wait(0.004) == ["ALARM:10"]
    assert t.tell(b"$X\n") == ["error:9"]
    t.plant.emergency_stop_released = True
    assert t.tell(b"$X\n")[-1] == "ok"


def test_check_mode_reads_lines_without_moving(t):
    t.tell(b"$C\n")
    assert t.state() == "Check"
    assert t.tell(b"G1 X10 F60\nG1 X1\n") == ["ok", "error:22"]
    t.wait(1.0)
    assert t.joints[0] == 0.0


def test_sleep_takes_no_lines_until_a_reset(t):
    assert t.tell(b"$SLP\n") == ["ok"]
    assert t.state() == "Sleep"
    assert t.tell(b"G90\n") == []
    t.tell(b"\x18")
    assert t.tell(b"G90\n") == ["ok"]


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        (b"\n", "ok"),
        (b"\r\n", "ok"),
        (b"(remark) ; and another\n", "ok"),
        (b"g1 x1 f600\n", "ok"),
        (b"1.0\n", "error:1"),
        (b"X\n", "error:2"),
        (b"G1 X1..2 F60\n", "error:1"),
        (b"$FOO\n", "error:3"),
        (b"M3\n", "error:20"),
        (b"G2 X1 F60\n", "error:20"),
        (b"G1 X1 X2 F60\n", "error:20"),
        (b"G1 X1\n", "error:22"),
        (b"G1 X1 F0\n", "error:22"),
        (b"X1 F60\n", "error:33"),
        (b"G1 " + b" " * 300 + b"X1 F60\n", "error:11"),
    ],
)
def test_every_line_has_one_answer_and_a_wrong_one_says_what_is_wrong(t, line, answer):
    assert t.tell(line) == [answer]


def test_in_units_per_minute_the_feed_is_kept_and_is_joint_space_length_per_time(t):
    t.tell(b"G94\nG1 X3 Y-86 F300\nX0 Y-90\n")  # 5 degrees at 5 deg/s, twice
    t.wait(0.5)
    np.testing.assert_allclose(t.joints[:2], [1.5, -88.0], atol=1e-9)
    t.wait(1.5 + 1e-6)
    np.testing.assert_allclose(t.joints[:2], [0.0, -90.0], atol=1e-9)
    assert t.state() == "Idle"


def test_fields_of_the_report_come_and_go(t):
    reports = [t.tell(b"?")[0] for _ in range(60)]
    assert all("|Bf:" in r and "|FS:" in r for r in reports)
    assert sum("WCO:" in r for r in reports) == 2
    assert sum("Ov:" in r for r in reports) == 2


@settings(max_examples=100, deadline=None)
@given(data=st.binary(max_size=300))
def test_no_garbage_breaks_the_controller(data):
    t = Terminal()
    t.tell(data)
    t.wait(1.0, ticks=5)
    t.tell(b"\x18\n\n$X\n")
    assert t.wait(3.0) is not None
    assert np.all(np.isfinite(t.joints))
