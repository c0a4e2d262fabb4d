"""Looking on while a job runs."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from stages.common.errors import TrainingError
from stages.common.progress import Progress
from stages.common.storage import Place
from stages.train.contract import METRICS
from stages.train.local import describe as about_epoch
from stages.train.sagemaker.clients import Patience, Services
from stages.train.sagemaker.jobs import ACTIVE, Description, describe
from stages.train.sagemaker.logs import LogTail
from stages.train.sagemaker.receipt import Receipt
from stages.train.sagemaker.replay import Replay
from stages.train.types import Job


class Follower:
    """Follows one job to its end: its status, its log, its figures.

    Args:
        job: the training.
        services: clients.
        receipt: remembers how far the log was read.
    """

    def __init__(self, job: Job, services: Services, receipt: Receipt) -> None:
        jobs = job.compute.sagemaker
        self._job, self._services, self._receipt = job, services, receipt
        self._pause = jobs.poll_seconds
        self._patience = Patience(
            services,
            jobs.patience_minutes * 60,
            self._pause,
            job.notify,
            f"job '{receipt.name}' runs on in AWS, and ",
        )
        self._tail = LogTail(receipt.name, receipt.log, job.notify)
        self._replay = Replay(job.run, job.on_epoch)
        self._status = ""

    def __call__(self) -> Description:
        """The job's last description.

        Raises:
            TrainingError: when there is no such job.
            StageError: when AWS refuses, or does not answer for too long.
        """
        total = self._job.train.epochs
        with Progress("train", total=total, unit="epochs", done=min(self._replay.step, total)) as progress:
            while True:
                found = self._patience(self._describe)
                self._say(found, progress)
                self._patience(lambda job=found: self._figures(job, progress))  # type: ignore[misc]
                if found["TrainingJobStatus"] not in ACTIVE:
                    return found
                time.sleep(self._pause)

    def _describe(self) -> Description:
        found = describe(self._receipt.name, self._services["sagemaker"])
        if found is None:
            raise TrainingError(f"job '{self._receipt.name}' is not there any more: run it again to make a new one")
        return found

    def _say(self, found: Description, progress: Progress) -> None:
        """Tell a new status, and what the log has that is new."""
        status = ", ".join(dict.fromkeys([found["TrainingJobStatus"], found.get("SecondaryStatus", "")])).rstrip(", ")
        if status != self._status:
            steps = found.get("SecondaryStatusTransitions") or [{}]
            message = str(steps[-1].get("StatusMessage", "")).strip()
            progress.note(f"job {self._receipt.name}: {status}{f' ({message})' if message else ''}")
            self._status = status
        lines = self._tail.lines(self._services["logs"])
        for line in lines:
            progress.note(f"  | {line}")
        if lines:
            self._receipt.save(self._job.work)

    def _figures(self, found: Description, progress: Progress) -> None:
        key = key_in(self._services.objects.place, found["CheckpointConfig"]["S3Uri"])
        content = self._services.objects.read(f"{key}/{METRICS}")
        if content is None:
            return
        for epoch in self._replay(content):
            progress.note(about_epoch(epoch, self._job.train.epochs))
            progress.advance()


def key_in(place: Place, uri: str) -> str:
    """Key below the project's place of an address that AWS names, without a slash at its end.

    Raises:
        TrainingError: when it lies elsewhere.
    """
    top = f"{place.uri}/"
    if not uri.startswith(top):
        raise TrainingError(
            f"the job keeps its files in '{uri}', not in {place.uri}: set aws.bucket and aws.project as when it was "
            "made"
        )
    return uri.removeprefix(top).rstrip("/")


def fetch(
    found: Description, services: Services, patience: Patience, folder: Path, note: Callable[[str], None]
) -> None:
    """Bring a finished job's model and unpack it.

    Args:
        found: the job.
        services: clients.
        patience: with them.
        folder: to write; what it holds is replaced.
        note: told what is done.

    Raises:
        TrainingError: when there is no model, or its archive is damaged.
    """
    from stages.train.sagemaker.archive import unpack_model

    uri = str(found["ModelArtifacts"]["S3ModelArtifacts"])
    archive = folder.with_name("model.tar.gz")
    note(f"fetching {uri}")
    if not patience(lambda: services.objects.fetch(key_in(services.objects.place, uri), archive)):
        raise TrainingError(
            f"job '{found['TrainingJobName']}' has ended, but '{uri}' is not there: look into its log, "
            "or, if it has expired, train anew with train.resume=false"
        )
    unpack_model(archive, folder)
    archive.unlink()
