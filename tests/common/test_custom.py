"""Code of the user's own: the examples are loaded, used, and part of what frames follow from."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from stages.common import custom
from stages.common.custom import load_custom
from stages.common.errors import SettingsError
from stages.common.settings.custom import Custom
from stages.convert.formats import registry as formats
from stages.sdg.annotators import registry as annotators
from stages.sdg.plan import randomizers
from stages.sdg.plan.planner import plan_frame
from stages.sdg.run.key import content_key
from tests.settings import REPOSITORY, compose

EXAMPLES = "custom=example"

REGISTRIES = ((formats, "_FORMATS"), (annotators, "_ANNOTATORS"), (randomizers, "_RANDOMIZERS"))


@pytest.fixture(autouse=True)
def project(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the examples register is forgotten after each test, as if another process had loaded them."""
    monkeypatch.chdir(REPOSITORY)
    formats.registered_formats()
    annotators.annotator_names()
    monkeypatch.setattr(custom, "_LOADED", set())
    for registry, name in REGISTRIES:
        monkeypatch.setattr(registry, name, dict(getattr(registry, name)))


def test_the_example_randomizer_changes_plans_the_same_way_each_time() -> None:
    usual, own = compose(), compose(EXAMPLES)
    dim = []
    for number in range(24):
        plan, changed = plan_frame(usual, number), plan_frame(own, number)
        assert changed == plan_frame(own, number)
        assert changed.placements == plan.placements
        assert changed.camera == plan.camera
        dim.append(changed.tags["dim"])
        if changed.tags["dim"]:
            assert len(changed.lamps) <= len(plan.lamps)
            assert changed.sky == tuple(0.5 * value for value in plan.sky)
        else:
            assert changed.lamps == plan.lamps
    assert 1 <= sum(dim) <= 14


def test_annotator_and_writer_reach_frames_and_data_set(tmp_path: Path) -> None:
    from stages.convert.run import convert
    from stages.sdg.run.job import render_frames
    from stages.sdg.shards import read_frames

    settings = compose(EXAMPLES, "dataset.frames.sizes=[96x72]", "dataset.frames.test_count=1")
    folder = tmp_path / "frames"
    render_frames(settings, folder)
    frames = list(read_frames(folder))
    for frame in frames:
        told = json.loads(frame.files["visible.json"])
        assert set(told) == {str(item.id) for item in frame.label.instances}
        assert all(0 <= item["visible"] <= 1 and item["depth"] > 0 for item in told.values())
    load_custom(settings.custom)
    chosen = settings.dataset.convert.model_copy(update={"formats": ["yolo", *settings.custom.formats]})
    convert(folder, tmp_path / "dataset", settings.scene.classes, chosen)
    rows = list(csv.DictReader((tmp_path / "dataset" / "csv_boxes" / "train.csv").open()))
    lines = sum(len(path.read_text().splitlines()) for path in (tmp_path / "dataset/yolo/labels/train").glob("*.txt"))
    assert len(rows) == lines > 20
    assert set(rows[0]) == {"stem", "class", "left", "top", "right", "bottom"}


def test_files_are_part_of_the_content_key(tmp_path: Path) -> None:
    file = tmp_path / "own.py"
    file.write_text("x = 1\n")
    settings = compose(f"custom.files=['{file}']")
    first = content_key(settings)
    assert first != content_key(compose())
    file.write_text("x = 2\n")
    assert content_key(settings) != first


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "which is not there: correct the path"),
        ("import nothing_of_that_name\n", r"cannot be imported \(line 1, ModuleNotFoundError"),
        ("x = 1\ny = x / 0\n", r"line 2, ZeroDivisionError"),
        ("def f(:\n", "SyntaxError"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, text: str | None, words: str) -> None:
    file = tmp_path / "own.py"
    if text is not None:
        file.write_text(text)
    with pytest.raises(SettingsError, match=words):
        load_custom(Custom(name="x", files=[str(file)]))


def test_mistakes_of_randomizers_are_sentences(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"custom\.randomizers names 'fog', which custom\.files does not register"):
        plan_frame(compose("custom.randomizers=[fog]"), 0)
    file = tmp_path / "own.py"
    file.write_text(
        "from stages.sdg.plan.randomizers import register_randomizer\n\n\n"
        "@register_randomizer('forgetful')\ndef forgetful(plan, rng):\n    pass\n"
    )
    with pytest.raises(SettingsError, match="'forgetful' gave no plan of frame 0"):
        plan_frame(compose(f"custom.files=['{file}']", "custom.randomizers=[forgetful]"), 0)
    with pytest.raises(SettingsError, match=r"let it end in \.py"):
        compose("custom.files=[own.txt]")
