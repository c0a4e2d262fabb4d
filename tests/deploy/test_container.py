"""``serve`` as the image runs it, in a made-up /opt/ml."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from stages.common.errors import InputError
from stages.deploy.bundle import Bundle
from stages.deploy.container import find_bundle
from tests.deploy.conftest import REPOSITORY, Server, picture
from tests.push.conftest import free_port


@contextmanager
def container(tree: Path, **environment: str) -> Iterator[Server]:
    """``docker run IMAGE serve`` with ``tree`` as /opt/ml."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "container", "serve"],
        cwd=REPOSITORY,
        env={**os.environ, "OPT_ML": str(tree), "SAGEMAKER_BIND_TO_PORT": str(port), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline().strip()
        assert line, process.communicate()[1]
        yield Server(process, f"http://127.0.0.1:{port}", line)
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def tree(bundle: Bundle, tmp_path: Path) -> Path:
    shutil.copytree(bundle.folder, tmp_path / "ml" / "model")
    return tmp_path / "ml"


def test_it_serves_the_bundle_and_ends_on_sigterm(tree: Path) -> None:
    with container(tree) as server:
        assert " on http://0.0.0.0:" in server.line
        assert httpx.get(f"{server.url}/ping").status_code == 200
        assert len(server.post(picture()).json()["detections"]) == 2
        started = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(30) == 0
        assert time.monotonic() - started < 25


def test_batch_transform_says_how_long_a_body_may_be(tree: Path) -> None:
    with container(tree, SAGEMAKER_MAX_PAYLOAD_IN_MB="3", DETECTOR_THREADS="2") as server:
        assert httpx.get(f"{server.url}/execution-parameters").json() == {
            "MaxConcurrentTransforms": 2,
            "BatchStrategy": "SINGLE_RECORD",
            "MaxPayloadInMB": 3,
        }
        assert server.post(bytes(2 * 2**20)).status_code == 400  # taken, and no picture
        assert server.post(bytes(4 * 2**20)).status_code == 413


def test_a_bundle_one_folder_below(tree: Path, bundle: Bundle) -> None:
    (tree / "model").rename(tree / "bundle")
    (tree / "model").mkdir()
    (tree / "bundle").rename(tree / "model" / "bundle")
    assert find_bundle(tree / "model").settings == bundle.settings


def test_a_plain_model(tmp_path: Path, model: Path, bundle: Bundle) -> None:
    shutil.copy(model, tmp_path / "best.onnx")
    assert find_bundle(tmp_path).settings.model_sha256 == bundle.settings.model_sha256


def test_nothing_to_serve(tmp_path: Path) -> None:
    (tmp_path / "best.pt").touch()
    with pytest.raises(InputError, match=r"holds neither a bundle nor one ONNX file, but best\.pt: make model"):
        find_bundle(tmp_path)


def test_the_reason_why_it_does_not_start(tree: Path) -> None:
    (tree / "model" / "model.onnx").write_bytes(b"damaged")
    done = subprocess.run(
        [sys.executable, "-m", "container", "serve"],
        cwd=REPOSITORY,
        env={**os.environ, "OPT_ML": str(tree)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 3
    assert done.stderr.startswith(f"error: '{tree}/model/model.onnx' is not what it was")


def test_an_argument_that_is_none() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "container", "bash"], cwd=REPOSITORY, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2
    assert done.stderr == "error: 'bash' is not known: start it with train or serve\n"


def test_the_serving_image_lacks_torch(tree: Path) -> None:
    """Only what container/serve.txt lists, and what comes with it, may be imported."""
    script = (
        "import sys\n"
        "for name in ('torch', 'ultralytics', 'boto3', 'botocore', 'dvc', 'mlflow', 'bpy', 'hydra', 'onnx', 'scipy'):\n"
        "    sys.modules[name] = None\n"
        "from stages.deploy.container import find_bundle\n"
        "from stages.deploy.inference import Inference\n"
        "import container.serve, stages.deploy.app, stages.deploy.server, stages.deploy.protocol, uvicorn\n"
        "from pathlib import Path\n"
        f"Inference(find_bundle(Path({str(tree / 'model')!r})), 1)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60, cwd=REPOSITORY)
