from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from stages.sdg.plan.types import Camera, SensorPlan
from stages.sdg.render.sensor import develop, encode_jpeg, motion_kernel
from tests.sdg.made_up import IDENTITY

CAMERA = Camera(160, 120, 110.0, IDENTITY)
PLAIN = SensorPlan()


def flat(level: float = 0.3, size: tuple[int, int] = (120, 160)) -> NDArray[np.float32]:
    return np.full((*size, 3), level, np.float32)


def chart() -> NDArray[np.float32]:
    """Patches over six stops, with a lamp."""
    patches = 0.02 * 2.0 ** np.random.default_rng(3).uniform(0, 6, (12, 16, 3))
    light = np.repeat(np.repeat(patches, 10, 0), 10, 1).astype(np.float32)
    light[10:20, 100:140] = 60.0
    return light


def grey(picture: NDArray[np.uint8]) -> NDArray[np.float64]:
    return picture.astype(float) @ [0.0722, 0.7152, 0.2126]


def flat_camera(size: tuple[int, int]) -> Camera:
    return replace(CAMERA, height=size[0], width=size[1])


@pytest.mark.parametrize("enabled", [True, False])
@pytest.mark.parametrize("level", [1e-4, 0.3, 900.0])
def test_exposure_brings_any_light_to_the_target(level: float, enabled: bool) -> None:
    picture = develop(flat(level), replace(PLAIN, target=0.4, enabled=enabled), CAMERA)
    assert (picture.shape, picture.dtype) == ((120, 160, 3), np.uint8)
    assert picture.mean() / 255 == pytest.approx(0.4, abs=0.01)


def test_exposure_meters_the_finished_picture_and_lets_lamps_clip() -> None:
    picture = develop(chart(), replace(PLAIN, target=0.42), CAMERA)
    assert (picture[12:18, 105:135] >= 254).all()
    assert grey(picture).mean() / 255 == pytest.approx(0.42, abs=0.06)


def test_exposure_errs_in_stops() -> None:
    means = [develop(chart(), replace(PLAIN, exposure=stops), CAMERA).mean() for stops in (-2, -1, 0, 1, 2)]
    assert (np.diff(means) > 5).all()


def test_colours_are_in_the_order_of_opencv_and_follow_the_white_balance() -> None:
    blue, green, red = develop(flat(), replace(PLAIN, white_balance=(1.3, 1.0, 0.7)), CAMERA).reshape(-1, 3).mean(0)
    assert blue < green - 10 < red - 20


def test_disabled_is_the_clean_render() -> None:
    spoilt = SensorPlan(
        white_balance=(1.5, 1, 0.5), vignette=0.8, motion_blur=(9, 1), defocus=3, noise=20, sharpen=2, contrast=2,
        enabled=False,
    )  # fmt: skip
    np.testing.assert_array_equal(develop(chart(), spoilt, CAMERA), develop(chart(), SensorPlan(enabled=False), CAMERA))
    # sRGB of twice the light at mid grey (IEC 61966-2-1): 0.2140 is 0.5 and 0.4280 is 0.6858
    ramp = np.repeat(flat(0.214), 1, 0)
    ramp[:, 80:] = 0.428
    shown = develop(ramp, SensorPlan(enabled=False, target=(0.5 + 0.6858) / 2), CAMERA)
    assert shown[60, 10] == pytest.approx([127.5] * 3, abs=1.5)
    assert shown[60, 150] == pytest.approx([174.9] * 3, abs=1.5)


@pytest.mark.parametrize("deviation", [1.0, 3.0, 8.0])
def test_noise_has_its_deviation_at_mid_grey(deviation: float) -> None:
    size = (400, 400)
    picture = develop(flat(0.3, size), replace(PLAIN, target=0.46, noise=deviation, seed=4), flat_camera(size))
    assert grey(picture).std() == pytest.approx(deviation, rel=0.06, abs=0.1)
    assert grey(picture).mean() == pytest.approx(0.46 * 255, abs=1)


