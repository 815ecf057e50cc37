"""What went wrong on the line to a grblHAL controller, in words."""

from sewcell.errors import DeviceFaultError, LinkError


def nobody(port: str) -> LinkError:
    """Nothing answers at the port."""
    return LinkError(
        f"{port}: the arm controller does not answer: check that it is switched on, its cable, and that this "
        "is the arm's port"
    )


def stranger(port: str) -> LinkError:
    """Something answers that is no grblHAL controller."""
    return LinkError(
        f"{port}: what answers there is no grblHAL controller, or the baud rate is wrong: check the arm's "
        "port in the cell file"
    )


def silence(port: str, seconds: float) -> LinkError:
    """The controller has fallen silent."""
    return LinkError(
        f"{port}: the arm controller has not answered for {seconds:g} s: check its cable and its power, then "
        "connect again"
    )


def restarted(port: str) -> DeviceFaultError:
    """The controller has lost its position and its queue."""
    return DeviceFaultError(f"{port}: the arm controller has restarted, its position is lost: home the arm")


def overdue(port: str, line: str) -> LinkError:
    """A line has no answer."""
    return LinkError(
        f"{port}: the arm controller has not answered the line '{line}': bytes were lost, check the cable and "
        "keep it away from motor cables, then connect again"
    )
