"""Histograms, and how far two of them are apart."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.deploy.drift.compare import compare, measure_drift, worst
from stages.deploy.drift.measures import EDGES, Histograms, pixel_measures

COUNTS = st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 1000), min_size=2)


def answer(*boxes: tuple[float, float, float, float, float], width: int = 100, height: int = 100) -> dict[str, object]:
    found = [{"category_name": "pallet", "bbox": list(box[:4]), "score": box[4]} for box in boxes]
    return {"width": width, "height": height, "detections": found, "model": "x"}


def test_an_answer_is_counted_in_its_bins() -> None:
    seen = Histograms(["pallet"], 0.25)
    seen.add_answer(answer((0, 0, 20, 20, 0.55), (0, 0, 10, 40, 0.95), (0, 0, 10, 10, 0.2)))
    filled = {measure: {key: n for key, n in bins.items() if n} for measure, bins in seen.counts.items()}
    assert filled["objects"] == {"2-3": 1}
    assert filled["score"] == {"0.5-0.6": 1, ">=0.9": 1}
    assert filled["box_size"] == {"0.16-0.32": 2}
    assert filled["box_shape"] == {"1-2": 1, "0.25-0.5": 1}
    assert filled["box_height_pixels"] == {"16-32": 1, "32-64": 1}
    assert filled["category"] == {"pallet": 2}
    assert seen.answers == 1


@pytest.mark.parametrize("wrong", [{}, {"width": 1, "height": 1}, answer((0, 0, 1, 1, 0.9)) | {"width": "x"}])
def test_what_is_no_answer(wrong: dict[str, object]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        Histograms(["pallet"], 0.25).add_answer(wrong)


def test_a_foreign_category_counts_nothing() -> None:
    seen = Histograms(["forklift"], 0.25)
    with pytest.raises(ValueError, match="category"):
        seen.add_answer(answer((0, 0, 20, 20, 0.55)))
    assert not any(sum(bins.values()) for bins in seen.counts.values())


def test_pixels() -> None:
    grey = np.full((100, 200, 3), 128, np.uint8)
    assert pixel_measures(grey) == pytest.approx((128, 0, 0, 0))
    noise = np.random.default_rng(0).integers(0, 256, (240, 320, 3), np.uint8)
    brightness, contrast, saturation, sharpness = pixel_measures(noise)
    assert 120 < brightness < 136
    assert contrast > 30
    assert saturation > 100
    assert sharpness > 3.5


def test_sharpness_does_not_follow_the_camera() -> None:
    """The same picture in four times as many pixels is as sharp."""
    small = np.kron(np.random.default_rng(1).integers(0, 256, (24, 32), np.uint8), np.ones((10, 10), np.uint8))
    large = np.kron(small, np.ones((2, 2), np.uint8))
    measured = [pixel_measures(np.repeat(picture[..., None], 3, 2))[3] for picture in (small, large)]
    assert measured[0] == pytest.approx(measured[1], abs=0.05)


@given(COUNTS, st.integers(1, 500), st.integers(1, 500))
def test_the_index_is_symmetric_and_not_negative(counts: dict[str, int], n: int, m: int) -> None:
    moved = dict(zip(counts, reversed(counts.values()), strict=True))
    one, other = measure_drift("x", counts, moved, n, m), measure_drift("x", moved, counts, n, m)
    assert one.index == pytest.approx(other.index)
    assert one.index >= 0
    assert 0 <= one.chance <= 1
    assert measure_drift("x", counts, counts, n, m).index == pytest.approx(0)


def test_the_index_is_the_published_one() -> None:
    """Against the formula, term by term, where half an observation a bin does not matter."""
    expected, found = {"a": 500_000, "b": 300_000, "c": 200_000}, {"a": 300_000, "b": 300_000, "c": 400_000}
    by_hand = (0.3 - 0.5) * np.log(0.3 / 0.5) + (0.4 - 0.2) * np.log(0.4 / 0.2)
    assert measure_drift("x", expected, found, 10, 10).index == pytest.approx(by_hand, rel=1e-4)


def test_chance_is_called_chance() -> None:
    """Draws from one distribution are called a drift about as rarely as the limit says."""
    rng = np.random.default_rng(0)
    shares, names = [0.1, 0.2, 0.3, 0.25, 0.15], "abcde"
    false = 0
    for _ in range(1000):
        draws = [dict(zip(names, rng.multinomial(200, shares).tolist(), strict=True)) for _ in range(2)]
        false += measure_drift("x", *draws, 200, 200).sure
    assert false <= 25  # 1 % of 1000, and what chance may add


def test_a_shift_is_found() -> None:
    """Darker pictures and smaller boxes than the reference's, and nothing else."""
    rng = np.random.default_rng(0)

    def histograms(bright: int, side: float) -> dict[str, object]:
        seen = Histograms(["pallet"], 0.25)
        for _ in range(200):
            size = side * rng.uniform(0.8, 1.2)
            seen.add_answer(answer((0, 0, size, size, float(rng.uniform(0.3, 1)))))
            seen.add_picture(np.full((32, 32, 3), bright + int(rng.integers(0, 30)), np.uint8))
        return seen.as_json()

    drifts = {drift.measure: drift for drift in compare(histograms(120, 30), histograms(40, 12))}
    sure = {name for name, drift in drifts.items() if drift.sure}
    assert sure == {"brightness", "box_size", "box_height_pixels"}
    assert "32-64" in drifts["brightness"].moved or "128" in drifts["brightness"].moved
    assert worst(list(drifts.values())) > 1
    same = compare(histograms(120, 30), histograms(120, 30))
    assert worst(same) == 0
    assert {drift.measure for drift in same} <= {*EDGES, "category"}
