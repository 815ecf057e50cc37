"""Pages that are made from the code say what the code says."""

from pathlib import Path

from sewcell.cell.states import draw_states

ROOT = Path(__file__).parents[2]


def test_the_page_of_states_shows_the_table_of_transitions() -> None:
    page = (ROOT / "docs" / "states.md").read_text(encoding="utf-8")
    assert draw_states() in page
