from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import pytest

from stages.common.errors import StageError
from stages.common.settings import Settings
from stages.sdg.run.job import Report, render_frames
from stages.sdg.run.store import lock
from stages.sdg.shards import read_frames, read_manifest, read_plans
from tests.sdg.run import flat

Render = Callable[[Settings], Report]
Check = Callable[[Settings], None]


def test_a_run_leaves_shards_plans_inputs_and_a_sheet(folder: Path, render: Render, assert_whole: Check) -> None:
    wanted = flat.settings(count=6, test_count=1, shard_size=4, workers=2)
    report = render(wanted)
    assert (report.frames, report.rendered, report.workers) == (7, 7, 2)
    assert_whole(wanted)
    frames = list(read_frames(folder))
    assert [frame.label.frame for frame in frames] == [0, 1, 2, 3, 4, 5, 1_000_000]
    assert all(set(frame.files) == {"jpg", "instance.png"} for frame in frames)
    assert [plan.frame for plan in read_plans(folder)] == [frame.label.frame for frame in frames]
    inputs = json.loads((folder / "inputs" / "settings.json").read_text())
    assert inputs["dataset"]["frames"]["count"] == 6
    assert "runtime" not in inputs["renderer"]
    assets = json.loads((folder / "inputs" / "assets.json").read_text())
    assert len(assets["pallet_truck"]) == 64
    assert cv2.imread(str(folder / "contact-sheet.jpg")).shape[1] > 900


def test_every_worker_has_work_although_there_is_one_shard(
    render: Render, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECORD", str(tmp_path / "record"))
    monkeypatch.setenv("DELAY", "0.5")
    render(flat.settings(count=6, test_count=0, shard_size=100, workers=2))
    processes = [line.split()[0] for line in (tmp_path / "record").read_text().splitlines()]
    assert len(processes) == 6
    assert len(set(processes)) == 2


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six and one frames in shards of four."""
    folder = tmp_path_factory.mktemp("made") / "frames"
    render_frames(flat.settings(), folder, log=io.StringIO(), factory=flat.FACTORY)
    return folder


@pytest.fixture
def filled(made: Path, folder: Path) -> Path:
    return shutil.copytree(made, folder)


@pytest.mark.usefixtures("filled")
class TestAgain:
    def test_a_second_run_renders_and_changes_nothing(self, folder: Path, render: Render) -> None:
        before = {path: path.stat().st_mtime_ns for path in (folder / "shards").iterdir()}
        contents = flat.contents(folder)
        report = render(flat.settings(workers=7))
        assert report.rendered == 0
        assert report.summary(folder) == f"{folder}: all 7 frames were there"
        assert {path: path.stat().st_mtime_ns for path in (folder / "shards").iterdir()} == before
        assert flat.contents(folder) == contents

    @pytest.mark.parametrize(
        ("wanted", "rendered"),
        [
            ({"count": 8}, 2),  # the last, partial shard is filled up
            ({"count": 10, "test_count": 2}, 5),
            ({"count": 3}, 0),  # what no longer belongs is dropped, a shard is cut
            ({"count": 4, "test_count": 0}, 0),
            ({"shard_size": 3}, 0),  # packed anew, not rendered anew
            ({"count": 7, "shard_size": 5}, 1),
        ],
    )
    def test_frames_that_are_there_are_kept_to_the_byte(
        self, wanted: dict[str, int], rendered: int, render: Render, assert_whole: Check
    ) -> None:
        report = render(flat.settings(**wanted))
        assert report.rendered == rendered
        assert_whole(flat.settings(**wanted))

    def test_full_shards_are_not_touched_when_the_set_grows(self, folder: Path, render: Render) -> None:
        before = (folder / "shards" / "train-00000.tar").stat()
        render(flat.settings(count=7))
        after = (folder / "shards" / "train-00000.tar").stat()
        assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)

    def test_other_settings_replace_everything(self, folder: Path, render: Render, log: io.StringIO) -> None:
        key = read_manifest(folder).key
        report = render(flat.settings(count=2, test_count=0).model_copy(update={"seed": 99}))
        assert report.rendered == 2
        assert read_manifest(folder).key != key
        assert [path.name for path in (folder / "shards").iterdir()] == ["train-00000.tar"]
        assert {plan.seed for plan in read_plans(folder)} == {99}
        assert "so all frames are rendered anew" in log.getvalue()

    @pytest.mark.parametrize(
        ("harm", "rendered"),
        [
            (lambda folder: (folder / "shards" / "train-00001.tar").write_bytes(b"x"), 2),
            (lambda folder: (folder / "shards" / "train-00001.tar").unlink(), 2),
            (lambda folder: (folder / "shards" / "stray.tar").write_bytes(b"x"), 0),
            (lambda folder: (folder / "plan.jsonl").write_text("{}\n"), 0),
            (lambda folder: (folder / "plan.jsonl").unlink(), 0),
            (lambda folder: (folder / "contact-sheet.jpg").unlink(), 0),
            (lambda folder: (folder / "manifest.json").write_text("{"), 7),
            (lambda folder: (folder / "inputs" / "assets.json").unlink(), 0),
        ],
        ids=["altered", "missing", "stray", "plans", "no plans", "sheet", "manifest", "inputs"],
    )
    def test_what_was_damaged_is_mended(
        self, harm: Callable[[Path], object], rendered: int, folder: Path, render: Render, assert_whole: Check
    ) -> None:
        harm(folder)
        assert render(flat.settings()).rendered == rendered
        assert_whole(flat.settings())
        assert len(list(read_frames(folder))) == 7


def test_a_second_run_in_the_same_folder_is_refused(folder: Path, render: Render) -> None:
    with (
        lock(folder),
        pytest.raises(StageError, match=r"is being rendered by another run \(process \d+\); wait until it ends"),
    ):
        render(flat.settings())
    assert not folder.exists()


def test_an_unknown_renderer_is_named_in_seconds(folder: Path) -> None:
    base = flat.settings(count=2)
    wanted = base.model_copy(update={"renderer": base.renderer.model_copy(update={"backend": "blendre"})})
    with pytest.raises(StageError, match=r"renderer\.backend is 'blendre'.* did you mean 'blender'"):
        render_frames(wanted, folder, log=io.StringIO())
