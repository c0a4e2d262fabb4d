"""Objects cut out of photographs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from stages.common.errors import InputError
from stages.sdg.reconstruct.mask import checked_box, cut_out, read_photo

TRUTH = np.zeros((360, 480), bool)
TRUTH[80:300, 150:210] = TRUTH[240:300, 150:360] = True
"""An L, as a pallet truck from its side."""


def photo(path: Path, **options: object) -> Path:
    """A red L before a grey wall with stains, with a camera's noise."""
    rng = np.random.default_rng(0)
    wall = np.kron(rng.normal(size=(9, 12)), np.ones((40, 40)))[..., None] * 12 + [120, 118, 110]
    picture = np.where(TRUTH[..., None], [190, 45, 30], wall) + rng.normal(size=(360, 480, 3)) * 8
    Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8)).save(path, **options)
    return path


def test_grabcut_finds_the_object_in_a_box(tmp_path: Path) -> None:
    found = cut_out(photo(tmp_path / "a.png"), (130, 60, 380, 320), None, None)
    assert (found.mask & TRUTH).sum() / (found.mask | TRUTH).sum() > 0.95
    assert found.how == "by GrabCut in the box"
    again = cut_out(tmp_path / "a.png", (130, 60, 380, 320), None, None)
    np.testing.assert_array_equal(found.mask, again.mask)


def test_a_box_around_the_whole_picture_still_finds_it(tmp_path: Path) -> None:
    found = cut_out(photo(tmp_path / "a.png"), (0, 0, 480, 360), None, None)
    assert (found.mask & TRUTH).sum() / (found.mask | TRUTH).sum() > 0.9


@pytest.mark.parametrize("mode", ["L", "RGBA", "1"])
def test_masks_of_every_kind_are_read(tmp_path: Path, mode: str) -> None:
    grey = Image.fromarray(TRUTH.astype(np.uint8) * 255)
    if mode == "RGBA":
        colour = Image.new("RGB", grey.size, (9, 9, 9))
        colour.putalpha(grey)
        colour.save(tmp_path / "m.png")
    else:
        grey.convert(mode).save(tmp_path / "m.png")
    found = cut_out(photo(tmp_path / "a.png"), None, tmp_path / "m.png", None)
    np.testing.assert_array_equal(found.mask, TRUTH)
    assert found.how == "from m.png"


def test_a_photograph_is_turned_as_its_camera_says(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    path = photo(tmp_path / "a.jpg", exif=exif)
    assert read_photo(path).shape == (480, 360, 3)


def test_a_phones_heic_is_read() -> None:
    """``phone.heic`` is grey with a red upright bar, 8 pixels wide and 30 high."""
    picture = read_photo(Path(__file__).with_name("phone.heic"))
    assert picture.shape == (48, 64, 3)
    rows, columns = np.nonzero(picture[..., 0].astype(int) - picture[..., 1] > 60)
    assert abs(np.ptp(rows) - 29) <= 2
    assert abs(np.ptp(columns) - 7) <= 2


def plain(path: Path, size: tuple[int, int] = (480, 360)) -> Path:
    Image.new("L", size, 0).save(path)
    return path


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda p: (p / "nowhere.jpg", (0, 0, 50, 50), None, None), "is not there"),
        (lambda p: (photo(p / "a.png"), None, None, None), "give --box x1,y1,x2,y2 or --mask FILE"),
        (lambda p: (photo(p / "a.png"), (500, 10, 900, 200), None, None), "which is 480 x 360 pixels"),
        (lambda p: (photo(p / "a.png"), (10, 10, 14, 200), None, None), "leaves no object"),
        (lambda p: (photo(p / "a.png"), None, plain(p / "m.png", (99, 99)), None), "99 x 99 pixels and the photograph"),
        (lambda p: (photo(p / "a.png"), None, plain(p / "m.png"), None), "marks 0 pixels"),
        (lambda p: (photo(p / "a.png"), None, p / "nowhere.png", None), "is no readable mask"),
        (lambda p: (plain(p / "a.png", (9000, 20)), (0, 0, 50, 50), None, None), "scale it to 8192"),
        (lambda p: (plain(p / "a.png", (9, 9)), (0, 0, 9, 9), None, None), "too few"),
        (lambda p: (photo(p / "a.png"), (130, 60, 380, 320), None, p / "sam.pt"), "give --sam the weights"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_told(tmp_path: Path, make: object, words: str) -> None:
    with pytest.raises(InputError, match=words):
        cut_out(*make(tmp_path))  # type: ignore[operator]


def test_a_picture_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_text("no picture")
    with pytest.raises(InputError, match="is no readable picture"):
        cut_out(tmp_path / "a.jpg", (0, 0, 50, 50), None, None)


def test_a_picture_that_is_none_is_told_beside_ultralytics(tmp_path: Path) -> None:
    """Ultralytics puts an ``open()`` of its own into Pillow, which installs a package for files it cannot read."""
    import ultralytics.utils.patches

    assert Image.open is ultralytics.utils.patches.image_open
    test_a_picture_that_is_none_is_told(tmp_path)


def test_sam_is_called_as_ultralytics_has_it(tmp_path: Path) -> None:
    """With weights drawn at random: a mask of the right size, or no object, but no error of another kind."""
    import torch
    from ultralytics.models.sam import build

    torch.manual_seed(0)
    weights = tmp_path / "mobile_sam.pt"
    torch.save(build.build_mobile_sam().state_dict(), weights)
    try:
        found = cut_out(photo(tmp_path / "a.png"), (130, 60, 380, 320), None, weights)
    except InputError as error:
        assert "no object stands out" in str(error)  # noqa: PT017 - either is right
    else:
        assert found.mask.shape == TRUTH.shape
        assert found.how == "by mobile_sam.pt in the box"


def test_weights_of_something_else_are_told(tmp_path: Path) -> None:
    (tmp_path / "sam_b.pt").write_bytes(b"no weights")
    with pytest.raises(InputError, match="does not work as a SAM model"):
        cut_out(photo(tmp_path / "a.png"), (130, 60, 380, 320), None, tmp_path / "sam_b.pt")


@given(st.tuples(*[st.floats(-1e4, 1e4)] * 4))
def test_a_box_is_inside_the_picture_or_refused(box: tuple[float, float, float, float]) -> None:
    image = np.zeros((100, 200, 3), np.uint8)
    try:
        x1, y1, x2, y2 = checked_box(box, image, Path("a.jpg"))
    except InputError:
        return
    assert 0 <= x1 < x2 <= 200
    assert 0 <= y1 < y2 <= 100
