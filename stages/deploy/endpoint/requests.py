"""What AWS is asked for, from settings alone.

Sources: API references of SageMaker, Application Auto Scaling and CloudWatch; for canaries and automatic rollback the
SageMaker developer guide, "Deployment guardrails"; for metrics "Monitor SageMaker with Amazon CloudWatch".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stages.common.aws.machines import has_own_disk
from stages.common.settings import Settings
from stages.deploy.endpoint.names import VARIANT, Names

Request = dict[str, Any]

DIMENSION = "sagemaker:variant:DesiredInstanceCount"
"""What Application Auto Scaling changes."""

POLICY = "load"
FROM_ZERO = "from-zero"


@dataclass(frozen=True)
class Plan:
    """All that an endpoint is made of, before any of it is there.

    Attributes:
        names: of its parts.
        model: CreateModel.
        config: CreateEndpointConfig.
    """

    names: Names
    model: Request
    config: Request

    @property
    def config_name(self) -> str:
        """Name of the configuration."""
        return str(self.config["EndpointConfigName"])


def plan(settings: Settings, names: Names, *, role: str, image: str, model_data: str, bucket: str) -> Plan:
    """The immutable parts.

    Args:
        settings: ``aws``, ``deploy`` and ``endpoint``.
        names: of the endpoint's parts.
        role: ARN of the execution role.
        image: of the container, by digest.
        model_data: ``s3://`` address of the packed bundle.
        bucket: for captured data and asynchronous answers.
    """
    model = model_request(settings, names, role=role, image=image, model_data=model_data)
    config: Request = {"ProductionVariants": [_variant(settings, str(model["ModelName"]))]}
    config |= _capture(settings, f"s3://{bucket}/{names.folder}")
    config |= _async(settings, f"s3://{bucket}/{names.folder}")
    endpoint, key = settings.endpoint, settings.aws.kms_key
    if key and endpoint.kind != "serverless" and not has_own_disk(endpoint.instance):
        config["KmsKeyId"] = key
    return Plan(names, model, {"EndpointConfigName": names.revision(config), **config})


def model_request(settings: Settings, names: Names, *, role: str, image: str, model_data: str) -> Request:
    """CreateModel."""
    aws, deploy = settings.aws, settings.deploy
    environment = {"DETECTOR_THREADS": str(deploy.threads)} if deploy.threads else {}
    environment |= settings.endpoint.environment
    request: Request = {
        "ExecutionRoleArn": role,
        "PrimaryContainer": {"Image": image, "ModelDataUrl": model_data, "Environment": environment},
    }
    if aws.subnets:
        request["VpcConfig"] = {"Subnets": aws.subnets, "SecurityGroupIds": aws.security_groups}
    if aws.isolation:
        request["EnableNetworkIsolation"] = True
    return {"ModelName": names.revision(request), **request}


def _variant(settings: Settings, model: str) -> Request:
    endpoint = settings.endpoint
    variant: Request = {"VariantName": VARIANT, "ModelName": model, "InitialVariantWeight": 1.0}
    if endpoint.kind == "serverless":
        serverless = {"MemorySizeInMB": endpoint.memory_mb, "MaxConcurrency": endpoint.concurrency}
        return {**variant, "ServerlessConfig": serverless}
    variant |= {
        "InstanceType": endpoint.instance,
        "InitialInstanceCount": max(endpoint.scaling.least, 1),
        "ModelDataDownloadTimeoutInSeconds": endpoint.startup_seconds,
        "ContainerStartupHealthCheckTimeoutInSeconds": endpoint.startup_seconds,
    }
    if endpoint.kind == "instances":
        variant["RoutingConfig"] = {"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"}
    return variant


def _capture(settings: Settings, folder: str) -> Request:
    capture = settings.endpoint.capture
    if not capture.percent:
        return {}
    request: Request = {
        "EnableCapture": True,
        "InitialSamplingPercentage": capture.percent,
        "DestinationS3Uri": f"{folder}/capture",
        "CaptureOptions": [{"CaptureMode": mode} for mode in ["Output", *["Input"] * capture.inputs]],
        "CaptureContentTypeHeader": {"JsonContentTypes": ["application/json"]},
    }
    if settings.aws.kms_key:
        request["KmsKeyId"] = settings.aws.kms_key
    return {"DataCaptureConfig": request}


def _async(settings: Settings, folder: str) -> Request:
    if settings.endpoint.kind != "async":
        return {}
    output = {"S3OutputPath": f"{folder}/async/out", "S3FailurePath": f"{folder}/async/failed"}
    if settings.aws.kms_key:
        output["KmsKeyId"] = settings.aws.kms_key
    return {"AsyncInferenceConfig": {"OutputConfig": output}}


def update_request(settings: Settings, planned: Plan, fleet: int) -> Request:
    """UpdateEndpoint to a new configuration.

    What autoscaling made of the fleet is kept; what is captured is the new configuration's.

    Args:
        settings: of the endpoint.
        planned: with the new configuration.
        fleet: instances that run now; of fewer than two canaries none can go first.
    """
    request: Request = {
        "EndpointName": planned.names.endpoint,
        "EndpointConfigName": planned.config_name,
        "RetainAllVariantProperties": True,
        "ExcludeRetainedVariantProperties": [{"VariantPropertyType": "DataCaptureConfig"}],
    }
    if settings.endpoint.kind != "instances":
        return request
    canary = settings.endpoint.canary
    traffic: Request = {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": canary.bake_seconds}
    if 2 * canary.instances <= fleet:
        size = {"Type": "INSTANCE_COUNT", "Value": canary.instances}
        traffic |= {"Type": "CANARY", "CanarySize": size}
    watched = [alarm["AlarmName"] for alarm in rollout_alarms(settings, planned)]
    request["DeploymentConfig"] = {
        "BlueGreenUpdatePolicy": {
            "TrafficRoutingConfiguration": traffic,
            "TerminationWaitInSeconds": canary.termination_seconds,
            "MaximumExecutionTimeoutInSeconds": canary.timeout_seconds,
        },
        "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": name} for name in watched]},
    }
    return request


def smoke_metric(planned: Plan) -> Request:
    """The metric by which this client turns a rollout back: without the dimensions of SageMaker's own."""
    return {
        "Namespace": planned.names.project,
        "MetricName": "SmokeTestFailures",
        "Dimensions": [{"Name": "EndpointConfigName", "Value": planned.config_name}],
    }


