"""Planted credentials, servers that say them back, and where they must not turn up."""

from __future__ import annotations

import base64
import gzip
import io
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

PLANTED = {
    "access key": "AKIAPLANTEDKEY012345",
    "secret key": "planted/Secret+Of40Characters/abcdefghij",
    "session token": "planted+Session/Token=" + "t" * 60,
    "password of storage.endpoint": "planted-endpoint-password",
    "password of tracking.uri": "planted-tracking-password",
    "password of aws.endpoint": "planted-aws-password",
    "MLFLOW_TRACKING_PASSWORD": "planted-mlflow-password",
    "MLFLOW_TRACKING_TOKEN": "planted-mlflow-token",
}
"""What whoever runs the commands knows, and nobody else may learn."""

USER = "planted-user"

SETTINGS_OF_THE_USER = ("params.yaml", "dvc.lock", "conf", ".dvc/config.local", ".dvc/tmp", ".git", "planted")
"""Where an address stands as the user wrote it: settings, DVC's copies of them, which Git ignores or which name them as
parameters of a stage, and what the test itself plants."""


def forms(secret: str) -> set[bytes]:
    """A secret as it is, in an address, and in an Authorization header."""
    basic = base64.b64encode(f"{USER}:{secret}".encode()).rstrip(b"=")
    return {secret.encode(), quote(secret, safe="").encode(), basic}


def leaks(text: str | bytes) -> list[str]:
    """Names of the planted secrets that stand in a text."""
    data = text.encode() if isinstance(text, str) else text
    return [name for name, secret in PLANTED.items() if any(form in data for form in forms(secret))]


def leaks_in(folder: Path) -> dict[str, list[str]]:
    """Files below a folder that hold a secret, packed ones opened."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if not path.is_file() or any(name == own or name.startswith(f"{own}/") for own in SETTINGS_OF_THE_USER):
            continue
        data = path.read_bytes()
        told = sorted({leak for part in (data, *unpacked(data)) for leak in leaks(part)})
        if told:
            found[name] = told
    return found


def unpacked(data: bytes) -> Iterator[bytes]:
    """What is in an archive, or in a compressed file."""
    if data[:2] == b"\x1f\x8b":
        with suppress(OSError, EOFError):
            data = gzip.decompress(data)
            yield data
    if data[:4] == b"PK\x03\x04":
        with suppress(zipfile.BadZipFile), zipfile.ZipFile(io.BytesIO(data)) as archive:
            yield from (archive.read(name) for name in archive.namelist())
    elif data[257:262] == b"ustar":
        with suppress(tarfile.TarError), tarfile.open(fileobj=io.BytesIO(data)) as archive:
            yield from (stream.read() for item in archive if (stream := archive.extractfile(item)))


class Parrot(BaseHTTPRequestHandler):
    """Refuses everything, and says back all that it was told: no message of a server may be passed on as it is."""

    def _refuse(self) -> None:
        length = int(self.headers.get("Content-Length", 0) or 0)
        asked = self.rfile.read(length)
        told = f"{self.path} {dict(self.headers)} " + " ".join(PLANTED.values())
        if "json" in self.headers.get("Content-Type", "") or "X-Amz-Target" in self.headers:
            body = f'{{"__type": "AccessDeniedException", "message": "{quote(told, safe=" +/=")}"}}'
        else:
            escaped = told.replace("&", "").replace("<", "")
            error = f"<Error><Code>AccessDenied</Code><Message>{escaped}</Message></Error>"
            if b"Version=2016-11-15" in asked:  # of EC2
                body = f"<Response><Errors>{error}</Errors></Response>"
            elif b"Action=" in asked:  # of IAM, STS and CloudFormation
                body = f"<ErrorResponse>{error}</ErrorResponse>"
            else:
                body = error
        data = body.encode()
        self.send_response(403)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = do_PATCH = _refuse

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def parrot() -> Iterator[int]:
    """Run such a server; its port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Parrot)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
