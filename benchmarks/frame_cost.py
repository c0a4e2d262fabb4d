"""What a frame costs besides tracing rays, in processor seconds, here and in another checkout on the same plans.

    python -m benchmarks.frame_cost -n 24
    python -m benchmarks.frame_cost -n 24 --other PATH/TO/CHECKOUT

One process for each checkout and round renders the same frames, half of structured scenes and half of random ones, at
640x480 with one sample and no noise filter, and counts the processor time of all its threads:

* outside: planning, building the scene, reading the passes, labels, sensor, encoding;
* inside: what Cycles does besides rays (copying the scene, shaders, the tree of boxes around triangles), taken from
  another render of each scene at a twentieth of its size.

The first frame of a process is not counted. ``--keep FOLDER`` keeps the pictures.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]

OUTSIDE = ("plan", "backend", "build", "read", "amodal", "label", "encode")
"""Spans of a frame that are not the renderer's own."""

STRUCTURED = "randomization.content.structure=true"
RANDOM = "randomization.content.structure=false"


def measure(count: int, keep: Path | None) -> dict[str, float]:
    """Means over ``count`` frames, of this process' checkout."""
    # the stage's own clocks, in processor time
    time.perf_counter = time.process_time
    from benchmarks.settings import on_cpu
    from stages.sdg.run.frame import make_frame
    from stages.sdg.run.job import FACTORY
    from stages.sdg.run.messages import Job
    from stages.sdg.run.worker import make_renderer

    common = ["dataset.frames.sizes=[640x480]", "renderer.runtime.threads=1", "renderer.denoise=false"]
    kinds = [on_cpu(max(count, 2), 1, 2, *common, kind) for kind in (STRUCTURED, RANDOM)]
    renderer = make_renderer(Job(kinds[0], Path(), FACTORY))
    make_frame(kinds[0], renderer, 10_000)
    sums: dict[str, float] = defaultdict(float)
    for number in range(count):
        settings = kinds[number % 2]
        frame = make_frame(settings, renderer, number)
        for name, seconds in frame.seconds.items():
            sums[name] += seconds
        sums["outside"] += sum(frame.seconds.get(name, 0.0) for name in OUTSIDE)
        for name, value in inside(settings, number).items():
            sums[name] += value
        if keep is not None:
            keep.mkdir(parents=True, exist_ok=True)
            (keep / f"{number:04d}.jpg").write_bytes(frame.members["jpg"])
    renderer.close()
    return {name: value / count for name, value in sums.items()}


def inside(settings: Any, number: int) -> dict[str, float]:
    """Processor seconds that Cycles takes for the scene of a frame at a twentieth of its size, and what it holds."""
    import bpy

    from stages.sdg.plan.planner import plan_frame
    from stages.sdg.render.blender import scene
    from stages.sdg.render.camera import overscan

    plan = plan_frame(settings, number)
    scene.clear()
    scene.build(plan, overscan(plan.camera))
    bpy.context.scene.render.resolution_percentage = 5
    start = time.process_time()
    bpy.ops.render.render()
    seconds = time.process_time() - start
    meshes = [item.data for item in bpy.data.objects if item.type == "MESH"]
    return {
        "inside": seconds,
        "objects": len(meshes),
        "meshes": len(set(meshes)),
        "materials": len({material.name for mesh in meshes for material in mesh.materials}),
        "triangles": sum(len(mesh.polygons) for mesh in meshes),
        "unique_triangles": sum(len(mesh.polygons) for mesh in set(meshes)),
    }


def main() -> None:
    """Print a table: the other checkout's means, ours, and their ratio."""
    parser = argparse.ArgumentParser("python -m benchmarks.frame_cost", description=__doc__)
    parser.add_argument("-n", type=int, default=24, help="frames (default: 24)")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--other", type=Path, help="checkout to compare with")
    parser.add_argument("--keep", type=Path, help="folder for the pictures")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        print(json.dumps(measure(args.n, args.keep)), flush=True)
        os._exit(0)
    from benchmarks.checkouts import of_checkout

    checkouts = {"here": REPOSITORY, **({"other": args.other.resolve()} if args.other else {})}
    sums: dict[str, dict[str, float]] = {name: defaultdict(float) for name in checkouts}
    for _ in range(args.rounds):
        for name, checkout in reversed(checkouts.items()):
            kept = ["--keep", str(args.keep.resolve() / name)] if args.keep else []
            for key, value in of_checkout(__file__, checkout, "-n", str(args.n), *kept).items():
                sums[name][key] += value / args.rounds
    for key, value in sums["here"].items():
        other = sums.get("other", {}).get(key)
        print(f"{key:18}" + ("" if other is None else f"{other:10.3f}") + f"{value:10.3f}"
              + (f"{other / value:8.2f}" if other and value else ""))  # fmt: skip


if __name__ == "__main__":
    main()
