"""What stands behind the three seams of one cell: real hardware or a simulated cell, chosen by entry point."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Protocol

from sewcell.config.layers import Job
from sewcell.drivers.transport import ByteTransport
from sewcell.errors import ConfigError
from sewcell.geometry.planar import PlanarPose
from sewcell.hands import Hands
from sewcell.image import ImageSource


@dataclass(frozen=True, slots=True)
class CellPorts:
    """The open lines and the camera of one cell."""

    arm: ByteTransport
    field_bus: ByteTransport
    camera: ImageSource


@dataclass(frozen=True, slots=True)
class NeedlePoint:
    """A true penetration of the needle: loop time [s] and place [m] in pattern coordinates (NaN beside the fabric).

    `skipped`: no stitch was formed there.
    """

    piece: int
    time: float
    x: float
    y: float
    skipped: bool = False


@dataclass(frozen=True, slots=True)
class Witness:
    """What really happened, as only a simulated cell can know it; for the run report, never for the controller.

    `laid`: how each piece lay on the table before it was picked. `digest`: sha256 of the needle log.
    `largest_strain`: of any part of the cloth so far, 0.01 is one per cent.
    """

    laid: tuple[PlanarPose, ...]
    picked: tuple[bool, ...]
    needle_points: tuple[NeedlePoint, ...]
    digest: str
    largest_strain: float = 0.0


@dataclass(frozen=True, slots=True)
class FilmWish:
    """A video at `path`, seen from a `side` of the cell."""

    path: Path
    side: str


@dataclass(frozen=True, slots=True)
class WindowWish:
    """A window on the screen, and the cell in real time."""


class Backend(Protocol):
    """Opens and closes the hardware or the simulated cell of one run."""

    def make_loop(self) -> asyncio.AbstractEventLoop:
        """The event loop on which the whole run takes place."""
        ...

    async def open(self) -> CellPorts:
        """Connect; raises LinkError when a port or the camera is missing."""
        ...

    async def close(self) -> None: ...

    def witness(self) -> Witness | None:
        """The truth of the run so far, or None on hardware."""
        ...

    def show(self, wish: FilmWish | WindowWish) -> None:
        """Before it is opened: show people what happens. Raises: ConfigError where it cannot be shown so."""
        ...

    def hands(self) -> Hands | None:
        """Who does, once the ports are open, what a calibration asks for; None on hardware: a person is asked."""
        ...


OpenBackend = Callable[[Job, int, int], Backend]
"""(job, seed, number of pieces) -> Backend"""


def find_backend(name: str) -> OpenBackend:
    """The backend installed under `name` in the entry-point group `sewcell.backends`."""
    found = {entry.name: entry for entry in entry_points(group="sewcell.backends")}
    if name not in found:
        raise ConfigError(f"no backend '{name}'; known: {', '.join(sorted(found))}")
    try:
        opener: OpenBackend = found[name].load()
    except ModuleNotFoundError as missing:
        raise ConfigError(
            f"the backend '{name}' needs the Python package '{missing.name}': pip install 'sewcell[{name}]'"
        ) from missing
    return opener
