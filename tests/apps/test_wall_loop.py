"""The event loop of the hardware: heavy work in a process of its own."""

import asyncio
import os
import time

import pytest

from sewcell.apps.wall_loop import WallLoop
from sewcell.compute import compute
from sewcell.errors import SewcellError, VisionError

pytestmark = pytest.mark.slow


def see_nothing() -> None:
    raise VisionError("nothing lies in the zone: lay a piece there")


def die() -> None:
    os._exit(3)


def hold_the_interpreter(seconds: float) -> int:
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        sum(range(10_000))
    return os.sched_getscheduler(0)


@pytest.fixture
def loop():
    loop = WallLoop()
    yield loop
    loop.close()


def test_heavy_work_is_done_in_another_process_which_gives_way_to_the_loop(loop):
    assert loop.run_until_complete(compute(os.getpid)) != os.getpid()
    assert loop.run_until_complete(compute(hold_the_interpreter, 0.0)) == os.SCHED_OTHER


def test_the_loop_goes_on_while_work_holds_the_interpreter(loop):
    async def main():
        await compute(os.getpid)
        work = asyncio.ensure_future(compute(hold_the_interpreter, 0.5))
        ticks = 0
        while not work.done():
            await asyncio.sleep(0.005)
            ticks += 1
        return ticks

    assert loop.run_until_complete(main()) >= 20


def test_a_refusal_comes_through_in_its_own_words(loop):
    with pytest.raises(VisionError, match="nothing lies in the zone: lay a piece there"):
        loop.run_until_complete(compute(see_nothing))


def test_a_process_that_has_died_is_told_in_one_sentence(loop):
    with pytest.raises(SewcellError, match="has ended: see whether the computer has run out of memory"):
        loop.run_until_complete(compute(die))


def test_other_work_stays_in_the_threads_of_this_process(loop):
    assert loop.run_until_complete(loop.run_in_executor(None, os.getpid)) == os.getpid()
