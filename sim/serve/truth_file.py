"""What really happened in a served cell, as a file to compare with."""

import json
from pathlib import Path

from sewcell.backend import Witness
from sewcell.errors import ConfigError


def write_truth(path: Path, garment: str, seed: int, scenario: str, witness: Witness) -> None:
    """Write the witness as JSON; lengths in metres, angles in radians, times in seconds of the cell.

    Raises: ConfigError when the file cannot be written.
    """
    values = {
        "garment": garment,
        "seed": seed,
        "scenario": scenario,
        "laid": [{"x": p.x, "y": p.y, "theta": p.theta, "mirrored": p.mirrored} for p in witness.laid],
        "picked": list(witness.picked),
        "needle_points": [[p.piece, p.time, p.x, p.y] for p in witness.needle_points],
        "digest": witness.digest,
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values) + "\n", encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path} cannot be written ({error.strerror}): name another with --truth") from error
