"""Each package imports only what lies below it; the cell never imports its simulation."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def lint_imports(root: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]
    environment = os.environ | {"PYTHONPATH": str(root)}
    return subprocess.run(
        [*command, "--no-cache"], cwd=root, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for name in ("sewcell", "sim"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_floors_hold() -> None:
    result = lint_imports(ROOT)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("sewcell/geometry/extra.py", "import sewcell.vision.camera_model"),
        ("sewcell/process/extra.py", "import sewcell.cell.states"),
        ("sewcell/cell/extra.py", "import sim.truth"),
        ("sewcell/drivers/protocols/extra.py", "import asyncio"),
        ("sim/firmware/extra.py", "import sewcell.drivers.protocols.grbl"),
        ("sim/world/extra.py", "import sewcell.kinematics.arm"),
    ],
)
def test_an_import_from_a_higher_floor_is_found(copy: Path, file: str, line: str) -> None:
    (copy / file).write_text(f'"""Breaks a floor."""\n\n{line}  # noqa: F401\n', encoding="utf-8")
    result = lint_imports(copy)
    assert result.returncode == 1, result.stdout
    assert line.split()[1] in result.stdout
