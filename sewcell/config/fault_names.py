"""The faults that a simulated cell can be given: what happens, and what the cell is expected to answer."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from sewcell.config.messages import list_names, suggest
from sewcell.errors import ConfigError

FAULT_FORM = re.compile(r"(?P<name>[^@]+)@(?P<time>\d+(\.\d+)?)\s*s?")


@dataclass(frozen=True, slots=True)
class FaultText:
    """One line of the list of faults."""

    happens: str
    answer: str


FAULT_TEXTS: Mapping[str, FaultText] = {
    "arm-cable-pulled": FaultText("the arm's line comes off", "stops, names the line"),
    "arm-controller-reset": FaultText("somebody resets the arm's controller", "stops: the position is not sure"),
    "arm-struck": FaultText("a joint runs into its limit switch", "stops with the controller's alarm"),
    "bobbin-end": FaultText("the bobbin runs empty", "stops needle up, asks for a bobbin"),
    "bobbin-low": FaultText("the bobbin's sensor sees the end coming", "sews on"),
    "camera-knocked": FaultText("the camera is turned by 0.3 deg, 2 mm at the piece", "stops, says how far it moved"),
    "camera-unplugged": FaultText("the camera's cable comes off", "stops before the arm goes anywhere"),
    "emergency-stop": FaultText("somebody presses the emergency stop", "stops, says so"),
    "field-bus-cable-pulled": FaultText("the field bus comes off", "arm and needle stop, each by itself"),
    "field-bus-noise": FaultText("one of 5,000 bytes on the field bus is spoilt", "asks again, sews on"),
    "guard-door-open": FaultText("somebody opens the guard door", "stops, asks to close it"),
    "lamp-flicker": FaultText("a ballast fails: the lamps flicker by 60 %", "stops, names the light"),
    "lamp-off": FaultText("the lamps go out", "stops: finds no piece"),
    "lint-on-table": FaultText("thirty flocks of lint fall on the table", "finds the piece among them, sews on"),
    "loader-empty": FaultText("the loader's magazine is empty", "stops, asks to load pieces"),
    "loader-jammed": FaultText("the loader brings nothing more", "stops, names the loader"),
    "needle-strike": FaultText("the needle hits the gripper and breaks", "stops, asks to look at the needle"),
    "pick-fails": FaultText("the pins take nothing, once", "looks and picks again"),
    "piece-slips": FaultText("the piece turns by 5 deg in the gripper, 4 mm aside", "sews beside the line, flags it"),
    "piece-dropped": FaultText("the pins lose the next piece that is carried away", "stops, says on which way it fell"),
    "piece-taken-away": FaultText("somebody takes the piece away", "stops, says where it looked"),
    "stack-short": FaultText("the next stack has half of its plies", "stops when pins or camera miss a ply"),
    "stitch-skipped": FaultText("the hook misses the next loop", "finishes, flags the stitch"),
    "thread-break": FaultText("the needle thread breaks", "stops needle up, asks for a new thread"),
    "two-plies-picked": FaultText("a second ply clings to the next one picked", "lets go, picks again"),
}


def check_fault_name(name: str) -> str:
    """`name` if there is such a fault; raises ValueError with those that there are."""
    if name not in FAULT_TEXTS:
        known = sorted(FAULT_TEXTS)
        raise ValueError(f"no fault '{name}'; known: {list_names(known)}{suggest(name, known)}")
    return name


def parse_fault(text: str) -> tuple[str, float]:
    """Name and time [s] of `thread-break@3.2s`.

    Raises: ConfigError when it has another form or there is no such fault.
    """
    found = FAULT_FORM.fullmatch(text.strip())
    if found is None:
        name = text.split("@")[0]
        try:
            check_fault_name(name)
        except ValueError as error:
            raise ConfigError(str(error)) from error
        raise ConfigError(f"'{text}' does not say when: write {name}@3.2s for 3.2 s after the start")
    try:
        return check_fault_name(found["name"]), float(found["time"])
    except ValueError as error:
        raise ConfigError(str(error)) from error
