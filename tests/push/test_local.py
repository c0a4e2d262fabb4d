"""The default remote, a folder."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from stages.common.errors import InputError, StorageError
from tests.push.conftest import Clone


def stored(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def shards_in(folder: Path) -> list[Path]:
    return [path for path in stored(folder) if path.stat().st_size == 2000]


def test_push_wipe_the_cache_pull_gives_the_frames_back(clone: Clone) -> None:
    before = clone.shards
    assert clone.push().sent == 6  # three shards, the manifest, their listing, the model
    clone.wipe_cache()
    clone.dvc("pull", "data/frames", "models/best.onnx")
    assert clone.shards == before


def test_what_follows_from_the_frames_stays_here(clone: Clone) -> None:
    clone.push()
    assert len([path for path in stored(clone.root / ".remote") if path.suffix == ".dir"]) == 1


def test_receipt_names_the_frames_by_content(clone: Clone) -> None:
    clone.push()
    receipt = json.loads(clone.receipt.read_text())
    assert receipt["revision"].endswith(".dir")
    assert receipt["revision"] in (clone.root / "dvc.lock").read_text()
    assert receipt["remote"] == {"kind": "local", "url": ".remote"}
    assert receipt["counts"] == {"files": 4, "shards": 3}
    assert receipt["bytes"] == 3 * 2000 + 1
    assert set(receipt["checksums"]) == {"manifest.json", *(f"shards/{name}" for name in clone.shards)}


def test_a_second_push_sends_nothing_and_writes_the_same_bytes(clone: Clone) -> None:
    clone.push()
    receipt = clone.receipt.read_bytes()
    assert clone.push().sent == 0
    assert clone.receipt.read_bytes() == receipt


def test_git_sees_no_change(clone: Clone) -> None:
    clone.push()
    assert clone.run("git", "status", "--porcelain").stdout == ""


def test_nothing_is_configured_twice(clone: Clone) -> None:
    (clone.root / ".dvc" / "config").write_text(
        "[core]\n    remote = local\n['remote \"local\"']\n    url = ../.remote\n"
    )
    clone.push()
    assert not (clone.root / ".dvc" / "config.local").exists()


def test_a_lost_shard_comes_back_although_its_listing_is_there(clone: Clone) -> None:
    clone.push()
    shard = shards_in(clone.root / ".remote")[0]
    shard.unlink()
    assert clone.push().sent == 1
    assert shard.exists()


def test_a_wiped_remote_comes_back(clone: Clone) -> None:
    clone.push()
    before = stored(clone.root / ".remote")
    shutil.rmtree(clone.root / ".remote")
    clone.push()
    assert stored(clone.root / ".remote") == before


def test_a_wiped_cache_is_no_harm_while_the_remote_is_whole(clone: Clone) -> None:
    clone.push()
    receipt = clone.receipt.read_bytes()
    shutil.rmtree(clone.root / ".dvc" / "cache")
    assert clone.push().sent == 0
    assert clone.receipt.read_bytes() == receipt


def test_frames_lost_everywhere_stop_with_a_sentence(clone: Clone) -> None:
    shutil.rmtree(clone.root / ".dvc" / "cache")
    with pytest.raises(StorageError) as caught:
        clone.push()
    assert str(caught.value) == (
        "data/frames is whole neither in the DVC cache nor in .remote: put it back with "
        "dvc commit data/frames, or render it again with dvc repro --force sdg"
    )
    assert not clone.receipt.exists()


def test_one_shard_lost_everywhere_stops_too(clone: Clone) -> None:
    shards_in(clone.root / ".dvc" / "cache")[0].unlink()
    with pytest.raises(StorageError, match="data/frames is whole neither"):
        clone.push()


def test_a_lost_model_is_left_out_with_a_notice(clone: Clone, capsys: pytest.CaptureFixture[str]) -> None:
    (model,) = [path for path in stored(clone.root / ".dvc" / "cache") if path.read_bytes() == b"model of 3"]
    model.unlink()
    assert clone.push().sent == 5
    assert capsys.readouterr().err == (
        "push: models/best.onnx is not in the DVC cache and was left out: dvc repro makes it again\n"
    )


def test_no_frames_yet(clone: Clone) -> None:
    (clone.root / "dvc.lock").unlink()
    with pytest.raises(InputError, match=r"data/frames is not in dvc\.lock yet: render the frames with dvc repro sdg"):
        clone.push()


def test_a_folder_that_cannot_be_made(clone: Clone) -> None:
    (clone.root / "taken").write_text("a file")
    clone.storage(folder="taken")
    with pytest.raises(StorageError) as caught:
        clone.push()
    assert str(caught.value) == (
        f"folder '{clone.root}/taken' cannot be written (File exists): make room or mend its permissions, "
        "or choose another storage.folder"
    )


def test_outside_a_repository(clone: Clone, tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    shutil.copy(clone.root / "params.yaml", folder)
    done = Clone(folder).push_as_user()
    assert done.returncode == 5
    assert done.stderr == f"error: '{folder}' is not a DVC repository: run in the top folder of your clone\n"


def test_broken_pipeline_file(clone: Clone) -> None:
    (clone.root / "dvc.yaml").write_text("stages: [")
    with pytest.raises(StorageError, match=r"DVC cannot read this pipeline \(.*mend dvc.yaml"):
        clone.push()


def test_plain_dvc_commands_use_the_folder(clone: Clone) -> None:
    clone.push()
    assert "in sync" in clone.dvc("status", "--cloud").stdout
    clone.other_frames()
    clone.push()
    assert len(shards_in(clone.root / ".remote")) == 6
    clone.dvc("gc", "--workspace", "--cloud", "--force")
    assert {path.read_bytes()[0] for path in shards_in(clone.root / ".remote")} == {100, 101, 102}


def test_repro_pushes_every_time_and_reruns_nothing_else(clone: Clone) -> None:
    said = clone.dvc("repro").stdout
    assert "push: 6 objects sent to .remote; data/frames at" in said
    shutil.rmtree(clone.root / ".remote")
    said = clone.dvc("repro").stdout
    assert "Running stage 'push'" in said
    assert "Running stage 'train'" not in said
    assert len(shards_in(clone.root / ".remote")) == 3


def test_an_experiment_in_a_temporary_folder_shares_the_remote(clone: Clone) -> None:
    clone.dvc("exp", "run", "--temp", "--quiet", "push")
    assert len(shards_in(clone.root / ".remote")) == 3
