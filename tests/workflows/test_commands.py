"""What workflows do at the account, and that every command in them exists; test_workflows.py has the general rules."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from stages.common.errors import ServiceError, SparseError, UnwellError
from tests.settings import REPOSITORY, compose

FOLDER = REPOSITORY / ".github" / "workflows"
FILES = sorted(FOLDER.glob("*.yml"))
OURS = ("data", "deploy", "image", "nightly", "report", "train")

PINS = {
    "actions/checkout": {"11bd71901bbe5b1630ceea73d27597364c9af683": "v4.2.2"},
    "actions/setup-python": {"42375524e23c412d93fb67b49958b491fce71c38": "v5.4.0"},
    "actions/upload-artifact": {"ea165f8d65b6e75b540449e92b4886f43607fa02": "v4.6.2"},
    "actions/download-artifact": {"d3f86a106a0bac45b974a628896c90dbdf5c8093": "v4.3.0"},
    "actions/cache": {"5a3ec84eff668545956fd18022155c47e93e2684": "v4.2.3"},
    "aws-actions/configure-aws-credentials": {"7474bc4690e29a8392af63c5b98e7449536d5c3a": "v4.3.1"},
}
"""Commits of actions, each looked up; the comment behind a pin must name the version that it has here."""

AWAITED = {
    "stages.common.doctor": "stages/common/doctor",
    "stages.deploy status": "stages/deploy/endpoint",
    "stages.deploy cost": "stages/deploy/endpoint",
    "stages.deploy rollback": "stages/deploy/endpoint",
    "stages.deploy drift": "stages/deploy/drift",
}
"""Commands that come with a room; where it is not here yet, they are not looked for."""


@dataclass(frozen=True)
class Step:
    """A step that runs commands."""

    workflow: str
    job: str
    name: str
    script: str
    env: dict[str, str]

    def __str__(self) -> str:
        """The test's id."""
        return f"{self.workflow}-{self.job}-{self.name or self.script.splitlines()[0]}"[:60]


def read(path: Path) -> dict[str, Any]:
    # YAML 1.1 reads the key `on` as true
    return {("on" if key is True else key): value for key, value in yaml.safe_load(path.read_text()).items()}


def steps() -> Iterator[Step]:
    for path in FILES:
        for job, content in read(path)["jobs"].items():
            for step in content["steps"]:
                if "run" in step:
                    yield Step(path.stem, job, step.get("name", ""), step["run"], step.get("env", {}))


def commands(script: str) -> Iterator[list[str]]:
    """Words of each command line of a script, up to what the shell does with its output."""
    for line in script.replace("\\\n", " ").splitlines():
        words = shlex.split(line.split(" | ")[0].split(" >")[0], comments=True)
        while words and (words[0] in ("if", "then", "else", "fi", "!") or re.fullmatch(r"[A-Z_]+=.*", words[0])):
            words = words[1:]
        if words:
            yield words


def test_zizmor_finds_nothing() -> None:
    program = Path(sys.executable).parent / "zizmor"
    if not program.exists():
        assert not os.environ.get("CI"), "zizmor is not installed"
        pytest.skip("NO ZIZMOR, so workflows are not audited: run make setup")
    done = subprocess.run(
        [str(program), "--offline", "--no-progress", *map(str, FILES)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_they_are_all_there() -> None:
    assert {"ci", *OURS} <= {path.stem for path in FILES}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_actions_are_pinned_to_commits_that_were_looked_up(path: Path) -> None:
    used = re.findall(r"uses: ([\w.-]+/[\w.-]+)[\w./-]*@(\S+)(?: # (\S+))?", path.read_text())
    assert used
    assert [(name, version) for name, commit, version in used if PINS.get(name, {}).get(commit) != version] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_credentials_come_from_an_identity_token_in_an_environment(path: Path) -> None:
    text = path.read_text()
    assert not re.search(r"\bsecrets\b|access-key|ACCESS_KEY|SESSION_TOKEN", text), "a key that is stored"
    workflow = read(path)
    assert workflow["concurrency"]["group"]
    for job in workflow["jobs"].values():
        # whoever can ask for a role in AWS is let in by an environment
        assert ("id-token" in job["permissions"]) == ("environment" in job)


@pytest.mark.parametrize("name", OURS)
def test_pipes_fail_when_their_first_command_does(name: str) -> None:
    assert read(FOLDER / f"{name}.yml")["defaults"] == {"run": {"shell": "bash"}}


@pytest.mark.parametrize("step", [step for step in steps() if "make " in step.script], ids=str)
def test_make_targets_exist(step: Step) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))
    for words in commands(step.script):
        if words[0] == "make":
            assert set(words[1:]) <= targets


