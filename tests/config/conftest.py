"""A copy of the project's configuration that a test may spoil."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
Edit = Callable[..., Path]


@pytest.fixture
def configs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder `configs` below the working directory."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(CONFIGS, tmp_path / "configs")
    return Path("configs")


@pytest.fixture
def edit(configs: Path) -> Edit:
    """Replace text, which must be there, in one of the files."""

    def replace(name: str, old: str, new: str) -> Path:
        path = configs / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))
        return path

    return replace


@pytest.fixture
def line_of(configs: Path) -> Callable[[str, str], int]:
    """The number of the first line of a file that holds a text."""

    def find(name: str, text: str) -> int:
        lines = (configs / name).read_text().splitlines()
        return next(number for number, line in enumerate(lines, start=1) if text in line)

    return find
