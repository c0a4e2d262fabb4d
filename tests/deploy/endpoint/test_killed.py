"""A client that is killed at any call, and started again, ends where an undisturbed one does."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.deploy.endpoint.aws import Aws
from tests.deploy.endpoint.conftest import ENDPOINT, settings_of
from tests.deploy.endpoint.killed import Killed, cut, do, kill

MOST = 100
"""Calls of one command, at most."""

COMMANDS = {
    # what is run, with which settings, by whose model, after which deployments
    "create": ("deploy", (), "model", ()),
    "update": ("deploy", (), "other", ("model",)),
    "other machine": ("deploy", ("endpoint.instance=ml.m5.large",), "model", ("model",)),
    "rollback": ("rollback", (), "model", ("model", "other")),
    "teardown": ("teardown", (), "model", ("model", "other")),
}


@pytest.mark.parametrize("case", COMMANDS)
def test_killed_at_every_call(case: str, fake: Aws, model: Path, other: Path, frames: Path) -> None:
    command, more, which, before = COMMANDS[case]
    models = {"model": model, "other": other}
    fake.looks = 1
    for name in before:
        do("deploy", settings_of(fake), models[name], frames)
    start = fake.snapshot()

    settings = settings_of(fake, *more)
    do(command, settings, models[which], frames)
    undisturbed = fake.state()
    assert undisturbed["held"] in ([], [False])

    killed = 0
    for at in range(1, MOST):
        fake.restore(start)
        with cut(at):
            try:
                do(command, settings, models[which], frames)
                break
            except Killed:
                killed += 1
        # a rollback that was killed before it had begun or after it was done would only be another rollback
        if command != "rollback" or fake.state() != undisturbed:
            do(command, settings, models[which], frames)
        assert fake.state() == undisturbed, f"killed before call {at}"
    assert 12 < killed < MOST - 1


@pytest.mark.parametrize("operation", ["CreateEndpointConfig", "RegisterScalableTarget"])
def test_a_process_that_is_killed(operation: str, fake: Aws, model: Path, frames: Path) -> None:
    """As above, with ``kill -9``: the next run takes the lease of the dead process at once."""
    settings = settings_of(fake)
    kill("deploy", settings, model, frames, operation)
    assert fake.state()["held"] == [True]
    do("deploy", settings, model, frames)
    state = fake.state()
    assert (state["held"], len(state["configs"]), len(state["models"])) == ([False], 1, 1)
    assert state["endpoints"][ENDPOINT][1] == "InService"