def rollout_alarms(settings: Settings, planned: Plan) -> list[Request]:
    """PutMetricAlarm of what turns a rollout back: the new fleet alone is watched.

    An alarm that saw the old fleet, too, would also stop the very update that mends it.
    """
    if settings.endpoint.kind != "instances":
        return []
    new = [{"Name": "EndpointConfigName", "Value": planned.config_name}]
    errors, slow = _errors(settings, planned.names, new), _slow(settings, planned.names, new)
    smoke = {
        **smoke_metric(planned),
        "Statistic": "Maximum",
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": 0.0,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "notBreaching",
        "AlarmDescription": "A test frame was answered otherwise than by the model.",
    }
    return [
        {"AlarmName": f"{planned.config_name}-{what}", **alarm}
        for what, alarm in (("5xx", errors), ("p95", slow), ("smoke", smoke))
    ]


def service_alarms(settings: Settings, names: Names) -> list[Request]:
    """PutMetricAlarm of what people are told, once a topic is named; and of what ends the rest of an async endpoint."""
    alarms = settings.endpoint.alarms
    made: list[Request] = []
    if alarms.topic:
        made = [{"AlarmName": names.alarm("drift"), **_drifted(settings, names)}]
        if alarms.idle_hours:
            made.append({"AlarmName": names.alarm("idle"), **_idle(settings, names)})
        if settings.endpoint.kind != "async":
            made.append({"AlarmName": names.alarm("5xx"), **_errors(settings, names, [])})
            made.append({"AlarmName": names.alarm("p95"), **_slow(settings, names, [])})
    return [{**alarm, "AlarmActions": [alarms.topic]} for alarm in made]


