"""What every server does with a picture: this project's own decoding, network and answer, one thread a picture."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from stages.common.detection.detector import Detector
from stages.deploy.answer import answer
from stages.deploy.picture import decode_upright, quiet_decoders


class Pipeline:
    """Bytes of a JPEG in, the service's answer out."""

    def __init__(self) -> None:
        quiet_decoders()
        self.detector = Detector(Path(os.environ["BENCHMARK_MODEL"]), threads=1)

    def __call__(self, data: bytes) -> dict[str, Any]:
        picture = decode_upright(data, 40_000_000)
        found = self.detector.detect(picture)
        return answer(found, self.detector.names, picture.shape[1], picture.shape[0], "")
