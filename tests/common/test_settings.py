"""Settings: what is read, what is refused, and in which words."""

# ruff: noqa: E501  one case a line

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from stages.common.errors import SettingsError
from stages.common.settings import Settings, check, load, validation_frames
from stages.common.settings.messages import every_key
from tests.settings import compose


def values() -> dict[str, Any]:
    """Plain values as params.yaml holds them."""
    return compose().model_dump(mode="json")


def change(values: dict[str, Any], key: str, value: Any) -> dict[str, Any]:
    """Set a dotted key."""
    *parents, last = key.split(".")
    node = values
    for parent in parents:
        node = node[parent]
    node[last] = value
    return values


def refusals(changes: dict[str, Any]) -> tuple[str, ...]:
    """Sentences for settings with these changes."""
    plain = values()
    for key, value in changes.items():
        change(plain, key, value)
    with pytest.raises(SettingsError) as caught:
        check(plain)
    return caught.value.sentences


CASES = [
    # unknown keys, with what was meant
    ("train.epocs", 5, r"train.epocs is not a setting: did you mean train.epochs\?"),
    ("epochs", 5, r"epochs is not a setting: did you mean train.epochs\?"),
    ("randomization.camera.higth", 1, r"randomization.camera.higth is not a setting: did you mean randomization.camera.height\?"),
    ("storage.qqq", 1, r"storage.qqq is not a setting: storage takes name, kind, folder, .*"),
    # types
    ("train.epochs", "many", "train.epochs is 'many': give a whole number of at least 1 and at most 10000"),
    ("train.epochs", "5", "train.epochs is '5': give a whole number of at least 1 and at most 10000"),
    ("train.epochs", 2.5, "train.epochs is 2.5: give a whole number of at least 1 and at most 10000"),
    ("train.epochs", True, "train.epochs is true: give a whole number of at least 1 and at most 10000"),
    ("train.epochs", None, "train.epochs is empty: give a whole number of at least 1 and at most 10000"),
    ("train.resume", "yes", "train.resume is 'yes': give true or false"),
    ("train.augment", {"mosaic": "much"}, "train.augment.mosaic is 'much': give a number"),
    ("scene.classes", "pallet", "scene.classes is 'pallet': give a list of one or more, each one of small_load_carrier, .*"),
    ("deploy", 7, "deploy is 7: give a group of settings: name, target, .*"),
    ("renderer.backend", 3, "renderer.backend is 3: give a text"),
    # ranges
    ("train.epochs", 0, "train.epochs is 0: give a whole number of at least 1 and at most 10000"),
    ("seed", -1, "seed is -1: give a whole number of at least 0 and below 4294967296"),
    ("dataset.convert.val_share", 1.0, "dataset.convert.val_share is 1.0: give a number above 0 and below 1"),
    ("tracking.timeout", float("nan"), "tracking.timeout is nan: give a number above 0 and at most 60"),
    ("model.input_size", 100, "model.input_size is 100: give a whole number of at least 64 and at most 2048 and a multiple of 32"),
    ("renderer.runtime.device", "gpu", "renderer.runtime.device is 'gpu': give one of auto, cpu, cuda, optix"),
    ("scene.classes", ["pallet", "crate"], r"scene.classes\[1\] is 'crate': give one of small_load_carrier, forklift, .*"),
    ("scene.classes", ["pallet", "pallet"], "scene.classes repeats a class: name each class once"),
    ("scene.scenarios", {"aisle": 0.0}, "scene.scenarios cannot be drawn from: give weights of 0 or more, one above 0"),
    # distributions
    ("randomization.camera.height", "high", r"randomization.camera.height is 'high': write a number, or a list such as .*"),
    ("randomization.camera.height", ["uniform", 2, 1], r"randomization.camera.height is \['uniform', 2, 1\]: the lower bound 2 is above the upper bound 1"),
    ("randomization.camera.height", 30, "randomization.camera.height is 30: stay within 0.05 to 20"),
    ("randomization.sensor.jpeg_quality", ["normal", 80, 5], r"randomization.sensor.jpeg_quality is .*: stay within 1 to 100; bound it, as in .*"),
    ("randomization.sensor.noise", ["gauss", 1], r"randomization.sensor.noise is .*: 'gauss' is not a distribution; write .*"),
    # picture sizes
    ("dataset.frames.sizes", ["640"], "dataset.frames.sizes holds '640': write WIDTHxHEIGHT, as in 640x480"),
    ("dataset.frames.sizes", ["9000x480"], "dataset.frames.sizes holds '9000x480': give 16 to 8192 pixels a side"),
    ("dataset.frames.sizes", [["640x480", 1, 2]], r"dataset.frames.sizes is .*: write a list of names, or of \[name, weight\]"),
    # clashes
    ("storage.kind", "s3", "storage.bucket is empty: name the S3 bucket, as in storage.bucket=my-frames"),
    ("real.name", "mine", "real.annotations is empty: name a COCO file, or choose real=none"),
    ("dataset.frames.count", 16, r"dataset.frames.count=16 with dataset.convert.val_share=0.15 leaves no frame for validation: ask for .*"),
    ("dataset.convert.val_share", 0.99, r"dataset.frames.count=32 with dataset.convert.val_share=0.99 leaves no frame for training: ask for .*"),
    ("dataset.convert.formats", ["coco"], "dataset.convert.formats lacks yolo, which training reads: add yolo"),
    ("dataset.convert.formats", ["yolo", "voc"], r"dataset.convert.formats\[1\] is 'voc': give one of yolo, yolo_segment, .*"),
    ("dataset.convert.formats", ["yolo", "yolo_pose"], "dataset.convert.formats holds yolo_pose, which is made of the annotator keypoints: add keypoints .*"),
    ("dataset.convert.fork_rule", "most", "dataset.convert.fork_rule is 'most': give one of all, visible"),
    ("dataset.frames.annotators", ["box3d"], r"dataset.frames.annotators\[0\] is 'box3d': give one of rgb, boxes, .*"),
    ("dataset.frames.test_count", 0, "dataset.frames.test_count=0 cannot go with deploy.target=local, which is .*: ask for some, or choose deploy=none"),
]  # fmt: skip


