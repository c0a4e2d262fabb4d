from __future__ import annotations

import json
from dataclasses import asdict, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from stages.common.errors import RenderError
from stages.sdg.label.labels import label_frame
from stages.sdg.label.space import boxes_3d, poses
from stages.sdg.plan.types import Camera, FramePlan, Placement, SensorPlan
from stages.sdg.render.passes import Amodal, Passes
from tests.sdg.made_up import IDENTITY

WIDTH, HEIGHT = 24, 18
CLASSES = ["pallet", "forklift"]
LABELS = {1: "pallet", 2: "forklift", 3: None, 5: "pallet", 60000: "stillage"}
"""Class by id: 3 has none, and 60000's is not wanted."""


def made_up_plan() -> FramePlan:
    placements = tuple(Placement(number, f"family{number}", number % 7, (0, 0, 0), label=label)
                       for number, label in LABELS.items())  # fmt: skip
    camera = Camera(WIDTH, HEIGHT, 20.0, IDENTITY)
    return FramePlan(8, 2, "train", "aisle", camera, SensorPlan(), placements, (), (0, 0, 0), {"light": "dim"})


def passes_of(instance: NDArray[np.uint16], amodal: dict[int, Amodal] | None = None) -> Passes:
    rows, columns = np.indices(instance.shape)
    depth = np.where(instance > 0, 2 + 0.1 * rows + 0.01 * columns, np.inf).astype(np.float32)
    return Passes(np.zeros((*instance.shape, 3), np.float32), instance, depth, amodal or {})


def blank() -> NDArray[np.uint16]:
    return np.zeros((HEIGHT, WIDTH), np.uint16)


@st.composite
def scenes(draw: st.DrawFn) -> tuple[Passes, dict[int, NDArray[np.bool_]]]:
    """Rectangles on a plane three pictures wide, laid over one another; with the whole outline of each."""
    number = st.sampled_from(sorted(LABELS))
    horizontal, vertical = st.integers(-WIDTH, 2 * WIDTH), st.integers(-HEIGHT, 2 * HEIGHT)
    plane = np.zeros((3 * HEIGHT, 3 * WIDTH), np.uint16)
    outlines: dict[int, NDArray[np.bool_]] = {}
    for _ in range(draw(st.integers(0, 6))):
        one = draw(number)
        left, right = sorted((draw(horizontal), draw(horizontal)))
        top, bottom = sorted((draw(vertical), draw(vertical)))
        if one in outlines or left == right or top == bottom:
            continue
        outline = np.zeros(plane.shape, bool)
        outline[top + HEIGHT : bottom + HEIGHT, left + WIDTH : right + WIDTH] = True
        outline &= draw(st.sampled_from([np.ones(plane.shape, bool), np.indices(plane.shape).sum(0) % 3 > 0]))
        if outline.any():
            outlines[one] = outline
            plane[outline] = one
    inside = (slice(HEIGHT, 2 * HEIGHT), slice(WIDTH, 2 * WIDTH))
    amodal = {}
    for one, outline in outlines.items():
        rows, columns = np.nonzero(outline)
        box = (columns.min() - WIDTH, rows.min() - HEIGHT, columns.max() + 1 - WIDTH, rows.max() + 1 - HEIGHT)
        amodal[one] = Amodal(int(outline[inside].sum()), int(outline.sum()), tuple(map(float, box)))
    return passes_of(plane[inside].copy(), amodal), outlines


@given(scenes())
def test_every_visible_instance_of_a_wanted_class_is_labelled_and_no_other(
    scene: tuple[Passes, dict[int, NDArray[np.bool_]]],
) -> None:
    passes, _ = scene
    label = label_frame(made_up_plan(), passes, CLASSES)
    wanted = [number for number in np.unique(passes.instance) if LABELS.get(int(number)) in CLASSES]
    assert [instance.id for instance in label.instances] == wanted
    assert [instance.class_name for instance in label.instances] == [LABELS[int(number)] for number in wanted]


