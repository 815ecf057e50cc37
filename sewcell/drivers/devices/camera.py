"""A camera, film or picture file behind cv2.VideoCapture as an ImageSource."""

import asyncio
from typing import Any

import cv2
import numpy as np

from sewcell.compute import compute
from sewcell.errors import LinkError
from sewcell.image import Image

STALE_PICTURES = 2
"""Pictures that a driver keeps from the past: dropped before each one that is used."""


class CaptureSource:
    """Pictures from `device`: a camera's index, a file, or a URL (RTSP, GStreamer)."""

    def __init__(self, name: str, device: int | str) -> None:
        self._name = name
        self._device = device
        self._capture: Any = None
        self._turn = asyncio.Lock()

    async def grab(self) -> Image:
        """The next picture; opens the camera at the first call.

        Raises: LinkError when the camera is missing or gives no picture.
        """
        clock = asyncio.get_running_loop().time
        async with self._turn:
            if self._capture is None:
                self._capture = await compute(_open, self._name, self._device)
            pixels, taken_at = await compute(_read, self._capture, self._live, clock)
        if pixels is None:
            await self.close()
            raise LinkError(
                f"camera {self._name} ({self._device}) gives no picture: check its cable, and that no other program "
                "uses it"
            )
        return Image(pixels, self._name, taken_at)

    async def close(self) -> None:
        async with self._turn:
            if self._capture is not None:
                capture, self._capture = self._capture, None
                await compute(capture.release)

    @property
    def _live(self) -> bool:
        return isinstance(self._device, int)


def _open(name: str, device: int | str) -> Any:
    try:
        capture = cv2.VideoCapture(device)
    except cv2.error as cause:
        raise LinkError(f"camera {name} ({device}) cannot be opened: {cause}") from cause
    if not capture.isOpened():
        capture.release()
        raise LinkError(
            f"camera {name} ({device}) cannot be opened: check its cable, that no other program uses it, and the "
            "device in the cell file"
        )
    capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
    return capture


def _read(capture: Any, live: bool, clock: Any) -> tuple[np.ndarray[Any, np.dtype[np.uint8]] | None, float]:
    try:
        for _ in range(STALE_PICTURES if live else 0):
            capture.grab()
        if not capture.grab():
            return None, clock()
        taken_at = clock()
        found, pixels = capture.retrieve()
    except cv2.error:
        return None, clock()
    return (np.ascontiguousarray(pixels, dtype=np.uint8) if found else None), taken_at
