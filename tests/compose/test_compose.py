"""Composing conf/: what is written, what is refused, and in which words."""

# ruff: noqa: E501  one case a line

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from stages.common.errors import SettingsError
from stages.common.settings import Settings
from stages.compose.compose import compose_settings, project_folder, write_params
from tests.settings import REPOSITORY

CONF = REPOSITORY / "conf"
GROUPS = sorted(folder.name for folder in CONF.iterdir() if folder.is_dir() and folder.name != "catalogue")
"""The catalogue of other people's assets belongs to scenes, and is no choice of its own."""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with conf/ of its own, in a path with spaces."""
    folder = tmp_path / "my project"
    shutil.copytree(CONF, folder / "conf")
    return folder


def refusals(*overrides: str, conf: Path = CONF) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        compose_settings(overrides, conf)
    return caught.value.sentences


def test_groups_are_the_settings() -> None:
    assert set(GROUPS) == set(Settings.model_fields) - {"seed", "assets"}


@pytest.mark.parametrize(
    "choice", [f"{group}={path.stem}" for group in GROUPS for path in sorted((CONF / group).glob("*.yaml"))]
)
def test_every_choice_composes(choice: str, tmp_path: Path) -> None:
    needed = ["storage.bucket=frames"] if choice in ("storage=s3", "profile=cloud") else []
    settings = compose_settings([choice, *needed], CONF)
    group, _, option = choice.partition("=")
    chosen = getattr(settings, group)
    assert getattr(chosen, "name", chosen) == option


def test_loco_has_the_aspect_ratios_of_its_photographs_and_all_else_of_workstation() -> None:
    loco, workstation = (compose_settings([f"dataset={name}"], CONF).dataset for name in ("loco", "workstation"))
    sides = [tuple(map(int, size.split("x"))) for size in loco.frames.sizes]
    assert [width / height for width, height in sides] == [4 / 3, 16 / 9, 16 / 10]
    assert list(loco.frames.sizes.values()) == [8, 5, 2]
    same = workstation.frames.model_copy(update={"sizes": loco.frames.sizes})
    assert loco == workstation.model_copy(update={"name": "loco", "frames": same})


def test_files_spell_out_every_setting(project: Path) -> None:
    """Hydra changes only keys that exist, and DVC compares only keys that are written."""
    settings = write_params(project)
    written = yaml.safe_load((project / "params.yaml").read_text(encoding="utf-8"))

    loose = ("randomization", "presets", "targets")

    def keys(node: object) -> object:
        return {key: keys(value) for key, value in node.items()} if isinstance(node, dict) else None

    expected = keys(
        settings.model_dump(mode="json", exclude={"dataset": {"frames": {"sizes"}}, **dict.fromkeys(loose, True)})
    )
    for distribution_or_list in loose:
        written.pop(distribution_or_list)
    written["dataset"]["frames"].pop("sizes")
    assert keys(written) == expected


def test_profile_yields_to_the_command_line() -> None:
    settings = compose_settings(["profile=workstation", "dataset=tiny"], CONF)
    assert (settings.profile, settings.dataset.name, settings.model.name) == ("workstation", "tiny", "yolo11s")


def test_committed_params_are_what_conf_composes(project: Path) -> None:
    write_params(project)
    committed = (REPOSITORY / "params.yaml").read_text(encoding="utf-8")
    assert committed == (project / "params.yaml").read_text(encoding="utf-8"), "run python -m stages.compose"


@pytest.mark.parametrize(
    ("override", "height"),
    [
        ("randomization.camera.height=1.6", (1.6, 1.6)),  # a number for a mixture
        ("randomization.camera.height=[uniform,1,2]", (1.0, 2.0)),
        ("randomization.camera.height=[combine,[1,[uniform,1,2]],[1,3]]", (1.0, 3.0)),
    ],
)
def test_one_distribution_takes_the_place_of_another(override: str, height: tuple[float, float]) -> None:
    assert compose_settings([override], CONF).randomization.camera.height.bounds() == height


CASES = [
    ("train.epocs=3", r"train.epocs is not a setting: did you mean train.epochs\?"),
    ("trian.epochs=3", r"trian.epochs is not a setting: did you mean train.epochs\?"),
    ("epochs=3", r"epochs is not a setting: did you mean train.epochs\?"),
    ("randomisation=heavy", r"randomisation is not a setting: did you mean randomization\?"),
    ("train=shrt", r"train=shrt does not exist: did you mean train=short \(of short, standard\)\?"),
    ("profile=mainframe", "profile=mainframe does not exist: choose one of cloud, laptop, palletjack, workstation"),
    ("train.epochs=0", "train.epochs is 0: give a whole number of at least 1 and at most 10000"),
    ("train.epochs=many", "train.epochs is 'many': give a whole number of at least 1 and at most 10000"),
    ("+train.zoom=3", "train.zoom is not a setting: train takes name, epochs, .*"),
    ("~train.epochs", "train.epochs is missing: give a whole number of at least 1 and at most 10000"),
    ("train.epochs.x=3", "train.epochs.x is not a setting: train.epochs holds no others, .*"),
    ("train.epochs=1,2", "train.epochs=1,2 gives several values: give one, or queue a sweep with dvc exp run --queue .*"),
    ("train.epochs", "'train.epochs' cannot be read: write key=value, as in train.epochs=5, and quote it in the shell"),
    ("train.epochs=[", r"'train.epochs=\[' cannot be read: write key=value, .*"),
    ("train.augment=[]", r"train.augment=\[\] has the wrong kind of value \(.*\): give 'name: value' pairs, .*"),
    ("scene.scenarios.aisel=2", r"scene.scenarios.aisel is not in conf/: did you mean scene.scenarios.aisle, or add it with \+scene.scenarios.aisel=2"),
    ("real.more=[{name: loco-dev, annotations: a.json}]", "real.more repeats the name 'loco-dev': give each set a name of its own"),
    ("real.more=[{name: mine}]", "annotations of 'mine' in real.more is empty: name a COCO file, or choose real=none"),
    ("real.name=sim", "real.name 'sim' cannot name a set: write letters, digits, dots, .*"),
    ("real.name=a/b", "real.name 'a/b' cannot name a set: write letters, digits, dots, .*"),
    ("storage=s3", "storage.bucket is empty: name the S3 bucket, as in storage.bucket=my-frames"),
    ("seed=${nothing}", r".*nothing.*"),
]  # fmt: skip


@pytest.mark.parametrize(("override", "sentence"), CASES, ids=[override for override, _ in CASES])
def test_each_mistake_has_its_sentence(override: str, sentence: str) -> None:
    (found,) = refusals(override)
    assert re.fullmatch(sentence, found), found


def test_all_mistakes_are_named_at_once() -> None:
    found = refusals("train=shrt", "train.epocs=3", "renderer=fake", "seed=-1")
    assert [sentence.partition(" ")[0] for sentence in found] == ["train=shrt", "train.epocs", "seed"]


def test_mistakes_in_files(project: Path) -> None:
    conf = project / "conf"
    (conf / "train/short.yaml").write_text("name: short\nepochs: [1\nbatch: 8\n", encoding="utf-8")
    (found,) = refusals(conf=conf)
    assert re.fullmatch(r".*conf/train/short.yaml line \d is not YAML \(.*\): mend that line", found)
    (conf / "train/short.yaml").write_text("name: short\nepocs: 1\nepochs: 0\n", encoding="utf-8")
    assert refusals(conf=conf) == (
        "train.epochs is 0: give a whole number of at least 1 and at most 10000",
        "train.epocs is not a setting: did you mean train.epochs?",
    )
    (conf / "train/short.yaml").unlink()
    (found,) = refusals(conf=conf)
    assert found.endswith("train=short does not exist: choose one of standard")
    (conf / "config.yaml").unlink()
    (found,) = refusals(conf=conf)
    assert found.endswith("conf/config.yaml is missing: restore it with git checkout -- conf")


def test_params_are_written_as_dvc_writes_them(project: Path) -> None:
    """Else an experiment without changes would look changed."""
    from dvc.utils.hydra import compose_and_dump

    write_params(project, ["randomization=heavy"])
    other = project / "other.yaml"
    compose_and_dump(str(other), str(project / "conf"), None, "config", str(project), ["randomization=heavy"])
    assert other.read_bytes() == (project / "params.yaml").read_bytes()


def test_params_stay_as_they_were_when_a_setting_is_wrong(project: Path) -> None:
    write_params(project)
    before = (project / "params.yaml").read_bytes()
    with pytest.raises(SettingsError):
        write_params(project, ["train.epochs=0"])
    assert (project / "params.yaml").read_bytes() == before
    assert sorted(path.name for path in project.iterdir()) == ["conf", "params.yaml"]


def test_an_experiment_keeps_its_params(project: Path) -> None:
    write_params(project, ["train.epochs=7"])
    assert write_params(project, experiment="hazy-loon").train.epochs == 7
    assert write_params(project).train.epochs != 7


def test_an_experiment_composes_missing_params(project: Path) -> None:
    write_params(project, experiment="hazy-loon")
    assert (project / "params.yaml").is_file()


def test_an_experiment_checks_its_params(project: Path) -> None:
    write_params(project)
    params = project / "params.yaml"
    params.write_text(params.read_text(encoding="utf-8").replace("epochs: ", "epochs: -"), encoding="utf-8")
    with pytest.raises(SettingsError, match=r"train\.epochs is -"):
        write_params(project, experiment="hazy-loon")


def test_project_folder_is_found_from_below_and_from_anywhere(project: Path, tmp_path: Path) -> None:
    assert project_folder(project / "conf" / "train") == project
    assert project_folder(tmp_path) == REPOSITORY


def run_stage(cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-m", "stages.compose", *arguments]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


def test_command_line(project: Path) -> None:
    below = project / "notes"
    below.mkdir()
    done = run_stage(below, "renderer=fake", "dataset=tiny")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("params.yaml: profile laptop, 32 + 4 frames of scene warehouse by fake")
    assert (project / "params.yaml").is_file()


def test_command_line_prints_one_line_a_mistake_and_no_traceback(project: Path) -> None:
    done = run_stage(project, "train.epocs=3", "seed=-1")
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "error: train.epocs is not a setting: did you mean train.epochs?",
        "error: seed is -1: give a whole number of at least 0 and below 4294967296",
    ]
    assert not (project / "params.yaml").exists()
    assert "Traceback" in run_stage(project, "seed=-1", "--debug").stderr


def test_names_in_conf_are_registered() -> None:
    from stages.convert.formats import registered_formats
    from stages.sdg.plan.planner import scenarios
    from stages.sdg.render.registry import renderer_names

    for scene in (CONF / "scene").glob("*.yaml"):
        assert set(yaml.safe_load(scene.read_text(encoding="utf-8"))["scenarios"]) <= set(scenarios()), scene
    for renderer in (CONF / "renderer").glob("*.yaml"):
        assert yaml.safe_load(renderer.read_text(encoding="utf-8"))["backend"] in renderer_names(), renderer
    for dataset in (CONF / "dataset").glob("*.yaml"):
        told = yaml.safe_load(dataset.read_text(encoding="utf-8"))
        assert "convert" in told or "defaults" in told, dataset
        formats = told.get("convert", {}).get("formats", [])
        assert set(formats) <= set(registered_formats()), dataset


def test_documentation_names_every_choice() -> None:
    page = (REPOSITORY / "docs" / "compose.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]*) \|", page, re.MULTILINE))
    there = {group: {path.stem for path in (CONF / group).glob("*.yaml")} for group in GROUPS}
    assert {group: set(options.strip().split(", ")) for group, options in rows.items()} == there
