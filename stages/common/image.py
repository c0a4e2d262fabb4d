"""Build the container image, scan it, push what passes, and see that it is signed.

reads     container/ and stages/, through docker; the Git revision
writes    images in the registries that python -m stages.common.infra up makes; build/image.json
settings  aws.project, aws.region, infra.sign_images

build     docker build for linux/amd64, tagged with the Git revision
scan      push it to PROJECT-candidates, where Amazon ECR looks for known holes, and judge what was found
push      to PROJECT, from where jobs take the newest, or PROJECT-serve; refused unless scan let it pass
sign      wait until the registry has signed it with infra's signing profile
"""

from __future__ import annotations

import argparse
import base64
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from stages.common.cli import add_debug, run
from stages.common.errors import InputError, MissingDependencyError, ServiceError

T = TypeVar("T")

DOCKERFILE = Path("container/Dockerfile")

CONTEXT = ("LICENSE", ".dockerignore", "container", "stages")
"""What images are built of."""

SEVERITIES = ("CRITICAL", "HIGH", "MEDIUM", "LOW")
"""Of Amazon ECR's findings, the worst first."""

PAUSE = 5.0
"""Seconds between two looks at a scan or a signature."""

PATIENCE = 900
"""Seconds for either."""


@dataclass(frozen=True)
class Image:
    """An image of one revision, and the registries that it goes through.

    Attributes:
        ecr: boto3's client.
        project: first part of the registries' names.
        revision: full hash of the Git commit.
        target: stage of the Dockerfile; empty: the last.
        pause: seconds between two looks.
    """

    ecr: Any
    project: str
    revision: str
    target: str = ""
    pause: float = PAUSE

    @property
    def tag(self) -> str:
        """The same in both registries and on this machine."""
        return "-".join(filter(None, (self.target, "git", self.revision)))

    @property
    def local(self) -> str:
        """What docker calls it here."""
        return f"{self.project}:{self.tag}"

    @property
    def repository(self) -> str:
        """Name of the registry from which it is taken: that of jobs, or that of the Dockerfile's target."""
        return "-".join(filter(None, (self.project, self.target)))

    @property
    def candidates(self) -> str:
        """Name of the registry where it is scanned."""
        return f"{self.project}-candidates"

    def build(self) -> None:
        """Build it.

        Raises:
            ServiceError: when docker does not manage.
        """
        if not DOCKERFILE.is_file():
            raise InputError(f"'{DOCKERFILE}' is missing: run in the top folder of your clone")
        _docker(
            "build",
            *("--platform", "linux/amd64"),  # of every machine that SageMaker has, wherever this one is
            "--provenance=false",  # SageMaker takes a single manifest, no index
            *("--file", str(DOCKERFILE)),
            *(("--target", self.target) if self.target else ()),
            *("--label", f"org.opencontainers.image.revision={self.revision}"),
            *("--tag", self.local, "."),
        )

    def send(self, repository: str) -> str:
        """Push it, unless it is there; its address with the digest.

        Raises:
            StageError: when AWS or docker refuse.
        """
        host, digest = self._login(), self.digest(repository)
        if not digest:
            remote = f"{host}/{repository}:{self.tag}"
            _docker("tag", self.local, remote)
            _docker("push", remote)
            digest = self.digest(repository)
        if not digest:
            raise ServiceError(
                f"image '{self.tag}' is not in {repository} after docker push: see what docker says above"
            )
        return f"{host}/{repository}@{digest}"

    def digest(self, repository: str) -> str:
        """Its digest in a registry; empty when it is not there.

        Raises:
            StageError: when AWS refuses, or there is no such registry.
        """
        from stages.common.aws.session import told

        with told(f"registry '{repository}'"):
            try:
                answer = self.ecr.describe_images(repositoryName=repository, imageIds=[{"imageTag": self.tag}])
            except self.ecr.exceptions.ImageNotFoundException:
                return ""
            except self.ecr.exceptions.RepositoryNotFoundException:
                raise ServiceError(
                    f"registry '{repository}' does not exist: make it with python -m stages.common.infra up"
                ) from None
        return str(answer["imageDetails"][0]["imageDigest"])

    def findings(self) -> dict[str, int]:
        """What Amazon ECR found in the candidate, as numbers by severity, once it has looked.

        Raises:
            ServiceError: when it cannot look, or does not end.
        """

        def look() -> dict[str, int] | None:
            try:
                answer = self.ecr.describe_image_scan_findings(
                    repositoryName=self.candidates, imageId={"imageTag": self.tag}
                )
            except self.ecr.exceptions.ScanNotFoundException:
                return None  # it begins some seconds after the push
            status = answer["imageScanStatus"]
            if status["status"] in ("COMPLETE", "ACTIVE"):
                return dict(answer["imageScanFindings"].get("findingSeverityCounts", {}))
            if status["status"] in ("IN_PROGRESS", "PENDING"):
                return None
            raise ServiceError(
                f"image '{self.tag}' cannot be scanned ({status.get('description', status['status'])}): build it on a "
                "base image that Amazon ECR knows"
            )

        return _await(look, self._doing("scan"), self.pause)

    def judge(self, refused: str) -> str:
        """Say what was found.

        Args:
            refused: severity from which on an image is refused.

        Raises:
            ServiceError: when something as bad as that was found.
        """
        found = self.findings()
        bad = SEVERITIES[: SEVERITIES.index(refused) + 1]
        counts = ", ".join(f"{found[name]} {name.lower()}" for name in SEVERITIES if found.get(name)) or "nothing"
        if any(found.get(name) for name in bad):
            raise ServiceError(
                f"image '{self.tag}' has known holes ({counts}): see them with aws ecr describe-image-scan-findings "
                f"--repository-name {self.candidates} --image-id imageTag={self.tag}, renew the base image or packages"
            )
        return counts

    def signature(self) -> str:
        """ARN of the profile by which the registry has signed the image, once it has.

        Raises:
            ServiceError: when it did not, or does not end.
        """

        def look() -> str | None:
            answer = self.ecr.describe_image_signing_status(
                repositoryName=self.repository, imageId={"imageTag": self.tag}
            )
            statuses = answer["signingStatuses"]
            failed = [item for item in statuses if item["status"] == "FAILED"]
            if failed:
                why = failed[0].get("failureReason", "no reason given")
                raise ServiceError(f"image '{self.tag}' was not signed ({why}): mend that and push another revision")
            done = [item for item in statuses if item["status"] == "COMPLETE"]
            return str(done[0]["signingProfileArn"]) if done else None

        return _await(look, self._doing("signature"), self.pause)

    def _doing(self, what: str) -> str:
        return f"the {what} of image '{self.tag}'"

    def _login(self) -> str:
        """Log docker in with a password for some hours, given on its standard input; the registry's host."""
        from stages.common.aws.session import told

        with told("the registry"):
            entry = self.ecr.get_authorization_token()["authorizationData"][0]
        user, _, password = base64.b64decode(entry["authorizationToken"]).decode().partition(":")
        host = str(entry["proxyEndpoint"]).removeprefix("https://")
        _docker("login", "--username", user, "--password-stdin", host, given=password, quiet=True)
        return host


