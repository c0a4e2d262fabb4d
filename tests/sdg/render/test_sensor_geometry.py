from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from stages.sdg.plan.types import Camera
from stages.sdg.render.camera import distort, overscan, to_normalised, to_pixels
from stages.sdg.render.passes import Amodal, Passes
from stages.sdg.render.sensor_geometry import distort_passes
from tests.sdg.made_up import IDENTITY

BARREL = Camera(160, 120, 110.0, IDENTITY, (-0.2, 0.0))


def canvas_passes(camera: Camera) -> Passes:
    """Passes whose every value says where on the canvas it is."""
    canvas = overscan(camera)
    rows, columns = np.mgrid[0 : canvas.height, 0 : canvas.width]
    linear = np.stack([columns + 0.5, rows + 0.5, np.ones_like(rows)], -1).astype(np.float32)
    return Passes(
        linear, (columns + 1).astype(np.uint16), rows.astype(np.float32), {1: Amodal(1, 1, (0, 0, 1, 1))}, linear.copy()
    )


def test_every_pass_has_the_geometry_of_the_lens() -> None:
    canvas, passes = overscan(BARREL), distort_passes(canvas_passes(BARREL), BARREL)
    assert passes.linear.shape == passes.normals.shape == (120, 160, 3)
    assert (passes.linear.dtype, passes.instance.dtype, passes.depth.dtype) == (np.float32, np.uint16, np.float32)
    shown = to_normalised(canvas, passes.linear[..., :2])
    back = to_pixels(BARREL, distort(shown, BARREL.distortion))
    expected = np.stack(np.meshgrid(np.arange(160) + 0.5, np.arange(120) + 0.5), -1)
    np.testing.assert_allclose(back, expected, atol=0.05)
    # ids, depth and normals come from the nearest canvas pixel, unmixed
    np.testing.assert_allclose(passes.instance - 0.5, passes.linear[..., 0], atol=0.55)
    np.testing.assert_allclose(passes.depth + 0.5, passes.linear[..., 1], atol=0.55)
    np.testing.assert_array_equal(passes.normals[..., 0], passes.instance - 0.5)
    assert passes.amodal == {1: Amodal(1, 1, (0, 0, 1, 1))}


def test_without_distortion_passes_stay_as_they_are() -> None:
    pinhole = replace(BARREL, distortion=(0.0, 0.0))
    passes = canvas_passes(pinhole)
    assert distort_passes(passes, pinhole) is passes
    # a camera that is equal, but not the same object, as one seen before
    assert distort_passes(passes, replace(pinhole)) is passes


def test_passes_of_another_size_are_a_bug() -> None:
    with pytest.raises(ValueError, match=r"\(120, 160\), not of the canvas"):
        distort_passes(canvas_passes(replace(BARREL, distortion=(0.0, 0.0))), BARREL)
