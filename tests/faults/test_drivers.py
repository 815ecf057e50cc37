"""What the drivers promise when bytes are damaged, cables are pulled, the host freezes or a controller restarts."""

import numpy as np
import pytest

from benchmarks.drivers_trials import freeze_host, pull_cable, restart_controller, send_lines, sew_in_step
from sim.link import NO_FAULTS, Faults

pytestmark = [pytest.mark.faults, pytest.mark.slow]


@pytest.mark.parametrize(
    "faults",
    [
        Faults(flip=1e-4),
        Faults(flip=1e-3),
        Faults(drop=1e-3),
        Faults(duplicate=1e-3),
        Faults(delay=1e-3, delay_time=0.1),
    ],
    ids=["few flips", "flips", "drops", "duplicates", "delays"],
)
def test_damaged_bytes_never_lead_to_a_wrong_position_that_nobody_noticed(faults):
    trial = send_lines(1500, faults, seed=7)
    assert trial.lines >= 1500
    assert trial.wrong_arrivals == 0
    assert trial.unhandled == 0
    assert trial.longest_wait <= 1.0
    # A byte that comes late is damage to nobody.
    assert trial.errors.total() > 0 or faults.delay
    assert trial.arrivals > 0


def test_a_good_cable_loses_no_line():
    trial = send_lines(1000, NO_FAULTS, seed=7)
    assert (trial.arrivals, trial.errors.total()) == (34, 0)


@pytest.mark.parametrize("cable", ["arm", "bus"])
@pytest.mark.parametrize("vanishes", [True, False], ids=["pulled", "cut behind its port"])
@pytest.mark.parametrize("speed", [1000.0, 2000.0])
def test_a_lost_cable_stops_needle_and_arm_is_named_and_comes_back_without_motion(cable, vanishes, speed):
    for seed, at in enumerate(np.random.default_rng(3).uniform(0.0, 3.5, 2)):
        trial = pull_cable(cable, float(at), speed, seed, vanishes)
        assert trial.needle_still <= 0.3
        assert trial.needle_up
        assert trial.arm_still <= 1.0
        assert trial.named
        assert trial.reconnected <= 2.0
        assert not trial.moved_on_return


@pytest.mark.parametrize("seconds", [0.2, 0.5, 2.0])
def test_a_frozen_host_leaves_at_most_a_second_of_motion_and_the_needle_up(seconds):
    trial = freeze_host(seconds, 1.5)
    assert trial.motion_left <= 1.0
    assert trial.needle_up
    assert trial.told


@pytest.mark.parametrize("unseen", [False, True])
@pytest.mark.parametrize("at", [0.3, 1.7, 2.9, 4.4, 5.5])
def test_a_restarted_controller_is_noticed_even_behind_a_pulled_cable(at, unseen):
    assert restart_controller(at, unseen, seed=1)


@pytest.mark.parametrize(("rate", "lag"), [(1.0, 0.0), (1.05, 0.0), (0.95, 0.0), (1.05, 0.01), (0.95, 0.01)])
def test_arm_and_machine_keep_within_half_a_stitch_at_2000_spm_though_the_machine_drifts(rate, lag):
    assert sew_in_step(rate, lag).largest_error <= 0.5


@pytest.mark.parametrize("period", [0.05, 0.02, 0.01])
@pytest.mark.parametrize("stall", [0.05, 0.2, 0.5])
def test_a_stalling_host_does_not_show_in_the_stitches(period, stall):
    trial = sew_in_step(rate=1.01, period=period, stall=stall)
    assert trial.deviation <= 0.05
    assert trial.spread <= 0.05
