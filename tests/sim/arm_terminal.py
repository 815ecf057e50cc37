"""A terminal at the emulated arm controller."""

import numpy as np

from sim.firmware.arm_controller import ArmController
from sim.plant import Plant

HOME = np.deg2rad([0.0, -90.0, 90.0, 0.0, 90.0, 0.0])


class Terminal:
    """A port that keeps what the controller writes, and the plant behind it; time is told, not run."""

    def __init__(self, posture=HOME):
        self.plant = Plant()
        self.arm = ArmController(self.plant, posture)
        self.arm._port = self
        self.now = 0.0
        self._out = b""

    async def read(self) -> bytes:
        raise NotImplementedError

    def write(self, data: bytes) -> None:
        self._out += data

    def tell(self, data: bytes) -> list[str]:
        """Send bytes now; the lines that come back at once."""
        self.arm.receive(data, self.now)
        return self.heard()

    def heard(self) -> list[str]:
        out, self._out = self._out, b""
        return [line for line in out.decode().split("\r\n") if line]

    def wait(self, seconds: float, ticks: int = 1) -> list[str]:
        begin = self.now
        for i in range(1, ticks + 1):
            self.now = begin + seconds * i / ticks
            self.arm.update(self.now)
        return self.heard()

    def state(self) -> str:
        return self.tell(b"?")[-1].strip("<>").split("|")[0]

    def field(self, key: str) -> str:
        fields = dict(f.split(":", 1) for f in self.tell(b"?")[-1].strip("<>").split("|")[1:])
        return fields[key]

    @property
    def joints(self) -> np.ndarray:
        return np.rad2deg(self.plant.joint_targets)
