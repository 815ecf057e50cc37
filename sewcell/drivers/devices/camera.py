"""A camera, film or picture file behind cv2.VideoCapture as an ImageSource."""

import asyncio
from typing import Any

import cv2
import numpy as np

from sewcell.drivers.devices.camera_film import CameraHealth, FilmThread, Frame
from sewcell.drivers.devices.camera_settings import CameraSettings, describe_camera, open_capture
from sewcell.errors import LinkError
from sewcell.image import Image

__all__ = ["CameraHealth", "CameraSettings", "CaptureSource"]

CLOSING = 1.0
"""Longest wait for a camera that is just being opened or read, beyond its timeout [s]."""


class CaptureSource:
    """Pictures of the camera that `settings` describe, as they are set there.

    A live camera is watched from the first `grab` on, so that no picture from the past is handed out: `grab` gives the
    first one that was exposed after the call. When it is gone, it is opened again as soon as it is back. A file gives
    its pictures one after the other.
    """

    def __init__(self, name: str, settings: CameraSettings) -> None:
        self._name = name
        self._settings = settings
        self._who = describe_camera(name, settings)
        self._film: FilmThread | None = None
        self._file: Any = None
        self._turn = asyncio.Lock()

    @property
    def health(self) -> CameraHealth:
        """How many pictures a live camera gave and lost so far."""
        return CameraHealth() if self._film is None else self._film.health

    async def grab(self) -> Image:
        """The next picture; opens the camera at the first call.

        Raises: LinkError when the camera is missing, gives no picture or one of another size than it should.
        """
        async with self._turn:
            pixels, taken_at = await (self._take_live() if self._settings.is_live else self._read_file())
        height, width = pixels.shape[:2]
        if self._settings.size not in (None, (width, height)):
            raise LinkError(
                f"{self._who} gives pictures of {width} x {height} px, the camera file says "
                f"{self._settings.size[0]} x {self._settings.size[1]}: set the camera's size, or name the camera file "
                "of this camera in the cell file"
            )
        return Image(pixels, self._name, taken_at)

    async def close(self) -> None:
        async with self._turn:
            if self._film is not None:
                film, self._film = self._film, None
                await asyncio.to_thread(film.close, self._settings.timeout + CLOSING)
            if self._file is not None:
                file, self._file = self._file, None
                await asyncio.to_thread(file.release)

    async def _take_live(self) -> Frame:
        loop = asyncio.get_running_loop()
        patience = self._settings.timeout + self._settings.latency
        if self._film is None:
            self._film = FilmThread(self._name, self._settings, loop.time)
            self._film.start()
            patience += self._settings.timeout
        film = self._film
        taken: asyncio.Future[Frame | LinkError] = loop.create_future()

        def settle(found: Frame | LinkError) -> None:
            if not taken.done():
                taken.set_result(found)

        def deliver(found: Frame | LinkError) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(settle, found)

        film.want(loop.time(), deliver)
        try:
            async with asyncio.timeout(patience):
                found = await taken
        except TimeoutError:
            raise film.failure or LinkError(
                f"{self._who} has given no picture for {patience:g} s: check its cable and power"
            ) from None
        finally:
            film.forget()
        if isinstance(found, LinkError):
            raise found
        return found

    async def _read_file(self) -> Frame:
        clock = asyncio.get_running_loop().time
        if self._file is None:
            self._file = await asyncio.to_thread(open_capture, self._name, self._settings)
        taken_at = clock()
        pixels = await asyncio.to_thread(_read, self._file)
        if pixels is None:
            file, self._file = self._file, None
            await asyncio.to_thread(file.release)
            raise LinkError(f"{self._who} gives no picture: the file has ended, or is none that OpenCV reads")
        return pixels, taken_at


def _read(capture: Any) -> np.ndarray[Any, np.dtype[np.uint8]] | None:
    try:
        found, pixels = capture.read()
    except cv2.error:
        return None
    return np.ascontiguousarray(pixels, dtype=np.uint8) if found else None
