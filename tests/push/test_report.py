"""The workflow that reports on pull requests gets its data from the remote that the settings name, and only reads."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.infra.test_permissions import BEHIND
from tests.push.conftest import REPOSITORY, Clone, S3Server

STEP = "Pull what the DVC remote has"


def script() -> str:
    workflow = yaml.safe_load((REPOSITORY / ".github/workflows/report.yml").read_text())
    return next(step["run"] for step in workflow["jobs"]["report"]["steps"] if step.get("name") == STEP)


def test_a_report_gets_the_frames_and_keeps_the_settings_of_the_pull_request(clone: Clone, s3: S3Server) -> None:
    before = clone.shards
    clone.storage(kind="s3", bucket="report", endpoint=s3.endpoint)
    clone.push()
    clone.wipe_cache()
    # what a push left here would be there on no runner
    (clone.root / ".dvc/config.local").unlink()
    done = clone.run("bash", "-eo", "pipefail", "-c", script())
    assert "holds all of dvc.lock" in done.stdout
    assert "made here" not in done.stdout
    assert clone.shards == before
    assert clone.run("git", "status", "--porcelain").stdout == ""


def test_a_remote_that_does_not_answer_is_no_error(clone: Clone) -> None:
    clone.storage(kind="s3", bucket="report", endpoint="http://127.0.0.1:9")
    clone.wipe_cache()
    done = clone.run("bash", "-eo", "pipefail", "-c", script())
    assert "What the remote lacks is made here." in done.stdout
    assert "The remote has nothing for this run" in done.stdout
    assert clone.run("git", "status", "--porcelain").stdout == ""


def test_a_pull_only_reads(clone: Clone, s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    from aiobotocore.client import AioBaseClient
    from dvc.repo import Repo

    clone.storage(kind="s3", bucket="reading", endpoint=s3.endpoint)
    clone.push()
    clone.wipe_cache()
    asked: set[tuple[str, str]] = set()
    real = AioBaseClient._make_api_call

    async def noted(self: Any, operation: str, request: Any) -> Any:
        asked.add((self.meta.service_model.service_name, operation))
        return await real(self, operation, request)

    monkeypatch.setattr(AioBaseClient, "_make_api_call", noted)
    with Repo(str(clone.root)) as repo:
        repo.pull(run_cache=True, allow_missing=True)
    assert clone.shards
    assert ("s3", "GetObject") in asked
    assert asked <= BEHIND["stages/push/verify.py"]
