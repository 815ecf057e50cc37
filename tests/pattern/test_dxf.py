"""Pattern files of every habit become the same kind of piece, and broken ones a sentence."""

from collections.abc import Callable
from pathlib import Path

import ezdxf
import numpy as np
import pytest
from ezdxf.layouts import BlockLayout
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import LinearRing, Polygon

from sewcell.errors import ConfigError
from sewcell.pattern.dxf import read_pieces
from sewcell.units import MM

SQUARE = [(0, 0), (100, 0), (100, 80), (0, 80)]
Draw = Callable[[BlockLayout], object]


def write(
    path: Path, *draws: Draw, texts: tuple[str, ...] = ("Units: METRIC",), names: tuple[str, ...] = ("P_M",)
) -> Path:
    """A file with one block for each of `draws`."""
    drawing = ezdxf.new("R12")
    for row, text in enumerate(texts):
        drawing.modelspace().add_text(text, dxfattribs={"layer": "1", "insert": (0, -row)})
    for name, draw in zip(names, draws, strict=True):
        draw(drawing.blocks.new(name))
    drawing.saveas(path)
    return path


def ring(points: list[tuple[float, float]], layer: str = "1", close: bool = True) -> Draw:
    return lambda block: block.add_polyline2d(points, close=close, dxfattribs={"layer": layer})


def lines(*parts: tuple[str, list[tuple[float, float]]]) -> Draw:
    def draw(block: BlockLayout) -> None:
        for layer, points in parts:
            block.add_polyline2d(points, dxfattribs={"layer": layer})

    return draw


def both(*draws: Draw) -> Draw:
    def draw(block: BlockLayout) -> None:
        for one in draws:
            one(block)

    return draw


def test_a_clockwise_outline_comes_back_counter_clockwise_without_its_repeated_start(tmp_path: Path) -> None:
    piece = read_pieces(write(tmp_path / "p.dxf", lines(("1", [*SQUARE[::-1], SQUARE[-1]]))))["P"]
    assert len(piece.outline) == 4
    assert LinearRing(piece.outline).is_ccw
    assert (piece.name, piece.size) == ("P", "M")


def test_english_files_are_in_inches(tmp_path: Path) -> None:
    piece = read_pieces(write(tmp_path / "p.dxf", ring(SQUARE), texts=("UNITS: ENGLISH",)))["P"]
    assert np.ptp(piece.outline, axis=0) == pytest.approx([2.54, 2.032])


def test_boundary_lines_in_any_order_and_direction_chain_into_one_ring(tmp_path: Path) -> None:
    parts = [
        ("1", [(100, 0), (0, 0)]),
        ("1", [(0, 80.1), (100, 80)]),
        ("1", [(100, 0), (100, 80)]),
        ("01", [(0, 80), (0, 0)]),
    ]
    piece = read_pieces(write(tmp_path / "p.dxf", lines(*parts)))["P"]
    assert len(piece.outline) == 4
    assert Polygon(piece.outline).area == pytest.approx(8000 * MM**2, rel=2e-3)


def test_an_arc_on_the_boundary_is_followed_within_a_twentieth_of_a_millimetre(tmp_path: Path) -> None:
    def draw(block: BlockLayout) -> None:
        block.add_arc((0, 0), 100, 0, 180, dxfattribs={"layer": "1"})
        block.add_line((-100, 0), (100, 0), dxfattribs={"layer": "1"})

    outline = read_pieces(write(tmp_path / "p.dxf", draw))["P"].outline
    half_disc = np.pi * 0.1**2 / 2
    assert half_disc - np.pi * 0.1 * 0.05 * MM < Polygon(outline).area < half_disc


