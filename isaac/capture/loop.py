"""Frame after frame: requests in, passes out, a journal of both."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import json
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from isaac.capture import checks, read
from isaac.capture.edits import apply_edits
from isaac.capture.folder import DONE, FAILED, READY, STARTED, JobFolder, read_json, write_arrays, write_json
from isaac.capture.geometry import triangles_below
from isaac.capture.references import address, wrapped
from isaac.capture.runtime import Runtime, versions
from isaac.capture.scene import Inside, Scene
from isaac.stage.keys import CAMERA, asset_key

PAUSE = 0.02
"""Seconds between looks for a request."""

BROKEN = 3
"""Frames that fail one after the other, after which a fresh process has better chances than this one."""

SHOWN = 3
"""Assets that a message names before the rest is only counted."""

TOLERANCE = 0.25
"""Pixels by which the engine's focal length may differ from the plan's."""


def run(root: Path) -> None:
    """Serve a job folder until it says stop, its frames are many enough, or nothing works any more."""
    folder = JobFolder(root)
    job = read_json(folder.job)
    folder.manifest.unlink(missing_ok=True)
    folder.note(STARTED)
    capture, reason = None, "error"
    try:
        start = time.perf_counter()
        capture = Capture(folder, job)
        folder.note(READY, seconds=time.perf_counter() - start, **versions())
        reason = capture.serve()
    except Exception as error:
        traceback.print_exc()
        reason = f"error: {type(error).__name__}: {error}"
    finally:
        # before close(), which may hang, and may end this process
        served = capture.served if capture else 0
        write_json(folder.manifest, {"ended": reason, "served": served, **versions()})
        if capture:
            capture.close()


class Capture:
    """An Isaac Sim that serves one job folder.

    Args:
        folder: of the job.
        job: its settings.
    """

    def __init__(self, folder: JobFolder, job: Mapping[str, Any]) -> None:
        self._folder, self._job = folder, job
        # a frame whose request is another one by now is rendered again
        asked, settled = folder.asked(), folder.settled()
        self._settled = {frame: stamp for frame, stamp in asked.items() if frame in settled}
        self._runtime = Runtime(job)
        module, _, name = job["builder"].partition(":")
        self._scene = Scene(self._runtime.new_stage(), getattr(importlib.import_module(module), name))
        self._hooks = [load_hook(hook) for hook in job["hooks"]]
        self._root: str | None = None
        self._is_rooted = False
        self._warm = False
        self.served = 0

    def serve(self) -> str:
        """Render what is asked for; why it ended."""
        broken, asked_at = 0, time.monotonic()
        while self.served < self._job["lifetime"]:
            asked = self._folder.asked()
            wanted = [frame for frame, stamp in asked.items() if self._settled.get(frame) != stamp]
            if not wanted:
                if self._folder.stop.exists():
                    return "stopped"
                if time.monotonic() - asked_at > self._job["idle_timeout"]:
                    return "idle"
                time.sleep(PAUSE)
                continue
            fine = self._serve_one(wanted[0])
            self._settled[wanted[0]] = asked[wanted[0]]
            self.served += 1
            broken = 0 if fine else broken + 1
            asked_at = time.monotonic()
            if broken >= BROKEN:
                return "broken"
        return "lifetime"

    def close(self) -> None:
        """End the app; see :meth:`isaac.capture.runtime.Runtime.close`."""
        self._runtime.close()

    def _serve_one(self, frame: int) -> bool:
        start = time.perf_counter()
        attempts: list[str] = []
        try:
            request = read_json(self._folder.request(frame))
            arrays, facts = self._render(request, attempts)
        except Exception as error:
            if not isinstance(error, read.CaptureError):
                traceback.print_exc()
            reason = str(error) if isinstance(error, read.CaptureError) else f"{type(error).__name__}: {error}"
            self._folder.note(FAILED, frame=frame, reason=reason, attempts=attempts)
            return False
        write_arrays(self._folder.passes(frame), arrays)
        self._folder.note(DONE, frame=frame, attempts=attempts, seconds=time.perf_counter() - start, **facts)
        return True

    def _render(self, request: Mapping[str, Any], attempts: list[str]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Arrays and journal facts of one frame; ``attempts`` takes what went wrong on the way."""
        plan = request["plan"]
        size = int(plan["camera"]["width"]), int(plan["camera"]["height"])
        owners = self._scene.show(plan, self._assets(request["assets"]))
        paths = {number: path for path, number in owners.items()}
        self._load(request, paths, attempts)
        rules = {int(number): told for number, told in request.get("rules", {}).items()}
        inside = self._scene.label(plan, paths, rules)
        owners = {**owners, **{thing.path: number for number, (_, thing) in inside.items()}}
        edited = self._edit(request.get("edits", {}), paths)
        for hook in self._hooks:
            hook(self._scene.stage, plan, paths)
        is_new = self._runtime.look(CAMERA, size)
        self._settle(attempts)
        self._scene.check_labels(paths)
        if is_new or not self._warm:
            # the first frame of a render product is blank, or has no labels yet
            self._attempt_step(self._job["subframes"], attempts)
            self._warm = True
        expected = bool(plan["placements"])
        subframes = self._job["subframes"]
        fault = "it was not tried"
        for _ in range(self._job["tries"]):
            try:
                self._runtime.step(subframes)
                arrays, facts = self._taken(plan, owners)
                found = checks.fault_of(arrays["picture"], arrays["instance"], arrays["depth"], expected)
            except Exception as error:
                found = str(error) if isinstance(error, read.CaptureError) else f"{type(error).__name__}: {error}"
            if found is None:
                self._keep_geometry(request.get("geometry", {}), paths)
                arrays["inside"] = self._told_inside(arrays["instance"], inside, request, paths)
                return arrays, {"subframes": subframes, "edited": edited, **facts}
            fault = found
            attempts.append(f"{fault} at {subframes} subframes")
            subframes = min(2 * subframes, self._job["max_subframes"])
            self._settle(attempts)
        raise read.CaptureError(f"{fault}, also at {attempts[-1].rpartition(' at ')[2]}")

    def _load(self, request: Mapping[str, Any], paths: Mapping[int, str], attempts: list[str]) -> None:
        """Wait until all that the plan refers to is there.

        Raises:
            CaptureError: when an asset shows nothing, with its address, or loading does not end. Rendered all the same,
                its instances would be missing in the labels without a word.
        """
        # our own files are whole or not there, and what is far away may be too small to have a surface
        specs = {int(item["id"]): request["assets"][asset_key(item)] for item in request["plan"]["placements"]}
        foreign = {number: str(spec["usd"]) for number, spec in specs.items() if not isinstance(spec, str)}
        missing: dict[str, int] = {}
        for _ in range(self._job["tries"]):
            self._settle(attempts)
            empty = self._scene.empty({number: paths[number] for number in foreign})
            missing = {foreign[number]: number for number in sorted(empty)}
            if not missing:
                return
            attempts.append(f"{len(missing)} assets showed nothing")
        some = ", ".join(f"{url} (instance {number})" for url, number in list(missing.items())[:SHOWN])
        more = f" and {len(missing) - SHOWN} more" if len(missing) > SHOWN else ""
        raise read.CaptureError(f"nothing to see is in {some}{more}: the file is missing, was not loaded, or is empty")

    def _settle(self, attempts: list[str]) -> None:
        """Let the app load; a CaptureError when that does not end."""
        for _ in range(self._job["tries"]):
            if self._runtime.settle():
                return
            attempts.append("the stage was still loading")
        raise read.CaptureError("the stage did not end loading: see whether its assets can be reached")

    def _attempt_step(self, subframes: int, attempts: list[str]) -> None:
        try:
            self._runtime.step(subframes)
        except Exception as error:
            attempts.append(f"{type(error).__name__}: {error} in the first step")

    def _taken(self, plan: Mapping[str, Any], owners: Mapping[str, int]) -> tuple[dict[str, Any], dict[str, Any]]:
        """What the annotators have, made regular."""
        data = self._runtime.data()
        size = int(plan["camera"]["height"]), int(plan["camera"]["width"])
        focal, wanted = read.focal_of(data.get("camera_params")), float(plan["camera"]["focal"])
        if focal is not None and abs(focal - wanted) > TOLERANCE:
            raise read.CaptureError(f"the engine's camera has a focal length of {focal:.2f} pixels, not {wanted:.2f}")
        picture = data["HdrColor"] if "HdrColor" in data else data["rgb"]
        arrays: dict[str, Any] = {
            "picture": read.picture_of(picture, size),
            "instance": read.instances_of(data["instance_segmentation"], owners, size),
            "depth": read.depth_of(data["distance_to_image_plane"], size),
        }
        for name, channels in (("normals", 3), ("motion_vectors", 2)):
            if name in data:
                arrays[name] = read.vectors_of(data[name], size, channels)
        known = {"rgb", "HdrColor", "instance_segmentation", "distance_to_image_plane", "camera_params", "normals",
                 "motion_vectors", "bounding_box_2d_tight", "bounding_box_2d_loose", "bounding_box_3d"}  # fmt: skip
        for name in set(data) - known:
            values = read.data_of(data[name])
            if values.dtype != object:
                arrays[f"extra_{name}"] = values
        boxes = {name: read.boxes_of(data.get(f"bounding_box_2d_{name}"), owners) for name in ("tight", "loose")} | {
            "3d": read.boxes3d_of(data.get("bounding_box_3d"), owners)
        }
        arrays["boxes"] = np.frombuffer(json.dumps(boxes).encode(), np.uint8)
        raw = read.boxes_of(data.get("bounding_box_2d_tight"), owners, inclusive=0)
        return arrays, {"box_max_is_inclusive": read.measured_inclusive(raw, arrays["instance"]), "focal": focal}

    def _assets(self, specs: Mapping[str, Any]) -> dict[str, str]:
        """Paths of USD files by key, those that NVIDIA serves made reachable."""
        return {
            key: spec if isinstance(spec, str) else wrapped(spec, self._asset_root(), self._folder.assets)
            for key, spec in specs.items()
        }

    def _asset_root(self) -> str | None:
        if not self._is_rooted:
            self._root, self._is_rooted = self._job.get("asset_root") or self._runtime.asset_root(), True
        return self._root

    def _edit(self, edits: Mapping[str, str], paths: Mapping[int, str]) -> dict[str, int]:
        """Apply the placements' edits; how many prims each pattern matched."""
        matched: dict[str, int] = {}
        for number, entries in edits.items():
            stage, path = self._scene.stage, paths[int(number)]
            matched |= apply_edits(stage, path, entries, lambda url: address(url, self._asset_root()))
        return matched

    def _keep_geometry(self, wanted: Mapping[str, str], paths: Mapping[int, str]) -> None:
        """Write the triangles that the other side cannot know, once for each asset."""
        for number, key in wanted.items():
            place = self._folder.geometry(key)
            if not place.exists():
                write_arrays(place, {"triangles": triangles_below(self._scene.stage, paths[int(number)])})

    def _told_inside(
        self,
        instance: Any,
        inside: Mapping[int, tuple[int, Inside]],
        request: Mapping[str, Any],
        paths: Mapping[int, str],
    ) -> Any:
        """The things inside files that are seen, as JSON, their triangles written once for each of them."""
        keys = {int(item["id"]): asset_key(item) for item in request["plan"]["placements"]}
        told = {}
        for number in sorted({*np.unique(instance).tolist()} & inside.keys()):
            owner, thing = inside[number]
            key = _key_of(keys[owner], thing.own)
            place = self._folder.geometry(key)
            if not place.exists():
                triangles = triangles_below(self._scene.stage, thing.path, within=paths[owner])
                write_arrays(place, {"triangles": triangles})
            told[number] = {"label": thing.label, "of": owner, "path": thing.own, "geometry": key}
        return np.frombuffer(json.dumps(told).encode(), np.uint8)


def _key_of(asset: str, path: str) -> str:
    return hashlib.sha256(f"{asset} {path}".encode()).hexdigest()[:16]


def load_hook(place: str) -> Callable[[Any, Mapping[str, Any], Mapping[int, str]], object]:
    """The function ``FILE.py:NAME``: called with the stage, the plan and prim paths by instance before each frame.

    Raises:
        CaptureError: when the file has no such function.
    """
    file, _, name = place.rpartition(":")
    spec = importlib.util.spec_from_file_location(f"hook_{Path(file).stem}", file)
    if spec is None or spec.loader is None or not Path(file).is_file():
        raise read.CaptureError(f"the hook's file {file} cannot be read")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found = getattr(module, name, None)
    if not callable(found):
        raise read.CaptureError(f"{file} has no function {name}")
    hook: Callable[[Any, Mapping[str, Any], Mapping[int, str]], object] = found
    return hook
