from __future__ import annotations

import json
import subprocess
import sys
from typing import get_args

import numpy as np
import pytest

from stages.common.errors import RenderError, SettingsError
from stages.common.settings.pictures import Annotator as Name
from stages.common.settings.pictures import Renderer
from stages.sdg.annotators import View, annotate, annotator_names, passes_needed, register_annotator, registry, suffixes
from stages.sdg.label.labels import label_frame
from stages.sdg.render.fake import FakeRenderer
from stages.sdg.shards.reader import ALWAYS
from tests.sdg.render.scenes import CLASSES, plan
from tests.settings import REPOSITORY


@pytest.fixture(scope="module")
def view() -> View:
    frame_plan = plan((-0.1, 0.0))
    passes = FakeRenderer(Renderer(name="test", backend="fake")).render(frame_plan)
    return View(frame_plan, passes, label_frame(frame_plan, passes, CLASSES), CLASSES)


@pytest.mark.parametrize(
    ("annotators", "expected"),
    [
        ([], ("instance.png", "jpg", "json")),  # these are always written
        (["rgb", "boxes", "instance"], ("instance.png", "jpg", "json")),
        (["depth", "semantic"], ("depth.png", "instance.png", "jpg", "json", "semantic.png")),
        (["normals"], ("instance.png", "jpg", "json", "normals.png")),
        (["pose", "flow"], ("flow.png", "instance.png", "jpg", "json", "pose.json")),
    ],
)
def test_suffixes(annotators: list[str], expected: tuple[str, ...]) -> None:
    assert suffixes(annotators) == expected


def test_settings_know_every_annotator_and_readers_what_is_always_there() -> None:
    assert sorted(get_args(Name)) == annotator_names()
    assert suffixes([]) == ALWAYS


def test_members_are_equal_bytes_for_equal_views(view: View) -> None:
    names = [name for name in annotator_names() if name != "normals"]
    members = annotate(view, names)
    assert set(members) == set(suffixes(names))
    assert annotate(view, names) == members
    assert annotate(view, []) == {suffix: members[suffix] for suffix in suffixes([])}


def test_an_annotator_of_ones_own(view: View, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_ANNOTATORS", dict(registry._ANNOTATORS))

    @register_annotator("hidden", "hidden.json", needs=("parts",))
    def hidden(view: View) -> bytes:
        return json.dumps([item.id for item in view.label.instances if item.occlusion > 0]).encode()

    assert "hidden" in annotator_names()
    assert passes_needed(["hidden", "depth"]) == {"parts"}
    assert json.loads(annotate(view, ["hidden"])["hidden.json"]) == [2]


def test_a_pass_that_the_renderer_does_not_make(view: View) -> None:
    assert passes_needed(["normals"]) == {"normals"}
    with pytest.raises(RenderError, match=r"frame 3 has no normals, which the annotator 'normals' needs; take normals"):
        annotate(view, ["normals"])


def test_an_unknown_annotator(view: View) -> None:
    with pytest.raises(SettingsError, match="names 'thermal', which is not registered; choose from boxes, boxes3d, "):
        annotate(view, ["thermal"])


def test_members_in_space_have_one_entry_for_each_labelled_object(view: View) -> None:
    members = annotate(view, ["boxes3d", "pose", "keypoints", "camera"])
    ids = [item.id for item in view.label.instances]
    assert [box["id"] for box in json.loads(members["boxes3d.json"])] == ids
    assert [pose["id"] for pose in json.loads(members["pose.json"])] == ids
    (truck,) = json.loads(members["keypoints.json"])
    assert (truck["id"], truck["class_name"]) == (2, "pallet_truck")
    camera = json.loads(members["camera.json"])
    assert camera["camera"]["focal"] == view.plan.camera.focal
    assert np.shape(camera["next_camera_to_world"]) == (4, 4)


def test_the_command_lists_annotators_and_formats() -> None:
    command = [sys.executable, "-m", "stages.sdg", "list"]
    printed = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    assert f"annotators: {', '.join(annotator_names())}\n" in printed
    assert "formats: basic_writer, coco, kitti, yolo, yolo_pose, yolo_segment\n" in printed
