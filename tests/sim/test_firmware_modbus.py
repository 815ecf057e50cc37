"""The field bus answers as the protocol pages and an independent Modbus client (pymodbus) expect."""

import asyncio
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymodbus.framer import FramerRTU
from pymodbus.pdu import DecodePDU
from pymodbus.pdu.register_message import (
    ReadHoldingRegistersRequest,
    ReadInputRegistersRequest,
    WriteMultipleRegistersRequest,
    WriteSingleRegisterRequest,
)

from sim.clock import run_virtual
from sim.firmware.io_module import IoModule
from sim.firmware.modbus_slave import FieldBus, append_crc
from sim.firmware.sewing_head import SewingHead
from sim.link import HostEnd, make_cable
from sim.plant import Plant

PROTOCOLS = Path(__file__).parents[2] / "docs" / "protocols"


def on_the_bus(talk, plant=None):
    """Run `talk(host end)` on a bus with both units."""

    async def main():
        world = plant if plant is not None else Plant()
        bus = FieldBus({1: SewingHead(world), 2: IoModule(world)})
        host, device = make_cable("field bus", bits_per_byte=11)

        async def tick() -> None:
            while True:
                bus.update(asyncio.get_running_loop().time())
                await asyncio.sleep(1.0 / 240.0)

        tasks = [asyncio.create_task(bus.run(device)), asyncio.create_task(tick())]
        result = await talk(host)
        for task in tasks:
            task.cancel()
        return result

    return run_virtual(main())


async def ask(host: HostEnd, request: bytes) -> bytes:
    """The answer's bytes; empty when none comes within 50 ms."""
    await host.write(request)
    await asyncio.sleep(0.05)
    try:
        async with asyncio.timeout(0.001):
            return await host.read()
    except TimeoutError:
        return b""


def examples(page: str) -> list[list[bytes]]:
    """The messages of each example block."""
    text = (PROTOCOLS / page).read_text().split("## Examples")[1]
    blocks = re.findall(r"```\n(.*?)```", text, re.DOTALL)
    return [[bytes.fromhex(line[2:]) for line in block.splitlines()] for block in blocks]


def test_the_sewing_head_answers_its_page_byte_for_byte():
    async def talk(host: HostEnd) -> None:
        await ask(host, append_crc(bytes.fromhex("01 06 00 00 00 07")))
        *exchanges, [out_of_range] = examples("sewing_head.md")
        assert len(exchanges) == 5
        for request, answer in exchanges[:-1]:
            assert await ask(host, request) == answer
        await ask(host, append_crc(bytes.fromhex("01 06 00 01 00 01")))  # enable
        request, answer = exchanges[-1]
        assert await ask(host, request) == answer
        stitch_length_0 = append_crc(bytes.fromhex("01 10 00 05 00 01 02 00 00"))
        assert await ask(host, stitch_length_0) == out_of_range

    on_the_bus(talk)


def test_the_io_module_answers_its_page_byte_for_byte():
    async def talk(host: HostEnd) -> None:
        await ask(host, append_crc(bytes.fromhex("02 06 00 00 00 09")))
        *exchanges, [unknown_register] = examples("io.md")
        assert len(exchanges) == 4
        for request, answer in exchanges:
            assert await ask(host, request) == answer
        assert await ask(host, append_crc(bytes.fromhex("02 06 00 05 00 00"))) == unknown_register

    on_the_bus(talk, Plant(loader_ready=True))


def test_the_answer_comes_within_five_milliseconds():
    async def talk(host: HostEnd) -> float:
        loop = asyncio.get_running_loop()
        request = append_crc(bytes.fromhex("01 04 00 00 00 01"))
        await host.write(request)
        await host.read()
        return loop.time() - (len(request) + 7) * 11 / 115200

    assert 0.0 < on_the_bus(talk) < 5e-3


def _judge() -> FramerRTU:
    return FramerRTU(DecodePDU(False))


