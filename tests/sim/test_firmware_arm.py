"""The emulated arm controller keeps to docs/protocols/arm.md."""

import asyncio
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.clock import run_virtual
from sim.firmware.arm_controller import ArmController
from sim.link import make_cable
from sim.plant import Plant
from tests.sim.arm_terminal import Terminal

PAGE = Path(__file__).parents[2] / "docs" / "protocols" / "arm.md"


def _examples() -> list[tuple[bytes, bytes]]:
    """(request, answer) of the page's example blocks."""
    text = PAGE.read_text().split("## Examples")[1]
    pairs: list[tuple[bytes, bytes]] = []
    for block in re.findall(r"```\n(.*?)```", text, re.DOTALL):
        for line in block.splitlines():
            data = line[2:].encode().decode("unicode_escape").encode("latin-1")
            if line[0] == ">":
                pairs.append((data, b""))
            else:
                pairs[-1] = (pairs[-1][0], pairs[-1][1] + data)
    return pairs


def test_the_controller_answers_the_page_byte_for_byte():
    async def main() -> list[bytes]:
        host, device = make_cable("arm")
        arm = ArmController(Plant(), np.deg2rad([0.0, -90.0, 90.0, 0.0, 0.0, 0.0]))
        server = asyncio.create_task(arm.run(device))
        await asyncio.sleep(0.05)
        assert (await host.read()).startswith(b"\r\nGrblHAL 1.1f")
        answers = []
        for request, _ in _examples():
            await host.write(request)
            await asyncio.sleep(0.05)
            answers.append(await host.read())
        server.cancel()
        return answers

    assert len(_examples()) == 8
    for answer, (_, expected) in zip(run_virtual(main()), _examples(), strict=True):
        assert answer == expected


def test_a_g93_line_lasts_exactly_its_time_and_runs_straight_in_joint_space(t):
    start = t.joints
    t.tell(b"G1 X20 Y-80 Z100 A5 B60 C-30 F30\n")  # two seconds
    target = np.array([20.0, -80.0, 100.0, 5.0, 60.0, -30.0])
    for part in (0.25, 0.5, 0.99):
        t.now = 2.0 * part
        t.arm.update(t.now)
        np.testing.assert_allclose(t.joints, start + (target - start) * part, atol=1e-9)
    assert t.state() == "Run"
    t.wait(0.021)
    np.testing.assert_allclose(t.joints, target, atol=1e-12)
    assert t.state() == "Idle"


@settings(max_examples=50, deadline=None)
@given(
    lines=st.lists(st.tuples(st.integers(-500, 500), st.integers(5, 60)), min_size=1, max_size=20),
    ticks=st.integers(1, 400),
    part=st.floats(0.0, 1.1),
)
def test_queued_g93_lines_run_each_in_its_own_time_however_often_the_controller_is_looked_at(lines, ticks, part):
    t = Terminal()
    t.tell(b"G93\n")
    for angle, time_ms in lines:
        assert t.tell(b"G1 X%.1f F%.9f\n" % (angle / 10.0, 60e3 / time_ms)) == ["ok"]
    knots = np.cumsum([0, *(time_ms for _, time_ms in lines)]) * 1e-3
    angles = [0.0, *(angle / 10.0 for angle, _ in lines)]
    when = part * knots[-1]
    t.wait(when, ticks)
    # A knot may lie a rounding error away; 1e-6 deg is far below one motor step.
    assert t.joints[0] == pytest.approx(np.interp(when, knots, angles), abs=1e-6)


def test_the_position_is_reported_in_motor_steps_and_never_as_minus_zero(t):
    t.tell(b"G1 X-0.0001 Y-89.98763 F3000\n")
    t.wait(0.1)
    assert t.field("MPos").split(",")[:2] in (["0.000", "-89.988"], ["0.000", "-89.987"])


def test_the_feed_field_is_the_speed_of_the_joints(t):
    t.tell(b"G1 X30 Y-50 F60\n")  # 30 and 40 deg in one second
    t.wait(0.5)
    assert t.field("FS") == "3000,0"


def test_a_hold_brakes_stands_and_resumes_on_the_same_path(t):
    t.tell(b"G1 X100 F60\n")  # 100 deg/s
    t.wait(0.3)
    t.tell(b"!")
    assert t.state() == "Hold:1"
    t.wait(0.05)
    # From 1 to 0 in 100 ms: after 50 ms the distance is v (t - t^2 / 2T).
    assert t.joints[0] == pytest.approx(30.0 + 100.0 * (0.05 - 0.05**2 / 0.2))
    t.wait(0.05 + 1e-9)
    assert t.state() == "Hold:0"
    assert t.joints[0] == pytest.approx(35.0)
    t.wait(10.0)
    assert t.joints[0] == pytest.approx(35.0)
    t.tell(b"~")
    assert t.state() == "Run"
    # Braking and starting up cost half of 100 ms each; 650 ms of the block are left.
    t.wait(0.05 + 0.65 - 1e-6)
    assert t.state() == "Run"
    t.wait(2e-6)
    assert t.state() == "Idle"
    assert t.joints[0] == pytest.approx(100.0)


