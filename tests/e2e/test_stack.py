"""Pieces that are picked from a stack, whole runs: the cell counts plies and feels them, nobody tells it the truth."""

from pathlib import Path

import pytest

from tests.e2e.conftest import Runner

STACK_OF_TWO = """
# Stacks of two.
name: two
imperfections: typical
override: {cell: {loader: {stack_plies: 2}}}
"""


@pytest.fixture
def stack_of_two(tmp_path: Path) -> str:
    path = tmp_path / "two.yaml"
    path.write_text(STACK_OF_TWO, encoding="utf-8")
    return str(path)


@pytest.mark.slow
def test_three_pockets_come_from_a_stack_of_two_and_the_next(run: Runner, stack_of_two: str) -> None:
    summary = run(scenario=stack_of_two, count=3).summary
    assert (summary["result"], summary["reason"]) == ("ok", "")
    for piece in summary["pieces"]:
        assert (piece["picked"], piece["flags"]) == (True, [])
        assert piece["seams"][0]["max_mm"] < 1.0
    assert [step["name"] for step in summary["steps"]].count("pick again") == 0


@pytest.mark.slow
def test_two_plies_that_came_up_are_put_back_and_one_is_picked(run: Runner, stack_of_two: str) -> None:
    summary = run(scenario=stack_of_two, faults=("two-plies-picked@1s",)).summary
    assert (summary["result"], summary["reason"]) == ("ok", "")
    assert [step["name"] for step in summary["steps"]].count("pick again") == 1
    assert summary["pieces"][0]["seams"][0]["max_mm"] < 1.0
