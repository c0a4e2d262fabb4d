"""TensorBoard's event files of a run, beside MLflow."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from stages.common.mlflow_store import Entry


class EventFiles:
    """Writes what is logged as TensorBoard event files; never raises.

    Processes that log to one run write a file each into the same folder, which TensorBoard reads as one run. Numbers
    become scalars, settings and tags a table of text, pictures images.
    """

    def __init__(self, folder: Path, notify: Callable[[str], None]) -> None:
        """Nothing is made before something is logged.

        Args:
            folder: of the run.
            notify: gets one sentence when the files cannot be written.
        """
        self.folder = folder
        self._notify = notify
        self._writer: Any = None
        self._broken = False

    def add(self, entry: Entry) -> None:
        """Write one entry; kinds that TensorBoard has no place for are left out."""
        write = {"metrics": self._numbers, "params": self._words, "tags": self._words, "image": self._image}
        if self._broken or entry.kind not in write:
            return
        try:
            if self._writer is None:
                from tensorboardX import SummaryWriter

                # the library's names tell seconds apart, and TensorBoard reads files in the order of their names
                self._writer = SummaryWriter(str(self.folder), filename_suffix=f".{time.time_ns()}")
            write[entry.kind](entry)
        except Exception as error:
            self._broken = True
            self._notify(f"TensorBoard files cannot be written to {self.folder} ({error}); the run goes on without")

    def close(self) -> None:
        """Write what is buffered."""
        if self._writer is not None and not self._broken:
            self._writer.close()

    def _numbers(self, entry: Entry) -> None:
        for name, value in entry.content["values"].items():
            self._writer.add_scalar(name, value, entry.content["step"], entry.content["time"] / 1000)

    def _words(self, entry: Entry) -> None:
        rows = "\n".join(f"| {name} | {str(value).replace('|', ' ')} |" for name, value in entry.content.items())
        self._writer.add_text(entry.kind, f"| name | value |\n|---|---|\n{rows}")

    def _image(self, entry: Entry) -> None:
        import numpy as np
        from PIL import Image

        with Image.open(entry.content["path"]) as picture:
            pixels = np.asarray(picture.convert("RGB"))
        self._writer.add_image(entry.content["key"], pixels, entry.content["step"], dataformats="HWC")
