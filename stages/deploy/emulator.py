"""``deploy=sagemaker-local``: an endpoint as SageMaker would run it, on this machine and without Docker.

``model.tar.gz`` goes into object storage, is fetched from there into a made-up ``/opt/ml/model``, and the image's entry
point ``serve`` runs on it. What SageMaker asks of a container is asked here: healthy within four minutes, ``/ping``
within two seconds, the end within 30 seconds of SIGTERM.
"""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from stages.common.buckets import base_uri, open_bucket
from stages.common.errors import ServiceError
from stages.common.settings import Settings
from stages.deploy.bundle import Bundle

REPOSITORY = Path(__file__).resolve().parents[2]
"""Where ``stages`` and ``container`` lie."""

HEALTHY = 240.0
"""Seconds until ``/ping`` must answer 200 (developer guide, "Use Your Own Inference Code with Hosting Services")."""

PING = 2.0
"""Seconds that ``/ping`` may take."""

KILL = 30.0
"""Seconds from SIGTERM to SIGKILL."""

ARCHIVE = "model.tar.gz"


@contextmanager
def endpoint(bundle: Bundle, settings: Settings, project: Path) -> Iterator[str]:
    """Serve a bundle in a container's surroundings.

    Args:
        bundle: to upload.
        settings: where object storage is, threads and port.
        project: top of the repository.

    Yields:
        The server's address.

    Raises:
        ServiceError: when the container does not turn healthy, or does not end in time.
        StorageError: when object storage does not answer.
    """
    with tempfile.TemporaryDirectory() as place:
        tree = Path(place) / "ml"
        _bring_model(bundle, settings, project, tree / "model")
        port = settings.deploy.port or _free_port()
        with open(Path(place) / "log.txt", "w+", encoding="utf-8") as log:
            container = _start(tree, port, settings.deploy.threads, log)
            try:
                _wait(container, port, log)
                yield f"http://127.0.0.1:{port}"
            finally:
                code = _stop(container)
            if code != 0:
                raise ServiceError(f"the container ended with {code} after SIGTERM, not with 0 ({_last(log)})")


def archive(bundle: Bundle, path: Path) -> None:
    """Write ``model.tar.gz`` of a bundle, its files at the top."""
    with tarfile.open(path, "w:gz", compresslevel=1) as tar:
        for file in sorted(bundle.folder.iterdir()):
            tar.add(file, file.name)


def _bring_model(bundle: Bundle, settings: Settings, project: Path, folder: Path) -> None:
    """By way of object storage, as the endpoint gets it; one that is there is not sent again."""
    storage = settings.storage
    uri = f"{base_uri(storage, settings.aws, project)}/models/{bundle.settings.model_sha256}"
    bucket = open_bucket(uri, storage.endpoint, storage.region)
    with tempfile.TemporaryDirectory() as place:
        packed = Path(place) / ARCHIVE
        archive(bundle, packed)
        bucket.put(packed, ARCHIVE)
        fetched = Path(place) / f"fetched-{ARCHIVE}"
        if not bucket.fetch(ARCHIVE, fetched):
            raise ServiceError(f"{uri}/{ARCHIVE} is not there after it was sent: deploy again")
        with tarfile.open(fetched) as tar:
            tar.extractall(folder, filter="data")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _start(tree: Path, port: int, threads: int, log: IO[str]) -> subprocess.Popen[bytes]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment |= {
        "OPT_ML": str(tree),
        "SAGEMAKER_BIND_TO_PORT": str(port),
        "DETECTOR_HOST": "127.0.0.1",
        "DETECTOR_THREADS": str(threads),
        "DETECTOR_FOLLOW": str(os.getpid()),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(REPOSITORY), os.environ.get("PYTHONPATH", "")])),
    }
    command = [sys.executable, "-m", "container", "serve"]
    return subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)


def _wait(container: subprocess.Popen[bytes], port: int, log: IO[str]) -> None:
    deadline = time.monotonic() + HEALTHY
    while time.monotonic() < deadline:
        if container.poll() is not None:
            raise ServiceError(f"the container ended with {container.returncode} before it was healthy ({_last(log)})")
        if _pings(port):
            return
        time.sleep(0.1)
    raise ServiceError(f"the container was not healthy within {HEALTHY:.0f} s ({_last(log)})")


def _pings(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PING)
    try:
        connection.request("GET", "/ping")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _stop(container: subprocess.Popen[bytes]) -> int:
    container.terminate()
    try:
        return container.wait(KILL)
    except subprocess.TimeoutExpired:
        container.kill()
        return container.wait()


def _last(log: IO[str]) -> str:
    """The container's last line, without which nobody knows why."""
    log.seek(0)
    lines = log.read().strip().splitlines()
    return lines[-1].removeprefix("error: ") if lines else "it wrote nothing"
