"""A job's folder, which stands for SageMaker's API: request in, status and log out."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from stages.common.files import write_json

REPOSITORY = Path(__file__).resolve().parents[3]
"""Where ``stages`` and ``container`` lie."""

ENDED = {"Completed", "Failed", "Stopped"}
"""Values of ``TrainingJobStatus`` after which nothing changes."""

SECRETS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE")
"""Kept from the container, which has a role of its own in AWS."""


@dataclass(frozen=True)
class Options:
    """What the emulator does that no request says.

    Attributes:
        endpoint, region: of the S3 server.
        interrupt_after: epochs after which the spot machine is taken away, in the middle of the next.
        grace: seconds from SIGTERM to SIGKILL; 0 kills without a warning.
        id: tells this job from a later one in the same folder.
    """

    endpoint: str = ""
    region: str = "us-east-1"
    interrupt_after: list[int] = field(default_factory=list)
    grace: float = 120
    id: str = ""


@dataclass(frozen=True)
class JobFolder:
    """The folder of one job.

    Attributes:
        folder: where it lies.
    """

    folder: Path

    @property
    def tree(self) -> Path:
        """Stands for ``/opt/ml``."""
        return self.folder / "ml"

    @property
    def scratch(self) -> Path:
        """Stands for the container's ``/tmp``."""
        return self.folder / "scratch"

    @property
    def log(self) -> Path:
        """Every line that the container wrote."""
        return self.folder / "log.txt"

    def create(self, request: Mapping[str, Any], options: Options) -> None:
        """Write a CreateTrainingJob request; what an earlier job left goes."""
        for path in (self._status, self._stop, self.log):
            path.unlink(missing_ok=True)
        write_json(self.folder / "request.json", request)
        write_json(self.folder / "options.json", asdict(options))

    def request(self) -> dict[str, Any]:
        """The request."""
        content: dict[str, Any] = json.loads((self.folder / "request.json").read_bytes())
        return content

    def options(self) -> Options:
        """The emulator's options."""
        return Options(**json.loads((self.folder / "options.json").read_bytes()))

    def describe(self) -> dict[str, Any]:
        """What DescribeTrainingJob would say; empty before the job has begun."""
        try:
            content: dict[str, Any] = json.loads(self._status.read_bytes())
        except (FileNotFoundError, NotADirectoryError):
            return {}
        return content

    def write_status(self, status: Mapping[str, Any]) -> None:
        """Change what :meth:`describe` says."""
        write_json(self._status, status)

    def stop(self) -> None:
        """Ask for the end, as StopTrainingJob does."""
        self._stop.touch()

    @property
    def is_stopped(self) -> bool:
        """Whether the end was asked for."""
        return self._stop.exists()

    def is_gone(self, options: Options) -> bool:
        """Whether the folder is no longer there, or another job's."""
        try:
            return self.options() != options
        except (FileNotFoundError, NotADirectoryError):
            return True

    def launch(self) -> None:
        """Start a supervisor that outlives this process."""
        paths = os.pathsep.join(filter(None, [str(REPOSITORY), os.environ.get("PYTHONPATH", "")]))
        with open(self.folder / "supervisor.txt", "ab") as said:
            subprocess.Popen(
                [sys.executable, "-m", "stages.train.emulator", str(self.folder.resolve())],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                env={**os.environ, "PYTHONPATH": paths},
                start_new_session=True,
            )

    def is_alive(self) -> bool:
        """Whether a supervisor works on the job."""
        try:
            with self.held():
                return False
        except BlockingIOError:
            return True

    @contextmanager
    def held(self) -> Iterator[None]:
        """Be the one who works on the job.

        Raises:
            BlockingIOError: when somebody else is.
        """
        with open(self.folder / "lock", "a") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield

    @property
    def _status(self) -> Path:
        return self.folder / "status.json"

    @property
    def _stop(self) -> Path:
        return self.folder / "stop"
