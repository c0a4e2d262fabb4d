"""Looking whether a remote is whole."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from stages.common.errors import InputError, StorageError
from stages.common.settings import load
from stages.push.verify import verify
from tests.push.conftest import Clone, S3Server


def look(clone: Clone) -> str:
    return str(verify(clone.root, load(clone.root / "params.yaml").storage))


@dataclass(frozen=True)
class Kept:
    """Where the pushed objects lie: a folder, or a bucket of a server, which is told of every change."""

    folder: Path
    server: S3Server | None = None

    def find(self, pattern: str = "*") -> list[Path]:
        return [path for path in self.folder.rglob(pattern) if path.is_file()]

    @property
    def shard(self) -> Path:
        return next(path for path in self.find() if path.stat().st_size == 2000)

    def lose(self, path: Path) -> None:
        if self.server:
            self.server.admin.delete_object(**self._where(path))
        else:
            path.unlink()

    def cut(self, path: Path) -> None:
        if self.server:
            self.server.admin.put_object(**self._where(path), Body=b"x")
        else:
            path.chmod(0o644)
            path.write_bytes(b"x")

    def _where(self, path: Path) -> dict[str, str]:
        assert self.server
        bucket, _, key = path.relative_to(self.server.folder).as_posix().partition("/")
        return {"Bucket": bucket, "Key": key}


@pytest.fixture(params=["folder", "server"])
def kept(request: pytest.FixtureRequest, clone: Clone, s3: S3Server) -> Kept:
    """A remote that was pushed to."""
    if request.param == "folder":
        clone.push()
        return Kept(clone.root / ".remote")
    bucket = re.sub("[^a-z]+", "-", request.node.name)[-60:].strip("-")
    clone.storage(kind="s3", bucket=bucket, endpoint=s3.endpoint)
    clone.push()
    return Kept(s3.folder / bucket, s3)


def test_a_whole_remote(clone: Clone, kept: Kept) -> None:
    assert "holds all of dvc.lock (6 objects, 0.0 MiB)" in look(clone)


def test_a_clone_that_has_nothing_but_dvc_lock_can_look_and_then_pull(clone: Clone, kept: Kept) -> None:
    before = clone.shards
    clone.wipe_cache()
    assert "holds all of dvc.lock" in look(clone)
    clone.dvc("pull", "data/frames")
    assert clone.shards == before


def test_a_lost_shard_is_named(clone: Clone, kept: Kept) -> None:
    kept.lose(kept.shard)
    with pytest.raises(
        StorageError, match=r"lacks 1 objects of data/frames \(shards/train-0000.\.tar among them\): send"
    ):
        look(clone)
    clone.push()
    look(clone)


def test_one_that_was_cut_short(clone: Clone, kept: Kept) -> None:
    kept.cut(kept.shard)
    with pytest.raises(StorageError, match=r"data/frames has \d+ bytes in \S+ where dvc\.lock says \d+: remove what"):
        look(clone)


def test_without_the_listing_in_the_remote(clone: Clone, kept: Kept) -> None:
    (listing,) = kept.find("*.dir")
    kept.lose(listing)
    with pytest.raises(StorageError, match=r"\(its listing among them\)"):
        look(clone)


def test_before_anything_was_rendered(clone: Clone) -> None:
    (clone.root / "dvc.lock").unlink()
    with pytest.raises(InputError, match=r"data/frames is not in dvc\.lock: run dvc repro, and commit dvc\.lock"):
        look(clone)


def test_the_command(clone: Clone) -> None:
    clone.push()
    done = clone.run("python", "-m", "stages.push", "verify")
    assert done.stdout.startswith("push: .remote holds all of dvc.lock (6 objects")
    assert clone.run("python", "-m", "stages.push", "verify", "--help").stdout.startswith(
        "usage: python -m stages.push"
    )
