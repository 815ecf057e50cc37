"""What the picture does not show for sure is refused in one sentence."""

from dataclasses import replace

import numpy as np
import pytest

from sewcell.errors import VisionError
from sewcell.geometry.planar import PlanarPose
from sewcell.image import Image
from sewcell.vision.background import make_background
from sewcell.vision.located import require_one
from sewcell.vision.piece_pose import locate

HERE = PlanarPose(0.30, 0.30, 0.7)
ZONE = np.array([[0.15, 0.1], [0.5, 0.1], [0.5, 0.4], [0.15, 0.4]])


def flat(level, shape=(1200, 1600, 3)):
    return Image(np.full(shape, level, np.uint8), "overhead", 0.0)


def seek(bench, empty, pocket, image, **options):
    return locate(image, empty, bench.camera, [pocket], thickness=0.0003, **options)


@pytest.mark.parametrize(("level", "words"), [(0, "dark"), (128, "blank"), (255, "overexposed")])
def test_a_picture_without_content_is_refused(bench, empty, pocket, level, words):
    with pytest.raises(VisionError, match=words):
        seek(bench, empty, pocket, flat(level))


def test_a_noisy_grey_picture_of_a_table_with_grain_is_blank(bench, empty, pocket):
    noise = np.random.default_rng(1).normal(150, 2, (1200, 1600, 3)).round().astype(np.uint8)
    with pytest.raises(VisionError, match="blank"):
        seek(bench, empty, pocket, Image(noise, "overhead", 0.0))


def test_a_picture_of_another_size_than_the_camera_file_is_refused_with_both_sizes(bench, empty, pocket):
    with pytest.raises(VisionError, match=r"1280 x 960.*1600 x 1200"):
        seek(bench, empty, pocket, flat(120, (960, 1280, 3)))
    with pytest.raises(VisionError, match="differ in size"):
        make_background([flat(120), flat(120, (960, 1280, 3))])


def test_a_picture_in_another_light_asks_for_a_new_background(bench, empty, pocket):
    half = bench.picture([(pocket.outline, HERE)], 1).pixels // 2
    with pytest.raises(VisionError, match="light has changed"):
        seek(bench, empty, pocket, Image(half, "overhead", 0.0))


def test_a_camera_that_was_pushed_asks_for_a_new_background(bench, empty, pocket):
    pushed = np.roll(bench.picture([], 1).pixels, 25, axis=0)
    with pytest.raises(VisionError, match="nearly everywhere"):
        seek(bench, empty, pocket, Image(pushed, "overhead", 0.0))


def test_no_background_is_refused():
    with pytest.raises(VisionError, match="take at least one"):
        make_background([])


def test_an_empty_table_holds_nothing(bench, empty, pocket):
    result = seek(bench, empty, pocket, bench.picture([], 5))
    assert result.pieces == ()
    assert result.unknown == ()
    with pytest.raises(VisionError, match="nothing lies in the zone"):
        require_one(result, "POCKET", 0.0005, 0.6)


def test_a_piece_outside_the_zone_is_only_counted(bench, empty, pocket):
    far = bench.picture([(pocket.outline, PlanarPose(0.09, 0.4, 0.0))], 5)
    result = seek(bench, empty, pocket, far, zone=ZONE)
    assert (result.pieces, result.unknown, result.outside) == ((), (), 1)
    with pytest.raises(VisionError, match=r"1 object\(s\) lie outside"):
        require_one(result, "POCKET", 0.0005, 0.6)


def test_a_piece_cut_by_the_border_is_flagged_and_not_used(bench, empty, pocket):
    result = seek(bench, empty, pocket, bench.picture([(pocket.outline, PlanarPose(0.03, 0.3, 0.4))], 5))
    assert all("out of view" in piece.flags for piece in result.pieces)
    with pytest.raises(VisionError, match="cut by the border"):
        require_one(result, "POCKET", 0.0005, 0.6)


