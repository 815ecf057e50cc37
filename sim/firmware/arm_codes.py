"""Numbers of the arm controller: real-time bytes, error and alarm codes, stored travel."""

STATUS, HOLD, START = b"?\x80", b"!\x82", b"~\x81"
FULL_STATUS = 0x87
RESET, STOP, JOG_CANCEL = 0x18, 0x19, 0x85
OVERRIDES = {0x91: 10, 0x92: -10, 0x93: 1, 0x94: -1}
OVERRIDE_RESET = 0x90
REAL_TIME = frozenset(b"?!~\x18\x19") | frozenset(range(0x80, 0x100))

ERROR_UNKNOWN_COMMAND = 3
ERROR_NOT_IDLE = 8
ERROR_LOCKED = 9
ERROR_LINE_TOO_LONG = 11
ERROR_JOG_BEYOND_LIMITS = 15

ALARM_HARD_LIMIT = 1
ALARM_SOFT_LIMIT = 2
ALARM_RESET_IN_MOTION = 3
ALARM_EMERGENCY_STOP = 10

# Travel of a KUKA KR 6 R700 sixx (data sheet), stored in the controller's settings.
LOWER_DEG = (-170.0, -190.0, -120.0, -185.0, -120.0, -350.0)
UPPER_DEG = (170.0, 45.0, 156.0, 185.0, 120.0, 350.0)
