"""S3 that fails every fifth request and tears every fifth answer, while an endpoint is changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from stages.common.aws.session import client
from stages.deploy.endpoint import account
from stages.deploy.endpoint.account import Account
from stages.deploy.endpoint.history import entries
from tests.deploy.endpoint.aws import Aws
from tests.deploy.endpoint.conftest import settings_of
from tests.deploy.endpoint.killed import do
from tests.weather import Weather

CASES = {
    "first": ((), "deploy", "model"),
    "update": (("model",), "deploy", "other"),
    "rollback": (("model", "other"), "rollback", "model"),
    "teardown": (("model", "other"), "teardown", "model"),
}


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("case", CASES)
def test_it_ends_as_in_good_weather(
    case: str,
    seed: int,
    fake: Aws,
    model: Path,
    other: Path,
    frames: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before, command, which = CASES[case]
    models = {"model": model, "other": other}
    fake.looks = 1
    settings = settings_of(fake)
    for name in before:
        do("deploy", settings, models[name], frames)
    start = fake.snapshot()
    do(command, settings, models[which], frames)
    undisturbed, known = fake.state(), len(entries(Account(settings)))
    fake.restore(start)
    weather = Weather(seed)
    weather.install(monkeypatch)
    monkeypatch.setattr(account, "client", client)  # one that is made in this weather
    do(command, settings, models[which], frames)
    assert weather.failures
    assert fake.state() == undisturbed
    assert len(entries(Account(settings))) == known