def _await(look: Callable[[], T | None], doing: str, pause: float) -> T:
    """What ``look`` gives once it gives something."""
    from stages.common.aws.session import told

    end = time.monotonic() + PATIENCE
    with told(doing):
        while (answer := look()) is None:
            if time.monotonic() > end:
                raise ServiceError(f"{doing} does not end: try again later")
            time.sleep(pause)
    return answer


def revision() -> str:
    """Hash of the commit that is checked out: an image is named by it, so what it is made of must be as it is there.

    Raises:
        InputError: when there is none, or files of the image differ from it.
    """
    git = ["git", "status", "--porcelain", "--", *CONTEXT]
    changed = subprocess.run(git, capture_output=True, text=True, check=False)
    head = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    if head.returncode or changed.returncode:
        raise InputError("no Git commit is checked out here, and images are named by it: run in your clone")
    if changed.stdout:
        raise InputError(
            f"{changed.stdout.split()[1]} differs from the commit that would name the image: commit it, or take it away"
        )
    return head.stdout.strip()


def _docker(*arguments: str, given: str | None = None, quiet: bool = False) -> None:
    if not shutil.which("docker"):
        raise MissingDependencyError("docker is not installed: install it, or let the workflow image build")
    done = subprocess.run(
        ["docker", *arguments], input=given, text=True, stdout=subprocess.DEVNULL if quiet else None, check=False
    )
    if done.returncode:
        raise ServiceError(f"docker {arguments[0]} failed: see what it says above")


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(
        "python -m stages.common.image", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = top.add_subparsers(metavar="build|scan|push|sign", required=True)
    for name, text in {
        "build": "build the image of this commit",
        "scan": "push it as a candidate, and judge what Amazon ECR finds in it",
        "push": "push it to where jobs and endpoints take it from",
        "sign": "wait for its signature",
    }.items():
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("--params", type=Path, default=Path("params.yaml"), help="composed settings")
        command.add_argument("--target", default="", metavar="STAGE", help="of the Dockerfile; the last one otherwise")
        command.set_defaults(command=name, refuse=SEVERITIES[0])
        add_debug(command)
        if name in ("scan", "push"):
            text = "severity from which on findings refuse the image [CRITICAL]"
            command.add_argument("--refuse", choices=SEVERITIES, help=text)
            command.set_defaults(refuse=SEVERITIES[0])
        if name == "push":
            text = "where to write the address"
            command.add_argument("--receipt", type=Path, default=Path("build/image.json"), help=text)
    return top


def main(args: argparse.Namespace) -> str:
    """Do what the command line says."""
    from stages.common.aws.session import client
    from stages.common.files import write_json
    from stages.common.settings import load

    settings = load(args.params)
    image = Image(client(settings.aws, "ecr"), settings.aws.project, revision(), args.target)
    match args.command:
        case "build":
            image.build()
            return f"image: {image.local} is built"
        case "scan":
            address = image.send(image.candidates)
            return f"image: {image.judge(args.refuse)} of note in {address}"
        case "push":
            image.judge(args.refuse)
            address = image.send(image.repository)
            write_json(args.receipt, {"image": address, "revision": image.revision, "tag": image.tag})
            return f"image: {address}; aws.image takes it, and when empty the newest"
    if not settings.infra.sign_images:
        return "image: infra.sign_images is off, so nothing is signed"
    return f"image: {image.tag} is signed by {image.signature()}"


if __name__ == "__main__":
    arguments = parser().parse_args()
    sys.exit(run(main, arguments))
