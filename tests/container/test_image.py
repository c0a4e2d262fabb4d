"""What can be known of the image without building it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
DOCKERFILE = (REPOSITORY / "container/Dockerfile").read_text()


def pins(path: Path) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9._-]+)==([^ \\;]+)", path.read_text(), re.MULTILINE))


@pytest.mark.parametrize("name", ["serve", "train"])
def test_versions_are_those_of_the_project(name: str) -> None:
    ours, project = pins(REPOSITORY / f"container/{name}.lock"), pins(REPOSITORY / "requirements.lock")
    assert ours
    assert {package: version for package, version in ours.items() if project.get(package, version) != version} == {}


@pytest.mark.parametrize("name", ["serve", "train"])
def test_all_that_is_wanted_is_locked_with_hashes(name: str) -> None:
    lines = (REPOSITORY / f"container/{name}.txt").read_text().splitlines()
    wanted = {line for line in lines if line and not line.startswith(("#", "-"))}
    lock = REPOSITORY / f"container/{name}.lock"
    assert wanted <= set(pins(lock))
    entries = re.split(r"^(?=[a-z])", lock.read_text(), flags=re.MULTILINE)[1:]
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []


def test_the_serving_image_has_neither_torch_nor_ultralytics() -> None:
    serving = pins(REPOSITORY / "container/serve.lock")
    assert [name for name in serving if re.match(r"torch|ultralytics|nvidia|mlflow|boto", name)] == []
    assert len(serving) < 30


def test_it_is_built_on_a_digest() -> None:
    base = re.search(r"^ARG BASE=(\S+)$", DOCKERFILE, re.MULTILINE)
    assert base
    assert re.fullmatch(r"python@sha256:[0-9a-f]{64}", base[1])
    sources = re.findall(r"^FROM (?:--platform=linux/amd64 )?(\S+) AS (\S+)$", DOCKERFILE, re.MULTILINE)
    stages = {name for _, name in sources}
    assert all(source == "${BASE}" or source in stages for source, _ in sources)
    assert DOCKERFILE.count("FROM --platform=linux/amd64") == 2
    assert [name for _, name in sources][-1] == "train"


def test_processes_get_their_signals_themselves() -> None:
    """Every command in exec form: a shell in between would swallow SIGTERM."""
    commands = re.findall(r"^(?:ENTRYPOINT|CMD|RUN) (.+)$", DOCKERFILE, re.MULTILINE)
    assert all(isinstance(json.loads(command), list) for command in commands)
    assert json.loads(re.search(r"^ENTRYPOINT (.+)$", DOCKERFILE, re.MULTILINE)[1]) == ["python", "-m", "container"]  # type: ignore[index]
    assert "USER" not in DOCKERFILE, "SageMaker wants root"


@pytest.mark.parametrize("path", re.findall(r"^COPY (?!--from)(\S+)", DOCKERFILE, re.MULTILINE))
def test_what_is_copied_is_there_and_not_ignored(path: str) -> None:
    assert list(REPOSITORY.glob(path))
    allowed = [line[1:] for line in (REPOSITORY / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    assert any(path == name or path.startswith(f"{name}/") for name in allowed)


@pytest.mark.parametrize(("name", "rooms"), [("serve", ("common", "deploy")), ("train", ("common", "deploy", "train"))])
def test_the_image_has_all_modules_that_it_imports(tmp_path: Path, name: str, rooms: tuple[str, ...]) -> None:
    """In a folder of what the Dockerfile copies, with only the locked packages importable."""
    import shutil
    from importlib.metadata import packages_distributions

    locked = {package.replace("_", "-") for package in pins(REPOSITORY / f"container/{name}.lock")}
    foreign = sorted(
        module
        for module, packages in packages_distributions().items()
        if not any(re.sub(r"[._]+", "-", package).lower() in locked for package in packages)
        and re.fullmatch(r"[a-z]\w+", module)
        and module not in {"stages", "pip", "mlflow"}
    )
    shutil.copytree(REPOSITORY / "container", tmp_path / "container")
    (tmp_path / "stages").mkdir()
    shutil.copy(REPOSITORY / "stages/__init__.py", tmp_path / "stages")
    for room in rooms:
        shutil.copytree(REPOSITORY / "stages" / room, tmp_path / "stages" / room)
    imports = {
        "serve": "import stages.deploy.container, stages.deploy.app, stages.deploy.server, stages.deploy.inference",
        "train": "import stages.train.container.run, stages.train.local, stages.train.data, stages.train.augment, yaml",
    }
    script = (
        f"import sys\nfor name in {foreign!r}:\n    sys.modules.setdefault(name, None)\n"
        f"import container.{name}\n{imports[name]}\nassert stages.__file__.startswith({str(tmp_path)!r})\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=120, env={"PATH": ""}
    )
    assert done.returncode == 0, done.stderr