@given(scenes())
def test_tight_boxes_are_the_exact_extent_of_the_visible_pixels(
    scene: tuple[Passes, dict[int, NDArray[np.bool_]]],
) -> None:
    passes, _ = scene
    for instance in label_frame(made_up_plan(), passes, CLASSES).instances:
        left, top, right, bottom = (int(side) for side in instance.xyxy)
        mask = passes.instance == instance.id
        assert instance.visible_pixels == mask.sum() == mask[top:bottom, left:right].sum()
        box = mask[top:bottom, left:right]
        assert box[0].any()
        assert box[-1].any()
        assert box[:, 0].any()
        assert box[:, -1].any()
        assert instance.distance == passes.depth[mask].min()


@given(scenes())
def test_occlusion_truncation_and_loose_box_follow_the_whole_outline(
    scene: tuple[Passes, dict[int, NDArray[np.bool_]]],
) -> None:
    passes, outlines = scene
    for instance in label_frame(made_up_plan(), passes, CLASSES).instances:
        outline = outlines[instance.id]
        inside = outline[HEIGHT : 2 * HEIGHT, WIDTH : 2 * WIDTH].sum()
        assert 0 <= instance.occlusion < 1
        assert 0 <= instance.truncation < 1
        assert instance.occlusion == pytest.approx(1 - instance.visible_pixels / inside)
        assert instance.truncation == pytest.approx(1 - inside / outline.sum())
        rows, columns = np.nonzero(outline)
        whole = (columns.min() - WIDTH, rows.min() - HEIGHT, columns.max() + 1 - WIDTH, rows.max() + 1 - HEIGHT)
        assert instance.xyxy_loose == tuple(np.clip(whole, 0, (WIDTH, HEIGHT, WIDTH, HEIGHT)))


@given(scenes(), st.integers(-3, 3))
def test_labels_stay_in_bounds_when_the_outline_is_a_little_off(
    scene: tuple[Passes, dict[int, NDArray[np.bool_]]], error: int
) -> None:
    passes, _ = scene
    passes.amodal = {
        number: Amodal(
            max(0, extent.pixels + error), max(0, extent.total_pixels + error),
            tuple(side + error for side in extent.xyxy),
        )
        for number, extent in passes.amodal.items()
    }  # fmt: skip
    for instance in label_frame(made_up_plan(), passes, CLASSES).instances:
        assert 0 <= instance.occlusion < 1
        assert 0 <= instance.truncation < 1
        left, top, right, bottom = instance.xyxy_loose
        assert 0 <= left <= instance.xyxy[0] < instance.xyxy[2] <= right <= WIDTH
        assert 0 <= top <= instance.xyxy[1] < instance.xyxy[3] <= bottom <= HEIGHT


def test_the_rest_of_a_label_is_the_plan_s() -> None:
    instance = blank()
    instance[3, 4] = 5
    label = label_frame(made_up_plan(), passes_of(instance), CLASSES)
    assert (label.frame, label.split, label.scenario) == (8, "train", "aisle")
    assert (label.width, label.height, label.tags) == (WIDTH, HEIGHT, {"light": "dim"})
    (only,) = label.instances
    assert (only.family, only.variant, only.xyxy) == ("family5", 5, (4, 3, 5, 4))


def test_what_is_seen_without_an_outline_counts_as_whole() -> None:
    instance = blank()
    instance[3:5, 4:9] = 1
    (only,) = label_frame(made_up_plan(), passes_of(instance), CLASSES).instances
    assert (only.occlusion, only.truncation, only.xyxy_loose) == (0, 0, (4, 3, 9, 5))


def test_an_instance_that_is_hidden_completely_has_no_label() -> None:
    passes = passes_of(blank(), {1: Amodal(20, 30, (0, 0, 5, 5))})
    assert label_frame(made_up_plan(), passes, CLASSES).instances == ()


def test_labels_are_plain_values() -> None:
    instance = blank()
    instance[:, :] = 2
    label = label_frame(made_up_plan(), passes_of(instance, {2: Amodal(432, 500, (-2, 0, 24, 18))}), CLASSES)
    assert json.loads(json.dumps(asdict(label), allow_nan=False))["instances"][0]["xyxy"] == [0, 0, 24, 18]


