from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from pxr import Gf, Tf, Usd, UsdGeom, UsdLux, UsdSemantics

import isaac.stage
from isaac.stage.keys import INSTANCE
from stages.sdg.plan.geometry import placement_matrix, rigid
from stages.sdg.plan.lens import project
from stages.sdg.plan.types import FramePlan
from tests.isaac.stage.scenes import CAMERA, LAMPS, as_json, cubes, frame, thing

THREE = (thing(1, "floor"), thing(2, "pallet_truck", 1.0, "pallet_truck"), thing(5, "pallet_truck", 2.0))


def build(stage: Any, plan: FramePlan, folder: Path) -> dict[int, str]:
    return isaac.stage.build(stage, as_json(plan), cubes(plan, folder))


def labels(stage: Any) -> dict[str, list[str]]:
    query = UsdSemantics.LabelsQuery("class", Usd.TimeCode.Default())
    found = {str(prim.GetPath()): list(query.ComputeUniqueDirectLabels(prim)) for prim in stage.Traverse()}
    return {path: names for path, names in found.items() if names}


@contextmanager
def resynced(stage: Any) -> Iterator[list[str]]:
    """Paths that USD composes anew: what a renderer must load again."""
    paths: list[str] = []
    listener = Tf.Notice.Register(
        Usd.Notice.ObjectsChanged, lambda notice, _: paths.extend(map(str, notice.GetResyncedPaths())), stage
    )
    yield paths
    listener.Revoke()


def test_every_placement_is_an_instance_in_its_place(tmp_path: Path) -> None:
    stage, plan = Usd.Stage.CreateInMemory(), frame(*THREE)
    paths = build(stage, plan, tmp_path)
    assert sorted(paths) == [1, 2, 5]
    for item in plan.placements:
        prim = stage.GetPrimAtPath(paths[item.id])
        matrix = UsdGeom.XformCache().GetLocalToWorldTransform(prim)
        np.testing.assert_allclose(np.array(matrix).T, placement_matrix(item), atol=1e-12)
        assert prim.GetAttribute(INSTANCE).Get() == item.id
        assert [child.GetName() for child in prim.GetChildren()] == ["Cube"]
    assert labels(stage) == {paths[2]: ["pallet_truck"]}
    assert (UsdGeom.GetStageUpAxis(stage), UsdGeom.GetStageMetersPerUnit(stage)) == ("Z", 1.0)
    assert str(stage.GetDefaultPrim().GetPath()) == "/World"


def test_labels_are_tokens_that_the_query_finds_below_the_root_too(tmp_path: Path) -> None:
    stage = Usd.Stage.CreateInMemory()
    paths = build(stage, frame(*THREE), tmp_path)
    attribute = stage.GetPrimAtPath(paths[2]).GetAttribute("semantics:labels:class")
    assert str(attribute.GetTypeName()) == "token[]"
    query = UsdSemantics.LabelsQuery("class", Usd.TimeCode.Default())
    assert query.ComputeUniqueInheritedLabels(stage.GetPrimAtPath(f"{paths[2]}/Cube")) == ["pallet_truck"]


def test_the_next_frame_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    stage = Usd.Stage.CreateInMemory()
    build(stage, frame(*THREE), tmp_path)
    other = frame(thing(9, "pallet"), lamps=LAMPS[:1])
    paths = build(stage, other, tmp_path)
    assert [str(prim.GetPath()) for prim in stage.GetPrimAtPath(isaac.stage.THINGS).GetChildren()] == [paths[9]]
    assert [prim.GetName() for prim in stage.GetPrimAtPath(isaac.stage.LAMPS).GetChildren()] == ["area_000"]
    assert labels(stage) == {}
    fresh = Usd.Stage.CreateInMemory()
    build(fresh, other, tmp_path)
    assert stage.ExportToString() == fresh.ExportToString()


def test_what_frames_share_is_not_loaded_again(tmp_path: Path) -> None:
    stage = Usd.Stage.CreateInMemory()
    before = build(stage, frame(*THREE), tmp_path)
    moved = [replace(item, id=item.id + 10, position=(4.0, 4.0, 0.0)) for item in THREE]
    with resynced(stage) as paths:
        after = build(stage, frame(*moved, camera=replace(CAMERA, focal=300.0)), tmp_path)
    assert paths == []
    assert after == {number + 10: path for number, path in before.items()}
    place = UsdGeom.XformCache().GetLocalToWorldTransform(stage.GetPrimAtPath(after[15])).ExtractTranslation()
    assert place == Gf.Vec3d(4, 4, 0)


def test_a_prim_that_serves_again_has_the_new_label(tmp_path: Path) -> None:
    stage = Usd.Stage.CreateInMemory()
    for label in ("pallet_truck", None, "forklift"):
        paths = build(stage, frame(thing(1, "truck", label=label)), tmp_path)
        assert labels(stage) == ({paths[1]: [label]} if label else {})


def test_a_missing_asset_leaves_the_stage_as_it_was(tmp_path: Path) -> None:
    stage = Usd.Stage.CreateInMemory()
    build(stage, frame(*THREE), tmp_path)
    before = stage.ExportToString()
    with pytest.raises(KeyError, match="unheard"):
        isaac.stage.build(stage, as_json(frame(thing(1, "unheard"))), {})
    assert stage.ExportToString() == before


def test_families_of_any_name_are_prims(tmp_path: Path) -> None:
    stage = Usd.Stage.CreateInMemory()
    paths = build(stage, frame(thing(1, "2nd hand-truck")), tmp_path)
    assert stage.GetPrimAtPath(paths[1]).IsValid()


