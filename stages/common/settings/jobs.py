"""Settings of training jobs in SageMaker."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from stages.common.settings.base import Group

Instance = Annotated[str, StringConstraints(pattern=r"^ml\.[a-z0-9-]+\.[a-z0-9]+$")]
"""As AWS writes it: ``ml.g5.xlarge``."""


class TrainingJobs(Group):
    """How a training job runs and is followed.

    Attributes:
        engine: ``boto3`` makes the request itself; ``sdk`` lets ``ModelTrainer`` of the ``sagemaker`` package make it.
        instances: kinds of machine, in the order in which they are tried.
        volume_gb: disk; machines with a disk of their own use that.
        spot: take spare machines, which are cheaper and can be taken back; training then goes on from its checkpoint.
        max_hours: after which AWS ends the training.
        max_wait_hours: for spot, waiting and training together.
        input_mode: ``File`` copies the channel before the start; ``FastFile`` streams it.
        shard_mb: content of one tar of the channel in MiB.
        poll_seconds: between two looks at the job.
        patience_minutes: for which following goes on while AWS refuses or does not answer; the job runs meanwhile.
        prices: US dollars an hour by instance, for the estimate; AWS's price list decides.
    """

    engine: Literal["boto3", "sdk"] = "boto3"
    instances: list[Instance] = Field(["ml.g5.xlarge", "ml.g4dn.xlarge"], min_length=1, max_length=5)
    volume_gb: int = Field(50, ge=1, le=16_384)
    spot: bool = True
    max_hours: float = Field(4, gt=0, le=672)
    max_wait_hours: float = Field(8, gt=0, le=672)
    input_mode: Literal["File", "FastFile"] = "File"
    shard_mb: int = Field(64, ge=1, le=1024)
    poll_seconds: float = Field(15, gt=0, le=600)
    patience_minutes: float = Field(15, ge=0, le=1440)
    prices: dict[str, Annotated[float, Field(ge=0)]] = Field({"ml.g4dn.xlarge": 0.7364, "ml.g5.xlarge": 1.408})

    @model_validator(mode="after")
    def _possible(self) -> TrainingJobs:
        if self.spot and self.max_wait_hours < self.max_hours:
            raise ValueError(
                f"compute.sagemaker.max_wait_hours={self.max_wait_hours:g} is below max_hours={self.max_hours:g}, and "
                "holds waiting and training: give it at least as much"
            )
        return self

    @property
    def max_seconds(self) -> int:
        """Of training."""
        return round(self.max_hours * 3600)

    @property
    def max_wait_seconds(self) -> int:
        """Of waiting for a spot machine and training together."""
        return round(self.max_wait_hours * 3600)
