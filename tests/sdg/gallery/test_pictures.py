from __future__ import annotations

import re

import cv2
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from stages.common.errors import InputError
from stages.sdg.gallery.pictures import depth_view, fitting_jpeg, outlines
from stages.sdg.label.types import FrameLabel, InstanceLabel
from stages.sdg.shards.members import encode_png


def jpeg(picture: NDArray[np.uint8]) -> bytes:
    return cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()


def labels(ids: NDArray[np.uint16]) -> FrameLabel:
    """Labels of all ids in a mask."""
    instances = []
    for number in np.unique(ids[ids > 0]).tolist():
        rows, columns = np.nonzero(ids == number)
        box = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        instances.append(InstanceLabel(number, "pallet", "pallet", 0, box, box, len(rows), 0.0, 0.0, 1.0))
    return FrameLabel(0, "train", "aisle", ids.shape[1], ids.shape[0], tuple(instances), {})


def filled(path: str, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Pixels inside of an outline or on it."""
    rings = []
    for ring in re.findall(r"M([^Mz]+)z", path):
        steps = [[int(number) for number in step.split()] for step in ring.split("l")]
        rings.append(np.cumsum(steps, axis=0).astype(np.int32))
    canvas = np.zeros(shape, np.uint8)
    cv2.fillPoly(canvas, rings, 1)
    cv2.polylines(canvas, rings, True, 1)
    return canvas.astype(bool)


def test_small_pictures_are_left_alone() -> None:
    data = jpeg(np.full((48, 64, 3), 90, np.uint8))
    assert fitting_jpeg(data, "it") is data


@pytest.mark.parametrize("limit", [40_000, 8_000])
def test_large_pictures_shrink_to_the_limit_in_their_proportions(limit: int) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (300, 400, 3), np.uint8)
    small = fitting_jpeg(jpeg(noise), "it", limit)
    assert len(small) <= limit
    height, width = cv2.imdecode(np.frombuffer(small, np.uint8), cv2.IMREAD_COLOR).shape[:2]
    assert width / height == pytest.approx(4 / 3, rel=0.02)


def test_what_is_no_picture_is_named() -> None:
    with pytest.raises(InputError, match="the picture of frame 3 is no picture; make the frames again"):
        fitting_jpeg(b"x" * 10, "the picture of frame 3", 5)
    with pytest.raises(InputError, match="the depth of frame 3"):
        depth_view(b"", "the depth of frame 3")


def test_near_is_red_far_is_blue_and_nothing_is_black() -> None:
    depth = np.zeros((64, 96), np.uint16)
    depth[:, 32:64], depth[:, 64:] = 1_000, 20_000
    view = depth_view(encode_png(depth), "it")
    assert (view.near, view.far) == pytest.approx((1.0, 20.0))
    blue, green, red = cv2.imdecode(np.frombuffer(view.jpeg, np.uint8), cv2.IMREAD_COLOR)[32].astype(int).T
    assert max(blue[8], green[8], red[8]) < 40
    assert red[48] > blue[48] + 60
    assert blue[88] > green[88] + 20


@pytest.mark.parametrize("level", [0, 5_000])
def test_depth_without_any_range_is_a_picture_too(level: int) -> None:
    view = depth_view(encode_png(np.full((9, 9), level, np.uint16)), "it")
    assert cv2.imdecode(np.frombuffer(view.jpeg, np.uint8), cv2.IMREAD_COLOR).shape == (9, 9, 3)
    assert np.isfinite([view.near, view.far]).all()


def test_an_outline_keeps_parts_and_holes() -> None:
    ids = np.zeros((60, 80), np.uint16)
    ids[5:40, 5:40] = 7
    ids[15:30, 15:30] = 2
    ids[50:55, 60:70] = 7
    found = outlines(ids, labels(ids))
    assert found.keys() == {2, 7}
    assert found[7].count("M") == 3
    holes = filled(found[7], ids.shape)
    assert holes[7, 7]
    assert not holes[22, 22]
    assert holes[52, 65]


@example(387)
@given(st.integers(0, 10_000))
def test_outlines_cover_their_masks(seed: int) -> None:
    rng = np.random.default_rng(seed)
    ids = np.zeros((60, 80), np.uint16)
    for number in range(1, 4):
        centre, axes = rng.integers(5, 55, 2).tolist(), rng.integers(3, 25, 2).tolist()
        blob = np.zeros(ids.shape, np.uint8)
        cv2.ellipse(blob, centre, axes, float(rng.uniform(0, 180)), 0, 360, 1, cv2.FILLED)
        ids[blob > 0] = number
    for number, path in outlines(ids, labels(ids)).items():
        mask, drawn = ids == number, filled(path, ids.shape)
        # all but pixels at the edge are the same
        grown = cv2.dilate(mask.astype(np.uint8), np.ones((3, 3))) > 0
        shrunk = cv2.erode(mask.astype(np.uint8), np.ones((3, 3))) > 0
        assert not (drawn & ~grown).any()
        assert not (shrunk & ~drawn).any()


def test_one_pixel_has_an_outline() -> None:
    ids = np.zeros((9, 9), np.uint16)
    ids[4, 6] = 1
    assert outlines(ids, labels(ids)) == {1: "M6 4z"}