@pytest.mark.parametrize("with_fold_edge", [True, False])
def test_a_half_piece_unfolds_about_its_mirror_line(tmp_path: Path, with_fold_edge: bool) -> None:
    half = [(0, 0), (50, 0), (60, 40), (50, 80), (0, 80)]
    draw = both(
        lambda block: block.add_polyline2d(half, close=with_fold_edge, dxfattribs={"layer": "1"}),
        lambda block: block.add_line((0, 0), (0, 80), dxfattribs={"layer": "6"}),
        lambda block: block.add_point((60, 40, 5), dxfattribs={"layer": "4"}),
        lambda block: block.add_point((0, 0, 5), dxfattribs={"layer": "4"}),
        lambda block: block.add_point((20, 40), dxfattribs={"layer": "13"}),
        lines(("14", [(0, 70), (40, 70)]), ("14", [(30, 10), (40, 20)])),
        ring([(10, 10), (20, 10), (15, 20)], "11"),
    )
    piece = read_pieces(write(tmp_path / "p.dxf", draw))["P"]
    assert Polygon(piece.outline).area == pytest.approx(2 * Polygon(half).area * MM**2)
    assert Polygon(piece.outline).equals(Polygon(piece.outline * [-1, 1]))
    assert sorted(round(notch.position[0] / MM) for notch in piece.notches) == [-60, 0, 60]
    assert all(Polygon(piece.outline).covers(Polygon(hole)) and not LinearRing(hole).is_ccw for hole in piece.holes)
    assert len(piece.holes) == 2
    assert piece.drill_holes is not None
    assert sorted(piece.drill_holes[:, 0]) == pytest.approx([-20 * MM, 20 * MM])
    across, right, left = piece.sew_lines
    assert sorted(across[[0, -1], 0]) == pytest.approx([-40 * MM, 40 * MM])
    np.testing.assert_allclose(right, left * [-1, 1])


def test_a_piece_that_is_already_whole_keeps_its_outline_beside_a_mirror_line(tmp_path: Path) -> None:
    draw = both(ring(SQUARE), lambda block: block.add_line((50, 0), (50, 80), dxfattribs={"layer": "6"}))
    assert len(read_pieces(write(tmp_path / "p.dxf", draw))["P"].outline) == 4


@pytest.mark.parametrize("angle", [-60.0, 120.0, None], ids=["Gerber: inwards", "CLO: outwards", "none"])
def test_a_notch_points_into_the_piece_whichever_way_its_file_turns_it(tmp_path: Path, angle: float | None) -> None:
    attributes = {"layer": "4"} if angle is None else {"layer": "4", "angle": angle}
    draw = both(ring(SQUARE), lambda block: block.add_point((50, 80.2), dxfattribs=attributes))
    (notch,) = read_pieces(write(tmp_path / "p.dxf", draw))["P"].notches
    expected = [0, -1] if angle is None else [0.5, -np.sqrt(0.75)]
    np.testing.assert_allclose(notch.direction, expected, atol=1e-9)
    np.testing.assert_allclose(notch.position, [0.05, 0.08], atol=1e-9)


def test_the_depth_of_a_notch_is_the_height_of_its_point(tmp_path: Path) -> None:
    draw = both(ring(SQUARE), lambda block: block.add_point((50, 80, 6.5), dxfattribs={"layer": "80"}))
    assert read_pieces(write(tmp_path / "p.dxf", draw))["P"].notches[0].depth == pytest.approx(6.5 * MM)


def test_validation_copies_are_not_read(tmp_path: Path) -> None:
    draw = both(ring(SQUARE), ring([(0, 0), (500, 0), (0, 500)], "84"))
    assert len(read_pieces(write(tmp_path / "p.dxf", draw))["P"].outline) == 4


def test_a_graded_file_gives_the_size_asked_for_and_else_its_sample_size(tmp_path: Path) -> None:
    big = [(2 * x, 2 * y) for x, y in SQUARE]
    names = ("P_S", "P_L")
    path = write(tmp_path / "p.dxf", ring(SQUARE), ring(big), names=names, texts=("Units: METRIC", "Sample Size: L"))
    assert np.ptp(read_pieces(path, "S")["P"].outline[:, 0]) == pytest.approx(0.1)
    assert np.ptp(read_pieces(path)["P"].outline[:, 0]) == pytest.approx(0.2)
    with pytest.raises(ConfigError, match=r"p\.dxf has no size 'XL'; it has: S, L"):
        read_pieces(path, "XL")
    unnamed = write(tmp_path / "q.dxf", ring(SQUARE), ring(big), names=names)
    with pytest.raises(ConfigError, match=r"several sizes .* choose one of: S, L"):
        read_pieces(unnamed)