def test_noise_is_of_the_seed_and_correlated_between_neighbours() -> None:
    noisy = replace(PLAIN, noise=6.0, seed=1)
    first, again = (develop(flat(), noisy, CAMERA) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert (develop(flat(), replace(noisy, seed=2), CAMERA) != first).any()
    noise = grey(first) - grey(first).mean()
    neighbours = (noise[:, 1:] * noise[:, :-1]).mean() / noise.var()
    assert 0.3 < neighbours < 0.8


def test_vignette_darkens_the_corners_by_its_share() -> None:
    light = flat(0.2)
    picture = develop(light, replace(PLAIN, vignette=0.5, target=0.3), CAMERA)
    middle, corner = grey(picture)[60, 80], grey(picture)[0, 0]

    def linear(shown: float) -> float:
        return float(((shown / 255 + 0.055) / 1.055) ** 2.4)

    assert linear(corner) / linear(middle) == pytest.approx(0.5, abs=0.03)


def sharpness(picture: NDArray[np.uint8]) -> float:
    return float(cv2.Laplacian(grey(picture).astype(np.float32), cv2.CV_32F).var())


def test_blur_softens_and_the_unsharp_mask_sharpens() -> None:
    clean = sharpness(develop(chart(), PLAIN, CAMERA))
    assert sharpness(develop(chart(), replace(PLAIN, defocus=1.2), CAMERA)) < 0.8 * clean
    assert sharpness(develop(chart(), replace(PLAIN, motion_blur=(7.0, 0.4)), CAMERA)) < 0.8 * clean
    assert sharpness(develop(chart(), replace(PLAIN, sharpen=0.8), CAMERA)) > 1.2 * clean


def test_without_a_mosaic_the_picture_is_bit_identical() -> None:
    from stages.sdg.render.sensor import _demosaicked

    shown = np.random.default_rng(1).uniform(0, 1, (12, 16, 3)).astype(np.float32)
    assert _demosaicked(shown, 0.0) is shown
    assert PLAIN.demosaic == 0
    half = (_demosaicked(shown, 1.0) + shown) / 2
    np.testing.assert_allclose(_demosaicked(shown, 0.5), half, atol=1e-4)


@pytest.mark.parametrize("size", [(120, 160), (121, 161)])
def test_a_mosaic_leaves_smooth_light_and_its_colour_alone(size: tuple[int, int]) -> None:
    ramp = flat(1.0, size) * np.linspace(0.05, 0.5, size[1], dtype=np.float32)[:, None] * (1.0, 0.6, 0.3)
    plain, through = (develop(ramp, replace(PLAIN, demosaic=s), flat_camera(size)).astype(int) for s in (0.0, 1.0))
    assert np.abs(plain - through)[2:-2, 2:-2].max() <= 1
    assert np.abs(plain - through).max() <= 4


def test_a_mosaic_gives_fine_stripes_false_colour() -> None:
    stripes = flat(0.05)
    stripes[:, ::2] = 0.5
    plain, through = (develop(stripes, replace(PLAIN, demosaic=s), CAMERA).astype(int) for s in (0.0, 1.0))
    assert np.ptp(plain, axis=2).max() <= 1
    assert np.ptp(through, axis=2).mean() > 20


def test_sharpening_leaves_halos_beside_edges_only() -> None:
    edge = flat(0.1)
    edge[:, 80:] = 0.3
    plain, sharp = (grey(develop(edge, replace(PLAIN, sharpen=s), CAMERA))[60] for s in (0, 1.0))
    assert sharp[79] < plain[79] - 3
    assert sharp[80] > plain[80] + 3
    np.testing.assert_array_equal(sharp[:70], plain[:70])


def test_motion_blurs_along_its_direction() -> None:
    edge = flat(0.1)
    edge[:, 80:] = 0.5
    across = grey(develop(edge, replace(PLAIN, motion_blur=(9.0, 0.0)), CAMERA))[60]
    along = grey(develop(edge, replace(PLAIN, motion_blur=(9.0, np.pi / 2)), CAMERA))[60]
    assert len(np.unique(along)) == 2
    assert len(np.unique(across)) > 7


@given(st.floats(0.01, 40), st.floats(-7, 7))
def test_motion_kernels_keep_light_and_its_place(length: float, direction: float) -> None:
    kernel = motion_kernel(length, direction)
    side = len(kernel)
    assert side % 2 == 1
    assert kernel.min() >= 0
    assert kernel.sum() == pytest.approx(1, abs=1e-5)
    offset = np.arange(side) - side // 2
    assert (kernel * offset).sum() == pytest.approx(0, abs=1e-4)
    assert (kernel * offset[:, None]).sum() == pytest.approx(0, abs=1e-4)
    spread = (kernel * (offset**2 + offset[:, None] ** 2)).sum()
    assert length**2 / 12 - 0.1 <= spread <= length**2 / 12 + 0.7 + 0.1 * length


def test_saturation_and_contrast() -> None:
    def colourful(**changes: float) -> float:
        picture = develop(chart(), replace(PLAIN, **changes), CAMERA).astype(float)
        return float((picture.max(2) - picture.min(2)).mean())

    assert colourful(saturation=0.0) < 1
    assert colourful(saturation=0.5) < colourful() < colourful(saturation=1.5)
    spread = [grey(develop(chart(), replace(PLAIN, contrast=c), CAMERA)).std() for c in (0.7, 1.0, 1.4)]
    assert spread == sorted(spread)


@settings(max_examples=25, deadline=None)
@given(st.floats(-3, 3), st.floats(0.5, 2), st.floats(0, 2), st.floats(0.5, 2))
def test_brighter_light_never_shows_darker(exposure: float, contrast: float, defocus: float, balance: float) -> None:
    ramp = np.broadcast_to(np.linspace(0, 2, 160, dtype=np.float32)[None, :, None], (120, 160, 3))
    sensor = SensorPlan(
        exposure=exposure, contrast=contrast, defocus=defocus, white_balance=(balance, 1.0, 1 / balance)
    )
    shown = develop(ramp, sensor, CAMERA)[60].astype(int)
    assert (np.diff(shown, axis=0) >= 0).all()


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf, -1.0])
def test_light_that_is_no_light_does_no_harm(value: float) -> None:
    light = flat(value)
    picture = develop(light, replace(PLAIN, noise=2.0, sharpen=1.0, defocus=1.0), CAMERA)
    assert picture.shape == (120, 160, 3)
    light = chart()
    light[30:40, 30:40] = value
    usual = develop(chart(), PLAIN, CAMERA)
    assert np.abs(develop(light, PLAIN, CAMERA).astype(int) - usual)[60:].mean() < 30


def test_jpeg_is_read_back_and_its_quality_counts() -> None:
    picture = develop(chart(), PLAIN, CAMERA)
    sizes, errors = [], []
    for quality in (40, 75, 95):
        data = encode_jpeg(picture, quality)
        back = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        assert back.shape == picture.shape
        sizes.append(len(data))
        errors.append(np.abs(back.astype(int) - picture).mean())
    assert sizes == sorted(sizes)
    assert errors == sorted(errors, reverse=True)
    assert encode_jpeg(picture, 90) == encode_jpeg(picture, 90)


def test_jpeg_colour_may_be_kept_whole() -> None:
    picture = develop(chart(), PLAIN, CAMERA)
    lengths = [len(encode_jpeg(picture, 90, subsampling)) for subsampling in ("420", "422", "444")]
    assert lengths == sorted(lengths)
    assert lengths[0] < lengths[2]
