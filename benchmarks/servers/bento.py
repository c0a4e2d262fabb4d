"""BentoML 1.4: a file in, JSON out, two workers of one thread."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import bentoml
from bentoml.validators import ContentType

from benchmarks.servers.pipeline import Pipeline


@bentoml.service(workers=2, traffic={"timeout": 60}, threads=1)
class Service:
    def __init__(self) -> None:
        self.pipeline = Pipeline()

    @bentoml.api
    def invocations(self, picture: Annotated[Path, ContentType("image/jpeg")], /) -> dict[str, Any]:
        return self.pipeline(picture.read_bytes())
