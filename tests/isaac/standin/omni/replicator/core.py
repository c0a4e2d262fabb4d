"""Replicator 1.12.27 as far as the capture knows it: render products, annotators, step."""

from __future__ import annotations

import os
import time

import numpy as np
from isaacsim import QUIRKS, called

import omni.usd
from tests.isaac.engine import draw

BOX2D = [("semanticId", "<u4"), ("x_min", "<i4"), ("y_min", "<i4"), ("x_max", "<i4"), ("y_max", "<i4"),
         ("occlusionRatio", "<f4")]  # fmt: skip
BOX3D = [("semanticId", "<u4"), *((f"{a}_{m}", "<f4") for m in ("min", "max") for a in "xyz"),
         ("transform", "<f4", (4, 4)), ("occlusionRatio", "<f4")]  # fmt: skip

PRODUCTS = []


class _HydraTexture:
    def __init__(self):
        self.on = True

    def set_updates_enabled(self, enabled):
        self.on = enabled


class _RenderProduct:
    def __init__(self, camera, resolution):
        self.camera, self.resolution = camera, resolution
        self.hydra_texture = _HydraTexture()
        self.steps, self.shown = 0, None
        self.path = f"/Render/RenderProduct_{len(PRODUCTS)}"
        PRODUCTS.append(self)

    def destroy(self):
        called("destroy")
        PRODUCTS.remove(self)


class _Annotator:
    def __init__(self, name, init_params):
        self.name, self.parameters, self.product = name, dict(init_params or {}), None

    def attach(self, product):
        self.product = product
        called("attach", name=self.name)
        return self

    def detach(self):
        self.product = None

    def get_data(self):
        return _data(self.name, self.parameters, self.product)


class create:
    @staticmethod
    def render_product(camera, resolution, force_new=False, name=None, render_vars=None):
        assert omni.usd.get_context().get_stage().GetPrimAtPath(camera), f"no camera {camera}"
        called("render_product", resolution=list(resolution))
        return _RenderProduct(camera, tuple(resolution))


class annotators:
    KNOWN = ("rgb", "HdrColor", "instance_segmentation", "distance_to_image_plane", "distance_to_camera",
             "bounding_box_2d_tight", "bounding_box_2d_loose", "bounding_box_3d", "camera_params", "normals",
             "motion_vectors", "occlusion", "pointcloud")  # fmt: skip

    @staticmethod
    def get(name, init_params=None, device=None):
        assert name in annotators.KNOWN, f"no annotator {name}"
        return _Annotator(name, init_params)


class orchestrator:
    steps = 0

    @staticmethod
    def set_capture_on_play(on):
        called("set_capture_on_play", on=on)

    @staticmethod
    def step(rt_subframes=-1, pause_timeline=True, delta_time=None, wait_for_render=True):
        assert delta_time == 0.0, "time must stand still"
        number = orchestrator.steps
        orchestrator.steps += 1
        called("step", rt_subframes=rt_subframes, number=number)
        if number in QUIRKS.get("raise_in_step", []):
            raise RuntimeError("[omni.graph.core] evaluation failed")
        if number == QUIRKS.get("hang_in_step"):
            time.sleep(3600)
        if number == QUIRKS.get("crash_in_step"):
            print("Segmentation fault (core dumped)", flush=True)
            os.abort()
        for product in PRODUCTS:
            if product.hydra_texture.on:
                product.shown = draw(omni.usd.get_context().get_stage(), product.camera, product.resolution)
                product.shown.subframes, product.shown.number = rt_subframes, number
                product.steps += 1

    @staticmethod
    def wait_until_complete():
        called("wait_until_complete")


def set_global_seed(seed):
    called("set_global_seed", seed=seed)


def _key(number):
    """Keys of id tables are numbers or text, depending on the path."""
    return number if QUIRKS.get("number_keys") else str(number)


def _is_blank(product):
    return product.steps <= QUIRKS.get("blank_steps", 1) or product.shown.number in QUIRKS.get("blank_at", [])