def test_without_a_unit_only_an_unmistakable_size_is_accepted_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    large = [(5 * x, 5 * y) for x, y in SQUARE]
    assert np.ptp(read_pieces(write(tmp_path / "l.dxf", ring(large), texts=()))["P"].outline[:, 0]) == pytest.approx(
        0.5
    )
    assert "l.dxf has no text 'Units: METRIC'" in caplog.text
    with pytest.raises(ConfigError, match=r"does not say its unit, and 100 could be mm or inch; add the text"):
        read_pieces(write(tmp_path / "p.dxf", ring(SQUARE), texts=()))


@pytest.mark.parametrize(
    ("draw", "sentence"),
    [
        (ring([(0, 0), (100, 80), (100, 0), (0, 80)]), r"not a simple outline \(Self-intersection\[50 40\], in mm\)"),
        (ring([(0, 0), (100, 0), (50, 0)]), "not a simple outline"),
        (ring([(0, 0), (100, 0)]), "only 2 different points"),
        (
            ring([(0, 0), (100, 0), (100, 80), (0, 80)], close=False),
            r"open by 80\.0 mm at \(0\.0, 80\.0\) mm; close it",
        ),
        (
            both(ring(SQUARE), ring([(200, 0), (300, 0), (300, 50)])),
            r"more than one ring, the second at \(200\.0, 0\.0\)",
        ),
        (
            both(ring(SQUARE), lambda block: block.add_line((-50, 0), (-50, 9), dxfattribs={"layer": "6"})),
            "mirror line on layer 6 does not lie on one straight edge",
        ),
        (
            both(ring(SQUARE), ring([(10, 10), (30, 30), (30, 10), (10, 30)], "11")),
            "inner cut-out is not a simple outline",
        ),
    ],
)
def test_an_outline_that_cannot_be_cut_is_refused_in_one_sentence(tmp_path: Path, draw: Draw, sentence: str) -> None:
    with pytest.raises(ConfigError, match=rf"p\.dxf, piece 'P' of size 'M': .*{sentence}"):
        read_pieces(write(tmp_path / "p.dxf", draw))


def test_a_file_without_pieces_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="holds no piece: no block has a boundary on layer 1"):
        read_pieces(write(tmp_path / "p.dxf", names=()))


def test_a_missing_file_and_a_folder_say_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no pattern file .*nothing\.dxf"):
        read_pieces(tmp_path / "nothing.dxf")
    with pytest.raises(ConfigError, match="it is a folder"):
        read_pieces(tmp_path)


@pytest.mark.parametrize(
    "junk", [b"", b"\x00\xff\x80junk", b"  0\nSECTION\n  2\nBLOCKS\n  0\nBLOCK\n", b"hello\nworld\n"]
)
def test_junk_is_a_sentence_not_a_traceback(tmp_path: Path, junk: bytes) -> None:
    (tmp_path / "p.dxf").write_bytes(junk)
    with pytest.raises(ConfigError, match=r"p\.dxf"):
        read_pieces(tmp_path / "p.dxf")


POCKET = (Path(__file__).resolve().parents[2] / "configs" / "patterns" / "shirt-pocket.dxf").read_bytes()


@settings(max_examples=60, deadline=None, derandomize=True)
@given(start=st.integers(0, len(POCKET)), length=st.integers(0, 400), filling=st.binary(max_size=40))
def test_a_damaged_file_gives_pieces_or_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, start: int, length: int, filling: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.dxf"
    path.write_bytes(POCKET[:start] + filling + POCKET[start + length :])
    try:
        pieces = read_pieces(path)
    except ConfigError:
        return
    assert all(Polygon(piece.outline).is_valid for piece in pieces.values())