def _metric(names: Names, name: str, more: list[dict[str, str]]) -> Request:
    where = [{"Name": "EndpointName", "Value": names.endpoint}, {"Name": "VariantName", "Value": VARIANT}]
    return {"Namespace": "AWS/SageMaker", "MetricName": name, "Dimensions": where + more}


def _errors(settings: Settings, names: Names, more: list[dict[str, str]]) -> Request:
    return {
        **_metric(names, "Invocation5XXErrors", more),
        "Statistic": "Average",  # of zeros and ones: the share
        "Period": 60,
        "EvaluationPeriods": 2,
        "Threshold": settings.endpoint.alarms.error_share,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "notBreaching",
    }


def _slow(settings: Settings, names: Names, more: list[dict[str, str]]) -> Request:
    return {
        **_metric(names, "ModelLatency", more),
        "ExtendedStatistic": "p95",
        "Period": 60,
        "EvaluationPeriods": 3,
        "Threshold": settings.endpoint.alarms.p95_ms * 1000,  # the metric is in microseconds
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "notBreaching",
    }


def _idle(settings: Settings, names: Names) -> Request:
    return {
        **_metric(names, "Invocations", []),
        "Statistic": "Sum",
        "Period": 3600,
        "EvaluationPeriods": settings.endpoint.alarms.idle_hours,
        "Threshold": 1.0,
        "ComparisonOperator": "LessThanThreshold",
        "TreatMissingData": "breaching",
        "AlarmDescription": "Nobody asks this endpoint: python -m stages.deploy teardown ends its costs.",
    }


def _drifted(settings: Settings, names: Names) -> Request:
    return {
        **drift_metric(names, "Worst"),
        "Statistic": "Maximum",
        "Period": 3600,
        "EvaluationPeriods": 1,
        "Threshold": settings.endpoint.alarms.drift,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "notBreaching",
    }


def drift_metric(names: Names, measure: str) -> Request:
    """Where the drift job writes a measure."""
    where = {"EndpointName": names.endpoint, "Measure": measure}
    dimensions = [{"Name": name, "Value": value} for name, value in where.items()]
    return {"Namespace": names.project, "MetricName": "Drift", "Dimensions": dimensions}


def target_request(settings: Settings, names: Names) -> Request | None:
    """RegisterScalableTarget; None for an endpoint that does not scale by instances."""
    scaling = settings.endpoint.scaling
    fixed = scaling.least == scaling.most and not scaling.schedules
    if settings.endpoint.kind == "serverless" or fixed:
        return None
    return {**scalable(names), "MinCapacity": scaling.least, "MaxCapacity": scaling.most}


def scalable(names: Names) -> Request:
    """What every call of Application Auto Scaling says first."""
    return {"ServiceNamespace": "sagemaker", "ResourceId": names.resource_id, "ScalableDimension": DIMENSION}


