"""What a host may do: its own role, instance profile and security group, made for it and removed with it."""

from __future__ import annotations

import json
import time
from typing import Any

from stages.common.aws.session import code_of, told
from stages.common.settings import Settings
from stages.sdg.cloud.clients import client
from stages.sdg.cloud.names import TAG, Names, host_tags

POLICY = "host"

GONE = {"NoSuchEntity", "InvalidGroup.NotFound"}
THERE = {"EntityAlreadyExists", "LimitExceeded", "InvalidGroup.Duplicate"}

SESSION = [
    "ssm:UpdateInstanceInformation", "ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel",
    "ssmmessages:OpenControlChannel", "ssmmessages:OpenDataChannel", "ec2messages:AcknowledgeMessage",
    "ec2messages:DeleteMessage", "ec2messages:FailMessage", "ec2messages:GetEndpoint", "ec2messages:GetMessages",
    "ec2messages:SendReply",
]  # fmt: skip
"""What SSM's agent needs for sessions; they have no resources to name (AWS Systems Manager user guide)."""

GROUP_TRIES, GROUP_PAUSE = 30, 4.0
"""Tries to delete a security group, and seconds between them: its last network interface goes some time after the
instance."""


def policy(settings: Settings, names: Names) -> dict[str, Any]:
    """The role's one policy: its own objects, sessions through SSM, the registry's key where one is named."""
    arn = f"arn:aws:s3:::{names.bucket}"
    statements: list[dict[str, Any]] = [
        {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
         "Resource": f"{arn}/{names.prefix}*"},
        {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": arn,
         "Condition": {"StringLike": {"s3:prefix": f"{names.prefix}*"}}},
        {"Effect": "Allow", "Action": SESSION, "Resource": "*"},
    ]  # fmt: skip
    if settings.host.ngc_parameter:
        name = settings.host.ngc_parameter.lstrip("/")
        statements.append({"Effect": "Allow", "Action": "ssm:GetParameter",
                           "Resource": f"arn:aws:ssm:{settings.aws.region}:*:parameter/{name}"})  # fmt: skip
    return {"Version": "2012-10-17", "Statement": statements}


def make_profile(settings: Settings, names: Names) -> None:
    """Make role and instance profile, or bring those that are there up to date.

    Raises:
        ServiceError: when AWS refuses.
    """
    iam = client(settings.aws, "iam")
    trust = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"},
    ]}  # fmt: skip
    given = host_tags(settings, names.host)
    with told(f"role {names.role}"):
        _unless(THERE, iam.create_role, RoleName=names.role, Path=names.path, Tags=given,
                AssumeRolePolicyDocument=json.dumps(trust))  # fmt: skip
        document = json.dumps(policy(settings, names))
        iam.put_role_policy(RoleName=names.role, PolicyName=POLICY, PolicyDocument=document)
        _unless(THERE, iam.create_instance_profile, InstanceProfileName=names.role, Path=names.path, Tags=given)
        _unless(THERE, iam.add_role_to_instance_profile, InstanceProfileName=names.role, RoleName=names.role)


def remove_profile(settings: Settings, names: Names) -> bool:
    """Remove role and instance profile; whether there was any of it."""
    iam = client(settings.aws, "iam")
    role = {"RoleName": names.role}
    with told(f"role {names.role}"):
        _unless(GONE, iam.remove_role_from_instance_profile, InstanceProfileName=names.role, **role)
        had_profile = _unless(GONE, iam.delete_instance_profile, InstanceProfileName=names.role)
        _unless(GONE, iam.delete_role_policy, PolicyName=POLICY, **role)
        had_role = _unless(GONE, iam.delete_role, **role)
    return had_profile or had_role


def profiles(settings: Settings, names: Names) -> set[str]:
    """Hosts of the project that have a role or an instance profile."""
    iam = client(settings.aws, "iam")
    with told("roles and instance profiles"):
        found = [
            item[key]
            for pages, key, kind in (
                (iam.get_paginator("list_roles"), "RoleName", "Roles"),
                (iam.get_paginator("list_instance_profiles"), "InstanceProfileName", "InstanceProfiles"),
            )
            for page in pages.paginate(PathPrefix=names.path)
            for item in page[kind]
        ]
    return {name.removeprefix(f"{names.project}-host-") for name in found}


def make_group(settings: Settings, names: Names) -> str:
    """Id of the host's security group, which lets nothing in; made when it is not there."""
    ec2 = client(settings.aws, "ec2")
    found = groups(settings, names.host)
    if found:
        return found[0]
    vpc = {}
    with told(f"security group {names.role}"):
        if settings.aws.subnets:
            subnet = ec2.describe_subnets(SubnetIds=settings.aws.subnets[:1])["Subnets"][0]
            vpc = {"VpcId": subnet["VpcId"]}
        made = ec2.create_security_group(
            GroupName=names.role,
            Description="A rendering host: nothing comes in, sessions go through SSM",
            TagSpecifications=[{"ResourceType": "security-group", "Tags": host_tags(settings, names.host)}],
            **vpc,
        )
    return str(made["GroupId"])


def groups(settings: Settings, host: str | None) -> list[str]:
    """Ids of the security groups of one host, or of all."""
    ec2 = client(settings.aws, "ec2")
    with told("security groups"):
        found = ec2.describe_security_groups(Filters=tag_filters(settings, host))["SecurityGroups"]
    return [str(item["GroupId"]) for item in found]


def remove_groups(settings: Settings, host: str) -> int:
    """Remove a host's security groups; how many there were."""
    ec2 = client(settings.aws, "ec2")
    found = groups(settings, host)
    for group in found:
        for attempt in range(GROUP_TRIES):
            try:
                ec2.delete_security_group(GroupId=group)
                break
            except ec2.exceptions.ClientError as error:
                if code_of(error) in GONE:
                    break
                if code_of(error) != "DependencyViolation" or attempt == GROUP_TRIES - 1:
                    with told(f"security group {group}"):
                        raise
                time.sleep(GROUP_PAUSE)
    return len(found)


def tag_filters(settings: Settings, host: str | None) -> list[dict[str, Any]]:
    """Filters of EC2 for a host's resources, or those of all hosts of the project."""
    mine = {"Name": f"tag:{TAG}", "Values": [host]} if host else {"Name": "tag-key", "Values": [TAG]}
    return [{"Name": "tag:project", "Values": [settings.aws.project]}, mine]


def _unless(codes: set[str], call: Any, **arguments: Any) -> bool:
    """Call; False when AWS answers with one of these codes, which only says that there is nothing to do."""
    from botocore.exceptions import ClientError

    try:
        call(**arguments)
    except ClientError as error:
        if code_of(error) not in codes:
            raise
        return False
    return True
