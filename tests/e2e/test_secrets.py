"""No command tells a credential: not in what it prints, not in a receipt, a report, a run, a bundle or a cache.

A new command is a line in COMMANDS. Each runs twice: where what it asks answers, as far as that can be had here, and
where every server refuses it and says back all that it was told.
"""

from __future__ import annotations

import importlib.util
import io
import os
import re
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from threading import Lock

import pytest

from stages.compose.compose import write_params
from tests.e2e.project import Answer, Project
from tests.e2e.secrets import PLANTED, USER, leaks, leaks_in, parrot, unpacked
from tests.push.conftest import free_port, serve_s3

pytestmark = [pytest.mark.e2e]


@dataclass(frozen=True)
class Command:
    """A command of the pipeline.

    Attributes:
        words: behind ``python -m``.
        settings: composed for it, besides the storage and the tracking.
        room: without which it is not there yet.
        works: it ends well where its servers do.
        serves: it ends only when it is told to.
    """

    words: str
    settings: tuple[str, ...] = ()
    room: str = ""
    works: bool = True
    serves: bool = False

    def __str__(self) -> str:
        """The test's id."""
        return "-".join([self.words.removeprefix("stages."), *self.settings]).replace(" ", "-")


EMULATED = ("aws.bucket=''",)
ACCOUNT = ("compute=sagemaker", "compute.sagemaker.patience_minutes=0")
ENDPOINT = ("deploy=sagemaker",)

COMMANDS = [
    Command("stages.compose"),
    Command("stages.push"),
    Command("stages.push verify"),
    Command("dvc pull data/frames"),
    Command("dvc status --cloud"),
    Command("stages.train"),
    Command("stages.evaluate"),
    Command("stages.evaluate status", works=False),  # its registry is the server that refuses
    Command("stages.evaluate promote", works=False),
    Command("stages.deploy", ("deploy.model=models/best.onnx",)),
    Command("stages.deploy serve --port 0", serves=True),
    Command("stages.sweep", ("sweep.trials=1",), works=False),  # there are no photographs to judge by
    # jobs and endpoints of this machine, whose objects lie in the S3 server
    Command("stages.push", (*EMULATED, "compute=sagemaker-local")),
    Command("stages.train", (*EMULATED, "compute=sagemaker-local")),
    Command("stages.deploy", (*EMULATED, "deploy=sagemaker-local", "deploy.model=models/best.onnx")),
    # the account: only servers that refuse are here, and moto in the tests of each room
    Command("stages.common.infra status", works=False),
    Command("stages.common.infra diff", works=False),
    Command("stages.common.infra up", works=False),
    Command("stages.common.infra down", works=False),
    *(Command(f"stages.common.image {verb}", works=False) for verb in ("build", "scan", "push", "sign")),
    Command("stages.common.doctor aws", ACCOUNT, "stages.common.doctor", works=False),
    Command("stages.push", ACCOUNT, "stages.train.sagemaker", works=False),
    Command("stages.train", ACCOUNT, "stages.train.sagemaker", works=False),
    Command("stages.train status", ACCOUNT, "stages.train.sagemaker", works=False),
    Command("stages.train attach", ACCOUNT, "stages.train.sagemaker", works=False),
    Command("stages.train stop", ACCOUNT, "stages.train.sagemaker", works=False),
    Command("stages.deploy", (*ENDPOINT, "deploy.model=models/best.onnx"), "stages.deploy.endpoint", works=False),
    Command("stages.deploy status", ENDPOINT, "stages.deploy.endpoint", works=False),
    Command("stages.deploy rollback", ENDPOINT, "stages.deploy.endpoint", works=False),
    Command("stages.deploy teardown", ENDPOINT, "stages.deploy.endpoint", works=False),
    Command("stages.deploy cost", ENDPOINT, "stages.deploy.endpoint", works=False),
    Command("stages.deploy drift", ENDPOINT, "stages.deploy.drift", works=False),
    Command(
        "stages.deploy batch s3://planted-frames/sim-to-cloud/in/", ENDPOINT, "stages.deploy.endpoint", works=False
    ),
    Command("stages.sdg cloud status", (), "stages.sdg.cloud", works=False),
]

