"""What went wrong on the line to a grblHAL controller, in words."""

from sewcell.drivers.protocols.grbl_texts import describe_alarm, describe_restart
from sewcell.errors import DeviceFaultError, LinkError


def nobody(port: str) -> LinkError:
    """Nothing answers at the port."""
    return LinkError(
        f"{port}: the arm controller does not answer: check that it is switched on, its cable, and that this "
        "is the arm's port (`sewcell doctor` finds it)"
    )


def stranger(port: str) -> LinkError:
    """Something answers that is no grblHAL controller."""
    return LinkError(
        f"{port}: what answers there is no grblHAL controller, or the baud rate is wrong: check the arm's "
        "port (`sewcell doctor` finds it)"
    )


def silence(port: str, seconds: float) -> LinkError:
    """The controller has fallen silent."""
    return LinkError(
        f"{port}: the arm controller has not answered for {seconds:g} s: check its cable and its power, then "
        "connect again"
    )


def restarted(port: str) -> DeviceFaultError:
    """The controller has lost its position and its queue."""
    return DeviceFaultError(f"{port}: {describe_restart()}")


def in_alarm(port: str, code: int | None) -> DeviceFaultError:
    """The controller has locked itself; `code` is None when it did not tell which alarm."""
    return DeviceFaultError(f"{port}: {describe_alarm(code)}")


def exchanged(port: str, axes: int, before: int) -> DeviceFaultError:
    """Another controller answers than before."""
    return DeviceFaultError(
        f"{port}: the controller that answers now has {axes} axes, the one before had {before}: plug the arm's own in, "
        "then connect again"
    )


def broken(port: str, cause: BaseException) -> DeviceFaultError:
    """The driver itself has failed."""
    return DeviceFaultError(f"{port}: the arm's driver has a defect ({cause!r}): report it, then connect again")


def overdue(port: str, line: str) -> LinkError:
    """A line has no answer."""
    return LinkError(
        f"{port}: the arm controller has not answered the line '{line}': bytes were lost, check the cable and "
        "keep it away from motor cables, then connect again"
    )