def policy_request(settings: Settings, names: Names) -> Request:
    """PutScalingPolicy of target tracking."""
    scaling = settings.endpoint.scaling
    if settings.endpoint.kind == "async":
        measured: Request = {
            "CustomizedMetricSpecification": {
                "MetricName": "ApproximateBacklogSizePerInstance",
                "Namespace": "AWS/SageMaker",
                "Dimensions": [{"Name": "EndpointName", "Value": names.endpoint}],
                "Statistic": "Average",
            }
        }
    else:
        predefined = {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"}
        measured = {"PredefinedMetricSpecification": predefined}
    tracking = {
        "TargetValue": scaling.target,
        **measured,
        "ScaleInCooldown": scaling.in_seconds,
        "ScaleOutCooldown": scaling.out_seconds,
    }
    return {
        **scalable(names),
        "PolicyName": POLICY,
        "PolicyType": "TargetTrackingScaling",
        "TargetTrackingScalingPolicyConfiguration": tracking,
    }


def from_zero_requests(settings: Settings, names: Names, policy_arn: str = "") -> tuple[Request, Request] | None:
    """PutScalingPolicy and PutMetricAlarm that start a first instance; None where one always runs.

    Target tracking cannot do it: without an instance there is no backlog per instance.
    """
    if settings.endpoint.kind != "async":
        return None
    policy = {
        **scalable(names),
        "PolicyName": FROM_ZERO,
        "PolicyType": "StepScaling",
        "StepScalingPolicyConfiguration": {
            "AdjustmentType": "ChangeInCapacity",
            "MetricAggregationType": "Average",
            "Cooldown": settings.endpoint.scaling.out_seconds,
            "StepAdjustments": [{"MetricIntervalLowerBound": 0.0, "ScalingAdjustment": 1}],
        },
    }
    alarm = {
        "AlarmName": names.alarm(FROM_ZERO),
        "Namespace": "AWS/SageMaker",
        "MetricName": "HasBacklogWithoutCapacity",
        "Dimensions": [{"Name": "EndpointName", "Value": names.endpoint}],
        "Statistic": "Average",
        "Period": 60,
        "EvaluationPeriods": 2,
        "DatapointsToAlarm": 2,
        "Threshold": 1.0,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "TreatMissingData": "missing",
        "AlarmActions": [policy_arn],
    }
    return policy, alarm


def schedule_requests(settings: Settings, names: Names) -> list[Request]:
    """PutScheduledAction of each schedule."""
    return [
        {
            **scalable(names),
            "ScheduledActionName": one.name,
            "Schedule": one.at,
            "Timezone": one.timezone,
            "ScalableTargetAction": {"MinCapacity": one.least, "MaxCapacity": one.most},
        }
        for one in settings.endpoint.scaling.schedules
    ]


def dashboard(settings: Settings, names: Names) -> Request:
    """PutDashboard: traffic, errors, time, machines or backlog, drift."""
    region = settings.aws.region

    def line(name: str, more: Mapping[str, str] | None = None, space: str = "AWS/SageMaker", **options: str) -> Any:
        where = {"EndpointName": names.endpoint, "VariantName": VARIANT} if more is None else more
        return [space, name, *(part for pair in where.items() for part in pair), options]

    whole = {"EndpointName": names.endpoint}
    hosts = "/aws/sagemaker/Endpoints"
    panels: list[tuple[str, list[Any]]] = [
        ("Requests a minute", [line("Invocations", stat="Sum")]),
        ("Errors", [line("Invocation5XXErrors", stat="Sum"), line("Invocation4XXErrors", stat="Sum")]),
        ("Time of the model in microseconds", [line("ModelLatency", stat="p50"), line("ModelLatency", stat="p95")]),
        ("Time of SageMaker in microseconds", [line("OverheadLatency", stat="p95")]),
    ]
    match settings.endpoint.kind:
        case "instances":
            used = [line(name, space=hosts, stat="Average") for name in ("CPUUtilization", "MemoryUtilization")]
            panels += [("Machines in percent", used)]
            panels += [("Requests a machine", [line("InvocationsPerInstance", stat="Sum")])]
        case "async":
            panels += [("Waiting", [line("ApproximateBacklogSize", whole, stat="Maximum")])]
        case "serverless":
            panels += [("Workers in use", [line("ServerlessConcurrentExecutionsUtilization", stat="Maximum")])]
    drifted = {**whole, "Measure": "Worst"}
    panels += [("Drift (population stability index)", [line("Drift", drifted, names.project, stat="Maximum")])]
    widgets = [
        {
            **{"type": "metric", "x": 12 * (number % 2), "y": 6 * (number // 2), "width": 12, "height": 6},
            "properties": {"title": title, "region": region, "period": 60, "view": "timeSeries", "metrics": metrics},
        }
        for number, (title, metrics) in enumerate(panels)
    ]
    return {"DashboardName": names.endpoint, "DashboardBody": json.dumps({"widgets": widgets})}
