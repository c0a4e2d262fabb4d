"""Jobs as SageMaker describes them: finding, judging, stopping."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from stages.common.aws.session import code_of, told

Description = Mapping[str, Any]
"""Answer of DescribeTrainingJob."""

ACTIVE = {"InProgress", "Stopping"}
"""``TrainingJobStatus`` of a job that goes on."""

MISSING = re.compile(r"not found|could not find|does not exist", re.IGNORECASE)
"""How AWS says that there is no such job, besides its code ``ResourceNotFound``."""

CAPACITY = re.compile(r"capacity", re.IGNORECASE)
"""In the ``FailureReason`` of a job for which no machine was to be had: ``CapacityError: Unable to provision ...``."""

REASON_LIMIT = 1024
"""Longest reason that is shown; AWS keeps as much of ``/opt/ml/output/failure``."""


def describe(name: str, sagemaker: Any) -> Description | None:
    """A job, or None when there is none of that name.

    Raises:
        StageError: when AWS does not say.
    """
    from botocore.exceptions import ClientError

    with told(f"training job '{name}'"):
        try:
            found: Description = sagemaker.describe_training_job(TrainingJobName=name)
        except ClientError as error:
            message = str(error.response.get("Error", {}).get("Message", ""))
            if code_of(error) == "ResourceNotFound" or (
                code_of(error) == "ValidationException" and MISSING.search(message)
            ):
                return None
            raise
    return found


def latest(base: str, sagemaker: Any, known: int = 0) -> tuple[int, Description | None]:
    """The newest job of a training.

    Args:
        base: of its names, ``BASE-1``, ``BASE-2`` and so on.
        sagemaker: boto3's client.
        known: attempt from which to look on; one that was noted and never made is passed over.

    Returns:
        Its number and description, or 0 and None.
    """
    number = start = max(known, 1)
    newest = describe(f"{base}-{number}", sagemaker)
    while newest is None and number > 1:
        number -= 1
        newest = describe(f"{base}-{number}", sagemaker)
    if newest is None:
        return 0, None
    while number >= start and (after := describe(f"{base}-{number + 1}", sagemaker)) is not None:
        number, newest = number + 1, after
    return number, newest


def lacked_capacity(job: Description) -> bool:
    """Whether a job ended since no machine was to be had, before it trained or while it waited for one again."""
    if job["TrainingJobStatus"] == "Failed":
        return bool(CAPACITY.search(str(job.get("FailureReason", ""))))
    return job.get("SecondaryStatus") == "MaxWaitTimeExceeded"


def why(job: Description) -> str:
    """How a job ended, as a sentence that says what to do."""
    name, status = job["TrainingJobName"], job["TrainingJobStatus"]
    reason = " ".join(str(job.get("FailureReason", "")).split())[:REASON_LIMIT].rstrip(".;:")
    again = "run it again, it goes on after its last checkpoint"
    match status, job.get("SecondaryStatus"):
        case "Failed", _:
            return f"job '{name}' failed ({reason or 'no reason given'}): mend that, then {again}"
        case _, "MaxRuntimeExceeded":
            return f"job '{name}' was stopped at compute.sagemaker.max_hours: give it more and {again}"
        case _, "MaxWaitTimeExceeded":
            return (
                f"job '{name}' had no spot machine for long enough: give it more compute.sagemaker.max_wait_hours, "
                f"other instances, or spot=false, and {again}"
            )
    return f"job '{name}' was stopped: {again}"


def stop(name: str, sagemaker: Any) -> bool:
    """Ask a job to end: it has two minutes to save its state.

    Returns:
        False when it had ended already.

    Raises:
        StageError: when AWS refuses.
    """
    from botocore.exceptions import ClientError

    with told(f"training job '{name}'"):
        try:
            sagemaker.stop_training_job(TrainingJobName=name)
        except ClientError as error:
            # of a job that has ended: ValidationException, "The request was rejected because the training job is in
            # status Completed"
            if code_of(error) == "ValidationException" and "status" in str(error):
                return False
            raise
    return True
