"""Search spaces: what is refused, and what a trial tries."""

from __future__ import annotations

import optuna
import pytest

from stages.common.errors import SettingsError
from stages.common.settings.sweep import Sweep, holes
from stages.compose.compose import compose_settings
from stages.sweep.space import check_space, filled, hydra, overrides, parameter_names, suggested
from tests.settings import REPOSITORY, SMALL

CONF = REPOSITORY / "conf"


def refused(*changes: str) -> str:
    try:
        check_space(compose_settings([*SMALL, *changes], CONF).sweep, list(SMALL), CONF)
    except SettingsError as error:
        return "; ".join(error.sentences)
    return "nothing is refused"


@pytest.mark.parametrize(
    ("space", "sentence"),
    [
        ("{train.epocs: [search_whole,1,3]}", "sweep.space.train.epocs is not a setting: did you mean train.epochs?"),
        ("{seed: [search_whole,3,1]}", "sweep.space.seed is an empty range, 3 to 1: put the lower end first"),
        ("{seed: [search,1,1]}", "sweep.space.seed is an empty range, 1 to 1"),
        ("{train.learning_rate: [search_log,0,1]}", "begins at 0: a logarithmic range begins above 0"),
        ("{seed: [search_whole,0.5,1]}", "sweep.space.seed is no range: write [search, low, high]"),
        ("{seed: [search_one,1]}", "sweep.space.seed offers 1 choices: give two or more"),
        ("{seed: 3}", "sweep.space.seed holds nothing to search: write [search, low, high]"),
        ("{train.epochs: [search_whole,0,3]}", "at an end of sweep.space train.epochs is 0: give a whole number"),
        ("{randomization: [search_one,light,hevy]}", "randomization=hevy does not exist"),
        (
            "{randomization.sensor.noise: [uniform,[search,0,3],[search,2,4]]}",
            "the lower bound 3 is above the upper bound 2",
        ),
    ],
)
def test_a_space_that_cannot_be_is_refused_in_a_sentence(space: str, sentence: str) -> None:
    assert sentence in refused(f"sweep.space=[{space.replace(': ', ':')}]")


def test_committed_spaces_are_possible() -> None:
    for path in sorted((CONF / "sweep").glob("*.yaml")):
        settings = compose_settings([*SMALL, f"sweep={path.stem}"], CONF)
        check_space(settings.sweep, list(SMALL), CONF)
        assert settings.sweep.name == path.stem


def test_holes_are_found_filled_and_named_by_their_place() -> None:
    value = ["normal", 0, ["search", 0.2, 1.2], ["search", 3, 4], {"a": ["search_one", "x", "y"]}]
    assert [hole.name for hole in holes("a.b", value)] == ["a.b[2]", "a.b[3]", "a.b[4][a]"]
    assert filled("a.b", value, lambda hole: hole.body[0]) == ["normal", 0, 0.2, 3, {"a": "x"}]


def test_a_trial_gets_values_within_the_ranges_and_the_same_ones_when_asked_again() -> None:
    space = {
        "randomization.light.exposure": ["normal", 0, ["search", 0.2, 1.2], -2.5, 2],
        "train.epochs": ["search_whole", 1, 9],
        "train.learning_rate": ["search_log", 1e-5, 1e-2],
        "randomization": ["search_one", "light", "heavy"],
    }
    sweep = Sweep(name="x", space=[space])
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=3))
    trial = study.ask()
    first = overrides(space, suggested(trial))
    assert first == overrides(space, suggested(optuna.Trial(study, trial._trial_id)))
    assert list(trial.params) == parameter_names(sweep)
    settings = compose_settings([*SMALL, *first], CONF)
    assert 1 <= settings.train.epochs <= 9
    assert 1e-5 <= settings.train.learning_rate <= 1e-2
    assert settings.randomization.name in ("light", "heavy")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (["uniform", 0.5, 2], "[uniform,0.5,2]"),
        (["choice", {1: 5, 2: 3}], "[choice,{1:5,2:3}]"),
        (True, "true"),
        (None, "null"),
        ("a b", "'a b'"),
        ("", "''"),
        (1e-05, "1e-05"),
        (0.123456789, "0.123456789"),
    ],
)
def test_values_are_written_as_hydra_reads_them(value: object, text: str) -> None:
    assert hydra(value) == text
