"""The same plans through USD and through our own Blender backend, box by box.

    python -m benchmarks.usd_parity -n 60

One process writes the plans as USD files and projects points with the USD camera; another, with bpy, imports the files,
knowing nothing else of the plans, renders instance masks, renders those of the Blender backend, and compares their
boxes. Lenses are left out: a USD camera has none that Blender imports.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.usd_stages import plans
from stages.sdg.plan.lens import project, radius_limit, world_to_camera
from stages.sdg.plan.types import FramePlan
from stages.sdg.shards.records import plan_from_line, plan_to_line

SIZE = "640x480"
LEAST = 20
"""Boxes whose sides are all longer than this, in pixels, are compared."""

Boxes = dict[int, tuple[int, int, int, int]]


def boxes(instance: NDArray[np.uint16]) -> Boxes:
    """Extent (left, top, right, bottom, exclusive) of each id in a mask (H, W)."""
    found: Boxes = {}
    for number in np.unique(instance[instance > 0]):
        rows, columns = np.nonzero(instance == number)
        found[int(number)] = (int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1)
    return found


def iou(first: tuple[int, int, int, int], second: tuple[int, int, int, int]) -> float:
    """Intersection over union of two boxes."""
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    shared = max(0, width) * max(0, height)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (first, second)]
    return shared / (sum(areas) - shared)


def compare(ours: Boxes, theirs: Boxes, labelled: set[int]) -> list[tuple[int, float, bool]]:
    """Id, IoU and whether it is labelled, of our boxes that are large enough; 0 for one that the other lacks."""
    large = {number: box for number, box in ours.items() if min(box[2] - box[0], box[3] - box[1]) > LEAST}
    return [
        (number, iou(box, theirs[number]) if number in theirs else 0.0, number in labelled)
        for number, box in large.items()
    ]


def write(folder: Path, count: int) -> dict[str, float]:
    """Write USD files and plans; the errors of projecting with the USD camera, in pixels."""
    from stages.sdg.render.usd.export import save_frame

    plain, lens = [], []
    for number, (_, drawn) in enumerate(plans(count, f"dataset.frames.sizes=[{SIZE}]")):
        lens.append(lens_error(drawn))
        plan = dataclasses.replace(drawn, camera=dataclasses.replace(drawn.camera, distortion=(0.0, 0.0)))
        path = folder / f"{number:04d}.usdc"
        save_frame(plan, path, folder / "assets")
        (folder / f"{number:04d}.json").write_text(plan_to_line(plan))
        plain.append(pinhole_error(plan, path))
    return {"pinhole_pixels_max": max(plain), "lens_pixels_max": max(lens)}


def known_points(plan: FramePlan) -> NDArray[np.float64]:
    """(N, 3) world points: origins of things, and a grid in front of the camera that fills the picture and more."""
    camera = plan.camera
    across, along = np.meshgrid(np.linspace(-0.6, 0.6, 9) * camera.width, np.linspace(-0.6, 0.6, 9) * camera.height)
    rays = np.stack([across / camera.focal, along / camera.focal, np.ones_like(across)], -1).reshape(-1, 3)
    matrix = np.asarray(camera.camera_to_world)
    grid = np.concatenate([rays * depth for depth in (0.5, 3.0, 20.0)]) @ matrix[:3, :3].T + matrix[:3, 3]
    return np.concatenate([grid, [item.position for item in plan.placements]])


def pinhole_error(plan: FramePlan, path: Path) -> float:
    """Greatest difference in pixels between our projection and that of the frustum which OpenUSD makes of the file."""
    from pxr import Gf, Usd, UsdGeom

    stage = Usd.Stage.Open(str(path))
    camera = next(prim for prim in stage.Traverse() if prim.IsA(UsdGeom.Camera))
    frustum = UsdGeom.Camera(camera).GetCamera(Usd.TimeCode.Default()).frustum
    matrix = frustum.ComputeViewMatrix() * frustum.ComputeProjectionMatrix()
    points = known_points(plan)
    wanted, depth = project(plan.camera, points)
    size = np.array([plan.camera.width, plan.camera.height])
    clip = np.array([matrix.Transform(Gf.Vec3d(*map(float, point))) for point in points])
    found = (clip[:, :2] * [0.5, -0.5] + 0.5) * size
    near = (depth > plan.camera.near) & (np.abs(wanted - size / 2) < 2 * size).all(1)
    return float(np.abs(wanted - found)[near].max())


def lens_error(plan: FramePlan) -> float:
    """Greatest difference in pixels, inside the picture, to OpenCV's projection with the lens that the stage has."""
    import cv2
    from pxr import Usd

    import isaac.stage

    stage = Usd.Stage.CreateInMemory()
    camera_only = {**json.loads(plan_to_line(plan)), "placements": [], "lamps": []}
    isaac.stage.build(stage, camera_only, {})
    prim = stage.GetPrimAtPath(isaac.stage.CAMERA)

    def value(name: str) -> float:
        attribute = prim.GetAttribute(f"omni:lensdistortion:opencvPinhole:{name}")
        return float(attribute.Get()) if attribute else 0.0

    points = known_points(plan)
    wanted, depth = project(plan.camera, points)
    size = np.array([plan.camera.width, plan.camera.height])
    # beyond this radius OpenCV's polynomial folds back, and ours goes on as a straight line
    local = world_to_camera(plan.camera, points)
    near_axis = np.hypot(local[:, 0], local[:, 1]) < radius_limit(plan.camera.distortion) * local[:, 2]
    inside = (depth > plan.camera.near) & near_axis & ((wanted > 0) & (wanted < size)).all(1)
    if not prim.HasAttribute("omni:lensdistortion:model") or not inside.any():
        return 0.0
    intrinsics = np.array([[value("fx"), 0, value("cx")], [0, value("fy"), value("cy")], [0, 0, 1.0]])
    names = ("k1", "k2", "p1", "p2", "k3", "k4", "k5", "k6", "s1", "s2", "s3", "s4")
    view = np.linalg.inv(np.asarray(plan.camera.camera_to_world))
    turn = cv2.Rodrigues(view[:3, :3])[0]
    lens = np.array([value(name) for name in names])
    found = cv2.projectPoints(points[inside], turn, view[:3, 3], intrinsics, lens)[0][:, 0]
    return float(np.abs(found - wanted[inside]).max())


