"""Pieces that are picked from a stack, whole runs: the cell counts plies and feels them, nobody tells it the truth."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.conftest import Runner

STACKS = """
# Stacks of a few plies.
name: few
imperfections: typical
override: {{cell: {{loader: {{stack_plies: {plies}}}}}}}
"""

Scenario = Callable[[int], str]


@pytest.fixture
def stacks_of(tmp_path: Path) -> Scenario:
    """A scenario with stacks of so many plies."""

    def write(plies: int) -> str:
        path = tmp_path / f"{plies}.yaml"
        path.write_text(STACKS.format(plies=plies), encoding="utf-8")
        return str(path)

    return write


@pytest.mark.slow
def test_three_pockets_come_from_a_part_used_stack_and_the_next(run: Runner, stacks_of: Scenario) -> None:
    summary = run(scenario=stacks_of(3), count=3, plies_left=2).summary
    assert (summary["result"], summary["reason"]) == ("ok", "")
    for piece in summary["pieces"]:
        assert (piece["picked"], piece["flags"]) == (True, [])
        assert piece["seams"][0]["max_mm"] < 1.0
    assert [step["name"] for step in summary["steps"]].count("pick again") == 0
    assert summary["plies_left"] == 2


@pytest.mark.slow
def test_two_plies_that_came_up_are_put_back_and_one_is_picked(run: Runner, stacks_of: Scenario) -> None:
    summary = run(scenario=stacks_of(2), faults=("two-plies-picked@1s",)).summary
    assert (summary["result"], summary["reason"]) == ("ok", "")
    assert [step["name"] for step in summary["steps"]].count("pick again") == 1
    assert summary["pieces"][0]["seams"][0]["max_mm"] < 1.0
    assert summary["plies_left"] == 1


@pytest.mark.slow
def test_a_stack_that_ends_before_its_count_stops_the_run_before_a_new_one_is_laid(
    run: Runner, stacks_of: Scenario
) -> None:
    summary = run(scenario=stacks_of(2), count=2, faults=("stack-short@0.5s",)).summary
    assert summary["result"] == "failed"
    assert summary["reason"].startswith("the stack is empty though 1 ply should be left")
    assert summary["pieces"][0]["seams"][0]["max_mm"] < 1.0
    assert summary["plies_left"] == 0
