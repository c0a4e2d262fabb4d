"""Objects in the bucket: what is served is out of reach for whoever trains."""

from __future__ import annotations

import pytest

from tests.infra.keys import judged, outermost, refused
from tests.settings import REPOSITORY

SERVED = "sim-to-cloud/endpoints/sim-to-cloud-detector"


@pytest.mark.parametrize(
    "key", [f"{SERVED}/models/ab/model.tar.gz", f"{SERVED}/lease.json", f"{SERVED}/history/1.json"]
)
def test_the_workflow_that_trains_cannot_touch_what_is_served(key: str) -> None:
    assert refused("ci", "PutObject", {"Key": key})
    assert refused("ci", "GetObject", {"Key": key})
    assert refused("host", "PutObject", {"Key": key})
    assert refused("monitor", "PutObject", {"Key": key})
    assert not refused("deploy", "PutObject", {"Key": key})


@pytest.mark.parametrize(
    ("principal", "operation", "key", "granted"),
    [
        ("ci", "PutObject", "sim-to-cloud/channels/ab/part-00000.tar", True),
        ("ci", "UploadPart", "sim-to-cloud/weights/ab/yolo11n.pt", True),
        ("ci", "GetObject", "sim-to-cloud/jobs/a/output/model.tar.gz", True),
        ("ci", "PutObject", "sim-to-cloud/jobs/a/output/model.tar.gz", False),
        ("ci", "GetObject", "sim-to-cloud/checkpoints/a/metrics.jsonl", True),
        ("ci", "PutObject", "sim-to-cloud/checkpoints/a/metrics.jsonl", False),
        ("ci", "PutObject", "dvc/files/md5/ab/cd", True),
        ("deploy", "PutObject", "dvc/files/md5/ab/cd", False),
        ("deploy", "HeadObject", "dvc/files/md5/ab/cd", True),
        ("deploy", "GetObject", "sim-to-cloud/jobs/a/output/model.tar.gz", False),
        ("execution", "PutObject", "sim-to-cloud/checkpoints/a/last.pt", True),
        ("execution", "PutObject", "sim-to-cloud/channels/ab/part-00000.tar", False),
        ("execution", "GetObject", "sim-to-cloud/in/a.jpg", True),
    ],
)
def test_each_writes_its_own(principal: str, operation: str, key: str, granted: bool) -> None:
    assert (refused(principal, operation, {"Key": key}) == "") == granted


def test_a_call_is_its_outermost_module_s() -> None:
    files = [f"{REPOSITORY}/stages/{name}" for name in ("common/aws/objects.py", "train/sagemaker/trainer.py")]
    first = outermost([*files, f"{REPOSITORY}/tests/train/x.py", f"{REPOSITORY}/stages/deploy/x.py"], REPOSITORY)
    assert (first, judged(first)) == ("stages/train/sagemaker/trainer.py", "ci")
    assert judged("stages/common/aws/objects.py") == ""
