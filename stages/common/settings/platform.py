"""Settings of where data, runs and the service live: storage, deploy, tracking."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from stages.common.settings.base import Group


class Storage(Group):
    """The DVC remote.

    Attributes:
        kind: ``local`` is a folder, ``s3`` any S3 endpoint.
        folder: of the local remote; relative to the repository.
        bucket: of the S3 remote.
        prefix: of the S3 remote, without slashes at its ends.
        endpoint: address of an S3 server other than AWS; empty: AWS.
        region: of the bucket.
        create_bucket: make the bucket when it does not exist.
    """

    name: str
    kind: Literal["local", "s3"]
    folder: str = ".remote"
    bucket: str = ""
    prefix: str = "dvc"
    endpoint: str = ""
    region: str = "us-east-1"
    create_bucket: bool = True

    @model_validator(mode="after")
    def _complete(self) -> Storage:
        if self.kind == "s3" and not self.bucket:
            raise ValueError("storage.bucket is empty: name the S3 bucket, as in storage.bucket=my-frames")
        return self


class Deploy(Group):
    """Where the model is served.

    Attributes:
        model: ``champion`` of the model registry, which is the trained ``models/best.onnx`` as long as there is none;
            or the path of an ONNX file.
        target: ``local`` serves here and checks the answers; ``sagemaker-local`` serves here as SageMaker would;
            ``sagemaker`` serves in AWS; ``none`` skips.
        host: address to listen on.
        port: 0 takes a free one.
        threads: inference threads; 0 means one per core.
        queue: requests that may wait for each inference thread before 503 is answered.
        max_body_mb: largest request body in MiB (6 is SageMaker's limit).
        max_pixels: largest picture, width times height.
        check_frames: test frames on which the service must answer as the model does.
    """

    name: str
    target: Literal["local", "sagemaker-local", "sagemaker", "none"]
    model: str = Field("champion", min_length=1)
    host: str = "127.0.0.1"
    port: int = Field(0, ge=0, le=65535)
    threads: int = Field(0, ge=0, le=256)
    queue: int = Field(3, ge=1, le=1000)
    max_body_mb: float = Field(6, gt=0, le=1024)
    max_pixels: int = Field(40_000_000, ge=1024)
    check_frames: int = Field(8, ge=1)


class Tracking(Group):
    """MLflow.

    Attributes:
        enabled: False logs nothing.
        uri: tracking server, or empty for ``mlflow.db`` in the repository's main checkout.
        experiment: name of the MLflow experiment.
        timeout: seconds to wait for the server before going on without it.
        tensorboard: write TensorBoard's event files into ``tensorboard/`` of the main checkout as well.
        system_interval: seconds between looks at processor, memory, disk and GPUs; 0: none.
    """

    name: str
    enabled: bool = True
    uri: str = ""
    experiment: str = "sim-to-cloud"
    timeout: float = Field(3, gt=0, le=60)
    tensorboard: bool = False
    system_interval: float = Field(10, ge=0, le=3600)