COMPOSING = ("stages.compose", "stages.sdg cloud status", "stages.sweep")
"""Commands that read conf/ and not params.yaml."""

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": PLANTED["access key"],
    "AWS_SECRET_ACCESS_KEY": PLANTED["secret key"],
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_MAX_ATTEMPTS": "1",
    "MLFLOW_TRACKING_USERNAME": USER,
    "MLFLOW_TRACKING_PASSWORD": PLANTED["MLFLOW_TRACKING_PASSWORD"],
    "MLFLOW_TRACKING_TOKEN": PLANTED["MLFLOW_TRACKING_TOKEN"],
}
"""Of whoever runs the commands. The S3 server that answers knows no session tokens; the one that refuses gets one."""

ONE_HYDRA = Lock()
"""Of all threads: Hydra composes one set of settings at a time."""

MLFLOW, AWS, STORAGE = (
    f"{USER}:{PLANTED[f'password of {key}']}@" for key in ("tracking.uri", "aws.endpoint", "storage.endpoint")
)
"""Users and passwords as they stand in addresses."""


@pytest.fixture(scope="module")
def good(first_run: tuple[Project, Answer], tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Project, str]]:
    """The project after its first run, and an S3 server that knows the planted key."""
    import shutil

    root = tmp_path_factory.mktemp("secrets")
    project = Project(root / "project")
    shutil.copytree(first_run[0].folder, project.folder, symlinks=True)
    keys = f"{PLANTED['access key']},{PLANTED['secret key']}"
    with serve_s3(root / "buckets", "--auth-key", keys) as server:
        (root / "buckets").mkdir(exist_ok=True)
        yield project, server.endpoint.removeprefix("http://")
    project.stop()


@pytest.fixture(scope="module")
def refusing() -> Iterator[str]:
    """Address of the server that refuses and says back."""
    with parrot() as port:
        yield f"127.0.0.1:{port}"


def settings(command: Command, storage: str, elsewhere: str) -> tuple[str, ...]:
    """Overrides for a command.

    Args:
        command: to be run.
        storage: address of the S3 server, without its scheme.
        elsewhere: address of what answers for AWS and MLflow; the latter's gets a password.
    """
    return (
        *("storage=s3", "storage.bucket=planted-frames", "aws.bucket=planted-frames", "tracking.enabled=true"),
        f"storage.endpoint='http://{storage}'",
        f"aws.endpoint='http://{elsewhere}'",
        f"tracking.uri='http://{MLFLOW}{elsewhere.rpartition('@')[2]}'",
        *command.settings,
    )


