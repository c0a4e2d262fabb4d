from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from stages.common.detection import Detector
from stages.evaluate.appearance import appearance_gap, looks, noise_spectrum, scalars
from stages.evaluate.cache import Cache
from stages.evaluate.content import content, content_gap
from stages.evaluate.features import KERNEL, backbone_output, feature_gap, kernel, mmd
from stages.evaluate.inference import Model
from tests.evaluate.results import result
from tests.tiny_models import write_constant_model

SIZE = (200, 200)


def pictures(*boxes, path=Path("nowhere.jpg")):
    """One picture of 100x100 for each list of boxes of class 0."""
    return [result([], [(*box, 0, 0) for box in there], path=path).picture for there in boxes]


def test_content_is_measured_as_the_network_sees_it():
    values = content(pictures([(0, 0, 10, 20), (5, 0, 15, 20)], []), [0], SIZE)
    assert values["box_height"].tolist() == [40, 40], "pictures of 100 are shown at 200"
    assert values["aspect_ratio"].tolist() == [0.5, 0.5]
    assert values["position_x"].tolist() == [0.05, 0.1]
    assert values["position_y"].tolist() == [0.1, 0.1]
    assert values["count"].tolist() == [2, 0]
    assert values["overlap"] == pytest.approx([1 / 3, 1 / 3])


def test_ignore_regions_and_other_classes_are_no_content():
    picture = result([], [(0, 0, 10, 20, 0, 1), (0, 0, 10, 20, 1, 0)]).picture
    assert content([picture], [0], SIZE)["count"].tolist() == [0]


def test_the_same_content_has_no_distance_and_other_content_has():
    near, far = pictures(*[[(0, 0, 40, 80)]] * 4), pictures(*[[(60, 60, 65, 70)]] * 4)
    same = {item.measure: item for item in content_gap(near, near, [0], SIZE)}
    assert all(item.wasserstein == item.total_variation == 0 for item in same.values())
    other = {item.measure: item for item in content_gap(near, far, [0], SIZE)}
    heights = other["box_height"]
    assert heights.wasserstein == pytest.approx(160 - 20)
    assert heights.total_variation == 1
    assert sum(heights.sim) == sum(heights.real) == pytest.approx(1)
    assert heights.labels[:2] == ["0 to 20", "20 to 40"]
    assert heights.real[1] == 1
    assert other["count"].labels == ["0", "1", "2", "3", "4 to 5", "6 to 7", "8 to 11", "12 and more"]


def test_nothing_to_compare():
    assert [item.measure for item in content_gap(pictures([]), pictures([(0, 0, 9, 9)]), [0], SIZE)] == ["count"]


def grey(level, noise=0.0, size=(128, 160), seed=0):
    pixels = level + np.random.default_rng(seed).normal(0, noise, (*size, 1))
    return np.clip(np.repeat(pixels, 3, axis=2), 0, 255).round().astype(np.uint8)


def test_scalars_know_light_noise_colour_and_sharpness():
    plain = scalars(grey(128))
    assert plain["luminance"] == pytest.approx(128 / 255, abs=1e-3)
    assert (plain["contrast"], plain["noise"]) == pytest.approx((0, 0), abs=1e-3)
    assert abs(plain["saturation"]) < 0.1
    noisy = scalars(grey(128, noise=6.0))
    assert noisy["noise"] == pytest.approx(6, rel=0.05)
    assert noisy["sharpness"] > scalars(cv2.GaussianBlur(grey(128, noise=6.0), (0, 0), 2))["sharpness"] + 1
    warm = grey(128)
    warm[..., 0] -= 60  # less blue
    assert scalars(warm)["blue_yellow"] > 10


def test_white_noise_has_a_flat_spectrum_of_its_own_power():
    spectrum = noise_spectrum(grey(128, noise=4.0, size=(512, 512)))
    assert spectrum == pytest.approx(np.full(16, 10 * np.log10(16)), abs=1.5)
    blurred = noise_spectrum(cv2.GaussianBlur(grey(128, noise=4.0, size=(512, 512)), (0, 0), 1.5))
    assert blurred[-1] < blurred[0] - 10


def on_disk(folder, *arrays):
    made = []
    for number, pixels in enumerate(arrays):
        path = folder / f"{number}-{pixels.mean():.0f}.png"
        cv2.imwrite(str(path), pixels)
        picture = replace(pictures([], path=path)[0], width=pixels.shape[1], height=pixels.shape[0])
        made.append(picture)
    return made


