"""compute=sagemaker storage=s3 deploy=sagemaker against one moto: the stages make the documented calls, in order."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.client import BaseClient

from stages.compose.compose import write_params
from stages.deploy.commands import _deploy
from stages.push.__main__ import main as push
from stages.train.commands import train_command
from tests.deploy.endpoint.aws import Aws
from tests.deploy.endpoint.test_calls import collapsed, documented, outside
from tests.e2e.account import SETTINGS, account, addresses, environment
from tests.e2e.project import REPOSITORY, Project
from tests.e2e.secrets import unpacked
from tests.infra.test_permissions import BEHIND
from tests.train.sagemaker.cloud import BUCKET, KEY, SECRET, Cloud

pytestmark = pytest.mark.e2e

TRAINING = (REPOSITORY / "docs/sagemaker.md").read_text(encoding="utf-8")


class Heard:
    """Calls of boto3, and those that DVC makes through s3fs."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        from aiobotocore.client import AioBaseClient

        self.ours: list[str] = []
        self.dvcs: set[tuple[str, str]] = set()
        self.wrong: list[str] = []
        call, acall = BaseClient._make_api_call, AioBaseClient._make_api_call

        def noted(client: Any, operation: str, request: Any) -> Any:
            service = client.meta.service_model
            self.ours.append(f"{service.service_name}:{operation}")
            shape = service.operation_model(operation).input_shape
            self.wrong += outside(request, shape, operation) if shape is not None else []
            return call(client, operation, request)

        async def noted_by_dvc(client: Any, operation: str, request: Any) -> Any:
            self.dvcs.add((client.meta.service_model.service_name, operation))
            self.ours.append("dvc:s3fs")
            return await acall(client, operation, request)

        patch.setattr(BaseClient, "_make_api_call", noted)
        patch.setattr(AioBaseClient, "_make_api_call", noted_by_dvc)

    def take(self) -> list[str]:
        """Calls since the last time."""
        taken, self.ours = collapsed(self.ours), []
        return taken


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Aws, Cloud]]:
    from stages.deploy.endpoint import lease

    for name, value in environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(lease, "RENEW_SECONDS", 3600)  # else a slow machine makes calls that a quick one does not
    with account(tmp_path / "served") as both:
        yield both


def test_push_train_and_deploy_make_the_documented_calls_in_order(
    project: Project, there: tuple[Aws, Cloud], monkeypatch: pytest.MonkeyPatch
) -> None:
    fake, cloud = there
    root = project.folder
    cloud.weights = (root / "models/best.pt").read_bytes()
    choice = ("compute=sagemaker", "storage=s3", "deploy=sagemaker", "tracking=off")
    write_params(root, (*choice, *SETTINGS, *addresses(fake), "deploy.model=models/best.onnx"))
    monkeypatch.chdir(root)
    given = {"params": Path("params.yaml"), "dataset": Path("data/dataset/yolo"), "out": Path("models")}
    heard = Heard(monkeypatch)

    push(argparse.Namespace(**given, receipt=Path("data/push.json")))
    assert heard.take() == documented("Push", TRAINING)
    assert {call for call in heard.dvcs if call[1] != "CreateBucket"} <= BEHIND["stages/push"]

    train_command(argparse.Namespace(**given))
    assert heard.take() == documented("Train", TRAINING)
    (job,) = cloud.machines
    assert json.loads((root / "models/training.json").read_text())["job"]["name"] == job

    rest = {"model": None, "bundle": Path("models/bundle"), "receipt": Path("reports/deploy.json")}
    _deploy(argparse.Namespace(**given, **rest, pictures=Path("data/dataset/yolo/images/test")))
    assert heard.take() == documented("A first deployment")
    assert json.loads((root / "reports/deploy.json").read_text())["service"]["endpoint"] == "sim-to-cloud-detector"
    assert heard.wrong == []
    check_that_nothing_is_told(fake, cloud, root)


def check_that_nothing_is_told(fake: Aws, cloud: Cloud, root: Path) -> None:
    """Neither what lies in S3, nor what an endpoint answers and so captures, nor what is left here has a credential."""
    kept = {f"s3 {key}": body for key, body in fake.objects(BUCKET).items()}
    served = next(key for key in kept if key.endswith("/model.tar.gz") and "/endpoints/" in key)
    picture = next((root / "data/dataset/yolo/images/test").iterdir()).read_bytes()
    headers = {"Content-Type": "image/jpeg", "Accept": "application/json"}
    status, kept["answer"] = fake.invoke(f"s3://{BUCKET}/{served.removeprefix('s3 ')}", picture, headers)
    assert status == 200
    kept |= {f"job {name}": json.dumps(machine.environment).encode() for name, machine in cloud.machines.items()}
    kept |= {f"model {name}": repr(one.__dict__).encode() for name, one in fake.sagemaker._models.items()}
    for path in (*(root / "models").rglob("*"), *(root / "reports").rglob("*"), root / "data/push.json"):
        if path.is_file():
            kept[str(path)] = path.read_bytes()
    told = {
        name
        for name, body in kept.items()
        for part in (body, *unpacked(body))
        if SECRET.encode() in part or KEY.encode() in part
    }
    assert told == set()
