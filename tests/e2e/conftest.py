"""Whole runs of the simulated cell."""

from collections.abc import Callable
from pathlib import Path

import pytest

from sewcell.apps.run import RunOutcome, RunRequest, run_garment

CONFIGS = Path(__file__).parents[2] / "configs"
POCKET = CONFIGS / "garments" / "shirt-pocket.yaml"

Runner = Callable[..., RunOutcome]


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