def test_lines_are_taken_during_a_hold_and_run_after_it(t):
    t.tell(b"!")
    assert t.state() == "Hold:0"
    assert t.tell(b"G1 X1 F600\n") == ["ok"]
    t.wait(1.0)
    assert t.joints[0] == 0.0
    t.tell(b"~")
    t.wait(0.2)
    assert t.joints[0] == pytest.approx(1.0)


@pytest.mark.parametrize(("presses", "percent"), [(b"\x91", 110), (b"\x92\x92\x93", 81), (b"\x91" * 20, 200)])
def test_feed_override_stretches_time(t, presses, percent):
    t.tell(presses)
    t.tell(b"G1 X10 F60\n")
    t.wait(0.25)
    assert t.joints[0] == pytest.approx(10.0 * 0.25 * percent / 100.0)
    assert t.field("Ov") == f"{percent},100,100"
    t.tell(b"\x90")
    before = t.joints[0]
    t.wait(0.1)
    assert t.joints[0] == pytest.approx(before + 1.0)


def test_a_line_is_not_taken_while_the_queue_of_100_is_full(t):
    answers = t.tell(b"".join(b"G1 X%.2f F600\n" % (i / 100) for i in range(101)))
    assert answers == ["ok"] * 100
    assert t.field("Bf").startswith("0,")
    assert t.wait(0.0999) == []
    assert t.wait(0.0002) == ["ok"]


def test_bytes_beyond_the_receive_buffer_of_1024_are_lost(t):
    line = b"G1 X0.000 Y-90.000 Z90.000 A0.000 B0.000 C0.0 F6.0\n"  # ten seconds each
    t.tell(line * 101)  # 100 planned, one waits
    fitting = 1024 // len(line)
    t.tell(line * (fitting + 15))
    assert t.field("Bf") == "0,0"
    answers = t.wait(10.0 * 200, ticks=400)
    assert answers == ["ok"] * (1 + fitting)
    # Behind the last whole line stands a torn one, "G1 X".
    assert t.tell(b"\n") == ["error:2"]


def test_counting_characters_never_overflows_the_receive_buffer(t):
    """A host that has at most 1024 unanswered bytes on the way gets one ok for each of 400 lines."""
    line = b"G1 X0.000 Y-90.000 Z90.000 A0.000 B0.000 C0.0 F3000.0\n"
    sent = answered = 0
    while answered < 400:
        while sent < 400 and (sent + 1 - answered) * len(line) <= 1024:
            sent += 1
            answered += t.tell(line).count("ok")
        answered += t.wait(0.004).count("ok")
        assert t.now < 400 * 0.02
    assert answered == 400


def test_jog_cancel_during_run_does_not_stop_but_empties_the_receive_buffer(t):
    line = b"G1 X%.2f F600\n"
    t.tell(b"".join(line % (i / 100) for i in range(101)))
    t.tell(b"".join(line % 50.0 for _ in range(20)))
    assert t.field("Bf") != "0,1024"
    t.tell(b"\x85")
    assert t.field("Bf") == "0,1024"
    assert t.state() == "Run"
    assert t.wait(11.0, ticks=110) == ["ok"]  # the line that was already read; the 20 behind it vanished
    assert t.joints[0] == pytest.approx(1.0)


def test_jog_ends_with_jog_cancel_and_ignores_hold(t):
    assert t.tell(b"$J=G90 G21 X50 F600\n") == ["ok"]  # 10 deg/s
    t.wait(1.0)
    t.tell(b"!")
    assert t.state() == "Jog"
    t.wait(1.0)
    assert t.joints[0] == pytest.approx(20.0)
    t.tell(b"\x85")
    t.wait(0.2)
    assert t.state() == "Idle"
    assert t.joints[0] == pytest.approx(20.5)
    assert t.tell(b"$J=G91 X-0.5 F6000\n") == ["ok"]
    t.wait(1.0)
    assert t.joints[0] == pytest.approx(20.0)


def test_jogs_and_programmes_exclude_each_other(t):
    t.tell(b"$J=X50 F600\n")
    assert t.tell(b"G1 X1 F60\n") == ["error:9"]
    t.tell(b"\x85")
    t.wait(1.0)
    t.tell(b"G1 X1 F60\n")
    assert t.tell(b"$J=X50 F600\n") == ["error:8"]


def test_stop_brakes_drops_the_queue_and_keeps_the_position(t):
    t.tell(b"G1 X100 F60\nG1 X0 F60\n")
    t.wait(0.5)
    t.tell(b"\x19")
    t.wait(0.2)
    assert t.state() == "Idle"
    assert t.joints[0] == pytest.approx(55.0)
    assert t.field("Bf") == "100,1024"
    t.tell(b"G91\nG1 X1 F600\n")
    t.wait(1.0)
    assert t.joints[0] == pytest.approx(56.0)
