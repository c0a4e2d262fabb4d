"""An S3 that fails: every fifth request is refused or torn off, every fifth answer ends in its middle."""

from __future__ import annotations

import http.client
import io
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectionClosedError
from botocore.response import StreamingBody


class Weather:
    """Makes every fifth request to S3 fail, and every fifth answer end in its middle."""

    def __init__(self, seed: int) -> None:
        self._random, self.failures = random.Random(seed), 0

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        weather = self

        class Stormy(boto3.Session):
            def __init__(self, *arguments: Any, **named: Any) -> None:
                super().__init__(*arguments, **named)
                self.events.register("before-send.s3.*", weather.send)
                self.events.register("after-call.s3.GetObject", weather.cut)

        monkeypatch.setattr(boto3, "Session", Stormy)
        monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda _: None, time=time.time))

    def send(self, request: Any, **_: Any) -> AWSResponse | None:
        if self._random.random() >= 0.2:
            return None
        self.failures += 1
        if self._random.random() < 0.3:
            raise ConnectionClosedError(endpoint_url=request.url)
        body = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
        raw = SimpleNamespace(stream=lambda *_, **__: iter([body]), read=lambda *_, **__: body)
        return AWSResponse(request.url, 503, {"Content-Type": "application/xml"}, raw)

    def cut(self, parsed: dict[str, Any], **_: Any) -> None:
        if "Body" in parsed and self._random.random() < 0.2:
            content = parsed["Body"].read()
            self.failures += 1
            parsed["Body"] = StreamingBody(io.BytesIO(content[: len(content) // 2]), len(content))


@contextmanager
def stormy_way(endpoint: str, seed: int) -> Iterator[tuple[str, list[str]]]:
    """A way to an S3 server on which every fifth request is refused or torn off, and every fifth body ends too early.

    For programs of several processes, into which no test can reach.

    Yields:
        The way's address, and what went wrong so far.
    """
    chance, went_wrong, guard = random.Random(seed), [], threading.Lock()
    address = endpoint.removeprefix("http://")

    class Way(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            with guard:
                first, second, third = (chance.random() for _ in range(3))
                refused, torn = first < 0.2, self.command == "GET" and third < 0.2
                if refused or torn:
                    went_wrong.append(self.command)
            if refused and second < 0.3:
                self.close_connection = True
                return
            if refused:
                self.answer(503, {}, b"<Error><Code>SlowDown</Code><Message>Slow down.</Message></Error>")
                return
            server = http.client.HTTPConnection(address, timeout=60)
            server.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():  # the signature is over the host as the client has it
                server.putheader(name, value)
            server.endheaders(body)
            came = server.getresponse()
            content = came.read()
            self.answer(came.status, dict(came.getheaders()), content, torn=torn and len(content) > 1)
            server.close()

        def answer(self, status: int, headers: dict[str, str], body: bytes, *, torn: bool = False) -> None:
            self.send_response(status)
            for name, value in headers.items():
                if name.lower() not in ("content-length", "transfer-encoding", "connection", "date", "server"):
                    self.send_header(name, value)
            length = headers.get("Content-Length", "0") if self.command == "HEAD" else str(len(body))
            self.send_header("Content-Length", length)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body[: len(body) // 2] if torn else body)
            self.close_connection |= torn

        do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = pass_on

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Way)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", went_wrong
    finally:
        server.shutdown()
        server.server_close()
