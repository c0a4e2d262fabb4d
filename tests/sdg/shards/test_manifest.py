from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from stages.sdg.plan.types import TEST_START, split_of
from stages.sdg.shards.manifest import Manifest, Shard, Span, layout, read_manifest, write_manifest


def test_layout_of_a_small_set() -> None:
    assert layout(5, 2, 3) == [
        Span("train-00000", 0, 3),
        Span("train-00001", 3, 2),
        Span("test-00000", TEST_START, 2),
    ]


@given(st.integers(1, 200), st.integers(0, 50), st.integers(1, 40))
def test_layout_holds_every_frame_once_in_order(count: int, test_count: int, size: int) -> None:
    spans = layout(count, test_count, size)
    numbers = [number for span in spans for number in span.numbers]
    assert numbers == [*range(count), *range(TEST_START, TEST_START + test_count)]
    assert all(1 <= span.frames <= size for span in spans)
    assert all(span.name.startswith(split_of(span.first)) for span in spans)


@given(st.integers(1, 100), st.integers(0, 100), st.integers(1, 16))
def test_full_shards_stay_when_the_set_grows(count: int, more: int, size: int) -> None:
    full = {span for span in layout(count, 3, size) if span.frames == size}
    assert full <= set(layout(count + more, 3, size))


def test_manifest_reads_back(tmp_path: Path) -> None:
    last = Shard("test-00000", TEST_START, 2, "b" * 64, 10240, "k")
    first = Shard("train-00000", 0, 3, "a" * 64, 20480, "k")
    manifest = Manifest(True, "k", "c" * 64, ()).with_shard(last).with_shard(first)
    assert manifest.shards == (first, last)
    write_manifest(tmp_path, manifest)
    assert read_manifest(tmp_path) == manifest
