"""The calls of AWS are the documented ones, in order, and valid for botocore's models."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.model import ListShape, MapShape, Shape, StringShape, StructureShape

from stages.deploy.endpoint import account
from tests.deploy.conftest import REPOSITORY
from tests.deploy.endpoint.aws import Aws
from tests.deploy.endpoint.conftest import settings_of
from tests.deploy.endpoint.killed import do

PAGE = (REPOSITORY / "docs" / "endpoint.md").read_text(encoding="utf-8")


def collapsed(calls: Iterable[str]) -> list[str]:
    """What is repeated at once, be it several calls, named once."""
    text = " ".join(calls)
    for length in range(4):
        text = re.sub(rf"(?<!\S)(\S+(?: \S+){{{length}}})(?: \1)+(?!\S)", r"\1", text)
    return text.split()


class Recorder:
    """Operations as botocore's events tell them, with their parameters."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []
        self.wrong: list[str] = []

    def hear(self, client: Any) -> Any:
        client.meta.events.register_first("provide-client-params.*.*", self._note)
        return client

    def deafen(self, client: Any) -> None:
        client.meta.events.unregister("provide-client-params.*.*", self._note)

    def _note(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        self.calls.append((model.service_model.service_name, model.name))
        if model.input_shape is not None:
            self.wrong += outside(params, model.input_shape, f"{model.name}")

    @property
    def names(self) -> list[str]:
        """``service:Operation``; what is repeated at once, be it several calls, is named once."""
        return collapsed(f"{service}:{operation}" for service, operation in self.calls)


def outside(value: Any, shape: Shape, path: str) -> Iterator[str]:
    """Values that are none of an enumeration, or do not match a pattern: botocore itself checks neither."""
    if isinstance(shape, StructureShape):
        for name, inner in value.items():
            yield from outside(inner, shape.members[name], f"{path}.{name}")
    elif isinstance(shape, ListShape):
        for inner in value:
            yield from outside(inner, shape.member, f"{path}[]")
    elif isinstance(shape, MapShape):
        for inner in value.values():
            yield from outside(inner, shape.value, f"{path}{{}}")
    elif isinstance(shape, StringShape):
        if shape.enum and value not in shape.enum:
            yield f"{path} is {value!r}"
        pattern = shape.metadata.get("pattern", "")
        with contextlib.suppress(re.error):  # some are of Java's kind alone
            if not re.search(pattern.replace(r"\p{L}", r"\w").replace(r"\p{Z}", r"\s").replace(r"\p{N}", r"\d"), value):
                yield f"{path} is {value!r}, not {pattern}"


@pytest.fixture
def recorder(clients: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Recorder]:
    recorder, heard, kept = Recorder(), [], account.client

    def hear(aws: Any, service: str, *, attempts: int) -> Any:
        client = kept(aws, service, attempts=attempts)
        if client not in heard:
            heard.append(recorder.hear(client))
        return client

    monkeypatch.setattr(account, "client", hear)
    yield recorder
    for client in heard:
        recorder.deafen(client)


def documented(title: str, page: str = PAGE) -> list[str]:
    """The calls that a page lists under a title."""
    section = page.split(f"### {title}\n", 1)[1]
    return re.findall(r"^    (\S+:\S+)", section.split("\n### ", 1)[0].split("\n## ", 1)[0], re.MULTILINE)


CASES = {
    "A first deployment": ("deploy", (), "model", ()),
    "A new model": ("deploy", (), "other", ("model",)),
    "The same again": ("deploy", (), "model", ("model",)),
    "Rollback": ("rollback", (), "model", ("model", "other")),
    "Teardown": ("teardown", (), "model", ("model",)),
    **{
        f"A first deployment by deploy=sagemaker-{kind}": ("deploy", (f"deploy=sagemaker-{kind}",), "model", ())
        for kind in ("async", "scheduled", "serverless")
    },
}


@pytest.mark.parametrize("title", CASES)
def test_calls_are_the_documented_ones(
    title: str, fake: Aws, model: Path, other: Path, frames: Path, recorder: Recorder
) -> None:
    command, more, which, before = CASES[title]
    models = {"model": model, "other": other}
    for name in before:
        do("deploy", settings_of(fake, *more), models[name], frames)
    recorder.calls.clear()
    do(command, settings_of(fake, *more), models[which], frames)
    print("\n".join(recorder.names))
    assert recorder.wrong == []
    assert recorder.names == documented(title)


@pytest.mark.parametrize("choice", ["sagemaker", "sagemaker-scheduled", "sagemaker-serverless", "sagemaker-async"])
def test_every_request_is_valid(
    choice: str, fake: Aws, model: Path, other: Path, frames: Path, recorder: Recorder
) -> None:
    """With all that can be set: keys, a network, a topic, tags."""
    network = ["aws.subnets=[subnet-1]", "aws.security_groups=[sg-1]", "aws.isolation=true"]
    settings = settings_of(
        fake,
        f"deploy={choice}",
        "aws.kms_key=arn:aws:kms:us-east-1:123456789012:key/a",
        "+aws.tags.team=vision",
        "endpoint.alarms.topic=arn:aws:sns:us-east-1:123456789012:on-call",
        "deploy.threads=2",
        *(network if choice != "sagemaker-serverless" else []),
    )
    for name in (model, other):
        do("deploy", settings, name, frames)
    do("rollback", settings, model, frames)
    do("teardown", settings, model, frames)
    assert recorder.wrong == []
    assert fake.state()["configs"] == {}
