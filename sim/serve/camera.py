"""The controllers' side of the served camera: starts the camera's process, and passes on what happens to it."""

import asyncio
import multiprocessing
from multiprocessing.connection import Connection

from sewcell.errors import ConfigError
from sim.camera.source import RenderedCamera
from sim.serve.film import CameraState, FilmSetup, film

ENDING = 2.0
"""Longest time that the camera's process may take to end [s]."""
LOOK_PERIOD = 0.05
"""Time between looks at the camera [s]."""


class ServedCamera:
    """The film of a rendered camera at `url`. `scenes`: the pipe to whoever tells what there is to see."""

    def __init__(self, camera: RenderedCamera, scenes: Connection, seed: int, address: str, port: int) -> None:
        self.url = ""
        self._camera = camera
        self._address = address
        context = multiprocessing.get_context("spawn")
        self._line, theirs = context.Pipe()
        self._state = _describe(camera)
        setup = FilmSetup(self._state, seed, address, port)
        self._process = context.Process(target=film, args=(setup, theirs, scenes), name="camera", daemon=True)
        self._theirs: Connection = theirs

    async def start(self) -> None:
        """Returns when the camera films. Raises: ConfigError when its TCP port cannot be served."""
        self._process.start()
        self._theirs.close()
        while not self._line.poll():
            if not self._process.is_alive():
                raise ConfigError("the camera's process has ended: read its messages above")
            await asyncio.sleep(LOOK_PERIOD)
        told: int | ConfigError = self._line.recv()
        if isinstance(told, ConfigError):
            raise told
        self.url = f"http://{self._address}:{told}/overhead.mkv"

    async def run(self) -> None:
        """Pass on how it changes. Raises: ConfigError when its process has ended."""
        while self._process.is_alive():
            now = _describe(self._camera)
            if not _is_same(now, self._state):
                self._state = now
                self._line.send(now)
            await asyncio.sleep(LOOK_PERIOD)
        raise ConfigError("the camera's process has ended: read its messages above")

    def close(self) -> None:
        """End the camera's process. May be repeated."""
        self._line.close()
        if self._process.is_alive():
            self._process.terminate()
            self._process.join(ENDING)


def _describe(camera: RenderedCamera) -> CameraState:
    return CameraState(camera.view, camera.light, camera.sensor, camera.connected)


def _is_same(a: CameraState, b: CameraState) -> bool:
    """Whether nothing was exchanged; the parts are values, which are never changed in place."""
    return a.view is b.view and a.light is b.light and a.sensor is b.sensor and a.plugged == b.plugged
