"""An AWS account that is none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stages.common.settings import Settings
from tests.settings import REPOSITORY, compose

TEMPLATE = REPOSITORY / "infra" / "stack.yaml"

ACCOUNT = "123456789012"  # moto's


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Moto in this process, with nobody's AWS files."""
    from moto import mock_aws
    from moto.cloudformation import parsing
    from moto.cloudformation.models import CloudFormationBackend

    for name, value in {"ACCESS_KEY_ID": "testing", "SECRET_ACCESS_KEY": "testing", "MAX_ATTEMPTS": "1"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    real = parsing.clean_json

    def without_gaps(resource: Any, resources: Any) -> Any:
        """As CloudFormation does, and moto does not: AWS::NoValue in a list leaves no hole."""
        cleaned = real(resource, resources)
        return [item for item in cleaned if item is not None] if isinstance(cleaned, list) else cleaned

    execute = CloudFormationBackend.execute_change_set

    def with_outputs(self: Any, change_set_name: str, stack_name: str | None = None) -> None:
        """Moto keeps the outputs of the empty stack that a first change set makes."""
        execute(self, change_set_name, stack_name)
        for stack in self.stacks.values():
            stack.template_dict = stack.parse_template(stack.template)
            stack.output_map = stack._create_output_map()

    monkeypatch.setattr(parsing, "clean_json", without_gaps)
    monkeypatch.setattr(CloudFormationBackend, "execute_change_set", with_outputs)
    with mock_aws():
        yield


@pytest.fixture
def settings() -> Settings:
    """Of a repository on GitHub, with a budget; moto knows no signing profiles."""
    return compose(
        "aws.project=detector",
        "infra.github=acme/detector",
        "infra.github_ids='123/456'",
        "infra.sign_images=false",
        "infra.budget_usd=100",
        "infra.budget_email=team@example.org",
    )
