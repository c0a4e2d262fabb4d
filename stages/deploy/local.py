"""The service on this machine, as a process of its own."""

from __future__ import annotations

import os
import re
import selectors
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from stages.common.errors import ServiceError

START_SECONDS = 60
"""For the model to load."""

STOP_SECONDS = 30
"""For the server to end after SIGTERM."""


@contextmanager
def running(bundle: Path, host: str, port: int, threads: int) -> Iterator[str]:
    """Start a server, give its address, and stop it.

    Args:
        bundle: folder to serve.
        host: address to listen on.
        port: 0 takes a free one.
        threads: inference threads; 0 means one per core.

    Yields:
        The server's address, ``http://host:port``.

    Raises:
        ServiceError: when it does not start.
    """
    command = [sys.executable, "-m", "stages.deploy", "serve", "--bundle", str(bundle.resolve())]
    command += ["--host", host, "--port", str(port), "--threads", str(threads), "--follow", str(os.getpid())]
    here = str(Path(__file__).resolve().parents[2])
    paths = os.pathsep.join(filter(None, [here, os.environ.get("PYTHONPATH", "")]))
    with tempfile.TemporaryFile("w+") as log:
        server = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=log, text=True, env={**os.environ, "PYTHONPATH": paths}
        )
        try:
            yield _address(server, log)
        finally:
            _stop(server)


def _address(server: subprocess.Popen[str], log: IO[str]) -> str:
    """Wait for the start-up line."""
    assert server.stdout is not None
    line = ""
    with selectors.DefaultSelector() as selector:
        selector.register(server.stdout, selectors.EVENT_READ)
        if selector.select(START_SECONDS):
            line = server.stdout.readline()
    match = re.search(r" on http://(\S+):(\d+)$", line.strip())
    if match:
        host = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}.get(match[1], match[1])
        return f"http://{host}:{match[2]}"
    if not line:
        # the pipe closes a moment before the process is gone
        for _ in range(100):
            if server.poll() is not None:
                break
            time.sleep(0.01)
    log.seek(0)
    last = (log.read().strip().splitlines() or ["nothing on its standard error"])[-1]
    raise ServiceError(
        f"the server did not start ({last.removeprefix('error: ')}): see more with python -m stages.deploy serve"
    )


def _stop(server: subprocess.Popen[str]) -> None:
    server.terminate()
    try:
        server.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
    finally:
        assert server.stdout is not None
        server.stdout.close()
