"""Going before other programs, where that is permitted."""

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from sewcell.drivers.transport.urgency import LEVEL, hurry, may_hurry, relax


def in_a_thread(function):
    """Priorities belong to threads; one of its own is thrown away with what was set."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(function).result()


def test_where_it_is_permitted_a_thread_goes_before_ordinary_programs_until_it_relaxes():
    def hurry_and_relax():
        allowed, policy, level = hurry(), os.sched_getscheduler(0), os.sched_getparam(0).sched_priority
        relax()
        return allowed, policy, level, os.sched_getscheduler(0)

    allowed, policy, level, afterwards = in_a_thread(hurry_and_relax)
    assert (policy, level) == ((os.SCHED_RR, LEVEL) if allowed else (os.SCHED_OTHER, 0))
    assert afterwards == os.SCHED_OTHER


def test_where_it_is_forbidden_all_stays_as_it_was(monkeypatch: pytest.MonkeyPatch):
    def forbid(*_):
        raise PermissionError

    monkeypatch.setattr(os, "sched_setscheduler", forbid)
    assert in_a_thread(hurry) is False
    assert in_a_thread(may_hurry) is False
    assert in_a_thread(lambda: os.sched_getscheduler(0)) == os.SCHED_OTHER


def test_asking_whether_it_is_permitted_changes_nothing():
    assert in_a_thread(lambda: (may_hurry(), os.sched_getscheduler(0))[1]) == os.SCHED_OTHER
