"""The plan's camera as ``UsdGeom.Camera``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from isaac.stage.keys import CAMERA
from isaac.stage.matrices import OPENCV_TO_USD, place

SENSOR = 0.36
"""Width of the sensor in USD's unit of lenses, tenths of a stage unit, here of a metre: 36 mm."""

FAR = 500.0
"""Far plane in metres, as in the Blender backend."""

LENS_API = "OmniLensDistortionOpenCvPinholeAPI"
LENS = "omni:lensdistortion:opencvPinhole:"
COEFFICIENTS = ("k1", "k2", "p1", "p2", "k3", "k4", "k5", "k6", "s1", "s2", "s3", "s4")
"""Schema and attributes of Omniverse RTX for OpenCV's lens, in OpenCV's order (Isaac Sim 5.x)."""


def write_camera(stage: Any, camera: Mapping[str, Any]) -> None:
    """Write a camera at :data:`isaac.stage.CAMERA`.

    ``focalLength`` and the apertures give the pinhole; the lens stands beside it in Omniverse's attributes, which
    other programs pass over. A plan without distortion has none of them.

    Args:
        stage: to write to.
        camera: ``Camera`` of a plan as its JSON object.
    """
    from pxr import Gf, UsdGeom

    made = UsdGeom.Camera.Define(stage, CAMERA)
    place(made.GetPrim(), np.asarray(camera["camera_to_world"], np.float64) @ OPENCV_TO_USD)
    width, height, focal = camera["width"], camera["height"], camera["focal"]
    made.CreateProjectionAttr(UsdGeom.Tokens.perspective)
    made.CreateHorizontalApertureAttr(SENSOR)
    made.CreateVerticalApertureAttr(SENSOR * height / width)
    made.CreateHorizontalApertureOffsetAttr(0.0)
    made.CreateVerticalApertureOffsetAttr(0.0)
    made.CreateFocalLengthAttr(focal * SENSOR / width)
    made.CreateFStopAttr(0.0)
    made.CreateClippingRangeAttr(Gf.Vec2f(camera["near"], FAR))
    _lens(made.GetPrim(), camera)


def _lens(prim: Any, camera: Mapping[str, Any]) -> None:
    from pxr import Gf, Sdf

    k1, k2 = camera["distortion"]
    if (k1, k2) == (0.0, 0.0):
        for attribute in prim.GetAuthoredPropertiesInNamespace("omni:lensdistortion"):
            prim.RemoveProperty(attribute.GetName())
        prim.RemoveAppliedSchema(LENS_API)
        return
    width, height, focal = camera["width"], camera["height"], camera["focal"]
    # by name: only Omniverse knows this schema
    prim.AddAppliedSchema(LENS_API)
    numbers = dict.fromkeys(COEFFICIENTS, 0.0) | {"k1": k1, "k2": k2}
    numbers |= {"fx": focal, "fy": focal, "cx": width / 2, "cy": height / 2}
    types = Sdf.ValueTypeNames
    prim.CreateAttribute("omni:lensdistortion:model", types.Token, False).Set("opencvPinhole")
    # without it RTX takes centre and focal length for those of a picture of 2048 x 1024
    prim.CreateAttribute(f"{LENS}imageSize", types.Int2, False).Set(Gf.Vec2i(width, height))
    for name, value in numbers.items():
        prim.CreateAttribute(f"{LENS}{name}", types.Float, False).Set(value)
