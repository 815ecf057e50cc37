"""No reply, however damaged, makes a decoder raise, hang or grow."""

import pytest
from hypothesis import given, settings

from benchmarks.drivers import DECODING_TIME, decode, fuzzed_replies
from sewcell.drivers.protocols.grbl import MAX_LINE

pytestmark = pytest.mark.faults


@settings(max_examples=300, deadline=None)
@given(fuzzed_replies())
def test_fuzzed_replies_are_decoded_in_no_time_and_nothing_piles_up(pieces):
    longest, kept = decode(pieces)
    assert longest < DECODING_TIME
    assert kept <= MAX_LINE
