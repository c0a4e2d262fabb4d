"""What ``up``, ``diff``, ``status`` and ``down`` do."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from stages.common.aws.session import client, tags, told
from stages.common.errors import InputError, ServiceError, SettingsError
from stages.common.infra.data import delete_bucket, delete_registry
from stages.common.infra.stack import PAUSE, Change, Stack
from stages.common.settings import Settings

LONGEST = 51_200
"""Bytes of a template that a request may hold (CloudFormation quotas)."""

ACTIVE = ("InProgress", "Stopping")
"""Of a job that still uses its role."""


def up(settings: Settings, template: Path, *, replace: bool = False, pause: float = PAUSE) -> str:
    """Make the stack, or change it.

    Args:
        settings: composed.
        template: ``infra/stack.yaml``.
        replace: allow changes that lose what a resource holds.
        pause: seconds between two looks.

    Raises:
        StageError: when AWS refuses, or something in the stack fails; what was there before is there then.
    """
    stack = _stack(settings, pause)
    stack.settle()
    with stack.change_set(**_request(settings, template)) as asked:
        if not asked.changes:
            return f"infra: stack '{stack.name}' is as it should be\n{_settings_lines(stack.outputs())}"
        _tell(asked.changes)
        losing = [change.name for change in asked.changes if change.loses]
        if losing and not replace:
            raise ServiceError(
                f"stack '{stack.name}' would lose {', '.join(losing)}: see diff, and allow it with up --replace"
            )
        stack.execute(asked)
    return f"infra: {len(asked.changes)} changes made to stack '{stack.name}'\n{_settings_lines(stack.outputs())}"


def diff(settings: Settings, template: Path, *, pause: float = PAUSE) -> str:
    """Say what ``up`` would do; nothing stays behind of the question.

    Raises:
        StageError: when AWS refuses.
    """
    stack = _stack(settings, pause)
    state = stack.wait()
    if state.startswith(("ROLLBACK_", "CREATE_FAILED")):
        return f"infra: stack '{stack.name}' failed when it was made ({stack.failure()}); up makes it anew"
    with stack.change_set(**_request(settings, template)) as asked:
        if not asked.changes:
            return f"infra: stack '{stack.name}' is as it should be"
        _tell(asked.changes)
        return f"infra: up would make {len(asked.changes)} changes to stack '{stack.name}'"


def status(settings: Settings) -> str:
    """Say how the stack is, what it gives, and what failed last.

    Raises:
        StageError: when AWS refuses.
    """
    stack = _stack(settings)
    state = stack.state()
    if not state:
        return f"infra: there is no stack '{stack.name}' in {settings.aws.region}; up makes it"
    amiss = f"; {stack.failure()}" if "FAILED" in state or "ROLLBACK" in state else ""
    return f"infra: stack '{stack.name}' is {state}{amiss}\n{_settings_lines(stack.outputs())}"


def down(settings: Settings, *, delete_data: bool = False, pause: float = PAUSE) -> str:
    """Remove the stack, once nothing uses its roles any more.

    Args:
        settings: composed.
        delete_data: remove the bucket and the registry with what they hold, too.
        pause: seconds between two looks.

    Raises:
        StageError: when endpoints or jobs are alive, or AWS refuses.
    """
    stack = _stack(settings, pause)
    state = stack.wait()
    if state:
        alive = _alive(settings)
        if alive:
            raise ServiceError(
                f"{', '.join(alive)} use the roles of stack '{stack.name}': end them with python -m stages.deploy "
                "teardown and python -m stages.train stop, wait for transform jobs, then run down again"
            )
        stack.delete()
    if delete_data:
        gone = [
            delete_bucket(client(settings.aws, "s3"), bucket_of(settings)),
            *(delete_registry(client(settings.aws, "ecr"), name) for name in registries(settings)),
        ]
        return f"infra: stack '{stack.name}' is gone; {', '.join(gone)}"
    if not state:
        return f"infra: there is no stack '{stack.name}'; data is removed with down --delete-data"
    kept = [f"s3://{bucket_of(settings)}", *(f"registry {name}" for name in registries(settings))]
    return f"infra: stack '{stack.name}' is gone; {', '.join(kept)} stay, and up takes them in again"


def registries(settings: Settings) -> tuple[str, str]:
    """Names of the image registries that outlive the stack: of jobs, and of endpoints."""
    return settings.aws.project, f"{settings.aws.project}-serve"


def bucket_of(settings: Settings) -> str:
    """The project's bucket: as the settings name it, or else by project, account and region.

    Raises:
        StageError: when AWS does not say whose account it is.
    """
    named = settings.aws.bucket or settings.storage.bucket
    if named:
        return named
    with told("the account"):
        account = client(settings.aws, "sts").get_caller_identity()["Account"]
    return f"{settings.aws.project}-{account}-{settings.aws.region}"


def parameters(settings: Settings, bucket: str) -> dict[str, str]:
    """Values of the template's parameters.

    Raises:
        SettingsError: when the key is named by its id, which policies do not take.
    """
    infra, aws = settings.infra, settings.aws
    owner, _, repository = infra.github.partition("/")
    owner_id, _, repository_id = infra.github_ids.partition("/")
    if aws.kms_key and not aws.kms_key.startswith("arn:"):
        raise SettingsError(
            f"aws.kms_key='{aws.kms_key}' is no ARN, which infra needs: give it as arn:aws:kms:REGION:ACCOUNT:key/ID"
        )
    s3 = f"arn:{'aws-cn' if aws.region.startswith('cn-') else 'aws'}:s3:::"
    return {
        "Project": aws.project,
        "BucketName": bucket,
        "DataPrefix": settings.storage.prefix.strip("/") or "dvc",
        "Service": settings.endpoint.service.removesuffix("-async").removesuffix("-serverless"),
        "KmsKey": aws.kms_key,
        "Vpc": "yes" if aws.subnets else "no",
        "ReadObjects": ",".join(f"{s3}{folder.removeprefix('s3://')}*" for folder in infra.readable),
        "ReadBuckets": ",".join(sorted({f"{s3}{folder.split('/')[2]}" for folder in infra.readable})),
        "KeepDays": str(infra.keep_days),
        "GitHubOwner": owner,
        "GitHubRepo": repository,
        "GitHubOwnerId": owner_id or "0",
        "GitHubRepoId": repository_id or "0",
        "OidcProvider": infra.oidc_provider,
        "Mlflow": infra.mlflow,
        "SignImages": "yes" if infra.sign_images else "no",
        "BudgetUsd": str(infra.budget_usd),
        "BudgetEmail": infra.budget_email,
        "BudgetScope": infra.budget_scope,
    }


def _stack(settings: Settings, pause: float = PAUSE) -> Stack:
    def say(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    return Stack(client(settings.aws, "cloudformation"), settings.aws.project, pause, say)


def _request(settings: Settings, template: Path) -> dict[str, Any]:
    try:
        body = template.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(f"'{template}' is missing: run in the top folder of your clone") from None
    if len(body.encode()) > LONGEST:
        raise InputError(f"'{template}' is longer than {LONGEST} bytes, which CloudFormation takes: shorten it")
    values = parameters(settings, bucket_of(settings))
    return {
        "TemplateBody": body,
        "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()],
        "Capabilities": ["CAPABILITY_NAMED_IAM"],
        "Tags": tags(settings.aws),
        # the bucket and the registry outlive a stack, and the next one takes them in
        "ImportExistingResources": True,
    }


def _tell(changes: tuple[Change, ...]) -> None:
    for change in changes:
        print(change, flush=True)


def _settings_lines(outputs: dict[str, str]) -> str:
    """Outputs as the settings and variables that they are meant for."""
    meant = {
        "Bucket": "aws.bucket, storage.bucket",
        "ExecutionRole": "aws.role",
        "Registry": "images of jobs",
        "ServeRegistry": "images of endpoints",
        "HostProfile": "instance profile of render hosts",
        "Mlflow": "tracking.uri",
        "CiRole": "the repository's variable AWS_CI_ROLE on GitHub",
        "DeployRole": "the repository's variable AWS_DEPLOY_ROLE on GitHub",
        "MonitorRole": "the repository's variable AWS_MONITOR_ROLE on GitHub",
        "ReportRole": "the repository's variable AWS_REPORT_ROLE on GitHub",
    }
    return "\n".join(f"  {value}  ({meant.get(name, name)})" for name, value in outputs.items())


def _alive(settings: Settings) -> list[str]:
    """Endpoints, training jobs and transform jobs that are under way and whose names start with the project's."""
    sagemaker, project = client(settings.aws, "sagemaker"), f"{settings.aws.project.strip('-')}-"
    with told("endpoints and jobs"):
        endpoints = _pages(sagemaker, "list_endpoints", "Endpoints", project)
        trainings = _pages(sagemaker, "list_training_jobs", "TrainingJobSummaries", project)
        transforms = _pages(sagemaker, "list_transform_jobs", "TransformJobSummaries", project)
    names = [
        *(("endpoint", item["EndpointName"]) for item in endpoints),
        *(("job", item["TrainingJobName"]) for item in trainings if item["TrainingJobStatus"] in ACTIVE),
        *(("transform job", item["TransformJobName"]) for item in transforms if item["TransformJobStatus"] in ACTIVE),
    ]
    return [f"{kind} '{name}'" for kind, name in names if name.startswith(project)]


def _pages(sagemaker: Any, operation: str, key: str, project: str) -> list[dict[str, Any]]:
    return [item for page in sagemaker.get_paginator(operation).paginate(NameContains=project) for item in page[key]]
