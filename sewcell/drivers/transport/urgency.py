"""How soon the computer runs this program when others want it too: at once, where that is permitted."""

import os

LEVEL = 10
"""Among real-time programs, of 1 to 99: above nothing that a computer needs for itself."""


def hurry() -> bool:
    """Have this thread, and those that it starts from now on, run before every ordinary program, by the real-time
    scheduler SCHED_RR.

    Returns: False where that is not permitted (no CAP_SYS_NICE, RLIMIT_RTPRIO below LEVEL); all is as before then.
    """
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(LEVEL))
    except (AttributeError, OSError):
        return False
    return True


def relax() -> None:
    """This thread is an ordinary one again; it gives way to the others by `hurry` no more than to any program."""
    try:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    except (AttributeError, OSError):
        return


def may_hurry() -> bool:
    """Whether `hurry` is permitted."""
    allowed = hurry()
    relax()
    return allowed
