"""Heavy pure work (vision, planning) off the event loop, in one place."""

import asyncio
from collections.abc import Callable
from concurrent.futures import BrokenExecutor
from functools import partial
from typing import Any, TypeVar

from sewcell.errors import SewcellError

T = TypeVar("T")


class Work(partial[Any]):
    """A call together with `expected`, the time [s] that it is declared to take on the cell's computer."""

    expected: float = 0.0


async def compute(fn: Callable[..., T], *args: object, expected: float = 0.05) -> T:
    """Run `fn(*args)` in the loop's executor and return its result.

    The loop of the hardware uses a process of its own, so `fn`, `args` and the result are such that can be pickled; an
    ordinary loop uses a thread. The simulated cell's loop runs it inline and lets `expected` seconds of cell time pass,
    so that results do not depend on the computer.

    Raises: what `fn` raises; SewcellError when the process has ended.
    """
    work = Work(fn, *args)
    work.expected = expected
    try:
        result: T = await asyncio.get_running_loop().run_in_executor(None, work)
    except BrokenExecutor as cause:
        raise SewcellError(
            "the process that plans and looks at pictures has ended: see whether the computer has run out of memory, "
            "then start the run anew"
        ) from cause
    return result
