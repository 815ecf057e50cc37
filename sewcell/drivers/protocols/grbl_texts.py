"""What the arm controller's alarm and error numbers mean, as cause and action.

Codes: grblHAL core, alarms.h and errors.h; wording ours. A language is one table; English is complete.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why it happened, and what to do about it."""

    cause: str
    action: str

    def __str__(self) -> str:
        return f"{self.cause}: {self.action}"


_HOME: Final = "clear the way, unlock and home the arm"
_REPORT: Final = "stop the run and report this line; the program sent something that the controller does not take"
_SETTINGS: Final = "check the controller's settings ($$) against the arm's data sheet"
_CONFIG: Final = "correct the setting and send it again"
_SCRIPT: Final = "correct the macro on the controller"
_FILES: Final = "check the controller's memory card"
_SERVICE: Final = "switch the controller off and on; if it fails again, have it serviced"
_DRIVE: Final = "read the code on the drive, remove its cause, switch it off and on, home the arm"
_CABLE: Final = "check the cable; if it stays, report this line"
_RELEASE: Final = "make the cell safe, release the emergency stop, unlock and home the arm"
_LOOK_UP: Final = "list the controller's own texts with $EA or $EE"

_ALARMS: Final[dict[int, tuple[str, str]]] = {
    1: ("a joint ran into its limit switch, the position is lost", _HOME),
    2: ("a target lies beyond the controller's soft limits", "unlock the arm, correct the motion or the arm file"),
    3: ("the controller was reset while the arm moved, the position is lost", _HOME),
    4: ("the probe was not at rest before probing", "check the probe and its wiring"),
    5: ("the probe met nothing on its way", "check the probe and the place of the part"),
    6: ("homing was broken off by a reset", "home the arm again"),
    7: ("the guard door was opened during homing", "close the guard door and home the arm again"),
    8: ("homing could not leave a limit switch", "check the switch, its wiring and the pull-off distance"),
    9: ("homing found no limit switch", "check the switch, its wiring and the search distance"),
    10: ("the emergency stop is pressed", _RELEASE),
    11: ("the arm has not been homed", "home the arm"),
    12: ("a limit switch is engaged", "move the joint off its switch by hand, then unlock and home the arm"),
    13: ("the probe protection has tripped", "free the probe, then unlock the arm"),
    14: ("the spindle output did not come up to speed", _SETTINGS),
    15: ("homing found no second switch of a twin axis", "check the switch, its wiring and the search distance"),
    16: ("the controller's power-on self test failed", _SERVICE),
    17: ("a motor drive reports a fault", _DRIVE),
    18: ("homing is configured wrongly", _SETTINGS),
    19: ("a drive on the controller's own bus does not answer", "check the bus cable and the drive's supply"),
    20: ("an input/output expander of the controller does not answer", "check the expander's cable and supply"),
    21: ("the controller's settings memory failed", "restore its settings from a backup"),
    22: ("the controller has stopped with a fault that it names only by number", _LOOK_UP),
}  # fmt: skip

