"""The image's way into the registry: a docker that notes what it is told, and a registry in this process."""

from __future__ import annotations

import base64
import json
import stat
import subprocess
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml

from stages.common import image as module
from stages.common.errors import InputError, MissingDependencyError, ServiceError
from stages.common.image import main, parser, revision
from tests.settings import compose

PASSWORD = "a-password-for-twelve-hours"

DOCKER = """\
#!/bin/sh
echo "$@" >> "$DOCKER_LOG"
[ "$1" = login ] && cat >> "$DOCKER_LOG.stdin"
exit "${DOCKER_EXIT:-0}"
"""


class Registry:
    """The answers of Amazon ECR that moto lacks or makes up, in the order of the story."""

    def __init__(self) -> None:
        self.pushed: dict[str, str] = {}
        self.scan: list[Any] = [None, "IN_PROGRESS", {"MEDIUM": 2}]
        self.signing: list[str] = ["IN_PROGRESS", "COMPLETE"]
        self.exceptions = boto3.client("ecr", region_name="us-east-1").exceptions

    def get_authorization_token(self) -> Any:
        token = base64.b64encode(f"AWS:{PASSWORD}".encode()).decode()
        host = "https://123456789012.dkr.ecr.us-east-1.amazonaws.com"
        return {"authorizationData": [{"authorizationToken": token, "proxyEndpoint": host}]}

    def describe_images(self, repositoryName: str, imageIds: Any) -> Any:
        if repositoryName not in self.pushed:
            raise self.exceptions.RepositoryNotFoundException({"Error": {"Code": "x"}}, "DescribeImages")
        if not self.pushed[repositoryName]:
            self.pushed[repositoryName] = "sha256:" + "a" * 64  # the next look comes after docker push
            raise self.exceptions.ImageNotFoundException({"Error": {"Code": "x"}}, "DescribeImages")
        return {"imageDetails": [{"imageDigest": self.pushed[repositoryName]}]}

    def describe_image_scan_findings(self, repositoryName: str, imageId: Any) -> Any:
        assert repositoryName == "sim-to-cloud-candidates"
        step = self.scan.pop(0) if len(self.scan) > 1 else self.scan[0]
        if step is None:
            raise self.exceptions.ScanNotFoundException({"Error": {"Code": "x"}}, "DescribeImageScanFindings")
        if isinstance(step, str):
            return {"imageScanStatus": {"status": step, "description": "no such system"}}
        return {"imageScanStatus": {"status": "COMPLETE"}, "imageScanFindings": {"findingSeverityCounts": step}}

    def describe_image_signing_status(self, repositoryName: str, imageId: Any) -> Any:
        assert repositoryName == "sim-to-cloud"
        status = self.signing.pop(0)
        return {"signingStatuses": [{"status": status, "signingProfileArn": "arn:profile", "failureReason": "no key"}]}


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the fake docker was told."""
    folder = tmp_path / "bin"
    folder.mkdir()
    docker = folder / "docker"
    docker.write_text(DOCKER)
    docker.chmod(docker.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setenv("DOCKER_LOG", str(tmp_path / "docker.log"))
    return tmp_path / "docker.log"


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "clone"
    (root / "container").mkdir(parents=True)
    (root / "container/Dockerfile").write_text("FROM scratch\n")
    (root / ".gitignore").write_text("build\nparams.yaml\n")
    monkeypatch.chdir(root)
    for command in ("init -q", "add -A", "-c user.name=t -c user.email=t@example.org commit -qm x"):
        subprocess.run(["git", *command.split()], check=True)
    (root / "params.yaml").write_text(yaml.safe_dump(compose().model_dump(mode="json", by_alias=True)))
    return root


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Registry:
    made = Registry()
    made.pushed = {"sim-to-cloud-candidates": "", "sim-to-cloud": ""}
    monkeypatch.setattr("stages.common.aws.session.client", lambda aws, service: made)
    monkeypatch.setattr(module.time, "sleep", lambda seconds: None)
    return made


def said(*arguments: str) -> str:
    return main(parser().parse_args(list(arguments)))


def test_build_scan_push_and_sign(clone: Path, log: Path, registry: Registry) -> None:
    commit = revision()
    assert said("build") == f"image: sim-to-cloud:git-{commit} is built"
    host = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
    digest = "sha256:" + "a" * 64
    assert said("scan") == f"image: 2 medium of note in {host}/sim-to-cloud-candidates@{digest}"
    assert said("push").startswith(f"image: {host}/sim-to-cloud@{digest}; ")
    assert said("sign") == f"image: git-{commit} is signed by arn:profile"
    lines = log.read_text().splitlines()
    assert lines[0] == (
        "build --platform linux/amd64 --provenance=false --file container/Dockerfile "
        f"--label org.opencontainers.image.revision={commit} --tag sim-to-cloud:git-{commit} ."
    )
    assert [line.split()[0] for line in lines] == ["build", "login", "tag", "push", "login", "tag", "push"]
    assert lines[-1] == f"push {host}/sim-to-cloud:git-{commit}"
    receipt = json.loads((clone / "build/image.json").read_text())
    assert receipt == {"image": f"{host}/sim-to-cloud@{digest}", "revision": commit, "tag": f"git-{commit}"}


def test_the_password_is_on_no_command_line(
    clone: Path, log: Path, registry: Registry, capfd: pytest.CaptureFixture[str]
) -> None:
    said("scan")
    assert PASSWORD not in log.read_text() + "".join(capfd.readouterr())
    assert Path(f"{log}.stdin").read_text() == PASSWORD


def test_what_is_there_is_not_pushed_again(clone: Path, log: Path, registry: Registry) -> None:
    registry.pushed["sim-to-cloud-candidates"] = "sha256:" + "b" * 64
    said("scan")
    assert "push" not in [line.split()[0] for line in log.read_text().splitlines()]


def test_known_holes_keep_an_image_out(clone: Path, log: Path, registry: Registry) -> None:
    registry.scan = [{"CRITICAL": 1, "LOW": 9}]
    with pytest.raises(ServiceError, match=r"has known holes \(1 critical, 9 low\): see them with aws ecr"):
        said("push")
    assert not log.exists()
    registry.scan = [{"HIGH": 1}]
    assert said("scan").startswith("image: 1 high of note")
    with pytest.raises(ServiceError, match="1 high"):
        said("scan", "--refuse", "HIGH")


def test_an_image_that_cannot_be_scanned_is_refused(clone: Path, log: Path, registry: Registry) -> None:
    registry.scan = ["UNSUPPORTED_IMAGE"]
    with pytest.raises(ServiceError, match=r"cannot be scanned \(no such system\)"):
        said("scan")


def test_a_signature_that_failed(clone: Path, log: Path, registry: Registry) -> None:
    registry.signing = ["FAILED"]
    with pytest.raises(ServiceError, match=r"was not signed \(no key\)"):
        said("sign")


def test_missing_registries_say_how_to_make_them(clone: Path, log: Path, registry: Registry) -> None:
    registry.pushed.clear()
    with pytest.raises(ServiceError, match=r"does not exist: make it with python -m stages\.common\.infra up"):
        said("scan")


def test_a_dirty_checkout_names_no_image(clone: Path) -> None:
    (clone / "notes.txt").write_text("in no image")
    assert revision()
    (clone / "stages").mkdir()
    (clone / "stages/new.py").write_text("in the image")
    with pytest.raises(InputError, match="stages/ differs from the commit"):
        revision()
    (clone / "stages/new.py").unlink()
    (clone / "container/Dockerfile").write_text("FROM other\n")
    with pytest.raises(InputError, match="container/Dockerfile differs from the commit"):
        revision()


def test_without_docker(clone: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.shutil, "which", lambda name: None)
    with pytest.raises(MissingDependencyError, match="docker is not installed"):
        said("build")


def test_docker_that_fails(clone: Path, log: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_EXIT", "3")
    with pytest.raises(ServiceError, match="docker build failed: see what it says above"):
        said("build")


def test_a_target_is_part_of_the_tag(clone: Path, log: Path, registry: Registry) -> None:
    assert said("build", "--target", "serve") == f"image: sim-to-cloud:serve-git-{revision()} is built"
    assert " --target serve " in log.read_text()
