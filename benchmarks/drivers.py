"""The drivers under damage, pulled cables, frozen hosts and restarts, and what a message costs.

Run with `python -m benchmarks.drivers --json`. All but the last lines run in virtual time. A run that was broken off is
gone on with by naming the parts that are left: `BENCHMARK_PARTS="restart decoders" python -m benchmarks.drivers`.
"""

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from statistics import median
from typing import TypeVar

import numpy as np
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from rich.console import Console
from rich.progress import Progress, track

from benchmarks.drivers_peers import (
    RoundTrips,
    measure_ours,
    measure_pymodbus,
    measure_pymodbus_async,
    measure_pyserial,
)
from benchmarks.drivers_trials import freeze_host, pull_cable, restart_controller, send_lines, sew_in_step
from benchmarks.harness import Line, at_least, at_most, compare, main
from sewcell.drivers.protocols.grbl import MAX_LINE, GrblDecoder
from sewcell.drivers.protocols.modbus import MAX_MESSAGE, ModbusDecoder
from sim.link import Faults

T = TypeVar("T")

LINES = 100_000
PULLS = 200
RESTARTS = 100
FUZZED = 100_000
FREEZES = 10
MESSAGES, ROUNDS = 4000, 8
CHOICE = "BENCHMARK_PARTS"
"""Environment variable with the names of PARTS to run."""
DECODING_TIME = 0.05
"""A decoder that takes longer for the few hundred bytes of a case hangs [s]."""

REPLIES = (
    b"ok\r\n",
    b"error:9\r\n",
    b"ALARM:1\r\n",
    b"<Run|MPos:1.000,2.000,3.000,4.000,5.000,6.000|Bf:3,4|Ov:100,100,100|WCO:0,0,0,0,0,0>\r\n",
    b"[OPT:VNML+,100,1024,6,0]\r\n",
    b"[MSG:x]\r\n",
    b"$100=2000.000\r\n",
    b"GrblHAL 1.1f\r\n",
    bytes.fromhex("01041453450002000000010000000000000000000000070000D6CD"),
    bytes.fromhex("010600010001 19CA".replace(" ", "")),
    bytes.fromhex("02860233A1"),
)
"""Good replies, of which fuzzed ones are made."""


def fuzzed_replies() -> st.SearchStrategy[list[bytes]]:
    """Pieces of noise and of good replies, cut and damaged anywhere."""
    piece = st.one_of(
        st.binary(max_size=40),
        st.sampled_from(REPLIES),
        st.builds(lambda reply, n: reply[:n], st.sampled_from(REPLIES), st.integers(0, 60)),
        st.builds(_damage, st.sampled_from(REPLIES), st.integers(0, 200), st.integers(0, 7)),
        st.builds(lambda byte, n: byte * n, st.binary(min_size=1, max_size=2), st.integers(0, 400)),
    )
    return st.lists(piece, max_size=8)


def _show(work: Sequence[T], name: str) -> Iterable[T]:
    """`work` one by one, with a bar on standard error."""
    return track(work, name, console=Console(stderr=True))


def _damage(reply: bytes, place: int, bit: int) -> bytes:
    place %= len(reply)
    return reply[:place] + bytes([reply[place] ^ (1 << bit)]) + reply[place + 1 :]


def decode(pieces: list[bytes]) -> tuple[float, int]:
    """Longest time of one piece [s], and the most bytes that a decoder kept."""
    arm, bus = GrblDecoder(), ModbusDecoder()
    longest, kept = 0.0, 0
    for piece in pieces:
        began = time.process_time()
        arm.feed(piece)
        bus.feed(piece)
        longest = max(longest, time.process_time() - began)
        kept = max(kept, len(arm._line), len(bus._data))
    return longest, kept


def fuzz(cases: int) -> tuple[int, float, int]:
    """Cases in which a decoder raised, the longest time of a piece [s], the most bytes kept."""
    raised, longest, kept = 0, 0.0, 0

    @settings(
        max_examples=cases, deadline=None, database=None, phases=[Phase.generate], suppress_health_check=[*HealthCheck]
    )
    @given(fuzzed_replies())
    def run(pieces: list[bytes]) -> None:
        nonlocal raised, longest, kept
        try:
            seconds, held = decode(pieces)
            if seconds > DECODING_TIME:
                # A pause of the whole process, as for its garbage, is not the decoder's, which would be slow again.
                seconds = min(decode(pieces)[0] for _ in range(3))
        except Exception:
            raised += 1
            return
        longest, kept = max(longest, seconds), max(kept, held)

    run()
    return raised, longest, kept


def measure_damage(flip: float) -> Iterator[Line]:
    """Motions over a cable that flips bits."""
    with Progress(console=Console(stderr=True)) as progress:
        bar = progress.add_task(f"lines at {flip:g}", total=LINES)
        trial = send_lines(LINES, Faults(flip=flip), seed=1, on_sent=lambda sent: progress.update(bar, completed=sent))
    name = f"{trial.lines} lines, a bit flipped in a byte with chance {flip:g}:"
    yield at_most(f"{name} arrivals wrong by more than a step that nobody noticed", trial.wrong_arrivals, 0)
    yield at_most(f"{name} longest wait beyond the motion's time [s]", trial.longest_wait, 1.0)
    yield at_most(f"{name} unhandled exceptions", trial.unhandled, 0)
    yield at_least(f"{name} failures told in words", trial.errors.total(), 1)
    yield at_least(f"{name} arrivals that were checked", trial.arrivals, 100)


