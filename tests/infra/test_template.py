"""infra/stack.yaml: what it promises, apart from permissions."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from stages.common.errors import SettingsError
from stages.common.infra.commands import LONGEST, parameters
from tests.infra.conftest import TEMPLATE
from tests.infra.policies import read_template
from tests.settings import compose

RESOURCES: dict[str, Any] = read_template()["Resources"]


def test_cfn_lint_finds_nothing() -> None:
    done = subprocess.run(
        [str(Path(sys.executable).parent / "cfn-lint"), str(TEMPLATE)], capture_output=True, text=True, check=False
    )
    assert (done.stdout + done.stderr, done.returncode) == ("", 0)


def test_it_fits_into_a_request() -> None:
    assert len(TEMPLATE.read_bytes()) < LONGEST


def test_settings_give_every_parameter() -> None:
    assert set(parameters(compose(), "a-bucket")) == set(read_template()["Parameters"])


def test_parameters_follow_the_settings() -> None:
    given = parameters(
        compose(
            *(
                "infra.github=acme/detector",
                "infra.github_ids='12/34'",
                "aws.subnets=[subnet-1]",
                "storage.prefix=a/b/",
            ),
            "infra.readable=[s3://photos/today/,s3://photos/,s3://more/x/]",
        ),
        "a-bucket",
    )
    assert given["GitHubOwner"] == "acme"
    assert given["GitHubRepoId"] == "34"
    assert given["Vpc"] == "yes"
    assert given["DataPrefix"] == "a/b"
    assert given["ReadObjects"] == "arn:aws:s3:::photos/today/*,arn:aws:s3:::photos/*,arn:aws:s3:::more/x/*"
    assert given["ReadBuckets"] == "arn:aws:s3:::more,arn:aws:s3:::photos"


@pytest.mark.parametrize("folder", ["photos/today/", "s3://photos", "s3://photos/today", "s3://photos/*/"])
def test_a_folder_that_is_none_is_refused(folder: str) -> None:
    with pytest.raises(SettingsError, match=r"infra\.readable"):
        compose(f"infra.readable=['{folder}']")


def test_the_bucket_is_private_encrypted_versioned_and_outlives_the_stack() -> None:
    bucket = RESOURCES["Bucket"]
    properties = bucket["Properties"]
    assert bucket["DeletionPolicy"] == bucket["UpdateReplacePolicy"] == "Retain"
    assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
    assert properties["VersioningConfiguration"] == {"Status": "Enabled"}
    assert properties["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    (rule,) = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == {"Fn::If": ["HasKey", "aws:kms", "AES256"]}


def test_captures_checkpoints_and_left_uploads_do_not_pile_up_and_data_stays() -> None:
    rules = {rule["Id"]: rule for rule in RESOURCES["Bucket"]["Properties"]["LifecycleConfiguration"]["Rules"]}
    expiring = {rule["Prefix"]["Fn::Sub"] for rule in rules.values() if "ExpirationInDays" in rule}
    kinds = {"async": ("", "-async"), "batch": ("", "-async", "-serverless"), "capture": ("", "-async")}
    assert expiring == {
        *("${Project}/checkpoints/", "${Project}/jobs/"),
        *(
            f"${{Project}}/endpoints/${{Project}}-${{Service}}{kind}/{folder}/"
            for folder, those in kinds.items()
            for kind in those
        ),
    }
    assert rules["unfinished-uploads"]["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}
    assert rules["overwritten"]["NoncurrentVersionExpiration"] == {"NoncurrentDays": {"Ref": "KeepDays"}}


@pytest.mark.parametrize(
    "deploy", ["none", "sagemaker", "sagemaker-scheduled", "sagemaker-async", "sagemaker-serverless"]
)
def test_answers_of_every_shipped_endpoint_expire(deploy: str) -> None:
    """Whichever kind the stack is made with."""
    service = parameters(compose(f"deploy={deploy}"), "frames")["Service"]
    rules = RESOURCES["Bucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    expiring = {str(rule.get("Prefix")).replace("${Service}", service) for rule in rules}
    for kind, folder in (("", "capture"), ("-async", "capture"), ("-async", "async"), ("-serverless", "batch")):
        assert str({"Fn::Sub": f"${{Project}}/endpoints/${{Project}}-detector{kind}/{folder}/"}) in expiring


def test_whoever_comes_without_tls_is_refused_everything() -> None:
    statements = {item["Sid"]: item for item in RESOURCES["BucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]}
    for name, condition in {
        "TlsOnly": {"Bool": {"aws:SecureTransport": "false"}},
        "ModernTlsOnly": {"NumericLessThan": {"s3:TlsVersion": "1.2"}},
    }.items():
        assert (statements[name]["Effect"], statements[name]["Action"]) == ("Deny", "s3:*")
        assert statements[name]["Principal"] == "*"
        assert len(statements[name]["Resource"]) == 2
        assert statements[name]["Condition"] == condition


@pytest.mark.parametrize(
    ("role", "environment"),
    [("CiRole", "aws"), ("DeployRole", "production"), ("MonitorRole", "monitoring"), ("ReportRole", "reports")],
)
def test_github_comes_in_from_one_environment_in_both_forms_of_its_name(role: str, environment: str) -> None:
    (statement,) = RESOURCES[role]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    host = "token.actions.githubusercontent.com"
    assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
    assert set(statement["Condition"]) == {"StringEquals"}  # no wildcard can be meant
    subjects = statement["Condition"]["StringEquals"]
    assert subjects[f"{host}:aud"] == "sts.amazonaws.com"
    assert [item["Fn::Sub"] for item in subjects[f"{host}:sub"]] == [
        f"repo:${{GitHubOwner}}/${{GitHubRepo}}:environment:{environment}",
        f"repo:${{GitHubOwner}}@${{GitHubOwnerId}}/${{GitHubRepo}}@${{GitHubRepoId}}:environment:{environment}",
    ]


def test_images_are_scanned_and_their_tags_are_for_good() -> None:
    for name in ("Candidates", "Registry", "ServeRegistry"):
        properties = RESOURCES[name]["Properties"]
        assert properties["ImageScanningConfiguration"] == {"ScanOnPush": True}
        assert properties["ImageTagMutability"] == "IMMUTABLE"
    assert RESOURCES["Registry"]["DeletionPolicy"] == "Retain"


def test_nothing_of_github_is_made_without_a_repository() -> None:
    made = {name for name, item in RESOURCES.items() if item.get("Condition") in ("HasGitHub", "MakesProvider")}
    assert made == {"GitHub", "CiRole", "CiPolicy", "DeployRole", "DeployPolicy", "MonitorRole", "ReportRole"}


def test_a_key_that_is_no_arn_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"aws\.kms_key='1234abcd' is no ARN, which infra needs: give it as arn:"):
        parameters(compose("aws.kms_key=1234abcd"), "a-bucket")
