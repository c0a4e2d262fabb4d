"""Augmentation settings are Ultralytics' own names."""

from __future__ import annotations

import pytest

from stages.common.errors import SettingsError
from stages.train.augment import RANGES, augmentations


def test_all_names_are_settings_of_ultralytics() -> None:
    from ultralytics.cfg import DEFAULT_CFG_DICT

    assert set(RANGES) <= set(DEFAULT_CFG_DICT)


def test_values_pass_as_ultralytics_takes_them() -> None:
    checked = augmentations({"mosaic": 1, "close_mosaic": 3.0, "degrees": 5.0})
    assert checked == {"mosaic": 1.0, "close_mosaic": 3, "degrees": 5.0}
    assert isinstance(checked["close_mosaic"], int)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"mozaic": 1.0}, "train.augment.mozaic is no augmentation for detection: did you mean mosaic?"),
        ({"blur": 1.0}, "train.augment.blur is no augmentation for detection: choose from hsv_h, "),
        ({"erasing": 0.4}, "train.augment.erasing is no augmentation for detection"),  # of classification alone
        ({"fliplr": 1.5}, "train.augment.fliplr=1.5 is out of range: give 0 to 1"),
        ({"close_mosaic": 2.5}, "train.augment.close_mosaic=2.5 is a number of epochs: give a whole one"),
    ],
)
def test_mistakes_are_named(settings: dict[str, float], sentence: str) -> None:
    with pytest.raises(SettingsError) as caught:
        augmentations(settings)
    assert sentence in str(caught.value)


def test_all_mistakes_are_named_together() -> None:
    with pytest.raises(SettingsError) as caught:
        augmentations({"mozaic": 1.0, "fliplr": -1.0})
    assert len(caught.value.sentences) == 2
