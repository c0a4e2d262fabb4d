"""Annotators that write a picture."""

from __future__ import annotations

from stages.sdg.annotators.registry import View, register_annotator
from stages.sdg.label.flow import optical_flow
from stages.sdg.plan.motion import next_camera
from stages.sdg.shards.members import depth_image, encode_png, flow_image, normals_image, semantic_image


@register_annotator("rgb", "jpg")
def rgb(view: View) -> bytes:
    """The picture, after lens and sensor."""
    from stages.sdg.render.sensor import SUBSAMPLINGS, develop, encode_jpeg

    sensor = view.plan.sensor
    picture = develop(view.passes.linear, sensor, view.plan.camera, view.passes.depth)
    return encode_jpeg(picture, sensor.jpeg_quality, SUBSAMPLINGS[sensor.subsampling])


@register_annotator("instance", "instance.png")
def instance(view: View) -> bytes:
    """Id of what each pixel shows, 16 bit."""
    return encode_png(view.passes.instance)


@register_annotator("semantic", "semantic.png")
def semantic(view: View) -> bytes:
    """Class of what each pixel shows, number + 1, 8 bit."""
    return encode_png(semantic_image(view.passes.instance, view.label, view.classes))


@register_annotator("depth", "depth.png")
def depth(view: View) -> bytes:
    """Millimetres along the optical axis, 16 bit."""
    return encode_png(depth_image(view.passes.depth))


@register_annotator("normals", "normals.png", needs=("normals",))
def normals(view: View) -> bytes:
    """World normals as colours, 8 bit."""
    assert view.passes.normals is not None
    return encode_png(normals_image(view.passes.normals, view.passes.depth))


@register_annotator("flow", "flow.png")
def flow(view: View) -> bytes:
    """Motion of each pixel until the next moment, when :func:`next_camera` is where the camera is; KITTI's encoding."""
    return encode_png(flow_image(*optical_flow(view.passes, view.plan.camera, next_camera(view.plan))))
