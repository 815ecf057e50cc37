"""The in-process cable: what arrives, when, and what a bad cable does."""

import asyncio

import numpy as np
import pytest

from sewcell.errors import LinkError
from sim.clock import run_virtual
from sim.link import Faults, make_cable


def test_bytes_arrive_after_their_time_on_the_wire_and_the_latency():
    async def main() -> tuple[bytes, float]:
        host, device = make_cable("arm", latency=0.002, baud=115200, bits_per_byte=11)
        await host.write(b"12345678")
        return await device.read(), asyncio.get_running_loop().time()

    data, when = run_virtual(main())
    assert data == b"12345678"
    assert when == pytest.approx(0.002 + 8 * 11 / 115200, abs=1e-12)


def test_messages_of_one_direction_queue_up_behind_each_other():
    async def main() -> list[tuple[bytes, float]]:
        loop = asyncio.get_running_loop()
        host, device = make_cable("arm", baud=1000.0)
        await host.write(b"aaaaaaaaaa")
        await host.write(b"bbbbb")
        device.write(b"c")
        assert await host.read() == b"c"
        assert loop.time() == pytest.approx(0.01)
        return [(await device.read(), loop.time()) for _ in range(2)]

    (first, at_first), (second, at_second) = run_virtual(main())
    assert (first, second) == (b"aaaaaaaaaa", b"bbbbb")
    assert (at_first, at_second) == (pytest.approx(0.1), pytest.approx(0.15))


def test_order_is_kept_on_a_line_without_byte_times():
    async def main() -> bytes:
        host, device = make_cable("arm", baud=None)
        await host.write(bytes(range(256)) * 4)
        received = b""
        while len(received) < 1024:
            received += await device.read()
        return received

    assert run_virtual(main()) == bytes(range(256)) * 4


def test_an_unplugged_cable_fails_reads_and_writes_by_name_and_loses_what_is_on_the_way():
    async def main() -> None:
        host, device = make_cable("field bus", latency=0.001)
        await host.write(b"lost")
        reader = asyncio.create_task(host.read())
        await asyncio.sleep(0)
        host.cable.unplug()
        with pytest.raises(LinkError, match="field bus is gone"):
            await reader
        with pytest.raises(LinkError, match="field bus is gone"):
            await host.write(b"x")
        device.write(b"nobody hears this")
        host.cable.replug()
        await host.write(b"back")
        assert await device.read() == b"back"
        device.write(b"again")
        assert await host.read() == b"again"

    run_virtual(main())


def test_unplugging_after_bytes_have_come_in_still_reaches_the_reader():
    async def main() -> None:
        host, device = make_cable("arm")
        reader = asyncio.create_task(host.read())
        await asyncio.sleep(0)
        device.write(b"x")
        loop = asyncio.get_running_loop()
        loop.call_at(10 / 115200, host.cable.unplug)  # in the same turn of the loop as the byte's arrival
        with pytest.raises(LinkError):
            await reader

    run_virtual(main())


def test_a_closed_line_says_so():
    async def main() -> None:
        host, _ = make_cable("arm")
        await host.close()
        with pytest.raises(LinkError, match="arm is closed"):
            await host.read()

    run_virtual(main())


def test_a_cancelled_read_loses_nothing():
    async def main() -> bytes:
        host, device = make_cable("arm")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.001):
                await device.read()
        await host.write(b"kept")
        await asyncio.sleep(0.1)
        return await device.read()

    assert run_virtual(main()) == b"kept"


def _through(faults: Faults, seed: int, data: bytes) -> bytes:
    async def main() -> bytes:
        host, device = make_cable("arm", baud=None, faults=faults, rng=np.random.default_rng(seed))
        await host.write(data)
        await asyncio.sleep(1.0)
        return await device.read()

    return run_virtual(main())


def test_a_lossy_cable_drops_bytes_at_its_rate_and_repeats_itself_for_a_seed():
    received = _through(Faults(drop=0.1), 1, bytes(10000))
    assert 8850 < len(received) < 9150
    assert received == _through(Faults(drop=0.1), 1, bytes(10000))
    assert received != _through(Faults(drop=0.1), 2, bytes(10000))


def test_a_noisy_cable_flips_single_bits_at_its_rate():
    received = _through(Faults(flip=0.1), 1, bytes(10000))
    assert len(received) == 10000
    wrong = [byte for byte in received if byte]
    assert 850 < len(wrong) < 1150
    assert all(byte.bit_count() == 1 for byte in wrong)


def test_random_faults_need_a_seed():
    with pytest.raises(ValueError, match="rng"):
        make_cable("arm", faults=Faults(drop=0.1))