def test_lamps_have_the_radiance_of_their_watts(tmp_path: Path) -> None:
    stage = Usd.Stage.CreateInMemory()
    build(stage, frame(*THREE), tmp_path)
    area = UsdLux.RectLight(stage.GetPrimAtPath(f"{isaac.stage.LAMPS}/area_000"))
    surface = area.GetWidthAttr().Get() * area.GetHeightAttr().Get()
    assert area.GetIntensityAttr().Get() * math.pi * surface == pytest.approx(80.0)
    matrix = UsdGeom.XformCache().GetLocalToWorldTransform(area.GetPrim())
    np.testing.assert_allclose(np.array(matrix).T, rigid(LAMPS[0].position, LAMPS[0].rotation), atol=1e-12)
    point = UsdLux.SphereLight(stage.GetPrimAtPath(f"{isaac.stage.LAMPS}/point_000"))
    radius = point.GetRadiusAttr().Get()
    assert point.GetIntensityAttr().Get() * 4 * math.pi**2 * radius**2 == pytest.approx(40.0, rel=1e-5)
    sun = UsdLux.DistantLight(stage.GetPrimAtPath(f"{isaac.stage.LAMPS}/sun_000"))
    assert sun.GetNormalizeAttr().Get()
    assert (sun.GetIntensityAttr().Get(), sun.GetAngleAttr().Get()) == (3.0, pytest.approx(0.5))
    dome = UsdLux.DomeLight(stage.GetPrimAtPath(isaac.stage.SKY))
    assert tuple(dome.GetColorAttr().Get()) == pytest.approx((0.1, 0.2, 0.3))


def test_points_fall_where_openusds_own_frustum_puts_them(tmp_path: Path) -> None:
    stage, plan = Usd.Stage.CreateInMemory(), frame(*THREE)
    build(stage, plan, tmp_path)
    camera = UsdGeom.Camera(stage.GetPrimAtPath(isaac.stage.CAMERA))
    frustum = camera.GetCamera(Usd.TimeCode.Default()).frustum
    matrix = frustum.ComputeViewMatrix() * frustum.ComputeProjectionMatrix()
    to_world = np.array(CAMERA.camera_to_world)
    rays = (
        np.random.default_rng(0).uniform((-0.6, -0.4, 1), (0.6, 0.4, 1), (200, 3)) * np.linspace(0.2, 30, 200)[:, None]
    )
    points = rays @ to_world[:3, :3].T + to_world[:3, 3]
    found = np.array([matrix.Transform(Gf.Vec3d(*map(float, point))) for point in points])[:, :2]
    wanted, _ = project(CAMERA, points)
    np.testing.assert_allclose((found * [0.5, -0.5] + 0.5) * [CAMERA.width, CAMERA.height], wanted, atol=0.1)
    assert tuple(camera.GetClippingRangeAttr().Get()) == (pytest.approx(0.07), 500.0)
    # 36 mm wide, in tenths of a metre: what Omniverse and Blender show as millimetres of the real lens
    assert camera.GetHorizontalApertureAttr().Get() == pytest.approx(0.36)


def test_the_lens_is_opencvs(tmp_path: Path) -> None:
    stage = Usd.Stage.CreateInMemory()
    curved = replace(CAMERA, distortion=(-0.12, 0.02))
    build(stage, frame(*THREE, camera=curved), tmp_path)
    prim = stage.GetPrimAtPath(isaac.stage.CAMERA)
    assert "OmniLensDistortionOpenCvPinholeAPI" in prim.GetPrimTypeInfo().GetAppliedAPISchemas()
    assert prim.GetAttribute("omni:lensdistortion:model").Get() == "opencvPinhole"

    def value(name: str) -> float:
        return float(prim.GetAttribute(f"omni:lensdistortion:opencvPinhole:{name}").Get())

    assert tuple(prim.GetAttribute("omni:lensdistortion:opencvPinhole:imageSize").Get()) == (320, 200)
    names = ("k1", "k2", "p1", "p2", "k3", "k4", "k5", "k6", "s1", "s2", "s3", "s4")
    points = np.array([[0.3, -0.2, 1.0], [-0.5, 0.35, 1.0], [0.1, 0.1, 2.0]])
    matrix = np.array([[value("fx"), 0, value("cx")], [0, value("fy"), value("cy")], [0, 0, 1]])
    lens = np.array([value(name) for name in names])
    found = cv2.projectPoints(points, np.zeros(3), np.zeros(3), matrix, lens)[0][:, 0]
    to_world = np.array(CAMERA.camera_to_world)
    wanted, _ = project(curved, points @ to_world[:3, :3].T + to_world[:3, 3])
    np.testing.assert_allclose(found, wanted, atol=0.1)


def test_a_pinhole_after_a_lens_has_no_lens(tmp_path: Path) -> None:
    stage = Usd.Stage.CreateInMemory()
    build(stage, frame(*THREE, camera=replace(CAMERA, distortion=(-0.12, 0.02))), tmp_path)
    build(stage, frame(*THREE), tmp_path)
    prim = stage.GetPrimAtPath(isaac.stage.CAMERA)
    assert not prim.GetAuthoredPropertiesInNamespace("omni")
    assert not prim.GetPrimTypeInfo().GetAppliedAPISchemas()


def test_an_environment_that_is_open_stays(tmp_path: Path) -> None:
    stage = Usd.Stage.CreateInMemory()
    stage.SetDefaultPrim(UsdGeom.Xform.Define(stage, "/Root").GetPrim())
    UsdGeom.Xform.Define(stage, "/Root/Warehouse")
    build(stage, frame(*THREE), tmp_path)
    assert stage.GetPrimAtPath("/Root/Warehouse").IsValid()
    assert str(stage.GetDefaultPrim().GetPath()) == "/Root"