@pytest.mark.parametrize(("key", "value", "sentence"), CASES, ids=[f"{key}={value}" for key, value, _ in CASES])
def test_each_mistake_has_its_sentence(key: str, value: Any, sentence: str) -> None:
    (found,) = refusals({key: value})
    assert re.fullmatch(sentence, found), found


def test_all_mistakes_are_named_at_once() -> None:
    assert refusals({"train.epochs": 0, "seed": "x", "scene.clases": []}) == (
        "seed is 'x': give a whole number of at least 0 and below 4294967296",
        "scene.clases is not a setting: did you mean scene.classes?",
        "train.epochs is 0: give a whole number of at least 1 and at most 10000",
    )


def test_clashes_are_named_together() -> None:
    found = refusals({"compute.device": "cpu", "renderer.runtime.device": "cuda", "dataset.convert.formats": ["coco"]})
    assert found[0].startswith("compute.device=cpu cannot go with renderer.runtime.device=cuda: set both")
    assert len(found) == 2


def test_a_missing_key_says_what_belongs_there() -> None:
    plain = values()
    del plain["train"]["epochs"], plain["deploy"]
    with pytest.raises(SettingsError) as caught:
        check(plain)
    assert caught.value.sentences[0] == "train.epochs is missing: give a whole number of at least 1 and at most 10000"
    assert caught.value.sentences[1].startswith("deploy is missing: give a group of settings: name, target")


@pytest.mark.parametrize("content", [None, [], "text", 3])
def test_what_is_no_mapping_is_refused(content: Any) -> None:
    with pytest.raises(SettingsError, match=r"the file is .*: give a group of settings: seed, profile"):
        check(content)


def test_settings_survive_being_written_and_read() -> None:
    settings = compose("randomization=heavy")
    assert check(yaml.safe_load(yaml.safe_dump(settings.model_dump(mode="json")))) == settings


def test_load(tmp_path: Path) -> None:
    params = tmp_path / "params.yaml"
    params.write_text(yaml.safe_dump(values()), encoding="utf-8")
    assert load(params) == compose()


def test_load_names_a_missing_file_and_the_next_step(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"params.yaml is missing: write it with python -m stages.compose"):
        load(tmp_path / "params.yaml")


@pytest.mark.parametrize("content", [b"train: [1,", b"\x80", b"a: b: c"])
def test_load_names_an_unreadable_file(tmp_path: Path, content: bytes) -> None:
    params = tmp_path / "params.yaml"
    params.write_bytes(content)
    with pytest.raises(SettingsError, match=r"params.yaml cannot be read \(.*\): write it anew with python -m"):
        load(params)


@pytest.mark.parametrize(
    ("content", "kind"),
    [("<!DOCTYPE html><html><title>Sign in</title></html>", "a web page"), ("[1, 2]", "something else"), ("", "some")],
)
def test_load_names_a_file_of_something_else(tmp_path: Path, content: str, kind: str) -> None:
    params = tmp_path / "params.yaml"
    params.write_text(content)
    with pytest.raises(SettingsError, match=rf"params.yaml holds no settings but {kind}.*: write it anew with python"):
        load(params)


def test_validation_frames_come_last_in_each_block() -> None:
    assert [validation_frames(count, 0.15) for count in (27, 28, 32, 60, 64, 96)] == [0, 1, 5, 6, 10, 15]


def test_every_key_names_groups_and_settings() -> None:
    keys = list(every_key(Settings))
    assert {"seed", "train", "train.epochs", "randomization.camera.height", "renderer.runtime.device"} <= set(keys)
    assert len(keys) == len(set(keys))
