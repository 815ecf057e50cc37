"""The simulated camera as the cell's software sees it: a source of pictures."""

import asyncio
from collections.abc import Callable

import numpy as np

from sewcell.errors import LinkError
from sewcell.image import Image
from sim.camera.lens import View
from sim.camera.mesh import Mesh
from sim.camera.renderer import Renderer
from sim.camera.sensor import Sensor
from sim.camera.shadows import Light


class RenderedCamera:
    """Implements `sewcell.image.ImageSource` on the simulated world.

    `meshes` gives the surfaces as they are now; bodies that rest should be the same `Mesh` objects in every call, so
    that they are drawn only once. `latency` [s] passes between exposure and delivery. `rng` draws the noise only.
    `connected`: set it to False to unplug the camera.
    """

    def __init__(
        self,
        name: str,
        meshes: Callable[[], list[Mesh]],
        view: View,
        light: Light,
        sensor: Sensor,
        latency: float,
        rng: np.random.Generator,
    ):
        self.name = name
        self.connected = True
        self._meshes = meshes
        self._renderer = Renderer(view, light)
        self._sensor = sensor
        self._latency = latency
        self._rng = rng

    async def grab(self) -> Image:
        """Expose now, deliver after the latency. Raises: LinkError while the camera is unplugged."""
        taken_at = asyncio.get_running_loop().time()
        if not self.connected:
            raise LinkError(f"camera '{self.name}' gives no picture: check its cable and power")
        pixels = self._sensor.expose(self._renderer.render(self._meshes()).light, self._rng)
        await asyncio.sleep(self._latency)
        return Image(pixels, self.name, taken_at)

    async def close(self) -> None:
        """A closed camera gives no picture."""
        self.connected = False
