"""dvc.yaml: the stages, and what makes each run again."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from stages.common.settings import Settings
from stages.common.settings.messages import every_key
from stages.sdg.run.key import SOURCES
from tests.settings import REPOSITORY

TEXT = (REPOSITORY / "dvc.yaml").read_text(encoding="utf-8")
STAGES: dict[str, Any] = yaml.safe_load(TEXT)["stages"]


def test_stages_are_the_rooms() -> None:
    assert list(STAGES) == ["compose", "sdg", "convert", "push", "train", "evaluate", "deploy"]
    assert all(stage["cmd"] == f"python -m stages.{name}" for name, stage in STAGES.items())


def test_nothing_is_read_from_params_before_compose_wrote_them() -> None:
    lines = [line for line in TEXT.splitlines() if not line.lstrip().startswith("#")]
    assert "${" not in "\n".join(lines)
    assert all("foreach" not in stage and "matrix" not in stage for stage in STAGES.values())


@pytest.mark.parametrize("name", STAGES)
def test_parameters_are_settings(name: str) -> None:
    assert set(STAGES[name].get("params", [])) <= set(every_key(Settings))


def test_every_setting_is_some_stages_parameter() -> None:
    """But those of promote and infra, how a stage runs where that changes nothing, and mere names of choices."""
    watched = [key for stage in STAGES.values() for key in stage.get("params", [])]
    left_out = {
        key
        for key in every_key(Settings)
        if not any(key == seen or key.startswith(f"{seen}.") or seen.startswith(f"{key}.") for seen in watched)
    }
    elsewhere = ("renderer.runtime", "gate", "sweep", "host", "infra", "compute.emulator")
    shown = {key for key in left_out if not key.startswith(elsewhere)}
    assert shown == {"profile", "renderer.name", "dataset.name"}


@pytest.mark.parametrize("name", STAGES)
def test_code_that_a_stage_depends_on_exists(name: str) -> None:
    code = [dep for dep in STAGES[name]["deps"] if dep.startswith(("stages/", "conf", "real"))]
    assert code
    assert not [dep for dep in code if not (REPOSITORY / dep).exists()]


PLUMBING = (
    *(
        f"stages/common/{name}.py"
        for name in (
            "buckets", "channel", "checkout", "cli", "errors", "files", "mlflow_store", "pipeline", "processes",
            "progress", "registry", "storage", "system", "tensorboard", "tracking",
        )
    ),
    "stages/common/aws",
    "stages/common/settings",  # the settings themselves are parameters
)  # fmt: skip
"""Code that says, keeps or sends what a stage makes, and does not change it."""

ELSEWHERE = {
    # types and constants of the frames' makers, whose work lies in data/frames
    "convert": ("stages/sdg/assets", "stages/sdg/render"),
    # sends the data set to a cloud job
    "train": ("stages/push",),
    # of the commands curve and promote
    "evaluate": ("stages/convert", "stages/sdg", "stages/train"),
    # reads what convert counted
    "deploy": ("stages/convert", "stages/sdg", *(f"stages/common/{name}.py" for name in (
        "coco_checks", "fingerprints", "photographs",
    ))),
}  # fmt: skip
"""What else a stage imports without running it."""


def imported(path: Path) -> Iterator[Path]:
    """Files of ours that one imports, also within its functions."""
    for node in ast.walk(ast.parse((REPOSITORY / path).read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{item.name}" for item in node.names)]
        elif isinstance(node, ast.Import):
            names = [item.name for item in node.names]
        for name in names:
            place = Path(name.replace(".", "/"))
            for file in (place.with_suffix(".py"), place / "__init__.py"):
                if name.startswith("stages.") and (REPOSITORY / file).is_file():
                    yield file


@pytest.mark.parametrize("name", ELSEWHERE)
def test_a_stage_depends_on_all_code_that_makes_its_results(name: str) -> None:
    deps = [Path(dep) for dep in STAGES[name]["deps"] if dep.startswith("stages/")]
    known = [*deps, *map(Path, (*PLUMBING, *ELSEWHERE[name]))]
    folder = REPOSITORY / "stages" / name
    waiting = [path.relative_to(REPOSITORY) for path in folder.rglob("*.py")]
    seen = set(waiting)
    while waiting:
        found = {
            path
            for path in imported(waiting.pop())
            if not any(path.is_relative_to(other) for other in map(Path, (*PLUMBING, *ELSEWHERE[name])))
        }
        waiting += found - seen
        seen |= found
    missing = sorted(str(path) for path in seen if not any(path.is_relative_to(other) for other in known))
    assert missing == []


def test_sdg_runs_again_whenever_its_frames_would_change() -> None:
    deps = [Path(dep) for dep in STAGES["sdg"]["deps"]]
    uncovered = [
        source
        for source in SOURCES
        if not any(
            (Path("stages") / source).is_relative_to(dep) or dep.is_relative_to(Path("stages") / source) for dep in deps
        )
    ]
    assert not uncovered


def test_frames_outlive_a_new_run() -> None:
    assert STAGES["sdg"]["outs"] == [{"data/frames": {"persist": True}}]
