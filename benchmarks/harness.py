"""The form of every benchmark: one claim a line, timed in turns with the peers, printed as JSON or as a table."""

import argparse
import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

_TURN = 0.01
"""A round calls each candidate for about this long [s], at least once."""


@dataclass(frozen=True, slots=True)
class Line:
    """One claim. The unit of `ours`, `peers` and, where there is no `ratio`, of `required` stands in the `name`.

    `ratio` is how many times better than the best of the peers it is held against, None for a claim without peers;
    `required` is the least ratio, or else the limit that `ours` keeps.
    """

    name: str
    ours: float
    required: float
    passed: bool
    ratio: float | None = None
    peers: Mapping[str, float] = field(default_factory=dict)

    def to_json(self) -> str:
        """The line as one JSON object."""
        return json.dumps(
            {
                "name": self.name,
                "ours": _round(self.ours),
                "peers": {name: _round(figure) for name, figure in self.peers.items()},
                "ratio": None if self.ratio is None else _round(self.ratio),
                "required": self.required,
                "pass": self.passed,
            }
        )


def compare(
    name: str,
    figures: Mapping[str, float],
    required: float,
    *,
    against: Sequence[str] | None = None,
    scale: float = 1.0,
    ours: str = "sewcell",
) -> Line:
    """A claim to be at least `required` times lower than the best peer.

    Args: figures: by name, `ours` among them, lower is better; against: the peers that count (default: all); scale:
    factor from the figures to the unit that stands in `name` (1e6 for seconds into us).
    """
    peers = {peer: figure * scale for peer, figure in figures.items() if peer != ours}
    own = figures[ours] * scale
    ratio = min(peers[peer] for peer in (against or peers)) / own
    return Line(name, own, required, ratio >= required, ratio, peers)


def at_most(name: str, ours: float, required: float, peers: Mapping[str, float] | None = None) -> Line:
    """A claim to stay at or below `required`; `peers` are shown beside it."""
    return Line(name, ours, required, ours <= required, peers=peers or {})


def at_least(name: str, ours: float, required: float, peers: Mapping[str, float] | None = None) -> Line:
    """A claim to reach `required`; `peers` are shown beside it."""
    return Line(name, ours, required, ours >= required, peers=peers or {})


def measure_interleaved(candidates: Mapping[str, Callable[[], object]], rounds: int = 15) -> dict[str, float]:
    """Seconds of one call of each candidate: the median over rounds in which they take turns, so that whatever else
    the machine does falls on all alike. A first call of each, not counted, compiles and fills caches.

    Counted is the time of the processor, of all threads: on a machine that does nothing else, the time of the clock.
    """
    calls = {}
    for name, candidate in candidates.items():
        candidate()
        once = max(_time(candidate, 1), 1e-7)
        calls[name] = max(1, round(_TURN / once))
        if calls[name] > 1:
            calls[name] = max(1, round(_TURN / max(_time(candidate, calls[name] // 4 + 1), 1e-9)))
    seconds: dict[str, list[float]] = {name: [] for name in candidates}
    names = list(candidates)
    for turn in range(rounds):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            seconds[name].append(_time(candidates[name], calls[name]))
    return {name: median(values) for name, values in seconds.items()}


def report(lines: Iterable[Line], as_json: bool) -> bool:
    """Prints each line as soon as it is measured. Returns: whether all pass."""
    passed = True
    for line in lines:
        passed &= line.passed
        print(line.to_json() if as_json else _to_text(line), flush=True)
    return passed


def main(build_lines: Callable[[], Iterable[Line]]) -> None:
    """The command line of a benchmark module; ends the process with status 1 when a line does not pass."""
    parser = argparse.ArgumentParser(description="Measures the claims of this part against its peers.")
    parser.add_argument("--json", action="store_true", help="one JSON object a line instead of a table")
    as_json = parser.parse_args().json
    raise SystemExit(0 if report(build_lines(), as_json) else 1)


def _time(candidate: Callable[[], object], calls: int) -> float:
    began = time.process_time()
    for _ in range(calls):
        candidate()
    return (time.process_time() - began) / calls


def _round(figure: float) -> float:
    return float(f"{figure:.4g}")


def _to_text(line: Line) -> str:
    verdict = "pass" if line.passed else "FAIL"
    if line.ratio is None:
        claim = f"{line.ours:10.4g}   required {line.required:g}"
    else:
        claim = f"{line.ours:10.4g}   {line.ratio:.4g}x, required {line.required:g}x"
    peers = ", ".join(f"{name} {figure:.4g}" for name, figure in line.peers.items())
    return f"{verdict}  {line.name:<64} {claim}" + (f"   ({peers})" if peers else "")
