"""From a call to the IAM actions that it needs.

Most calls need the action of their own name; this module holds those that do not. Sources: the Service Authorization
Reference's pages of S3, SageMaker, Application Auto Scaling, CloudWatch and ECR (columns "Actions" and "Dependent
actions"), and the Application Auto Scaling user guide, "Required permissions".
"""

from __future__ import annotations

from tests.infra.calls import Call

PREFIXES = {"resourcegroupstaggingapi": "tag", "sagemaker-runtime": "sagemaker", "service-quotas": "servicequotas"}
"""Services whose actions have another prefix than boto3's name."""

OTHERS: dict[Call, tuple[str, ...]] = {
    ("sts", "GetCallerIdentity"): (),  # allowed to everybody
    ("s3", "CompleteMultipartUpload"): ("s3:PutObject",),
    ("s3", "CreateMultipartUpload"): ("s3:PutObject",),
    ("s3", "DeleteObjects"): ("s3:DeleteObject",),  # with version ids in infra alone, which is the owner's
    ("s3", "HeadBucket"): ("s3:ListBucket",),
    ("s3", "HeadObject"): ("s3:GetObject",),
    ("s3", "ListObjects"): ("s3:ListBucket",),
    ("s3", "ListObjectsV2"): ("s3:ListBucket",),
    ("s3", "ListObjectVersions"): ("s3:ListBucketVersions",),
    ("s3", "UploadPart"): ("s3:PutObject",),
}
"""Calls that need other actions than the one of their name."""

PASSES_ROLE = {"CreateModel", "CreateTrainingJob"}
"""Calls of SageMaker that hand it the execution role."""

TAGS = {"CreateEndpoint", "CreateEndpointConfig", "CreateModel", "CreateTrainingJob", "CreateTransformJob"}
"""Calls of SageMaker that tag what they make."""

ALONG: dict[Call, tuple[str, ...]] = {
    **{("sagemaker", name): ("sagemaker:AddTags",) for name in TAGS},
    **{("sagemaker", name): ("iam:PassRole", "sagemaker:AddTags") for name in PASSES_ROLE},
    ("cloudwatch", "PutMetricAlarm"): ("cloudwatch:TagResource",),
    # Application Auto Scaling checks that whoever asks may do what it will do
    ("application-autoscaling", "RegisterScalableTarget"): (
        "iam:CreateServiceLinkedRole",
        "sagemaker:DescribeEndpoint",
        "sagemaker:DescribeEndpointConfig",
        "sagemaker:UpdateEndpointWeightsAndCapacities",
    ),
    ("application-autoscaling", "PutScalingPolicy"): (
        "cloudwatch:DeleteAlarms",
        "cloudwatch:DescribeAlarms",
        "cloudwatch:PutMetricAlarm",
    ),
}
"""Actions that a call needs besides its own."""


def actions(call: Call) -> set[str]:
    """IAM actions that a call needs."""
    service, operation = call
    own = OTHERS.get(call, (f"{PREFIXES.get(service, service)}:{operation}",))
    return {*own, *ALONG.get(call, ())}
