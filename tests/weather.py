"""An S3 that fails: every fifth request is refused or torn off, every fifth answer ends in its middle."""

from __future__ import annotations

import io
import random
import time
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