def test_an_id_that_the_plan_does_not_hold_is_refused() -> None:
    instance = blank()
    instance[0, 0] = 77
    with pytest.raises(RenderError, match=r"frame 8 shows instance 77, which its plan does not hold; .*`--frame 8`"):
        label_frame(made_up_plan(), passes_of(instance), CLASSES)


def test_an_instance_without_depth_is_refused() -> None:
    instance = blank()
    instance[2, 2] = 1
    passes = replace(passes_of(instance), depth=np.full((HEIGHT, WIDTH), np.inf, np.float32))
    with pytest.raises(RenderError, match=r"frame 8 has no depth where instance 1 is seen; .*`--frame 8`"):
        label_frame(made_up_plan(), passes, CLASSES)


def test_passes_of_another_size_are_refused() -> None:
    passes = passes_of(np.zeros((HEIGHT, WIDTH + 2), np.uint16))
    with pytest.raises(RenderError, match=r"frame 8 has passes of \(26, 18\) pixels, not \(24, 18\); .*`--frame 8`"):
        label_frame(made_up_plan(), passes, CLASSES)


BODY, FORKS, TILLER = range(3)


def with_forks(instance: NDArray[np.uint16], forks: tuple[slice, slice], unoccluded: int) -> Passes:
    """Passes in which some pixels show forks, of which so many would be seen with nothing in front."""
    passes = passes_of(instance, {2: Amodal(200, 200, (0, 0, 24, 18), (100, unoccluded, 20))})
    passes.parts = np.zeros(instance.shape, np.uint8)
    passes.parts[forks] = FORKS
    return passes


def test_the_body_s_box_leaves_out_the_forks() -> None:
    instance = blank()
    instance[4:8, 2:6] = 2
    instance[7:9, 6:20] = 2
    instance[8, 7:12] = 3  # something before the forks
    (only,) = label_frame(made_up_plan(), with_forks(instance, (slice(7, 9), slice(6, 20)), 46), CLASSES).instances
    assert only.xyxy == (2, 4, 20, 9)
    assert only.xyxy_body == (2, 4, 6, 8)
    assert only.forks_visible == (28 - 5) / 46


def test_nothing_but_forks_has_no_body() -> None:
    instance = blank()
    instance[7:9, 6:20] = 2
    (only,) = label_frame(made_up_plan(), with_forks(instance, (slice(0, 18), slice(0, 24)), 20), CLASSES).instances
    assert only.xyxy_body is None
    assert only.forks_visible == 1  # a pixel more than the outline has is still all of them


def test_forks_that_are_hidden_wholly_are_seen_to_no_part() -> None:
    instance = blank()
    instance[4:8, 2:6] = 2
    (only,) = label_frame(made_up_plan(), with_forks(instance, (slice(0, 0), slice(0, 0)), 20), CLASSES).instances
    assert (only.xyxy_body, only.forks_visible) == ((2, 4, 6, 8), 0)


def test_what_has_no_forks_or_none_in_the_picture_says_nothing_of_them() -> None:
    instance = blank()
    instance[4:8, 2:6] = 2
    for passes in (passes_of(instance), with_forks(instance, (slice(0, 0), slice(0, 0)), 0)):
        (only,) = label_frame(made_up_plan(), passes, CLASSES).instances
        assert (only.xyxy_body, only.forks_visible) == (None, None)


def test_things_that_a_renderer_found_inside_a_file_have_2d_labels_alone() -> None:
    plan = made_up_plan()
    instance = blank()
    instance[2:6, 3:9] = 60001
    passes = passes_of(instance)
    with pytest.raises(RenderError, match="shows instance 60001, which its plan does not hold"):
        label_frame(plan, passes, CLASSES)
    passes.inside = (Placement(60001, "inside", 0, (0, 0, 0), label="pallet"),)
    label = label_frame(plan, passes, CLASSES)
    assert [(item.id, item.class_name, item.xyxy) for item in label.instances] == [(60001, "pallet", (3, 2, 9, 6))]
    # no shape of theirs is known to the plan
    assert boxes_3d(plan, label) == []
    assert poses(plan, label) == []
