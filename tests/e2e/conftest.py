"""Whole runs of the simulated cell."""

import fcntl
import os
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from sewcell.apps.run import RunOutcome, RunRequest, run_garment
from sewcell.config.layers import Job
from sim.backend import SimBackend
from sim.truth import Truth

CONFIGS = Path(__file__).parents[2] / "configs"
POCKET = CONFIGS / "garments" / "shirt-pocket.yaml"

Runner = Callable[..., RunOutcome]


@dataclass(frozen=True)
class FinishedRun:
    """A run of the pocket that has ended: what it told, what it wrote, and what really happened."""

    outcome: RunOutcome
    folder: Path
    database: str
    truth: Truth


SharedRuns = Callable[..., FinishedRun]


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> SharedRuns:
    """The run of a scenario and a seed, 1 unless it is given, made once for all tests that look at what came of it.

    The workers of pytest-xdist have a folder in common, above their own.
    """
    own = tmp_path_factory.getbasetemp()
    common = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own

    def find(scenario: str, seed: int = 1) -> FinishedRun:
        folder = common / f"finished {scenario} {seed}"
        folder.mkdir(exist_ok=True)
        kept = folder / "run.pickle"
        with (folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not kept.exists():
                kept.write_bytes(pickle.dumps(_sew(scenario, seed, folder)))
            found: FinishedRun = pickle.loads(kept.read_bytes())
        return found

    return find


def _sew(scenario: str, seed: int, folder: Path) -> FinishedRun:
    backends: list[SimBackend] = []

    def open_backend(job: Job, seed: int, count: int) -> SimBackend:
        backends.append(SimBackend(job, seed, count))
        return backends[0]

    database = f"sqlite:///{folder}/runs.db"
    request = RunRequest(POCKET, seed=seed, scenario=scenario, out=folder / "run", database=database)
    outcome = run_garment(request, lambda step: None, open_backend)
    return FinishedRun(outcome, folder / "run", database, backends[0].truth)


@pytest.fixture
def database(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/runs.db"


@pytest.fixture
def run(tmp_path: Path, database: str) -> Runner:
    """Runs a garment in the simulated cell with a record of its own."""

    def run(garment: Path = POCKET, **wishes: object) -> RunOutcome:
        request = RunRequest(garment, out=tmp_path / "run", database=database, **wishes)  # type: ignore[arg-type]
        return run_garment(request, on_step=lambda step: None)

    return run


@pytest.fixture
def changed(tmp_path: Path) -> Callable[[str, str, str], Path]:
    """A copy of the configuration with one piece of text of one file replaced; returns the garment file in it."""

    def change(file: str, old: str, new: str) -> Path:
        for path in CONFIGS.rglob("*"):
            if path.is_file():
                target = tmp_path / "configs" / path.relative_to(CONFIGS)
                target.parent.mkdir(parents=True, exist_ok=True)
                data = path.read_bytes()
                if path == CONFIGS / file:
                    assert old in data.decode()
                    data = data.decode().replace(old, new).encode()
                target.write_bytes(data)
        return tmp_path / "configs" / "garments" / "shirt-pocket.yaml"

    return change
