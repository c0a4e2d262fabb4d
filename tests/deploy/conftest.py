"""A tiny model, its bundle, and a server of it."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest

from stages.deploy.bundle import Bundle, Serving, pack
from tests.tiny_models import write_constant_model

REPOSITORY = Path(__file__).resolve().parents[2]
NAMES = ("forklift", "pallet")
LIMITS = Serving(queue=1, max_body_mb=1, max_pixels=1_000_000)


def picture(width: int = 320, height: int = 160, suffix: str = ".jpg") -> bytes:
    """A gradient, encoded."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[..., 0] = np.linspace(0, 255, width, dtype=np.uint8)
    pixels[..., 2] = np.linspace(0, 255, height, dtype=np.uint8)[:, None]
    return bytes(cv2.imencode(suffix, pixels)[1])


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Finds two objects in every picture, and a third below its threshold."""
    boxes = [(0, 16, 32, 48, 0.9, 1), (16, 16, 48, 32, 0.6, 0), (40, 40, 60, 60, 0.05, 0)]
    return write_constant_model(tmp_path_factory.mktemp("model") / "best.onnx", NAMES, (64, 64), boxes, threshold=0.5)


@pytest.fixture(scope="session")
def bundle(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return pack(model, tmp_path_factory.mktemp("packed") / "bundle", LIMITS)


@dataclass(frozen=True)
class Server:
    """A running server."""

    process: subprocess.Popen[str]
    url: str
    line: str

    @property
    def address(self) -> tuple[str, int]:
        url = httpx.URL(self.url)
        return url.host, url.port or 80

    def post(self, body: bytes, **headers: str) -> httpx.Response:
        return httpx.post(
            f"{self.url}/invocations",
            content=body,
            headers={"Content-Type": "image/jpeg", **{key.replace("_", "-"): value for key, value in headers.items()}},
            timeout=30,
        )

    def half_sent(self, body: bytes) -> socket.socket:
        """A connection on which a request was begun and all but the last byte of its body sent."""
        connection = socket.create_connection(self.address, timeout=30)
        head = (
            f"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        connection.sendall(head.encode() + body[:-1])
        return connection

    def metric(self, name: str) -> float:
        lines = httpx.get(f"{self.url}/metrics").text.splitlines()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(name))

    @property
    def lives(self) -> bool:
        return self.post(picture()).status_code == 200 and self.process.poll() is None


def start(bundle: Path, *options: str) -> subprocess.Popen[str]:
    """Start a server as a user does."""
    return subprocess.Popen(
        [sys.executable, "-m", "stages.deploy", "serve", "--bundle", str(bundle), "--port", "0", *options],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextlib.contextmanager
def serving(bundle: Path, *options: str) -> Iterator[Server]:
    """Run a server of a bundle; one that still runs is ended and must end well."""
    process = start(bundle, *options)
    try:
        assert process.stdout is not None
        line = process.stdout.readline().strip()
        assert line, process.communicate()[1]
        yield Server(process, line.rpartition(" on ")[2], line)
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            assert process.wait(40) == 0
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="session")
def server(bundle: Bundle) -> Iterator[Server]:
    with serving(bundle.folder, "--threads", "1") as running:
        yield running