_ERRORS: Final[dict[int, tuple[str, str]]] = {
    0: ("no error", "nothing is to be done"),
    1: ("a word had no letter, or the line was damaged", _CABLE),
    2: ("a number was missing or damaged on its way", _CABLE),
    3: ("the controller does not know this $ command", "check that grblHAL of the arm is at this port"),
    4: ("a value was negative that must be positive", _REPORT),
    5: ("homing is not configured", _SETTINGS),
    6: ("the step pulse is too short", _SETTINGS),
    7: ("the settings could not be read and were set to their defaults", "restore its settings from a backup"),
    8: ("the command needs a standing arm", "wait until the arm is idle, then try again"),
    9: ("the controller is locked by an alarm or a jog", "remove the cause of the alarm, unlock and home the arm"),
    10: ("soft limits need homing", _SETTINGS),
    11: ("a line was too long", _REPORT),
    12: ("a step rate is above the controller's maximum", _SETTINGS),
    13: ("the guard door is open", "close the guard door and resume"),
    14: ("a stored line was too long", _CONFIG),
    15: ("a jog target lies beyond the limits", "jog less far"),
    16: ("a jog command was malformed", _REPORT),
    17: ("laser mode needs a PWM output", _SETTINGS),
    18: ("a reset was asserted", "release the reset input, then home the arm"),
    19: ("a value must be greater than zero", _REPORT),
    20: ("the command is not supported", _REPORT),
    21: ("two commands of one modal group stood in one line", _REPORT),
    22: ("the feed (F) was missing", _REPORT),
    23: ("a command needs a whole number", _REPORT),
    24: ("two commands in one line claimed the joint words", _REPORT),
    25: ("a word was repeated in one line", _REPORT),
    26: ("the joint words were missing", _REPORT),
    27: ("a line number was not valid", _REPORT),
    28: ("a value word was missing", _REPORT),
    29: ("the work coordinate system is not supported", _REPORT),
    30: ("G53 goes only with G0 and G1", _REPORT),
    31: ("joint words stood in a line that does not use them", _REPORT),
    32: ("an arc had no word in its plane", _REPORT),
    33: ("the target of the motion is not valid", "check the joint limits in the arm file against the controller's"),
    34: ("the radius of an arc is not valid", _REPORT),
    35: ("an arc had no offset in its plane", _REPORT),
    36: ("a line had words that nothing uses", _REPORT),
    37: ("the tool length offset belongs to another axis", _SETTINGS),
    38: ("there is no such tool", _REPORT),
    39: ("a value is out of its range", _REPORT),
    40: ("a tool change is pending", "finish or cancel the tool change at the controller"),
    41: ("the motion needs a turning spindle", _REPORT),
    42: ("threading needs the plane ZX", _REPORT),
    43: ("the feed is above the controller's maximum", "lower the speed in the cell file"),
    44: ("the spindle speed is out of range", _REPORT),
    45: ("a limit switch is engaged", "move the joint off its switch, then home the arm"),
    46: ("the arm has not been homed", "home the arm"),
    47: ("no tool is set", _REPORT),
    48: ("two value words contradict each other", _REPORT),
    49: ("the controller's power-on self test failed", _SERVICE),
    50: ("the emergency stop is pressed", _RELEASE),
    51: ("a motor drive reports a fault", _DRIVE),
    52: ("the value of a setting is out of range", _CONFIG),
    53: ("the setting is not available on this controller", _CONFIG),
    54: ("the retract position is below the depth", _REPORT),
    55: ("two twin axes were to be homed at once", _SETTINGS),
    56: ("the coordinate system is locked", _SETTINGS),
    57: ("a file had an unexpected start or end mark", _FILES),
    58: ("the auxiliary port is not available", _SETTINGS),
    60: ("the memory card could not be mounted", _FILES),
    61: ("a file could not be read", _FILES),
    62: ("a folder could not be opened", _FILES),
    63: ("there is no such folder", _FILES),
    64: ("no memory card is mounted", _FILES),
    65: ("no file system is mounted", _FILES),
    66: ("the file system is read only", _FILES),
    70: ("Bluetooth could not be started", _SETTINGS),
    71: ("an expression had an unknown operation", _SCRIPT),
    72: ("an expression divided by zero", _SCRIPT),
    73: ("an argument of an expression is out of range", _SCRIPT),
    74: ("an argument of an expression is not valid", _SCRIPT),
    75: ("an expression is malformed", _SCRIPT),
    76: ("an expression gave no number", _SCRIPT),
    77: ("the controller asks for a log-in", "log in at the controller or take its password off"),
    78: ("the controller denies access", "log in at the controller with enough rights"),
    79: ("a critical event is active", "remove the cause of the event, then reset the controller"),
    80: ("a flow statement stood outside a macro", _SCRIPT),
    81: ("a flow statement is unknown", _SCRIPT),
    82: ("flow statements are nested too deep", _SCRIPT),
    83: ("the controller ran out of memory in a macro", _SCRIPT),
    84: ("a file could not be opened", _FILES),
}  # fmt: skip

LAST_ALARM: Final = 22
LAST_ERROR: Final = 92


def explain_alarm(code: int) -> Explanation:
    """Cause and action of `ALARM:code`."""
    return _explain(_ALARMS, code, "alarm")


def explain_error(code: int) -> Explanation:
    """Cause and action of `error:code`."""
    return _explain(_ERRORS, code, "error")


def _explain(table: dict[int, tuple[str, str]], code: int, kind: str) -> Explanation:
    unknown = (f"the controller reports {kind} {code}, which has no meaning in grblHAL's published list", _LOOK_UP)
    return Explanation(*table.get(code, unknown))
