"""What Isaac Sim is asked for: the job once, and each frame as plain JSON."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from stages.common.settings.isaac import IsaacSim
from stages.common.settings.pictures import Renderer
from stages.sdg.assets.reference import EDITS, RULES, USD, reference_of, without_edits
from stages.sdg.plan.types import Camera, FramePlan
from stages.sdg.shards.records import plan_to_line

BUILDER = "isaac.stage:build"

ALWAYS = ("instance_segmentation", "distance_to_image_plane", "bounding_box_2d_tight", "bounding_box_2d_loose",
          "camera_params", "normals")  # fmt: skip
"""Annotators of every frame, beside the picture; normals too, since the process outlives the frame that asks."""

IDLE_TIMEOUT = 3600.0
"""Seconds without a request after which Isaac Sim ends by itself."""

SIZE = (1280, 720)
"""Of the app's own window, which nobody sees."""


@dataclass(frozen=True)
class Asked:
    """One frame's request.

    Attributes:
        request: as JSON takes it.
        geometry: key of the triangles that Isaac Sim writes, by placement id, of assets that only it can read.
    """

    request: dict[str, Any]
    geometry: dict[int, str]


def job_of(settings: Renderer, sim: IsaacSim, gpu: str | None = None) -> dict[str, Any]:
    """What is the same for all frames.

    Args:
        settings: of the renderer.
        sim: of Isaac Sim.
        gpu: number of the one GPU to use; a container is shown no other one, which is its number 0.
    """
    if sim.run.where == "container":
        gpu = None
    picture = "rgb" if sim.colour == "rgb" else "HdrColor"
    annotators = list(dict.fromkeys([picture, *ALWAYS, *sim.annotators]))
    return {
        "builder": BUILDER,
        "annotators": annotators,
        "mode": sim.mode,
        "anti_aliasing": sim.anti_aliasing,
        "samples": settings.samples,
        "bounces": settings.bounces,
        "denoise": settings.denoise,
        "subframes": sim.subframes,
        "max_subframes": sim.max_subframes,
        "tries": sim.tries,
        "asset_root": sim.asset_root,
        "hooks": [f"{Path(file).resolve()}:{name}" for file, _, name in (hook.rpartition(":") for hook in sim.hooks)],
        "kit_args": [*sim.kit_args, *([f"--/renderer/activeGpu={gpu}"] if gpu else [])],
        "carb": dict(sim.carb),
        "size": list(SIZE),
        "seed": 0,
        "lifetime": sim.run.frames_per_process,
        "idle_timeout": IDLE_TIMEOUT,
    }


def asked_of(plan: FramePlan, camera: Camera, folder: Path) -> Asked:
    """The request for a frame.

    Args:
        plan: of the frame.
        camera: that renders it, without distortion.
        folder: for USD files of generated assets.

    Raises:
        SettingsError: when an asset family is not registered.
        InputError: when an asset cannot be written.
    """
    from stages.sdg.render.usd.assets import asset_files, key_of

    camera = replace(camera, distortion=(0.0, 0.0))
    bare = tuple(without_edits(placement) for placement in plan.placements)
    own = [placement for placement in bare if USD not in placement.parameters]
    assets: dict[str, str | Mapping[str, Any]] = {**asset_files(own, folder)}
    geometry = {}
    for placement in bare:
        if USD in placement.parameters:
            key = key_of(placement)
            assets[key] = reference_of(placement)
            if placement.label is not None:
                geometry[placement.id] = hashlib.sha256(key.encode()).hexdigest()[:16]
    edits = {item.id: item.parameters[EDITS] for item in plan.placements if EDITS in item.parameters}
    rules = {item.id: json.loads(str(item.parameters[RULES])) for item in bare if RULES in item.parameters}
    own_lamps = any(item.parameters.get("own_lamps") for item in plan.placements)
    lamps = () if own_lamps else plan.lamps
    told = json.loads(plan_to_line(replace(plan, placements=bare, camera=camera, lamps=lamps)))
    request = {
        "frame": plan.frame,
        "plan": told,
        "assets": assets,
        "edits": edits,
        "geometry": geometry,
        "rules": rules,
    }
    return Asked(request, geometry)
