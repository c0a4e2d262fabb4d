"""Ultralytics and ONNX Runtime, kept from the network, from the user's home, and from the terminal."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def ultralytics(cache: Path) -> Iterator[None]:
    """Make Ultralytics importable and silent for as long as the block lasts.

    Its settings file lies in ``cache`` instead of the user's home, it downloads and installs nothing, and its reports
    to its makers are off; so are those of ONNX Runtime, with which exports are checked. Most of that is read from the
    environment when a library is first imported.

    Args:
        cache: folder for its files.
    """
    from stages.common.mlflow_store import ignored_folder

    os.environ["YOLO_OFFLINE"] = "True"
    os.environ["YOLO_AUTOINSTALL"] = "False"
    os.environ.setdefault("YOLO_VERBOSE", "False")
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("YOLO_CONFIG_DIR", str(ignored_folder(cache) / "ultralytics"))
    import logging

    from ultralytics.utils import LOGGER
    from ultralytics.utils.events import events

    events.enabled = False
    level = LOGGER.level
    LOGGER.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        LOGGER.setLevel(level)
