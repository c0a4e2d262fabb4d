"""Back to a configuration that served before."""

from __future__ import annotations

from pathlib import Path

from stages.common.errors import ServiceError
from stages.common.settings import Settings
from stages.deploy.check import choose
from stages.deploy.endpoint import history
from stages.deploy.endpoint.account import Account
from stages.deploy.endpoint.archive import fetched
from stages.deploy.endpoint.inventory import container_of, inventory, model_of
from stages.deploy.endpoint.lease import Lease
from stages.deploy.endpoint.requests import Plan
from stages.deploy.endpoint.rollout import finish, switch
from stages.deploy.endpoint.smoke import Smoke, WrongAnswer
from stages.deploy.endpoint.watch import settle


def roll_back(settings: Settings, pictures: Path, to: str = "") -> str:
    """Let an earlier configuration serve again, all at once, and check its answers against its own model.

    Args:
        settings: of the endpoint.
        pictures: to check with.
        to: name of the configuration; empty: the last other one that passed its check.

    Returns:
        A summary line.

    Raises:
        ServiceError: when there is none, AWS refuses, or its answers are wrong now.
    """
    account = Account(settings)
    with Lease(account, "rollback") as lease:
        there = settle(account)
        if there is None:
            raise ServiceError(
                f"endpoint '{account.names.endpoint}' does not exist: make it with python -m stages.deploy"
            )
        wanted = _wanted(account, there["EndpointConfigName"], to, lease.unfinished)
        lease.intend(wanted)
        planned = _as_it_was(account, wanted)
        container = planned.model["PrimaryContainer"]
        with fetched(account, container["ModelDataUrl"]) as bundle:
            smoke = Smoke(account, bundle, bundle.model, choose(pictures, settings.deploy.check_frames))
            switch(account, wanted)
            try:
                parity = smoke.verify()
            except WrongAnswer as error:
                raise ServiceError(
                    f"{error}, although it did when it was deployed: look into its log, then deploy again"
                ) from error
            there = settle(account)
            finish(account, planned, there, bundle.settings.model_sha256, parity, "rollback")
            sha256 = bundle.settings.model_sha256
    return (
        f"deploy: endpoint '{account.names.endpoint}' is back at {wanted}, model {sha256[:10]}; it answered "
        f"{parity.pictures} test frames as the model does"
    )


def _wanted(account: Account, now: str, to: str, unfinished: str) -> str:
    """What the user named; or where a rollback was going that was killed; or the last other good one."""
    there = inventory(account).configs
    if to:
        if to not in there:
            raise ServiceError(f"configuration '{to}' does not exist: choose one of {', '.join(there)}")
        return to
    if unfinished in there:
        return unfinished
    good = history.last_good(history.entries(account), now, set(there))
    if good is None:
        raise ServiceError(
            f"endpoint '{account.names.endpoint}' has no earlier configuration to go back to: deploy another model"
        )
    return good.config


def _as_it_was(account: Account, config: str) -> Plan:
    """What was planned then, from what AWS has of it."""
    described = account.configuration(config)
    model = model_of(described)
    container = container_of(account, model)
    if not container:
        raise ServiceError(f"configuration '{config}' has lost its model '{model}': deploy the model again")
    return Plan(
        account.names,
        {"ModelName": model, "PrimaryContainer": container},
        {"EndpointConfigName": config, "ProductionVariants": described["ProductionVariants"]},
    )
