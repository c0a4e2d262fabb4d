"""The S3 remote, against a real server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stages.common.errors import StorageError
from tests.push.conftest import KEY, SECRET, Clone, S3Server, free_port, serve_s3


@pytest.fixture
def bucket(request: pytest.FixtureRequest) -> str:
    """A name that no other test has."""
    return request.node.name.removeprefix("test_").replace("_", "-")[:60].rstrip("-")


def use(clone: Clone, endpoint: str, bucket: str, **more: object) -> None:
    clone.storage(kind="s3", bucket=bucket, endpoint=endpoint, **more)


def shards(paths: list[Path]) -> list[Path]:
    return [path for path in paths if path.stat().st_size == 2000]


def assert_discreet(*texts: str) -> None:
    for text in texts:
        assert SECRET not in text
        assert KEY not in text
        assert "Traceback" not in text


def test_push_wipe_pull_and_collect_garbage(clone: Clone, s3: S3Server, bucket: str) -> None:
    use(clone, s3.endpoint, bucket)
    before = clone.shards
    assert clone.push().sent == 6
    assert len(s3.objects(bucket)) == 6

    clone.wipe_cache()
    clone.dvc("pull", "data/frames")
    assert clone.shards == before
    assert clone.push().sent == 0

    clone.other_frames()
    assert clone.push().sent == 4  # the manifest is the same
    assert len(shards(s3.objects(bucket))) == 6
    clone.dvc("gc", "--workspace", "--cloud", "--force")
    assert {path.read_bytes()[0] for path in shards(s3.objects(bucket))} == {100, 101, 102}


def test_lost_objects_come_back(clone: Clone, s3: S3Server, bucket: str) -> None:
    use(clone, s3.endpoint, bucket)
    clone.push()
    before = s3.objects(bucket)
    for path in shards(before)[:2]:
        s3.admin.delete_object(Bucket=bucket, Key=path.relative_to(s3.folder / bucket).as_posix())
    assert clone.push().sent == 2
    assert s3.objects(bucket) == before


def test_nothing_secret_is_written_and_git_sees_nothing(clone: Clone, s3: S3Server, bucket: str) -> None:
    use(clone, s3.endpoint, bucket)
    done = clone.push_as_user()
    assert done.stdout.startswith(f"push: 6 objects sent to s3://{bucket}/dvc; data/frames at ")
    receipt = clone.receipt.read_text()
    assert json.loads(receipt)["remote"] == {"kind": "s3", "url": f"s3://{bucket}/dvc", "server": s3.endpoint}
    assert_discreet(done.stdout, done.stderr, receipt, (clone.root / ".dvc/config.local").read_text())
    assert clone.run("git", "status", "--porcelain").stdout == " M params.yaml\n"


def test_credentials_that_dvc_was_given(
    clone: Clone, s3: S3Server, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    use(clone, s3.endpoint, bucket)
    config = clone.root / ".dvc" / "config.local"
    config.write_text(
        f"['remote \"s3\"']\n    url = s3://other\n    access_key_id = {KEY}\n    secret_access_key = {SECRET}\n"
    )
    clone.push()
    assert len(s3.objects(bucket)) == 6
    assert f"secret_access_key = {SECRET}" in config.read_text()


def test_back_to_the_folder(clone: Clone, s3: S3Server, bucket: str) -> None:
    use(clone, s3.endpoint, bucket)
    clone.push()
    clone.storage()
    clone.push()
    assert clone.dvc("remote", "default").stdout.strip() == "local"


def test_wrong_key(clone: Clone, s3: S3Server, bucket: str) -> None:
    use(clone, s3.endpoint, bucket)
    done = clone.push_as_user(AWS_SECRET_ACCESS_KEY="wrong-secret-word")
    assert done.returncode == 5
    assert done.stdout == ""
    assert done.stderr == (
        f"error: {s3.endpoint} refuses these credentials for s3://{bucket}/dvc (SignatureDoesNotMatch): "
        "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or AWS_PROFILE, and what they may do\n"
    )


def test_no_credentials(clone: Clone, s3: S3Server, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    use(clone, s3.endpoint, bucket)
    with pytest.raises(StorageError) as caught:
        clone.push()
    assert str(caught.value) == (
        f"there are no credentials for s3://{bucket}/dvc: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
        "or AWS_PROFILE"
    )


def test_missing_bucket_that_may_not_be_made(clone: Clone, s3: S3Server, bucket: str) -> None:
    use(clone, s3.endpoint, bucket, create_bucket=False)
    with pytest.raises(StorageError) as caught:
        clone.push()
    assert str(caught.value) == (
        f"bucket '{bucket}' does not exist at {s3.endpoint}: make it, or allow it with storage.create_bucket=true"
    )
    assert not (s3.folder / bucket).exists()
    assert not clone.receipt.exists()


def test_a_server_that_is_down_fails_in_seconds_and_keeps_what_ran(clone: Clone) -> None:
    endpoint = f"http://127.0.0.1:{free_port()}"
    use(clone, endpoint, "frames")
    (clone.root / "frames.txt").write_text("5")
    done = clone.dvc("repro", check=False)  # within the time that a command has, or the test fails
    assert done.returncode != 0
    assert f"error: {endpoint} does not answer: start it, or correct storage.endpoint\n" in done.stderr
    assert not clone.receipt.exists()
    # the frames were rendered and are kept: with a remote that answers only the rest runs
    clone.storage()
    said = clone.dvc("repro").stdout
    assert "Running stage 'sdg'" not in said
    assert "Running stage 'push'" in said


def test_a_server_that_takes_nothing(clone: Clone, s3: S3Server, bucket: str) -> None:
    s3.admin.create_bucket(Bucket=bucket)
    with serve_s3(s3.folder, "--read-only") as server:
        use(clone, server.endpoint, bucket)
        done = clone.push_as_user()
    assert done.returncode == 5
    assert done.stderr == (
        f"error: {server.endpoint} answers 'InternalError' for s3://{bucket}/dvc: try again, or look into the "
        "server's log\n"
    )
    assert not clone.receipt.exists()
