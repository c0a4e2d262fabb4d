import json

import pytest
import yaml

from stages.common.errors import InputError
from stages.common.settings.distribution import Combine, LogUniform, Normal, Uniform
from stages.common.settings.quantity import plain
from stages.evaluate.advise import advice_text, advise
from stages.evaluate.reshape import combined, limits, scaled, shifted, stretched
from stages.evaluate.slices import Slice, worst
from tests.settings import compose

DISTANCE = "randomization.camera.distance=[log_uniform,1.2,18]"
NOISE = "randomization.sensor.noise=[log_uniform,0.5,4]"
EXPOSURE = "randomization.sensor.exposure=[normal,-0.1,0.5,-1.6,1.0]"


def content(**changes):
    """A gap without a difference, but for what is changed."""
    heights = {"bins": ["0 to 20", "20 to 60", "60 and more"], "sim": [0.1, 0.4, 0.5], "real": [0.1, 0.4, 0.5],
               "sim_quantiles": [20, 40, 60, 80, 200], "real_quantiles": [20, 40, 60, 80, 200],
               "total_variation": 0.0}  # fmt: skip
    return {"classes": ["pallet_truck"], "content": {"box_height": heights | changes}, "appearance": {}}


def report(folder, gap=None, worst=(), pictures=15, **appearance):
    gap = gap or content()
    rows = {
        name: {"sim_mean": sim, "real_mean": real, "effect": effect, "sim_quantiles": [0.2, 0.3, 0.4, 0.5, 0.6]}
        for name, (sim, real, effect) in appearance.items()
    }
    path = folder / "evaluation.json"
    details = {
        "sim": {},
        "real": {"mine": {"pictures": pictures, "worst_slices": list(worst)}},
        "gap": {"mine": gap | {"appearance": rows}},
    }
    path.write_text(json.dumps(details))
    return path


def only(advice):
    (item,) = advice
    return item


def weak(measure, bin_, low=None, high=None, end=0.3):
    """A slice that the model is weak on, as evaluate writes it; chance may do it where its interval ends high."""
    found = Slice(
        measure, bin_, "objects", low, high, 9, 20, 4, None, values={"recall": 0.2}, intervals={"recall": (0.1, end)}
    )
    return worst([found], {"recall": 0.8})[0].as_json()


def test_without_a_difference_there_is_nothing_to_say(tmp_path):
    assert advise(report(tmp_path), compose()) == []
    assert advice_text([]) == "advise: nothing that was measured calls for other settings"


def test_small_boxes_that_the_renders_lack_ask_for_more_distance(tmp_path):
    gap = content(
        sim=[0.0, 0.06, 0.94], real=[0.1, 0.34, 0.56], sim_quantiles=[40, 60, 90, 120, 200],
        real_quantiles=[20, 40, 60, 80, 200], total_variation=0.38,
    )  # fmt: skip
    item = only(advise(report(tmp_path, gap), compose(DISTANCE)))
    assert item.setting == "randomization.camera.distance"
    assert item.value == ["log_uniform", 1.2, 36.0]
    assert item.sentence == (
        "mine box heights 20 to 60 px: 34%, yours 6%: set randomization.camera.distance=[log_uniform,1.2,36] "
        "(now [log_uniform,1.2,18])"
    )


def test_few_photographs_do_not_cut_a_range_far(tmp_path):
    gap = content(real_quantiles=[80, 90, 90, 100, 100], total_variation=0.5)
    low, high = only(advise(report(tmp_path, gap), compose(DISTANCE))).value[1:]
    assert (low, high) == pytest.approx((1.2 / 0.75, 18 * 0.75), rel=0.01)


@pytest.mark.parametrize(
    ("measure", "values", "setting"),
    [
        ("luminance", (0.4, 0.2, -1.0), "randomization.sensor.exposure"),
        ("contrast", (0.2, 0.3, 1.0), "randomization.sensor.contrast"),
        ("saturation", (10.0, 7.0, -0.8), "randomization.sensor.saturation"),
        ("blue_yellow", (2.0, 8.0, 0.8), "randomization.sensor.white_balance"),
        ("noise", (0.5, 1.0, 2.0), "randomization.sensor.noise"),
        ("sharpness", (2.7, 1.9, -2.0), "randomization.sensor.defocus"),
    ],
)
def test_each_look_has_its_setting(tmp_path, measure, values, setting):
    item = only(advise(report(tmp_path, **{measure: values}), compose()))
    assert item.setting == setting
    assert f"mine {measure} is {values[1]:.3g} in the mean, yours {values[0]:.3g}" in item.sentence
    compose(item.override)  # the settings take it
    assert advise(report(tmp_path, **{measure: (values[0], values[0], 0.0)}), compose()) == []


def test_half_the_light_is_a_stop_of_display_gamma(tmp_path):
    item = only(advise(report(tmp_path, luminance=(0.4, 0.2, -1.0)), compose(EXPOSURE)))
    assert item.value[1] == pytest.approx(item.now[1] - 2.2, abs=0.01)


def test_sharper_photographs_ask_for_larger_frames(tmp_path):
    settings = compose("dataset=laptop", "dataset.frames.sizes=[448x336]", "model.input_size=640")
    item = only(advise(report(tmp_path, sharpness=(1.9, 2.7, 2.0)), settings))
    assert item.override == "dataset.frames.sizes=[640x480]"
    assert compose("dataset=laptop", item.override).dataset.frames.sizes == {"640x480": 1.0}


