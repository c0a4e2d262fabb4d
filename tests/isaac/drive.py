"""Renders made-up plans with the backend against the stand-in, in a process of its own: usd-core and bpy never meet.

``python -m tests.isaac.drive JOB`` with JSON: ``overrides`` of the settings, ``frames`` as a list of keywords of
:func:`tests.sdg.render.scenes.plan`, ``close``, ``pause`` between frames. Prints JSON with what came of each frame.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
PYTHON = Path(__file__).with_name("python.sh")
USED = ("renderer=isaac", "renderer.isaac.run.accept_eula=true", f"renderer.isaac.run.python={PYTHON}",
        "renderer.isaac.run.close_timeout=2", "renderer.isaac.run.start_timeout=60")  # fmt: skip


def environment(quirks: dict[str, Any], calls: Path | None = None) -> dict[str, str]:
    """Variables that switch the stand-in's defects on, and keep a record of its calls."""
    more = {"STANDIN": json.dumps(quirks), "STANDIN_PYTHON": sys.executable}
    return {**os.environ, **more, **({"STANDIN_CALLS": str(calls)} if calls else {})}


def drive(
    tmp_path: Path,
    frames: list[dict[str, Any]],
    quirks: dict[str, Any] | None = None,
    *overrides: str,
    assets: Path | None = None,
    **more: Any,
) -> dict[str, Any]:
    """What :func:`main` prints, with the stand-in's calls beside it."""
    calls = tmp_path / "calls.jsonl"
    calls.unlink(missing_ok=True)
    job = {"frames": frames, "overrides": [*USED, *overrides], **more}
    done = subprocess.run(
        [sys.executable, "-m", "tests.isaac.drive", json.dumps(job)],
        cwd=REPOSITORY,
        env=environment(quirks or {}, calls)
        | {"PYTHONPATH": str(REPOSITORY)}
        | ({"STANDIN_ASSETS": str(assets)} if assets else {}),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    told["calls"] = [json.loads(line) for line in calls.read_text().splitlines()] if calls.exists() else []
    told["left"] = [str(path) for path in Path("/dev/shm").glob(f"sim-to-cloud-isaac-{told['pid']}-*")]
    return told


def main() -> None:
    import numpy as np

    from stages.common.errors import StageError
    from stages.sdg.label.labels import label_frame
    from stages.sdg.render.fake import FakeRenderer
    from stages.sdg.render.isaac.backend import IsaacRenderer
    from tests.sdg.render.scenes import plan
    from tests.settings import compose

    job = json.loads(sys.argv[1])
    settings = compose(*job["overrides"]).renderer
    if "fill" in job:
        _fill(Path(job["fill"]), settings, job["frames"])
        return
    out: dict[str, Any] = {"pid": os.getpid(), "frames": []}
    start = time.monotonic()
    try:
        renderer = IsaacRenderer(settings)
    except StageError as error:
        print(json.dumps({**out, "error": str(error)}))
        return
    if "plans" in job:
        out["frames"] = [_planned(renderer, compose(*job["overrides"]), number) for number in job["plans"]]
        renderer.close()
        print(json.dumps(out))
        return
    fake = FakeRenderer(settings)
    out["ready"] = time.monotonic() - start
    for number, keywords in enumerate(job["frames"]):
        begun = time.monotonic()
        told = dict(keywords)
        told["distortion"] = tuple(told.get("distortion", (0.0, 0.0)))
        told["size"] = tuple(told.get("size", (160, 120)))
        made = plan(**{"frame": number, **told})
        try:
            passes = renderer.render(made, normals=True)
        except StageError as error:
            out["frames"].append({"error": str(error), "seconds": time.monotonic() - begun})
            continue
        wanted = fake.render(made, normals=True)
        label = label_frame(made, passes, ["pallet", "pallet_truck"])
        out["frames"].append(
            {
                "same_ids": float((passes.instance == wanted.instance).mean()),
                "same_depth": float(np.isclose(passes.depth, wanted.depth, atol=1e-3).mean()),
                "same_parts": float((passes.parts == wanted.parts)[wanted.instance == 2].mean()),
                "same_normals": float((np.abs(passes.normals - wanted.normals).max(2) < 1e-3).mean()),
                "amodal": passes.amodal == wanted.amodal,
                "light": [float(passes.linear.min()), float(passes.linear.max())],
                "extra": {name: list(values.shape) for name, values in passes.extra.items()},
                "boxes": renderer.last.boxes,
                "facts": renderer.last.facts,
                "labels": {item.id: item.xyxy for item in label.instances},
                "seconds": time.monotonic() - begun,
            }
        )
        time.sleep(job.get("pause", 0))
    begun = time.monotonic()
    if job.get("close", True):
        renderer.close()
    out["closed"] = time.monotonic() - begun
    print(json.dumps(out))


def _planned(renderer: Any, settings: Any, number: int) -> dict[str, Any]:
    """A frame of the settings' own plans."""
    from stages.common.errors import StageError
    from stages.sdg.label.labels import label_frame
    from stages.sdg.plan.planner import plan_frame

    plan = plan_frame(settings, number)
    try:
        passes = renderer.render(plan)
    except StageError as error:
        return {"error": str(error)}
    label = label_frame(plan, passes, settings.scene.classes)
    return {
        "tags": plan.tags,
        "labels": {item.id: [item.class_name, *item.xyxy, item.occlusion, item.truncation] for item in label.instances},
        "boxes": renderer.last.boxes,
        "facts": renderer.last.facts,
        "depth": [float(passes.depth.min()), float(passes.depth[passes.instance > 0].max())],
    }


def _fill(root: Path, settings: Any, frames: list[dict[str, Any]]) -> None:
    """Write a job and its requests, for a capture without a backend."""
    from isaac.capture.folder import JobFolder, write_json
    from stages.sdg.render.isaac.job import asked_of, job_of
    from tests.sdg.render.scenes import plan

    folder = JobFolder(root)
    write_json(folder.job, job_of(settings, settings.isaac))
    for number, keywords in enumerate(frames):
        made = plan(**{"frame": number, **keywords})
        write_json(folder.request(number), asked_of(made, made.camera, root / "assets").request)


if __name__ == "__main__":
    main()
