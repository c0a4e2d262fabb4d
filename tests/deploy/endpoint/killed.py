"""Clients that are killed before one of their calls of AWS.

``cut`` does so in this process, quickly: the call and all that would follow it do not happen, not even those of
``finally`` blocks, so that AWS sees what it sees of a process that is killed. ``kill`` really kills one, by SIGKILL.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from botocore.client import BaseClient

from stages.common.settings import Settings
from stages.deploy.bundle import Serving, pack
from stages.deploy.endpoint.rollback import roll_back
from stages.deploy.endpoint.rollout import serve_at_sagemaker
from stages.deploy.endpoint.teardown import take_down
from tests.deploy.conftest import REPOSITORY

LIMITS = Serving(queue=1, max_body_mb=1, max_pixels=1_000_000)


class Killed(BaseException):
    """What no code catches."""


def do(command: str, settings: Settings, model: Path, frames: Path) -> Any:
    """Run a command here."""
    if command == "rollback":
        return roll_back(settings, frames)
    if command == "teardown":
        return take_down(settings)
    with tempfile.TemporaryDirectory() as folder:
        return serve_at_sagemaker(pack(model, Path(folder) / "bundle", LIMITS), model, frames, settings)


@contextlib.contextmanager
def cut(at: int) -> Iterator[list[str]]:
    """Let no call of AWS happen from the one numbered ``at`` on; gives the calls that did."""
    call = BaseClient._make_api_call
    made: list[str] = []

    def counted(self: Any, operation: str, params: Any) -> Any:
        if len(made) + 1 >= at:
            raise Killed
        made.append(operation)
        return call(self, operation, params)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BaseClient, "_make_api_call", counted)
        yield made


def kill(command: str, settings: Settings, model: Path, frames: Path, operation: str) -> None:
    """Run a command in a process that is killed right before its first call of an operation."""
    with tempfile.TemporaryDirectory() as folder:
        params = Path(folder) / "params.yaml"
        params.write_text(yaml.safe_dump(settings.model_dump()))
        script = [str(Path(__file__).resolve()), command, str(params), str(model), str(frames), operation]
        paths = os.pathsep.join([str(REPOSITORY)])
        done = subprocess.run(
            [sys.executable, *script], env={**os.environ, "PYTHONPATH": paths}, timeout=300, cwd=REPOSITORY
        )
    assert done.returncode == -signal.SIGKILL


def _main(command: str, params: str, model: str, frames: str, operation: str) -> None:
    from stages.common.settings import load

    call: Callable[..., Any] = BaseClient._make_api_call

    def watched(self: Any, name: str, values: Any) -> Any:
        if name == operation:
            os.kill(os.getpid(), signal.SIGKILL)
        return call(self, name, values)

    BaseClient._make_api_call = watched
    do(command, load(Path(params)), Path(model), Path(frames))


if __name__ == "__main__":
    _main(*sys.argv[1:])
