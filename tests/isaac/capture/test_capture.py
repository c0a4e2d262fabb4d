"""The capture and its backend against the stand-in of Isaac Sim: one test a defect."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from isaac.capture.folder import JobFolder, read_json
from tests.isaac.drive import PYTHON, REPOSITORY, USED, drive, environment

Told = dict[str, Any]


def steps(told: Told) -> list[int]:
    """Subframes of each step, in order."""
    return [call["rt_subframes"] for call in told["calls"] if call["call"] == "step"]


def test_frames_have_the_passes_of_the_other_renderers(tmp_path: Path) -> None:
    told = drive(tmp_path, [{}, {"distortion": [-0.2, 0.0]}, {"size": [97, 65]}, {}])
    for frame in told["frames"]:
        assert "error" not in frame, frame
        assert frame["same_ids"] > 0.9999
        assert frame["same_depth"] > 0.999
        assert frame["same_parts"] > 0.999
        assert frame["same_normals"] > 0.98
        assert frame["amodal"]
        assert 0.0 < frame["light"][0] < frame["light"][1] <= 1.0
        assert frame["facts"]["attempts"] == []
        assert frame["facts"]["box_max_is_inclusive"] == 1
    # the first of each picture size is thrown away, and a size that comes back is not new
    assert steps(told) == [16] * 7
    assert [call["resolution"] for call in told["calls"] if call["call"] == "render_product"] == [
        [160, 120], [256, 192], [97, 65],
    ]  # fmt: skip
    assert told["left"] == []


def test_a_frame_that_is_asked_for_again_is_rendered_again(tmp_path: Path) -> None:
    frames = [{"frame": 5}, {"frame": 5}, {"frame": 6}, {"frame": 5}]
    told = drive(tmp_path, frames, {}, "renderer.runtime.frame_timeout=30")
    assert [frame.get("error") for frame in told["frames"]] == [None] * 4
    assert [call["call"] for call in told["calls"]].count("SimulationApp") == 1


def test_an_annotator_that_is_none_is_named(tmp_path: Path) -> None:
    frame = drive(tmp_path, [{}], {}, "renderer.isaac.annotators=[noramls]")["frames"][0]
    assert "Replicator has no annotator 'noramls'" in frame["error"]


def test_the_app_is_asked_for_what_the_known_problems_need(tmp_path: Path) -> None:
    told = drive(tmp_path, [{}], {}, "renderer.isaac.mode=PathTracing", "renderer.isaac.kit_args=[--reset-user]")
    config = next(call for call in told["calls"] if call["call"] == "SimulationApp")
    assert (config["headless"], config["multi_gpu"], config["max_gpu_count"]) == (True, False, 1)
    assert config["renderer"] == "PathTracing"
    assert {
        "--reset-user",
        "--/app/asyncRendering=false",
        "--/exts/isaacsim.core.throttling/enable_async=false",
    } <= set(config["extra_args"])
    assert any(call["call"] == "set_capture_on_play" and call["on"] is False for call in told["calls"])


def test_the_few_lines_for_6_are_enough_for_its_modules(tmp_path: Path) -> None:
    quirks = {"version": 6, "assets_root_is_none": True}
    told = drive(tmp_path, [{}], quirks, "renderer.isaac.mode=RealTimePathTracing")
    assert told["frames"][0]["same_ids"] > 0.9999
    assert told["frames"][0]["facts"]["attempts"] == []
    config = next(call for call in told["calls"] if call["call"] == "SimulationApp")
    assert config["renderer"] == "RealTimePathTracing"
    assert any(call["call"] == "experimental.is_stage_loading" for call in told["calls"])
    # and a root that is None, as versions before 5 gave it
    recipe = ["scene=simple_warehouse", "randomization=palletjack", "dataset.frames.sizes=[96x64]"]
    error = drive(tmp_path, [], quirks, *recipe, "renderer.isaac.mode=RealTimePathTracing", plans=[4])["frames"][0][
        "error"
    ]
    assert "NVIDIA's assets cannot be reached for /Isaac/Environments/Simple_Warehouse/warehouse.usd" in error


def test_a_renderer_that_5_does_not_have_is_told(tmp_path: Path) -> None:
    error = drive(tmp_path, [{}], {}, "renderer.isaac.mode=RealTimePathTracing")["error"]
    assert "no renderer RealTimePathTracing" in error


def test_tight_boxes_of_the_engine_are_those_of_the_labels(tmp_path: Path) -> None:
    frame = drive(tmp_path, [{}])["frames"][0]
    assert {
        int(number): box["xyxy"] for number, box in frame["boxes"]["tight"].items() if number in frame["labels"]
    } == {int(number): [int(side) for side in box] for number, box in frame["labels"].items()}
    assert frame["boxes"]["tight"]["2"]["class"] == ["pallet_truck"]
    # what is behind the camera is not in the loose boxes either
    assert "9" not in frame["boxes"]["loose"]


def test_exclusive_boxes_are_noticed(tmp_path: Path) -> None:
    frame = drive(tmp_path, [{}], {"exclusive_boxes": True})["frames"][0]
    assert frame["facts"]["box_max_is_inclusive"] == 0


def test_keys_of_id_tables_may_be_numbers(tmp_path: Path) -> None:
    assert drive(tmp_path, [{}], {"number_keys": True})["frames"][0]["same_ids"] > 0.9999


def test_a_first_frame_that_stays_blank_is_tried_again(tmp_path: Path) -> None:
    frame = drive(tmp_path, [{}], {"blank_steps": 2})["frames"][0]
    assert frame["same_ids"] > 0.9999
    assert (
        frame["facts"]["attempts"] == ["the picture is blank at 16 subframes"]
        or "empty" in frame["facts"]["attempts"][0]
    )
    assert frame["facts"]["subframes"] == 32


def test_a_half_black_frame_is_tried_again_with_more_subframes(tmp_path: Path) -> None:
    told = drive(tmp_path, [{}, {}], {"half_black_below": 16}, "renderer.isaac.subframes=4")
    assert [frame["facts"]["subframes"] for frame in told["frames"]] == [16, 16]
    assert told["frames"][0]["facts"]["attempts"] == [
        "50% of the picture is a black band at 4 subframes", "50% of the picture is a black band at 8 subframes",
    ]  # fmt: skip
    assert steps(told) == [4, 4, 8, 16, 4, 8, 16]


def test_a_frame_that_stays_half_black_fails_and_the_next_one_does_not(tmp_path: Path) -> None:
    told = drive(tmp_path, [{}, {}], {"half_black_at": [1, 2, 3]})
    assert "could not render frame 0: 50% of the picture is a black band" in told["frames"][0]["error"]
    assert "renderer.isaac.subframes" in told["frames"][0]["error"]
    assert told["frames"][1]["same_ids"] > 0.9999


def test_a_segmentation_without_ids_is_an_error_and_no_empty_label(tmp_path: Path) -> None:
    assert "no instance" in drive(tmp_path, [{}], {"no_ids": True})["frames"][0]["error"]


def test_a_step_that_raises_is_taken_again(tmp_path: Path) -> None:
    frame = drive(tmp_path, [{}], {"raise_in_step": [1]})["frames"][0]
    assert frame["same_ids"] > 0.9999
    assert frame["facts"]["attempts"] == ["RuntimeError: [omni.graph.core] evaluation failed at 16 subframes"]


def test_a_process_in_which_every_step_raises_is_replaced(tmp_path: Path) -> None:
    told = drive(tmp_path, [{}] * 4, {"raise_in_step": list(range(10))})
    assert all("evaluation failed" in frame["error"] for frame in told["frames"])
    assert sum(call["call"] == "SimulationApp" for call in told["calls"]) == 2


def test_a_step_that_hangs_is_ended_and_the_next_frame_rendered(tmp_path: Path) -> None:
    quirks = {"hang_in_step": 1, "first_process_only": True}
    told = drive(tmp_path, [{}, {}], quirks, "renderer.runtime.frame_timeout=10")
    assert "hung over frame 0 for 9 s" in told["frames"][0]["error"]
    assert told["frames"][0]["seconds"] < 15
    assert told["frames"][1]["same_ids"] > 0.9999
    assert told["left"] == []


def test_a_crash_is_told_with_its_last_words(tmp_path: Path) -> None:
    told = drive(tmp_path, [{}, {}], {"crash_in_step": 1, "first_process_only": True})
    error = told["frames"][0]["error"]
    assert told["frames"][1]["same_ids"] > 0.9999
    assert "Isaac Sim ended" in error
    assert "Segmentation fault" in error


def test_an_app_that_hangs_at_close_is_ended_once_its_manifest_is_there(tmp_path: Path) -> None:
    told = drive(tmp_path, [{}], {"hang_at_close": True})
    assert told["frames"][0]["same_ids"] > 0.9999
    assert told["calls"][-1]["call"] == "close"
    assert 1.5 < told["closed"] < 10
    assert told["left"] == []


def test_the_exit_status_says_nothing(tmp_path: Path) -> None:
    told = drive(tmp_path, [{}, {}], {"exit_status": 137}, "renderer.isaac.run.frames_per_process=1")
    assert [frame["same_ids"] > 0.9999 for frame in told["frames"]] == [True, True]


def test_the_process_is_replaced_after_so_many_frames(tmp_path: Path) -> None:
    told = drive(tmp_path, [{}] * 5, {}, "renderer.isaac.run.frames_per_process=2")
    assert all(frame["same_ids"] > 0.9999 for frame in told["frames"])
    assert sum(call["call"] == "SimulationApp" for call in told["calls"]) == 3


def test_a_process_that_hangs_at_close_between_frames_costs_no_frame(tmp_path: Path) -> None:
    told = drive(tmp_path, [{}] * 2, {"hang_at_close": True}, "renderer.isaac.run.frames_per_process=1")
    assert all(frame["same_ids"] > 0.9999 for frame in told["frames"])


def test_a_camera_of_another_focal_length_is_noticed(tmp_path: Path) -> None:
    error = drive(tmp_path, [{}], {"wrong_focal": 1.02})["frames"][0]["error"]
    assert "focal length of 106.08 pixels, not 104.00" in error


def test_more_annotators_come_as_extra_passes(tmp_path: Path) -> None:
    names = "renderer.isaac.annotators=[motion_vectors,bounding_box_3d,pointcloud]"
    frame = drive(tmp_path, [{"distortion": [-0.1, 0.0]}], {}, names)["frames"][0]
    assert len(frame["extra"].pop("isaac")) == 1  # what was asked of Isaac, as bytes
    assert frame["extra"] == {"motion_vectors": [120, 160, 2], "pointcloud": [2, 3]}
    box = frame["boxes"]["3d"]["2"]
    assert box["transform"][0][3] == pytest.approx(0.2)
    assert box["low"][2] == pytest.approx(0.0, abs=0.02)


def test_light_before_tone_mapping_is_taken_as_it_is(tmp_path: Path) -> None:
    frame = drive(tmp_path, [{}], {}, "renderer.isaac.colour=hdr")["frames"][0]
    assert frame["light"][0] == pytest.approx(0.2, abs=0.05)


def test_an_app_that_does_not_start_is_one_sentence(tmp_path: Path) -> None:
    error = drive(tmp_path, [{}], {"fails_to_start": True})["error"]
    assert "Isaac Sim ended (status" in error
    assert "Failed to create any GPU devices" in error


def test_an_app_that_never_gets_ready_is_ended(tmp_path: Path) -> None:
    error = drive(tmp_path, [{}], {"slow_start": 60}, "renderer.isaac.run.start_timeout=1")["error"]
    assert "was not ready after 1 s" in error


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("renderer.isaac.run.accept_eula=false", "accept_eula is false"),
        ("renderer.isaac.run.python=/nowhere/python.sh", "Isaac Sim is not found (/nowhere/python.sh)"),
        ("renderer.isaac=null", "choose renderer=isaac"),
    ],
)
def test_what_is_missing_is_one_sentence(tmp_path: Path, override: str, words: str) -> None:
    assert words in drive(tmp_path, [{}], {}, override)["error"]


def test_isaac_sim_ends_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    calls = tmp_path / "calls.jsonl"
    job = json.dumps({"frames": [{}, {}], "overrides": [*USED], "pause": 60})
    parent = subprocess.Popen(
        [sys.executable, "-m", "tests.isaac.drive", job], cwd=REPOSITORY, env=environment({}, calls),
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while not (calls.exists() and '"step"' in calls.read_text()) and time.monotonic() < deadline:
        time.sleep(0.1)
    child = _serving(parent.pid)
    assert child is not None
    os.kill(child, signal.SIGSTOP)  # as native code that lets no thread run
    parent.kill()
    parent.wait()
    while _is_alive(child) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not _is_alive(child)


def test_a_killed_capture_goes_on_where_its_journal_ends(tmp_path: Path) -> None:
    calls, job = tmp_path / "calls.jsonl", tmp_path / "job"
    told = json.dumps({"fill": str(job), "overrides": [*USED], "frames": [{}] * 4})
    subprocess.run([sys.executable, "-m", "tests.isaac.drive", told], cwd=REPOSITORY, check=True)
    folder = JobFolder(job)
    folder.stop.touch()
    serve = [str(PYTHON), "-m", "isaac.capture", str(job)]
    more = {"PYTHONPATH": str(REPOSITORY)}
    first = subprocess.run(serve, env=environment({"crash_in_step": 3}, calls) | more, capture_output=True, timeout=60)
    assert b"Segmentation fault" in first.stdout
    assert not folder.manifest.exists()
    assert folder.settled() == {0, 1}
    with open(job / "journal.jsonl", "a") as stream:
        stream.write('{"event": "done", "fra')  # the line it was writing
    kept = folder.passes(0).stat().st_mtime_ns
    subprocess.run(serve, env=environment({}, calls) | more, capture_output=True, timeout=60)
    assert folder.settled() == {0, 1, 2, 3}
    assert folder.passes(0).stat().st_mtime_ns == kept
    assert read_json(folder.manifest)["ended"] == "stopped"
    assert read_json(folder.manifest)["served"] == 2


def _serving(parent: int) -> int | None:
    """Process id of the capture below a process."""
    import psutil

    for process in psutil.Process(parent).children(recursive=True):
        if "isaac.capture" in " ".join(process.cmdline()[1:3]):
            return process.pid
    return None


def _is_alive(pid: int) -> bool:
    import psutil

    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
