"""Quantities in turn, and quantities that depend on others."""

# ruff: noqa: E501  one case a line

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from stages.common.settings.distribution import Constant, Drawn, Given, Named, Sequence, Uniform
from stages.common.settings.pictures import Randomization
from stages.common.settings.quantity import parse, plain
from tests.common.test_settings import refusals, values
from tests.settings import compose


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize(
    "written",
    [
        ["sequence", 1.0, 2.0, ["uniform", 3.0, 4.0]],
        ["given", "light.exposure", [[-3.0, -1.0], ["uniform", 4.0, 9.0]], [2.0, 5.0], ["else", 1.0]],
    ],
)
def test_written_and_read_is_the_same(written: list[Any]) -> None:
    assert plain(parse(written)) == written
    assert parse(plain(parse(written))) == parse(written)


def test_a_sequence_takes_turns_by_frame_number() -> None:
    turns = parse(["sequence", 1, 2, ["uniform", 3, 4]])
    assert isinstance(turns, Sequence)
    drawn = [turns.sample(rng(), Drawn(frame)) for frame in range(6)]
    assert drawn[:2] == drawn[3:5] == [1, 2]
    assert 3 <= drawn[2] <= 4
    assert turns.bounds() == (1, 4)


def test_a_condition_follows_the_frames_value_of_the_other() -> None:
    light = Named("light.exposure", Uniform(-3, 2))
    noise = Given("light.exposure", ((-3, 0, Constant(9)), (0, 2, Constant(1))))
    for seed in range(30):
        drawn, generator = Drawn(0, {"light.exposure": light}), rng(seed)
        first = noise.sample(generator, drawn)  # before the other has been drawn
        exposure = light.sample(generator, drawn)
        assert first == (9 if exposure <= 0 else 1)
        assert light.sample(generator, drawn) == exposure


def test_plans_follow_conditions_and_turns() -> None:
    from stages.sdg.plan.planner import plan_frame

    asked = compose(
        "randomization.sensor.noise=[given,light.exposure,[[-9,0],5],[else,1]]",
        "randomization.sensor.jpeg_quality=[sequence,50,60,70]",
    )
    for frame in range(12):
        plan = plan_frame(asked, frame)
        assert plan.sensor.noise == (5 if float(plan.tags["light_exposure"]) <= 0 else 1)
        assert plan.sensor.jpeg_quality == (50, 60, 70)[frame % 3]
    assert {plan_frame(asked, frame).sensor.noise for frame in range(12)} == {5, 1}


def test_conditions_survive_being_written_and_read() -> None:
    asked = compose("randomization.sensor.noise=[given,light.exposure,[[-9,0],5],[else,1]]").randomization
    assert isinstance(asked.light.exposure, Named)
    assert Randomization.model_validate(asked.model_dump(mode="json")) == asked


NOISE, CONTRAST = "randomization.sensor.noise", "randomization.sensor.contrast"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({NOISE: ["given", "light.exposur", ["else", 1]]}, r".*noise depends on light.exposur, which is no quantity: did you mean light.exposure\?"),
        ({NOISE: ["given", "exposition", ["else", 1]]}, r".*which is no quantity: (did you mean .*|choose from camera.height, .*)"),
        ({NOISE: ["given", "camera.distance", ["else", 1]]}, ".*depends on camera.distance, which each thing in a frame draws anew: .*"),
        ({NOISE: ["given", "light.daylight", [[0, 1], 1]]}, r".*noise has no case for light.daylight=2.5: add \[2.5, quantity\], .*"),
        ({NOISE: ["given", "sensor.contrast", ["else", 1]], CONTRAST: ["given", "sensor.noise", ["else", 1]]}, ".*depend on each other in a circle: .*"),
        ({NOISE: ["given", "light.daylight"]}, ".*given needs the name of another quantity and .*"),
        ({NOISE: ["sequence"]}, ".*sequence needs a list of numbers or distributions, .*"),
        ({NOISE: ["sequence", 1, 500]}, ".*stay within 0 to 100"),
    ],
)  # fmt: skip
def test_each_mistake_has_its_sentence(changes: dict[str, Any], sentence: str) -> None:
    (found,) = refusals(changes)
    assert re.fullmatch(sentence, found), found


def test_the_statistics_of_draws() -> None:
    generator = rng(5)

    def draws(written: Any, count: int = 4000) -> np.ndarray[Any, np.dtype[np.float64]]:
        quantity = parse(written)
        return np.array([quantity.sample(generator, Drawn(frame)) for frame in range(count)])

    assert draws(["uniform", 2, 4]).mean() == pytest.approx(3, abs=0.05)
    assert np.median(draws(["log_uniform", 1, 100])) == pytest.approx(10, rel=0.12)
    bounded = draws(["normal", 0, 1, -1, 1])
    assert bounded.std() == pytest.approx(0.54, abs=0.03)
    assert (draws(["choice", {1: 3, 2: 1}]) == 1).mean() == pytest.approx(0.75, abs=0.03)
    assert (draws(["combine", [1, 0], [3, ["uniform", 1, 2]]]) > 0).mean() == pytest.approx(0.75, abs=0.03)
    assert (draws(["sequence", 1, 2, 3, 4]) == 4).mean() == 0.25


def test_values_hold_no_conditions_by_default() -> None:
    assert "given" not in str(values()["randomization"])
