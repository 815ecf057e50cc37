"""Counts answers that are wrong and claim to be sure, over thousands of pictures; goes on after a break."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track

from benchmarks.vision_scoring import score
from sewcell.pattern.piece import Piece
from sim.camera.suite.cases import FIRST_JUDGING_SEED, HARD, make_case

_RIG = "2 MP"
_LONGEST = 0.5


def count_wrong(pictures: int, pieces: Sequence[Piece], resume: Path | None) -> int:
    """How many answers are wrong and sure: every other picture an everyday one, the others hard ones in turn.

    Args: resume: a JSON-lines file of the pictures done so far, {"seed", "kind", "wrong"} each; what it holds is not
    done again. None: all are done, nothing is kept.
    """
    small = [piece for piece in pieces if np.ptp(piece.outline, axis=0).max() < _LONGEST]
    kinds = [kind for hard in HARD for kind in ("everyday", hard)]
    done: dict[int, int] = {}
    if resume is not None and resume.exists():
        rows = [json.loads(line) for line in resume.read_text().splitlines()]
        done = {row["seed"]: row["wrong"] for row in rows}
    seeds = range(FIRST_JUDGING_SEED, FIRST_JUDGING_SEED + pictures)
    left = [seed for seed in seeds if seed not in done]
    for seed in track(left, "all kinds", console=Console(stderr=True), transient=True):
        kind = kinds[seed % len(kinds)]
        done[seed] = score([make_case(kind, _RIG, seed, small)], pieces).wrong
        if resume is not None:
            with resume.open("a") as file:
                file.write(json.dumps({"seed": seed, "kind": kind, "wrong": done[seed]}) + "\n")
    return sum(done[seed] for seed in seeds)
