"""From MLflow's REST requests to the IAM actions that a managed tracking server asks for.

MLflow's own protocol files name a procedure for each path, and the Service Authorization Reference ("Amazon SageMaker
with MLflow") names the action like it; :data:`OTHERS` has those that differ.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

PREFIX = "sagemaker-mlflow"

OTHERS = {
    "GetModelVersionDownloadUri": "GetDownloadURIForModelVersionArtifacts",
    "GetLatestVersions": "GetLatestModelVersions",
    # the reference has no CreateLoggedModel; nearest to it is LogModel, "log a model associated with a run"
    "CreateLoggedModel": "LogModel",
}
"""Actions that are not called like MLflow's procedure."""

ASKED = {
    # one epoch after the other, into a run that is there
    "execution": "LogBatch",
    # runs, the registry and the gate
    "ci": """
        CreateExperiment CreateModelVersion CreateRegisteredModel CreateRun DeleteRegisteredModelAlias
        FinalizeLoggedModel GetDownloadURIForModelVersionArtifacts GetExperimentByName GetLoggedModel
        GetMetricHistory GetModelVersion GetRegisteredModel GetRun LogBatch LogInputs LogModel LogOutputs
        RestoreExperiment SearchModelVersions SearchRuns SetModelVersionTag SetRegisteredModelAlias
        SetRegisteredModelTag SetTag UpdateModelVersion UpdateRun
    """,
    # which is champion, and its file
    "deploy": """
        GetDownloadURIForModelVersionArtifacts GetExperimentByName GetModelVersion GetRegisteredModel GetRun
    """,
}
RECORDED = {who: {f"{PREFIX}:{name}" for name in names.split()} for who, names in ASKED.items()}
"""What each principal asks of MLflow, as tests/common/test_mlflow_by_arn.py hears it on the wire."""


@cache
def procedures() -> tuple[tuple[str, re.Pattern[str], str], ...]:
    """Method, pattern of the path and name of every procedure, the plainest paths first."""
    from mlflow.protos import model_registry_pb2, service_pb2
    from mlflow.protos.databricks_pb2 import rpc

    found = [
        (endpoint.method, endpoint.path, f"{method.name[0].upper()}{method.name[1:]}")
        for module in (service_pb2, model_registry_pb2)
        for service in module.DESCRIPTOR.services_by_name.values()
        for method in service.methods
        for endpoint in method.GetOptions().Extensions[rpc].endpoints
    ]
    found.sort(key=lambda item: item[1].count("{"))
    return tuple((verb, re.compile(re.sub(r"\\?\{[^}]*\\?\}", "[^/]+", path)), name) for verb, path, name in found)


def actions_of(requests: Iterable[tuple[str, str]]) -> set[str]:
    """Actions that requests, given by method and path, need.

    Raises:
        LookupError: when MLflow knows no such path.
    """
    found = set()
    for method, path in requests:
        name = next((name for verb, known, name in procedures() if verb == method and known.fullmatch(path)), "")
        if not name:
            raise LookupError(f"{method} {path}")
        found.add(f"{PREFIX}:{OTHERS.get(name, name)}")
    return found