def masks(folder: Path) -> dict[str, Any]:
    """Import, render and compare, in a process with bpy."""
    from benchmarks.settings import on_cpu
    from stages.sdg.render.blender.backend import BlenderRenderer

    settings = on_cpu(1, 1, 0, "renderer.denoise=false", "renderer.runtime.threads=1")
    renderer = BlenderRenderer(settings.renderer)
    rows = []
    for path in sorted(folder.glob("*.usdc")):
        plan = plan_from_line(path.with_suffix(".json").read_text())
        ours = boxes(renderer.render(plan).instance)
        theirs = boxes(imported_mask(path, plan))
        labelled = {item.id for item in plan.placements if item.label}
        rows += [(plan.scenario, plan.frame, *row) for row in compare(ours, theirs, labelled)]
    renderer.close()
    return {"rows": rows}


def imported_mask(path: Path, plan: FramePlan) -> NDArray[np.uint16]:
    """Instance ids (H, W) of a USD file that Blender imported; the plan gives the size and the seed of the samples."""
    import bpy

    from stages.sdg.render.blender import scene
    from stages.sdg.render.blender.backend import read_exr

    scene.clear()
    bpy.ops.wm.usd_import(filepath=str(path), property_import_mode="ALL")
    shown = bpy.context.scene
    for item in bpy.data.objects:
        owner = item
        while owner is not None and "instance" not in owner:
            owner = owner.parent
        item.pass_index = int(owner["instance"]) if owner is not None else 0
    shown.camera = next(item for item in bpy.data.objects if item.type == "CAMERA")
    shown.render.resolution_x, shown.render.resolution_y = plan.camera.width, plan.camera.height
    shown.cycles.seed = plan.frame % (1 << 31)
    picture = path.with_suffix(".exr")
    bpy.ops.render.render()
    bpy.data.images["Render Result"].save_render(str(picture))
    channels = read_exr(picture)
    picture.unlink()
    return np.rint(channels["Object Index.X"]).astype(np.uint16)


def summary(rows: list[list[Any]]) -> dict[str, float]:
    """Mean and least IoU of labelled boxes and of all."""
    found: dict[str, float] = {}
    for name, chosen in (("labelled", [r[3] for r in rows if r[4]]), ("all", [r[3] for r in rows])):
        values = np.array(chosen or [0.0])
        found |= {
            f"{name}_boxes": len(chosen),
            f"{name}_mean_iou": round(float(values.mean()), 5),
            f"{name}_min_iou": round(float(values.min()), 5),
            f"{name}_identical": round(float((values == 1).mean()), 4),
        }
    return found


def measure(count: int, folder: Path) -> dict[str, Any]:
    """Both processes, and what came of them."""
    made = {}
    for part in ("write", "masks"):
        command = [sys.executable, "-m", "benchmarks.usd_parity", "-n", str(count), "--part", part, "--folder", folder]
        subprocess.run(command, check=True, stdout=sys.stderr)
        made |= json.loads((folder / f"{part}.result").read_text())
    rows = made.pop("rows")
    return {"frames": count, **made, **summary(rows), "worst": sorted(rows, key=lambda row: row[3])[:5]}


def main() -> None:
    """Print the result as JSON."""
    parser = argparse.ArgumentParser("python -m benchmarks.usd_parity", description=__doc__)
    parser.add_argument("-n", type=int, default=60)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--part", choices=["write", "masks"])
    args = parser.parse_args()
    if args.part:
        made = write(args.folder, args.n) if args.part == "write" else masks(args.folder)
        (args.folder / f"{args.part}.result").write_text(json.dumps(made))
        return
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(measure(args.n, args.folder or Path(folder)), indent=1))


if __name__ == "__main__":
    main()
