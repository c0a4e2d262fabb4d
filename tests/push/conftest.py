"""A repository with three stages like the pipeline's, and a real S3 server."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml

from stages.common.settings import load
from stages.push.push import Pushed, push
from tests.settings import compose

KEY, SECRET = "TESTKEY0123456789", "not-a-word-of-this-may-leak"
REPOSITORY = Path(__file__).resolve().parents[2]

MAKE_FRAMES = """\
import pathlib, sys
count = int(pathlib.Path('frames.txt').read_text())
shards = pathlib.Path('data/frames/shards')
shards.mkdir(parents=True, exist_ok=True)
for number in range(count):
    (shards / f'train-{number:05d}.tar').write_bytes(bytes([number]) * 2000)
(shards.parent / 'manifest.json').write_text(str(count))
"""

PIPELINE = {
    "stages": {
        "sdg": {"cmd": "python make_frames.py", "deps": ["frames.txt"], "outs": [{"data/frames": {"persist": True}}]},
        "convert": {
            "cmd": "mkdir -p data/dataset && cp frames.txt data/dataset/count.txt",
            "deps": ["data/frames"],
            "outs": [{"data/dataset": {"push": False}}],
        },
        "push": {
            "cmd": "python -m stages.push",
            "deps": ["data/frames"],
            "params": ["storage"],
            "always_changed": True,
            "outs": [{"data/push.json": {"cache": False}}],
        },
        "train": {
            "cmd": "mkdir -p models && printf 'model of ' | cat - data/dataset/count.txt > models/best.onnx",
            "deps": ["data/dataset"],
            "outs": ["models/best.onnx"],
        },
    }
}


@dataclass(frozen=True)
class Clone:
    """A checkout that a user works in."""

    root: Path

    def run(self, *command: str, check: bool = True, **environment: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            command,
            cwd=self.root,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert not check or done.returncode == 0, f"{command}: {done.stdout}\n{done.stderr}"
        return done

    def dvc(self, *arguments: str, check: bool = True, **environment: str) -> subprocess.CompletedProcess[str]:
        return self.run(sys.executable, "-m", "dvc", *arguments, check=check, **environment)

    def push(self) -> Pushed:
        """Push in this process."""
        return push(self.root, load(self.root / "params.yaml").storage, self.receipt)

    def push_as_user(self, **environment: str) -> subprocess.CompletedProcess[str]:
        """Push as the pipeline does."""
        return self.run(sys.executable, "-m", "stages.push", check=False, **environment)

    @property
    def receipt(self) -> Path:
        return self.root / "data" / "push.json"

    def wipe_cache(self) -> None:
        shutil.rmtree(self.root / ".dvc" / "cache")
        shutil.rmtree(self.root / "data" / "frames", ignore_errors=True)

    def other_frames(self) -> None:
        """Render frames of other bytes."""
        script = self.root / "make_frames.py"
        script.write_text(script.read_text().replace("bytes([number])", "bytes([number + 100])"))
        self.dvc("repro", "--quiet", "--force", "--single-item", "sdg")

    @property
    def shards(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in sorted((self.root / "data/frames/shards").iterdir())}

    def storage(self, **values: object) -> None:
        """Write params.yaml with other storage settings than a folder."""
        settings = compose().model_dump()
        settings["storage"].update(values)
        (self.root / "params.yaml").write_text(yaml.safe_dump(settings))


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.fixture(scope="session")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """A repository in which everything but the push has run; copy it before changing it."""
    clone = Clone(tmp_path_factory.mktemp("rendered") / "a clone")
    clone.root.mkdir()
    (clone.root / "make_frames.py").write_text(MAKE_FRAMES)
    (clone.root / "frames.txt").write_text("3")
    (clone.root / "dvc.yaml").write_text(yaml.safe_dump(PIPELINE, sort_keys=False))
    (clone.root / ".gitignore").write_text("/data\n/models\n/.remote\n")
    clone.storage()
    clone.run("git", "init", "--quiet")
    clone.run("git", "config", "user.email", "tester@example.org")
    clone.run("git", "config", "user.name", "Tester")
    clone.dvc("init", "--quiet")
    clone.dvc("config", "core.analytics", "false")
    clone.dvc("config", "core.autostage", "true")
    clone.dvc("repro", "--quiet", "train")
    clone.run("git", "add", "--all")
    clone.run("git", "commit", "--quiet", "--message", "a pipeline")
    return clone


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Programs of this environment, the stages on their path, and nobody's AWS files."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    nowhere = tmp_path_factory.mktemp("nobody")
    monkeypatch.setenv("PATH", os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(nowhere / "site"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(nowhere / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(nowhere / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def clone(environment: None, request: pytest.FixtureRequest, tmp_path: Path) -> Clone:
    """A repository of the test's own, in which everything but the push has run."""
    rendered = request.getfixturevalue("rendered")
    root = tmp_path / "a clone"
    shutil.copytree(rendered.root, root, symlinks=True)
    return Clone(root)


@dataclass(frozen=True)
class S3Server:
    """A running server; buckets are folders in ``folder``."""

    endpoint: str
    folder: Path

    def objects(self, bucket: str) -> list[Path]:
        return sorted(path for path in (self.folder / bucket).rglob("*") if path.is_file())

    @property
    def admin(self) -> Any:
        """A client with the right key."""
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id=KEY,
            aws_secret_access_key=SECRET,
        )


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """An S3 server with signed requests, multipart and files on disk."""
    with serve_s3(tmp_path_factory.mktemp("buckets")) as server:
        yield server


@contextmanager
def serve_s3(folder: Path, *options: str) -> Iterator[S3Server]:
    """Run a server on ``folder`` with further options of rclone."""
    port = free_port()
    rclone = Path(sys.executable).parent / "rclone"
    server = subprocess.Popen(
        [
            *(str(rclone), "serve", "s3", str(folder), "--config", os.devnull),
            *("--auth-key", f"{KEY},{SECRET}", "--addr", f"127.0.0.1:{port}", *options),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(port, server)
        yield S3Server(f"http://127.0.0.1:{port}", folder)
    finally:
        server.terminate()
        server.wait(10)


def _wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        assert server.poll() is None, "rclone ended at once"
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise AssertionError("rclone does not listen")
