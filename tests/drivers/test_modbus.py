"""The Modbus codec and the register maps against the protocol pages, and against noise."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sewcell.drivers.protocols import io_module, modbus, sewing_head
from sewcell.drivers.protocols.modbus import ModbusDecoder, Reply
from sewcell.drivers.protocols.sewing_head import SeamSettings
from sewcell.errors import ConfigError
from sewcell.units import MM, SPM

REPLY = bytes.fromhex("01 06 00 02 00 01 E9 CA")
READ = bytes.fromhex("02 04 0E 49 4F 00 01 00 2B 00 00 00 09 00 00 00 00 CD 9D")
SEAM = SeamSettings(43, 2.5 * MM, 1000 * SPM, 2000 * SPM, 3, 3, 400 * SPM)


def feed(data):
    return ModbusDecoder().feed(data)


def test_the_requests_to_the_sewing_head_are_those_of_the_page(bus_examples):
    requests = [data for way, data in bus_examples["sewing_head"] if way == ">"]
    head, h = sewing_head.UNIT, sewing_head.Holding
    assert requests == [
        modbus.encode_read_input(head, 0, sewing_head.INPUT_COUNT),
        modbus.encode_write_one(head, h.HEARTBEAT, 8),
        modbus.encode_write_one(head, h.FOOT, 1),
        modbus.encode_write_many(head, h.SPEED, sewing_head.encode_seam(SEAM)[1:8]),
        modbus.encode_write_many(head, h.COMMAND, (sewing_head.Command.SEW, 5)),
    ]


def test_the_replies_of_the_sewing_head_are_understood(bus_examples):
    replies = [feed(data) for way, data in bus_examples["sewing_head"] if way == "<"]
    (status,) = replies[0]
    read = sewing_head.decode_status(status.registers)
    assert (read.ident, read.version, read.state) == (0x5345, 2, sewing_head.State.DISABLED)
    assert read.flags == sewing_head.Flag.NEEDLE_UP
    assert read.heartbeat_echo == 7
    assert replies[1:] == [
        [Reply(1, 6, (8,), 0)],
        [Reply(1, 6, (1,), 2)],
        [Reply(1, 16, (), 4)],
        [Reply(1, 16, (), 12)],
        [Reply(1, 16, exception=3)],
    ]


def test_the_requests_to_the_io_module_are_those_of_the_page(bus_examples):
    requests = [data for way, data in bus_examples["io"] if way == ">"]
    io, h = io_module.UNIT, io_module.Holding
    assert requests == [
        modbus.encode_read_input(io, 0, io_module.INPUT_COUNT),
        modbus.encode_write_one(io, h.PINS, 1),
        modbus.encode_write_one(io, h.LIGHT_TOWER, io_module.Light.GREEN),
        modbus.encode_write_one(io, h.LOADER_REQUEST, 1),
    ]


def test_the_replies_of_the_io_module_are_understood(bus_examples):
    replies = [feed(data) for way, data in bus_examples["io"] if way == "<"]
    read = io_module.decode_status(replies[0][0].registers)
    i = io_module.Input
    assert read.inputs == i.EMERGENCY_STOP_RELEASED | i.DOOR_CLOSED | i.PINS_IN | i.PIECE_PRESENTED
    assert (read.ident, read.version, read.heartbeat_echo, read.ply_thickness) == (0x494F, 1, 9, 0.0)
    assert replies[1:] == [
        [Reply(2, 6, (1,), 1)],
        [Reply(2, 6, (4,), 3)],
        [Reply(2, 6, (1,), 4)],
        [Reply(2, 6, exception=2)],
    ]


def test_registers_become_si_values():
    status = sewing_head.decode_status([0x5345, 2, 3, 0b1010, 17, 900, 1200, 0, 0, 4])
    assert status.shaft_angle == pytest.approx(math.pi / 2)
    assert status.speed == pytest.approx(20.0)
    assert status.stitches == 17
    assert io_module.decode_status([0, 0, 0, 0, 0, 31, 0]).ply_thickness == pytest.approx(0.31e-3)
    assert sewing_head.decode_status([0] * 2 + [77] + [0] * 7).state is sewing_head.State.UNKNOWN


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"stitch_length": 6 * MM}, "stitch length"),
        ({"speed": 6000 * SPM}, "speed"),
        ({"stitches": 0}, "stitches"),
        ({"tension": 9.0}, "tension"),
    ],
)
def test_a_seam_out_of_the_heads_range_is_refused_by_name(change, word):
    values = {"stitches": 43, "stitch_length": 2.5 * MM, "speed": 1000 * SPM, "acceleration": 2000 * SPM} | change
    with pytest.raises(ConfigError, match=word):
        sewing_head.encode_seam(SeamSettings(**values))


@given(st.lists(st.integers(0, len(REPLY + READ)), max_size=12))
def test_replies_do_not_depend_on_where_the_stream_is_cut(cuts):
    stream, decoder = REPLY + READ, ModbusDecoder()
    places = [0, *sorted(cuts), len(stream)]
    pieces = [stream[a:b] for a, b in itertools.pairwise(places)]
    assert [reply for piece in pieces for reply in decoder.feed(piece)] == feed(REPLY) + feed(READ)


@given(st.binary(max_size=600))
def test_noise_is_never_an_error_and_a_new_request_starts_clean(noise):
    decoder = ModbusDecoder()
    decoder.feed(noise)
    decoder.reset()
    assert decoder.feed(READ) == feed(READ)


@given(st.binary(max_size=40).filter(lambda noise: all(byte > 247 for byte in noise)))
def test_bytes_that_are_no_unit_before_a_reply_are_skipped(noise):
    assert feed(noise + READ) == feed(READ)


def test_a_damaged_reply_is_skipped_and_the_next_one_is_read():
    damaged = REPLY[:3] + b"\x07" + REPLY[4:]
    assert feed(damaged + READ + REPLY) == feed(READ) + feed(REPLY)


def test_every_single_flipped_bit_is_noticed():
    for message in (REPLY, READ):
        for bit in range(8 * len(message)):
            damaged = bytearray(message)
            damaged[bit // 8] ^= 1 << bit % 8
            assert feed(bytes(damaged)) == []


def test_refusals_have_a_reason():
    assert "range" in modbus.explain_exception(3)
    assert "77" in modbus.explain_exception(77)
    assert "thread" in sewing_head.explain_fault(1)
    assert "pins" in io_module.explain_fault(1)
    assert "99" in sewing_head.explain_fault(99)
    assert "99" in io_module.explain_fault(99)
