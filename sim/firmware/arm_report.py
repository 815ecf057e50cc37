"""What the arm controller prints about itself: status reports, modal state, settings."""

import numpy as np
from numpy.typing import NDArray

from sim.firmware.gcode import Modal
from sim.firmware.planner import Planner

STEP_DEG = 0.0005
"""The position is counted in motor steps of this size."""
WCO_PERIOD = 30
OV_PERIOD = 20


class StatusReporter:
    """Renders status reports, whose fields differ from report to report.

    As on grblHAL, `WCO:` comes with every 30th report and `Ov:` with every 20th and after a change; `H:` after a
    change; all of them with a full report; `Pn:` while an input is active.
    """

    def __init__(self) -> None:
        self._count = 0
        self._last_override = 100
        self._last_homed = True

    def render(
        self, state: str, planner: Planner, *, rx_free: int, override_percent: int, pins: str, homed: bool, full: bool
    ) -> str:
        """One report, without the line's end; `full` tells every field."""
        self._count += 1
        # Adding 0.0 makes a negative zero positive.
        steps = np.round(planner.position / STEP_DEG) * STEP_DEG
        axes = ",".join(f"{np.round(angle, 3) + 0.0:.3f}" for angle in steps)
        fields = [state, f"MPos:{axes}", f"Bf:{planner.free},{rx_free}", f"FS:{planner.speed * 60.0:.0f},0"]
        if pins:
            fields.append(f"Pn:{pins}")
        offset = full or self._count % WCO_PERIOD == 0
        if offset:
            fields.append("WCO:0.000,0.000,0.000,0.000,0.000,0.000")
        if full or (not offset and (self._count % OV_PERIOD == 0 or override_percent != self._last_override)):
            fields.append(f"Ov:{override_percent},100,100")
            self._last_override = override_percent
        if full or homed != self._last_homed:
            fields.append("H:1,63" if homed else "H:0,0")
            self._last_homed = homed
        return "<" + "|".join(fields) + ">"


def render_modal(modal: Modal) -> str:
    """The answer to `$G`."""
    words = [
        "G1" if modal.linear else "G0",
        "G54 G17 G21",
        "G90" if modal.absolute else "G91",
        "G93" if modal.inverse_time else "G94",
        "M5 M9 T0",
        f"F{modal.feed:.0f}",
        "S0",
    ]
    return f"[GC:{' '.join(words)}]"


def render_settings(lower: NDArray[np.float64], upper: NDArray[np.float64]) -> list[str]:
    """The answer to `$$`: report mask, soft limits on, homing on, steps per degree and travel of each axis [deg]."""
    steps = [f"${100 + axis}={1.0 / STEP_DEG:.3f}" for axis in range(6)]
    travel = [f"${130 + axis}={high - low:.3f}" for axis, (low, high) in enumerate(zip(lower, upper, strict=True))]
    return ["$10=511", "$20=1", "$22=1", *steps, *travel]
