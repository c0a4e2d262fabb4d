"""The model behind a bounded queue, one thread a core."""

from __future__ import annotations

import asyncio
import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from stages.common.detection.detector import Detector
from stages.deploy.answer import COCO, answer, coco_results
from stages.deploy.bundle import Bundle
from stages.deploy.picture import decode_upright, quiet_decoders
from stages.deploy.wishes import Wishes


@dataclass(frozen=True)
class Result:
    """What the model said, and how long it took.

    Attributes:
        body: of the response, encoded.
        categories: of the detections.
        seconds: for decoding, inference, suppression and encoding, without waiting.
    """

    body: bytes
    categories: tuple[str, ...]
    seconds: float


class Inference:
    """Decodes and detects off the event loop.

    Each picture takes one thread from start to end; that many at a time use all cores best, and the others wait.

    Attributes:
        threads: that many pictures are worked on at a time.
        places: pictures that may wait or be worked on.
    """

    def __init__(self, bundle: Bundle, threads: int) -> None:
        """Load the model and run it once.

        Raises:
            InputError: when the model cannot be loaded.
        """
        quiet_decoders()
        self.threads = threads
        self.settings = bundle.settings
        self.places = threads * (1 + bundle.settings.serving.queue)
        self._taken = 0
        self._detector = Detector(bundle.model, threads=1)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="inference")
        width, height = self._detector.input_size
        self._detector.detect(np.zeros((height, width, 3), np.uint8))

    @property
    def full(self) -> bool:
        """Whether all places are taken: whoever came now would wait for too many others."""
        return self._taken >= self.places

    async def detect(self, data: bytes, wishes: Wishes) -> Result:
        """Detections in a picture, as the client wants them; call it on the event loop alone.

        Raises:
            PictureError: when the bytes are no picture that can be used.
        """
        self._taken += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, self._detect, data, wishes)
        finally:
            self._taken -= 1

    def _detect(self, data: bytes, wishes: Wishes) -> Result:
        started = time.perf_counter()
        picture = decode_upright(data, self.settings.serving.max_pixels)
        found = self._detector.detect(picture, wishes.threshold)
        height, width = picture.shape[:2]
        names = self.settings.names
        content: Any = (
            coco_results(found, wishes.image)
            if wishes.content_type == COCO
            else answer(found, names, width, height, self.settings.model_sha256)
        )
        body = json.dumps(content, separators=(",", ":")).encode()
        categories = tuple(names[number] for number in found.classes.tolist())
        return Result(body, categories, time.perf_counter() - started)
