"""Names of all that an endpoint is made of.

A name is the endpoint's, and for what can never change the first digits of a sum over what it holds. The same settings
thus lead to the same names, so that a deployment that was interrupted finds what it had made.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stages.common.settings.aws import Aws
from stages.common.settings.endpoint import Endpoint

DIGITS = 12
"""Of the sum, in hexadecimal; two of a million configurations are the same with a chance of 1 in 500."""

ROLLOUT = ("5xx", "p95", "smoke")
"""Alarms of a configuration, which turn its rollout back."""

SERVICE = ("5xx", "p95", "idle", "drift", "from-zero")
"""Alarms of the endpoint, whatever configuration it has."""

VARIANT = "AllTraffic"
"""The one production variant; SageMaker's own default name for it."""


@dataclass(frozen=True)
class Names:
    """Names of an endpoint and its parts.

    Attributes:
        project: first part of all.
        endpoint: of the endpoint and the dashboard.
    """

    project: str
    endpoint: str

    @property
    def resource_id(self) -> str:
        """What Application Auto Scaling scales."""
        return f"endpoint/{self.endpoint}/variant/{VARIANT}"

    @property
    def folder(self) -> str:
        """Prefix of the endpoint's objects in the bucket."""
        return f"{self.project}/endpoints/{self.endpoint}"

    def artifact(self, digest: str) -> str:
        """Key of a packed bundle."""
        return f"{self.folder}/models/{digest}/model.tar.gz"

    def revision(self, request: Mapping[str, Any]) -> str:
        """Name of something immutable that is made by this request."""
        text = json.dumps(request, sort_keys=True)
        return f"{self.endpoint}-{hashlib.sha256(text.encode()).hexdigest()[:DIGITS]}"

    def alarm(self, what: str) -> str:
        """Name of one of the endpoint's alarms."""
        return f"{self.endpoint}-{what}"

    def owns(self, name: str) -> bool:
        """Is this the name of a revision or an alarm of this endpoint, not of one whose name starts alike?"""
        ours = re.escape(self.endpoint)
        revision = rf"{ours}-[0-9a-f]{{{DIGITS}}}"
        return bool(re.fullmatch(rf"{revision}(-({'|'.join(ROLLOUT)}))?|{ours}-({'|'.join(SERVICE)})", name))


def names_of(aws: Aws, endpoint: Endpoint) -> Names:
    """The names that the settings lead to."""
    return Names(aws.project, f"{aws.project}-{endpoint.service}")
