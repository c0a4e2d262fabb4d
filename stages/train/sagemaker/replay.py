"""A job's figures, from its checkpoints into the MLflow run: none lost, none twice."""

from __future__ import annotations

from collections.abc import Callable

from stages.common.tracking import RunLogger
from stages.train.contract import read_metrics
from stages.train.types import Epoch

OFFSET, STEP = "replay.offset", "replay.step"
"""Tags of the run: bytes of the file that were read, and the last epoch among them."""


class Replay:
    """Logs what the file of figures has beyond the run's own mark.

    The mark is set after the figures, and each has the moment that the job gave it: what is logged again after a kill
    between the two is the same point to MLflow. An epoch that the job did twice, after an interruption, counts once.

    Args:
        run: that keeps the mark; None: it lasts as long as this process.
        on_epoch: logs an epoch.
    """

    def __init__(self, run: RunLogger | None, on_epoch: Callable[[Epoch], None]) -> None:
        self._run, self._on_epoch = run, on_epoch
        self.offset, self.step = (_number(run.tag(name)) if run else 0 for name in (OFFSET, STEP))

    def __call__(self, content: bytes) -> list[Epoch]:
        """Log new epochs.

        Args:
            content: all of ``metrics.jsonl``; a torn last line is left for the next time.

        Returns:
            Those that were logged.
        """
        end = content.rfind(b"\n") + 1
        # a machine that was taken back can have written more than it could save: the file is then another one
        grown = self.offset <= end and (not self.offset or content[self.offset - 1 : self.offset] == b"\n")
        fresh = [
            epoch for epoch in read_metrics(content[self.offset if grown else 0 : end]) if epoch.number > self.step
        ]
        for epoch in fresh:
            self._on_epoch(epoch)
            self.step = epoch.number
        if end != self.offset:
            self.offset = end
            if self._run is not None:
                self._run.log_tags({OFFSET: str(self.offset), STEP: str(self.step)})
        return fresh


def _number(text: str) -> int:
    return int(text) if text.isdecimal() else 0