def run(project: Project, command: Command, storage: str, elsewhere: str, **environment: str) -> Answer:
    """Run a command, which must tell nothing; its exit status and what it printed."""
    overrides = settings(command, storage, elsewhere)
    with ONE_HYDRA:
        write_params(project.folder, overrides)
    words = command.words.split()
    known = project._environment()
    process = subprocess.Popen(
        [sys.executable, "-m", *words, *(overrides if command.words in COMPOSING else ())],
        cwd=project.folder,
        env={**known, **ENVIRONMENT, "PATH": f"{no_docker(project)}{os.pathsep}{known['PATH']}", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    first = ""
    if command.serves and process.stdout is not None:
        first = process.stdout.readline()
        process.terminate()
    try:
        said = first + process.communicate(timeout=300)[0]
    finally:
        process.kill()
    assert leaks(said) == [], command
    assert "Traceback" not in said, f"{command}: {said}"
    return Answer(f"{process.returncode}\n{said}")


def no_docker(project: Project) -> Path:
    """A folder with a docker that does nothing, so that no test builds an image where there is one."""
    folder = project.folder.parent / "programs"
    folder.mkdir(exist_ok=True)
    program = folder / "docker"
    program.write_text("#!/bin/sh\necho 'docker: refused' >&2\nexit 1\n")
    program.chmod(0o755)
    return folder


def here(works: bool | None = None) -> list[Command]:
    """Commands whose room is there."""
    return [
        command
        for command in COMMANDS
        if (not command.room or importlib.util.find_spec(command.room)) and works in (None, command.works)
    ]


def test_commands_that_work_tell_nothing(good: tuple[Project, str], refusing: str) -> None:
    project, storage = good
    for command in here(works=True):
        answer = run(project, command, storage, refusing)
        assert answer.text.startswith("0\n"), f"{command}: {answer.text}"
    assert leaks_in(project.folder) == {}
    stored = project.folder.parent / "buckets"
    assert {path.name for path in stored.rglob("*")} >= {"channel.json", "model.tar.gz"}
    assert leaks_in(stored) == {}


def test_commands_that_are_refused_tell_nothing(good: tuple[Project, str], refusing: str) -> None:
    project, _ = good
    for command in here():
        run(project, command, refusing, refusing, AWS_SESSION_TOKEN=PLANTED["session token"])
    assert leaks_in(project.folder) == {}


def test_addresses_with_passwords_at_which_nobody_answers(good: tuple[Project, str], tmp_path: Path) -> None:
    """Four commands at a time, each in a copy of the project, since they mostly wait before they try again."""
    import shutil

    nobody = f"127.0.0.1:{free_port()}"
    # those left out ask MLflow alone, with a password in its address in the other tests, too
    commands = [each for each in here() if each.settings or each.words not in ("stages.train", "stages.evaluate")]

    def leaks_of(part: int) -> dict[str, list[str]]:
        project = Project(tmp_path / str(part) / "project")
        shutil.copytree(good[0].folder, project.folder, symlinks=True)
        try:
            for command in commands[part::4]:
                run(project, command, f"{STORAGE}{nobody}", f"{AWS}{nobody}")
        finally:
            project.stop()
        return leaks_in(project.folder)

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(leaks_of, range(4))) == [{}, {}, {}, {}]


def test_what_is_searched_would_be_found(tmp_path: Path) -> None:
    """In files, in packed ones, in headers and in addresses."""
    import gzip

    secret = PLANTED["secret key"]
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        item = tarfile.TarInfo("inside")
        item.size = len(secret)
        archive.addfile(item, io.BytesIO(secret.encode()))
    (tmp_path / "model.tar.gz").write_bytes(gzip.compress(packed.getvalue()))
    (tmp_path / "log").write_text("planted%2FSecret%2BOf40Characters%2Fabcdefghij")
    (tmp_path / "header").write_text("Basic cGxhbnRlZC11c2VyOnBsYW50ZWQtYXdzLXBhc3N3b3Jk")
    (tmp_path / "params.yaml").write_text(secret)
    assert leaks_in(tmp_path) == {
        "header": ["password of aws.endpoint"],
        "log": ["secret key"],
        "model.tar.gz": ["secret key"],
    }
    assert list(unpacked(b"nothing")) == []


def context_of(folder: Path) -> bytes:
    """What ``docker build`` sends, by the rules of ``.dockerignore`` that are there; a tar."""
    rules = [line for line in (folder / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    assert rules[0] == "*"
    taken = {rule[1:] for rule in rules if rule.startswith("!")}
    left_out = {rule.removeprefix("**/") for rule in rules[1:] if rule[0] != "!"}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for path in sorted(folder.rglob("*")):
            parts = path.relative_to(folder).parts
            if path.is_file() and parts[0] in taken and not left_out & set(parts):
                archive.add(path, "/".join(parts))
    return packed.getvalue()


def test_the_image_is_built_of_nothing_that_a_run_leaves_behind(good: tuple[Project, str]) -> None:
    """The context of docker build, packed after everything has run here, holds no secret: committed code alone."""
    folder = good[0].folder
    context = context_of(folder)
    with tarfile.open(fileobj=io.BytesIO(context)) as archive:
        names = archive.getnames()
    copied = re.findall(r"^COPY (?!--from)(\S+)", (folder / "container/Dockerfile").read_text(), re.MULTILINE)
    assert all(any(fnmatch(name, f"{source.rstrip('/')}*") for name in names) for source in copied)
    committed = set(good[0].git("ls-files").splitlines())
    assert set(names) <= committed, "the image would hold what nobody committed"
    assert {leak for part in unpacked(context) for leak in leaks(part)} == set()
    (folder / "stages/planted.txt").write_text(PLANTED["secret key"])
    try:
        assert {leak for part in unpacked(context_of(folder)) for leak in leaks(part)} == {"secret key"}
    finally:
        (folder / "stages/planted.txt").unlink()