def measure_pulls(cable: str, vanishes: bool) -> Iterator[Line]:
    """A cable that is pulled in a seam, with its port or behind it."""
    rng = np.random.default_rng(["arm", "bus"].index(cable))
    pulls = [
        pull_cable(cable, float(rng.uniform(0.0, 3.5)), (1000.0, 2000.0)[k % 2], seed=k, vanishes=vanishes)
        for k in _show(range(PULLS // 2), f"{cable} cable")
    ]
    name = f"{cable} cable {'pulled' if vanishes else 'cut behind its port'} at {len(pulls)} instants of a seam:"
    yield at_least(f"{name} the needle was moving", sum(pull.needle_still > 0.0 for pull in pulls), len(pulls) / 2)
    yield at_most(f"{name} needle still after [s]", max(pull.needle_still for pull in pulls), 0.3)
    yield at_most(f"{name} arm still after [s]", max(pull.arm_still for pull in pulls), 1.0)
    yield at_most(f"{name} connected again after its return [s]", max(pull.reconnected for pull in pulls), 2.0)
    wrong = sum(pull.moved_on_return or not pull.named or not pull.needle_up for pull in pulls)
    yield at_most(f"{name} port not named, needle not up, or motion on return", wrong, 0)


def measure_freezes(seconds: float) -> Iterator[Line]:
    """A host that does nothing for a while."""
    instants = np.random.default_rng(2).uniform(0.1, 4.5, FREEZES)
    trials = [freeze_host(seconds, float(at)) for at in _show(instants, f"freezes of {seconds:g} s")]
    name = f"host frozen {seconds:g} s at {len(trials)} instants:"
    yield at_most(f"{name} motion left [s]", max(freeze.motion_left for freeze in trials), 1.0)
    yield at_most(f"{name} needle not up", sum(not freeze.needle_up for freeze in trials), 0)


def measure_restarts() -> Iterator[Line]:
    """An arm controller that restarts."""
    instants = np.random.default_rng(3).uniform(0.3, 6.0, RESTARTS)
    restarts = _show(list(enumerate(instants)), "restarts")
    missed = sum(not restart_controller(float(at), bool(k % 2), k) for k, at in restarts)
    yield at_most(f"arm controller restarted at {RESTARTS} instants, every other unseen: not noticed", missed, 0)


def measure_decoders() -> Iterator[Line]:
    """Replies that are none."""
    raised, longest, kept = fuzz(FUZZED)
    yield at_most(f"{FUZZED} fuzzed replies: a decoder raised", raised, 0)
    yield at_most(f"{FUZZED} fuzzed replies: longest time for a piece [s]", longest, DECODING_TIME)
    yield at_most(f"{FUZZED} fuzzed replies: most bytes kept", kept, max(MAX_LINE, MAX_MESSAGE))


def measure_steps() -> Iterator[Line]:
    """Arm and machine in step."""
    for rate, lag in ((1.0, 0.0), (1.05, 0.0), (0.95, 0.0), (1.05, 0.01), (0.95, 0.01)):
        error = sew_in_step(rate, lag).largest_error
        yield at_most(f"2000 spm, machine at {rate:.0%}, {1e3 * lag:g} ms late: arm off by [stitches]", error, 0.5)
    for period in (0.05, 0.02, 0.01):
        for stall in (0.05, 0.2, 0.5):
            step = sew_in_step(rate=1.01, period=period, stall=stall)
            name = f"{1 / period:.0f} Hz, host stalls {1e3 * stall:g} ms:"
            yield at_most(f"{name} longest less shortest stitch [%]", 100 * step.spread, 5.0)
            yield at_most(f"{name} stitch off its ordered length by [%]", 100 * step.deviation, 5.0)


def measure_messages() -> Iterator[Line]:
    """What a message costs, beside pymodbus and pyserial, which take turns; medians of the rounds."""
    drivers = {
        "sewcell": measure_ours,
        "pymodbus, asynchronous": measure_pymodbus_async,
        "pymodbus, blocking": measure_pymodbus,
        "pyserial, plain loop": measure_pyserial,
    }
    trips: dict[str, list[RoundTrips]] = {name: [] for name in drivers}
    for _ in _show(range(ROUNDS), "messages"):
        for name, measure in drivers.items():
            trips[name].append(measure(MESSAGES // ROUNDS))
    modbus = [name for name in trips if name.startswith("pymodbus")]
    p99 = {name: median(trip.p99 for trip in rounds) for name, rounds in trips.items()}
    yield compare("round trip of 10 registers, p99 [ms]", p99, 1.0, against=modbus, scale=1e3)
    cpu = {name: 1e3 * median(trip.cpu for trip in rounds) for name, rounds in trips.items()}
    yield compare("processor time of 1000 such messages [s]", cpu, 1.0, against=modbus)


PARTS: dict[str, Callable[[], Iterator[Line]]] = {
    "damage-1e-4": partial(measure_damage, 1e-4),
    "damage-1e-3": partial(measure_damage, 1e-3),
    "pull-arm": partial(measure_pulls, "arm", True),
    "pull-bus": partial(measure_pulls, "bus", True),
    "cut-arm": partial(measure_pulls, "arm", False),
    "cut-bus": partial(measure_pulls, "bus", False),
    "freeze-0.2": partial(measure_freezes, 0.2),
    "freeze-0.5": partial(measure_freezes, 0.5),
    "freeze-2": partial(measure_freezes, 2.0),
    "restart": measure_restarts,
    "decoders": measure_decoders,
    "steps": measure_steps,
    "messages": measure_messages,
}
"""Each draws its own chances, so that it gives the same figures alone."""


def build_lines() -> Iterator[Line]:
    """The claims of the drivers: all, or those of the parts that BENCHMARK_PARTS names."""
    chosen = os.environ.get(CHOICE, "").split() or list(PARTS)
    for part in chosen:
        yield from PARTS[part]()


if __name__ == "__main__":
    main(build_lines)
