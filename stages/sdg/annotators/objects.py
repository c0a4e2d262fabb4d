"""Annotators that write what is known of the objects, as JSON."""

from __future__ import annotations

from stages.sdg.annotators.registry import View, register_annotator
from stages.sdg.label.keypoints import keypoints as keypoints_of
from stages.sdg.label.space import boxes_3d, camera_label, poses
from stages.sdg.shards.records import label_to_json, record_to_json


@register_annotator("boxes", "json")
def boxes(view: View) -> bytes:
    """Class, tight and loose box, occlusion, truncation and distance: :class:`stages.sdg.label.types.FrameLabel`."""
    return label_to_json(view.label)


@register_annotator("camera", "camera.json")
def camera(view: View) -> bytes:
    """The camera now and a moment later: :class:`stages.sdg.label.types3d.CameraLabel`."""
    return record_to_json(camera_label(view.plan))


@register_annotator("boxes3d", "boxes3d.json")
def boxes3d(view: View) -> bytes:
    """Oriented boxes in space: a list of :class:`stages.sdg.label.types3d.Box3D`."""
    return record_to_json(boxes_3d(view.plan, view.label))


@register_annotator("pose", "pose.json")
def pose(view: View) -> bytes:
    """Six degrees of freedom: a list of :class:`stages.sdg.label.types3d.Pose`."""
    return record_to_json(poses(view.plan, view.label))


@register_annotator("keypoints", "keypoints.json")
def keypoints(view: View) -> bytes:
    """Named points of the objects that have some: a list of :class:`stages.sdg.label.types3d.Keypoints`."""
    return record_to_json(keypoints_of(view.plan, view.passes, view.label))
