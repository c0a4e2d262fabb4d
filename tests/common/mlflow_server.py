"""A real MLflow server for tests."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def serve(
    store: str, artifacts: Path, folder: Path, *, proxied: bool = True
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Address and process of a server over ``store``; it is killed in the end, and its log is ``folder/log``.

    Not ``proxied``, clients write artifacts themselves, as they do with SageMaker's servers.
    """
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    kept = ["--artifacts-destination"] if proxied else ["--no-serve-artifacts", "--default-artifact-root"]
    command += ["--backend-store-uri", store, *kept, str(artifacts)]
    environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment, cwd=folder, start_new_session=True)
    uri = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 180
        while True:
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < deadline, (folder / "log").read_text()
            try:
                requests.get(f"{uri}/health", timeout=1).raise_for_status()
                break
            except requests.RequestException:
                time.sleep(0.2)
        yield uri, process
    finally:
        kill(process)


def kill(process: subprocess.Popen[bytes]) -> None:
    """End a server and what it started, as the system does without memory."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
