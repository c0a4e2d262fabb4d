"""What was asked of AWS: every call of every boto3 client, in its order, checked against botocore's model."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from botocore.model import Shape
from botocore.session import Session as CoreSession


@dataclass
class Recorder:
    """Calls of the clients that are made while it is installed.

    Attributes:
        calls: names such as ``s3:PutObject``, each with its parameters.
    """

    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def names(self, service: str = "") -> list[str]:
        return [name for name, _ in self.calls if name.startswith(service)]

    def parameters(self, name: str) -> list[dict[str, Any]]:
        return [parameters for called, parameters in self.calls if called == name]

    def install(self, monkeypatch: pytest.MonkeyPatch) -> Recorder:
        """Hook into all sessions that are made from now on."""
        calls = self.calls

        class Recorded(boto3.Session):
            def __init__(self, *arguments: Any, **named: Any) -> None:
                super().__init__(*arguments, **named)
                self.events.register("provide-client-params.*.*", note)

        def note(params: dict[str, Any], model: Any, **_: Any) -> None:
            calls.append((f"{model.service_model.endpoint_prefix}:{model.name}", dict(params)))

        monkeypatch.setattr(boto3, "Session", Recorded)
        return self


def invalid(service: str, operation: str, parameters: dict[str, Any]) -> list[str]:
    """What botocore's model forbids: unknown members, missing ones, enumerations, patterns, lengths."""
    shape = CoreSession().get_service_model(service).operation_model(operation).input_shape
    return list(_walk(shape, parameters, operation))


def _walk(shape: Shape, value: Any, where: str) -> Any:
    limits = shape.metadata
    match shape.type_name:
        case "structure":
            for name in set(value) - set(shape.members):
                yield f"{where}.{name} is unknown"
            for name in set(shape.required_members) - set(value):
                yield f"{where}.{name} is missing"
            for name in set(value) & set(shape.members):
                yield from _walk(shape.members[name], value[name], f"{where}.{name}")
        case "list":
            yield from _length(limits, len(value), where)
            for number, item in enumerate(value):
                yield from _walk(shape.member, item, f"{where}[{number}]")
        case "map":
            yield from _length(limits, len(value), where)
            for name, item in value.items():
                yield from _walk(shape.key, name, f"{where} key {name}")
                yield from _walk(shape.value, item, f"{where}[{name}]")
        case "string":
            yield from _length(limits, len(value), where)
            if "enum" in limits and value not in limits["enum"]:
                yield f"{where} is {value}, none of the enumeration"
            pattern = limits.get("pattern", "").replace(r"\p{Alnum}", "A-Za-z0-9")
            if pattern and "\\p" not in pattern and not re.fullmatch(pattern, value, re.DOTALL):
                yield f"{where} is {value}, not {pattern}"
        case "integer" | "long":
            yield from _length(limits, value, where)


def _length(limits: dict[str, Any], size: float, where: str) -> Any:
    if not limits.get("min", size) <= size <= limits.get("max", size):
        yield f"{where} is {size}, not {limits.get('min')} to {limits.get('max')}"
