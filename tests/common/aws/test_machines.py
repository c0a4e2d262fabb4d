"""Which machines have disks of their own."""

from __future__ import annotations

import pytest

from stages.common.aws.machines import has_own_disk


@pytest.mark.parametrize("kind", ["g4dn", "g5", "g6", "g6e", "g7e", "p3dn", "p4d", "p4de", "p5", "p5en", "c5d", "m5d"])
def test_with_disks(kind: str) -> None:
    assert has_own_disk(f"ml.{kind}.xlarge")


@pytest.mark.parametrize("kind", ["c5", "m5", "p2", "p3", "c7i", "t2"])
def test_without(kind: str) -> None:
    assert not has_own_disk(f"ml.{kind}.xlarge")