@pytest.mark.parametrize(
    "request_pdu",
    [
        ReadInputRegistersRequest(dev_id=1, address=0, count=10),
        ReadHoldingRegistersRequest(dev_id=1, address=0, count=15),
        WriteSingleRegisterRequest(dev_id=2, address=3, registers=[4]),
        WriteMultipleRegistersRequest(dev_id=1, address=4, registers=[1000, 250, 43, 3, 3, 400, 2000]),
    ],
)
def test_an_independent_client_reads_the_answers(request_pdu):
    async def talk(host: HostEnd) -> bytes:
        return await ask(host, _judge().buildFrame(request_pdu))

    answer = on_the_bus(talk)
    used, pdu = _judge().handleFrame(answer, request_pdu.dev_id, 0)
    assert used == len(answer)
    assert pdu is not None
    assert not pdu.isError()
    assert pdu.function_code == request_pdu.function_code
    if request_pdu.function_code == 3:
        assert pdu.registers == [0, 0, 0, 0, 1000, 250, 1, 0, 0, 400, 2000, 120, 0, 0, 300]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("01 01 00 00 00 01", 1),
        ("01 2B 0E 01 00", 1),
        ("01 04 00 00 00 0B", 2),
        ("01 04 00 0A 00 01", 2),
        ("01 03 00 00 00 00", 3),
        ("01 03 00 00 00 7E", 3),
        ("01 10 00 0E 00 02 04 00 00 00 00", 2),
        ("01 10 00 04 00 02 04 03 E8 00 00", 3),
        ("01 10 00 04 00 02 02 03 E8", 3),
        ("01 06 00 01 00 02", 3),
        ("01 10 00 0C 00 02 04 00 01 00 05", 4),  # sew, while disabled
    ],
)
def test_an_independent_client_reads_the_refusals_and_a_refused_write_changes_nothing(body, code):
    read_all = append_crc(bytes.fromhex("01 03 00 00 00 0F"))

    async def talk(host: HostEnd) -> tuple[bytes, bytes, bytes]:
        before = await ask(host, read_all)
        refusal = await ask(host, append_crc(bytes.fromhex(body)))
        return before, refusal, await ask(host, read_all)

    before, refusal, after = on_the_bus(talk)
    _, pdu = _judge().handleFrame(refusal, 1, 0)
    assert pdu.isError()
    assert pdu.exception_code == code
    assert before == after


@pytest.mark.parametrize("request_hex", ["03 04 00 00 00 01 30 28", "01 04 00 00 00 0A 70 0E", "01 04", "FF"])
def test_other_addresses_wrong_checks_and_fragments_are_not_answered_and_do_no_harm(request_hex):
    async def talk(host: HostEnd) -> None:
        assert await ask(host, bytes.fromhex(request_hex)) == b""
        assert len(await ask(host, bytes.fromhex("01 04 00 00 00 0A 70 0D"))) == 25

    on_the_bus(talk)


def test_a_request_may_arrive_in_pieces_that_are_less_than_a_silence_apart():
    async def talk(host: HostEnd) -> bytes:
        request = bytes.fromhex("01 04 00 00 00 0A 70 0D")
        await host.write(request[:3])
        await asyncio.sleep(1e-3)
        return await ask(host, request[3:])

    assert len(on_the_bus(talk)) == 25


def test_pieces_with_a_silence_between_them_are_two_broken_messages():
    async def talk(host: HostEnd) -> bytes:
        request = bytes.fromhex("01 04 00 00 00 0A 70 0D")
        await host.write(request[:3])
        await asyncio.sleep(5e-3)
        return await ask(host, request[3:])

    assert on_the_bus(talk) == b""


@settings(max_examples=60, deadline=None)
@given(noise=st.binary(max_size=600))
def test_after_any_noise_and_a_silence_the_next_request_is_answered(noise):
    async def talk(host: HostEnd) -> bytes:
        await ask(host, noise)
        await asyncio.sleep(0.1)
        return await ask(host, bytes.fromhex("01 04 00 00 00 01 31 CA"))

    assert on_the_bus(talk)[-7:-2] == bytes.fromhex("01 04 02 53 45")
