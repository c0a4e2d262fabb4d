"""A folder and an S3 server do the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from stages.common.buckets import Bucket, base_uri, open_bucket
from stages.common.errors import StorageError
from stages.common.settings.platform import Storage
from tests.push.conftest import KEY, SECRET, serve_s3


@pytest.fixture(params=["folder", "s3"])
def bucket(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    if request.param == "folder":
        yield open_bucket((tmp_path / "a folder" / "below").as_uri() + "/")
        return
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    (tmp_path / "buckets" / "jobs").mkdir(parents=True)
    with serve_s3(tmp_path / "buckets") as server:
        yield open_bucket("s3://jobs/some/prefix/", server.endpoint)


def test_objects_go_in_and_come_out(bucket: Bucket, tmp_path: Path) -> None:
    assert bucket.keys() == []
    assert bucket.read("a.txt") is None
    assert not bucket.fetch("deep/b.bin", tmp_path / "fetched")
    (tmp_path / "small").write_bytes(b"text")
    (tmp_path / "large").write_bytes(bytes(range(256)) * 8192)  # 2 MiB
    bucket.put(tmp_path / "small", "a.txt")
    bucket.put(tmp_path / "large", "deep/b.bin")
    assert bucket.keys() == ["a.txt", "deep/b.bin"]
    assert bucket.read("a.txt") == b"text"
    assert bucket.fetch("deep/b.bin", tmp_path / "new folder" / "fetched")
    assert (tmp_path / "new folder" / "fetched").read_bytes() == (tmp_path / "large").read_bytes()
    bucket.put(tmp_path / "large", "a.txt")
    assert len(bucket.read("a.txt") or b"") == 2**21
    bucket.delete()
    assert bucket.keys() == []
    bucket.delete()
    assert not bucket.uri.endswith("/")


def test_where_a_jobs_files_lie(tmp_path: Path) -> None:
    here = Storage(name="local", kind="local", folder="remote")
    assert base_uri(here, None, tmp_path) == (tmp_path / "remote/sagemaker").resolve().as_uri()
    there = Storage(name="s3", kind="s3", bucket="frames")
    assert base_uri(there, None, tmp_path) == "s3://frames/sim-to-cloud"


@pytest.mark.parametrize("uri", ["", "frames", "https://frames", "s3:///prefix"])
def test_a_place_that_is_none(uri: str) -> None:
    with pytest.raises(StorageError, match="is no place for objects"):
        open_bucket(uri)


def test_a_server_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setattr("stages.common.buckets.ATTEMPTS", 1)
    with pytest.raises(StorageError, match="does not answer") as caught:
        open_bucket("s3://jobs", "http://user:secret@127.0.0.1:9").keys()
    assert "secret" not in str(caught.value)