@pytest.mark.parametrize(
    ("slice_", "scenario"),
    [
        (weak("scenario", "far"), "far"),
        (weak("scenario", "closeup"), "closeup"),
        (weak("box_height", "16 to 32", 16, 32), "far"),
        (weak("box_height", "256 and more", 256), "closeup"),
        (weak("distance", "12 to 24", 12, 24), "far"),
        (weak("truncation", "0.25 to 0.5", 0.25, 0.5), "closeup"),
    ],
)
def test_weak_slices_ask_for_more_of_a_scenario(tmp_path, slice_, scenario):
    settings = compose()
    item = only(advise(report(tmp_path, worst=[slice_]), settings))
    assert item.setting == f"scene.scenarios.{scenario}"
    assert item.value >= 2 * settings.scene.scenarios[scenario]
    assert item.sentence.startswith(f"mine is weak on {slice_['sentence']}: set ")
    compose(item.override)


@pytest.mark.parametrize(
    ("slice_", "before", "override"),
    [
        (
            weak("occlusion", "0.4 to 0.7", 0.4, 0.7),
            "randomization.content.clutter=[uniform,0.4,1.4]",
            "randomization.content.clutter=[uniform,0.6,2.1]",
        ),
        (
            weak("drawn.light_exposure", "-2 to -1", -2, -1),
            "randomization.light.exposure=[normal,0,0.8,-2.5,2]",
            "randomization.light.exposure=[combine,[2,[normal,0,0.8,-2.5,2]],[1,[uniform,-2,-1]]]",
        ),
    ],
)
def test_weak_slices_have_their_settings(tmp_path, slice_, before, override):
    assert only(advise(report(tmp_path, worst=[slice_]), compose(before))).override == override
    compose(override)


def test_what_may_be_chance_comes_last_and_stays_out_of_the_command(tmp_path):
    slices = [weak("scenario", "far", end=0.9), weak("truncation", "0.25 to 0.5", 0.25, 0.5)]
    advice = advise(report(tmp_path, worst=slices), compose())
    assert [(item.setting, item.sure) for item in advice] == [
        ("scene.scenarios.closeup", True),
        ("scene.scenarios.far", False),
    ]
    assert "on 20 objects against 0.80 on all; may be chance: set scene.scenarios.far" in advice[1].sentence
    command = advice_text(advice).splitlines()[-1]
    assert "closeup" in command
    assert "far" not in command
    assert advice_text(advice[1:]).endswith("\nall of it may be chance: measure more pictures")


def test_a_gap_to_a_few_photographs_may_be_chance(tmp_path):
    item = only(advise(report(tmp_path, pictures=3, luminance=(0.4, 0.2, -1.2)), compose()))
    assert not item.sure
    assert "on 3 pictures alone, so it may be chance" in item.sentence


def test_slices_without_a_setting_say_nothing(tmp_path):
    slices = [weak("site", "hall 3"), weak("aspect_ratio", "0 to 0.5", 0, 0.5), weak("drawn.unheard", "1 to 2", 1, 2)]
    assert advise(report(tmp_path, worst=slices), compose()) == []


def test_dark_photographs_that_are_weak_ask_for_dark_renders(tmp_path):
    path = report(tmp_path, worst=[weak("brightness", "0.1 to 0.2", 0.1, 0.2)], luminance=(0.4, 0.4, 0.0))
    item = only(advise(path, compose()))
    assert item.setting == "randomization.sensor.exposure"
    kind, _, (weight, (name, low, high)) = item.value
    assert (kind, weight, name) == ("combine", 1.0, "uniform")
    assert low < high < -2
    compose(item.override)


def test_one_change_a_setting_and_all_at_once(tmp_path):
    path = report(
        tmp_path, worst=[weak("scenario", "far"), weak("box_height", "16 to 32", 16, 32)], noise=(0.5, 1.0, 2.0)
    )
    advice = advise(path, compose(NOISE))
    assert [item.setting for item in advice] == ["randomization.sensor.noise", "scene.scenarios.far"]
    *_, command = advice_text(advice).splitlines()
    assert command.startswith("all at once: dvc exp run -S 'randomization.sensor.noise=[log_uniform,1,8]' -S 'scene")
    compose(*(item.override for item in advice))


@pytest.mark.parametrize("text", ["<html>", "[]", '{"sim": {}}'])
def test_another_file_is_no_report(tmp_path, text):
    path = tmp_path / "evaluation.json"
    path.write_text(text)
    with pytest.raises(InputError, match=r"evaluation\.json' is not what evaluate writes; write it again"):
        advise(path, compose())
    with pytest.raises(InputError, match=r"absent\.json' cannot be read"):
        advise(tmp_path / "absent.json", compose())


WIDE = (-1e9, 1e9)


def test_distributions_are_moved_within_their_limits():
    assert scaled(Uniform(1, 3), 2, (0, 5)) == Uniform(2, 5)
    assert shifted(Normal(0, 1, -2, 2), 1, (-1.5, 2.5)) == Normal(1, 1, -1, 2.5)
    assert stretched(LogUniform(1, 16), 2, 0.5, WIDE) == LogUniform(2, 8)
    assert stretched(LogUniform(1, 4), 8, 0.5, WIDE) == LogUniform(4, 4)
    mixture = Combine(((2.0, Uniform(0, 1)), (1.0, Uniform(1, 2))))
    assert plain(combined(mixture, Uniform(5, 6)))[3] == [1.5, ["uniform", 5, 6]]
    assert scaled(mixture, 2, WIDE) == Combine(((2.0, Uniform(0, 2)), (1.0, Uniform(2, 4))))
    assert limits("randomization.sensor.jpeg_quality") == (1, 100)


def test_what_is_printed_is_yaml(tmp_path):
    item = only(advise(report(tmp_path, noise=(0.5, 1.0, 2.0)), compose()))
    assert yaml.safe_load(item.override.partition("=")[2]) == item.value
