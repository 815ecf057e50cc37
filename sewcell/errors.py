"""The families of errors: each says who must act, what was wrong and what would be right."""


class SewcellError(Exception):
    """Base of every error that sewcell raises on purpose; its text is one readable sentence."""

    exit_code = 1


class ConfigError(SewcellError):
    """Edit a file or the command line: the text names the file, the line and the key."""

    exit_code = 2


class LinkError(SewcellError):
    """A cable, port or peer does not answer: check the connection that the text names, then try again."""


class DeviceFaultError(SewcellError):
    """A device answers and reports a fault of its own (alarm, thread break, needle struck)."""


class VisionError(SewcellError):
    """The picture does not allow a sure answer."""


class MotionError(SewcellError):
    """A motion cannot be made: out of reach, beyond a limit, or in collision."""


class InterlockError(SewcellError):
    """The safety chain or the state of the cell forbids the command."""
