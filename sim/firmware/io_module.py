"""Emulated gripper and I/O module: the register map of docs/protocols/io.md."""

from collections.abc import Sequence

from sim.firmware.parts import HeartbeatWatch, LateSensor, Stroke
from sim.plant import Plant

IDENT, VERSION = 0x494F, 1
WORD = (0, 0xFFFF)
HEARTBEAT, PINS, VACUUM, LIGHT_TOWER, LOADER_REQUEST = range(5)
RED = 0b0001
PIN_STROKE_TIME = 0.06
VACUUM_TIME = 0.2
PLY_SENSOR_DELAY = 0.02


class IoModule:
    """Moves `plant.pins_out` and `plant.loader_request`; reads the safety chain, the loader and the held fabric."""

    limits: Sequence[tuple[int, int]] = (WORD, (0, 1), (0, 1), (0, 15), WORD)

    def __init__(self, plant: Plant) -> None:
        self._plant = plant
        self._holdings = [0] * len(self.limits)
        self._pins = Stroke(PIN_STROKE_TIME)
        self._vacuum_since = 0.0
        self._ply = LateSensor(PLY_SENSOR_DELAY)
        self._heartbeat = HeartbeatWatch()

    def update(self, now: float) -> None:
        """Bring pins and sensors up to `now` [s]."""
        self._plant.pins_out = self._pins.at(now)
        self._ply.observe(self._plant.ply_thickness, now)

    def light_tower(self, now: float) -> int:
        """Lights that are on, as the bits of LIGHT_TOWER; red alone while the host is silent."""
        return RED if self._heartbeat.is_silent(now) else self._holdings[LIGHT_TOWER]

    def read_inputs(self, now: float) -> list[int]:
        """All input registers."""
        plant = self._plant
        thickness = self._ply.at(now)
        pins = self._pins.at(now)
        vacuum = self._holdings[VACUUM] == 1 and now - self._vacuum_since >= VACUUM_TIME
        bits = (
            plant.emergency_stop_released,
            plant.door_closed,
            pins == 1.0,
            pins == 0.0,
            thickness > 0.0,
            plant.loader_ready,
            vacuum,
        )
        inputs = sum(1 << place for place, bit in enumerate(bits) if bit)
        thickness_um10 = min(round(thickness * 1e5), 0xFFFF)
        return [IDENT, VERSION, inputs, 0, self._holdings[HEARTBEAT], thickness_um10, plant.loader_echo & 0xFFFF]

    def read_holdings(self) -> list[int]:
        """All holding registers."""
        return list(self._holdings)

    def write(self, address: int, values: Sequence[int], now: float) -> None:
        """Write registers and begin what they ask for."""
        before = self._holdings.copy()
        self._holdings[address : address + len(values)] = values
        self._heartbeat.observe(self._holdings[HEARTBEAT], now)
        self._pins.move(float(self._holdings[PINS]), now)
        if self._holdings[VACUUM] > before[VACUUM]:
            self._vacuum_since = now
        self._plant.loader_request = self._holdings[LOADER_REQUEST]
        self.update(now)
