"""What DVC asks of S3 in our name, which no reading of our code shows."""

from __future__ import annotations

from typing import Any

import pytest

from tests.infra.test_permissions import BEHIND, FORGONE
from tests.push.conftest import Clone, S3Server


def test_a_push_asks_for_nothing_that_infra_does_not_grant(
    clone: Clone, s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    from aiobotocore.client import AioBaseClient

    asked: set[tuple[str, str]] = set()
    real = AioBaseClient._make_api_call

    async def noted(self: Any, operation: str, request: Any) -> Any:
        asked.add((self.meta.service_model.service_name, operation))
        return await real(self, operation, request)

    monkeypatch.setattr(AioBaseClient, "_make_api_call", noted)
    # larger than s3fs sends at once, so that a part upload is among the calls
    (clone.root / "data/frames/shards/train-00000.tar").write_bytes(bytes(120 * 2**20))
    clone.dvc("commit", "--force", "data/frames")
    clone.storage(kind="s3", bucket="calls", endpoint=s3.endpoint)
    clone.push()
    s3.admin.delete_object(Bucket="calls", Key=s3.objects("calls")[0].relative_to(s3.folder / "calls").as_posix())
    clone.push()
    assert {("s3", "PutObject"), ("s3", "ListObjectsV2"), ("s3", "UploadPart")} <= asked
    assert asked - FORGONE <= BEHIND["stages/push"]
