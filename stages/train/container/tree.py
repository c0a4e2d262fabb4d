"""The folder ``/opt/ml``, through which SageMaker and a training container talk."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stages.common.channel import LIST
from stages.common.errors import InputError, TrainingError
from stages.train.contract import TRAINING, WEIGHTS

ROOT = "OPT_ML"
"""Environment variable with another place than ``/opt/ml``."""

SCRATCH = "CONTAINER_SCRATCH"
"""Environment variable with another place for the unpacked data and the work folder than the system's temporary one."""

FAILURE_LENGTH = 1024
"""Characters of the failure file that SageMaker shows (developer guide, "How Amazon SageMaker processes training
output")."""

GPU_FAMILIES = ("g", "p")
"""First letters of the instance families with NVIDIA GPUs, as in ``ml.g5.xlarge``."""


@dataclass(frozen=True)
class Tree:
    """The tree of one job.

    Attributes:
        root: ``/opt/ml``.
        scratch: folder for whatever need not outlive the container.
    """

    root: Path
    scratch: Path

    @classmethod
    def here(cls) -> Tree:
        """The one that this process was started with."""
        scratch = os.environ.get(SCRATCH) or Path(tempfile.gettempdir()) / "sim-to-cloud"
        return cls(Path(os.environ.get(ROOT) or "/opt/ml"), Path(scratch))

    @property
    def checkpoints(self) -> Path:
        """Copied to object storage while the job runs, and back before it starts again."""
        return self.root / "checkpoints"

    @property
    def model(self) -> Path:
        """Becomes ``model.tar.gz``."""
        return self.root / "model"

    def hyperparameters(self) -> Mapping[str, Any]:
        """Contents of ``hyperparameters.json``; empty without it.

        Raises:
            InputError: when it is no JSON object.
        """
        return self._config("hyperparameters.json")

    def check_hosts(self) -> None:
        """Raise TrainingError unless one instance does it all."""
        hosts = self._config("resourceconfig.json").get("hosts")
        if isinstance(hosts, list) and len(hosts) > 1:
            raise TrainingError(f"this job has {len(hosts)} instances, and training uses one: ask for one instance")

    @property
    def gpu_instance(self) -> str:
        """Type of the instance when it is one with GPUs; else empty."""
        kind = str(self._config("resourceconfig.json").get("current_instance_type", ""))
        return kind if kind.removeprefix("ml.").startswith(GPU_FAMILIES) and kind.startswith("ml.") else ""

    def training(self) -> Path:
        """Folder of the channel with the data set: ``training``, or else the only one that holds one.

        Raises:
            InputError: when there is none.
        """
        data = self.root / "input" / "data"
        channels = sorted(path for path in data.iterdir() if path.is_dir()) if data.is_dir() else []
        holding = [path for path in channels if (path / LIST).is_file() or (path / "data.yaml").is_file()]
        for path in holding:
            if path.name == TRAINING or len(holding) == 1:
                return path
        there = ", ".join(path.name for path in channels) or "none"
        raise InputError(
            f"no channel holds a data set, there are: {there}; name it '{TRAINING}', and let its prefix end in a slash "
            f"and hold {LIST}"
        )

    def weights(self) -> Path | None:
        """The file that training starts from; None from scratch.

        Raises:
            InputError: when the channel is there without one such file.
        """
        folder = self.root / "input" / "data" / WEIGHTS
        if not folder.is_dir():
            return None
        files = sorted(folder.rglob("*.pt"))
        if len(files) != 1:
            raise InputError(f"channel '{WEIGHTS}' holds {len(files)} .pt files: give one, or leave the channel out")
        return files[0]

    def fail(self, sentence: str) -> None:
        """Leave the reason of a failure where SageMaker looks for it; a full disk is no reason to fail otherwise."""
        folder = self.root / "output"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "failure").write_text(sentence[:FAILURE_LENGTH], encoding="utf-8")
        except OSError as error:
            print(f"the failure file cannot be written ({error.strerror})", flush=True)

    def _config(self, name: str) -> Mapping[str, Any]:
        path = self.root / "input" / "config" / name
        try:
            content = json.loads(path.read_bytes())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError):
            content = None
        if not isinstance(content, dict):
            raise InputError(f"'{path}' is no JSON object; submit the job again")
        return content
