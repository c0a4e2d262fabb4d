"""Clients that are kept: making one reads all of a service's description, and a run asks every few seconds."""

from __future__ import annotations

from typing import Any

from stages.common.aws.session import client as new_client
from stages.common.settings.aws import Aws

_KEPT: dict[tuple[str, str, str], Any] = {}


def client(aws: Aws, service: str) -> Any:
    """A boto3 client, the same for the same account and service.

    Raises:
        StageError: as :func:`stages.common.aws.session.client`.
    """
    key = aws.region, aws.endpoint, service
    if key not in _KEPT:
        _KEPT[key] = new_client(aws, service)
    return _KEPT[key]