@pytest.mark.parametrize(
    "other",
    [
        [[-60, 0], [-60, -130], [60, -130], [60, 0]],
        [[-40, 0], [-40, -80], [40, -80], [40, 0]],
        [[-60, 0], [-60, -112], [0, -150], [60, -112], [60, 0]],
        [[-62, 0], [-53, -12], [-62, -122], [8, -143], [62, -114], [62, 0]],
    ],
    ids=["rectangle of its size", "smaller rectangle", "pentagon of its size", "next size, 2 mm larger"],
)
def test_another_piece_is_not_taken_for_ours(bench, empty, pocket, other):
    picture = bench.picture([(np.array(other, dtype=float) * 1e-3, HERE)], 5)
    with pytest.raises(VisionError, match="no piece 'POCKET' found: the object at"):
        require_one(seek(bench, empty, pocket, picture), "POCKET", 0.0005, 0.6)


def test_a_piece_with_a_corner_folded_over_is_not_used(bench, empty, pocket):
    x, y = pocket.outline[3] * 1e3
    folded = np.insert(pocket.outline, 3, np.array([[x - 30, y + 9]]) * 1e-3, axis=0)
    folded[4] = np.array([x + 26, y + 14]) * 1e-3
    result = seek(bench, empty, pocket, bench.picture([(folded, HERE)], 5))
    with pytest.raises(VisionError):
        require_one(result, "POCKET", 0.0005, 0.9)
    assert all("folded" in piece.flags for piece in result.pieces)


def test_a_hard_shadow_is_not_taken_for_a_piece(bench, empty, pocket):
    pixels = bench.picture([], 5).pixels.copy()
    pixels[400:800, 500:900] = (pixels[400:800, 500:900] * 0.6).astype(np.uint8)
    assert seek(bench, empty, pocket, Image(pixels, "overhead", 0.0)).pieces == ()


def test_a_symmetric_piece_is_ambiguous_until_only_one_face_may_be_up(bench, empty, symmetric_pocket):
    picture = bench.picture([(symmetric_pocket.outline, HERE)], 5)
    both = seek(bench, empty, symmetric_pocket, picture)
    with pytest.raises(VisionError, match="POCKET face"):
        require_one(both, "POCKET", 0.0005, 0.6)
    up = require_one(seek(bench, empty, symmetric_pocket, picture, faces=("up",)), "POCKET", 0.0005, 0.6)
    assert not up.pose.mirrored


def test_a_rectangle_is_ambiguous_with_its_half_turn(bench, empty, pocket):
    rectangle = replace(pocket, outline=np.array([[-0.06, 0.0], [-0.06, -0.1], [0.06, -0.1], [0.06, 0.0]]))
    result = seek(bench, empty, rectangle, bench.picture([(rectangle.outline, HERE)], 5), faces=("up",))
    assert result.pieces[0].ambiguous_with == ("POCKET turned by 180 deg",)


def test_two_of_the_same_piece_are_refused(bench, empty, pocket):
    placed = [(pocket.outline, PlanarPose(0.2, 0.3, 0.1)), (pocket.outline, PlanarPose(0.45, 0.3, 2.0))]
    result = seek(bench, empty, pocket, bench.picture(placed, 5))
    assert len(result.pieces) == 2
    with pytest.raises(VisionError, match="2 pieces 'POCKET'"):
        require_one(result, "POCKET", 0.0005, 0.6)


def test_limits_of_residual_and_confidence_are_kept(bench, empty, pocket):
    result = seek(bench, empty, pocket, bench.picture([(pocket.outline, HERE)], 5))
    assert require_one(result, "POCKET", 0.0005, 0.6) is result.pieces[0]
    with pytest.raises(VisionError, match="mm rms off its outline"):
        require_one(result, "POCKET", 0.00001, 0.6)
    with pytest.raises(VisionError, match="confidence of only"):
        require_one(result, "POCKET", 0.0005, 0.999)
    with pytest.raises(VisionError, match="only 'POCKET' in the zone"):
        require_one(result, "COLLAR", 0.0005, 0.6)


def test_a_request_without_pieces_or_faces_is_refused(bench, empty, pocket):
    picture = bench.picture([], 5)
    with pytest.raises(VisionError, match="no piece was given"):
        locate(picture, empty, bench.camera, [])
    with pytest.raises(VisionError, match="faces"):
        seek(bench, empty, pocket, picture, faces=("sideways",))
