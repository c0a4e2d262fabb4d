"""Made-up /opt/ml trees, and the image's entry point run on them as a process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from stages.common.channel import pack
from stages.train.container.tree import Tree
from stages.train.contract import hyperparameters
from tests.train.tiny import compute, model, train, write_tree

REPOSITORY = Path(__file__).resolve().parents[2]
EPOCHS = 3


def make_tree(folder: Path, pictures: int = 6, **changes: object) -> Tree:
    """An ``/opt/ml`` as SageMaker fills it, with the data set as a channel."""
    root = folder / "ml"
    pack(write_tree(folder / "yolo", train=pictures), root / "input/data/training", shard_bytes=20_000)
    config = root / "input/config"
    config.mkdir(parents=True)
    sent = hyperparameters(model(), train(**{"epochs": EPOCHS, **changes}), compute())
    (config / "hyperparameters.json").write_text(json.dumps(sent))
    (config / "resourceconfig.json").write_text('{"current_host": "algo-1", "hosts": ["algo-1"]}')
    return Tree(root, folder / "scratch")


def start(tree: Tree, **environment: str) -> subprocess.Popen[str]:
    """``docker run IMAGE train``."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
    return subprocess.Popen(
        [sys.executable, "-u", "-m", "container", "train"],
        cwd=REPOSITORY,
        env={**inherited, "OPT_ML": str(tree.root), "CONTAINER_SCRATCH": str(tree.scratch), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def run(tree: Tree, **environment: str) -> tuple[int, str]:
    """Exit status, and all that was said."""
    process = start(tree, **environment)
    said, _ = process.communicate(timeout=300)
    return process.returncode, said


def failure(tree: Tree) -> str:
    """What SageMaker would show as the reason."""
    return (tree.root / "output/failure").read_text()