def _data(name, parameters, product):
    shown, blank = product.shown, _is_blank(product)
    if name in ("rgb", "HdrColor"):
        return _picture(name, product, blank)
    if name.startswith("distance_to"):
        return np.zeros((0,), np.float32) if blank else np.where(np.isfinite(shown.depth), shown.depth, np.inf)
    if name == "instance_segmentation":
        return _segmentation(parameters, shown, blank)
    if name.startswith("bounding_box_2d"):
        return _boxes2d(name, shown, blank)
    if name == "bounding_box_3d":
        return _boxes3d(shown)
    if name == "camera_params":
        focal, aperture = shown.lens
        focal *= QUIRKS.get("wrong_focal", 1.0)
        size = np.array(product.resolution, np.int32)
        return {"cameraFocalLength": focal, "cameraAperture": np.array(aperture, np.float32),
                "cameraModel": "pinhole", "renderProductResolution": size}  # fmt: skip
    if name == "normals":
        return np.concatenate([shown.normals, np.ones((*shown.depth.shape, 1), np.float32)], 2)
    if name == "motion_vectors":
        return np.zeros((*shown.depth.shape, 4), np.float32)
    return {"data": np.arange(6, dtype=np.float32).reshape(2, 3), "info": {}}


def _picture(name, product, blank):
    shown = product.shown
    light = np.concatenate([shown.light, np.ones((*shown.depth.shape, 1), np.float32)], 2)
    if blank:
        light[...] = 0
    if shown.subframes < QUIRKS.get("half_black_below", 0) or shown.number in QUIRKS.get("half_black_at", []):
        light[len(light) // 2 :, :, :3] = 0
    if name == "HdrColor":
        return light.astype(np.float16)
    curve = np.where(light <= 0.0031308, 12.92 * light, 1.055 * np.power(np.maximum(light, 1e-9), 1 / 2.4) - 0.055)
    curve[..., 3] = 1
    return np.round(np.clip(curve, 0, 1) * 255).astype(np.uint8)


def _segmentation(parameters, shown, blank):
    if blank:
        return {"data": np.zeros((0,), np.uint32), "info": {}}
    labels = {_key(0): "BACKGROUND", _key(1): "UNLABELLED"}
    semantics = {_key(0): {"class": "BACKGROUND"}, _key(1): {"class": "UNLABELLED"}}
    for number, item in shown.items.items():
        labels[_key(number)], semantics[_key(number)] = item.path, {"class": ",".join(item.labels)}
    data = shown.ids.astype(np.uint32)
    if parameters.get("colorize", True):
        data = data.view(np.uint8).reshape(*data.shape, 4)
        labels = {str((0, 0, 0, int(key))): value for key, value in labels.items()}
    if QUIRKS.get("no_ids"):
        data = np.ones_like(data)
    return {"data": data, "info": {"idToLabels": labels, "idToSemantics": semantics}}


def _boxes2d(name, shown, blank):
    rows, paths, ids, labels = [], [], [], {}
    for number, item in () if blank else shown.items.items():
        box = item.tight if name.endswith("tight") else item.loose
        if box is None:
            continue
        last = 0 if QUIRKS.get("exclusive_boxes") else 1
        rows.append((number, box[0], box[1], box[2] - last, box[3] - last, item.occlusion))
        paths.append(item.path)
        ids.append(number)
        labels[_key(number)] = {"class": ",".join(item.labels)}
    info = {"idToLabels": labels, "bboxIds": np.array(ids, np.uint32), "primPaths": paths}
    return {"data": np.array(rows, BOX2D), "info": info}


def _boxes3d(shown):
    rows = [(n, *i.low, *i.high, i.transform, i.occlusion) for n, i in shown.items.items() if i.tight is not None]
    paths = [item.path for item in shown.items.values() if item.tight is not None]
    return {"data": np.array(rows, BOX3D), "info": {"primPaths": paths}}
