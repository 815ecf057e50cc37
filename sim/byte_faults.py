"""What a bad line does to bytes: one model for the in-process cable and for the lines that are served outside."""

from dataclasses import dataclass, fields
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from sewcell.errors import ConfigError

Bits = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Faults:
    """Faults of a line.

    `drop`, `flip`, `duplicate`, `delay`: probabilities for each byte that it is lost, that one of its bits is flipped,
    that it arrives twice, that it and all behind it come `delay_time` [s] late. `cut_after`: the number of bytes, both
    ways together, after which the line is dead.
    """

    drop: float = 0.0
    flip: float = 0.0
    duplicate: float = 0.0
    delay: float = 0.0
    delay_time: float = 0.02
    cut_after: int | None = None

    def __post_init__(self) -> None:
        for name in ("drop", "flip", "duplicate", "delay"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ValueError(f"{name} is a probability from 0 to 1, not {getattr(self, name)}")
        if not self.delay_time >= 0.0:
            raise ValueError(f"delay_time must be 0 or more, not {self.delay_time}")
        if self.cut_after is not None and self.cut_after < 0:
            raise ValueError(f"cut_after must be 0 or more, not {self.cut_after}")

    @property
    def random(self) -> bool:
        """Whether chance has a part in it."""
        return max(self.drop, self.flip, self.duplicate, self.delay) > 0.0


def parse_faults(text: str) -> Faults:
    """`drop=1e-4,flip=1e-3,cut_after=5000`: fields of `Faults` and their values.

    Raises: ConfigError that names what is known.
    """
    kinds = {field.name: int if field.name == "cut_after" else float for field in fields(Faults)}
    values: dict[str, float] = {}
    for part in filter(None, text.split(",")):
        name, _, value = part.partition("=")
        if name.strip() not in kinds:
            raise ConfigError(f"no fault '{name.strip()}' of a line; known: {', '.join(kinds)}")
        try:
            values[name.strip()] = kinds[name.strip()](value)
        except ValueError as error:
            raise ConfigError(f"the fault '{part}' of a line needs a number, such as {name.strip()}=1e-4") from error
    try:
        return Faults(**values)  # type: ignore[arg-type]  # cut_after is read as int
    except ValueError as error:
        raise ConfigError(f"the faults of a line: {error}") from error


@dataclass(frozen=True, slots=True)
class Portion:
    """Bytes that arrive together, `late` [s] later than they would on a good line."""

    data: bytes
    late: float = 0.0


def spoil(data: bytes, faults: Faults, rng: np.random.Generator) -> list[Portion]:
    """What arrives of `data`, in order. `cut_after` is the business of whoever counts the bytes of both directions."""
    if not faults.random:
        return [Portion(data)]
    chances = rng.random((4, len(data)))
    bits = rng.integers(0, 8, len(data))
    flipped = np.frombuffer(data, dtype=np.uint8) ^ np.where(chances[1] < faults.flip, 1 << bits, 0).astype(np.uint8)
    copies = np.where(chances[0] < faults.drop, 0, np.where(chances[2] < faults.duplicate, 2, 1))
    stops = [0, *np.flatnonzero(chances[3] < faults.delay).tolist(), len(data)]
    return [
        Portion(np.repeat(flipped[a:b], copies[a:b]).tobytes(), faults.delay_time if number else 0.0)
        for number, (a, b) in enumerate(pairwise(stops))
        if number or b > a
    ]


def misread(data: bytes, sent_baud: float, heard_baud: float) -> bytes:
    """What a receiver that runs at `heard_baud` takes 8N1 bytes for that were sent at `sent_baud`.

    A start bit is a falling edge; the receiver samples in the middle of each of the ten bits that it expects, and hands
    a byte on whether or not its stop bit was there (as a 16550 UART does).
    """
    frames = np.unpackbits(np.frombuffer(data, dtype=np.uint8)[:, None], axis=1, bitorder="little")
    line = np.pad(frames, ((0, 0), (1, 1)))
    line[:, -1] = 1
    levels: Bits = np.concatenate([[1], line.ravel(), np.ones(12, dtype=np.uint8)])
    step = sent_baud / heard_baud
    heard = bytearray()
    at = 0.0
    while True:
        falls = np.flatnonzero((levels[:-1] == 1) & (levels[1:] == 0))
        edge = falls[falls + 1 >= at]
        if not len(edge):
            return bytes(heard)
        places = (edge[0] + 1 + (np.arange(1, 9) + 0.5) * step).astype(np.int64)
        heard += np.packbits(levels[np.minimum(places, len(levels) - 1)], bitorder="little").tobytes()
        at = edge[0] + 1 + 9.5 * step
