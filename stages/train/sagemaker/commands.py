"""``python -m stages.train attach``, ``status`` and ``stop``."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from stages.common.aws.session import client, told
from stages.common.errors import SettingsError, TrainingError
from stages.common.progress import duration
from stages.common.settings import Settings, load
from stages.train.sagemaker import cost
from stages.train.sagemaker.jobs import ACTIVE, describe, stop
from stages.train.sagemaker.request import owns

NEWEST = 20
"""Jobs that ``status`` shows."""


def attach_command(args: argparse.Namespace) -> str:
    """Follow the job of these settings, and end as the stage does; never make one."""
    from stages.train.commands import train_command

    if load(args.params).compute.target != "sagemaker":
        raise SettingsError("compute.target is not sagemaker: compose with compute=sagemaker, as when the job was made")
    args.submit = False
    return train_command(args)


def status_command(args: argparse.Namespace) -> str:
    """All about one job, or a line each about the newest of the project."""
    settings = load(args.params)
    sagemaker = client(settings.aws, "sagemaker")
    if args.name:
        return _details(args.name, settings, sagemaker)
    jobs = _jobs(settings, sagemaker)
    lines = [f"{job['TrainingJobStatus']:<11} {job['TrainingJobName']}  {_age(job)}" for job in jobs]
    return "\n".join(lines) or f"status: no job of project {settings.aws.project} in {settings.aws.region} yet"


def stop_command(args: argparse.Namespace) -> str:
    """End a job: the named one, or the only one of the project that runs."""
    settings = load(args.params)
    sagemaker = client(settings.aws, "sagemaker")
    name = args.name or _only_active(settings, sagemaker)
    if not stop(name, sagemaker):
        return f"stop: job '{name}' has ended already"
    return (
        f"stop: job '{name}' is told to end and has two minutes to save; dvc repro train goes on after its checkpoint"
    )


def _jobs(settings: Settings, sagemaker: Any, **more: str) -> list[Mapping[str, Any]]:
    project = settings.aws.project
    with told("the list of training jobs"):
        pages = sagemaker.get_paginator("list_training_jobs").paginate(
            NameContains=f"{project.strip('-')}-", SortBy="CreationTime", SortOrder="Descending", **more
        )
        ours = (job for page in pages for job in page["TrainingJobSummaries"] if owns(project, job["TrainingJobName"]))
        return list(islice(ours, NEWEST))


def _only_active(settings: Settings, sagemaker: Any) -> str:
    names = [str(job["TrainingJobName"]) for job in _jobs(settings, sagemaker, StatusEquals="InProgress")]
    if not names:
        raise TrainingError(f"no job of project {settings.aws.project} runs: see python -m stages.train status")
    if len(names) > 1:
        raise TrainingError(f"{len(names)} jobs run: name one, as in python -m stages.train stop {names[0]}")
    return names[0]


def _details(name: str, settings: Settings, sagemaker: Any) -> str:
    job = describe(name, sagemaker)
    if job is None:
        raise TrainingError(f"there is no job '{name}' in {settings.aws.region}: see python -m stages.train status")
    bill = cost.bill(job, settings.compute.sagemaker)
    about = {
        "job": name,
        "status": ", ".join(dict.fromkeys([job["TrainingJobStatus"], job.get("SecondaryStatus", "")])),
        "reason": job.get("FailureReason", ""),
        "image": job["AlgorithmSpecification"].get("TrainingImage", ""),
        "machine": f"{bill.instance}{', spot' if job.get('EnableManagedSpotTraining') else ''}",
        "billed": "" if job["TrainingJobStatus"] in ACTIVE else str(bill),
        "checkpoints": job.get("CheckpointConfig", {}).get("S3Uri", ""),
        "model": job.get("ModelArtifacts", {}).get("S3ModelArtifacts", ""),
    }
    return "\n".join(f"{key:<12}{value}" for key, value in about.items() if value)


def _age(job: Mapping[str, Any]) -> str:
    ended = job.get("TrainingEndTime") if job["TrainingJobStatus"] not in ACTIVE else None
    seconds = ((ended or datetime.now(UTC)) - job["CreationTime"]).total_seconds()
    return f"{job['CreationTime']:%Y-%m-%d %H:%M}, {'took' if ended else 'for'} {duration(max(seconds, 0))}"
