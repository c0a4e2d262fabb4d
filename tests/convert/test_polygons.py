import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from stages.convert.formats.polygons import polygons_of
from stages.convert.formats.yolo_segment import joined
from tests.convert.frames import ellipse


def extent(polygons):
    corners = np.concatenate(polygons)
    return (*corners.min(0), *corners.max(0))


def drawn(polygons, shape):
    """Pixels whose centres lie in the polygons, by OpenCV's point test."""
    y, x = np.indices(shape) + 0.5
    inside = np.zeros(shape, bool)
    for polygon in polygons:
        for row, column in np.ndindex(shape):
            point = (float(x[row, column]), float(y[row, column]))
            inside[row, column] |= cv2.pointPolygonTest(polygon.astype(np.float32), point, False) > 0
    return inside


@given(arrays(bool, (9, 12)))
def test_polygons_reach_as_far_as_the_mask_and_hold_all_of_it(mask):
    polygons = polygons_of(mask)
    if not mask.any():
        assert polygons == []
        return
    rows, columns = np.nonzero(mask)
    assert extent(polygons) == (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    assert all(len(polygon) >= 3 for polygon in polygons)
    areas = [cv2.contourArea(polygon.astype(np.float32)) for polygon in polygons]
    assert min(areas) > 0


@given(st.tuples(st.integers(0, 40), st.integers(0, 20), st.integers(46, 96), st.integers(26, 64)))
def test_a_whole_object_is_drawn_back_to_its_pixels(box):
    mask = ellipse(box)
    (polygon,) = polygons_of(mask)
    wrong = (drawn([polygon], mask.shape) != mask).sum()
    assert wrong <= 0.06 * mask.sum()  # diagonal steps are cut


@pytest.mark.parametrize(
    ("pieces", "count"),
    [
        ([(2, 2, 20, 20)], 1),
        ([(2, 2, 20, 20), (30, 5, 50, 25)], 2),
        ([(2, 2, 20, 20), (30, 5, 50, 25), (60, 30, 61, 31)], 3),  # down to a single pixel
    ],
)
def test_pieces_are_one_polygon_with_lines_of_no_width_between_them(pieces, count):
    mask = np.zeros((64, 96), bool)
    for left, top, right, bottom in pieces:
        mask[top:bottom, left:right] = True
    polygons = polygons_of(mask)
    assert len(polygons) == count
    one = joined(polygons)
    assert extent([one]) == extent(polygons)
    filled = np.zeros(mask.shape, np.uint8)
    cv2.fillPoly(filled, [np.rint(one * 16).astype(np.int32)], 1, shift=4)
    assert mask[filled == 0].sum() == 0
    # OpenCV draws the borders and the joining lines as well
    grown = cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8))
    assert filled[grown == 0].sum() <= 2 * (96 + 64)


def test_holes_are_filled():
    mask = np.ones((20, 20), bool)
    mask[5:15, 5:15] = False
    (polygon,) = polygons_of(mask)
    assert sorted(map(tuple, polygon)) == [(0, 0), (0, 20), (20, 0), (20, 20)]
