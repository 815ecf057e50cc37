"""The grblHAL codec against the protocol page, and against noise."""

import itertools
import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sewcell.drivers.protocols import grbl
from sewcell.drivers.protocols.grbl import Alarm, Banner, Error, GrblDecoder, Info, Note, Ok, Status
from sewcell.drivers.protocols.grbl_texts import (
    LANGUAGE_VARIABLE,
    LANGUAGES,
    LAST_ALARM,
    LAST_ERROR,
    describe_alarm,
    describe_error,
    explain_alarm,
    explain_error,
)


def feed(data):
    return GrblDecoder().feed(data)


def test_the_commands_are_those_of_the_protocol_page(arm_examples):
    commands = [data for way, data in arm_examples if way == ">"]
    move = grbl.encode_joint_move(np.deg2rad([0.0, -90.0, 90.0, 0.0, 0.0, 1.5]), 0.02)
    assert commands[:5] == [grbl.IDENTIFY, b"G90\n", b"G93\n", move, bytes([grbl.RealTime.STATUS])]
    assert {b"G90\n", b"G93\n"} <= set(grbl.MODES)
    assert commands[-1] == bytes([grbl.RealTime.SOFT_RESET])


def test_the_answers_of_the_protocol_page_are_understood(arm_examples):
    messages = [feed(data) for way, data in arm_examples if way == "<"]
    assert messages[0] == [Info("VER", "1.1f.20260101:sewcell")]
    assert messages[1] == [Info("OPT", "VNML+,100,1024,6,0")]
    assert grbl.parse_options(messages[1][0].value) == grbl.Identity(100, 1024, 6)
    assert messages[2] == [Ok()]
    (report,) = messages[6]
    assert (report.state, report.substate, report.free_blocks, report.free_bytes) == ("Idle", None, 100, 1024)
    assert np.rad2deg(report.joints) == pytest.approx([0.0, -90.0, 90.0, 0.0, 0.0, 1.5], abs=1e-9)
    assert report.fields["FS"] == "0,0"
    (full,) = messages[7]
    assert (full.joints, full.override, full.homed) == (report.joints, 100, True)
    assert messages[8] == [Error(22)]
    assert messages[9] == [Banner("GrblHAL 1.1f ['$' or '$HELP' for help]")]
    assert len(messages) == 10


@pytest.mark.parametrize(("field", "homed"), [("|H:1,63", True), ("|H:0,0", False), ("|H:1", True), ("", None)])
def test_a_report_tells_whether_the_joints_have_their_reference(field, homed):
    assert feed(f"<Idle|MPos:0,0,0,0,0,0{field}>\n".encode())[0].homed is homed


def test_reports_are_read_by_key_in_any_order():
    (report,) = feed(b"<Hold:1|FS:1818,0|Ov:100,100,100|Bf:7,99|MPos:1.000,2,-3.5,0.000,0.000,0.000|New:a:b>\n")
    assert (report.state, report.substate, report.free_blocks) == ("Hold", 1, 7)
    assert np.rad2deg(report.joints[:3]) == pytest.approx([1.0, 2.0, -3.5])
    assert report.fields["New"] == "a:b"


def test_work_positions_become_machine_positions_by_the_offset():
    decoder = GrblDecoder()
    assert decoder.feed(b"<Idle|WPos:1.000,2.000>\n")[0].joints is None
    decoder.feed(b"<Idle|WPos:1.000,2.000|WCO:10.000,20.000>\n")
    assert np.rad2deg(decoder.feed(b"<Idle|WPos:1.000,2.000>\n")[0].joints) == pytest.approx([11.0, 22.0])


def test_alarms_and_messages_are_told_apart():
    assert feed(b"ALARM:3\r\n[MSG:Caution: Unlocked]\r\n<Run|MPos:1.0,x>\nok 7\n") == [
        Alarm(3),
        Info("MSG", "Caution: Unlocked"),
        Note("<Run|MPos:1.0,x>"),
        Note("ok 7"),
    ]


