"""The event loop of the hardware: wall time, and heavy work in a process of its own."""

import asyncio
import multiprocessing
import signal
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor
from typing import Any, TypeVar

from sewcell.compute import Work
from sewcell.drivers.transport.urgency import relax

T = TypeVar("T")


class WallLoop(asyncio.SelectorEventLoop):
    """Runs `compute` in another process, with another interpreter lock: planning in a thread would make every step of
    this loop wait for 5 ms, and the sewing head would miss its heartbeat.
    """

    def __init__(self) -> None:
        super().__init__()
        self._worker = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), _settle_in)

    def warm_up(self) -> None:
        """Have the process started and its modules loaded, while the devices are being connected."""
        self._worker.submit(_load)

    def run_in_executor(  # type: ignore[override]  # typeshed's signature ties func to args; see asyncio docs
        self, executor: Executor | None, func: Callable[..., T], *args: Any
    ) -> asyncio.Future[T]:
        """Like that of every loop; what `compute` asks for goes to the process."""
        chosen = self._worker if executor is None and isinstance(func, Work) else executor
        return super().run_in_executor(chosen, func, *args)

    def close(self) -> None:
        """End the process with the loop."""
        self._worker.shutdown(wait=False, cancel_futures=True)
        super().close()


def _settle_in() -> None:
    # Ctrl-C is for the program that has ordered the work.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    relax()


def _load() -> None:
    import sewcell.process.steps  # noqa: F401  # what `compute` runs comes with it