def python_commands() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for step in steps():
        for words in commands(step.script):
            if words[:2] == ["python", "-m"]:
                verb = words[3:4] if len(words) > 3 and re.fullmatch(r"[a-z-]+", words[3]) else []
                found.setdefault(" ".join([words[2], *verb]), []).extend(
                    word for word in words if word.startswith("--")
                )
    return found


@pytest.mark.parametrize(("command", "flags"), sorted(python_commands().items()), ids=lambda value: str(value))
def test_commands_exist_and_know_their_flags(command: str, flags: list[str]) -> None:
    room = next((room for start, room in AWAITED.items() if command.startswith(start)), "stages")
    if not (REPOSITORY / room).exists() and not (REPOSITORY / f"{room}.py").exists():
        pytest.skip(f"{room} is not here yet")
    # dvc's words after its verb are targets, and have no help of their own
    words = command.split()
    if words[0] == "stages.common.doctor":
        words = words[:1]
    done = subprocess.run(
        [sys.executable, "-m", *words, "--help"], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert all(flag in done.stdout for flag in flags)


@pytest.mark.parametrize("step", [step for step in steps() if "stages.compose" in step.script], ids=str)
def test_settings_are_composed_as_the_workflow_does(step: Step, tmp_path: Path) -> None:
    """With the repository's variable and what somebody types, which is never run as a command."""
    shutil.copytree(REPOSITORY / "conf", tmp_path / "conf")
    for group in re.findall(r"\b(compute|deploy)=(\w+)", step.script + "deploy=sagemaker" * ("$DEPLOY" in step.script)):
        if not (REPOSITORY / "conf" / group[0] / f"{group[1]}.yaml").exists():
            pytest.skip(f"conf/{group[0]}/{group[1]}.yaml is not here yet")
    typed = {"SETTINGS": "storage.bucket=a-bucket tracking.experiment=night", "DEPLOY": "sagemaker"}
    typed["MORE"] = "train.epochs=7"
    environment = {
        **{name: value for name, value in os.environ.items() if name != "DVC_EXP_NAME"},
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(REPOSITORY),
    }
    run = ["bash", "-eo", "pipefail", "-c", step.script]
    done = subprocess.run(run, cwd=tmp_path, env={**environment, **typed}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    settings = yaml.safe_load((tmp_path / "params.yaml").read_text())
    assert (settings["storage"]["bucket"], settings["tracking"]["experiment"]) == ("a-bucket", "night")
    assert settings["train"]["epochs"] == 7 or "MORE" not in step.env
    if "MORE" in step.env:
        typed["MORE"] = "$(touch$IFS/owned) ;touch owned"
        done = subprocess.run(
            run, cwd=tmp_path, env={**environment, **typed}, capture_output=True, text=True, check=False
        )
        assert done.returncode == 2
        assert not (tmp_path / "owned").exists()


def test_the_region_of_our_commands_is_among_the_settings_that_are_documented() -> None:
    """AWS_REGION is the credentials' alone: no client of ours asks the environment."""
    text = (REPOSITORY / "docs" / "ci.md").read_text()
    said = dict(re.findall(r"gh variable set (\w+) --body (\".*?\"|\S+)", text))
    elsewhere = [
        word.replace(said["AWS_REGION"], "eu-west-1").replace("BUCKET", "frames")
        for word in said["SETTINGS"].strip('"').split()
    ]
    settings = compose(*elsewhere)
    assert (settings.aws.region, settings.storage.region) == ("eu-west-1", "eu-west-1")


def test_the_endpoint_that_is_watched_is_of_the_kind_that_a_variable_names(tmp_path: Path) -> None:
    (step,) = [step for step in steps() if step.workflow == "nightly" and "stages.compose" in step.script]
    assert step.env["DEPLOY"] == "${{ vars.DEPLOY || 'sagemaker' }}"
    environment = answering(tmp_path, 0) | {"SETTINGS": "aws.region=eu-west-1", "DEPLOY": "sagemaker-async"}
    (tmp_path / "bin" / "python").write_text('#!/bin/sh\necho "$@"\n')
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", step.script], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "-m stages.compose aws.region=eu-west-1 profile=cloud deploy=sagemaker-async\n"


def test_environments_and_roles_are_those_that_infra_trusts() -> None:
    from tests.infra.policies import read_template

    subjects = str(read_template()["Resources"])
    used = {job["environment"] for path in FILES for job in read(path)["jobs"].values() if "environment" in job}
    assert used == set(re.findall(r"environment:(\w+)'", subjects))
    roles = {
        name for path in FILES for name in re.findall(r"role-to-assume: \$\{\{ vars\.(\w+) \}\}", path.read_text())
    }
    outputs = str(read_template()["Outputs"])
    assert all(f"variable {name}" in outputs for name in roles), (roles, outputs)


def test_a_deployment_is_approved_comes_from_main_and_is_never_cut_off() -> None:
    workflow = read(FOLDER / "deploy.yml")
    assert set(workflow["on"]) == {"workflow_dispatch"}
    assert workflow["concurrency"] == {"group": "deploy", "cancel-in-progress": False}
    job = workflow["jobs"]["deploy"]
    assert job["environment"] == "production"
    assert "github.ref == 'refs/heads/main'" in job["if"]
    order = [step.get("run", step.get("uses", "")).strip() for step in job["steps"]]
    wanted = ["stages.evaluate status", "stages.deploy", "stages.deploy status --check", "stages.deploy rollback"]
    places = [next(i for i, text in enumerate(order) if f"python -m {words}" in text) for words in wanted]
    assert places == sorted(places)
    back = next(step for step in job["steps"] if "rollback" in step.get("run", ""))
    # deploy itself turns back when it fails, and a look that fails says nothing: only a verdict turns back here
    assert back["if"] == f"failure() && steps.check.outputs.code == '{UnwellError.exit_code}'"
    bill = next(step for step in job["steps"] if "stages.deploy cost" in step.get("run", ""))
    assert bill["continue-on-error"] is True


def answering(folder: Path, code: int) -> dict[str, str]:
    """An environment in which ``python`` ends with this exit status."""
    program = folder / "bin" / "python"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\necho said\nexit {code}\n")
    program.chmod(0o755)
    files = {name: str(folder / name) for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
    return {"PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}", **files}


@pytest.mark.parametrize("code", [0, ServiceError.exit_code, UnwellError.exit_code])
def test_the_look_after_a_deployment_hands_its_verdict_on(code: int, tmp_path: Path) -> None:
    (step,) = [step for step in steps() if step.workflow == "deploy" and "status --check" in step.script]
    environment = answering(tmp_path, code)
    done = subprocess.run(["bash", "-eo", "pipefail", "-c", step.script], env=environment, cwd=tmp_path, check=False)
    assert done.returncode == code
    assert (tmp_path / "GITHUB_OUTPUT").read_text() == f"code={code}\n"
    assert (tmp_path / "GITHUB_STEP_SUMMARY").read_text() == "said\n"


@pytest.mark.parametrize(("code", "ends"), [(0, 0), (SparseError.exit_code, 0), (7, 7), (3, 3)])
def test_a_night_with_too_few_requests_is_a_notice(code: int, ends: int, tmp_path: Path) -> None:
    (step,) = [step for step in steps() if step.workflow == "nightly" and "stages.deploy drift" in step.script]
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", step.script],
        env=answering(tmp_path, code),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == ends
    assert ("::notice::" in done.stdout) == (code == SparseError.exit_code)


def test_credentials_last_as_long_as_the_job_and_no_longer_than_the_role_allows() -> None:
    """STS refuses a session longer than ``MaxSessionDuration``, which is an hour where a role names none."""
    from tests.infra.policies import read_template

    template = read_template()
    roles = {
        words.group(1): output["Value"]["Fn::GetAtt"][0]
        for output in template["Outputs"].values()
        if (words := re.search(r"variable (\w+)", output.get("Description", "")))
    }
    asked = 0
    for path in FILES:
        for name, job in read(path)["jobs"].items():
            for step in job["steps"]:
                if "role-to-assume" not in (given := step.get("with", {})):
                    continue
                variable = re.search(r"vars\.(\w+)", given["role-to-assume"])
                assert variable
                role = template["Resources"][roles[variable.group(1)]]["Properties"]
                seconds = given["role-duration-seconds"]
                # report only pulls in the beginning, and runs a pull request's own code after that
                needed = 0 if path.stem == "report" else job["timeout-minutes"] * 60
                assert needed <= seconds <= role.get("MaxSessionDuration", 3600), (path.stem, name)
                asked += 1
    assert asked >= 5


def test_no_image_gets_into_the_registry_unscanned() -> None:
    runs = [step["run"] for step in read(FOLDER / "image.yml")["jobs"]["image"]["steps"] if "run" in step]
    for target in ([], ["--target", "serve"]):
        words = [line for run in runs for line in commands(run) if "stages.common.image" in line]
        verbs = [line[3] for line in words if (line[4:6] == target) == bool(target)]
        assert verbs == ["build", "scan", "push", "sign"]
