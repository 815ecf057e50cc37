"""What a bad line does to bytes, in process and on a pseudo-terminal."""

import asyncio

import numpy as np
import pytest
import serial

from sewcell.drivers.transport.serial_port import SerialTransport
from sewcell.errors import ConfigError, LinkError
from sim.byte_faults import Faults, misread, parse_faults, spoil
from sim.clock import run_virtual
from sim.link import make_cable
from tests.serving import ServedControllers

DATA = bytes(range(256)) * 40


def join(portions):
    return b"".join(portion.data for portion in portions)


def test_a_good_line_changes_nothing():
    assert join(spoil(DATA, Faults(), np.random.default_rng(1))) == DATA


def test_the_same_seed_spoils_the_same_bytes():
    faults = Faults(drop=0.01, flip=0.01, duplicate=0.01, delay=0.01)
    first, again, other = (spoil(DATA, faults, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first == again
    assert join(first) != join(other)


def test_bytes_come_twice_at_their_rate_and_beside_their_twin():
    came = join(spoil(DATA, Faults(duplicate=0.1), np.random.default_rng(1)))
    extra = len(came) - len(DATA)
    assert extra == pytest.approx(0.1 * len(DATA), rel=0.1)
    values = np.frombuffer(came, dtype=np.uint8)
    assert np.count_nonzero(values[1:] == values[:-1]) == extra


def test_a_late_byte_holds_back_all_behind_it():
    async def main():
        host, device = make_cable(
            "arm", baud=None, faults=Faults(delay=0.02, delay_time=0.05), rng=np.random.default_rng(3)
        )
        loop = asyncio.get_running_loop()
        await host.write(DATA)
        came, arrivals = b"", []
        while len(came) < len(DATA):
            came += await device.read()
            arrivals.append(loop.time())
        return came, arrivals

    came, arrivals = run_virtual(main())
    assert came == DATA
    assert arrivals[0] == 0.0
    assert arrivals[-1] == pytest.approx(0.05)


@pytest.mark.parametrize("cut_after", [0, 1, 7, 100])
def test_a_cable_may_be_cut_at_any_byte(cut_after):
    async def main():
        host, device = make_cable("arm", faults=Faults(cut_after=cut_after))
        await host.write(DATA[:200])
        await asyncio.sleep(1.0)
        with pytest.raises(LinkError, match="gone"):
            await host.read()
        host.cable.faults = Faults()
        host.cable.replug()
        await host.write(b"back")
        return await device.read()

    assert run_virtual(main()) == b"back"


def test_what_passed_before_the_cut_has_arrived():
    async def main():
        host, device = make_cable("arm", faults=Faults(cut_after=5))
        await host.write(b"123456789")
        return await device.read()

    assert run_virtual(main()) == b"12345"


def test_a_probability_above_one_is_refused():
    with pytest.raises(ValueError, match="probability"):
        Faults(flip=1.5)


def test_faults_are_named_on_the_command_line():
    assert parse_faults("drop=1e-4, flip=0.5,cut_after=12") == Faults(drop=1e-4, flip=0.5, cut_after=12)
    assert parse_faults("") == Faults()
    with pytest.raises(ConfigError, match="no fault 'lose' of a line; known: drop, flip"):
        parse_faults("lose=1")
    with pytest.raises(ConfigError, match="needs a number"):
        parse_faults("drop=often")
    with pytest.raises(ConfigError, match="probability"):
        parse_faults("drop=2")


def test_a_receiver_at_the_same_rate_reads_every_byte():
    assert misread(DATA, 115200, 115200) == DATA


def test_a_receiver_at_half_the_rate_takes_every_second_bit():
    # 0xF0 as it is on the line: start 0, 0000 1111 (lowest bit first), stop 1. Sampled at half the rate from the middle
    # of the start bit on: bits 2.5 and 3.5 periods are already the ones.
    assert misread(b"\xf0", 115200, 57600) == b"\xfe"
    # A receiver twice as fast sees every bit twice: of 0x55 (start, 1 0 1 0 ...) that is 0, 11, 00, 11, 0 ...
    assert misread(b"\x55", 57600, 115200)[0] == 0b01100110


def test_the_pseudo_terminal_spoils_bytes_as_the_cable_does(tmp_path):
    async def ask():
        line = await SerialTransport.open(cell.arm)
        heard = b""
        try:
            for _ in range(20):
                await line.write(b"$I\n")
            async with asyncio.timeout(2.0):
                while heard.count(b"\n") < 50:
                    heard += await line.read()
        except TimeoutError:
            pass
        finally:
            await line.close()
        return heard

    with ServedControllers(tmp_path) as cell:
        good = asyncio.run(ask())
    assert good.count(b"ok\r\n") >= 16
    (tmp_path / "bad").mkdir()
    with ServedControllers(tmp_path / "bad", faults=Faults(drop=0.02, flip=0.02)) as cell:
        bad = asyncio.run(ask())
    assert bad.count(b"[OPT:VNML+,100,1024,6,0]\r\nok\r\n") < 16


def test_a_pulled_cable_takes_the_pseudo_terminal_with_it_and_brings_it_back(tmp_path):
    async def main():
        line = await SerialTransport.open(cell.arm)
        cell.call(cell.arm_line.cable.unplug)

        async def read_on() -> None:
            while True:
                await asyncio.wait_for(line.read(), 2.0)

        with pytest.raises(LinkError, match="gone"):
            await read_on()
        with pytest.raises(LinkError, match="no such port"):
            await SerialTransport.open(cell.arm)
        await line.close()
        cell.call(cell.arm_line.cable.replug)
        for _ in range(100):
            try:
                line = await SerialTransport.open(cell.arm)
                break
            except LinkError:
                await asyncio.sleep(0.02)
        await line.write(b"$I\n")
        heard = b""
        while b"ok" not in heard:
            heard += await asyncio.wait_for(line.read(), 2.0)
        await line.close()

    with ServedControllers(tmp_path) as cell:
        asyncio.run(main())


def test_a_second_host_is_refused_by_the_system(tmp_path):
    with (
        ServedControllers(tmp_path) as cell,
        serial.serial_for_url(cell.arm, exclusive=True),
        pytest.raises(serial.SerialException),
    ):
        serial.serial_for_url(cell.arm, exclusive=True)
