"""Heavy pure work (vision, planning) off the event loop, in one place."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

T = TypeVar("T")


class Work(partial[Any]):
    """A call together with `expected`, the time [s] that it is declared to take on the cell's computer."""

    expected: float = 0.0


async def compute(fn: Callable[..., T], *args: object, expected: float = 0.05) -> T:
    """Run `fn(*args)` in the loop's executor and return its result.

    The ordinary loop uses a worker thread. The simulated cell's loop runs it inline and lets `expected` seconds of
    cell time pass, so that results do not depend on the computer.
    """
    work = Work(fn, *args)
    work.expected = expected
    result: T = await asyncio.get_running_loop().run_in_executor(None, work)
    return result
