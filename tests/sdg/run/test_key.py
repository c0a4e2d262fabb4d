from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from stages.sdg.run import key
from tests.sdg.run import flat
from tests.settings import compose


@pytest.mark.parametrize(
    "override",
    [
        "dataset.frames.count=99",
        "dataset.frames.test_count=9",
        "dataset.frames.shard_size=9",
        "renderer.runtime.workers=3",
        "train.epochs=9",
        "dataset.convert.min_box=20",
    ],
)
def test_settings_that_change_no_frame_do_not_change_the_key(override: str) -> None:
    assert key.content_key(compose(override)) == key.content_key(compose())


@pytest.mark.parametrize(
    "override",
    [
        "seed=9",
        "renderer=blender",
        "renderer.samples=9",
        "dataset.frames.sizes=[64x64]",
        "dataset.frames.annotators=[depth]",
        "randomization.content.negatives=0.9",
    ],
)
def test_settings_that_change_frames_change_the_key(override: str) -> None:
    assert key.content_key(compose(override)) != key.content_key(compose())


def test_the_worker_settings_do_not_change_the_key() -> None:
    assert key.content_key(flat.settings(workers=1)) == key.content_key(flat.settings(workers=5))


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    return shutil.copytree(key.STAGES, tmp_path / "stages", ignore=shutil.ignore_patterns("__pycache__"))


def test_comments_and_layout_of_sources_do_not_count(sources: Path) -> None:
    before = key.source_digest(sources)
    path = sources / "sdg" / "label" / "labels.py"
    path.write_text(f"# a remark\n\n{path.read_text()}\n")
    assert key.source_digest(sources) == before


@pytest.mark.parametrize("name", key.SOURCES)
def test_every_source_counts(name: str, sources: Path) -> None:
    before = key.source_digest(sources)
    place = sources / name
    path = place if place.is_file() else min(place.glob("*.py"))
    with open(path, "a") as stream:
        stream.write("\nANOTHER = 1\n")
    assert key.source_digest(sources) != before


def test_a_new_source_counts(sources: Path) -> None:
    before = key.source_digest(sources)
    (sources / "sdg" / "assets" / "another.py").write_text("")
    assert key.source_digest(sources) != before


def test_the_command_line_does_not_count(sources: Path) -> None:
    before = key.source_digest(sources)
    for name in ("sdg/cli.py", "sdg/preview.py", "sdg/run/pool.py", "sdg/run/job.py"):
        (sources / name).write_text("")
    assert key.source_digest(sources) == before


def test_where_the_sources_lie_does_not_count(sources: Path) -> None:
    moved = sources.rename(sources.with_name("elsewhere"))
    assert key.source_digest(moved) == key.source_digest(shutil.copytree(moved, sources))
