"""The simulated camera as the cell's software sees it: a source of pictures."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sewcell.errors import LinkError
from sewcell.geometry.poses import invert_pose
from sewcell.image import Image
from sim.camera.lens import View
from sim.camera.mesh import Mesh
from sim.camera.renderer import Renderer
from sim.camera.sensor import Sensor
from sim.camera.shadows import Light


class RenderedCamera:
    """Implements `sewcell.image.ImageSource` on the simulated world.

    `meshes` gives the surfaces as they are now; bodies that rest should be the same `Mesh` objects in every call, so
    that they are drawn only once, and bodies that may move should be new ones, even while they stand. `latency` [s]
    passes between exposure and delivery. `rng` draws the noise only. `connected`: set it to False to unplug the camera.
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
        self.view = view
        self.light = light
        self.sensor = sensor
        self._meshes = meshes
        self._renderer: Renderer | None = None
        self._latency = latency
        self._rng = rng

    async def grab(self) -> Image:
        """Expose now, deliver after the latency. Raises: LinkError while the camera is unplugged."""
        taken_at = asyncio.get_running_loop().time()
        if not self.connected:
            raise LinkError(f"camera '{self.name}' gives no picture: check its cable and power")
        pixels = self.expose(taken_at)
        await asyncio.sleep(self._latency)
        return Image(pixels, self.name, taken_at)

    def turn(self, T_camera_turned: NDArray[np.float64]) -> None:
        """Something moves the camera: `T_camera_turned` (4, 4) is its new pose in its old frame."""
        self.view = replace(self.view, T_camera_base=invert_pose(T_camera_turned) @ self.view.T_camera_base)
        self._renderer = None

    def expose(self, taken_at: float) -> NDArray[np.uint8]:
        """Pixels (H, W, 3), blue-green-red, of the world as it is at the time `taken_at` [s]."""
        meshes = self._meshes()
        if self._renderer is None:
            self._renderer = Renderer(self.view, self.light)
            again = self._meshes()
            resting = {id(mesh) for mesh in again}
            self._renderer.rest([mesh for mesh in meshes if id(mesh) in resting])
        return self.sensor.expose(self._renderer.render(meshes).light, self._rng, taken_at)

    async def close(self) -> None:
        """A closed camera gives no picture."""
        self.connected = False
