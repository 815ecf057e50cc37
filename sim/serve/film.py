"""The camera's own process: draws the world as it is told, and films it as a Matroska stream over HTTP.

A process of its own, because drawing takes tenths of a second in which the emulated controllers must answer.
"""

import asyncio
import contextlib
import os
import signal
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection

import numpy as np
from numpy.typing import NDArray

from sewcell.drivers.transport.urgency import may_hurry
from sewcell.errors import ConfigError
from sim.camera.lens import View
from sim.camera.matroska import encode_film_header, encode_picture
from sim.camera.mesh import Mesh
from sim.camera.sensor import Sensor
from sim.camera.shadows import Light
from sim.camera.source import RenderedCamera
from sim.serve.world import Scene

PERIOD = 0.7
"""From exposure to exposure [s], or longer while drawing takes longer."""
LATENCY = 0.4
"""From the exposure to the picture's leaving [s], or longer while drawing takes longer."""
KINDNESS = 8
"""By how much it gives way to the controllers and to the host where these may not go before other programs."""
PATIENCE = 2.0
"""Longest time that a watcher may take for a picture [s]."""


@dataclass(frozen=True, slots=True)
class CameraState:
    """The camera as it is at present. `plugged`: whether its cable is in."""

    view: View
    light: Light
    sensor: Sensor
    plugged: bool = True


@dataclass(frozen=True, slots=True)
class FilmSetup:
    """What the camera's process needs to know. `port`: of HTTP; 0 takes a free one."""

    camera: CameraState
    seed: int
    address: str
    port: int


def film(setup: FilmSetup, control: Connection, scenes: Connection) -> None:
    """Run the camera until the other processes end.

    `control` is first told the port, or the reason why there is none; later it says how the camera has changed.
    `scenes` is asked for the scene at a time of the monotonic clock.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if not may_hurry():
        os.nice(KINDNESS)
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        asyncio.run(_Film(setup, control, scenes).run())


class _Film:
    def __init__(self, setup: FilmSetup, control: Connection, scenes: Connection) -> None:
        self._setup = setup
        self._control = control
        self._scenes = scenes
        self._watchers: set[asyncio.StreamWriter] = set()
        self._rng = np.random.default_rng(setup.seed)
        self._meshes: dict[int, Mesh] = {}
        self._plugged = True
        self._set(setup.camera)

    async def run(self) -> None:
        # The first picture is the slowest.
        self._expose(time.monotonic())
        try:
            server = await asyncio.start_server(self._welcome, self._setup.address, self._setup.port)
        except OSError as error:
            self._control.send(
                ConfigError(
                    f"the camera cannot be served at {self._setup.address}:{self._setup.port} ({error.strerror}): name "
                    "another port with --tcp"
                )
            )
            return
        self._control.send(server.sockets[0].getsockname()[1])
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            due = max(due + PERIOD, loop.time())
            await asyncio.sleep(due - loop.time())
            if self._control.poll():
                self._set(self._control.recv())
            if not self._watchers:
                continue
            exposed = time.monotonic()
            pixels = self._expose(exposed)
            await asyncio.sleep(exposed + LATENCY - time.monotonic())
            await self._show(encode_picture(pixels, exposed))

    def _expose(self, now: float) -> NDArray[np.uint8]:
        """The picture of the scene at the time `now` [s]."""
        self._scenes.send(now)
        scene: Scene = self._scenes.recv()
        known = {**self._meshes, **scene.new}
        self._meshes = {key: known[key] for key in scene.order}
        return self._camera.expose(now)

    def _set(self, state: CameraState) -> None:
        """The camera is now like this."""
        self._camera = RenderedCamera(
            "film", lambda: list(self._meshes.values()), state.view, state.light, state.sensor, 0.0, self._rng
        )
        self._plugged = state.plugged
        if not state.plugged:
            self._dismiss()

    async def _welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            writer.close()
            return
        if not self._plugged:
            writer.transport.abort()
            return
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: video/x-matroska\r\nConnection: close\r\n\r\n")
        writer.write(encode_film_header(*self._camera.view.image_size_px))
        self._watchers.add(writer)

    async def _show(self, data: bytes) -> None:
        for watcher in list(self._watchers):
            try:
                watcher.write(data)
                async with asyncio.timeout(PATIENCE):
                    await watcher.drain()
            except (ConnectionError, TimeoutError):
                self._watchers.discard(watcher)
                watcher.transport.abort()

    def _dismiss(self) -> None:
        for watcher in self._watchers:
            watcher.transport.abort()
        self._watchers.clear()