def test_the_gap_of_two_domains(tmp_path):
    sim = looks(on_disk(tmp_path, *(grey(100, 1, seed=seed) for seed in range(4))), SIZE, Cache(None))
    real = looks(on_disk(tmp_path, *(grey(150 + 4 * seed, 8, seed=seed) for seed in range(4))), SIZE, Cache(None))
    found, spectrum = appearance_gap(sim, real)
    by_name = {item.measure: item for item in found}
    assert by_name["luminance"].effect > 2
    assert by_name["luminance"].wasserstein == pytest.approx(56 / 255, abs=0.01)
    assert by_name["noise"].wasserstein > 1
    assert spectrum.distance > 5
    same, flat = appearance_gap(sim, sim)
    assert all(item.wasserstein == 0 for item in same)
    assert flat.distance == 0
    assert appearance_gap(sim, ({}, {})) is None


def test_a_picture_that_cannot_be_read_has_no_look(tmp_path):
    good, bad = on_disk(tmp_path, grey(100), grey(101))
    bad.path.write_text("<html>")
    scalars_, spectra = looks([bad, good], SIZE, Cache(tmp_path / "cache"))
    assert list(scalars_) == list(spectra) == [1]


def test_kid_is_unbiased_and_grows_with_the_gap():
    """Over many draws from one distribution it is nought in the mean; the formula is checked pair by pair."""
    rng = np.random.default_rng(0)
    draws = []
    for _ in range(200):
        both = rng.normal(0, 1, (20, 4))
        draws.append(mmd(kernel(both, both), np.arange(20), 8))
    assert abs(np.mean(draws)) < 3 * np.std(draws) / np.sqrt(200)
    both = np.concatenate([rng.normal(0, 1, (8, 4)), rng.normal(1, 1, (12, 4))])
    found = mmd(kernel(both, both), np.arange(20), 8)
    assert found > 3 * np.std(draws)

    def k(x, y):
        return (x @ y / 4 + 1) ** 3

    first, second = both[:8], both[8:]
    pairs = [
        np.mean([k(x, y) for i, x in enumerate(part) for j, y in enumerate(part) if i != j]) for part in (first, second)
    ]
    cross = np.mean([k(x, y) for x in first for y in second])
    assert found == pytest.approx(sum(pairs) - 2 * cross)


def test_a_network_without_a_neck_has_no_backbone_to_compare(tmp_path):
    path = write_constant_model(tmp_path / "m.onnx", ("thing",), (64, 64), [])
    assert backbone_output(path) is None
    model = Model(Detector(path))
    assert feature_gap(model, on_disk(tmp_path, grey(9)), on_disk(tmp_path, grey(200)), 0) is None


def test_features_are_those_of_the_map_before_the_first_enlargement(tmp_path):
    """A network whose backbone is the picture halved: its feature is the mean of each colour."""
    import onnx
    from onnx import helper, numpy_helper

    path = write_constant_model(tmp_path / "m.onnx", ("thing",), (64, 64), [])
    network = onnx.load(path)
    network.graph.initializer.append(numpy_helper.from_array(np.array([1, 1, 2, 2], np.float32), "sizes"))
    network.graph.node.extend(
        [
            helper.make_node("AveragePool", ["images"], ["deep"], kernel_shape=[2, 2], strides=[2, 2]),
            helper.make_node("Resize", ["deep", "", "sizes"], ["large"], mode="nearest"),
        ]
    )
    onnx.save(network, path)
    assert backbone_output(path)[1] == "deep"
    dark = on_disk(tmp_path, *(grey(50 + seed, 2, (64, 64), seed) for seed in range(6)))
    light = on_disk(tmp_path, *(grey(200 + seed, 2, (64, 64), seed) for seed in range(5)))
    gap = feature_gap(Model(Detector(path)), dark, light, 0)
    assert (gap.layer, gap.dimensions, gap.sim, gap.real) == ("deep", 3, 6, 5)
    values = [(50 / 255) ** 2, (200 / 255) ** 2, 50 * 200 / 255**2]
    near, far, across = ((value + 1) ** 3 for value in values)
    assert gap.kid == pytest.approx(near + far - 2 * across, rel=0.05)
    assert gap.kid > 2 * gap.without_gap
    assert gap.as_json()["kernel"] == KERNEL == "k(x, y) = (x . y / d + 1)^3"
