"""Virtual time: what holds of the clock that jumps."""

import asyncio
import time

import pytest

from sewcell.compute import compute
from sim.clock import SimDeadlockError, run_virtual
from sim.link import DeviceEnd, make_cable


def test_an_hour_of_cell_time_passes_at_once():
    async def main() -> float:
        await asyncio.sleep(3600.0)
        return asyncio.get_running_loop().time()

    began = time.monotonic()
    assert run_virtual(main()) == 3600.0
    assert time.monotonic() - began < 1.0


def test_the_clock_starts_at_zero():
    async def main() -> float:
        return asyncio.get_running_loop().time()

    assert run_virtual(main()) == 0.0


def test_no_timer_runs_early_even_when_timers_lie_closer_than_a_nanosecond():
    async def main() -> list[tuple[float, float]]:
        loop = asyncio.get_running_loop()
        seen: list[tuple[float, float]] = []
        await asyncio.sleep(1000.1)
        for i in range(200):
            when = loop.time() + i * 1e-11
            loop.call_at(when, lambda when=when: seen.append((when, loop.time())))
        await asyncio.sleep(1.0)
        return seen

    seen = run_virtual(main())
    assert len(seen) == 200
    assert all(ran >= when for when, ran in seen)
    assert max(ran - when for when, ran in seen) < 1e-12


def test_sleeping_by_the_rest_of_a_period_always_ends():
    async def main() -> int:
        loop = asyncio.get_running_loop()
        turns = 0
        for tick in range(1, 2401):
            while loop.time() < tick / 240.0:
                await asyncio.sleep(tick / 240.0 - loop.time())
                turns += 1
        return turns

    assert run_virtual(main()) <= 2 * 2400


def test_timeouts_expire_at_their_time():
    async def main() -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(2.5):
                await asyncio.Event().wait()
        return asyncio.get_running_loop().time()

    assert run_virtual(main()) == 2.5


def test_waiting_for_what_cannot_come_is_an_error_that_names_the_task():
    async def main() -> None:
        asyncio.current_task().set_name("operator")
        await asyncio.Event().wait()

    with pytest.raises(SimDeadlockError, match=r"no timer is set.*operator"):
        run_virtual(main())


def test_a_computation_takes_its_declared_time_and_the_world_goes_on_meanwhile():
    async def main() -> tuple[int, float, int]:
        ticks = 0

        async def world() -> None:
            nonlocal ticks
            while True:
                ticks += 1
                await asyncio.sleep(0.01)

        task = asyncio.create_task(world())
        await asyncio.sleep(0)
        result = await compute(pow, 3, 4, expected=0.205)
        task.cancel()
        return result, asyncio.get_running_loop().time(), ticks

    assert run_virtual(main()) == (81, 0.205, 21)


def test_the_error_of_a_computation_reaches_the_one_who_asked():
    async def main() -> None:
        await compute(int, "seven")

    with pytest.raises(ValueError, match="seven"):
        run_virtual(main())


def test_a_rate_must_be_positive():
    with pytest.raises(ValueError, match="rate must be positive"):
        run_virtual(asyncio.sleep(1.0), rate=0.0)


async def _cell(seconds: float, trips: int) -> list[tuple[float, bytes]]:
    """A device that echoes, a host that asks, a world that ticks 240 times a second."""
    loop = asyncio.get_running_loop()
    host, device = make_cable("echo", latency=0.3e-3)
    log: list[tuple[float, bytes]] = []

    async def echo(end: DeviceEnd) -> None:
        while True:
            end.write(await end.read())

    async def world() -> None:
        while True:
            await asyncio.sleep(1.0 / 240.0)

    tasks = [asyncio.create_task(echo(device)), asyncio.create_task(world())]
    for i in range(trips):
        await host.write(b"%04d" % i)
        log.append((loop.time(), await host.read()))
        await asyncio.sleep(max(0.0, (i + 1) * seconds / trips - loop.time()))
    for task in tasks:
        task.cancel()
    return log


def test_two_runs_are_identical_and_ten_seconds_with_5000_round_trips_take_about_one():
    began = time.monotonic()
    first = run_virtual(_cell(10.0, 5000))
    took = time.monotonic() - began
    assert [data for _, data in first] == [b"%04d" % i for i in range(5000)]
    assert run_virtual(_cell(10.0, 5000)) == first
    assert took < 3.0  # three times the expected second, for a machine that is busy with other things