def test_a_line_without_end_does_not_grow_and_the_next_one_is_read():
    decoder = GrblDecoder()
    for _ in range(1000):
        assert decoder.feed(b"x" * 1000) == []
    (note, ok) = decoder.feed(b"\nok\n")
    assert isinstance(note, Note)
    assert ok == Ok()


STREAM = (
    b"ok\r\n<Run|MPos:1.000,2.000,3.000,4.000,5.000,6.000|Bf:3,4>\r\nerror:9\nALARM:1\r\n[MSG:x]\r\n\r\n"
    b"GrblHAL 1.1f\r\n"
)


@given(st.lists(st.integers(0, len(STREAM)), max_size=30))
def test_the_messages_do_not_depend_on_where_the_stream_is_cut(cuts):
    decoder, places = GrblDecoder(), [0, *sorted(cuts), len(STREAM)]
    pieces = [STREAM[a:b] for a, b in itertools.pairwise(places)]
    assert [m for piece in pieces for m in decoder.feed(piece)] == feed(STREAM)


@given(st.lists(st.one_of(st.binary(max_size=300), st.sampled_from([b"<", b">", b"|", b"MPos:", b"1e999,", b"\n"]))))
def test_no_noise_disturbs_the_line_after_it(noise):
    decoder = GrblDecoder()
    for piece in noise:
        decoder.feed(piece)
    assert decoder.feed(b"\nok\n")[-1] == Ok()


@given(st.binary(min_size=1, max_size=20))
def test_noise_that_looks_like_a_report_is_no_position_of_nonsense(noise):
    for message in feed(b"<Idle|MPos:" + noise + b">\n"):
        if isinstance(message, Status) and message.joints is not None:
            assert all(math.isfinite(value) for value in message.joints)


@given(
    st.lists(st.floats(-6.1, 6.1), min_size=6, max_size=6),
    st.sampled_from([0.001, 0.01, 0.02, 1 / 30, 0.5]),
)
def test_a_move_says_every_joint_to_half_a_thousandth_of_a_degree(joints, seconds):
    line = grbl.encode_joint_move(np.array(joints), seconds).decode()
    words = re.fullmatch(r"G1 X(\S+) Y(\S+) Z(\S+) A(\S+) B(\S+) C(\S+) F(\S+)\n", line).groups()
    assert [float(word) for word in words[:6]] == pytest.approx(np.rad2deg(joints), abs=0.000501)
    assert 60.0 / float(words[6]) == pytest.approx(seconds, rel=1e-4)
    assert len(line) <= 80


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_alarm_and_error_has_a_cause_and_an_action_in_every_language(language):
    texts = [explain_alarm(code, language) for code in range(1, LAST_ALARM + 1)]
    texts += [explain_error(code, language) for code in range(LAST_ERROR + 1)]
    for text in texts:
        assert len(text.cause) > 5
        assert len(text.action) > 5
    assert ("home the arm" if language == "en" else "prise d'origine") in explain_alarm(3, language).action


def test_no_text_is_left_untranslated():
    codes = [(explain_alarm, code) for code in range(1, LAST_ALARM + 1)]
    codes += [(explain_error, code) for code in range(LAST_ERROR + 1)]
    for explain, code in codes:
        english, french = explain(code, "en"), explain(code, "fr")
        assert english.cause != french.cause
        assert english.action != french.action


@pytest.mark.parametrize(("setting", "word"), [("", "reports"), ("fr_FR.UTF-8", "signale"), ("de", "reports")])
def test_the_language_is_chosen_by_the_environment(monkeypatch, setting, word):
    monkeypatch.setenv(LANGUAGE_VARIABLE, setting)
    assert f"{word} ALARM:10" in describe_alarm(10)
    assert "error:200" in describe_error(200, "G1 X1")
