"""A simulated cell at work in wall time, with its lines and its camera led outside, until it is told to stop."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sewcell.backend import Witness
from sewcell.config.layers import Job
from sewcell.errors import ConfigError
from sewcell.units import MS
from sim.backend import CAMERA_NAME, SimBackend
from sim.byte_faults import Faults
from sim.camera.source import RenderedCamera
from sim.link import NO_FAULTS, HostEnd
from sim.serve.camera import ServedCamera
from sim.serve.film import LATENCY
from sim.serve.line import ServedLine
from sim.serve.outlets import Outlet, PtyOutlet, TcpOutlet
from sim.serve.world import RemoteWorld

PORTS_FILE = "ports.yaml"
FILM_TIMEOUT = 60.0
"""A picture waits for the world, which on a busy computer is that much behind at the most [s]."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where to serve. `folder`: of the pseudo-terminals' names. `tcp_port`: of the arm; the field bus has the next one,
    the camera the one after that. At least one of them is given.
    """

    folder: Path | None
    tcp_port: int | None
    address: str = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Offer:
    """One thing that is served: what it is, where (as many places as there are), and with which settings."""

    name: str
    what: str
    urls: tuple[str, ...]
    settings: str


async def serve_cell(
    job: Job,
    seed: int,
    count: int,
    places: Places,
    stop: asyncio.Event,
    announce: Callable[[list[Offer]], None],
    faults: Faults = NO_FAULTS,
) -> Witness:
    """Serve until `stop`; returns what really happened. `announce` is told once, when everything can be opened.

    `faults`: of both lines.

    In `places.folder` the links `arm` and `field_bus` and the ports file stand meanwhile.

    Raises: ConfigError when a place cannot be used.
    """
    if places.folder is not None:
        _make_folder(places.folder)
    backend = SimBackend(job, seed, count, RemoteWorld)
    ports = await backend.open()
    assert backend.cell is not None
    assert isinstance(backend.cell.world, RemoteWorld)
    assert isinstance(ports.arm, HostEnd)
    assert isinstance(ports.field_bus, HostEnd)
    assert isinstance(ports.camera, RenderedCamera)
    ports.arm.cable.faults = ports.field_bus.cable.faults = faults
    bauds = job.cell.ports.arm.baud, job.cell.ports.field_bus.baud
    outlets = [_make_outlets(places, name, number, bauds[number]) for number, name in enumerate(("arm", "field_bus"))]
    lines = [ServedLine(host, ends) for host, ends in zip((ports.arm, ports.field_bus), outlets, strict=True)]
    film_port = 0 if places.tcp_port is None else places.tcp_port + len(lines)
    camera = ServedCamera(ports.camera, backend.cell.world.scenes, seed, places.address, film_port)
    tasks: list[asyncio.Task[None]] = [asyncio.create_task(line.run(), name="served line") for line in lines]
    try:
        await camera.start()
        await _first(*tasks, asyncio.gather(*(line.ready.wait() for line in lines)))
        tasks.append(asyncio.create_task(camera.run(), name="served camera"))
        offers = _list_offers(job, outlets, camera.url)
        if places.folder is not None:
            write_ports(places.folder / PORTS_FILE, offers, bauds)
        announce(offers)
        await _first(*tasks, asyncio.ensure_future(backend.wait_broken()), asyncio.ensure_future(stop.wait()))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        camera.close()
        if places.folder is not None:
            (places.folder / PORTS_FILE).unlink(missing_ok=True)
        await backend.close()
    return backend.witness()


def write_ports(path: Path, offers: list[Offer], bauds: tuple[int, int]) -> None:
    """The ports file for `sewcell run --ports`, with the first place of each offer. A pseudo-terminal has no parity."""
    arm, field_bus, camera = (offer.urls[0] for offer in offers)
    path.write_text(
        "# Written by `python -m sim serve`; there while it runs.\n"
        f'arm: {{url: "{arm}", baud: {bauds[0]}}}\n'
        f'field_bus: {{url: "{field_bus}", baud: {bauds[1]}, parity: N}}\n'
        f'camera: {{device: "{camera}", latency_ms: {LATENCY / MS:g}, timeout_s: {FILM_TIMEOUT:g}}}\n',
        encoding="utf-8",
    )


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{folder} cannot be made ({error.strerror}): name another folder with --pty") from error


def _make_outlets(places: Places, name: str, number: int, baud: int) -> list[Outlet]:
    outlets: list[Outlet] = []
    if places.folder is not None:
        outlets.append(PtyOutlet(places.folder.absolute() / name, baud))
    if places.tcp_port is not None:
        outlets.append(TcpOutlet(places.address, places.tcp_port + number))
    return outlets


def _list_offers(job: Job, outlets: list[list[Outlet]], film: str) -> list[Offer]:
    arm, bus = (tuple(outlet.url for outlet in ends) for ends in outlets)
    ports = job.cell.ports
    width, height = job.camera.image_size_px
    return [
        Offer("arm", "arm controller (grblHAL)", arm, f"{ports.arm.baud} baud"),
        Offer(
            "field_bus",
            "sewing head (unit 1), gripper and I/O (unit 2)",
            bus,
            f"{ports.field_bus.baud} baud, no parity",
        ),
        Offer("camera", f"camera {CAMERA_NAME}, uncompressed film", (film,), f"{width} x {height} px"),
    ]


async def _first(*waits: asyncio.Future[Any]) -> None:
    """Wait until one of them is done; raises what broke it."""
    done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for wait in done:
        wait.result()
